//! The bookings that follow one another on the same resources.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use uuid::Uuid;

/// Rows of one look ahead at most: a consult has few resources, and a delay a few hours.
const LATER_MAX: i64 = 100;

const LATER: &str = "select resource_id as resource, holder_kind, holder_id as holder, starts_at from occupancy
    where resource_id in (select resource_id from occupancy where holder_kind = $1 and holder_id = $2)
      and starts_at >= $3 and starts_at < $4 and not (holder_kind = $1 and holder_id = $2)
      and (expires_at is null or expires_at > $5)
    order by starts_at, holder_id, resource_id limit $6";

/// A booking of the same resource.
#[derive(Clone, Debug, sqlx::FromRow)]
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
