//! Everything that is asked of a doctor, a room and a person before a time is taken, read by one statement.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sqlx::types::Json;
use uuid::Uuid;

use super::Practitioner;
use super::offer::{Exception, offered};
use super::store::{ExceptionRow, HoursRow, PractitionerPost};
use super::workday::WorkdayRule;
use crate::account::{LocationId, PersonId};
use crate::calendar::overbook::{self, HeldPlace};
use crate::calendar::week::WeeklyHours;
use crate::calendar::{INTERVAL_HOURS_MAX, Interval};
use crate::consult::id::ConsultId;

/// How far back and ahead a time may be asked for, in days.
const BACK_DAYS: i64 = 1;
const AHEAD_DAYS: i64 = 400;
/// A day of the hospital's calendar begins at most so many days away from that of UTC, and a slot may begin the day before.
const AROUND_DAYS: Days = Days::new(2);

// Those who have left a hospital have a profile there still.
const FIND_SQLITE: &str = "select p.account_id, p.organisation_id, a.display_name as name, p.specialty, p.specialty_zh,
    p.specialty_en, p.title, p.licence_no, o.time_zone, o.name_zh as hospital_zh, o.name_en as hospital_en,
    a.status = 'active' and exists (select 1 from membership m where m.account_id = p.account_id
        and m.organisation_id = p.organisation_id and m.role = 'doctor') as works,
    exists (select 1 from location l where l.id = $3 and l.organisation_id = $4 and l.state = 'open') as has_room,
    exists (select 1 from person e where e.id = $5 and e.state <> 'registered') as has_ended,
    (select count(*) from consult_guest g where g.consult_id = $6 and g.revoked_at is null) as links,
    (select json_group_array(json_object('weekday', h.weekday, 'start_minute', h.start_minute, 'end_minute', h.end_minute,
            'slot_minutes', h.slot_minutes, 'valid_from', h.valid_from, 'valid_to', h.valid_to)) from practitioner_hours h
        where h.account_id = p.account_id and coalesce(h.organisation_id,
            (select f.organisation_id from practitioner f where f.account_id = p.account_id)) = p.organisation_id) as hours,
    (select json_group_array(json_object('id', lower(hex(x.id)), 'on_date', x.on_date, 'kind', x.kind, 'start_minute',
            x.start_minute, 'end_minute', x.end_minute, 'slot_minutes', x.slot_minutes)) from practitioner_exception x
        where x.account_id = p.account_id and x.on_date >= $7 and x.on_date <= $8 and coalesce(x.organisation_id,
            (select f.organisation_id from practitioner f where f.account_id = p.account_id)) = p.organisation_id) as exceptions,
    (select json_group_array(json_object('organisation_id', lower(hex(w.organisation_id)), 'on_date', w.on_date,
            'works_as', w.works_as)) from workday_rule w
        where w.organisation_id = p.organisation_id and w.on_date >= $7 and w.on_date <= $8) as workdays,
    (select count(*) from calendar_rule r where r.organisation_id = p.organisation_id
        and (r.subject_id = p.account_id or r.subject_id = p.organisation_id)) as rules,
    (select json_group_array(distinct lower(hex(t.resource_id))) from person j join occupancy t on t.resource_id = j.id
        where j.merged_into = $5 and t.ends_at > $9) as stayed,
    (select count(*) from occupancy t where t.resource_id = p.account_id and t.starts_at > $11 and t.starts_at <= $13
        and t.ends_at > $13 and (t.expires_at is null or t.expires_at > $9)
        and (t.holder_kind <> 'consult' or t.holder_id <> $6)) as taken,
    (select json_group_array(json_object('holder', lower(hex(b.holder_id)), 'lane', b.lane, 'starts_at', b.starts_at,
            'ends_at', b.ends_at)) from occupancy b where b.resource_id = p.account_id and b.lane >= $10
        and b.starts_at > $11 and b.starts_at < $12) as beyond
    from (select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no from practitioner
        union all
        select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no
        from practitioner_elsewhere) p
    join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id
    where p.account_id = $1 and p.organisation_id = $2";
