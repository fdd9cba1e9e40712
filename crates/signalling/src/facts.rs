//! What the booking side must learn of a visit, durably: rows and outbox events in one transaction.
//!
//! The relay's hot path never waits for the database: a room hands facts to a bounded queue, and one
//! task writes them, many to a transaction. Places in the queue are taken *before* an input that can
//! give facts is handled, so nothing is dropped, and facts of one room keep their order.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::publish;
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::{audit, on};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::id::{ConsultId, PersonId};
use crate::room::{Fact, Past};
use crate::ticket::Role;

const PAST: &str = "select started_at, finished_at from consult_room where consult = $1";
const START: &str = "insert into consult_room (consult, started_at) values ($1, $2)
    on conflict (consult) do nothing";
const FINISH: &str = "insert into consult_room (consult, finished_at, together_seconds) values ($1, $2, $3)
    on conflict (consult) do update set finished_at = $2, together_seconds = $3
    where consult_room.finished_at is null";

/// How many facts share a transaction at most.
const BATCH_MAX: usize = 64;
/// How long the writer waits before it tries a failed transaction again, at most.
const RETRY_WAIT_MS_MAX: u64 = 5_000;
/// How long the writer waits for the last facts once the process is told to end.
const DRAIN_WAIT_MS_MAX: u64 = 5_000;

/// A fact and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) consult: ConsultId,
    pub(crate) fact: Fact,
}

#[derive(Serialize)]
struct Started {
    #[serde(rename = "consult_id")]
    consult: ConsultId,
    at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Attendance {
    #[serde(rename = "consult_id")]
    consult: ConsultId,
    person: PersonId,
    role: Role,
    change: &'static str,
    at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Finished {
    #[serde(rename = "consult_id")]
    consult: ConsultId,
    by: PersonId,
    at: DateTime<Utc>,
    together_seconds: u64,
}

#[derive(Default, sqlx::FromRow)]
struct PastRow {
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// What is known of a consult from earlier.
pub(crate) async fn past(db: &Db, consult: ConsultId) -> Result<Past, DbError> {
    let mut conn = db.read().await?;
    let row: Option<PastRow> = on!(conn, |c| sqlx::query_as(PAST).bind(consult).fetch_optional(c).await)?;
    let row = row.unwrap_or_default();
    Ok(Past { started_at: row.started_at, finished: row.finished_at.is_some() })
}

/// Writes facts until `stop`, then what is left.
pub(crate) async fn write_all(db: Db, mut queue: mpsc::Receiver<Record>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        let taken = tokio::select! {
            taken = queue.recv_many(&mut batch, BATCH_MAX) => taken,
            () = stop.cancelled() => break,
        };
        if taken == 0 {
            return;
        }
        write_until_done(&db, &mut batch).await;
    }
    // Connections are closing and have their last facts to tell; a quiet moment is the end.
    let deadline = tokio::time::Instant::now() + Duration::from_millis(DRAIN_WAIT_MS_MAX);
    while tokio::time::Instant::now() < deadline {
        let quiet = Duration::from_millis(300);
        match tokio::time::timeout(quiet, queue.recv_many(&mut batch, BATCH_MAX)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => write_until_done(&db, &mut batch).await,
        }
    }
}

/// Tries until the database takes the batch: facts wait, they are not dropped.
async fn write_until_done(db: &Db, batch: &mut Vec<Record>) {
    let mut wait_ms = 50;
    while let Err(error) = write(db, batch).await {
        tracing::error!(%error, waiting = batch.len(), "facts of visits are not written yet");
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        wait_ms = (wait_ms * 2).min(RETRY_WAIT_MS_MAX);
    }
    batch.clear();
}

async fn write(db: &Db, batch: &[Record]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for record in batch {
        write_one(&mut tx, record).await?;
    }
    tx.commit().await
}

async fn write_one(tx: &mut Tx, Record { consult, fact }: &Record) -> Result<(), DbError> {
    let consult = *consult;
    let (action, at) = match fact {
        Fact::Started { at } => {
            let new =
                on!(tx, |c| sqlx::query(START).bind(consult).bind(*at).execute(c).await.map(|r| r.rows_affected()))?;
            if new == 0 {
                return Ok(()); // it began before this process did
            }
            publish(tx, *at, "signalling.consult.started", consult, &Started { consult, at: *at }).await?;
            ("consult.start", *at)
        }
        Fact::Attendance { person, role, joined, at } => {
            let change = if *joined { "joined" } else { "left" };
            let event = Attendance { consult, person: *person, role: *role, change, at: *at };
            publish(tx, *at, "signalling.consult.attendance", consult, &event).await?;
            return Ok(()); // the event is the record
        }
        Fact::Finished { by, at, together_seconds } => {
            let seconds = i64::try_from(*together_seconds).unwrap_or(i64::MAX);
            let new = on!(tx, |c| {
                sqlx::query(FINISH).bind(consult).bind(*at).bind(seconds).execute(c).await.map(|r| r.rows_affected())
            })?;
            if new == 0 {
                return Ok(());
            }
            let event = Finished { consult, by: *by, at: *at, together_seconds: *together_seconds };
            publish(tx, *at, "signalling.consult.finished", consult, &event).await?;
            ("consult.finish", *at)
        }
    };
    audit::record_as(tx, at, None, action, "consult", Some(consult.0), "relay", "done").await
}
