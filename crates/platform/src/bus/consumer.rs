//! The consumer's side: one task that follows publishers' logs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::cursor::{Cursor, Heard};
use super::{Event, EventLog, Faults, Growth, LogError, Reads};
use crate::clock::Clock;
use crate::db::{Db, DbError, Tx};
use crate::on;
use crate::telemetry::otlp::{self, Span, SpanKind};
use crate::telemetry::trace::TraceContext;

/// Events taken from a log at a time.
const BATCH_MAX: i64 = 100;
/// How long a quiet follower waits before it looks again, should a wake-up be lost.
const POLL_MS: u64 = 1_000;
/// From the beginning of one reading to the next: what is told in between is read and noted together. The first event after
/// a pause is read at once.
const GATHER_MS: u64 = 20;
/// Tries of one event before it is parked.
const ATTEMPTS_MAX: u32 = 8;
/// The first wait between tries; it doubles up to [`BACKOFF_MS_MAX`].
const BACKOFF_MS_MIN: u64 = 50;
const BACKOFF_MS_MAX: u64 = 5_000;

const REMEMBER: &str =
    "insert into inbox (consumer, event_id, handled_at, subject, position) values ($1, $2, $3, $4, $5)
    on conflict do nothing";
const PARK: &str = "insert into parked_event
    (consumer, event_id, publisher, kind, subject, occurred_at, data, cause, attempts, parked_at, position)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing";
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
    /// Nothing can be taken now, through no fault of the event: it waits, however long.
    #[error("{0}")]
    Unavailable(String),
}

impl From<DbError> for ConsumeError {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.to_string()) } else { Self::Retry(error.to_string()) }
    }
}

impl From<sqlx::Error> for ConsumeError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

/// The effect of an event, within the consumer's own transaction.
pub type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Event) -> BoxFuture<'a, Result<(), ConsumeError>> + Send + Sync>;

/// A named follower of some kinds of one publisher's events.
#[derive(Clone)]
pub struct Consumer {
    /// Its name, which its cursor is stored under.
    pub name: &'static str,
    /// Whose log it follows.
    pub publisher: &'static str,
    /// The kinds that it takes, with the fields that it reads; it passes over the others.
    pub kinds: &'static [Reads],
    pub db: Db,
    pub clock: Clock,
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
    pub name: &'static str,
    /// How many events of the log it has not read.
    pub behind: i64,
    /// How many events it gave up on.
    pub parked: i64,
}

/// The outcome of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It took effect now.
    Effect,
    /// It had taken effect before; the cursor has moved on.
    NoEffect,
    /// It was given up on; the cursor has moved on.
    Parked,
    /// Another process took it: the cursor is not where it was.
    Overtaken,
}

