//! The publisher's side: events written in the transaction that makes them true.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Event, EventKind, EventLog, Growth, LogEnd, LogError};
use crate::db::{Conn, Db, DbError, Engine, Tx, as_text};
use crate::id::uuid_v7;
use crate::on;
use crate::telemetry::trace;

/// The topic by which followers learn that the log has grown.
pub(super) const TOPIC: &str = "outbox";

pub(crate) const APPEND_ALL_SQLITE: &str =
    "insert into outbox (event_id, kind, subject, occurred_at, data, traceparent, position)
    select unhex(e.value ->> 'event_id'), e.value ->> 'kind', unhex(e.value ->> 'subject'), e.value ->> 'occurred_at',
        e.value -> 'data', e.value ->> 'traceparent', top.position + 1 + e.key
    from json_each($1) e, (select coalesce(max(position), 0) as position from outbox) top order by e.key";
pub(crate) const APPEND_ALL_POSTGRES: &str =
    "insert into outbox (event_id, kind, subject, occurred_at, data, traceparent)
    select (e.event ->> 'event_id')::uuid, e.event ->> 'kind', (e.event ->> 'subject')::uuid,
        (e.event ->> 'occurred_at')::timestamptz, e.event -> 'data', e.event ->> 'traceparent'
    from jsonb_array_elements($1) with ordinality as e (event, n) order by e.n";
const READ: &str =
    "select o.position, o.event_id, p.event_id as previous, o.kind, o.subject, o.occurred_at, o.data, o.traceparent
    from outbox o left join outbox p on p.position = o.position - 1
    where o.position > $1 order by o.position limit $2";
const COUNT_UNPLACED: &str = "select count(*) from (select 1 from outbox where position is null limit 1) unplaced";
/// Gives every event that has none its place behind the others, in the order in which they were written.
pub(crate) const PLACE: &str = "with top as (select coalesce(max(position), 0) as position from outbox),
    next as (select o.seq, top.position + row_number() over (order by o.seq) as place from outbox o, top where o.position is null)
    update outbox set position = next.place from next where outbox.seq = next.seq";
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727002, hashtext(current_schema()))";
const LAST: &str = "select coalesce(max(position), 0) from outbox";
const NEWEST: &str = "select position, event_id from outbox where position is not null order by position desc limit 1";
const STANDS: &str = "select event_id from outbox where position = $1";

/// Writes an event of a kind of the catalogue into the outbox, within the transaction that makes it true.
pub async fn emit<T: Serialize>(
    tx: &mut Tx,
    at: DateTime<Utc>,
    kind: &EventKind<T>,
    subject: impl Into<Uuid>,
    data: &T,
) -> Result<(), DbError> {
    publish_all(tx, &[NewEvent::of(at, kind, subject, data)?]).await
}

/// An event that is to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    at: DateTime<Utc>,
    kind: String,
    /// The aggregate it happened to.
    subject: Uuid,
    /// The data, as the publisher wrote it.
    data: serde_json::Value,
}

impl NewEvent {
    /// An event of a kind of the catalogue.
    pub fn of<T: Serialize>(
        at: DateTime<Utc>,
        kind: &EventKind<T>,
        subject: impl Into<Uuid>,
        data: &T,
    ) -> Result<Self, DbError> {
        Self::named(at, kind.name, subject, data)
    }

    fn named(at: DateTime<Utc>, kind: &str, subject: impl Into<Uuid>, data: &impl Serialize) -> Result<Self, DbError> {
        let data = serde_json::to_value(data).map_err(|e| DbError::Engine(sqlx::Error::Encode(Box::new(e))))?;
        Ok(Self { at, kind: kind.to_owned(), subject: subject.into(), data })
    }
}

/// Writes an event of any name: a test tells by it what a service tells that is not there.
#[cfg(feature = "testing")]
pub async fn publish(
    tx: &mut Tx,
    at: DateTime<Utc>,
    kind: &str,
    subject: impl Into<Uuid>,
    data: &impl Serialize,
) -> Result<(), DbError> {
    publish_all(tx, &[NewEvent::named(at, kind, subject, data)?]).await
}

/// A row as both engines read it out of one JSON array.
#[derive(Debug, Serialize)]
pub(crate) struct OutboxLine<'a> {
    event_id: String,
    kind: &'a str,
    subject: String,
    occurred_at: String,
    data: &'a serde_json::Value,
    /// The span that caused it.
    traceparent: Option<&'a str>,
}

