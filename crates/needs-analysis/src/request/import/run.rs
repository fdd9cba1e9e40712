//! The import itself: rows in chunks, each chunk with its progress in one transaction.

use std::collections::HashSet;
use std::hash::RandomState;
use std::io::{Cursor, Read};

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::clock::Clock;
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, Db, DbError, Tx, expect_rows};
use sanbao_platform::lifecycle::{By, Change, save, step};

use super::mapping::{self, MappingKind};
use super::meaning::Meaning;
use super::options::{ImportError, ImportOptions};
use super::reading::{CHUNK_ROWS, Checked, Good, Reading, Scope};
use super::spool::SpoolFile;
use super::store::{self, Known};
use super::view::{ImportId, Report, RunState, ended};
use super::{input, past, spool, upload};
use crate::local_day;
use crate::request::details::Details;
use crate::request::input::WORD_CHARS_MAX;
use crate::request::model::Request;
use crate::request::step::{RequestStep, Said};
use crate::request::store as requests;
use sanbao_platform::table::{Fault, FileBytes, Mend, RowError, TableFile};

/// How often the rows of a transaction are tried where somebody else changes a request of theirs meanwhile.
const TRIES_MAX: usize = 5;
/// How long after a chunk nobody else goes on with an import.
pub(super) const LEASE_SECONDS: i64 = 15;
/// Chunks that are passed over before that is said anew.
const CHUNKS_OF_A_LEASE: usize = 200;

/// An import that is under way.
pub(super) struct Import {
    db: Db,
    clock: Clock,
    fields: FieldKeys,
    options: ImportOptions,
    scope: Scope,
    pub(super) report: Report,
    headings: Vec<String>,
    mend: Mend,
    /// The rows that are written down as done: where other rows are, another process has gone on with the import.
    saved_rows: i64,
}

/// The parts that an import needs of its service.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) fields: FieldKeys,
    /// The network's own area code.
    pub(super) dialling_code: Option<DiallingCode>,
}

/// Does what takes a while away from the threads that answer requests.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ImportError::Read(std::io::Error::other(e)))
}

/// Imports all rows of `reader`, telling `progress` how many of how many are done after each chunk. Its bytes are put by first, unless
/// it is a dry run.
pub async fn run(
    db: &Db,
    clock: &Clock,
    fields: &FieldKeys,
    mut reader: impl Read,
    options: &ImportOptions,
    progress: impl FnMut(u64, u64),
) -> Result<Report, ImportError> {
    let dialling_code = options.dialling_code.clone();
    let means = Means { db: db.clone(), clock: clock.clone(), fields: fields.clone(), dialling_code };
    if options.dry_run {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let (import, reading) = prepare(&means, Box::new(Cursor::new(bytes)), options.clone(), None).await?;
        return import.work(reading, progress).await;
    }
    let (id, now) = (ImportId::new(clock.now()), clock.now());
    spool::receive(db, fields, id, &mut reader, now).await?;
    drop(reader);
    let file = SpoolFile::open(&means, id).await?;
    let prepared = prepare(&means, Box::new(file), options.clone(), Some(id)).await;
    let (import, reading) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let mut tx = db.begin().await?;
            spool::forget(&mut tx, id).await?;
            upload::taken(&mut tx, id).await?;
            tx.commit().await?;
            return Err(error);
        }
    };
    import.open(None).await?;
    import.work(reading, progress).await
}

/// The import of a file: its header is understood, its rows are counted, and nothing is written.
pub(super) async fn prepare(
    means: &Means,
    file: Box<dyn FileBytes>,
    options: ImportOptions,
    id: Option<ImportId>,
) -> Result<(Import, Reading), ImportError> {
    if options.source.trim().is_empty() || options.source.chars().count() > WORD_CHARS_MAX {
        return Err(ImportError::Source);
    }
    let now = means.clock.now();
    let (meaning, scope) = known(means, &options).await?;
    let headings = meaning.headings.clone();
    let table = aside(move || input::open(file, &headings)).await??;
    let id = (!options.dry_run).then(|| id.unwrap_or_else(|| ImportId::new(now)));
    let total = i64::try_from(table.total).unwrap_or(0);
    let mut report = Report::start(id, &options.source, options.file_name.clone(), total, now);
    report.notes = table.notes.clone();
    report.by = options.importer.actor().map(|actor| actor.name.clone());
    report.file_hash = means.fields.fingerprint("import.file", &table.hash);
    let of = (options.importer.organisation(), options.source.as_str());
    report.same_file = store::same_file(&mut means.db.read().await?, of, &report.file_hash).await?;
    Ok(begun(means, table, meaning, scope, options, report))
}

