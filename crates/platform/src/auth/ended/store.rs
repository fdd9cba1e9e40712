//! Ends in a service's database.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Ending, horizon};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, Tx};
use crate::id::SubjectId;
use crate::on;

const END_SESSION: &str = "insert into ended_session (session, noted_at) values ($1, $2) on conflict do nothing";
const OUTDATE: &str = "insert into outdated_token (account, version, noted_at) values ($1, $2, $3)
    on conflict (account) do update set version = excluded.version, noted_at = excluded.noted_at
    where outdated_token.version < excluded.version";
const SESSIONS: &str = "select session, noted_at from ended_session where noted_at >= $1";
const OUTDATED: &str = "select account, version, noted_at from outdated_token where noted_at >= $1";
const FORGET_SESSIONS: &str = "delete from ended_session where noted_at < $1";
const FORGET_OUTDATED: &str = "delete from outdated_token where noted_at < $1";

/// How often a process looks for what others of its service wrote.
const LOOK_EVERY_MS: u64 = 1_000;
/// How far before the last look is read: another's transaction may have been open so long, and its clock differ.
const OVERLAP_SECONDS: i64 = 60;
/// How often what is old enough is forgotten, in looks.
const LOOKS_PER_CLEANING: u64 = 600;

/// Writes an end down, within the transaction that makes it true; this process heeds it from the commit on.
pub async fn record(tx: &mut Tx, ending: Ending, now: DateTime<Utc>) -> Result<(), DbError> {
    match ending {
        Ending::Session(session) => {
            on!(tx, |c| sqlx::query(END_SESSION).bind(session).bind(now).execute(c).await.map(drop))?;
        }
        Ending::Rights { account, version } => {
            on!(tx, |c| sqlx::query(OUTDATE).bind(account).bind(version).bind(now).execute(c).await.map(drop))?;
        }
    }
    tx.ends(ending, now);
    Ok(())
}

async fn since(conn: &mut Conn, at: DateTime<Utc>) -> Result<Vec<(Ending, DateTime<Utc>)>, DbError> {
    let sessions: Vec<(Uuid, DateTime<Utc>)> = on!(conn, |c| sqlx::query_as(SESSIONS).bind(at).fetch_all(c).await)?;
    let outdated: Vec<(SubjectId, i64, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(OUTDATED).bind(at).fetch_all(c).await)?;
    let sessions = sessions.into_iter().map(|(session, noted)| (Ending::Session(session), noted));
    let rights = outdated.into_iter().map(|(account, version, noted)| (Ending::Rights { account, version }, noted));
    Ok(sessions.chain(rights).collect())
}

/// Reads what the database remembers, for a process that has just begun.
pub(crate) async fn load(db: &Db) -> Result<(), DbError> {
    let endings = since(&mut db.read().await?, DateTime::UNIX_EPOCH).await?;
    db.ended().note(&endings);
    Ok(())
}

/// Looks every second for what other processes of the same service wrote, until `stop`.
pub(crate) async fn follow(db: Db, clock: Clock, stop: CancellationToken) {
    let mut looks = 0;
    while !stop.is_cancelled() {
        let now = clock.now();
        let seen = async { since(&mut db.read().await?, now - TimeDelta::seconds(OVERLAP_SECONDS)).await }.await;
        match seen {
            Ok(endings) => db.ended().note(&endings),
            Err(error) => tracing::warn!(%error, "ended log-ins cannot be read; trying again"),
        }
        looks += 1;
        if looks % LOOKS_PER_CLEANING == 0 {
            db.ended().forget_before(horizon(now));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)) => {}
        }
    }
}

/// Takes away what nothing can depend on any more.
pub(crate) async fn forget(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for statement in [FORGET_SESSIONS, FORGET_OUTDATED] {
        on!(tx, |c| sqlx::query(statement).bind(horizon(now)).execute(c).await.map(drop))?;
    }
    tx.commit().await
}
