//! Emergencies that no agency has taken yet.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::on;
use sqlx::types::Json;

use crate::request::id::RequestId;
use crate::request::list::Seen;
use crate::request::number::RequestNumber;

/// So many are named; the queue of urgent ones shows all.
const SHOWN_MAX: i64 = 5;

macro_rules! waiting {
    () => {
        "select r.id, r.number_day, r.number_count, a.name_zh as area_name, r.received_at from (
            select id, number_day, number as number_count, area_code, received_at, queue_at
            from request
            where queue_at is not null and removed_at is null and urgency <> 'normal' and urgency = 'emergency'
                and waits_for in ('dispatch', 'answer') and state <> 'no_show'
                and (area_code in (select code from scope) or agency_id = $2)
            order by queue_at, id limit $3) r
        join area a on a.code = r.area_code order by r.received_at, r.id"
    };
}
const WAITING_SQLITE: &str = concat!("with scope (code) as (select value from json_each($1)) ", waiting!());
const WAITING_POSTGRES: &str = concat!("with scope (code) as (select jsonb_array_elements_text($1)) ", waiting!());

/// An emergency that waits.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Emergency {
    pub id: RequestId,
    number_day: Option<NaiveDate>,
    number_count: Option<i64>,
    /// The area's Chinese name.
    pub area_name: String,
    /// When it came in.
    pub received_at: DateTime<Utc>,
}

impl Emergency {
    /// The number that people say.
    pub fn number(&self) -> String {
        let number = self.number_day.zip(self.number_count).map(|(day, count)| RequestNumber { day, count });
        number.map(|number| number.to_string()).unwrap_or_default()
    }
}

/// The emergencies that wait for somebody, the first to come on top.
pub async fn emergencies(conn: &mut Conn, seen: &Seen) -> Result<Vec<Emergency>, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => WAITING_SQLITE,
        Engine::Postgres(_) => WAITING_POSTGRES,
    };
    let scope = Json(&seen.scope);
    Ok(on!(conn, |c| sqlx::query_as(statement).bind(scope).bind(seen.agency).bind(SHOWN_MAX).fetch_all(c).await)?)
}
