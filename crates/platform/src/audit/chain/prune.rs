//! Retention of the audit log: rows that are old enough are taken away from the chain's beginning, and a signed pruning point is
//! left, from which the chain is verified.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use super::link::Linked;
use super::{BATCH_ROWS_MAX, ChainPlace, lock, pause};
use crate::audit::record_as;
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, Engine, Tx, expect_rows};
use crate::on;

pub(super) const POINT: &str = "select position, link, signature from audit_pruning";
const SET_POINT: &str =
    "insert into audit_pruning (id, position, link, pruned_at, signature) values (1, $1, $2, $3, $4)
    on conflict (id) do update set position = excluded.position, link = excluded.link, pruned_at = excluded.pruned_at,
        signature = excluded.signature";
const OLDEST: &str =
    "select id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome,
    shown, times, address, position, link from audit where position > $1 order by position limit $2";
/// The rows behind a place of a time that has been.
const BEHIND: &str = "select position, occurred_at from audit where position > $1 and occurred_at <= $2
    order by position limit $3";
const FORGET: &str = "delete from audit where position > $1 and position <= $2";
/// A set that is shown again right now names no row yet that others see; so those are waited for, and not for long.
const LOCK_SETS_POSTGRES: &str = "lock table audit_shown in share row exclusive mode";
const WAIT_POSTGRES: &str = "select set_config('lock_timeout', '500ms', true)";
const FORGET_SETS_SQLITE: &str = "delete from audit_shown where shown in (select unhex(e.value) from json_each($1) e)
    and not exists (select 1 from audit a where a.shown = audit_shown.shown)";
const FORGET_SETS_POSTGRES: &str = "delete from audit_shown
    where shown in (select e::uuid from jsonb_array_elements_text($1) e)
    and not exists (select 1 from audit a where a.shown = audit_shown.shown)";

/// How many rows behind one that is not old must be old, for it to be as old as they: more than a machine writes whose clock
/// begins anew at each start, until it is put right.
const WITNESSES: i64 = 100;

/// Signs pruning points, and knows them again. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PruningKey(SigningKey);

impl fmt::Debug for PruningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PruningKey(…)")
    }
}

impl PruningKey {
    /// The key of a 32-byte secret seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    fn message(service: &str, point: ChainPlace) -> Vec<u8> {
        format!("sanbao audit pruning v1\n{service}\n{}\n{}", point.position, point.link).into_bytes()
    }

    fn sign(&self, service: &str, point: ChainPlace) -> Vec<u8> {
        self.0.sign(&Self::message(service, point)).to_bytes().to_vec()
    }

    fn knows(&self, service: &str, point: ChainPlace, signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        self.0.verifying_key().verify_strict(&Self::message(service, point), &signature).is_ok()
    }
}

/// The place from which a chain is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PruningPoint {
    pub(super) place: ChainPlace,
    signature: Vec<u8>,
}

impl PruningPoint {
    async fn read(conn: &mut Conn) -> Result<Option<Self>, DbError> {
        on!(conn, |c| sqlx::query_as(POINT).fetch_optional(c).await)?.map(Self::of).transpose()
    }

    pub(super) fn of((position, link, signature): (i64, Vec<u8>, Vec<u8>)) -> Result<Self, DbError> {
        Ok(Self { place: ChainPlace::read("audit_pruning", (position, link))?, signature })
    }

    /// Whether it was made by a process of this network.
    pub(super) fn is_of(&self, key: &PruningKey, service: &str) -> bool {
        key.knows(service, self.place, &self.signature)
    }
}

/// Takes old rows away from one service's chain.
#[derive(Clone, Debug)]
pub struct Pruner {
    pub service: &'static str,
    pub db: Db,
    pub clock: Clock,
    pub key: PruningKey,
    /// How many days rows are kept.
    pub days_min: u32,
}

/// The outcome of a pruning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The rows that were taken away.
    pub rows: u64,
    /// The row that keeps older ones behind it, if one does.
    pub held: Option<Held>,
}

/// A row of a later time than some behind it, by which those are kept until it is clear that it is as old as they.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub position: i64,
    /// When it happened, as the clock said that was then.
    pub occurred_at: DateTime<Utc>,
}

/// The moments by which it is told what is old.
struct Ages {
    now: DateTime<Utc>,
    before: DateTime<Utc>,
    /// Up to here rows of a time that has not come are known to be old.
    known: i64,
}

/// The beginning of a chain that is to go.
struct Old {
    before: Option<PruningPoint>,
    last: ChainPlace,
    rows: u64,
    /// The names of the sets that the rows have shown.
    sets: BTreeSet<String>,
    held: Option<Held>,
}

impl Pruner {
    /// Takes away what is old enough, or until `stop`. A row that is not the one that was linked stays, and everything behind
    /// it: nothing that a verification would find is lost by it.
    ///
    /// A row's own time counts, unless the rows behind it say otherwise: they were written later, so one that a clock dated
    /// years ahead is as old as they. A clock that is years behind makes no other row old: a hundred behind a row must be.
    pub async fn prune(&self, stop: &CancellationToken) -> Result<Pruned, DbError> {
        let (now, mut all) = (self.clock.now(), Pruned::default());
        let mut ages = Ages { now, before: now - TimeDelta::days(i64::from(self.days_min)), known: 0 };
        while !stop.is_cancelled() {
            let old = self.old(&mut ages).await?;
            all.held = old.held;
            let rows = if old.rows > 0 { self.forget(old, now).await? } else { 0 };
            if rows == 0 {
                break;
            }
            all.rows += rows;
            pause().await;
        }
        if all.rows > 0 {
            let mut tx = self.db.begin().await?;
            record_as(&mut tx, now, None, "audit.prune", "audit", None, "retention", "done").await?;
            tx.commit().await?;
        }
        Ok(all)
    }

