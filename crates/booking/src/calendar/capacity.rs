//! How many bookings a resource takes at one time: its lanes, numbered from 0. One where nothing is said.
//!
//! A resource is taken where as many of its lanes are. Each booking keeps its lane, so that two who share a hall keep their booths:
//! where lanes are taken by turns, a long time may find none that is free all through.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::page::Words;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CAPACITY_IN_USE, INTERVAL_HOURS_MAX, Interval, ids, stored};
use crate::texts::CONSULT;

/// Lanes of a resource at most.
pub const CAPACITY_MAX: i32 = 20;
/// Times that a refusal names at most.
pub const NAMED_MAX: usize = 20;
/// Of these, those that it says in words.
const SAID_MAX: usize = 3;

const PUT: &str = "insert into resource_capacity (resource_id, capacity) values ($1, $2)
    on conflict (resource_id) do update set capacity = excluded.capacity";
const DROP: &str = "delete from resource_capacity where resource_id = $1";
const BOOKED: &str = "select starts_at, ends_at from occupancy
    where resource_id = $1 and starts_at >= $2 and ends_at > $3 and (expires_at is null or expires_at > $3)
    order by starts_at, ends_at";
const OF_SQLITE: &str = "select c.resource_id, c.capacity from json_each($1) e
    join resource_capacity c on c.resource_id = unhex(e.value)";
const OF_POSTGRES: &str = "select c.resource_id, c.capacity from jsonb_array_elements_text($1) e
    join resource_capacity c on c.resource_id = e::uuid";

/// A stretch of time and how many bookings there are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BookedStretch {
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
    /// How many are booked or held at once.
    pub booked: usize,
}

/// The stretches at which more than `most` of these intervals are at once, in order.
pub(super) fn stretches(intervals: impl Iterator<Item = Interval>, most: usize) -> Vec<BookedStretch> {
    // An end comes before a beginning at the same moment.
    let mut turns: Vec<(DateTime<Utc>, bool)> =
        intervals.flat_map(|i| [(i.starts_at(), true), (i.ends_at(), false)]).collect();
    turns.sort_unstable();
    let (mut found, mut booked, mut since) = (Vec::new(), 0_usize, None::<DateTime<Utc>>);
    for (at, begins) in turns {
        if let Some(starts_at) = since.filter(|since| booked > most && *since < at) {
            found.push(BookedStretch { starts_at, ends_at: at, booked });
        }
        booked = if begins { booked + 1 } else { booked.saturating_sub(1) };
        since = Some(at);
    }
    found
}

/// Why a resource has as many lanes as before.
#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    /// More is booked at one time, from now on.
    #[error("more is booked")]
    Booked(Vec<BookedStretch>),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl CapacityError {
    /// The problem, which says in its words when more is booked, as clocks show it in a zone.
    pub fn problem(self, zone: Tz) -> Problem {
        let mut over = match self {
            Self::Booked(over) => over,
            Self::Db(error) => return error.into(),
        };
        let count = over.len();
        let said = |lang: Lang| {
            let words = Words::new(&CONSULT, lang, zone);
            let said = over.iter().take(SAID_MAX).map(|time| {
                let span = words.span(time.starts_at, time.ends_at);
                let day = words.day(time.starts_at.with_timezone(&zone).date_naive());
                let count = time.booked.to_string();
                words.with("booked-together", &[("day", &*day), ("span", &*span), ("count", &*count)])
            });
            said.collect::<Vec<_>>().join(" / ")
        };
        let more = count > SAID_MAX;
        let zh = format!("{}{}。请先改约，再减少数量", said(Lang::Zh), if more { " 等" } else { "" });
        let en = format!("{}{}. Move these first", said(Lang::En), if more { " and more" } else { "" });
        over.truncate(NAMED_MAX);
        Problem::new(&CAPACITY_IN_USE).detail(zh, en).with("times", over)
    }
}

/// Gives a resource so many lanes. Where more is booked at one time from now on, that is refused with these times, and the caller
/// drops the transaction.
pub async fn set(tx: &mut Tx, now: DateTime<Utc>, resource: Uuid, capacity: i32) -> Result<(), CapacityError> {
    // First written, then looked at: on PostgreSQL a taker of a lane has the row, and is waited for.
    write(tx, resource, capacity).await?;
    let most = usize::try_from(capacity).unwrap_or(0);
    let over = stretches(booked(tx, now, resource).await?.into_iter(), most);
    if over.is_empty() { Ok(()) } else { Err(CapacityError::Booked(over)) }
}

/// Gives a resource so many lanes of which nothing is booked yet.
pub async fn write(tx: &mut Tx, resource: Uuid, capacity: i32) -> Result<(), DbError> {
    on!(tx, |c| {
        if capacity == 1 {
            sqlx::query(DROP).bind(resource).execute(c).await.map(drop)
        } else {
            sqlx::query(PUT).bind(resource).bind(capacity).execute(c).await.map(drop)
        }
    })?;
    Ok(())
}

async fn booked(tx: &mut Tx, now: DateTime<Utc>, resource: Uuid) -> Result<Vec<Interval>, DbError> {
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = now - Duration::hours(INTERVAL_HOURS_MAX);
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        on!(tx, |c| sqlx::query_as(BOOKED).bind(resource).bind(earliest).bind(now).fetch_all(c).await)?;
    rows.into_iter().map(|(from, to)| stored(resource, from, to)).collect()
}

/// The capacity of each of these resources that has another than one.
pub async fn of(conn: &mut Conn, resources: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, usize>, DbError> {
    let resources = ids(resources);
    let statement = match conn.engine() {
        Engine::Sqlite(_) => OF_SQLITE,
        Engine::Postgres(_) => OF_POSTGRES,
    };
    let rows: Vec<(Uuid, i32)> = on!(conn, |c| sqlx::query_as(statement).bind(&resources).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(id, capacity)| (id, usize::try_from(capacity).unwrap_or(1))).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_stretch_is_told_where_more_are_booked_than_there_may_be() {
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        let time = |from, to| Interval::new(at(from), at(to)).unwrap();
        let of = |most| {
            let all = [time(0, 30), time(0, 30), time(15, 45), time(30, 60)];
            let found = stretches(all.into_iter(), most);
            let minutes = |moment: DateTime<Utc>| (moment - at(0)).num_minutes();
            found.iter().map(|s| (minutes(s.starts_at), minutes(s.ends_at), s.booked)).collect::<Vec<_>>()
        };
        assert_eq!(of(1), [(0, 15, 2), (15, 30, 3), (30, 45, 2)]);
        assert_eq!(of(2), [(15, 30, 3)]);
        assert_eq!(of(3), []);
    }
}
