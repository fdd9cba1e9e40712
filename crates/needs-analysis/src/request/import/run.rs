//! The import itself: rows in chunks, each chunk with its progress in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;

use sanbao_platform::auth::Actor;
use sanbao_platform::clock::Clock;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, Db, DbError, Engine, Tx, expect_rows};
use sanbao_platform::{audit, on};
use sqlx::types::Json;
use uuid::Uuid;

use super::report::{ImportId, Report, RowError};
use super::table::{self, TableError};
use crate::area::tree;
use crate::local_day;
use crate::request::border::{self, Draft, Fault, NewRequest, WORD_CHARS_MAX};
use crate::request::store::{self, History, Request};

/// Rows of one transaction: long enough to be fast, short enough that others get their turn.
const CHUNK_ROWS: usize = 500;

const INSERT_RUN: &str = "insert into import_run (id, source, file_name, actor, organisation, started_at, finished_at,
    rows_total, rows_done, created, updated, unchanged, failed, other, error_count, errors)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const UPDATE_RUN: &str = "update import_run set finished_at = $2, rows_done = $3, created = $4, updated = $5,
    unchanged = $6, failed = $7, other = $8, error_count = $9, errors = $10 where id = $1";
const KNOWN_POSTGRES: &str = "select id, external_id, content_index from request
    where source = $1 and external_id in (select jsonb_array_elements_text($2))";
const KNOWN_SQLITE: &str = "select id, external_id, content_index from request
    where source = $1 and external_id in (select value from json_each($2))";
const AREAS: &str = "select code from area";
const ELDERS_POSTGRES: &str = "select national_id_index, person_id from elder
    where national_id_index in (select jsonb_array_elements_text($1))";
const ELDERS_SQLITE: &str = "select national_id_index, person_id from elder
    where national_id_index in (select value from json_each($1))";

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The system the file comes from; with a row's external id it names a request.
    pub source: String,
    /// The file's name, for the report.
    pub file_name: Option<String>,
    /// Do all but write.
    pub dry_run: bool,
    /// Who imports, and within which areas; `None` for an operator at the command line: everywhere.
    pub actor: Option<Actor>,
    /// The request's id, for the audit log.
    pub request_id: String,
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

struct Good {
    row: u64,
    draft: Draft,
    content_index: String,
}

struct Import<'a> {
    db: &'a Db,
    clock: &'a Clock,
    fields: &'a FieldKeys,
    options: &'a ImportOptions,
    areas: HashSet<String>,
    scope: Option<BTreeSet<crate::area::AreaCode>>,
    seen: HashSet<String>,
    report: Report,
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
    let rows = table::rows(&table::decode(&bytes)?)?;
    drop(bytes);
    let (now, total) = (clock.now(), rows.len());
    let id = (!options.dry_run).then(|| ImportId::new(now));
    let report = Report::start(id, &options.source, options.file_name.clone(), i64::try_from(total).unwrap_or(0), now);
    let mut conn = db.read().await?;
    let areas = on!(conn, |c| sqlx::query_scalar(AREAS).fetch_all(c).await).map_err(DbError::from)?;
    let scope = match &options.actor {
        Some(actor) => Some(tree::scope_codes(&mut conn, actor, local_day(now)).await?),
        None => None,
    };
    drop(conn);
    let areas = areas.into_iter().collect();
    let mut import = Import { db, clock, fields, options, areas, scope, seen: HashSet::new(), report };
    import.open().await?;
    let mut done = 0;
    progress(done, total as u64);
    for chunk in rows.chunks(CHUNK_ROWS) {
        import.chunk(chunk).await?;
        done += chunk.len() as u64;
        progress(done, total as u64);
    }
    import.close().await?;
    Ok(import.report)
}

