//! The statements of imports.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sqlx::types::Json;

use super::meaning::UnknownWords;
use super::options::Importer;
use super::view::{ImportId, Kept, Report, RunState, SameFile, Undo};
use crate::area::AreaCode;
use crate::request::id::RequestId;
use crate::request::state::RequestStateName;
use sanbao_platform::table::{FileNotes, RowError};

const BEGIN: &str = "insert into import_run (id, source, file_name, actor, organisation, started_at, finished_at,
    rows_total, rows_done, created, updated, unchanged, failed, other, ended, error_count, errors, notes, actor_name,
    file_hash, lease_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
const SAVE: &str = "update import_run set finished_at = $2, rows_done = $3, created = $4, updated = $5,
    unchanged = $6, failed = $7, other = $8, ended = $9, error_count = $10, errors = $11, warning_count = $12,
    warnings = $13, skipped = $14, unknown_words = $15, lease_until = $16 where id = $1 and rows_done = $17";
const RENEW: &str =
    "update import_run set lease_until = $3 where id = $1 and rows_done = $2 and lease_until is not null";
macro_rules! run {
    () => {
        "select id, source, file_name, started_at, finished_at, rows_total, rows_done, created, updated, unchanged,
            failed, skipped, other, ended, error_count, errors, warning_count, warnings, notes, actor_name,
            unknown_words, lease_until, undo_started_at, undone_at, undone_by, taken_back, kept, kept_first
        from import_run "
    };
}
const FIND: &str = concat!(run!(), "where id = $1 and organisation = $2");
const ANY: &str = concat!(run!(), "where id = $1");
const LIST: &str = concat!(run!(), "where organisation = $1 and id < $2 order by id desc limit $3");
// Of runs that went into the same source the same file is the same requests.
const SAME_FILE: &str = "select id, source, started_at from import_run
    where organisation = $1 and file_hash = $2 and source <> $3 and undone_at is null order by started_at desc limit 1";
// Those of the organisation's own source, and those of which it is not known whose they are: each by its own index, however
// many requests the source has.
const KNOWN_POSTGRES: &str = "select id, organisation_id, external_id, content_index, state, area_code from request
    where organisation_id = $3 and source = $1 and external_id in (select jsonb_array_elements_text($2))
    union all
    select id, organisation_id, external_id, content_index, state, area_code from request
    where organisation_id is null and source = $1 and external_id in (select jsonb_array_elements_text($2))";
const KNOWN_SQLITE: &str = "select id, organisation_id, external_id, content_index, state, area_code from request
    where organisation_id = $3 and source = $1 and external_id in (select value from json_each($2))
    union all
    select id, organisation_id, external_id, content_index, state, area_code from request
    where organisation_id is null and source = $1 and external_id in (select value from json_each($2))";
const AREAS: &str = "select code, name_zh from area";

/// A request that a row of this source and external id has made before.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Known {
    pub id: RequestId,
    organisation_id: Option<OrganisationId>,
    external_id: String,
    /// A keyed hash of the row as it was read last.
    pub content_index: Option<String>,
    /// Where the request stands.
    pub state: RequestStateName,
    /// Where it is wanted: what lies outside the importing person's areas is not that person's to change by a file.
    pub area_code: AreaCode,
}

/// An import as it is stored.
#[derive(sqlx_macros::FromRow)]
struct Row {
    id: ImportId,
    source: String,
    file_name: Option<String>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    rows_total: i64,
    rows_done: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    failed: i64,
    skipped: i64,
    other: i64,
    ended: i64,
    error_count: i64,
    errors: Json<Vec<RowError>>,
    warning_count: i64,
    warnings: Option<Json<Vec<RowError>>>,
    notes: Option<Json<FileNotes>>,
    actor_name: Option<String>,
    unknown_words: Option<Json<UnknownWords>>,
    lease_until: Option<DateTime<Utc>>,
    undo_started_at: Option<DateTime<Utc>>,
    undone_at: Option<DateTime<Utc>>,
    undone_by: Option<String>,
    taken_back: i64,
    kept: i64,
    kept_first: Option<Json<Vec<Kept>>>,
}

impl Row {
    fn state(&self) -> RunState {
        match (self.undo_started_at, self.undone_at, self.finished_at, self.lease_until) {
            (_, Some(_), ..) => RunState::Undone,
            (Some(_), ..) => RunState::Undoing,
            (.., Some(_), _) => RunState::Finished,
            (.., Some(_)) => RunState::Running,
            _ => RunState::Broken,
        }
    }

    fn undo(&mut self) -> Option<Undo> {
        Some(Undo {
            started_at: self.undo_started_at?,
            finished_at: self.undone_at,
            by: self.undone_by.take(),
            taken_back: self.taken_back,
            kept: self.kept,
            kept_first: self.kept_first.take().unwrap_or_default().0,
        })
    }
}

