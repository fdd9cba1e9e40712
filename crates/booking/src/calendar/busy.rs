//! When many resources are taken, by one statement.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::{INTERVAL_HOURS_MAX, Interval, in_order, stored};

const BUSY_OF_SQLITE: &str = "select o.resource_id, o.starts_at, o.ends_at, o.expires_at
    from json_each($1) e join occupancy o on o.resource_id = unhex(e.value)
    where o.starts_at >= $2 and o.starts_at < $4 and o.ends_at > $3 order by o.resource_id, o.starts_at, o.ends_at";
const BUSY_OF_POSTGRES: &str = "select o.resource_id, o.starts_at, o.ends_at, o.expires_at
    from jsonb_array_elements_text($1) e join occupancy o on o.resource_id = e::uuid
    where o.starts_at >= $2 and o.starts_at < $4 and o.ends_at > $3 order by o.resource_id, o.starts_at, o.ends_at";

/// A time at which a resource is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenTime {
    pub interval: Interval,
    /// A hold ends by itself then; `None` stays.
    pub expires_at: Option<DateTime<Utc>>,
}

impl TakenTime {
    /// Whether it is taken still.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

#[derive(sqlx_macros::FromRow)]
struct TakenTimeRow {
    resource_id: Uuid,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

/// Ids as the statements take them that read many at once.
pub fn ids(all: impl IntoIterator<Item = Uuid>) -> Json<Vec<String>> {
    Json(in_order(all.into_iter()).into_iter().map(|id| id.simple().to_string()).collect())
}

/// When each of these resources is taken between two moments, in order; expired holds that are there still are told.
pub async fn busy_of(
    conn: &mut Conn,
    resources: impl IntoIterator<Item = Uuid>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<HashMap<Uuid, Vec<TakenTime>>, DbError> {
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
    let mut busy: HashMap<Uuid, Vec<TakenTime>> = HashMap::new();
    for row in rows {
        let interval = stored(row.resource_id, row.starts_at, row.ends_at)?;
        busy.entry(row.resource_id).or_default().push(TakenTime { interval, expires_at: row.expires_at });
    }
    Ok(busy)
}