impl<'a> OutboxLine<'a> {
    pub(crate) fn of(NewEvent { at, kind, subject, data }: &'a NewEvent, traceparent: Option<&'a str>) -> Self {
        let (event_id, subject) = (uuid_v7(*at).simple().to_string(), subject.simple().to_string());
        OutboxLine { event_id, kind, subject, occurred_at: as_text(*at), data, traceparent }
    }
}

/// Writes many events in this order by one statement.
pub async fn publish_all(tx: &mut Tx, events: &[NewEvent]) -> Result<(), DbError> {
    if events.is_empty() {
        return Ok(());
    }
    let cause = trace::current().map(|context| context.to_string());
    let rows: Vec<OutboxLine<'_>> = events.iter().map(|event| OutboxLine::of(event, cause.as_deref())).collect();
    match tx.engine() {
        Engine::Sqlite(c) => sqlx::query(APPEND_ALL_SQLITE).bind(Json(rows)).execute(c).await.map(drop)?,
        Engine::Postgres(c) => sqlx::query(APPEND_ALL_POSTGRES).bind(Json(rows)).execute(c).await.map(drop)?,
    }
    grown(tx);
    Ok(())
}

/// Tells followers, once the transaction is durable, that the log has grown.
pub(crate) fn grown(tx: &mut Tx) {
    tx.touch(TOPIC, Uuid::nil());
}

/// A publisher's log, as consumers read it. Readers in one process share a clone of it.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub publisher: &'static str,
    pub(super) db: Db,
    /// One of this process gives places at a time: else each reader would wait for the others with a connection of its own.
    turn: Arc<Mutex<()>>,
}

impl Outbox {
    /// The log of `publisher`, in its own database.
    pub fn new(publisher: &'static str, db: Db) -> Self {
        Self { publisher, db, turn: Arc::default() }
    }

    /// Up to `limit` events after `position`, in order.
    pub async fn read(&self, position: i64, limit: i64) -> Result<Vec<Event>, DbError> {
        self.place().await?;
        let mut conn = self.db.read().await?;
        Ok(on!(conn, |c| sqlx::query_as(READ).bind(position).bind(limit).fetch_all(c).await)?)
    }

    /// The last position written.
    pub async fn last(&self) -> Result<i64, DbError> {
        self.place().await?;
        let mut conn = self.db.read().await?;
        Ok(on!(conn, |c| sqlx::query_scalar(LAST).fetch_one(c).await)?)
    }

    /// The event that stands at a position; `None` where there is none, or none any more.
    pub(super) async fn stands(&self, position: i64) -> Result<Option<Uuid>, DbError> {
        let mut conn = self.db.read().await?;
        Ok(on!(conn, |c| sqlx::query_scalar(STANDS).bind(position).fetch_optional(c).await)?)
    }

    /// On `PostgreSQL`, gives committed events their place, one sequencer at a time.
    async fn place(&self) -> Result<(), DbError> {
        if self.db.engine_name() == "sqlite" || !self.has_unplaced().await? {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // The reader that had the turn before has placed these too, most times.
        if !self.has_unplaced().await? {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if let Engine::Postgres(c) = tx.engine() {
            // In statements of their own: the second must see what the lock's last holder committed.
            sqlx::query(LOCK_POSTGRES).execute(&mut *c).await?;
            sqlx::query(PLACE).execute(c).await?;
        }
        tx.commit().await
    }

    async fn has_unplaced(&self) -> Result<bool, DbError> {
        let mut conn: Conn = self.db.read().await?;
        let unplaced: i64 = on!(conn, |c| sqlx::query_scalar(COUNT_UNPLACED).fetch_one(c).await)?;
        Ok(unplaced > 0)
    }
}

#[async_trait::async_trait]
impl EventLog for Outbox {
    async fn read(&self, position: i64, limit: i64) -> Result<Vec<Event>, LogError> {
        Ok(Self::read(self, position, limit).await?)
    }

    async fn last(&self) -> Result<i64, LogError> {
        Ok(Self::last(self).await?)
    }

    async fn end(&self) -> Result<LogEnd, LogError> {
        self.place().await?;
        let mut conn = self.db.read().await?;
        let newest = on!(conn, |c| sqlx::query_as(NEWEST).fetch_optional(c).await).map_err(DbError::from)?;
        // The newest row is never taken away: without one, nothing was ever told.
        Ok(newest.map_or(LogEnd::Empty, |(position, event_id)| LogEnd::At { position, event_id }))
    }

    async fn growth(&self) -> Result<Growth, LogError> {
        Ok(Growth::Changes(self.db.changes()))
    }
}
