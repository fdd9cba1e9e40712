//! The publisher's side: events written in the transaction that makes them true.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Event, EventLog, Growth, LogError};
use crate::db::{Conn, Db, DbError, Engine, Tx};
use crate::id::uuid_v7;
use crate::on;

/// The topic by which followers learn that the log has grown.
pub(super) const TOPIC: &str = "outbox";

const APPEND_SQLITE: &str = "insert into outbox (event_id, kind, subject, occurred_at, data, position)
    values ($1, $2, $3, $4, $5, (select coalesce(max(position), 0) + 1 from outbox))";
const APPEND_POSTGRES: &str =
    "insert into outbox (event_id, kind, subject, occurred_at, data) values ($1, $2, $3, $4, $5)";
const READ: &str = "select position, event_id, kind, subject, occurred_at, data from outbox
    where position > $1 order by position limit $2";
const COUNT_UNPLACED: &str = "select count(*) from outbox where position is null";
const PLACE: &str = "with top as (select coalesce(max(position), 0) as position from outbox),
    next as (select o.seq, top.position + row_number() over (order by o.seq) as place from outbox o, top where o.position is null)
    update outbox set position = next.place from next where outbox.seq = next.seq";
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727002, hashtext(current_schema()))";
const LAST: &str = "select coalesce(max(position), 0) from outbox";

/// Writes an event into the outbox within the transaction that makes it true.
pub async fn publish(
    tx: &mut Tx,
    now: DateTime<Utc>,
    kind: &str,
    subject: impl Into<Uuid>,
    data: &impl Serialize,
) -> Result<Uuid, DbError> {
    let (event_id, subject) = (uuid_v7(now), subject.into());
    let data = serde_json::to_value(data).map_err(|e| DbError::Engine(sqlx::Error::Encode(Box::new(e))))?;
    match tx.engine() {
        Engine::Sqlite(c) => {
            sqlx::query(APPEND_SQLITE)
                .bind(event_id)
                .bind(kind)
                .bind(subject)
                .bind(now)
                .bind(Json(data))
                .execute(c)
                .await?;
        }
        Engine::Postgres(c) => {
            sqlx::query(APPEND_POSTGRES)
                .bind(event_id)
                .bind(kind)
                .bind(subject)
                .bind(now)
                .bind(Json(data))
                .execute(c)
                .await?;
        }
    }
    tx.touch(TOPIC, Uuid::nil());
    Ok(event_id)
}

/// A publisher's log, as consumers read it.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// The publisher's name.
    pub publisher: &'static str,
    pub(super) db: Db,
}

impl Outbox {
    /// The log of `publisher`, in its own database.
    pub fn new(publisher: &'static str, db: Db) -> Self {
        Self { publisher, db }
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

    /// On `PostgreSQL`, gives committed events their place, one sequencer at a time.
    async fn place(&self) -> Result<(), DbError> {
        if self.db.engine_name() == "sqlite" {
            return Ok(());
        }
        let mut conn: Conn = self.db.read().await?;
        let unplaced: i64 = on!(conn, |c| sqlx::query_scalar(COUNT_UNPLACED).fetch_one(c).await)?;
        drop(conn);
        if unplaced == 0 {
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
}

#[async_trait::async_trait]
impl EventLog for Outbox {
    async fn read(&self, position: i64, limit: i64) -> Result<Vec<Event>, LogError> {
        Ok(Self::read(self, position, limit).await?)
    }

    async fn last(&self) -> Result<i64, LogError> {
        Ok(Self::last(self).await?)
    }

    async fn growth(&self) -> Result<Growth, LogError> {
        Ok(Growth::Changes(self.db.changes()))
    }
}
