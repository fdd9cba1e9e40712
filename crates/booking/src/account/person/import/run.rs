//! The import itself: some rows in a transaction each. A rehearsal does the same, and undoes it.

use std::collections::HashSet;

use sanbao_platform::audit;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::{Fault, Mend, RowError, TableFile, TableReport, TableRow, refused_table};

use super::input::{COLUMNS, ImportedPerson, PersonRules, person};
use super::known::Known;
use super::reseal;
use super::said::{SaidField, said, take};
use super::store::{self, NewSourceRow, SourceRow, SourceRowId};
use super::view::PersonReport;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation::Organisation;
use crate::account::person::events::{PersonEvent, REGISTERED, UPDATED};
use crate::account::person::model::{Person, register};
use crate::account::person::state::PersonState;
use crate::account::person::{pair, store as people};
use crate::account::policy::{self, AccountAction};
use crate::account::problems::{NATIONAL_ID_TAKEN, NATIONAL_ID_UNREADABLE};

/// Rows of a file of people at most: more than any street has elders.
pub const PERSON_ROWS_MAX: u64 = 20_000;
/// Rows of one transaction: each writes a hundred keys or so, and others get their turn between two.
const CHUNK_ROWS: usize = 25;
/// The domain of the keyed hash of a row.
const ROW_DOMAIN: &str = "person_import.row";

/// A row that was read: the person, or what is wrong with it.
type Read = (TableRow, Result<ImportedPerson, Vec<Fault>>);

/// How to import people.
pub(super) struct Options {
    /// The organisation whose file it is.
    pub(super) own: Organisation,
    /// The system that the file comes from.
    pub(super) source: String,
    /// Do all, and undo it.
    pub(super) dry_run: bool,
}

struct Run<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    options: &'a Options,
    keys: &'a FieldKeys,
    known: Known,
    /// The numbers of the rows before.
    numbers: HashSet<String>,
    report: PersonReport,
    mend: Mend,
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

/// Imports a file, or says what it would do.
pub(super) async fn run(app: &App, ctx: &Ctx, bytes: Vec<u8>, options: &Options) -> Result<PersonReport, Problem> {
    let mut table = aside(move || TableFile::open(bytes, &COLUMNS)).await?.map_err(refused_table)?;
    if table.total > PERSON_ROWS_MAX {
        let zh = format!("超过 {PERSON_ROWS_MAX} 行，请分成几个文件");
        return Err(Problem::field("/file", zh, format!("More than {PERSON_ROWS_MAX} rows: divide the file")));
    }
    let headings = table.headings().to_vec();
    let rules = PersonRules { today: ctx.now().date_naive(), own: app.deps.dialling_code.clone() };
    let (dry_run, total, notes) = (options.dry_run, table.total, table.notes.clone());
    let report = PersonReport {
        source: options.source.clone(),
        table: TableReport { dry_run, total, notes, ..TableReport::default() },
        ..PersonReport::default()
    };
    let keys = &app.deps.fields;
    let mut run = Run {
        app,
        ctx,
        options,
        keys,
        known: Known::default(),
        numbers: HashSet::new(),
        report,
        mend: Mend::default(),
    };
    loop {
        let rules = rules.clone();
        let (read, rows) = aside(move || {
            let rows = table.rows(CHUNK_ROWS).into_iter().map(|row| {
                let read = person(&row, &rules);
                (row, read)
            });
            let rows: Vec<Read> = rows.collect();
            (table, rows)
        })
        .await?;
        table = read;
        if rows.is_empty() {
            break;
        }
        run.chunk(rows).await?;
    }
    run.report.table.mend = run.mend.file(&headings, ctx.lang);
    Ok(run.report)
}