/// The words of the source and the areas of the importing person.
async fn known(means: &Means, options: &ImportOptions) -> Result<(Meaning, Scope), DbError> {
    let mut conn = means.db.read().await?;
    let scope = options.importer.scope(&mut conn, local_day(means.clock.now())).await?;
    let said = mapping::of_source(&mut conn, options.importer.organisation(), &options.source).await?;
    let areas = store::areas(&mut conn).await?;
    let codes = areas.iter().map(|(code, _)| code.to_string()).collect();
    let named = areas.into_iter().filter(|(code, _)| scope.contains(code)).collect();
    Ok((Meaning::new(codes, named, said), scope))
}

fn begun(
    means: &Means,
    table: TableFile,
    meaning: Meaning,
    scope: Scope,
    options: ImportOptions,
    report: Report,
) -> (Import, Reading) {
    let Means { db, clock, fields, .. } = means.clone();
    let headings = table.headings().to_vec();
    let own = options.dialling_code.clone();
    let (clock_aside, fields_aside, seen) = (clock.clone(), fields.clone(), HashSet::new());
    let (scope_aside, hashes, saved_rows) = (scope.clone(), <[RandomState; 2]>::default(), report.done);
    let reading =
        Reading { table, clock: clock_aside, fields: fields_aside, own, meaning, scope: scope_aside, seen, hashes };
    let import = Import { db, clock, fields, options, scope, report, headings, mend: Mend::default(), saved_rows };
    (import, reading)
}

/// The import of a kept file that was broken off. The rows that were taken are passed over; their numbers are remembered, and
/// which of them are to be mended.
pub(super) async fn resumed(
    means: &Means,
    file: SpoolFile,
    options: ImportOptions,
    report: Report,
) -> Result<(Import, Reading), ImportError> {
    let (meaning, scope) = known(means, &options).await?;
    let headings = meaning.headings.clone();
    let table = aside(move || input::open(Box::new(file), &headings)).await??;
    let mut left = usize::try_from(report.done).unwrap_or(0);
    let (mut import, mut reading) = begun(means, table, meaning, scope, options, report);
    for chunk in 0_usize.. {
        // It is this process's still, however long that takes.
        if chunk.is_multiple_of(CHUNKS_OF_A_LEASE) {
            import.renew().await?;
        }
        if left == 0 {
            break;
        }
        let most = left.min(CHUNK_ROWS);
        let (read, rows) = aside(move || reading.next(most)).await??;
        reading = read;
        left = left.saturating_sub(rows.len());
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if let Checked::Bad(bad) = row {
                import.mend.add(&bad.row, &bad.faults);
            }
        }
    }
    Ok((import, reading))
}

