//! The whole chain computed again and compared, and held against the checkpoints that went out.

use std::collections::BTreeSet;
use std::fmt;
use std::iter::Peekable;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _};
use uuid::Uuid;

use super::link::Linked;
use super::prune::{POINT, PruningPoint};
use super::{ChainPlace, Checkpoint, HEAD, Link, PruningKey};
use crate::audit::personal::Subject;
use crate::audit::shown::name_of;
use crate::db::copy::Snapshot;
use crate::db::{Db, DbError};
use crate::on;

/// Members of sets that are read at a time.
const PAGE_ROWS: usize = 5_000;
/// Faults that are told one by one; more are counted.
const FAULTS_TOLD_MAX: usize = 100;
/// Rows between two words of progress.
const PROGRESS_ROWS: u64 = 5_000;

const ROWS: &str =
    "select id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome,
    shown, times, address, position, link from audit where position > $1 order by position";
/// Rows that stand at or before the place from which is verified, where none should be.
const STRAY: &str = "select position from audit where position <= $1 order by position limit $2";
const COUNT: &str = "select count(*) from audit where position is not null";
const COUNT_UNLINKED: &str = "select count(*) from audit where position is null";
const SETS: &str = "select shown, kind, id from audit_shown where shown > $1 order by shown, kind, id limit $2";
const LACKING: &str = "select a.shown from audit a where a.shown is not null
    and not exists (select 1 from audit_shown s where s.shown = a.shown) order by a.shown limit $1";

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// Rows are gone: from this place up to and without that one.
    Missing { from: i64, until: i64 },
    /// A row is not the one that was linked, or not in its place.
    Altered { position: i64 },
    /// A row stands where everything has been pruned.
    Stray { position: i64 },
    /// The chain does not end as its own head says.
    Head { position: i64 },
    /// The pruning point was not signed by this network.
    Pruning { position: i64 },
    /// The chain does not have, or has otherwise, what a checkpoint says.
    Checkpoint { position: i64 },
    /// The people whom an answer showed are not those of the set's name.
    Set { shown: Uuid },
}

impl ChainFault {
    /// Where it is in the chain; none of a set, which any number of rows may name.
    pub fn position(&self) -> Option<i64> {
        match self {
            Self::Missing { from: position, .. }
            | Self::Altered { position }
            | Self::Stray { position }
            | Self::Head { position }
            | Self::Pruning { position }
            | Self::Checkpoint { position } => Some(*position),
            Self::Set { .. } => None,
        }
    }
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { from, until } if until - from == 1 => write!(f, "position {from}: the row is missing"),
            Self::Missing { from, until } => {
                write!(f, "position {from}: {} rows are missing, up to {}", until - from, until - 1)
            }
            Self::Altered { position } => {
                write!(f, "position {position}: the row, or its link, is not the one that was written there")
            }
            Self::Stray { position } => {
                write!(f, "position {position}: a row stands before the pruning point, where all were taken away")
            }
            Self::Head { position } => write!(f, "position {position}: the chain does not end as its head says"),
            Self::Pruning { position } => {
                write!(f, "position {position}: the pruning point is not signed by this network's secret")
            }
            Self::Checkpoint { position } => {
                write!(f, "position {position}: the chain is not the one of which a checkpoint went out")
            }
            Self::Set { shown } => {
                write!(f, "set {shown}: the people whom an answer showed are not those that were written down")
            }
        }
    }
}

/// The outcome of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows that are linked.
    pub rows: u64,
    /// Rows that wait for their place; of them nothing can be said.
    pub unlinked: u64,
    /// The place up to which the log was pruned; 0 where it never was.
    pub pruned: i64,
    /// When what the last row tells of happened.
    pub until: Option<DateTime<Utc>>,
    /// How many checkpoints the chain was held against.
    pub checkpoints: u64,
    /// How many are of rows that have been pruned since: with them nothing is compared.
    pub checkpoints_pruned: u64,
    /// Faults, the first hundred.
    pub faults: Vec<ChainFault>,
    /// How many there are.
    pub faults_count: u64,
}

impl Verified {
    fn add(&mut self, fault: ChainFault) {
        self.faults_count += 1;
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(fault);
        }
    }

    /// The fault that is first in the chain; of those in no place, the one that was found first.
    pub fn first(&self) -> Option<&ChainFault> {
        self.faults.iter().min_by_key(|fault| fault.position().unwrap_or(i64::MAX))
    }
}

/// A place that the chain is held against: the link, as hex, and the fault if it has another.
type Wanted = (i64, String, ChainFault);

/// A chain on the way from its beginning to its end.
struct Walk<F> {
    end: ChainPlace,
    found: Verified,
    wanted: Peekable<IntoIter<Wanted>>,
    progress: F,
    all: u64,
}

impl<F: FnMut(u64, u64)> Walk<F> {
    async fn all<S>(&mut self, mut rows: S) -> Result<(), sqlx::Error>
    where
        S: Stream<Item = Result<Linked, sqlx::Error>> + Unpin,
    {
        while let Some(row) = rows.next().await {
            self.row(row?);
        }
        (self.progress)(self.found.rows, self.all);
        Ok(())
    }

    fn row(&mut self, row: Linked) {
        let position = row.position;
        let follows = position == self.end.position + 1;
        if !follows {
            self.found.add(ChainFault::Missing { from: self.end.position + 1, until: position });
        }
        let next = row.content.as_ref().map(|content| self.end.link.next(content));
        // Behind rows that are gone nobody can say from which link this one went on.
        if next.is_none() || row.link.is_none() || (follows && next != row.link) {
            self.found.add(ChainFault::Altered { position });
        }
        // The next one is held against what stands here, so that one fault is told once.
        self.end = ChainPlace { position, link: row.link.or(next).unwrap_or(self.end.link) };
        self.found.until = row.content.map(|content| content.occurred_at).or(self.found.until);
        self.found.rows += 1;
        self.passed(position, Some(self.end.link));
        if self.found.rows.is_multiple_of(PROGRESS_ROWS) {
            (self.progress)(self.found.rows, self.all);
        }
    }