impl Import<'_> {
    /// Checks a chunk and, unless it is a dry run, stores it with its progress.
    async fn chunk(&mut self, rows: &[(u64, table::Parsed)]) -> Result<(), ImportError> {
        let mut good = Vec::with_capacity(rows.len());
        for (row, parsed) in rows {
            match self.check(*row, parsed) {
                Ok(checked) => good.push(checked),
                Err(errors) => self.report.bad(errors),
            }
        }
        self.report.done += i64::try_from(rows.len()).unwrap_or(0);
        self.report.other += i64::try_from(good.iter().filter(|g| g.draft.category_raw.is_some()).count()).unwrap_or(0);
        if self.options.dry_run {
            let mut conn = self.db.read().await?;
            let known = self.known(&mut conn, &good).await?;
            for g in &good {
                match known.get(g.draft.external_id.as_deref().unwrap_or_default()) {
                    None => self.report.created += 1,
                    Some((_, index)) if index.as_deref() == Some(&g.content_index) => self.report.unchanged += 1,
                    Some(_) => self.report.updated += 1,
                }
            }
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        self.store(&mut tx, good).await?;
        self.save(&mut tx).await?;
        store::touch(&mut tx, []);
        tx.commit().await?;
        Ok(())
    }

    fn check(&mut self, row: u64, parsed: &table::Parsed) -> Result<Good, Vec<RowError>> {
        let raw = parsed.as_ref().map_err(|code| vec![RowError::new(row, whole_row(code), None)])?;
        let told = |faults: Vec<Fault>| -> Vec<RowError> {
            faults.into_iter().map(|f| RowError::new(row, f, table::cell(raw, f.field).as_deref())).collect()
        };
        let draft = border::parse(raw, self.clock.now(), true).map_err(told)?;
        if !self.areas.contains(draft.area_code.as_str()) {
            return Err(told(vec![fault("area_code", "area_unknown", "没有这个区域", "There is no such area")]));
        }
        if self.scope.as_ref().is_some_and(|scope| !scope.contains(&draft.area_code)) {
            return Err(told(vec![fault(
                "area_code",
                "area_out_of_scope",
                "不在您负责的区域内",
                "Not within your area",
            )]));
        }
        if !self.seen.insert(draft.external_id.clone().unwrap_or_default()) {
            let zh = "编号在文件中重复,只取第一条";
            return Err(told(vec![fault(
                "external_id",
                "duplicate_in_file",
                zh,
                "Twice in this file; the first is taken",
            )]));
        }
        Ok(Good { row, content_index: self.content_index(raw), draft })
    }

    /// A keyed hash of what the row says.
    fn content_index(&self, raw: &NewRequest) -> String {
        let text = serde_json::to_string(raw).unwrap_or_default();
        self.fields.fingerprint("import.row", &text)
    }

    /// Which of the rows are known already, by external id.
    async fn known(
        &self,
        conn: &mut Conn,
        good: &[Good],
    ) -> Result<HashMap<String, (store::RequestId, Option<String>)>, DbError> {
        let ids = Json(good.iter().filter_map(|g| g.draft.external_id.as_deref()).collect::<Vec<_>>());
        let statement = match conn.engine() {
            Engine::Sqlite(_) => KNOWN_SQLITE,
            Engine::Postgres(_) => KNOWN_POSTGRES,
        };
        let rows: Vec<(store::RequestId, String, Option<String>)> =
            on!(conn, |c| sqlx::query_as(statement).bind(&self.options.source).bind(&ids).fetch_all(c).await)?;
        Ok(rows.into_iter().map(|(id, external, index)| (external, (id, index))).collect())
    }

    async fn store(&mut self, tx: &mut Tx, good: Vec<Good>) -> Result<(), DbError> {
        let now = self.clock.now();
        let known = self.known(tx, &good).await?;
        let (mut histories, mut changes) = (Vec::new(), Vec::new());
        let mut fresh = Vec::new();
        for g in good {
            match known.get(g.draft.external_id.as_deref().unwrap_or_default()) {
                Some((_, index)) if index.as_deref() == Some(&g.content_index) => self.report.unchanged += 1,
                Some((id, _)) => {
                    let Some(before) = store::find(tx, *id).await? else { continue };
                    let mut after = before.clone();
                    after.take_details(g.draft, self.fields);
                    after.content_index = Some(g.content_index);
                    after.person_id = store::elder_of(tx, after.national_id_index.as_deref()).await?;
                    if !store::update(tx, &after).await? {
                        return Err(DbError::RowCount { statement: "import update", expected: 1, actual: 0 });
                    }
                    histories.push((after.id, self.history("update", before.version + 1, Some(&before), &after)));
                    changes.extend(store::changes(Some(&before), &after));
                    self.report.updated += 1;
                }
                None => {
                    let mut request = Request::from_draft(g.draft, &self.options.source, self.fields, now);
                    request.content_index = Some(g.content_index);
                    fresh.push((g.row, request));
                }
            }
        }
        self.recognise(tx, &mut fresh).await?;
        for (row, request) in fresh {
            if store::insert(tx, &request).await? {
                histories.push((request.id, self.history("receive", 1, None, &request)));
                changes.extend(store::changes(None, &request));
                self.report.created += 1;
            } else {
                // Somebody else's import of the same file was faster.
                tracing::info!(row, "a row was imported at the same time");
                self.report.unchanged += 1;
            }
        }
        store::add_histories(tx, &histories).await?;
        store::count(tx, &changes).await
    }

    /// Links new requests to the elders whose resident ids they name.
    async fn recognise(&self, tx: &mut Tx, fresh: &mut [(u64, Request)]) -> Result<(), DbError> {
        let indexes = Json(fresh.iter().filter_map(|(_, r)| r.national_id_index.as_deref()).collect::<Vec<_>>());
        let statement = match tx.engine() {
            Engine::Sqlite(_) => ELDERS_SQLITE,
            Engine::Postgres(_) => ELDERS_POSTGRES,
        };
        let elders: Vec<(String, Uuid)> = on!(tx, |c| sqlx::query_as(statement).bind(&indexes).fetch_all(c).await)?;
        let elders: BTreeMap<String, Uuid> = elders.into_iter().collect();
        for (_, request) in fresh {
            request.person_id = request.national_id_index.as_ref().and_then(|i| elders.get(i).copied());
        }
        Ok(())
    }

    fn history(&self, step: &str, seq: i64, before: Option<&Request>, after: &Request) -> History {
        History {
            seq,
            step: step.to_owned(),
            state_before: before.map(|b| b.state),
            state_after: after.state,
            reason: self.report.id.map(|id| format!("import {id}")),
            actor: self.options.actor.as_ref().map(|a| a.subject.0),
            organisation: self.options.actor.as_ref().map(|a| a.organisation.0),
            ..History::received(self.clock.now())
        }
    }

    /// Writes down that the import has begun.
    async fn open(&mut self) -> Result<(), DbError> {
        let Some(id) = self.report.id else { return Ok(()) };
        let (r, actor) = (&self.report, self.options.actor.as_ref());
        let mut tx = self.db.begin().await?;
        on!(tx, |c| {
            let row =
                sqlx::query(INSERT_RUN).bind(id).bind(&r.source).bind(&r.file_name).bind(actor.map(|a| a.subject));
            let row = row.bind(actor.map(|a| a.organisation)).bind(r.started_at).bind(r.finished_at).bind(r.total);
            let row = row.bind(r.done).bind(r.created).bind(r.updated).bind(r.unchanged).bind(r.failed).bind(r.other);
            row.bind(r.error_count).bind(Json(&r.errors)).execute(c).await.map(drop)
        })?;
        audit::record_as(
            &mut tx,
            r.started_at,
            actor,
            "import.start",
            "import",
            Some(id.0),
            &self.options.request_id,
            "done",
        )
        .await?;
        tx.commit().await
    }

    /// Writes down how far it is.
    async fn save(&self, tx: &mut Tx) -> Result<(), DbError> {
        let Some(id) = self.report.id else { return Ok(()) };
        let r = &self.report;
        let rows = on!(tx, |c| {
            let row = sqlx::query(UPDATE_RUN).bind(id).bind(r.finished_at).bind(r.done).bind(r.created).bind(r.updated);
            let row = row.bind(r.unchanged).bind(r.failed).bind(r.other).bind(r.error_count).bind(Json(&r.errors));
            row.execute(c).await.map(|done| done.rows_affected())
        })?;
        expect_rows("save import", 1, rows)
    }

    async fn close(&mut self) -> Result<(), DbError> {
        self.report.finished_at = Some(self.clock.now());
        let Some(id) = self.report.id else { return Ok(()) };
        let (actor, now) = (self.options.actor.as_ref(), self.clock.now());
        let mut tx = self.db.begin().await?;
        self.save(&mut tx).await?;
        audit::record_as(&mut tx, now, actor, "import.finish", "import", Some(id.0), &self.options.request_id, "done")
            .await?;
        tx.commit().await
    }
}

fn fault(field: &'static str, code: &'static str, zh: &'static str, en: &'static str) -> Fault {
    Fault { field, code, zh, en }
}

fn whole_row(code: &'static str) -> Fault {
    match code {
        "column_count" => fault("", code, "列数与表头不一致", "Another number of columns than the header has"),
        _ => fault("", code, "这一行无法读取", "This row cannot be read"),
    }
}