impl Import {
    /// Takes all rows over that follow, in chunks.
    pub(super) async fn work(
        mut self,
        mut reading: Reading,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Report, ImportError> {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let total = count(self.report.total);
        progress(count(self.report.done), total);
        loop {
            let (read, rows) = aside(move || reading.next(CHUNK_ROWS)).await??;
            if rows.is_empty() {
                break;
            }
            reading = read;
            self.chunk(rows).await?;
            progress(count(self.report.done), total);
        }
        self.report.mend = self.mend.file(&self.headings, self.options.lang);
        self.close().await?;
        Ok(self.report)
    }

    /// Counts a chunk and, unless it is a dry run, stores it with its progress. Each row of it has exactly one outcome.
    async fn chunk(&mut self, rows: Vec<Checked>) -> Result<(), ImportError> {
        self.report.done += i64::try_from(rows.len()).unwrap_or(0);
        let mut good = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Checked::Good(mut checked) => {
                    self.report.doubt(std::mem::take(&mut checked.doubts));
                    if let Some(word) = &checked.unknown {
                        self.report.unknown.add(MappingKind::Category, word);
                    }
                    self.report.other += i64::from(checked.draft.details.category_raw.is_some());
                    good.push(*checked);
                }
                Checked::Bad(bad) => {
                    if let Some(word) = &bad.unknown {
                        self.report.unknown.add(MappingKind::Area, word);
                    }
                    self.mend.add(&bad.row, &bad.faults);
                    self.report.bad(bad.errors);
                }
                Checked::None(why) => self.report.skip(why),
            }
        }
        if self.options.dry_run {
            let mut conn = self.db.read().await?;
            for (good, known) in self.sorted(&mut conn, good).await? {
                match known {
                    None => self.report.created += 1,
                    Some(known) if known.state.is_open() => self.report.updated += 1,
                    Some(known) => self.report.ended(good.place, ended(known.state)),
                }
            }
            return Ok(self.accounted()?);
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
        self.accounted()?;
        store::save(&mut tx, &self.report, self.saved_rows, Some(self.lease())).await?;
        tx.commit().await?;
        self.saved_rows = self.report.done;
        Ok(())
    }

    /// Says that it is this process's for a while longer.
    async fn renew(&self) -> Result<(), DbError> {
        let Some(id) = self.report.id else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        store::renew(&mut tx, id, self.saved_rows, self.lease()).await?;
        tx.commit().await
    }

    /// Refuses to go on where a row has no outcome, or two: what was written with it is undone.
    fn accounted(&self) -> Result<(), DbError> {
        let count = |n: i64| u64::try_from(n).unwrap_or(u64::MAX);
        expect_rows("account for every row of the file", count(self.report.done), count(self.report.accounted()))
    }

    /// Until when nobody else goes on with it.
    fn lease(&self) -> DateTime<Utc> {
        self.clock.now() + Duration::seconds(LEASE_SECONDS)
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
                self.report.bad(vec![RowError::new(g.place, fault, None, &input::TABLE)]);
            } else if known.as_ref().is_some_and(|k| k.content_index.as_deref() == Some(&g.content_index)) {
                self.report.unchanged += 1;
            } else {
                if g.past.is_some() && known.as_ref().is_some_and(|k| k.state.is_open()) {
                    self.report.doubt(vec![RowError::new(g.place, past::open_here(), None, &input::TABLE)]);
                }
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
                        self.report.ended(good.place, ended(state));
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
            let mut request = Request::from_draft(good.draft, owner, &self.options.source, &self.fields, now);
            request.details.content_index = Some(good.content_index);
            let request = good.past.map_or(request.clone(), |past| past.of(request, now));
            return Ok(Change { because, ..Change::created(request) });
        };
        let details = good.draft.details_of(before.id, &self.fields);
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

    /// Writes down that the import has begun, with its file unless that was put by before, so that it goes on after the program
    /// was stopped. `false` where another has taken what was put by.
    pub(super) async fn open(&self, file: Option<&[u8]>) -> Result<bool, DbError> {
        let Some(id) = self.report.id.filter(|_| !self.options.dry_run) else { return Ok(true) };
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if file.is_none() && !upload::taken(&mut tx, id).await? {
            return Ok(false);
        }
        store::begin(&mut tx, &self.report, &self.options.importer, self.lease()).await?;
        spool::keep(&mut tx, &self.fields, id, &spool::Job::of(&self.options), file, now).await?;
        self.audit(&mut tx, "import.start").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Writes down that it has ended; its file is kept no longer.
    async fn close(&mut self) -> Result<(), DbError> {
        self.report.finished_at = Some(self.clock.now());
        let Some(id) = self.report.id.filter(|_| !self.options.dry_run) else { return Ok(()) };
        self.report.state = RunState::Finished;
        let mut tx = self.db.begin().await?;
        store::save(&mut tx, &self.report, self.saved_rows, None).await?;
        spool::forget(&mut tx, id).await?;
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
