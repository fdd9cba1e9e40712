//! The home-care agency: its zone, its caregivers, the days of its calendar.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::AccountId;

/// More caregivers than this are not offered in one form.
pub const CAREGIVERS_MAX: i64 = 200;

/// An agency, as far as its visits need to know it.
#[derive(Clone, Copy, Debug)]
pub struct Agency {
    pub id: OrganisationId,
    /// Its zone: what "today" means there.
    pub zone: Tz,
}

/// A caregiver of an agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct Caregiver {
    pub id: AccountId,
    /// The name to show.
    pub name: String,
}

const FIND: &str = "select kind, time_zone from organisation where id = $1";
const CAREGIVERS: &str = "select a.id, a.display_name as name from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 and m.role = 'caregiver' and a.status = 'active'
    order by a.display_name, a.id limit $2";
const CAREGIVERS_AFTER: &str =
    "select a.id, a.display_name as name from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 and m.role = 'caregiver' and a.status = 'active' and (a.display_name, a.id) > ($3, $4)
    order by a.display_name, a.id limit $2";
const CAREGIVER: &str = "select a.id, a.display_name as name from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 and m.role = 'caregiver' and a.status = 'active' and a.id = $2";

impl Agency {
    /// The agency of this id; another kind of organisation makes no visits.
    pub async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Self>, DbError> {
        let row: Option<(String, String)> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
        let Some((kind, zone)) = row else { return Ok(None) };
        if kind != "home_care_agency" {
            return Ok(None);
        }
        let bad = |_| DbError::BadRow {
            table: "organisation",
            column: "time_zone",
            row: id.to_string(),
            cause: "not a zone of the IANA database".into(),
        };
        Ok(Some(Self { id, zone: zone.parse().map_err(bad)? }))
    }

    /// The caller's agency; others make no visits.
    pub async fn of_caller(conn: &mut Conn, ctx: &Ctx) -> Result<Self, Problem> {
        Self::find(conn, ctx.actor.organisation).await?.ok_or_else(Problem::forbidden)
    }

    /// Its active caregivers by name.
    pub async fn caregivers(&self, conn: &mut Conn) -> Result<Vec<Caregiver>, DbError> {
        Ok(on!(conn, |c| sqlx::query_as(CAREGIVERS).bind(self.id).bind(CAREGIVERS_MAX).fetch_all(c).await)?)
    }

    /// Up to `limit` of its active caregivers by name, after the one with that name and id.
    pub async fn caregivers_after(
        &self,
        conn: &mut Conn,
        after: Option<(String, AccountId)>,
        limit: i64,
    ) -> Result<Vec<Caregiver>, DbError> {
        Ok(match after {
            None => on!(conn, |c| sqlx::query_as(CAREGIVERS).bind(self.id).bind(limit).fetch_all(c).await)?,
            Some((name, id)) => on!(conn, |c| {
                sqlx::query_as(CAREGIVERS_AFTER).bind(self.id).bind(limit).bind(name).bind(id).fetch_all(c).await
            })?,
        })
    }

    /// One of its active caregivers.
    pub async fn caregiver(&self, conn: &mut Conn, id: AccountId) -> Result<Option<Caregiver>, DbError> {
        Ok(on!(conn, |c| sqlx::query_as(CAREGIVER).bind(self.id).bind(id).fetch_optional(c).await)?)
    }

    /// The day it is there.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone).date_naive()
    }

    /// The first moment of a day there.
    pub fn midnight(&self, day: NaiveDate) -> DateTime<Utc> {
        self.local(day, 0)
    }

    /// A full hour of a day there. An hour that a change of clocks leaves out becomes the next one.
    pub fn local(&self, day: NaiveDate, hour: u32) -> DateTime<Utc> {
        let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN);
        let naive = day.and_time(time);
        let zoned = self.zone.from_local_datetime(&naive).earliest();
        let zoned = zoned.or_else(|| self.zone.from_local_datetime(&(naive + Duration::hours(1))).earliest());
        zoned.map_or_else(|| naive.and_utc(), |z| z.with_timezone(&Utc))
    }

    /// From the first moment of a day there to the first of `days` later.
    pub fn days(&self, day: NaiveDate, days: u64) -> (DateTime<Utc>, DateTime<Utc>) {
        let last = day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
        (self.midnight(day), self.midnight(last))
    }

    /// Whether a moment lies in today or tomorrow there.
    pub fn is_soon(&self, now: DateTime<Utc>, at: DateTime<Utc>) -> bool {
        let (from, until) = self.days(self.today(now), 2);
        from <= at && at < until
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_day_is_the_agencys_day() {
        let agency = Agency { id: OrganisationId::new(DateTime::UNIX_EPOCH), zone: chrono_tz::Asia::Shanghai };
        let late: DateTime<Utc> = "2026-11-22T16:30:00Z".parse().unwrap();
        assert_eq!(agency.today(late), NaiveDate::from_ymd_opt(2026, 11, 23).unwrap());
        let (from, until) = agency.days(agency.today(late), 1);
        assert_eq!(from, "2026-11-22T16:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(until - from, Duration::hours(24));
        assert!(agency.is_soon(late, until) && !agency.is_soon(late, until + Duration::hours(24)));
        let summer = Agency { zone: chrono_tz::Europe::Berlin, ..agency };
        let (from, until) = summer.days(NaiveDate::from_ymd_opt(2026, 3, 29).unwrap(), 1);
        assert_eq!(until - from, Duration::hours(23), "the day on which clocks go forward");
    }
}
