//! The booked consults of a doctor for which the hours have no time.

use chrono::{DateTime, Days, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use super::offer::{self, Exception};
use super::store::{self, BOOKED_MAX, EXCEPTIONS_DAYS, Practitioner};
use crate::consult::model::{Consult, ConsultRow};
use crate::consult::store::consults;

const AHEAD: &str = consults!(
    "where c.doctor_id = $1 and c.invited_id = $2 and c.state = 'scheduled' and c.starts_at >= $3
    order by c.starts_at, c.id limit $4"
);

/// The consults ahead that are booked where a doctor's hours and exceptions in this hospital have no time, in order.
pub async fn outside(conn: &mut Conn, now: DateTime<Utc>, doctor: &Practitioner) -> Result<Vec<Consult>, DbError> {
    let (post, zone) = (doctor.post(), doctor.zone()?);
    let today = now.with_timezone(&zone).date_naive();
    let weekly = store::weekly(conn, post).await?;
    let exceptions = store::exceptions(conn, post, today, today + Days::new(EXCEPTIONS_DAYS)).await?;
    let days: Vec<Exception> = exceptions.into_iter().map(|(_, exception)| exception).collect();
    let rows: Vec<ConsultRow> = on!(conn, |c| {
        let query = sqlx::query_as(AHEAD).bind(post.doctor).bind(post.hospital).bind(now).bind(BOOKED_MAX);
        query.fetch_all(c).await
    })?;
    let mut consults: Vec<Consult> = rows.into_iter().map(Consult::try_from).collect::<Result<_, _>>()?;
    consults.retain(|consult| {
        let booked = consult.state.appointment().map(|a| a.interval);
        booked.is_some_and(|time| !offer::holds(&weekly, &days, zone, time))
    });
    Ok(consults)
}
