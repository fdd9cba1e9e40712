//! When many resources are taken, by one statement.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::capacity::stretches;
use super::{INTERVAL_HOURS_MAX, Interval, in_order, stored};

const BUSY_OF_SQLITE: &str = "select o.resource_id, o.lane, o.starts_at, o.ends_at, o.holder_id, o.expires_at,
        coalesce(c.capacity, 1) as capacity
    from json_each($1) e join occupancy o on o.resource_id = unhex(e.value)
    left join resource_capacity c on c.resource_id = o.resource_id
    where o.starts_at >= $2 and o.starts_at < $4 and o.ends_at > $3 order by o.resource_id, o.starts_at, o.ends_at";
// By an array, of which PostgreSQL looks up each in the index even where it knows nothing of the table yet.
const BUSY_OF_POSTGRES: &str = "select o.resource_id, o.lane, o.starts_at, o.ends_at, o.holder_id, o.expires_at,
        coalesce(c.capacity, 1) as capacity
    from occupancy o left join resource_capacity c on c.resource_id = o.resource_id
    where o.resource_id = any (array(select e::uuid from jsonb_array_elements_text($1) e))
      and o.starts_at >= $2 and o.starts_at < $4 and o.ends_at > $3 order by o.resource_id, o.starts_at, o.ends_at";

/// A time at which one lane of a resource is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenTime {
    pub interval: Interval,
    pub lane: i32,
    /// The consult, the hold or the visit that has it.
    pub holder: Uuid,
    /// A hold ends by itself then; `None` stays.
    pub expires_at: Option<DateTime<Utc>>,
}

impl TakenTime {
    /// Whether it is taken still.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// When the lanes of one resource are taken, in order of the beginnings, and how many lanes it has.
#[derive(Clone, Debug)]
pub struct TakenLanes {
    capacity: usize,
    times: Vec<TakenTime>,
}

impl TakenLanes {
    /// Each time at which a lane is taken.
    pub fn times(&self) -> &[TakenTime] {
        &self.times
    }

    /// Whether a lane is left all through a slot; what `but` has is not counted.
    pub fn has_lane(&self, slot: Interval, now: DateTime<Utc>, but: Option<Uuid>) -> bool {
        // No row is longer than the longest interval.
        let earliest = slot.starts_at() - Duration::hours(INTERVAL_HOURS_MAX);
        let before = self.times.partition_point(|taken| taken.interval.starts_at() < slot.ends_at());
        let near = self.times.iter().take(before).rev().take_while(|taken| taken.interval.starts_at() > earliest);
        let mut near = near.filter(|t| t.interval.overlaps(&slot) && t.holds(now) && Some(t.holder) != but);
        if self.capacity == 1 {
            return near.next().is_none();
        }
        lanes_of(near.map(|taken| taken.lane)) < self.capacity
    }

    /// The stretches at which no lane is left.
    fn full(&self, now: DateTime<Utc>) -> Vec<Interval> {
        let held = self.times.iter().filter(|taken| taken.holds(now)).map(|taken| taken.interval);
        if self.capacity == 1 {
            return held.collect();
        }
        let full = stretches(held, self.capacity - 1);
        full.into_iter().filter_map(|full| Interval::new(full.starts_at, full.ends_at).ok()).collect()
    }
}

/// How many lanes these are.
pub(super) fn lanes_of(lanes: impl Iterator<Item = i32>) -> usize {
    let mut lanes: Vec<i32> = lanes.collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes.len()
}

#[derive(sqlx_macros::FromRow)]
struct TakenTimeRow {
    resource_id: Uuid,
    lane: i32,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    holder_id: Uuid,
    expires_at: Option<DateTime<Utc>>,
    capacity: i32,
}

/// Ids as the statements take them that read many at once.
pub fn ids(all: impl IntoIterator<Item = Uuid>) -> Json<Vec<String>> {
    Json(in_order(all.into_iter()).into_iter().map(|id| id.simple().to_string()).collect())
}

/// When each of these resources is taken between two moments, in order; expired holds that are there still are told. One that is
/// not told of is free.
pub async fn busy_of(
    conn: &mut Conn,
    resources: impl IntoIterator<Item = Uuid>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<HashMap<Uuid, TakenLanes>, DbError> {
    let resources = ids(resources);
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    let statement = match conn.engine() {
        Engine::Sqlite(_) => BUSY_OF_SQLITE,
        Engine::Postgres(_) => BUSY_OF_POSTGRES,
    };
    let rows: Vec<TakenTimeRow> = on!(conn, |c| {
        sqlx::query_as(statement).bind(&resources).bind(earliest).bind(from).bind(to).fetch_all(c).await
    })?;
    let mut busy: HashMap<Uuid, TakenLanes> = HashMap::new();
    for row in rows {
        let interval = stored(row.resource_id, row.starts_at, row.ends_at)?;
        let time = TakenTime { interval, lane: row.lane, holder: row.holder_id, expires_at: row.expires_at };
        let capacity = usize::try_from(row.capacity).unwrap_or(1);
        busy.entry(row.resource_id).or_insert_with(|| TakenLanes { capacity, times: Vec::new() }).times.push(time);
    }
    Ok(busy)
}

/// When no lane of `resource` is left within `within`, in order; expired holds are left out.
pub async fn busy(
    conn: &mut Conn,
    now: DateTime<Utc>,
    resource: Uuid,
    within: Interval,
) -> Result<Vec<Interval>, DbError> {
    let taken = busy_of(conn, [resource], within.starts_at(), within.ends_at()).await?;
    Ok(taken.get(&resource).map(|taken| taken.full(now)).unwrap_or_default())
}