    /// Holds what is wanted up to `position` against the link there; of a place that was skipped there is none.
    fn passed(&mut self, position: i64, link: Option<Link>) {
        while let Some((place, wanted, fault)) = self.wanted.next_if(|wanted| wanted.0 <= position) {
            if place != position || link.is_none_or(|link| link.to_string() != wanted) {
                self.found.add(fault);
            }
        }
    }
}

/// Computes the chain of `service` anew, as it is at one moment. `progress` hears how many rows are done, of how many.
pub async fn verify(
    db: &Db,
    service: &str,
    checkpoints: &[Checkpoint],
    key: &PruningKey,
    progress: impl FnMut(u64, u64),
) -> Result<Verified, DbError> {
    let mut at = Snapshot::of_one(db).await?;
    let mut found = Verified::default();
    let all: i64 = on!(at, |c| sqlx::query_scalar(COUNT).fetch_one(c).await)?;
    let unlinked: i64 = on!(at, |c| sqlx::query_scalar(COUNT_UNLINKED).fetch_one(c).await)?;
    found.unlinked = unlinked.unsigned_abs();
    let point = on!(at, |c| sqlx::query_as(POINT).fetch_optional(c).await)?.map(PruningPoint::of).transpose()?;
    let begin = point.as_ref().map_or_else(|| ChainPlace::first(service), |point| point.place);
    found.pruned = begin.position;
    if point.is_some_and(|point| !point.is_of(key, service)) {
        found.add(ChainFault::Pruning { position: begin.position });
    }
    let stray: Vec<i64> =
        on!(at, |c| sqlx::query_scalar(STRAY).bind(begin.position).bind(told_max()).fetch_all(c).await)?;
    for position in stray {
        found.add(ChainFault::Stray { position });
    }
    let head: Option<(i64, Vec<u8>)> = on!(at, |c| sqlx::query_as(HEAD).fetch_optional(c).await)?;
    let head = head.map(|head| ChainPlace::read("audit_head", head)).transpose()?;
    let wanted = wanted(service, checkpoints, begin.position, head, &mut found);
    let mut walk = Walk { end: begin, found, wanted, progress, all: all.unsigned_abs() };
    walk.passed(begin.position, Some(begin.link));
    on!(at, |c| walk.all(sqlx::query_as(ROWS).bind(begin.position).fetch(c)).await)?;
    let last = walk.end.position;
    if let Some(head) = head.filter(|head| head.position > last) {
        walk.found.add(ChainFault::Missing { from: last + 1, until: head.position + 1 });
    }
    if head.is_none_or(|head| head.position < last) && last > begin.position {
        walk.found.add(ChainFault::Head { position: last });
    }
    // What is left lies behind the last row.
    walk.passed(i64::MAX, None);
    let mut found = walk.found;
    sets(&mut at, &mut found).await?;
    Ok(found)
}

/// The places that the chain is held against, in their order: its checkpoints from `begin` on, and its own head.
fn wanted(
    service: &str,
    checkpoints: &[Checkpoint],
    begin: i64,
    head: Option<ChainPlace>,
    found: &mut Verified,
) -> Peekable<IntoIter<Wanted>> {
    let mut wanted = Vec::new();
    for Checkpoint { position, link, .. } in checkpoints.iter().filter(|checkpoint| checkpoint.service == service) {
        if *position < begin {
            found.checkpoints_pruned += 1;
        } else {
            found.checkpoints += 1;
            wanted.push((*position, link.clone(), ChainFault::Checkpoint { position: *position }));
        }
    }
    if let Some(ChainPlace { position, link }) = head {
        wanted.push((position, link.to_string(), ChainFault::Head { position }));
    }
    wanted.sort_by_key(|wanted| wanted.0);
    wanted.into_iter().peekable()
}

fn told_max() -> i64 {
    i64::try_from(FAULTS_TOLD_MAX).unwrap_or(i64::MAX)
}

/// Each set of people has the name that its members give it, and each that is named is there.
async fn sets(at: &mut Snapshot, found: &mut Verified) -> Result<(), DbError> {
    let (mut after, mut limit) = (Uuid::nil(), PAGE_ROWS);
    loop {
        let bound = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows: Vec<(Uuid, String, Uuid)> =
            on!(at, |c| sqlx::query_as(SETS).bind(after).bind(bound).fetch_all(c).await)?;
        let full = rows.len() == limit;
        let Some(last) = rows.last().map(|row| row.0) else { break };
        if full && rows.first().is_some_and(|row| row.0 == last) {
            // One set fills the page, and may go on behind it.
            limit = limit.saturating_mul(2);
            continue;
        }
        if full {
            rows.retain(|row| row.0 != last);
        }
        for set in rows.chunk_by(|a, b| a.0 == b.0) {
            let members: BTreeSet<Subject> =
                set.iter().map(|(_, kind, id)| Subject { kind: kind.clone().into(), id: *id }).collect();
            if name_of(&members) != set[0].0 {
                found.add(ChainFault::Set { shown: set[0].0 });
            }
        }
        after = rows.last().map_or(last, |row| row.0);
        limit = PAGE_ROWS;
        if !full {
            break;
        }
    }
    let lacking: Vec<Uuid> = on!(at, |c| sqlx::query_scalar(LACKING).bind(told_max()).fetch_all(c).await)?;
    for shown in lacking {
        found.add(ChainFault::Set { shown });
    }
    Ok(())
}
