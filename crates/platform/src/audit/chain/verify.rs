//! The whole chain computed again and compared, and held against the checkpoints that went out.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::link::{Link, Row};
use super::{Checkpoint, End};
use crate::audit::personal::Subject;
use crate::audit::shown::name_of;
use crate::db::{Conn, Db, DbError};
use crate::on;

/// Rows that are read at a time.
const PAGE_ROWS: i64 = 5_000;
/// Faults that are told one by one; more are counted.
const FAULTS_TOLD_MAX: usize = 100;

const PAGE: &str = "select id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome,
    shown, times, position, link from audit where position > $1 order by position limit $2";
const COUNT: &str = "select count(*) from audit where position is not null";
const COUNT_UNLINKED: &str = "select count(*) from audit where position is null";
const SETS: &str = "select shown, kind, id from audit_shown where shown > $1 order by shown, kind, id limit $2";
const LACKING: &str = "select a.shown from audit a where a.shown is not null
    and not exists (select 1 from audit_shown s where s.shown = a.shown) order by a.shown limit $1";

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Rows are gone: from this place up to and without that one.
    Missing {
        from: i64,
        until: i64,
    },
    /// A row is not the one that was linked, or not in its place.
    Altered {
        position: i64,
    },
    /// The chain does not have, or has otherwise, what a checkpoint says.
    Checkpoint {
        position: i64,
    },
    /// The people whom an answer showed are not those of the set's name.
    Set {
        shown: Uuid,
    },
}

/// The outcome of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are linked.
    pub rows: u64,
    /// Rows that wait for their place; of them nothing can be said.
    pub unlinked: u64,
    /// Faults, the first hundred.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub faults_count: u64,
}

impl Report {
    fn add(&mut self, fault: Fault) {
        self.faults_count += 1;
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(fault);
        }
    }
}

/// Computes the chain of `service` anew. `progress` hears how many rows are done, of how many.
pub async fn verify(
    db: &Db,
    service: &str,
    checkpoints: &[Checkpoint],
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, DbError> {
    let mut conn = db.read().await?;
    let mut report = Report::default();
    let all: i64 = on!(conn, |c| sqlx::query_scalar(COUNT).fetch_one(c).await)?;
    let unlinked: i64 = on!(conn, |c| sqlx::query_scalar(COUNT_UNLINKED).fetch_one(c).await)?;
    report.unlinked = unlinked.unsigned_abs();
    let mut wanted: Vec<&Checkpoint> = checkpoints.iter().filter(|c| c.service == service).collect();
    wanted.sort_by_key(|checkpoint| checkpoint.position);
    let mut wanted = wanted.into_iter().peekable();
    let mut end = End { position: 0, link: Link::first(service) };
    loop {
        let rows: Vec<Row> =
            on!(conn, |c| sqlx::query_as(PAGE).bind(end.position).bind(PAGE_ROWS).fetch_all(c).await)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let position = row.position.unwrap_or_default();
            if position != end.position + 1 {
                report.add(Fault::Missing { from: end.position + 1, until: position });
            }
            let stored = Link::of(row.link.as_deref().unwrap_or_default(), position)?;
            if end.link.next(row) != stored {
                report.add(Fault::Altered { position });
            }
            // The next one is held against what stands here, so that one fault is told once.
            end = End { position, link: stored };
            while let Some(checkpoint) = wanted.next_if(|checkpoint| checkpoint.position <= position) {
                if checkpoint.position != position || checkpoint.link != stored.to_string() {
                    report.add(Fault::Checkpoint { position: checkpoint.position });
                }
            }
        }
        report.rows += rows.len() as u64;
        progress(report.rows, all.unsigned_abs());
    }
    for checkpoint in wanted {
        report.add(Fault::Checkpoint { position: checkpoint.position });
    }
    sets(&mut conn, &mut report).await?;
    Ok(report)
}

/// Each set of people has the name that its members give it, and each that is named is there.
async fn sets(conn: &mut Conn, report: &mut Report) -> Result<(), DbError> {
    let mut after = Uuid::nil();
    loop {
        let mut rows: Vec<(Uuid, String, Uuid)> =
            on!(conn, |c| sqlx::query_as(SETS).bind(after).bind(PAGE_ROWS).fetch_all(c).await)?;
        let full = rows.len() as i64 == PAGE_ROWS;
        // The last set may go on behind the page; one that fills a page by itself is read whole.
        if let Some(last) = rows.last().map(|row| row.0).filter(|last| full && rows[0].0 != *last) {
            rows.retain(|row| row.0 != last);
        }
        let Some(last) = rows.last() else { break };
        after = last.0;
        for set in rows.chunk_by(|a, b| a.0 == b.0) {
            let members: BTreeSet<Subject> =
                set.iter().map(|(_, kind, id)| Subject { kind: kind.clone().into(), id: *id }).collect();
            if name_of(&members) != set[0].0 {
                report.add(Fault::Set { shown: set[0].0 });
            }
        }
        if !full {
            break;
        }
    }
    let limit = i64::try_from(FAULTS_TOLD_MAX).unwrap_or(i64::MAX);
    let lacking: Vec<Uuid> = on!(conn, |c| sqlx::query_scalar(LACKING).bind(limit).fetch_all(c).await)?;
    for shown in lacking {
        report.add(Fault::Set { shown });
    }
    Ok(())
}
