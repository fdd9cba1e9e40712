//! Statements over practitioners, their hours and exceptions.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use serde::Deserialize;

use super::offer::Exception;
use super::rank::Rank;
use crate::account::AccountId;
use crate::calendar::week::{WeeklyHours, version_of};
use crate::calendar::{Interval, ids};
use crate::consult::id::{ExceptionId, HoursId};
use crate::consult::input::Title;

/// Doctors of one hospital's list at most.
pub const STAFF_MAX: i64 = 500;
/// Booked times ahead that are held against hours.
pub(super) const BOOKED_MAX: i64 = 1000;
/// How far back and ahead exceptions are shown, in days.
pub const EXCEPTIONS_DAYS: u64 = 400;

/// A statement over the doctors of all hospitals: a doctor of two stands there once for each.
macro_rules! practitioners {
    ($rest:literal) => {
        concat!(
            "select p.account_id, p.organisation_id, a.display_name as name, p.specialty, p.specialty_zh,
    p.specialty_en, p.title, p.licence_no, o.time_zone, o.name_zh as hospital_zh, o.name_en as hospital_en
    from (select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no from practitioner
        union all
        select account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no
        from practitioner_elsewhere) p
    join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id ",
            $rest
        )
    };
}

const FIND: &str = practitioners!("where p.account_id = $1 and p.organisation_id = $2");
const POSTS: &str = practitioners!("where p.account_id = $1 order by p.organisation_id");
// Those who have left a hospital are invited there no more.
const SEARCH: &str = practitioners!(
    "where a.status = 'active' and o.state = 'open' and ($1 = '' or p.specialty = $1) and p.title in ($2, $3, $4, $5)
      and (p.organisation_id = $6 or $7) and exists (select 1 from membership m where m.account_id = p.account_id
        and m.organisation_id = p.organisation_id and m.role = 'doctor')
    order by p.organisation_id, p.specialty, a.display_name, p.account_id"
);
const BOOKABLE_OF_SQLITE: &str = practitioners!(
    "where a.status = 'active' and o.state = 'open' and p.account_id in (select unhex(e.value) from json_each($1) e)
      and exists (select 1 from membership m where m.account_id = p.account_id
        and m.organisation_id = p.organisation_id and m.role = 'doctor')"
);
const BOOKABLE_OF_POSTGRES: &str = practitioners!(
    "where a.status = 'active' and o.state = 'open'
      and p.account_id in (select e::uuid from jsonb_array_elements_text($1) e)
      and exists (select 1 from membership m where m.account_id = p.account_id
        and m.organisation_id = p.organisation_id and m.role = 'doctor')"
);
const WORKS: &str = "select count(*) from membership m join account a on a.id = m.account_id
    where m.account_id = $1 and m.organisation_id = $2 and m.role = 'doctor' and a.status = 'active'";
const REGISTER_ELSEWHERE: &str = "insert into practitioner_elsewhere
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id, organisation_id) do update set specialty = excluded.specialty,
        specialty_zh = excluded.specialty_zh, specialty_en = excluded.specialty_en, title = excluded.title,
        licence_no = excluded.licence_no";
const REGISTER: &str = "insert into practitioner
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id) do update set specialty = excluded.specialty, specialty_zh = excluded.specialty_zh,
        specialty_en = excluded.specialty_en, title = excluded.title, licence_no = excluded.licence_no
        where practitioner.organisation_id = excluded.organisation_id";
const EMPLOYERS: &str = "select organisation_id from membership where account_id = $1 and role = 'doctor'
    order by created_at, organisation_id limit 20";
const DOCTORS: &str = "select a.id, a.display_name as name, p.specialty_zh, p.specialty_en, p.title,
    (select count(*) from practitioner_hours h left join practitioner f on f.account_id = h.account_id
        where h.account_id = p.account_id and coalesce(h.organisation_id, f.organisation_id) = p.organisation_id
        and (h.valid_to is null or h.valid_to >= $2)) as lines
    from membership m join account a on a.id = m.account_id
    left join (select account_id, organisation_id, specialty_zh, specialty_en, title from practitioner union all
        select account_id, organisation_id, specialty_zh, specialty_en, title from practitioner_elsewhere) p
        on p.account_id = a.id and p.organisation_id = m.organisation_id
    where m.organisation_id = $1 and m.role = 'doctor' and a.status = 'active'
    order by a.display_name, a.id limit $3";
const BOOKED: &str = "select o.starts_at, o.ends_at from occupancy o join consult c on c.id = o.holder_id
    where o.resource_id = $1 and o.holder_kind = 'consult' and o.starts_at >= $2 and o.expires_at is null
        and c.invited_id = $4
    order by o.starts_at limit $3";
