//! The audit log as a chain, so that a row that is removed, altered or put elsewhere is found.
//!
//! Nobody who writes a row waits for it: a task gives committed rows their places, in order, and links each to the one before by a
//! hash. The end of the chain goes out from time to time as a [`Checkpoint`], by the log and a file that the database's owner
//! does not hold. Up to the last checkpoint nothing can be changed unnoticed; what came after it can be cut off.

mod link;
mod verify;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::crypto::hex;
use crate::db::{Db, DbError, Engine, Tx};
use crate::on;

pub use link::{LINK_BYTES, Link};
pub use verify::{Fault, Report, verify};

use link::Row;

/// Rows that one transaction links.
const BATCH_ROWS_MAX: i64 = 500;
/// How often is looked for rows without a place.
const INTERVAL_SECONDS: u64 = 10;
/// How long a row that counts refusals may still change (a minute of one account), with some to spare.
const COUNTING_SECONDS: i64 = 120;

const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727003, hashtext(current_schema()))";
const END: &str = "select position, link from audit where position is not null order by position desc limit 1";
const UNLINKED: &str = "select id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome,
    shown, times, position, link from audit
    where position is null and (outcome <> 'refused_often' or occurred_at < $1) order by id limit $2";
const PLACE_SQLITE: &str = "update audit set position = e.value ->> 'position', link = unhex(e.value ->> 'link')
    from json_each($1) e where audit.id = unhex(e.value ->> 'id') and audit.position is null";
const PLACE_POSTGRES: &str = "update audit set position = (e ->> 'position')::bigint, link = decode(e ->> 'link', 'hex')
    from jsonb_array_elements($1) e where audit.id = (e ->> 'id')::uuid and audit.position is null";

/// The end of a chain, as it goes out: what a later verification holds the chain against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The service whose log it is.
    pub service: String,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The place of the last row.
    pub position: i64,
    /// The link of that row, as hex.
    pub link: String,
}

/// The last row of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) position: i64,
    pub(super) link: Link,
}

/// A place that is given.
#[derive(Serialize)]
struct Placed {
    id: String,
    position: i64,
    link: String,
}

/// The task that links one service's log.
#[derive(Clone, Debug)]
pub struct Chainer {
    pub service: &'static str,
    pub db: Db,
    pub clock: Clock,
}

impl Chainer {
    /// Links what is committed, until `stop`; once more at the end, so that a checkpoint of a stopped service has it all.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.link().await {
                tracing::warn!(service = self.service, %error, "audit rows wait for their place");
            }
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS)) => {}
            }
        }
    }

    /// Links every row that is ready; how many.
    pub async fn link(&self) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let rows = self.link_batch().await?;
            all += rows;
            if rows < BATCH_ROWS_MAX.unsigned_abs() {
                return Ok(all);
            }
        }
    }

    async fn link_batch(&self) -> Result<u64, DbError> {
        let settled = self.clock.now() - TimeDelta::seconds(COUNTING_SECONDS);
        let mut tx = self.db.begin().await?;
        if let Engine::Postgres(c) = tx.engine() {
            // In a statement of its own: the next must see what the lock's last holder committed.
            sqlx::query(LOCK_POSTGRES).execute(c).await?;
        }
        let rows: Vec<Row> =
            on!(tx, |c| sqlx::query_as(UNLINKED).bind(settled).bind(BATCH_ROWS_MAX).fetch_all(c).await)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut end = end(&mut tx).await?.unwrap_or(End { position: 0, link: Link::first(self.service) });
        let placed: Vec<Placed> = rows
            .iter()
            .map(|row| {
                end = End { position: end.position + 1, link: end.link.next(row) };
                Placed { id: row.id.simple().to_string(), position: end.position, link: end.link.to_string() }
            })
            .collect();
        let written = match tx.engine() {
            Engine::Sqlite(c) => sqlx::query(PLACE_SQLITE).bind(Json(placed)).execute(c).await?.rows_affected(),
            Engine::Postgres(c) => sqlx::query(PLACE_POSTGRES).bind(Json(placed)).execute(c).await?.rows_affected(),
        };
        crate::db::expect_rows("link audit rows", rows.len() as u64, written)?;
        tx.commit().await?;
        Ok(written)
    }

    /// The end of the chain as it goes out; `None` while there is no chain.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, DbError> {
        let mut conn = self.db.read().await?;
        let end: Option<(i64, Vec<u8>)> = on!(conn, |c| sqlx::query_as(END).fetch_optional(c).await)?;
        let (service, at) = (self.service.to_owned(), self.clock.now());
        Ok(end.map(|(position, link)| Checkpoint { service, at, position, link: hex(&link) }))
    }
}

async fn end(tx: &mut Tx) -> Result<Option<End>, DbError> {
    let end: Option<(i64, Vec<u8>)> = on!(tx, |c| sqlx::query_as(END).fetch_optional(c).await)?;
    end.map(|(position, link)| Ok(End { position, link: Link::of(&link, position)? })).transpose()
}