impl From<Row> for Report {
    fn from(mut row: Row) -> Self {
        Self {
            state: row.state(),
            undo: row.undo(),
            file_name: row.file_name,
            finished_at: row.finished_at,
            done: row.rows_done,
            created: row.created,
            updated: row.updated,
            unchanged: row.unchanged,
            failed: row.failed,
            skipped: row.skipped,
            other: row.other,
            ended: row.ended,
            error_count: row.error_count,
            errors: row.errors.0,
            warning_count: row.warning_count,
            warnings: row.warnings.unwrap_or_default().0,
            notes: row.notes.unwrap_or_default().0,
            by: row.actor_name,
            unknown: row.unknown_words.unwrap_or_default().0,
            ..Self::start(Some(row.id), &row.source, None, row.rows_total, row.started_at)
        }
    }
}

/// The codes of all areas, with their names.
pub async fn areas(conn: &mut Conn) -> Result<Vec<(AreaCode, String)>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(AREAS).fetch_all(c).await)?)
}

/// The same file under another source of the organisation.
pub async fn same_file(
    conn: &mut Conn,
    (owner, source): (OrganisationId, &str),
    hash: &str,
) -> Result<Option<SameFile>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(SAME_FILE).bind(owner).bind(hash).bind(source).fetch_optional(c).await)?)
}

/// Which of these external ids of an organisation's source are known already. A request of which it is not known whose
/// source it came by is taken for the organisation's if it lies in `scope`; else it is like one that is not there.
pub async fn known<'a>(
    conn: &mut Conn,
    (owner, source): (OrganisationId, &str),
    scope: &BTreeSet<AreaCode>,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Known>, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => KNOWN_SQLITE,
        Engine::Postgres(_) => KNOWN_POSTGRES,
    };
    let ids = Json(ids.collect::<Vec<_>>());
    let rows: Vec<Known> =
        on!(conn, |c| sqlx::query_as(statement).bind(source).bind(&ids).bind(owner).fetch_all(c).await)?;
    let mut found = HashMap::new();
    for known in rows {
        if known.organisation_id.is_some() {
            found.insert(known.external_id.clone(), known);
        } else if scope.contains(&known.area_code) {
            found.entry(known.external_id.clone()).or_insert(known);
        }
    }
    Ok(found)
}

/// Writes down that an import has begun. A dry run has no id and is not written down.
pub async fn begin(tx: &mut Tx, r: &Report, importer: &Importer, lease: DateTime<Utc>) -> Result<(), DbError> {
    on!(tx, |c| {
        let row =
            sqlx::query(BEGIN).bind(r.id).bind(&r.source).bind(&r.file_name).bind(importer.actor().map(|a| a.subject));
        let row = row.bind(importer.organisation()).bind(r.started_at).bind(r.finished_at).bind(r.total);
        let row = row.bind(r.done).bind(r.created).bind(r.updated).bind(r.unchanged).bind(r.failed).bind(r.other);
        let row = row.bind(r.ended).bind(r.error_count).bind(Json(&r.errors)).bind(Json(&r.notes)).bind(&r.by);
        row.bind(&r.file_hash).bind(lease).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes down how far it is, and until when nobody else goes on with it. It fails where other rows are done than `before`: another
/// process has gone on with it.
pub async fn save(tx: &mut Tx, r: &Report, before: i64, lease: Option<DateTime<Utc>>) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SAVE).bind(r.id).bind(r.finished_at).bind(r.done).bind(r.created).bind(r.updated);
        let row = row.bind(r.unchanged).bind(r.failed).bind(r.other).bind(r.ended).bind(r.error_count);
        let row = row.bind(Json(&r.errors)).bind(r.warning_count).bind(Json(&r.warnings)).bind(r.skipped);
        row.bind(Json(&r.unknown)).bind(lease).bind(before).execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("save import", 1, rows)
}

/// Says until when nobody else goes on with it, where so many rows are done.
pub async fn renew(tx: &mut Tx, id: ImportId, done: i64, lease: DateTime<Utc>) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let query = sqlx::query(RENEW).bind(id).bind(done).bind(lease);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("renew import", 1, rows)
}

/// An organisation's import.
pub async fn find(conn: &mut Conn, id: ImportId, owner: OrganisationId) -> Result<Option<Report>, DbError> {
    let row: Option<Row> = on!(conn, |c| sqlx::query_as(FIND).bind(id).bind(owner).fetch_optional(c).await)?;
    Ok(row.map(Report::from))
}

/// An import of whichever organisation, to go on with it.
pub async fn any(conn: &mut Conn, id: ImportId) -> Result<Option<Report>, DbError> {
    let row: Option<Row> = on!(conn, |c| sqlx::query_as(ANY).bind(id).fetch_optional(c).await)?;
    Ok(row.map(Report::from))
}

/// An organisation's imports, the newest first, older than `before`.
pub async fn list(
    conn: &mut Conn,
    owner: OrganisationId,
    before: ImportId,
    limit: i64,
) -> Result<Vec<Report>, DbError> {
    let rows: Vec<Row> = on!(conn, |c| sqlx::query_as(LIST).bind(owner).bind(before).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(Report::from).collect())
}