const NAME: &str = "select display_name from account where id = $1";
const HOURS: &str = "select weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to
    from practitioner_hours h where account_id = $1 and coalesce(organisation_id,
        (select f.organisation_id from practitioner f where f.account_id = h.account_id)) = $2
    order by weekday, start_minute, id";
const HOLD_POSTGRES: &str = "select account_id from practitioner where account_id = $1 for update";
const KEEP_POSTGRES: &str = "select account_id from practitioner where account_id = $1 for share";
const CLEAR_HOURS: &str = "delete from practitioner_hours where account_id = $1 and coalesce(organisation_id,
    (select f.organisation_id from practitioner f where f.account_id = $1)) = $2";
const ADD_HOURS: &str = "insert into practitioner_hours
    (id, account_id, weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to, organisation_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const EXCEPTIONS: &str = "select id, on_date, kind, start_minute, end_minute, slot_minutes
    from practitioner_exception e where account_id = $1 and on_date >= $2 and on_date <= $3 and coalesce(organisation_id,
        (select f.organisation_id from practitioner f where f.account_id = e.account_id)) = $4
    order by on_date, id limit 500";
const ADD_EXCEPTION: &str = "insert into practitioner_exception
    (id, account_id, on_date, kind, start_minute, end_minute, slot_minutes, organisation_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const REMOVE_EXCEPTION: &str = "delete from practitioner_exception where id = $1 and account_id = $2
    and coalesce(organisation_id, (select f.organisation_id from practitioner f where f.account_id = $2)) = $3";

/// A doctor in a hospital: what is offered there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PractitionerPost {
    pub doctor: AccountId,
    pub hospital: OrganisationId,
}

/// A doctor as the network knows one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Practitioner {
    pub account_id: AccountId,
    /// The hospital that the doctor works for.
    pub organisation_id: OrganisationId,
    pub name: String,
    /// The specialty's code.
    pub specialty: String,
    /// Its name in Chinese.
    pub specialty_zh: String,
    /// Its name in English.
    pub specialty_en: String,
    /// The rank (职称).
    pub title: Title,
    /// The licence to practise (执业证书编号).
    pub licence_no: String,
    time_zone: String,
    /// The hospital's name in Chinese.
    pub hospital_zh: String,
    /// The hospital's name in English.
    pub hospital_en: String,
}

impl Practitioner {
    /// The version of what is registered: it is another as soon as any of it is.
    pub fn version(&self) -> i64 {
        version_of(&format!(
            "{:?}",
            (&self.specialty, &self.specialty_zh, &self.specialty_en, self.title, &self.licence_no)
        ))
    }

    /// The doctor in this hospital.
    pub fn post(&self) -> PractitionerPost {
        PractitionerPost { doctor: self.account_id, hospital: self.organisation_id }
    }

    /// The hospital's zone.
    pub fn zone(&self) -> Result<Tz, DbError> {
        self.time_zone.parse().map_err(|e: chrono_tz::ParseError| DbError::BadRow {
            table: "organisation",
            column: "time_zone",
            row: self.organisation_id.to_string(),
            cause: e.to_string(),
        })
    }
}

/// One doctor in a hospital.
pub async fn find(conn: &mut Conn, post: PractitionerPost) -> Result<Option<Practitioner>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(post.doctor).bind(post.hospital).fetch_optional(c).await)?)
}

/// One doctor in each hospital where there is a profile.
pub async fn posts(conn: &mut Conn, doctor: AccountId) -> Result<Vec<Practitioner>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(POSTS).bind(doctor).fetch_all(c).await)?)
}

/// Whether somebody is a doctor of a hospital still, and has an account that is not disabled.
pub async fn works(conn: &mut Conn, post: PractitionerPost) -> Result<bool, DbError> {
    let roles: i64 = on!(conn, |c| sqlx::query_scalar(WORKS).bind(post.doctor).bind(post.hospital).fetch_one(c).await)?;
    Ok(roles > 0)
}

/// Doctors of some ranks, of a specialty where one is given; of one hospital, or of all.
pub async fn search(
    conn: &mut Conn,
    specialty: Option<&str>,
    rank: Rank,
    hospital: Option<OrganisationId>,
) -> Result<Vec<Practitioner>, DbError> {
    let [a, b, c, d] = rank.words();
    Ok(on!(conn, |conn| {
        let query = sqlx::query_as(SEARCH).bind(specialty.unwrap_or("")).bind(a).bind(b).bind(c).bind(d);
        let query = query.bind(hospital.unwrap_or(OrganisationId(uuid::Uuid::nil()))).bind(hospital.is_none());
        query.fetch_all(conn).await
    })?)
}

