//! The history of each aggregate, step by step (办理记录): written by [`crate::lifecycle`], read by pages and API.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::audit::Personal;
use crate::db::{Conn, DbError, Engine, Tx, as_text, expect_rows};
use crate::on;

/// Lines that are read of one aggregate at most: the newest ones.
pub const LINES_MAX: i64 = 200;

pub(crate) const ADD_SQLITE: &str = "insert into history
    (aggregate, id, version, at, actor, actor_name, organisation, step, from_state, to_state, reason, note)
    select e.value ->> 'aggregate', unhex(e.value ->> 'id'), e.value ->> 'version', e.value ->> 'at',
        unhex(e.value ->> 'actor'), e.value ->> 'actor_name', unhex(e.value ->> 'organisation'), e.value ->> 'step',
        e.value ->> 'from_state', e.value ->> 'to_state', e.value ->> 'reason', e.value ->> 'note'
    from json_each($1) e";
pub(crate) const ADD_POSTGRES: &str = "insert into history
    (aggregate, id, version, at, actor, actor_name, organisation, step, from_state, to_state, reason, note)
    select h.aggregate, h.id, h.version, h.at, h.actor, h.actor_name, h.organisation, h.step, h.from_state,
        h.to_state, h.reason, h.note
    from jsonb_to_recordset($1) as h (aggregate text, id uuid, version bigint, at timestamptz, actor uuid,
        actor_name text, organisation uuid, step text, from_state text, to_state text, reason text, note text)";
const NEXT: &str = "select coalesce(max(version), 0) + 1 from history where aggregate = $1 and id = $2";
const OF: &str = "select version, at, actor, actor_name, organisation, step, from_state, to_state, reason, note
    from history where aggregate = $1 and id = $2 order by version desc limit $3";

/// A line of an aggregate's history.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Line {
    /// The version of the aggregate that the step made.
    pub version: i64,
    /// When the step took place.
    pub at: DateTime<Utc>,
    /// The account that took it; `None` for an event, a timer or the command line.
    pub actor: Option<Uuid>,
    /// The account's name at that time.
    pub actor_name: Option<String>,
    /// The account's organisation.
    pub organisation: Option<Uuid>,
    /// The step's word.
    pub step: String,
    /// The state before; `None` for the first line.
    pub from_state: Option<String>,
    /// The state after.
    pub to_state: String,
    /// Why, where the step asks for a reason.
    pub reason: Option<String>,
    /// The remark.
    pub note: Option<String>,
}

/// A line as both engines read it out of one JSON array.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryLine<'a> {
    aggregate: &'static str,
    id: String,
    version: i64,
    at: String,
    actor: Option<String>,
    actor_name: Option<&'a str>,
    organisation: Option<String>,
    step: &'a str,
    from_state: Option<&'a str>,
    to_state: &'a str,
    reason: Option<&'a str>,
    note: Option<&'a str>,
}

/// Lines as rows, each under its aggregate's id.
pub(crate) fn rows<'a>(aggregate: &'static str, lines: &'a [(Uuid, Line)]) -> Vec<HistoryLine<'a>> {
    let hex = |id: Uuid| id.simple().to_string();
    let row = |(id, line): &'a (Uuid, Line)| HistoryLine {
        aggregate,
        id: hex(*id),
        version: line.version,
        at: as_text(line.at),
        actor: line.actor.map(hex),
        actor_name: line.actor_name.as_deref(),
        organisation: line.organisation.map(hex),
        step: &line.step,
        from_state: line.from_state.as_deref(),
        to_state: &line.to_state,
        reason: line.reason.as_deref(),
        note: line.note.as_deref(),
    };
    lines.iter().map(row).collect()
}

/// Adds lines to aggregates of one kind, each under its aggregate's id, by one statement.
pub async fn add(tx: &mut Tx, aggregate: &'static str, lines: &[(Uuid, Line)]) -> Result<(), DbError> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows = rows(aggregate, lines);
    let statement = match tx.engine() {
        Engine::Sqlite(_) => ADD_SQLITE,
        Engine::Postgres(_) => ADD_POSTGRES,
    };
    let added = on!(tx, |c| sqlx::query(statement).bind(Json(&rows)).execute(c).await.map(|r| r.rows_affected()))?;
    expect_rows("add history", lines.len() as u64, added)
}

/// The version of the next line of something that keeps no version of its own.
pub async fn next_version(conn: &mut Conn, aggregate: &'static str, id: Uuid) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(NEXT).bind(aggregate).bind(id).fetch_one(c).await)?)
}

/// The newest lines of an aggregate, at most [`LINES_MAX`], the oldest of them first. What people said in them is about
/// somebody.
pub async fn of(conn: &mut Conn, aggregate: &'static str, id: impl Into<Uuid>) -> Result<Personal<Vec<Line>>, DbError> {
    Ok(newest(conn, aggregate, id).await?.0)
}

/// As [`of`]; and whether older lines are left out.
pub async fn newest(
    conn: &mut Conn,
    aggregate: &'static str,
    id: impl Into<Uuid>,
) -> Result<(Personal<Vec<Line>>, bool), DbError> {
    let id = id.into();
    let mut lines: Vec<Line> =
        on!(conn, |c| sqlx::query_as(OF).bind(aggregate).bind(id).bind(LINES_MAX + 1).fetch_all(c).await)?;
    let most = usize::try_from(LINES_MAX).unwrap_or(usize::MAX);
    let more = lines.len() > most;
    lines.truncate(most);
    lines.reverse();
    Ok((lines.into(), more))
}