    /// The oldest rows, as far as they are old enough and hold together.
    async fn old(&self, ages: &mut Ages) -> Result<Old, DbError> {
        let mut conn = self.db.read().await?;
        let point = PruningPoint::read(&mut conn).await?;
        let first = point.as_ref().map_or_else(|| ChainPlace::first(self.service), |point| point.place);
        if point.as_ref().is_some_and(|point| !point.is_of(&self.key, self.service)) {
            return Err(broken(first.position, "the pruning point is not signed by this network"));
        }
        let rows: Vec<Linked> =
            on!(conn, |c| sqlx::query_as(OLDEST).bind(first.position).bind(BATCH_ROWS_MAX).fetch_all(c).await)?;
        let mut old = Old { before: point, last: first, rows: 0, sets: BTreeSet::new(), held: None };
        for row in &rows {
            if let Some(content) = &row.content {
                let young = Held { position: row.position, occurred_at: content.occurred_at };
                match ages.of(&mut conn, young).await? {
                    Age::Old => {}
                    Age::Young => break,
                    Age::Unknown => {
                        old.held = Some(young);
                        break;
                    }
                }
            }
            let next = row.content.as_ref().map(|content| (content, old.last.next(content)));
            let holds = next.filter(|(_, next)| next.position == row.position && Some(next.link) == row.link);
            let Some((content, next)) = holds else {
                return Err(broken(
                    row.position,
                    "the row is not the one that was linked; nothing from it on is pruned",
                ));
            };
            old.last = next;
            old.rows += 1;
            old.sets.extend(content.shown.map(|shown| shown.simple().to_string()));
        }
        Ok(old)
    }

    async fn forget(&self, old: Old, now: DateTime<Utc>) -> Result<u64, DbError> {
        let mut tx = self.db.begin().await?;
        lock(&mut tx).await?;
        if PruningPoint::read(&mut tx).await? != old.before {
            // Another process prunes.
            return Ok(0);
        }
        let (from, last) = (old.before.map_or(0, |point| point.place.position), old.last);
        let rows = on!(tx, |c| {
            let forgotten = sqlx::query(FORGET).bind(from).bind(last.position).execute(c).await;
            forgotten.map(|r| r.rows_affected())
        })?;
        expect_rows("prune the audit", old.rows, rows)?;
        let signature = self.key.sign(self.service, last);
        let set = on!(tx, |c| {
            let point = sqlx::query(SET_POINT).bind(last.position).bind(last.link.bytes()).bind(now).bind(&signature);
            point.execute(c).await.map(|r| r.rows_affected())
        })?;
        expect_rows("set the audit's pruning point", 1, set)?;
        forget_sets(&mut tx, &old.sets).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

/// Whether a row is old enough to go.
enum Age {
    Old,
    Young,
    /// It is of a later time than rows behind it, and not all of those are old.
    Unknown,
}

impl Ages {
    /// How old the row at a place is. Rows behind it whose time has not come either say nothing.
    async fn of(&mut self, conn: &mut Conn, row: Held) -> Result<Age, DbError> {
        if row.occurred_at < self.before || row.position < self.known && row.occurred_at > self.now {
            return Ok(Age::Old);
        }
        let behind: Vec<(i64, DateTime<Utc>)> =
            on!(conn, |c| sqlx::query_as(BEHIND).bind(row.position).bind(self.now).bind(WITNESSES).fetch_all(c).await)?;
        let old = behind.iter().filter(|(_, at)| *at < self.before).count();
        let is_all = i64::try_from(behind.len()).is_ok_and(|count| count == WITNESSES) && old == behind.len();
        if let (true, Some((next, _))) = (is_all, behind.first()) {
            self.known = *next;
            return Ok(Age::Old);
        }
        Ok(if old > 0 || row.occurred_at > self.now { Age::Unknown } else { Age::Young })
    }
}

/// Takes away the sets that no row names any more.
async fn forget_sets(tx: &mut Tx, sets: &BTreeSet<String>) -> Result<(), DbError> {
    if sets.is_empty() {
        return Ok(());
    }
    match tx.engine() {
        Engine::Sqlite(c) => sqlx::query(FORGET_SETS_SQLITE).bind(Json(sets)).execute(c).await.map(drop)?,
        Engine::Postgres(c) => {
            sqlx::query(WAIT_POSTGRES).execute(&mut *c).await?;
            sqlx::query(LOCK_SETS_POSTGRES).execute(&mut *c).await?;
            sqlx::query(FORGET_SETS_POSTGRES).bind(Json(sets)).execute(c).await.map(drop)?;
        }
    }
    Ok(())
}

fn broken(position: i64, cause: &str) -> DbError {
    DbError::BadRow { table: "audit", column: "link", row: position.to_string(), cause: cause.to_owned() }
}