const FIND_POSTGRES: &str = "select p.account_id, p.organisation_id, a.display_name as name, p.specialty, p.specialty_zh,
    p.specialty_en, p.title, p.licence_no, o.time_zone, o.name_zh as hospital_zh, o.name_en as hospital_en,
    a.status = 'active' and exists (select 1 from membership m where m.account_id = p.account_id
        and m.organisation_id = p.organisation_id and m.role = 'doctor') as works,
    exists (select 1 from location l where l.id = $3 and l.organisation_id = $4 and l.state = 'open') as has_room,
    exists (select 1 from person e where e.id = $5 and e.state <> 'registered') as has_ended,
    (select count(*) from consult_guest g where g.consult_id = $6 and g.revoked_at is null) as links,
    (select coalesce(jsonb_agg(jsonb_build_object('weekday', h.weekday, 'start_minute', h.start_minute, 'end_minute',
            h.end_minute, 'slot_minutes', h.slot_minutes, 'valid_from', h.valid_from, 'valid_to', h.valid_to)),
                    '[]') from practitioner_hours h
        where h.account_id = p.account_id and coalesce(h.organisation_id,
            (select f.organisation_id from practitioner f where f.account_id = p.account_id)) = p.organisation_id) as hours,
    (select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'on_date', x.on_date, 'kind', x.kind, 'start_minute',
            x.start_minute, 'end_minute', x.end_minute, 'slot_minutes', x.slot_minutes)), '[]') from practitioner_exception x
        where x.account_id = p.account_id and x.on_date >= $7 and x.on_date <= $8 and coalesce(x.organisation_id,
            (select f.organisation_id from practitioner f where f.account_id = p.account_id)) = p.organisation_id) as exceptions,
    (select coalesce(jsonb_agg(jsonb_build_object('organisation_id', w.organisation_id, 'on_date', w.on_date,
            'works_as', w.works_as)), '[]') from workday_rule w
        where w.organisation_id = p.organisation_id and w.on_date >= $7 and w.on_date <= $8) as workdays,
    (select count(*) from calendar_rule r where r.organisation_id = p.organisation_id
        and (r.subject_id = p.account_id or r.subject_id = p.organisation_id)) as rules,
    (select coalesce(jsonb_agg(distinct t.resource_id), '[]') from person j join occupancy t on t.resource_id = j.id
        where j.merged_into = $5 and t.ends_at > $9) as stayed,
    (select count(*) from occupancy t where t.resource_id = p.account_id and t.starts_at > $11 and t.starts_at <= $13
        and t.ends_at > $13 and (t.expires_at is null or t.expires_at > $9)
        and (t.holder_kind <> 'consult' or t.holder_id <> $6)) as taken,
    (select coalesce(jsonb_agg(jsonb_build_object('holder', b.holder_id, 'lane', b.lane, 'starts_at', b.starts_at,
            'ends_at', b.ends_at)), '[]') from occupancy b where b.resource_id = p.account_id and b.lane >= $10
        and b.starts_at > $11 and b.starts_at < $12) as beyond
    from (select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no from practitioner
        union all
        select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no
        from practitioner_elsewhere) p
    join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id
    where p.account_id = $1 and p.organisation_id = $2";

/// A time that is asked for, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct BookingWish {
    pub post: PractitionerPost,
    /// The house, and its room where one is wanted.
    pub house: OrganisationId,
    pub room: Option<LocationId>,
    pub resident: PersonId,
    /// The consult, where there is one.
    pub consult: Option<ConsultId>,
    pub starts_at: DateTime<Utc>,
}

#[derive(sqlx_macros::FromRow)]
struct BookableRow {
    #[sqlx(flatten)]
    doctor: Practitioner,
    works: bool,
    has_room: bool,
    has_ended: bool,
    links: i64,
    hours: Json<Vec<HoursRow>>,
    exceptions: Json<Vec<ExceptionRow>>,
    workdays: Json<Vec<WorkdayRule>>,
    rules: i64,
    stayed: Json<Vec<Uuid>>,
    taken: i64,
    beyond: Json<Vec<HeldPlace>>,
}

