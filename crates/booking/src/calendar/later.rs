//! The bookings that follow one another on the same resources, and those in each other's way.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use uuid::Uuid;

use super::busy::lanes_of;
use super::{Booking, INTERVAL_HOURS_MAX, capacity};

/// Rows of one look ahead at most: a consult has few resources, and a delay a few hours.
const LATER_MAX: i64 = 100;

// Who has another lane goes on there; a lane that the resource has not is in the way of every other one.
const LATER: &str = "select o.resource_id as resource, o.lane, o.holder_kind, o.holder_id as holder, o.starts_at
    from occupancy m join occupancy o on o.resource_id = m.resource_id
    left join resource_capacity c on c.resource_id = m.resource_id
    where m.holder_kind = $1 and m.holder_id = $2 and not (o.holder_kind = $1 and o.holder_id = $2)
      and (o.lane = m.lane or o.lane >= coalesce(c.capacity, 1) or m.lane >= coalesce(c.capacity, 1))
      and o.starts_at >= $3 and o.starts_at < $4 and (o.expires_at is null or o.expires_at > $5)
    order by o.starts_at, o.holder_id, o.resource_id limit $6";

const CLASHES: &str = "select resource_id as resource, lane, holder_kind, holder_id as holder, starts_at from occupancy
    where resource_id = $1 and starts_at >= $2 and starts_at < $4 and ends_at > $3
      and (expires_at is null or expires_at > $5)
    order by starts_at, holder_id limit $6";

/// A booking of the same resource.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Later {
    /// The resource that both take.
    pub resource: Uuid,
    /// The kind of the other one's holder.
    pub holder_kind: String,
    /// The other one's holder.
    pub holder: Uuid,
    pub starts_at: DateTime<Utc>,
}

#[derive(sqlx_macros::FromRow)]
struct LaterRow {
    lane: i32,
    #[sqlx(flatten)]
    later: Later,
}

/// The bookings of others on a holder's resources that begin within `[from, to)`, in order.
pub async fn later(
    conn: &mut Conn,
    now: DateTime<Utc>,
    (kind, holder): (&'static str, Uuid),
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Later>, DbError> {
    let rows: Vec<LaterRow> = on!(conn, |c| {
        let query = sqlx::query_as(LATER).bind(kind).bind(holder).bind(from).bind(to).bind(now);
        query.bind(LATER_MAX).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.later).collect())
}

/// The bookings of others than `holders` that are in the way of `booking`, in order; `beside` is taken together with it. What
/// leaves a lane is in nobody's way.
pub async fn clashes(
    conn: &mut Conn,
    now: DateTime<Utc>,
    booking: &Booking<'_>,
    holders: &[Uuid],
    beside: Option<&Booking<'_>>,
) -> Result<Vec<Later>, DbError> {
    let (from, to) = (booking.interval.starts_at(), booking.interval.ends_at());
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    let capacities: HashMap<Uuid, usize> = capacity::of(conn, booking.resources.iter().copied()).await?;
    let beside = beside.filter(|beside| beside.interval.overlaps(&booking.interval));
    let mut found: Vec<Later> = Vec::new();
    for resource in booking.resources {
        let rows: Vec<LaterRow> = on!(conn, |c| {
            let query = sqlx::query_as(CLASHES).bind(resource).bind(earliest).bind(from).bind(to).bind(now);
            query.bind(LATER_MAX).fetch_all(c).await
        })?;
        let others: Vec<LaterRow> = rows.into_iter().filter(|row| !holders.contains(&row.later.holder)).collect();
        let also = beside.filter(|beside| beside.resources.contains(resource));
        let taken = lanes_of(others.iter().map(|row| row.lane)) + usize::from(also.is_some());
        if taken >= capacities.get(resource).copied().unwrap_or(1) {
            found.extend(others.into_iter().map(|row| row.later));
            found.extend(also.map(|also| Later {
                resource: *resource,
                holder_kind: also.holder_kind.to_owned(),
                holder: also.holder_id,
                starts_at: also.interval.starts_at(),
            }));
        }
    }
    Ok(found)
}
