//! The consumer's side: one task that follows publishers' logs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use super::{Event, Outbox};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, Tx};
use crate::on;

/// Events taken from a log at a time.
const BATCH_MAX: i64 = 100;
/// How long a quiet follower waits before it looks again, should a wake-up be lost.
const POLL_MS: u64 = 1_000;
/// Tries of one event before it is parked.
const ATTEMPTS_MAX: u32 = 8;
/// The first wait between tries; it doubles up to [`BACKOFF_MS_MAX`].
const BACKOFF_MS_MIN: u64 = 50;
const BACKOFF_MS_MAX: u64 = 5_000;

const CURSOR: &str = "select position from inbox_cursor where consumer = $1 and publisher = $2";
const MOVE_CURSOR: &str = "insert into inbox_cursor (consumer, publisher, position) values ($1, $2, $3)
    on conflict (consumer, publisher) do update set position = excluded.position";
const REMEMBER: &str = "insert into inbox (consumer, event_id, handled_at) values ($1, $2, $3) on conflict do nothing";
const PARK: &str = "insert into parked_event
    (consumer, event_id, publisher, kind, subject, occurred_at, data, cause, attempts, parked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
const COUNT_PARKED: &str = "select count(*) from parked_event where consumer = $1";

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// Try again: the database or a neighbour failed.
    #[error("{0}")]
    Retry(String),
    /// It will never be taken as it is: park it.
    #[error("{0}")]
    Reject(String),
}

impl From<DbError> for ConsumeError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<sqlx::Error> for ConsumeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(error.to_string())
    }
}

/// What takes effect of an event, within the consumer's own transaction.
pub type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Event) -> BoxFuture<'a, Result<(), ConsumeError>> + Send + Sync>;

/// A named follower of some kinds of one publisher's events.
#[derive(Clone)]
pub struct Consumer {
    /// Its name, which its cursor is stored under.
    pub name: &'static str,
    /// Whose log it follows.
    pub publisher: &'static str,
    /// The kinds it takes; it passes over the others.
    pub kinds: &'static [&'static str],
    /// Its database.
    pub db: Db,
    /// Its clock.
    pub clock: Clock,
    /// What it does.
    pub handler: Handler,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consumer({} of {})", self.name, self.publisher)
    }
}

/// How a consumer stands; for `/metrics` and operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: &'static str,
    /// How many events of the log it has not read.
    pub behind: i64,
    /// How many events it gave up on.
    pub parked: i64,
}

impl Consumer {
    /// Follows `log` until `stop`; what is begun is finished first.
    pub async fn run(self, log: Outbox, stop: CancellationToken) {
        let mut changes = log.db.changes();
        let mut wait_ms = BACKOFF_MS_MIN;
        while !stop.is_cancelled() {
            let pause = match self.catch_up(&log).await {
                Ok(_) => {
                    wait_ms = BACKOFF_MS_MIN;
                    POLL_MS
                }
                Err(error) => {
                    tracing::error!(consumer = self.name, %error, "a consumer cannot read or write; it tries again");
                    wait_ms = (wait_ms * 2).min(BACKOFF_MS_MAX);
                    wait_ms
                }
            };
            let grown = async {
                while let Ok(change) = changes.recv().await {
                    if change.topic == super::outbox::TOPIC {
                        return;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
                () = grown, if wait_ms == BACKOFF_MS_MIN => {}
            }
        }
    }

    /// Takes everything there is; the number of events that took effect.
    pub async fn catch_up(&self, log: &Outbox) -> Result<u64, DbError> {
        let mut taken = 0;
        loop {
            let cursor = self.cursor().await?;
            let events = log.read(cursor, BATCH_MAX).await?;
            let Some(last) = events.last().map(|e| e.position) else { return Ok(taken) };
            for event in events.iter().filter(|e| self.kinds.contains(&e.kind.as_str())) {
                taken += u64::from(self.take(event).await?);
            }
            let mut tx = self.db.begin().await?;
            self.move_cursor(&mut tx, last).await?;
            tx.commit().await?;
        }
    }

    /// How it stands beside `log`.
    pub async fn status(&self, log: &Outbox) -> Result<ConsumerStatus, DbError> {
        let behind = log.last().await? - self.cursor().await?;
        let mut conn = self.db.read().await?;
        let parked = on!(conn, |c| sqlx::query_scalar(COUNT_PARKED).bind(self.name).fetch_one(c).await)?;
        Ok(ConsumerStatus { name: self.name, behind, parked })
    }

    async fn cursor(&self) -> Result<i64, DbError> {
        let mut conn: Conn = self.db.read().await?;
        let position: Option<i64> =
            on!(conn, |c| sqlx::query_scalar(CURSOR).bind(self.name).bind(self.publisher).fetch_optional(c).await)?;
        Ok(position.unwrap_or(0))
    }

    async fn move_cursor(&self, tx: &mut Tx, position: i64) -> Result<(), DbError> {
        on!(tx, |c| sqlx::query(MOVE_CURSOR)
            .bind(self.name)
            .bind(self.publisher)
            .bind(position)
            .execute(c)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Whether the event took effect now (not a repeat, not parked).
    async fn take(&self, event: &Event) -> Result<bool, DbError> {
        let mut wait_ms = BACKOFF_MS_MIN;
        for attempt in 1..=ATTEMPTS_MAX {
            match self.try_take(event).await {
                Ok(fresh) => return Ok(fresh),
                Err(ConsumeError::Reject(cause)) => {
                    self.park(event, &cause, attempt).await?;
                    return Ok(false);
                }
                Err(ConsumeError::Retry(cause)) if attempt == ATTEMPTS_MAX => {
                    self.park(event, &cause, attempt).await?;
                    return Ok(false);
                }
                Err(ConsumeError::Retry(_)) => {
                    let jitter = rand::random_range(0..=wait_ms / 2);
                    tokio::time::sleep(Duration::from_millis(wait_ms + jitter)).await;
                    wait_ms = (wait_ms * 2).min(BACKOFF_MS_MAX);
                }
            }
        }
        Ok(false)
    }

    async fn try_take(&self, event: &Event) -> Result<bool, ConsumeError> {
        let mut tx = self.db.begin().await?;
        let fresh = on!(tx, |c| {
            let remember = sqlx::query(REMEMBER).bind(self.name).bind(event.event_id).bind(self.clock.now());
            remember.execute(c).await.map(|r| r.rows_affected())
        })?;
        if fresh == 0 {
            return Ok(false);
        }
        (self.handler)(&mut tx, event).await?;
        self.move_cursor(&mut tx, event.position).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn park(&self, event: &Event, cause: &str, attempts: u32) -> Result<(), DbError> {
        tracing::error!(consumer = self.name, event = %event.event_id, kind = event.kind, attempts, cause, "an event was parked");
        let mut tx = self.db.begin().await?;
        on!(tx, |c| {
            let row = sqlx::query(PARK).bind(self.name).bind(event.event_id).bind(self.publisher).bind(&event.kind);
            let row = row.bind(event.subject).bind(event.occurred_at).bind(Json(&event.data)).bind(cause);
            row.bind(i32::try_from(attempts).unwrap_or(i32::MAX)).bind(self.clock.now()).execute(c).await.map(drop)
        })?;
        self.move_cursor(&mut tx, event.position).await?;
        tx.commit().await
    }
}
