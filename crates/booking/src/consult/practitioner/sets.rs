//! Hours and exceptions of many doctors, by three statements.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sqlx::types::Json;

use super::offer::{Exception, offered};
use super::store::{ExceptionRow, HoursRow, Practitioner, PractitionerPost};
use super::workday;
use crate::account::AccountId;
use crate::calendar::week::WeeklyHours;
use crate::calendar::{Interval, ids};

const HOURS_OF_SQLITE: &str = "select h.account_id, coalesce(h.organisation_id, f.organisation_id) as organisation_id,
        h.weekday, h.start_minute, h.end_minute, h.slot_minutes, h.valid_from, h.valid_to
    from json_each($1) e join practitioner_hours h on h.account_id = unhex(e.value)
    join practitioner f on f.account_id = h.account_id where h.valid_to is null or h.valid_to >= $2";
const HOURS_OF_POSTGRES: &str =
    "select h.account_id, coalesce(h.organisation_id, f.organisation_id) as organisation_id,
        h.weekday, h.start_minute, h.end_minute, h.slot_minutes, h.valid_from, h.valid_to
    from jsonb_array_elements_text($1) e join practitioner_hours h on h.account_id = e::uuid
    join practitioner f on f.account_id = h.account_id where h.valid_to is null or h.valid_to >= $2";
const EXCEPTIONS_OF_SQLITE: &str =
    "select x.account_id, coalesce(x.organisation_id, f.organisation_id) as organisation_id,
        x.id, x.on_date, x.kind, x.start_minute, x.end_minute, x.slot_minutes
    from json_each($1) e join practitioner_exception x on x.account_id = unhex(e.value)
    join practitioner f on f.account_id = x.account_id where x.on_date >= $2 and x.on_date <= $3";
const EXCEPTIONS_OF_POSTGRES: &str =
    "select x.account_id, coalesce(x.organisation_id, f.organisation_id) as organisation_id,
        x.id, x.on_date, x.kind, x.start_minute, x.end_minute, x.slot_minutes
    from jsonb_array_elements_text($1) e join practitioner_exception x on x.account_id = e::uuid
    join practitioner f on f.account_id = x.account_id where x.on_date >= $2 and x.on_date <= $3";

/// A row of one doctor in one hospital.
#[derive(sqlx_macros::FromRow)]
struct OfPost<T> {
    account_id: AccountId,
    organisation_id: OrganisationId,
    #[sqlx(flatten)]
    row: T,
}

impl<T> OfPost<T> {
    fn post(&self) -> PractitionerPost {
        PractitionerPost { doctor: self.account_id, hospital: self.organisation_id }
    }
}

/// The hours that a doctor keeps in a hospital.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub hours: Vec<WeeklyHours>,
    pub exceptions: Vec<Exception>,
}

/// The hours of many doctors, and their exceptions for some days.
#[derive(Debug, Default)]
pub struct KeptHours(HashMap<PractitionerPost, Kept>);

impl KeptHours {
    /// Those of these doctors that count between two moments, wherever the hospitals lie.
    pub async fn read(
        conn: &mut Conn,
        doctors: &[Practitioner],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Self, DbError> {
        let day = |at: DateTime<Utc>| at.date_naive();
        let first = day(from).checked_sub_days(Days::new(1)).unwrap_or(day(from));
        let last = day(to).checked_add_days(Days::new(1)).unwrap_or(day(to));
        Self::of_days(conn, doctors.iter().map(|doctor| doctor.account_id), first, last).await
    }

    /// Those of these accounts that count from one day to another.
    pub async fn of_days(
        conn: &mut Conn,
        doctors: impl IntoIterator<Item = AccountId>,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Self, DbError> {
        let doctors: Json<Vec<String>> = ids(doctors.into_iter().map(|doctor| doctor.0));
        let (hours, exceptions) = match conn.engine() {
            Engine::Sqlite(_) => (HOURS_OF_SQLITE, EXCEPTIONS_OF_SQLITE),
            Engine::Postgres(_) => (HOURS_OF_POSTGRES, EXCEPTIONS_OF_POSTGRES),
        };
        let hours: Vec<OfPost<HoursRow>> =
            on!(conn, |c| sqlx::query_as(hours).bind(&doctors).bind(first).fetch_all(c).await)?;
        let exceptions: Vec<OfPost<ExceptionRow>> =
            on!(conn, |c| { sqlx::query_as(exceptions).bind(&doctors).bind(first).bind(last).fetch_all(c).await })?;
        let mut kept: HashMap<PractitionerPost, Kept> = HashMap::new();
        for line in hours {
            kept.entry(line.post()).or_default().hours.push(line.row.read());
        }
        for line in exceptions {
            kept.entry(line.post()).or_default().exceptions.push(line.row.read()?.1);
        }
        let mut of_house: HashMap<OrganisationId, Vec<Exception>> = HashMap::new();
        for rule in workday::of_all(conn, first, last).await? {
            of_house.entry(rule.organisation_id).or_default().push(rule.exception());
        }
        for (post, kept) in &mut kept {
            kept.exceptions.extend(of_house.get(&post.hospital).into_iter().flatten());
        }
        Ok(Self(kept))
    }

    /// Those of a doctor in a hospital, who is not asked for again.
    pub fn take(&mut self, post: PractitionerPost) -> Kept {
        self.0.remove(&post).unwrap_or_default()
    }

    /// Those of a doctor in a hospital.
    pub fn of(&self, post: PractitionerPost) -> Option<&Kept> {
        self.0.get(&post)
    }

    /// The times that a doctor offers, taken or not.
    pub fn offered(
        &self,
        doctor: &Practitioner,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Interval>, DbError> {
        let zone = doctor.zone()?;
        Ok(self.of(doctor.post()).map_or_else(Vec::new, |k| offered(&k.hours, &k.exceptions, zone, from, to)))
    }
}
