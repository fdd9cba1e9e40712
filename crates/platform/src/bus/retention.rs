//! Removal of rows that need not be kept for ever: events that everybody has, the inbox's memory of them, stored
//! answers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Consumer;
use super::cursor::Cursor;
use crate::auth::ended;
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::on;

/// Rows that one transaction takes away.
const BATCH_ROWS_MAX: i64 = 500;
/// How long others may write between two batches.
const BATCH_PAUSE_MS: u64 = 50;
/// How often is looked.
const INTERVAL_SECONDS: u64 = 3_600;

const OLDEST: &str = "select position, occurred_at from outbox where position is not null order by position limit $1";
// The newest stays, because the next one counts from it. The one that the slowest reader has heard last stays as well: by it
// the reader knows that the log is still the one that it has heard.
const FORGET_EVENTS: &str = "delete from outbox where position <= $1 and position < (select max(position) from outbox)";
const FORGET_TAKEN: &str = "delete from inbox where (consumer, event_id) in
    (select consumer, event_id from inbox where handled_at < $1 order by handled_at limit $2)";
const FORGET_ANSWERS: &str = "delete from idempotency where (actor, key) in
    (select actor, key from idempotency where created_at < $1 order by created_at limit $2)";

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events in the outbox that all their readers have, and the inbox's memory of events taken.
    pub event_days_min: u32,
    /// Stored answers of calls with an `Idempotency-Key`.
    pub answer_days_min: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { event_days_min: 90, answer_days_min: 7 }
    }
}

impl Retention {
    /// Since when every event that was taken is still noted in the inbox.
    pub fn noted_since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(i64::from(self.event_days_min))
    }
}

/// The readers who must have had an event before it may go.
#[derive(Clone, Debug)]
pub enum Readers {
    /// These, each by its own cursor.
    Consumers(Vec<Consumer>),
    /// The stream that the publisher's forwarder fills.
    Stream,
}

/// Keeps one service's database from growing without end.
#[derive(Clone, Debug)]
pub struct Cleaner {
    /// The service whose database it is.
    pub publisher: &'static str,
    pub db: Db,
    pub clock: Clock,
    /// The readers who must have had its events.
    pub readers: Readers,
    /// How long what is kept.
    pub retention: Retention,
}

/// The rows that a cleaning took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Rows of the outbox.
    pub events: u64,
    /// Rows of the inbox.
    pub taken: u64,
    /// Of the stored answers.
    pub answers: u64,
}

impl Cleaner {
    /// Cleans every hour until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.clean().await {
                Ok(cleaned) if cleaned == Cleaned::default() => {}
                Ok(Cleaned { events, taken, answers }) => {
                    tracing::info!(service = self.publisher, events, taken, answers, "old rows were taken away");
                }
                Err(error) => tracing::warn!(service = self.publisher, %error, "old rows stay until the next try"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS)) => {}
            }
        }
    }

    /// Takes away everything that is old enough, a batch at a time.
    pub async fn clean(&self) -> Result<Cleaned, DbError> {
        let now = self.clock.now();
        let (events, answers) =
            (self.retention.noted_since(now), now - TimeDelta::days(i64::from(self.retention.answer_days_min)));
        let mut cleaned = Cleaned::default();
        loop {
            let rows = self.forget_events(events).await?;
            cleaned.events += rows;
            if rows == 0 {
                break;
            }
            pause().await;
        }
        cleaned.taken = self.forget(FORGET_TAKEN, events).await?;
        cleaned.answers = self.forget(FORGET_ANSWERS, answers).await?;
        ended::forget(&self.db, self.clock.now()).await?;
        Ok(cleaned)
    }

    /// The position up to which every reader has the log.
    async fn passed(&self) -> Result<i64, DbError> {
        let mut passed = i64::MAX;
        match &self.readers {
            Readers::Stream => {
                let cursor = Cursor { consumer: super::forwarder::NAME, publisher: self.publisher };
                passed = cursor.read(&mut self.db.read().await?).await?.position;
            }
            Readers::Consumers(consumers) => {
                for consumer in consumers {
                    passed = passed.min(consumer.cursor().await?);
                }
            }
        }
        Ok(passed)
    }

    /// One batch of the log's beginning. It stays without holes: the first event that is too young ends it.
    async fn forget_events(&self, before: DateTime<Utc>) -> Result<u64, DbError> {
        let passed = self.passed().await?;
        let mut conn = self.db.read().await?;
        let oldest: Vec<(i64, DateTime<Utc>)> =
            on!(conn, |c| sqlx::query_as(OLDEST).bind(BATCH_ROWS_MAX).fetch_all(c).await)?;
        drop(conn);
        let old = oldest.into_iter().take_while(|(position, at)| *position < passed && *at < before);
        let Some((last, _)) = old.last() else { return Ok(0) };
        let mut tx = self.db.begin().await?;
        let rows = on!(tx, |c| sqlx::query(FORGET_EVENTS).bind(last).execute(c).await.map(|r| r.rows_affected()))?;
        tx.commit().await?;
        Ok(rows)
    }

    async fn forget(&self, statement: &'static str, before: DateTime<Utc>) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let rows = on!(tx, |c| {
                let rows = sqlx::query(statement).bind(before).bind(BATCH_ROWS_MAX).execute(c).await;
                rows.map(|r| r.rows_affected())
            })?;
            tx.commit().await?;
            all += rows;
            if rows == 0 {
                return Ok(all);
            }
            pause().await;
        }
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(BATCH_PAUSE_MS)).await;
}