/// Those of these doctors who can be booked, in each hospital where they can.
pub async fn bookable_of(
    conn: &mut Conn,
    doctors: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Practitioner>, DbError> {
    let doctors = ids(doctors.into_iter().map(|doctor| doctor.0));
    let statement = match conn.engine() {
        Engine::Sqlite(_) => BOOKABLE_OF_SQLITE,
        Engine::Postgres(_) => BOOKABLE_OF_POSTGRES,
    };
    Ok(on!(conn, |c| sqlx::query_as(statement).bind(&doctors).fetch_all(c).await)?)
}

/// Makes a doctor bookable in a hospital, or corrects what is known there.
pub async fn register(tx: &mut Tx, p: &NewPractitioner, now: DateTime<Utc>) -> Result<(), DbError> {
    for statement in [REGISTER, REGISTER_ELSEWHERE] {
        let rows = on!(tx, |c| {
            let row = sqlx::query(statement).bind(p.account_id).bind(p.organisation_id).bind(&p.specialty);
            let row = row.bind(&p.specialty_zh).bind(&p.specialty_en).bind(p.title).bind(&p.licence_no).bind(now);
            row.execute(c).await.map(|r| r.rows_affected())
        })?;
        // The first one writes nothing where another hospital was the first.
        if rows == 1 {
            break;
        }
    }
    Ok(())
}

/// The fields that are written of a doctor.
#[derive(Clone, Debug)]
pub struct NewPractitioner {
    pub account_id: AccountId,
    /// The hospital that the doctor works for.
    pub organisation_id: OrganisationId,
    /// The specialty's code.
    pub specialty: String,
    /// Its name in Chinese.
    pub specialty_zh: String,
    /// Its name in English.
    pub specialty_en: String,
    /// The rank (职称).
    pub title: Title,
    /// The licence to practise.
    pub licence_no: String,
}

#[derive(Deserialize, sqlx_macros::FromRow)]
pub(super) struct HoursRow {
    weekday: i32,
    start_minute: i32,
    end_minute: i32,
    slot_minutes: i32,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

impl HoursRow {
    pub(super) fn read(self) -> WeeklyHours {
        let Self { weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to } = self;
        WeeklyHours { weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to }
    }
}

/// The weekly hours.
pub async fn weekly(conn: &mut Conn, post: PractitionerPost) -> Result<Vec<WeeklyHours>, DbError> {
    let rows: Vec<HoursRow> =
        on!(conn, |c| sqlx::query_as(HOURS).bind(post.doctor).bind(post.hospital).fetch_all(c).await)?;
    Ok(rows.into_iter().map(HoursRow::read).collect())
}

/// The weekly hours, which nobody else changes until the transaction ends: what is written over them goes by what was read.
pub async fn weekly_held(tx: &mut Tx, post: PractitionerPost) -> Result<Vec<WeeklyHours>, DbError> {
    hold(tx, post).await?;
    weekly(tx, post).await
}

/// Keeps the hours of these doctors as they are until the transaction ends: who books by them is in the list of who
/// changes them, or has read the new ones.
pub async fn keep_hours(tx: &mut Tx, doctors: impl IntoIterator<Item = AccountId>) -> Result<(), DbError> {
    let mut doctors: Vec<AccountId> = doctors.into_iter().collect();
    doctors.sort_unstable();
    doctors.dedup();
    if let Engine::Postgres(c) = tx.engine() {
        for doctor in doctors {
            sqlx::query(KEEP_POSTGRES).bind(doctor).execute(&mut *c).await?;
        }
    }
    Ok(())
}

async fn hold(tx: &mut Tx, post: PractitionerPost) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(post.doctor).execute(c).await?;
    }
    Ok(())
}

