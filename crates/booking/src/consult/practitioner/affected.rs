//! The booked consults of a doctor for which the hours have no time, and the invitations for which such a time is held.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment;
use sanbao_platform::on;
use uuid::Uuid;

use super::offer::{self, Exception};
use super::store::{self, BOOKED_MAX, EXCEPTIONS_DAYS, Practitioner, PractitionerPost};
use super::workday::{self, WorkdayRule};
use crate::account::AccountId;
use crate::calendar::week::WeeklyHours;
use crate::calendar::{INTERVAL_HOURS_MAX, Interval};
use crate::consult::id::ConsultId;
use crate::consult::input::DELAY_MINUTES_MAX;
use crate::consult::model::Consult;
use crate::consult::store::of_ids;

/// Consults that are named at once.
const AFFECTED_MAX: usize = 200;

const BOOKED: &str = "select c.id, c.starts_at, c.ends_at, c.delay_minutes from consult c
    where c.doctor_id = $1 and c.invited_id = $2 and c.state in ('scheduled', 'in_session')
      and c.starts_at >= $3 and c.starts_at < $4 and (c.starts_at, c.id) > ($3, $5)
    order by c.starts_at, c.id limit $6";

const ASKED: &str =
    "select c.id, c.asked_starts_at as starts_at, c.asked_ends_at as ends_at, 0 as delay_minutes from consult c
    where c.invited_id = $2 and c.state = 'submitted' and c.asked_doctor_id = $1
      and c.asked_starts_at >= $3 and c.asked_starts_at < $4 and (c.asked_starts_at, c.id) > ($3, $5)
    order by c.asked_starts_at, c.id limit $6";

const DOCTORS_OF_DAY: &str = "select d.doctor_id from (select c.doctor_id from consult c
        where c.invited_id = $1 and c.state in ('scheduled', 'in_session') and c.starts_at >= $2 and c.starts_at < $3
    union select c.asked_doctor_id from consult c where c.invited_id = $1 and c.state = 'submitted'
        and c.asked_starts_at >= $2 and c.asked_starts_at < $3) d
    order by d.doctor_id limit $4";

/// The consults that are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The first day, in the hospital's zone, on which they begin; any where there is none.
    pub from: Option<NaiveDate>,
    /// The last day, itself included.
    pub to: Option<NaiveDate>,
    /// The weekly hours before a change: what had no time by these either is left out.
    pub before: Option<&'a [WeeklyHours]>,
}

/// Consults outside the hours: booked ones, and those whose time is held until they are answered.
#[derive(Debug, Default)]
pub struct Outside {
    /// In order.
    pub consults: Vec<Consult>,
    /// Whether there are more.
    pub more: bool,
}

#[derive(sqlx_macros::FromRow)]
struct BookedRow {
    id: ConsultId,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    delay_minutes: i32,
}

impl BookedRow {
    /// The booked time, as long as it is not to be over.
    fn ahead(&self, now: DateTime<Utc>) -> Option<Interval> {
        let expected_end = self.ends_at + Duration::minutes(i64::from(self.delay_minutes));
        Interval::new(self.starts_at, self.ends_at).ok().filter(|_| expected_end > now)
    }
}

/// The consults that are booked, or ask for a time, where a doctor's hours and exceptions in this hospital have none: those to come,
/// those that are late, and those that are being held.
pub async fn outside(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctor: &Practitioner,
    scope: Scope<'_>,
) -> Result<Outside, DbError> {
    let (post, zone) = (doctor.post(), doctor.zone()?);
    let earliest = now - Duration::hours(INTERVAL_HOURS_MAX) - Duration::minutes(i64::from(DELAY_MINUTES_MAX));
    let begins = |day: Option<NaiveDate>| day.and_then(|day| moment::begins(day, zone));
    let from = begins(scope.from).map_or(earliest, |from| from.max(earliest));
    let last = now + Duration::days(i64::try_from(EXCEPTIONS_DAYS).unwrap_or(0) + 1);
    let to = begins(scope.to.and_then(|day| day.succ_opt())).map_or(last, |to| to.min(last));
    let today = now.with_timezone(&zone).date_naive();
    let first = from.with_timezone(&zone).date_naive();
    let weekly = store::weekly(conn, post).await?;
    let exceptions = store::exceptions(conn, post, first, today + Days::new(EXCEPTIONS_DAYS)).await?;
    let mut days: Vec<Exception> = exceptions.into_iter().map(|(_, exception)| exception).collect();
    let house = workday::of_one(conn, post.hospital, first, today + Days::new(EXCEPTIONS_DAYS)).await?;
    days.extend(house.iter().map(WorkdayRule::exception));
    let is_outside = |time: Interval| {
        let had_time = scope.before.is_none_or(|before| offer::holds(before, &days, zone, time));
        had_time && !offer::holds(&weekly, &days, zone, time)
    };
    let mut ids = Vec::new();
    for statement in [BOOKED, ASKED] {
        let mut after = (from, ConsultId(Uuid::nil()));
        while ids.len() <= AFFECTED_MAX {
            let rows: Vec<BookedRow> = on!(conn, |c| {
                let query = sqlx::query_as(statement).bind(post.doctor).bind(post.hospital).bind(after.0).bind(to);
                query.bind(after.1).bind(BOOKED_MAX).fetch_all(c).await
            })?;
            ids.extend(rows.iter().filter(|row| row.ahead(now).is_some_and(is_outside)).map(|row| row.id));
            let Some(last) = rows.last() else { break };
            after = (last.starts_at, last.id);
        }
    }
    let more = ids.len() > AFFECTED_MAX;
    ids.truncate(AFFECTED_MAX);
    let mut consults = of_ids(conn, &ids).await?;
    consults.sort_by_key(|consult| (at_stake(consult).map(|time| time.starts_at()), consult.id));
    Ok(Outside { consults, more })
}

/// The time that a consult has, or asks for.
pub fn at_stake(consult: &Consult) -> Option<Interval> {
    consult.state.appointment().map(|a| a.interval).or(consult.asked.map(|asked| asked.interval))
}

/// The same of all doctors of a hospital on one day.
pub async fn outside_on(
    conn: &mut Conn,
    now: DateTime<Utc>,
    hospital: OrganisationId,
    day: NaiveDate,
    zone: Tz,
) -> Result<Outside, DbError> {
    let begins = |day: Option<NaiveDate>| day.and_then(|day| moment::begins(day, zone)).unwrap_or(now);
    let (from, to) = (begins(Some(day)), begins(day.succ_opt()));
    let doctors: Vec<AccountId> = on!(conn, |c| {
        let query = sqlx::query_scalar(DOCTORS_OF_DAY).bind(hospital).bind(from).bind(to);
        query.bind(BOOKED_MAX).fetch_all(c).await
    })?;
    let scope = Scope { from: Some(day), to: Some(day), before: None };
    let mut all = Outside::default();
    for doctor in doctors {
        let Some(doctor) = store::find(conn, PractitionerPost { doctor, hospital }).await? else { continue };
        let of_one = outside(conn, now, &doctor, scope).await?;
        all.consults.extend(of_one.consults);
        all.more |= of_one.more;
    }
    all.more |= all.consults.len() > AFFECTED_MAX;
    all.consults.truncate(AFFECTED_MAX);
    Ok(all)
}
