//! The bookings that follow one another on the same resources, and those in each other's way.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use uuid::Uuid;

use super::{Booking, INTERVAL_HOURS_MAX};

/// Rows of one look ahead at most: a consult has few resources, and a delay a few hours.
const LATER_MAX: i64 = 100;

const LATER: &str = "select resource_id as resource, holder_kind, holder_id as holder, starts_at from occupancy
    where resource_id in (select resource_id from occupancy where holder_kind = $1 and holder_id = $2)
      and starts_at >= $3 and starts_at < $4 and not (holder_kind = $1 and holder_id = $2)
      and (expires_at is null or expires_at > $5)
    order by starts_at, holder_id, resource_id limit $6";

const CLASHES: &str = "select resource_id as resource, holder_kind, holder_id as holder, starts_at from occupancy
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

/// The bookings of others on a holder's resources that begin within `[from, to)`, in order.
pub async fn later(
    conn: &mut Conn,
    now: DateTime<Utc>,
    (kind, holder): (&'static str, Uuid),
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Later>, DbError> {
    Ok(on!(conn, |c| {
        let query = sqlx::query_as(LATER).bind(kind).bind(holder).bind(from).bind(to).bind(now);
        query.bind(LATER_MAX).fetch_all(c).await
    })?)
}

/// The bookings of others than `holders` that are in the way of `booking`, in order.
pub async fn clashes(
    conn: &mut Conn,
    now: DateTime<Utc>,
    booking: &Booking<'_>,
    holders: &[Uuid],
) -> Result<Vec<Later>, DbError> {
    let (from, to) = (booking.interval.starts_at(), booking.interval.ends_at());
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    let mut found: Vec<Later> = Vec::new();
    for resource in booking.resources {
        let rows: Vec<Later> = on!(conn, |c| {
            let query = sqlx::query_as(CLASHES).bind(resource).bind(earliest).bind(from).bind(to).bind(now);
            query.bind(LATER_MAX).fetch_all(c).await
        })?;
        found.extend(rows.into_iter().filter(|row| !holders.contains(&row.holder)));
    }
    Ok(found)
}