impl Consumer {
    /// Follows `log` until `stop`; what is begun is finished first. That it cannot go on without a person is noted among
    /// `faults`.
    pub async fn run(self, log: Arc<dyn EventLog>, faults: Faults, stop: CancellationToken) {
        let mut growth: Option<Growth> = None;
        let mut wait_ms = BACKOFF_MS_MIN;
        while !stop.is_cancelled() {
            if growth.is_none() {
                // Before the reading, so that nothing comes between the two unnoticed.
                growth = log.growth().await.ok();
            }
            let began = tokio::time::Instant::now();
            let caught_up = self.catch_up_until(log.as_ref(), &stop).await;
            faults.note(self.name, self.publisher, &caught_up);
            let well = match caught_up {
                Ok(_) => true,
                Err(error) => {
                    tracing::error!(consumer = self.name, %error, "a consumer cannot read or write; it tries again");
                    false
                }
            };
            wait_ms = if well { BACKOFF_MS_MIN } else { (wait_ms * 2).min(BACKOFF_MS_MAX) };
            let pause = if well { POLL_MS } else { jittered(wait_ms) };
            let grown = async {
                match &mut growth {
                    Some(growth) => growth.grown().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
                () = grown, if well => tokio::time::sleep_until(began + Duration::from_millis(GATHER_MS)).await,
            }
        }
    }

    /// Takes everything there is; the number of events that took effect.
    pub async fn catch_up(&self, log: &dyn EventLog) -> Result<u64, LogError> {
        self.catch_up_until(log, &CancellationToken::new()).await
    }

    async fn catch_up_until(&self, log: &dyn EventLog, stop: &CancellationToken) -> Result<u64, LogError> {
        let mut taken = 0;
        loop {
            let heard = self.heard().await?;
            let events = log.read(heard.position, BATCH_MAX).await?;
            let Some(first) = events.first().filter(|_| !stop.is_cancelled()) else {
                if events.is_empty() {
                    // Nothing new is not the same as another log that is shorter.
                    self.place().fits(heard, log).await?;
                }
                return Ok(taken);
            };
            self.follows(heard, first)?;
            taken += self.take_all(heard.position, &events).await?;
        }
    }

    /// Whether an event is the next one of the log that was heard.
    fn follows(&self, heard: Heard, next: &Event) -> Result<(), LogError> {
        if heard.position == 0 {
            return Ok(());
        }
        if next.position > heard.position + 1 {
            let (publisher, reader) = (self.publisher, self.name);
            let (wanted, last) = (heard.position + 1, next.position - 1);
            return Err(LogError::Forgotten { publisher, reader, wanted, last });
        }
        match heard.event_id.zip(next.previous) {
            Some((known, previous)) if known != previous => {
                let position = heard.position;
                Err(self
                    .place()
                    .out_of_step(format!("event {position} was heard, and another one stands in its place")))
            }
            _ => Ok(()),
        }
    }

    /// Whether `log` is the one that it has heard so far; for the start, before anything is taken.
    pub async fn fits(&self, log: &dyn EventLog) -> Result<(), LogError> {
        let heard = self.heard().await?;
        match log.read(heard.position, 1).await?.first() {
            Some(next) => self.follows(heard, next),
            None => self.place().fits(heard, log).await,
        }
    }

    /// How it stands beside `log`.
    pub async fn status(&self, log: &dyn EventLog) -> Result<ConsumerStatus, LogError> {
        let behind = (log.last().await? - self.cursor().await?).max(0);
        let mut conn = self.db.read().await.map_err(LogError::Database)?;
        let parked = on!(conn, |c| sqlx::query_scalar(COUNT_PARKED).bind(self.name).fetch_one(c).await);
        Ok(ConsumerStatus { name: self.name, behind, parked: parked.map_err(DbError::from)? })
    }

    pub(super) fn place(&self) -> Cursor {
        Cursor { consumer: self.name, publisher: self.publisher }
    }

    /// How far it has read.
    pub(super) async fn cursor(&self) -> Result<i64, DbError> {
        Ok(self.heard().await?.position)
    }

    async fn heard(&self) -> Result<Heard, DbError> {
        self.place().read(&mut self.db.read().await?).await
    }

    /// Takes a batch that was read behind `cursor`; how many events took effect.
    async fn take_all(&self, mut cursor: i64, events: &[Event]) -> Result<u64, LogError> {
        let mut taken = 0;
        for event in events.iter().filter(|e| self.kinds.iter().any(|read| read.kind == e.kind)) {
            match self.take(cursor, event).await? {
                Taken::Overtaken => return Ok(taken),
                Taken::Effect => taken += 1,
                Taken::NoEffect | Taken::Parked => {}
            }
            cursor = event.position;
        }
        if let Some(last) = events.last().filter(|e| e.position > cursor) {
            let mut tx = self.db.begin().await?;
            self.place().advance(&mut tx, cursor, heard(last)).await?;
            tx.commit().await?;
        }
        Ok(taken)
    }

    /// Takes an event, as a part of the trace that it came from.
    async fn take(&self, cursor: i64, event: &Event) -> Result<Taken, LogError> {
        let parent = event.traceparent.as_deref().and_then(|text| text.parse().ok());
        let (context, began, started) = (TraceContext::below(parent), self.clock.now(), Instant::now());
        let (consumer, trace_id) = (self.name, context.trace_id());
        let span = tracing::info_span!("event", id = %event.event_id, kind = event.kind, consumer, trace_id);
        let taken = context.scope(self.take_in_tries(cursor, event)).instrument(span).await;
        if !matches!(taken, Ok(Taken::Overtaken)) {
            otlp::tell(|| {
                let (kind, name, lasted) = (SpanKind::Consumer, format!("process {}", event.kind), started.elapsed());
                let failed = matches!(taken, Err(_) | Ok(Taken::Parked));
                Span { context, parent, link: parent, kind, name, began, lasted, attributes: self.about(event), failed }
            });
        }
        taken
    }

    /// A collector's knowledge of an event; nothing of its data.
    fn about(&self, event: &Event) -> Vec<(&'static str, Value)> {
        vec![
            ("messaging.operation.type", json!("process")),
            ("messaging.destination.name", json!(self.publisher)),
            ("messaging.consumer.group.name", json!(self.name)),
            ("messaging.message.id", json!(event.event_id)),
        ]
    }

    async fn take_in_tries(&self, cursor: i64, event: &Event) -> Result<Taken, LogError> {
        let mut wait_ms = BACKOFF_MS_MIN;
        let mut attempt = 1;
        loop {
            match self.try_take(cursor, event).await {
                Ok(taken) => return Ok(taken),
                Err(ConsumeError::Unavailable(cause)) => return Err(LogError::Unavailable(cause)),
                Err(ConsumeError::Retry(_)) if attempt < ATTEMPTS_MAX => {}
                Err(ConsumeError::Retry(cause) | ConsumeError::Reject(cause)) => {
                    return Ok(self.park(cursor, event, &cause, attempt).await?);
                }
            }
            tokio::time::sleep(Duration::from_millis(jittered(wait_ms))).await;
            wait_ms = (wait_ms * 2).min(BACKOFF_MS_MAX);
            attempt += 1;
        }
    }

    async fn try_take(&self, cursor: i64, event: &Event) -> Result<Taken, ConsumeError> {
        let mut tx = self.db.begin().await?;
        if !self.place().advance(&mut tx, cursor, heard(event)).await? {
            return Ok(Taken::Overtaken);
        }
        let fresh = self.effect(&mut tx, event).await?;
        tx.commit().await?;
        Ok(if fresh { Taken::Effect } else { Taken::NoEffect })
    }

    /// Has the event take effect within `tx`, unless it has before; whether it does now.
    pub(super) async fn effect(&self, tx: &mut Tx, event: &Event) -> Result<bool, ConsumeError> {
        let fresh = on!(tx, |c| {
            let remember = sqlx::query(REMEMBER).bind(self.name).bind(event.event_id).bind(self.clock.now());
            remember.bind(event.subject).bind(event.position).execute(c).await.map(|r| r.rows_affected())
        })?;
        if fresh == 1 {
            (self.handler)(tx, event).await?;
        }
        Ok(fresh == 1)
    }

    async fn park(&self, cursor: i64, event: &Event, cause: &str, attempts: u32) -> Result<Taken, DbError> {
        let mut tx = self.db.begin().await?;
        if !self.place().advance(&mut tx, cursor, heard(event)).await? {
            return Ok(Taken::Overtaken);
        }
        on!(tx, |c| {
            let row = sqlx::query(PARK).bind(self.name).bind(event.event_id).bind(self.publisher).bind(&event.kind);
            let row = row.bind(event.subject).bind(event.occurred_at).bind(Json(&event.data)).bind(cause);
            let row = row.bind(i32::try_from(attempts).unwrap_or(i32::MAX)).bind(self.clock.now());
            row.bind(event.position).execute(c).await.map(drop)
        })?;
        tx.commit().await?;
        tracing::error!(consumer = self.name, event = %event.event_id, kind = event.kind, attempts, cause, "an event was parked");
        Ok(Taken::Parked)
    }
}

/// The place of an event that was read.
fn heard(event: &Event) -> Heard {
    Heard { position: event.position, event_id: Some(event.event_id) }
}

/// A wait and up to half of it more, so that consumers that failed together do not come back as one.
fn jittered(wait_ms: u64) -> u64 {
    wait_ms + rand::random_range(0..=wait_ms / 2)
}
