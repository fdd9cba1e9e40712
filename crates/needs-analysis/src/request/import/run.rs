//! The import itself: rows in chunks, each chunk with its progress in one transaction.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit;
use sanbao_platform::auth::Actor;
use sanbao_platform::clock::Clock;
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::lifecycle::{By, Change, save, step};

use super::input;
use super::store::{self, Known};
use super::view::{ImportId, Report, ended};
use crate::area::{self, AreaCode};
use crate::local_day;
use crate::request::details::Details;
use crate::request::input::{Draft, NewRequest, Rules, WORD_CHARS_MAX, told};
use crate::request::model::Request;
use crate::request::step::{RequestStep, Said};
use crate::request::store as requests;
use sanbao_platform::table::{Fault, Mend, RowError, TableError, TableFile, TableRow, whole_row};

/// Rows of one transaction: long enough to be fast, short enough that others get their turn.
const CHUNK_ROWS: usize = 500;
/// How often the rows of a transaction are tried where somebody else changes a request of theirs meanwhile.
const TRIES_MAX: usize = 5;

/// For whom a file is imported: whose source it is, and within which areas.
#[derive(Clone, Debug)]
pub enum Importer {
    /// Somebody of an organisation, within the areas of the token.
    Person(Actor),
    /// An operator at the command line, for a street office: within the area that it governs.
    Operator { office: OrganisationId, area: AreaCode },
}

impl Importer {
    /// The organisation whose source it is.
    pub fn organisation(&self) -> OrganisationId {
        match self {
            Self::Person(actor) => actor.organisation,
            Self::Operator { office, .. } => *office,
        }
    }

    /// The person; none at the command line.
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Person(actor) => Some(actor),
            Self::Operator { .. } => None,
        }
    }

    async fn scope(&self, conn: &mut Conn, on: NaiveDate) -> Result<Scope, DbError> {
        Ok(Arc::new(match self {
            Self::Person(actor) => area::scope_codes(conn, actor, on).await?,
            Self::Operator { area, .. } => area::descendants(conn, area, on).await?.into_iter().collect(),
        }))
    }
}

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The organisation's system that the file comes from; with a row's external id it names a request.
    pub source: String,
    /// The file's name, for the report.
    pub file_name: Option<String>,
    /// Do all but write.
    pub dry_run: bool,
    /// For whom it is imported.
    pub importer: Importer,
    /// The request's id, for the audit log.
    pub request_id: String,
    /// The network's own area code.
    pub dialling_code: Option<DiallingCode>,
    /// The language of the file of bad rows.
    pub lang: Lang,
}

/// Why an import could not be done, or not go on; what its report counts is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read from where it lies.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no table of requests.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The source's name is empty or too long.
    #[error("a source's name has 1 to 100 characters")]
    Source,
    /// The database failed; run the import again.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(Clone)]
struct Good {
    row: u64,
    draft: Draft,
    /// The doubts about it.
    doubts: Vec<RowError>,
    content_index: String,
}

/// A row that is not taken, and why.
struct Bad {
    row: Box<TableRow>,
    faults: Vec<Fault>,
    errors: Vec<RowError>,
}

/// The areas whose requests may be written; shared by the reading and the writing.
type Scope = Arc<BTreeSet<AreaCode>>;

/// The file and what its rows are held against. It goes from thread to thread: rows are read and checked away from those
/// that answer requests.
struct Reading {
    table: TableFile,
    clock: Clock,
    fields: FieldKeys,
    own: Option<DiallingCode>,
    areas: HashSet<String>,
    scope: Scope,
    seen: HashSet<String>,
}

/// Rows that were checked.
type Checked = Vec<Result<Good, Bad>>;

struct Import<'a> {
    db: &'a Db,
    clock: &'a Clock,
    fields: &'a FieldKeys,
    options: &'a ImportOptions,
    scope: Scope,
    report: Report,
    mend: Mend,
}

