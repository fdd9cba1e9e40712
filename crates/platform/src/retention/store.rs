//! Runs in the database: the claim of a process, and the proof that is left.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::RetentionClass;
use crate::audit::record_as;
use crate::db::{Conn, DbError, Tx};
use crate::id::uuid_v7;
use crate::{on, text_enum};

/// A run that has taken nothing away for so long was left behind by its process.
const LEFT_AFTER: TimeDelta = TimeDelta::minutes(10);

const LEAVE: &str = "update retention_run set finished_at = beat_at, outcome = 'left'
    where class = $1 and finished_at is null and (beat_at < $2 or beat_at > $3)";
const CLAIM: &str = "insert into retention_run
        (id, class, years, before_at, started_at, beat_at, outcome, removed)
    values ($1, $2, $3, $4, $5, $5, 'running', 0) on conflict do nothing";
const NOTE: &str =
    "update retention_run set removed = removed + 1, oldest_at = coalesce(oldest_at, $3), newest_at = $3, beat_at = case when beat_at > $2 then beat_at else $2 end
    where id = $1 and finished_at is null";
const BEAT: &str = "update retention_run set beat_at = case when beat_at > $2 then beat_at else $2 end
    where id = $1 and finished_at is null";
// No end is before the last that was taken away, whatever the clock does.
const FINISH: &str =
    "update retention_run set finished_at = case when beat_at > $2 then beat_at else $2 end, outcome = $3
    where id = $1 and finished_at is null";
const LAST: &str = "select id, class, years, before_at, started_at, finished_at, outcome, removed, oldest_at, newest_at
    from retention_run where class = $1 and started_at <= $2 order by started_at desc, id desc limit 1";
const OF: &str = "select id, class, years, before_at, started_at, finished_at, outcome, removed, oldest_at, newest_at
    from retention_run where id = $1";
const LAST_DONE: &str =
    "select max(started_at) from retention_run where class = $1 and started_at <= $2 and outcome = 'done'";
const NEWEST_RUN: &str = "select started_at from retention_run where started_at <= $1 order by started_at desc limit 1";
const NEWEST_AUDIT: &str = "select occurred_at from audit where occurred_at <= $1 order by id desc limit 1";
// But for what is told by the clock, whatever it says.
const NEWEST_EVENT: &str =
    "select occurred_at from outbox where occurred_at <= $1 and kind <> 'booking.person.holds_told'
    order by seq desc limit 1";
const ALL: &str = "select id, class, years, before_at, started_at, finished_at, outcome, removed, oldest_at, newest_at
    from retention_run order by started_at, id";

text_enum! {
    /// How a run ended.
    pub enum Outcome {
        Running = "running",
        /// Everything whose time was over is gone.
        Done = "done",
        /// The process ended, or the run took as much as one may; the next one goes on.
        Stopped = "stopped",
        /// Something could not be taken away; the log says why.
        Failed = "failed",
        /// Its process was killed; the next one goes on.
        Left = "left",
    }
}

/// The proof of a run.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Run {
    pub id: Uuid,
    pub class: RetentionClass,
    /// The setting under which it ran.
    pub years: i64,
    /// The records whose clock began at or before it were to go.
    pub before_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub outcome: Outcome,
    /// How many were taken away.
    pub removed: i64,
    /// The clock of the first of them.
    pub oldest_at: Option<DateTime<Utc>>,
    /// The clock of the last of them.
    pub newest_at: Option<DateTime<Utc>>,
}

/// A run that this process has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) id: Uuid,
    pub(super) class: RetentionClass,
    pub(super) years: u32,
    pub(super) before: DateTime<Utc>,
    pub(super) at: DateTime<Utc>,
}

/// Begins a run; `false` while another process has one.
pub(super) async fn claim(tx: &mut Tx, claim: &Claim) -> Result<bool, DbError> {
    let Claim { class, at, .. } = *claim;
    // A clock that was put back makes a claim of a time to come, which would stand for ever.
    on!(tx, |c| {
        let leave = sqlx::query(LEAVE).bind(class).bind(at - LEFT_AFTER).bind(at + LEFT_AFTER);
        leave.execute(c).await.map(drop)
    })?;
    let rows = on!(tx, |c| {
        let row = sqlx::query(CLAIM).bind(claim.id).bind(class).bind(i64::from(claim.years)).bind(claim.before);
        row.bind(at).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// The claim of a run that begins now.
pub(super) fn claim_of(class: RetentionClass, years: u32, before: DateTime<Utc>, at: DateTime<Utc>) -> Claim {
    Claim { id: uuid_v7(at), class, years, before, at }
}

/// Writes down that one more was taken away, in the transaction of that; `false` when the run is no longer this process's.
pub(super) async fn note(
    tx: &mut Tx,
    claim: &Claim,
    is_first: bool,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(NOTE).bind(claim.id).bind(now).bind(at).execute(c).await.map(|done| done.rows_affected())
    })?;
    if is_first {
        record_as(tx, now, None, "retention.run", "retention", Some(claim.id), claim.class.as_str(), "done").await?;
    }
    Ok(rows == 1)
}

/// Says that the run goes on; `false` when it is no longer this process's.
pub(super) async fn beat(tx: &mut Tx, claim: &Claim, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows =
        on!(tx, |c| sqlx::query(BEAT).bind(claim.id).bind(now).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Ends a run.
pub(super) async fn finish(tx: &mut Tx, claim: &Claim, outcome: Outcome, now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(FINISH).bind(claim.id).bind(now).bind(outcome).execute(c).await.map(drop))?)
}

/// How the run of a claim stands.
pub(super) async fn of(conn: &mut Conn, claim: &Claim) -> Result<Option<Run>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF).bind(claim.id).fetch_optional(c).await)?)
}

/// The run of a class that began last. One of a time to come, which a wrong clock has left, hides none.
pub(super) async fn last(conn: &mut Conn, class: RetentionClass, now: DateTime<Utc>) -> Result<Option<Run>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LAST).bind(class).bind(now).fetch_optional(c).await)?)
}

/// When the last run began that has taken everything; one of a time to come hides none.
pub(super) async fn last_done(
    conn: &mut Conn,
    class: RetentionClass,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(LAST_DONE).bind(class).bind(now).fetch_one(c).await)?)
}

/// The moment of the newest run at `now`, and by all also of the newest audit row and event.
pub(super) async fn newest(
    conn: &mut Conn,
    now: DateTime<Utc>,
    by_all: bool,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let statements: &[&'static str] = if by_all { &[NEWEST_RUN, NEWEST_AUDIT, NEWEST_EVENT] } else { &[NEWEST_RUN] };
    let mut newest: Option<DateTime<Utc>> = None;
    for statement in statements {
        let at: Option<DateTime<Utc>> =
            on!(conn, |c| sqlx::query_scalar(*statement).bind(now).fetch_optional(c).await)?;
        newest = newest.max(at);
    }
    Ok(newest)
}

impl Run {
    /// Every run of a database, the first of them first.
    pub async fn all(conn: &mut Conn) -> Result<Vec<Self>, DbError> {
        Ok(on!(conn, |c| sqlx::query_as(ALL).fetch_all(c).await)?)
    }
}