/// Puts `hours` in the place of all weekly hours.
pub async fn replace_weekly(
    tx: &mut Tx,
    post: PractitionerPost,
    hours: &[WeeklyHours],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(CLEAR_HOURS).bind(post.doctor).bind(post.hospital).execute(c).await.map(drop))?;
    for h in hours {
        on!(tx, |c| {
            let row = sqlx::query(ADD_HOURS).bind(HoursId::new(now)).bind(post.doctor).bind(h.weekday);
            let row = row.bind(h.start_minute).bind(h.end_minute).bind(h.slot_minutes);
            row.bind(h.valid_from).bind(h.valid_to).bind(post.hospital).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

#[derive(Deserialize, sqlx_macros::FromRow)]
pub(super) struct ExceptionRow {
    id: ExceptionId,
    on_date: NaiveDate,
    kind: String,
    start_minute: Option<i32>,
    end_minute: Option<i32>,
    slot_minutes: Option<i32>,
}

impl ExceptionRow {
    pub(super) fn read(self) -> Result<(ExceptionId, Exception), DbError> {
        match (self.kind.as_str(), self.start_minute, self.end_minute, self.slot_minutes) {
            ("closed", ..) => Ok((self.id, Exception::Closed(self.on_date))),
            ("extra", Some(start_minute), Some(end_minute), Some(slot_minutes)) => {
                Ok((self.id, Exception::Extra { on: self.on_date, start_minute, end_minute, slot_minutes }))
            }
            (kind, ..) => Err(DbError::BadRow {
                table: "practitioner_exception",
                column: "kind",
                row: self.id.to_string(),
                cause: kind.to_owned(),
            }),
        }
    }
}

/// The exceptions from `first` to `last` day.
pub async fn exceptions(
    conn: &mut Conn,
    post: PractitionerPost,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(ExceptionId, Exception)>, DbError> {
    let rows: Vec<ExceptionRow> = on!(conn, |c| {
        let rows = sqlx::query_as(EXCEPTIONS).bind(post.doctor).bind(first).bind(last).bind(post.hospital);
        rows.fetch_all(c).await
    })?;
    rows.into_iter().map(ExceptionRow::read).collect()
}

/// Adds an exception, unless there is the same one already; its id, and whether it is new. Nobody else changes the hours
/// until the transaction ends.
pub async fn add_exception(
    tx: &mut Tx,
    post: PractitionerPost,
    exception: Exception,
    now: DateTime<Utc>,
) -> Result<(ExceptionId, bool), DbError> {
    hold(tx, post).await?;
    let day = exception.on();
    let known = exceptions(tx, post, day, day).await?;
    match known.into_iter().find(|(_, one)| *one == exception) {
        Some((id, _)) => Ok((id, false)),
        None => Ok((insert_exception(tx, post, exception, now).await?, true)),
    }
}

async fn insert_exception(
    tx: &mut Tx,
    post: PractitionerPost,
    exception: Exception,
    now: DateTime<Utc>,
) -> Result<ExceptionId, DbError> {
    let id = ExceptionId::new(now);
    let (on_date, kind, start, end, slot) = match exception {
        Exception::Closed(on) => (on, "closed", None, None, None),
        Exception::Extra { on, start_minute, end_minute, slot_minutes } => {
            (on, "extra", Some(start_minute), Some(end_minute), Some(slot_minutes))
        }
        Exception::House { .. } => {
            return Err(DbError::BadRow {
                table: "practitioner_exception",
                column: "kind",
                row: id.to_string(),
                cause: "an institution's word about a day is no exception of a doctor".to_owned(),
            });
        }
    };
    let rows = on!(tx, |c| {
        let row = sqlx::query(ADD_EXCEPTION).bind(id).bind(post.doctor).bind(on_date).bind(kind);
        row.bind(start).bind(end).bind(slot).bind(post.hospital).execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("add exception", 1, rows)?;
    Ok(id)
}

/// Removes an exception; whether there was one.
pub async fn remove_exception(tx: &mut Tx, post: PractitionerPost, id: ExceptionId) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(REMOVE_EXCEPTION).bind(id).bind(post.doctor).bind(post.hospital);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// A doctor in the list of a hospital, with or without a profile.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct StaffDoctor {
    pub id: AccountId,
    pub name: String,
    /// None as long as there is no profile.
    pub specialty_zh: Option<String>,
    pub specialty_en: Option<String>,
    /// The rank (职称).
    pub title: Option<Title>,
    /// Lines of weekly hours that hold or will.
    pub lines: i64,
}

/// The doctors of a hospital by name, those without a profile among them; at most [`STAFF_MAX`], and one more where there are more.
pub async fn staff(conn: &mut Conn, hospital: OrganisationId, today: NaiveDate) -> Result<Vec<StaffDoctor>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(DOCTORS).bind(hospital).bind(today).bind(STAFF_MAX + 1).fetch_all(c).await)?)
}

/// The organisations in which an account is a doctor.
pub async fn employers(conn: &mut Conn, account: AccountId) -> Result<Vec<OrganisationId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(EMPLOYERS).bind(account).fetch_all(c).await)?)
}

/// The name of an account.
pub async fn name(conn: &mut Conn, account: AccountId) -> Result<Option<String>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(NAME).bind(account).fetch_optional(c).await)?)
}

/// The times from a moment on at which a doctor has consults of this hospital.
pub async fn booked(conn: &mut Conn, post: PractitionerPost, from: DateTime<Utc>) -> Result<Vec<Interval>, DbError> {
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> = on!(conn, |c| {
        let rows = sqlx::query_as(BOOKED).bind(post.doctor.0).bind(from).bind(BOOKED_MAX).bind(post.hospital);
        rows.fetch_all(c).await
    })?;
    Ok(rows.into_iter().filter_map(|(from, to)| Interval::new(from, to).ok()).collect())
}