impl Run<'_> {
    async fn chunk(&mut self, rows: Vec<Read>) -> Result<(), Problem> {
        let mut tx = self.app.deps.db.begin().await?;
        for (row, read) in rows {
            match read {
                Ok(person) if self.comes_twice(&person) => {
                    let zh = "编号在文件中重复，只取第一条";
                    let fault =
                        Fault::new("external_id", "duplicate_in_file", zh, "Twice in this file; the first is taken");
                    self.bad(&row, &[fault]);
                }
                Ok(person) => self.row(&mut tx, &row, &person).await?,
                Err(faults) => self.bad(&row, &faults),
            }
        }
        if self.options.dry_run {
            // Undone: the next to write finds nothing of it.
            drop(tx);
            return Ok(());
        }
        tx.touch("persons", self.options.own.id);
        Ok(tx.commit().await?)
    }

    /// Whether a row before had the same number.
    fn comes_twice(&mut self, person: &ImportedPerson) -> bool {
        person.external_id.as_ref().is_some_and(|id| !self.numbers.insert(id.clone()))
    }

    fn bad(&mut self, row: &TableRow, faults: &[Fault]) {
        if let Some(sums) = row.skipped() {
            return self.report.table.skip(RowError::new(row.fault_line(), sums, None, &COLUMNS));
        }
        self.mend.add(row, faults);
        let cell = |field: &str| {
            let cells = row.cells.as_ref().ok()?;
            cells.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone())
        };
        let error = |f: &Fault| RowError::new(row.fault_line(), f.clone(), cell(f.field).as_deref(), &COLUMNS);
        self.report.table.bad(faults.iter().map(error).collect());
    }

    fn doubt(&mut self, row: &TableRow, fault: Fault, text: Option<&str>) {
        self.report.table.doubt(RowError::new(row.line, fault, text, &COLUMNS));
    }

    fn source(&self) -> (OrganisationId, &str) {
        (self.options.own.id, &self.options.source)
    }

    /// Takes a row over, and counts it once.
    async fn row(&mut self, tx: &mut Tx, row: &TableRow, read: &ImportedPerson) -> Result<(), Problem> {
        // What is read of the row: a running number in a column of no field makes it no other.
        let told: Vec<String> = row.cells.iter().flatten().map(|(field, text)| format!("{field}={text}")).collect();
        let content = self.keys.fingerprint(ROW_DOMAIN, &told.join("\u{1f}"));
        let external_id = read.external_id.clone().unwrap_or_else(|| format!("~{}", &content[..32]));
        let last = store::find(tx, self.source(), &external_id).await?;
        let mut fresh = self.blank();
        read.fill(&mut fresh, self.keys, self.ctx.now().date_naive());
        let same = self.known.same(&fresh);
        let at = SourcedRow { row, read, external_id, content, last };
        if let Some((line, id)) = same {
            return self.same(tx, at, line, id, &fresh).await;
        }
        if at.last.as_ref().is_some_and(|last| last.content_index == at.content) {
            let id = at.last.as_ref().map_or(fresh.id, |last| last.person_id);
            self.known.add(row.line, id, &fresh);
            self.report.unchanged += 1;
            return Ok(());
        }
        for (fault, text) in &read.doubts {
            self.doubt(row, fault.clone(), text.as_deref());
        }
        match self.there(tx, &at, &fresh).await? {
            Some(person) => self.update(tx, at, person).await,
            None => self.create(tx, at, fresh).await,
        }
    }

    /// A person of whom nothing is known yet, where the caller registers people.
    fn blank(&self) -> Person {
        let own = &self.options.own;
        let home = register(own).1;
        let mut person = Person::blank(PersonId::new(self.ctx.now()), home, self.ctx.now());
        person.registered_by = home.is_none().then_some(own.id);
        person
    }

    /// The record that the row is of: the one that it made before; the one of the same paper; or the only one of the same
    /// name and telephone that nothing tells apart.
    async fn there(&self, tx: &mut Tx, at: &SourcedRow<'_>, fresh: &Person) -> Result<Option<Person>, Problem> {
        let own = self.options.own.id;
        let mut id = at.last.as_ref().map(|last| last.person_id);
        if id.is_none() {
            id = store::of_paper(tx, own, fresh.national_id_index.as_deref(), fresh.paper_index.as_deref()).await?;
        }
        if id.is_none()
            && let Some(phone) = fresh.phone.as_deref()
        {
            let key = sanbao_platform::cn::name_key(&fresh.name);
            // Where the file or the record says nothing, nothing differs.
            let differ = |old: &store::WithPhone| {
                old.birth_date.zip(fresh.birth_date).is_some_and(|(a, b)| a != b)
                    || old.national_id_index.as_ref().zip(fresh.national_id_index.as_ref()).is_some_and(|(a, b)| a != b)
            };
            let mut alike = store::with_phone(tx, own, phone).await?;
            alike.retain(|old| sanbao_platform::cn::name_key(&old.name) == key && !differ(old));
            id = if let [only] = &alike[..] { Some(only.id) } else { None };
        }
        let Some(id) = id else { return Ok(None) };
        Ok(people::find(tx, id).await?.map(sanbao_platform::audit::Personal::into_unseen))
    }

    /// Somebody who stands further up in the file.
    async fn same(
        &mut self,
        tx: &mut Tx,
        at: SourcedRow<'_>,
        line: u64,
        id: PersonId,
        fresh: &Person,
    ) -> Result<(), Problem> {
        self.report.same += 1;
        let zh = format!("与第 {line} 行是同一人，没有另建");
        let en = format!("The same person as on line {line}; no other record was made");
        let fault = Fault { field: "", code: "same_person", zh: zh.into(), en: en.into() };
        self.doubt(at.row, fault, None);
        // In a rehearsal the record of that line is undone already.
        if !self.options.dry_run && at.last.is_none() {
            self.remember(tx, at, id, fresh).await?;
        }
        Ok(())
    }

    async fn create(&mut self, tx: &mut Tx, at: SourcedRow<'_>, fresh: Person) -> Result<(), Problem> {
        if !people::insert(tx, &fresh).await? {
            self.bad(at.row, &[meanwhile()]);
            return Ok(());
        }
        PersonEvent::of(&fresh).publish(tx, self.ctx.now(), &REGISTERED).await?;
        audit::record(tx, self.ctx, "person.create", "person", fresh.id).await?;
        let others = pair::candidates(tx, self.ctx, &self.options.own, fresh.id).await?;
        if !others.is_empty() {
            self.report.perhaps_same += 1;
            let zh = format!("可能已经登记过：有 {} 份相似的记录，请到“重复登记”里核对", others.len());
            let en = format!("Perhaps registered already: {} similar records; look at the list of pairs", others.len());
            let fault = Fault { field: "", code: "perhaps_same", zh: zh.into(), en: en.into() };
            self.doubt(at.row, fault, None);
        }
        self.report.created += 1;
        self.known.add(at.row.line, fresh.id, &fresh);
        let id = fresh.id;
        self.remember(tx, at, id, &fresh).await
    }

    /// Why a record is left as it is, if it is: the person has died or left, or the caller may not correct it any more.
    async fn left_alone(&self, tx: &mut Tx, person: &Person) -> Result<Option<Fault>, Problem> {
        let relation = people::relation(tx, self.ctx, person).await?;
        let fault = |code, zh, en| Some(Fault::new("", code, zh, en));
        Ok(if policy::of(&self.ctx.actor, AccountAction::PersonUpdate, relation) != Decision::Allow {
            let zh = "这份记录已不归您的机构，没有按文件改动";
            fault("person_of_others", zh, "The record is not your organisation's any more; it was left as it is")
        } else if person.state == PersonState::Registered {
            None
        } else {
            let zh = "本人已登记为去世或离开，没有按文件改动";
            fault("person_ended", zh, "This person has died or left; the record was left as it is")
        })
    }

    async fn update(&mut self, tx: &mut Tx, at: SourcedRow<'_>, mut person: Person) -> Result<(), Problem> {
        let mut fresh = self.blank();
        // Sealed for the record that is there.
        fresh.id = person.id;
        at.read.fill(&mut fresh, self.keys, self.ctx.now().date_naive());
        self.known.add(at.row.line, person.id, &fresh);
        if let Some(fault) = self.left_alone(tx, &person).await? {
            self.report.ended += 1;
            self.doubt(at.row, fault, None);
            return Ok(());
        }
        let own = self.options.own.id;
        let index = fresh.national_id_index.as_deref();
        let known = store::of_paper(tx, own, index, None).await?.filter(|holder| *holder != person.id);
        if known.or(store::holder(tx, person.id, index).await?).is_some() {
            let (zh, en) = ("这个证件号在另一份记录上，没有改动", "Another record has this paper; it was left");
            self.doubt(at.row, Fault::new("paper_number", "paper_taken", zh, en), None);
            (fresh.national_id_index, fresh.national_id_sealed, fresh.national_id_tail) = (None, None, None);
        }
        let before = at.last.as_ref().map(|last| last.said.0.clone()).unwrap_or_default();
        let unreadable = |_| Problem::new(&NATIONAL_ID_UNREADABLE);
        let taken = take(&mut person, &fresh, &before, self.keys).map_err(unreadable)?;
        for field in taken.left {
            self.doubt(at.row, left(field), None);
        }
        if taken.changed {
            if !people::update(tx, &person).await.map_err(taken_meanwhile)? {
                self.bad(at.row, &[meanwhile()]);
                return Ok(());
            }
            PersonEvent::of(&person).publish(tx, self.ctx.now(), &UPDATED).await?;
            audit::record(tx, self.ctx, "person.update", "person", person.id).await?;
            self.report.updated += 1;
        } else {
            self.report.unchanged += 1;
        }
        self.remember(tx, at, person.id, &fresh).await
    }

    /// Writes down by which row a person is found again, and what it said.
    async fn remember(&self, tx: &mut Tx, at: SourcedRow<'_>, id: PersonId, fresh: &Person) -> Result<(), Problem> {
        // A field that this row does not say keeps what was said of it before: a blank cell is nobody's doing.
        let mut all = at.last.as_ref().map(|last| last.said.0.clone()).unwrap_or_default();
        all.extend(said(fresh, self.keys).map_err(|_| Problem::new(&NATIONAL_ID_UNREADABLE))?);
        let row = at.last.as_ref().map_or_else(|| SourceRowId::new(self.ctx.now()), |last| last.id);
        let unread = at.read.unread();
        let text = serde_json::to_string(&unread).map_err(Problem::internal)?;
        let kept = (!unread.is_empty()).then(|| self.keys.seal(&reseal::place(row.0), &text));
        let new = NewSourceRow { person: id, content_index: &at.content, said: &all, kept, at: self.ctx.now() };
        match at.last {
            Some(_) => store::update(tx, row, new).await?,
            None => store::insert(tx, row, self.source(), &at.external_id, new).await?,
        }
        Ok(())
    }
}

/// A row with what was made of it before.
struct SourcedRow<'a> {
    row: &'a TableRow,
    read: &'a ImportedPerson,
    external_id: String,
    content: String,
    last: Option<SourceRow>,
}

/// The fault of a row whose record somebody else has written at the same moment.
fn meanwhile() -> Fault {
    let (zh, en) =
        ("导入期间别人登记或修改了这份记录，请再导入一次", "Somebody wrote this record meanwhile; import once more");
    Fault::new("", "changed_meanwhile", zh, en)
}

/// Somebody has registered the number for another record at the same moment.
fn taken_meanwhile(error: DbError) -> Problem {
    if error.is_unique_violation() { Problem::new(&NATIONAL_ID_TAKEN) } else { error.into() }
}

/// The doubt about a field that a person has decided otherwise.
fn left(field: SaidField) -> Fault {
    let (zh, en) = (
        "这一项在系统里改过，与文件不同，没有按文件改动",
        "Changed by hand since, and not as in the file; it was left",
    );
    Fault::new(field.as_str(), "changed_by_hand", zh, en)
}
