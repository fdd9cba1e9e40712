//! The days of an institution: public holidays, and its own word about a day.
//!
//! On a public holiday nobody keeps weekly hours. Of a day on which people work for a holiday's sake (调休) the State Council does not
//! say which weekday it stands for, and institutions choose differently: it has the hours of its own weekday, mostly none, until the
//! institution says.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::workdays::{self, DayKind};
use sanbao_platform::{on, text_enum};
use serde::Deserialize;

use super::offer::Exception;
use crate::account::AccountId;

const OF_ONE: &str = "select organisation_id, on_date, works_as from workday_rule
    where organisation_id = $1 and on_date >= $2 and on_date <= $3 order by on_date";
const SET: &str =
    "insert into workday_rule (organisation_id, on_date, works_as, set_by, set_at) values ($1, $2, $3, $4, $5)
    on conflict (organisation_id, on_date) do update set works_as = $3, set_by = $4, set_at = $5";
const CLEAR: &str = "delete from workday_rule where organisation_id = $1 and on_date = $2";
// Nobody is booked by the old rule meanwhile, and those who keep the hours of doctors in memory read these anew.
const HOLD: &str = "update practitioner set created_at = created_at where organisation_id = $1";
const HOLD_ELSEWHERE: &str = "update practitioner_elsewhere set created_at = created_at where organisation_id = $1";
const HOLD_FIRST: &str = "update practitioner set created_at = created_at where account_id in
    (select account_id from practitioner_elsewhere where organisation_id = $1)";

text_enum! {
    /// The word of an institution about a day: closed, or the weekday whose hours are kept.
    pub enum WorksAs {
        Closed = "closed",
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
        Saturday = "saturday",
        Sunday = "sunday",
    }
}

impl WorksAs {
    /// ISO 8601: Monday is 1. `None` where it is closed.
    pub fn weekday(self) -> Option<i32> {
        Self::ALL.iter().zip(0_i32..).find(|(one, _)| **one == self).map(|(_, n)| n).filter(|n| *n > 0)
    }

    /// The word for a day that is worked as the weekday that it is.
    pub fn itself(day: NaiveDate) -> Self {
        let n = usize::try_from(day.weekday().number_from_monday()).unwrap_or(0);
        Self::ALL.get(n).copied().unwrap_or(Self::Closed)
    }
}

/// The weekday whose hours are kept on a day, or none: the institution's word first, then the public holidays of its zone. Of a year
/// whose holidays are not known each day is its weekday.
pub fn kept_weekday(exceptions: &[Exception], zone: Tz, day: NaiveDate) -> Option<i32> {
    let said = exceptions.iter().find_map(|exception| match *exception {
        Exception::House { on, works_as } if on == day => Some(works_as),
        _ => None,
    });
    match said {
        Some(works_as) => works_as.weekday(),
        None if workdays::is_of(zone) && matches!(workdays::kind_of(day), Some(DayKind::Holiday(_))) => None,
        None => WorksAs::itself(day).weekday(),
    }
}

/// A word of an institution about a day.
#[derive(Clone, Copy, Debug, Deserialize, sqlx_macros::FromRow)]
pub struct WorkdayRule {
    pub organisation_id: OrganisationId,
    pub on_date: NaiveDate,
    pub works_as: WorksAs,
}

impl WorkdayRule {
    /// The same beside a doctor's exceptions.
    pub fn exception(&self) -> Exception {
        Exception::House { on: self.on_date, works_as: self.works_as }
    }
}

/// The words of an institution about the days from one to another, in their order.
pub async fn of_one(
    conn: &mut Conn,
    organisation: OrganisationId,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<WorkdayRule>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF_ONE).bind(organisation).bind(first).bind(last).fetch_all(c).await)?)
}

/// Keeps others from booking the institution's doctors, and from changing its days, until the transaction ends.
pub async fn hold(tx: &mut Tx, organisation: OrganisationId) -> Result<(), DbError> {
    for statement in [HOLD, HOLD_FIRST, HOLD_ELSEWHERE] {
        on!(tx, |c| sqlx::query(statement).bind(organisation).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Writes the word about a day, or takes it back.
pub async fn set(
    tx: &mut Tx,
    organisation: OrganisationId,
    day: NaiveDate,
    works_as: Option<WorksAs>,
    (by, now): (AccountId, DateTime<Utc>),
) -> Result<(), DbError> {
    on!(tx, |c| {
        match works_as {
            Some(works_as) => {
                let row = sqlx::query(SET).bind(organisation).bind(day).bind(works_as).bind(by).bind(now);
                row.execute(c).await.map(drop)
            }
            None => sqlx::query(CLEAR).bind(organisation).bind(day).execute(c).await.map(drop),
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_holiday_has_no_hours_until_the_institution_says_and_a_make_up_day_those_of_its_own_weekday() {
        let (shanghai, berlin) = (chrono_tz::Asia::Shanghai, chrono_tz::Europe::Berlin);
        let date = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let house = |on: &str, works_as| Exception::House { on: date(on), works_as };
        let said = [
            house("2026-10-05", WorksAs::Monday),
            house("2026-10-10", WorksAs::Wednesday),
            house("2026-11-24", WorksAs::Closed),
        ];
        for (day, zone, exceptions, kept) in [
            ("2026-10-01", shanghai, &[][..], None),
            ("2026-10-01", berlin, &[], Some(4)),
            ("2026-10-05", shanghai, &said, Some(1)),
            ("2026-10-06", shanghai, &said, None),
            ("2026-10-10", shanghai, &[], Some(6)),
            ("2026-10-10", shanghai, &said, Some(3)),
            ("2026-11-24", shanghai, &[], Some(2)),
            ("2026-11-24", shanghai, &said, None),
            ("2027-10-01", shanghai, &said, Some(5)),
        ] {
            assert_eq!(kept_weekday(exceptions, zone, date(day)), kept, "{day} {zone}");
        }
        assert_eq!(
            WorksAs::ALL.iter().map(|day| day.weekday().unwrap_or(0)).collect::<Vec<_>>(),
            (0..8).collect::<Vec<_>>()
        );
    }
}