/// Does what takes a while away from the threads that answer requests.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ImportError::Read(std::io::Error::other(e)))
}

/// Imports all rows of `reader`, telling `progress` how many of how many are done after each chunk.
pub async fn run(
    db: &Db,
    clock: &Clock,
    fields: &FieldKeys,
    mut reader: impl Read,
    options: &ImportOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, ImportError> {
    if options.source.trim().is_empty() || options.source.chars().count() > WORD_CHARS_MAX {
        return Err(ImportError::Source);
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    drop(reader);
    let table = aside(move || input::open(bytes)).await??;
    let (now, total) = (clock.now(), table.total);
    let id = (!options.dry_run).then(|| ImportId::new(now));
    let headings = table.headings().to_vec();
    let mut report =
        Report::start(id, &options.source, options.file_name.clone(), i64::try_from(total).unwrap_or(0), now);
    report.notes = table.notes.clone();
    let mut conn = db.read().await?;
    let areas = store::area_codes(&mut conn).await?;
    let scope = options.importer.scope(&mut conn, local_day(now)).await?;
    drop(conn);
    let (clock_aside, fields_aside) = (clock.clone(), fields.clone());
    let mut import = Import { db, clock, fields, options, scope: scope.clone(), report, mend: Mend::default() };
    let (own, seen) = (options.dialling_code.clone(), HashSet::new());
    let mut reading = Reading { table, clock: clock_aside, fields: fields_aside, own, areas, scope, seen };
    import.open().await?;
    let mut done = 0;
    progress(done, total);
    loop {
        let (read, rows) = aside(move || reading.next()).await?;
        if rows.is_empty() {
            break;
        }
        reading = read;
        done += rows.len() as u64;
        import.chunk(rows).await?;
        progress(done, total);
    }
    import.close().await?;
    import.report.mend = import.mend.file(&headings, options.lang);
    Ok(import.report)
}

impl Reading {
    /// The next chunk of rows, checked.
    fn next(mut self) -> (Self, Checked) {
        let rows = self.table.rows(CHUNK_ROWS);
        let checked = rows.into_iter().map(|row| self.check(row)).collect();
        (self, checked)
    }

    fn check(&mut self, row: TableRow) -> Result<Good, Bad> {
        let raw = match input::request(&row) {
            Ok(raw) => raw,
            Err(code) => {
                let fault = whole_row(code);
                let errors = vec![RowError::new(row.fault_line(), fault.clone(), None, &input::TABLE)];
                return Err(Bad { row: Box::new(row), faults: vec![fault], errors });
            }
        };
        let line = row.line;
        let error = |f: &Fault| RowError::new(line, f.clone(), input::cell(&raw, f.field).as_deref(), &input::TABLE);
        match self.read(&raw) {
            Ok((draft, doubts)) => {
                let doubts = doubts.iter().map(error).collect();
                Ok(Good { row: line, content_index: self.content_index(&raw), draft, doubts })
            }
            Err(faults) => {
                let errors = faults.iter().map(error).collect();
                Err(Bad { row: Box::new(row), faults, errors })
            }
        }
    }

    /// The request that a row tells of, and the doubts about it; or what is wrong with it.
    fn read(&mut self, raw: &NewRequest) -> Result<(Draft, Vec<Fault>), Vec<Fault>> {
        let one = |field, code, zh, en| Err(vec![Fault::new(field, code, zh, en)]);
        let rules = Rules { now: self.clock.now(), own: self.own.as_ref(), file: true };
        let (draft, doubts) = told(raw, rules)?;
        if !self.areas.contains(draft.details.area_code.as_str()) {
            return one("area_code", "area_unknown", "没有这个区域", "There is no such area");
        }
        if !self.scope.contains(&draft.details.area_code) {
            return one("area_code", "area_out_of_scope", "不在您负责的区域内", "Not within your area");
        }
        if !self.seen.insert(draft.external_id.clone().unwrap_or_default()) {
            let zh = "编号在文件中重复，只取第一条";
            return one("external_id", "duplicate_in_file", zh, "Twice in this file; the first is taken");
        }
        Ok((draft, doubts))
    }

    /// A keyed hash of what the row says.
    fn content_index(&self, raw: &NewRequest) -> String {
        let text = serde_json::to_string(raw).unwrap_or_default();
        self.fields.fingerprint("import.row", &text)
    }
}

impl Import<'_> {
    /// Counts a chunk and, unless it is a dry run, stores it with its progress.
    async fn chunk(&mut self, rows: Checked) -> Result<(), ImportError> {
        self.report.done += i64::try_from(rows.len()).unwrap_or(0);
        let mut good = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Ok(mut checked) => {
                    self.report.doubt(std::mem::take(&mut checked.doubts));
                    good.push(checked);
                }
                Err(bad) => {
                    self.mend.add(&bad.row, &bad.faults);
                    self.report.bad(bad.errors);
                }
            }
        }
        self.report.other +=
            i64::try_from(good.iter().filter(|g| g.draft.details.category_raw.is_some()).count()).unwrap_or(0);
        if self.options.dry_run {
            let mut conn = self.db.read().await?;
            for (good, known) in self.sorted(&mut conn, good).await? {
                match known {
                    None => self.report.created += 1,
                    Some(known) if known.state.is_open() => self.report.updated += 1,
                    Some(known) => self.report.ended(good.row, ended(known.state)),
                }
            }
            return Ok(());
        }
        for _ in 1..TRIES_MAX {
            let before = self.report.clone();
            match self.stored(good.clone()).await {
                // All of it was undone: the rows are held against what is there now.
                Err(error) if is_overtaken(&error) => self.report = before,
                done => return Ok(done?),
            }
        }
        Ok(self.stored(good).await?)
    }

    /// Stores rows with the progress, in a transaction of their own.
    async fn stored(&mut self, good: Vec<Good>) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        self.store(&mut tx, good).await?;
        store::save(&mut tx, &self.report).await?;
        tx.commit().await
    }

    /// The rows that are new or have changed, with what is known of those; the others are counted here.
    async fn sorted(&mut self, conn: &mut Conn, good: Vec<Good>) -> Result<Vec<(Good, Option<Known>)>, DbError> {
        let ids = good.iter().filter_map(|g| g.draft.external_id.as_deref());
        let source = (self.options.importer.organisation(), self.options.source.as_str());
        let mut known = store::known(conn, source, &self.scope, ids).await?;
        let mut sorted = Vec::with_capacity(good.len());
        for g in good {
            let known = known.remove(g.draft.external_id.as_deref().unwrap_or_default());
            let foreign = |k: &Known| !self.scope.contains(&k.area_code);
            if known.as_ref().is_some_and(foreign) {
                let fault = Fault::new("external_id", "not_accepted", "不能使用这个编号", "This id cannot be used");
                self.report.bad(vec![RowError::new(g.row, fault, None, &input::TABLE)]);
            } else if known.as_ref().is_some_and(|k| k.content_index.as_deref() == Some(&g.content_index)) {
                self.report.unchanged += 1;
            } else {
                sorted.push((g, known));
            }
        }
        Ok(sorted)
    }

    /// Takes the rows over: new requests, and a step of those that are known.
    async fn store(&mut self, tx: &mut Tx, good: Vec<Good>) -> Result<(), DbError> {
        let (now, because) = (self.clock.now(), self.report.id.map(|id| format!("import {id}")));
        let mut changes = Vec::new();
        for (good, known) in self.sorted(tx, good).await? {
            let before = match known {
                None => None,
                Some(known) => match requests::find(tx, known.id).await? {
                    Some(request) if request.state_name().is_open() => Some(request),
                    other => {
                        let state = other.map_or(known.state, |request| request.state_name());
                        self.report.ended(good.row, ended(state));
                        continue;
                    }
                },
            };
            changes.push(self.change(before, good, because.as_deref(), now)?);
        }
        recognise(tx, &mut changes).await?;
        self.write(tx, changes, now).await
    }

    /// The step that a row takes on a request, or the request that it makes.
    fn change(
        &self,
        before: Option<Request>,
        good: Good,
        because: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Change<Request>, DbError> {
        let because = because.map(str::to_owned);
        let owner = self.options.importer.organisation();
        let Some(before) = before else {
            let mut request = Request::from_draft(good.draft, owner, &self.options.source, self.fields, now);
            request.details.content_index = Some(good.content_index);
            return Ok(Change { because, ..Change::created(request) });
        };
        let details = good.draft.details_of(before.id, self.fields);
        let details = Box::new(Details { content_index: Some(good.content_index), ..details });
        let update = RequestStep::Update { details, said: Said { reason: because, note: None } };
        // The state was asked before: every open request can be brought up to date.
        let mut change = step(before, update, now).map_err(|_| OVERTAKEN)?;
        change.after.organisation = Some(owner);
        Ok(change)
    }

    async fn write(&mut self, tx: &mut Tx, changes: Vec<Change<Request>>, now: DateTime<Utc>) -> Result<(), DbError> {
        let count = |changes: &[Change<Request>]| {
            let updated = changes.iter().filter(|change| change.before.is_some()).count();
            (updated, changes.len() - updated)
        };
        let (updates, creations) = count(&changes);
        let by = By::Automatic { cause: &self.options.request_id, at: now, actor: self.options.importer.actor() };
        let (updated, created) = count(&save(tx, &by, changes).await?);
        if updated < updates {
            return Err(OVERTAKEN);
        }
        self.report.updated += i64::try_from(updated).unwrap_or(0);
        self.report.created += i64::try_from(created).unwrap_or(0);
        // Of the others somebody else's import of the same file was faster.
        self.report.unchanged += i64::try_from(creations - created).unwrap_or(0);
        Ok(())
    }

    /// Writes down that the import has begun.
    async fn open(&mut self) -> Result<(), DbError> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        store::begin(&mut tx, &self.report, &self.options.importer).await?;
        self.audit(&mut tx, "import.start").await?;
        tx.commit().await
    }

    /// Writes down that it has ended.
    async fn close(&mut self) -> Result<(), DbError> {
        self.report.finished_at = Some(self.clock.now());
        if self.options.dry_run {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        store::save(&mut tx, &self.report).await?;
        self.audit(&mut tx, "import.finish").await?;
        tx.commit().await
    }

    async fn audit(&self, tx: &mut Tx, action: &str) -> Result<(), DbError> {
        let (actor, id) = (self.options.importer.actor(), self.report.id.map(|id| id.0));
        audit::record_as(tx, self.clock.now(), actor, action, "import", id, &self.options.request_id, "done").await
    }
}

/// Links requests to the elders whose resident ids they name. A request whose person is known keeps the person: a row that names
/// nobody whom the network knows says nothing against it.
async fn recognise(tx: &mut Tx, changes: &mut [Change<Request>]) -> Result<(), DbError> {
    let indexes = changes.iter().filter_map(|change| change.after.details.national_id_index.as_deref());
    let elders = requests::elders_of(tx, indexes).await?;
    for change in changes {
        let known = change.before.as_ref().and_then(|before| before.details.person_id);
        let details = &mut change.after.details;
        let named = details.national_id_index.as_ref().and_then(|index| elders.get(index).copied());
        details.person_id = named.or(known);
    }
    Ok(())
}

/// Somebody took a step of a request while its row was read. The chunk is undone and can be imported again.
const OVERTAKEN: DbError = DbError::RowCount { statement: OVERTAKEN_AT, expected: 1, actual: 0 };
const OVERTAKEN_AT: &str = "import update";

fn is_overtaken(error: &DbError) -> bool {
    matches!(error, DbError::RowCount { statement: OVERTAKEN_AT, .. })
}