/// A doctor with a profile in the hospital, and what stands in the way.
#[derive(Clone, Debug)]
pub struct Bookable {
    pub doctor: Practitioner,
    /// Whether the doctor is one of the hospital still, and has an account that is not disabled.
    pub works: bool,
    /// Whether the wanted room is one of the house's, and open.
    pub has_room: bool,
    /// Whether the resident has died or left.
    pub has_ended: bool,
    /// How many rules there are for the doctor's calendar: its own, and the hospital's.
    pub rules: i64,
    /// How many links for the family stand.
    pub links: i64,
    /// How many others have the doctor at the wanted moment, as far as that is committed.
    pub taken: i64,
    /// The times around the wanted one that others have of the doctor beyond the places that there are.
    pub beyond: Vec<HeldPlace>,
    /// The ids under which the resident's time is taken.
    resident: Vec<Uuid>,
    zone: Tz,
    hours: Vec<WeeklyHours>,
    exceptions: Vec<Exception>,
    starts_at: DateTime<Utc>,
}

/// The doctor, where there is a profile in the hospital, with all that a booking asks.
pub async fn find(conn: &mut Conn, now: DateTime<Utc>, wish: &BookingWish) -> Result<Option<Bookable>, DbError> {
    let (first, last) = around(wish.starts_at);
    let (longest, beyond) = (Duration::hours(INTERVAL_HOURS_MAX), overbook::capacity(wish.post.doctor.0));
    let (after, before) = (wish.starts_at - longest, wish.starts_at + longest);
    let row: Option<BookableRow> = match conn.engine() {
        Engine::Sqlite(c) => {
            let query = sqlx::query_as(FIND_SQLITE).bind(wish.post.doctor).bind(wish.post.hospital).bind(wish.room);
            let query = query.bind(wish.house).bind(wish.resident).bind(wish.consult).bind(first).bind(last);
            query.bind(now).bind(beyond).bind(after).bind(before).bind(wish.starts_at).fetch_optional(c).await
        }
        Engine::Postgres(c) => {
            let query = sqlx::query_as(FIND_POSTGRES).bind(wish.post.doctor).bind(wish.post.hospital).bind(wish.room);
            let query = query.bind(wish.house).bind(wish.resident).bind(wish.consult).bind(first).bind(last);
            query.bind(now).bind(beyond).bind(after).bind(before).bind(wish.starts_at).fetch_optional(c).await
        }
    }?;
    conn.settle();
    row.map(|row| row.read(wish)).transpose()
}

/// The days whose exceptions may matter.
fn around(starts_at: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    let day = starts_at.date_naive();
    (day.checked_sub_days(AROUND_DAYS).unwrap_or(day), day.checked_add_days(AROUND_DAYS).unwrap_or(day))
}

impl BookableRow {
    fn read(self, wish: &BookingWish) -> Result<Bookable, DbError> {
        let exceptions = self.exceptions.0.into_iter().map(|row| row.read().map(|(_, exception)| exception));
        let workdays = self.workdays.0.iter().map(|rule| Ok(rule.exception()));
        Ok(Bookable {
            zone: self.doctor.zone()?,
            doctor: self.doctor,
            works: self.works,
            has_room: self.has_room,
            has_ended: self.has_ended,
            rules: self.rules,
            links: self.links,
            taken: self.taken,
            beyond: self.beyond.0,
            resident: std::iter::once(wish.resident.0).chain(self.stayed.0).collect(),
            hours: self.hours.0.into_iter().map(HoursRow::read).collect(),
            exceptions: exceptions.chain(workdays).collect::<Result<_, _>>()?,
            starts_at: wish.starts_at,
        })
    }
}

impl Bookable {
    /// Whose time is taken: the doctor's, then the resident's.
    pub fn people(&self) -> Vec<Uuid> {
        std::iter::once(self.doctor.account_id.0).chain(self.resident.iter().copied()).collect()
    }

    /// The slot that the doctor offers at the wanted time, if it is not over.
    pub fn slot(&self, now: DateTime<Utc>, pointer: &'static str) -> Result<Interval, Problem> {
        let from = self.starts_at;
        let near = from >= now - Duration::days(BACK_DAYS) && from <= now + Duration::days(AHEAD_DAYS);
        let until = from + Duration::microseconds(1);
        let slots = if near { offered(&self.hours, &self.exceptions, self.zone, from, until) } else { Vec::new() };
        slots.first().filter(|slot| slot.ends_at() > now).copied().ok_or_else(|| {
            Problem::field(
                pointer,
                "医生这个时间不出诊，请从可选时间中选择",
                "The doctor does not offer this time; choose one that is offered",
            )
        })
    }
}
