//! Hours, exceptions and rules of many doctors, by one statement.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use serde::Deserialize;
use sqlx::types::Json;

use super::offer::{Exception, offered};
use super::rules::{CalendarRules, KeptRule};
use super::store::{ExceptionRow, HoursRow, Practitioner, PractitionerPost};
use super::workday::WorkdayRule;
use crate::account::AccountId;
use crate::calendar::week::WeeklyHours;
use crate::calendar::{Interval, ids};

// As few rows as there can be: a thousand doctors have tens of thousands of lines, and each row of its own would cost more than to read
// them all out of one text.
const KEPT_SQLITE: &str = "select
    (select json_group_array(json_object('account_id', lower(hex(h.account_id)),
            'organisation_id', lower(hex(coalesce(h.organisation_id, f.organisation_id))),
            'row', json_object('weekday', h.weekday, 'start_minute', h.start_minute, 'end_minute', h.end_minute,
                'slot_minutes', h.slot_minutes, 'valid_from', h.valid_from, 'valid_to', h.valid_to)))
        from json_each($1) e join practitioner_hours h on h.account_id = unhex(e.value)
        join practitioner f on f.account_id = h.account_id where h.valid_to is null or h.valid_to >= $2) as hours,
    (select json_group_array(json_object('account_id', lower(hex(x.account_id)),
            'organisation_id', lower(hex(coalesce(x.organisation_id, f.organisation_id))),
            'row', json_object('id', lower(hex(x.id)), 'on_date', x.on_date, 'kind', x.kind, 'start_minute', x.start_minute,
                'end_minute', x.end_minute, 'slot_minutes', x.slot_minutes)))
        from json_each($1) e join practitioner_exception x on x.account_id = unhex(e.value)
        join practitioner f on f.account_id = x.account_id where x.on_date >= $2 and x.on_date <= $3) as exceptions,
    (select json_group_array(json_object('organisation_id', lower(hex(w.organisation_id)), 'on_date', w.on_date,
            'works_as', w.works_as)) from workday_rule w where w.on_date >= $2 and w.on_date <= $3) as workdays,
    (select json_group_array(json_object('organisation_id', lower(hex(r.organisation_id)), 'subject_id', lower(hex(r.subject_id)),
            'rule', json_object('before_minutes', r.before_minutes, 'after_minutes', r.after_minutes,
                'notice_hours', r.notice_hours, 'day_max', r.day_max, 'session_max', r.session_max)))
        from calendar_rule r) as rules";
// By an array, of which PostgreSQL looks up each in the index even where it knows nothing of the table yet.
const KEPT_POSTGRES: &str = "select
    (select coalesce(json_agg(json_build_object('account_id', h.account_id,
            'organisation_id', coalesce(h.organisation_id, f.organisation_id),
            'row', json_build_object('weekday', h.weekday, 'start_minute', h.start_minute, 'end_minute', h.end_minute,
                'slot_minutes', h.slot_minutes, 'valid_from', h.valid_from, 'valid_to', h.valid_to))), '[]')
        from practitioner_hours h join practitioner f on f.account_id = h.account_id
        where h.account_id = any (array(select e::uuid from jsonb_array_elements_text($1) e))
          and (h.valid_to is null or h.valid_to >= $2)) as hours,
    (select coalesce(json_agg(json_build_object('account_id', x.account_id,
            'organisation_id', coalesce(x.organisation_id, f.organisation_id),
            'row', json_build_object('id', x.id, 'on_date', x.on_date, 'kind', x.kind, 'start_minute', x.start_minute,
                'end_minute', x.end_minute, 'slot_minutes', x.slot_minutes))), '[]')
        from practitioner_exception x join practitioner f on f.account_id = x.account_id
        where x.account_id = any (array(select e::uuid from jsonb_array_elements_text($1) e))
          and x.on_date >= $2 and x.on_date <= $3) as exceptions,
    (select coalesce(json_agg(json_build_object('organisation_id', w.organisation_id, 'on_date', w.on_date,
            'works_as', w.works_as)), '[]') from workday_rule w where w.on_date >= $2 and w.on_date <= $3) as workdays,
    (select coalesce(json_agg(json_build_object('organisation_id', r.organisation_id, 'subject_id', r.subject_id,
            'rule', json_build_object('before_minutes', r.before_minutes, 'after_minutes', r.after_minutes,
                'notice_hours', r.notice_hours, 'day_max', r.day_max, 'session_max', r.session_max))), '[]')
        from calendar_rule r) as rules";

/// A row of one doctor in one hospital.
#[derive(Deserialize)]
struct OfPost<T> {
    account_id: AccountId,
    organisation_id: OrganisationId,
    row: T,
}

#[derive(sqlx_macros::FromRow)]
struct KeptRow {
    hours: Json<Vec<OfPost<HoursRow>>>,
    exceptions: Json<Vec<OfPost<ExceptionRow>>>,
    workdays: Json<Vec<WorkdayRule>>,
    rules: Json<Vec<KeptRule>>,
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

/// The hours of many doctors, their exceptions for some days, and the rules of all calendars.
#[derive(Debug, Default)]
pub struct KeptHours {
    of_post: HashMap<PractitionerPost, Kept>,
    rules: CalendarRules,
}

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
        let statement = match conn.engine() {
            Engine::Sqlite(_) => KEPT_SQLITE,
            Engine::Postgres(_) => KEPT_POSTGRES,
        };
        let row: KeptRow =
            on!(conn, |c| sqlx::query_as(statement).bind(&doctors).bind(first).bind(last).fetch_one(c).await)?;
        let mut of_post: HashMap<PractitionerPost, Kept> = HashMap::new();
        for line in row.hours.0 {
            of_post.entry(line.post()).or_default().hours.push(line.row.read());
        }
        for line in row.exceptions.0 {
            of_post.entry(line.post()).or_default().exceptions.push(line.row.read()?.1);
        }
        let mut of_house: HashMap<OrganisationId, Vec<Exception>> = HashMap::new();
        for rule in row.workdays.0 {
            of_house.entry(rule.organisation_id).or_default().push(rule.exception());
        }
        for (post, kept) in &mut of_post {
            kept.exceptions.extend(of_house.get(&post.hospital).into_iter().flatten());
        }
        Ok(Self { of_post, rules: CalendarRules::of_rows(row.rules.0) })
    }

    /// The rules of all calendars.
    pub fn rules(&self) -> &CalendarRules {
        &self.rules
    }

    /// Those of a doctor in a hospital, who is not asked for again.
    pub fn take(&mut self, post: PractitionerPost) -> Kept {
        self.of_post.remove(&post).unwrap_or_default()
    }

    /// Those of a doctor in a hospital.
    pub fn of(&self, post: PractitionerPost) -> Option<&Kept> {
        self.of_post.get(&post)
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
