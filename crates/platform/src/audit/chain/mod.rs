//! The audit log as a chain, so that a row that is removed, altered or put elsewhere is found.
//!
//! Nobody who writes a row waits for it: a task gives committed rows their places, in order, and links each to the one before by a
//! hash. The end of the chain goes out from time to time as a [`Checkpoint`], by the log and a file that the database's owner
//! does not hold. Up to the last checkpoint nothing can be changed unnoticed; what came after it can be made anew.

mod checkpoint;
mod keep;
mod link;
mod prune;
mod since;
mod verify;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, Engine, Tx, expect_rows};
use crate::on;

pub use checkpoint::{Checkpoint, CheckpointFile};
pub use keep::{AUDIT_DAYS_DEFAULT, AUDIT_DAYS_MIN, Keeping, task};
pub use link::{LINK_BYTES, Link};
pub use prune::{Held, Pruned, Pruner, PruningKey};
pub use since::Since;
pub use verify::{ChainFault, Verified, verify};

use link::Content;

/// Rows that one transaction links: a few milliseconds of the writer's time.
const BATCH_ROWS_MAX: i64 = 250;
/// How long others may write between two batches.
const BATCH_PAUSE_MS: u64 = 10;
/// How long a row that counts refusals may still change (a minute of one account), with some to spare.
const COUNTING_SECONDS: i64 = 120;

const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727004, hashtext(current_schema()))";
const HEAD: &str = "select position, link from audit_head";
const SET_HEAD: &str = "insert into audit_head (id, position, link, linked_at) values (1, $1, $2, $3)
    on conflict (id) do update set position = excluded.position, link = excluded.link, linked_at = excluded.linked_at";
const UNLINKED: &str =
    "select id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome,
    shown, times, address from audit
    where position is null and (outcome <> 'refused_often' or occurred_at < $1) order by id limit $2";
// The places follow one another, and the links are one text of bytes: little is taken apart while others wait for the writer.
const PLACE_SQLITE: &str = "update audit set position = $1 + e.key + 1, link = substr($2, 32 * e.key + 1, 32)
    from json_each($3) e where audit.id = unhex(e.value) and audit.position is null";
const PLACE_POSTGRES: &str = "update audit set position = $1 + e.n, link = substring($2::bytea from (32 * e.n - 31)::integer for 32)
    from jsonb_array_elements_text($3) with ordinality e (id, n) where audit.id = e.id::uuid and audit.position is null";

/// A place in a chain, with the link of the row there; place 0 is what the chain begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPlace {
    pub position: i64,
    pub link: Link,
}

impl ChainPlace {
    /// The place before the first row.
    fn first(service: &str) -> Self {
        Self { position: 0, link: Link::first(service) }
    }

    /// The place of `row`, behind this one.
    fn next(self, row: &Content) -> Self {
        Self { position: self.position + 1, link: self.link.next(row) }
    }

    fn read(table: &'static str, (position, link): (i64, Vec<u8>)) -> Result<Self, DbError> {
        let bad = || DbError::BadRow {
            table,
            column: "link",
            row: position.to_string(),
            cause: format!("{} bytes, not {LINK_BYTES}", link.len()),
        };
        Ok(Self { position, link: Link::of(&link).ok_or_else(bad)? })
    }
}

/// Places that are given to rows, one behind the other.
struct Given {
    after: i64,
    /// The rows' ids, as hex.
    ids: Vec<String>,
    /// Their links, one behind the other.
    links: Vec<u8>,
    last: ChainPlace,
}

/// The head of a chain, as the database says; `None` before anything is linked.
async fn head(conn: &mut Conn) -> Result<Option<ChainPlace>, DbError> {
    let head: Option<(i64, Vec<u8>)> = on!(conn, |c| sqlx::query_as(HEAD).fetch_optional(c).await)?;
    head.map(|head| ChainPlace::read("audit_head", head)).transpose()
}

/// Keeps the chain's other tasks away until the transaction ends: those of other processes on `PostgreSQL`, while one writer
/// is enough on `SQLite`. In a statement of its own, because the next must see what the lock's last holder committed.
async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).execute(c).await?;
    }
    Ok(())
}

async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(BATCH_PAUSE_MS)).await;
}

/// Links one service's log.
#[derive(Clone, Debug)]
pub struct Chainer {
    pub service: &'static str,
    pub db: Db,
    pub clock: Clock,
}

impl Chainer {
    /// Links every row that is ready, or until `stop`; how many.
    pub async fn link(&self, stop: &CancellationToken) -> Result<u64, DbError> {
        let mut all = 0;
        while !stop.is_cancelled() {
            let rows = self.link_batch().await?;
            all += rows;
            if rows < BATCH_ROWS_MAX.unsigned_abs() {
                break;
            }
            pause().await;
        }
        Ok(all)
    }

    /// One batch. What takes time is done before the writer's turn: there, the places are only written down. Where another
    /// process has linked meanwhile, nothing is.
    async fn link_batch(&self) -> Result<u64, DbError> {
        let now = self.clock.now();
        let settled = now - TimeDelta::seconds(COUNTING_SECONDS);
        let mut conn = self.db.read().await?;
        let before = head(&mut conn).await?;
        let rows: Vec<Content> =
            on!(conn, |c| sqlx::query_as(UNLINKED).bind(settled).bind(BATCH_ROWS_MAX).fetch_all(c).await)?;
        drop(conn);
        if rows.is_empty() {
            return Ok(0);
        }
        let Given { after, ids, links, last } = self.places(before, &rows);
        let mut tx = self.db.begin().await?;
        lock(&mut tx).await?;
        if head(&mut tx).await? != before {
            return Ok(0);
        }
        let placed = match tx.engine() {
            Engine::Sqlite(c) => {
                sqlx::query(PLACE_SQLITE).bind(after).bind(links).bind(Json(ids)).execute(c).await?.rows_affected()
            }
            Engine::Postgres(c) => {
                sqlx::query(PLACE_POSTGRES).bind(after).bind(links).bind(Json(ids)).execute(c).await?.rows_affected()
            }
        };
        expect_rows("link audit rows", rows.len() as u64, placed)?;
        set_head(&mut tx, last, now).await?;
        tx.commit().await?;
        Ok(placed)
    }

    /// The places of rows behind `before`.
    fn places(&self, before: Option<ChainPlace>, rows: &[Content]) -> Given {
        let mut last = before.unwrap_or_else(|| ChainPlace::first(self.service));
        let after = last.position;
        let (mut ids, mut links) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len() * LINK_BYTES));
        for row in rows {
            last = last.next(row);
            ids.push(row.id.simple().to_string());
            links.extend_from_slice(last.link.bytes());
        }
        Given { after, ids, links, last }
    }

    /// The end of the chain as it goes out; `None` while there is no chain.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, DbError> {
        let head = head(&mut self.db.read().await?).await?;
        let (service, at) = (self.service.to_owned(), self.clock.now());
        Ok(head.map(|ChainPlace { position, link }| Checkpoint { service, at, position, link: link.to_string() }))
    }
}

async fn set_head(tx: &mut Tx, end: ChainPlace, now: DateTime<Utc>) -> Result<(), DbError> {
    let (position, link) = (end.position, end.link.bytes());
    let rows = on!(tx, |c| {
        let head = sqlx::query(SET_HEAD).bind(position).bind(link).bind(now).execute(c).await;
        head.map(|r| r.rows_affected())
    })?;
    expect_rows("set the audit's head", 1, rows)
}
