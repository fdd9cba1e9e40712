//! Statements over practitioners, their hours and exceptions.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use super::offer::Exception;
use crate::account::AccountId;
use crate::calendar::Interval;
use crate::calendar::week::{WeeklyHours, version_of};
use crate::consult::id::{ExceptionId, HoursId};
use crate::consult::input::Title;

/// Doctors of one search at most.
pub const DOCTORS_MAX: i64 = 100;
/// Doctors of one hospital's list at most.
pub const STAFF_MAX: i64 = 500;
/// Booked times ahead that are held against hours.
const BOOKED_MAX: i64 = 1000;

const FIND: &str = "select p.account_id, p.organisation_id, a.display_name as name, p.specialty, p.specialty_zh,
    p.specialty_en, p.title, p.licence_no, o.time_zone, o.name_zh as hospital_zh, o.name_en as hospital_en
    from practitioner p join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id
    where p.account_id = $1";
const SEARCH: &str = "select p.account_id, p.organisation_id, a.display_name as name, p.specialty, p.specialty_zh,
    p.specialty_en, p.title, p.licence_no, o.time_zone, o.name_zh as hospital_zh, o.name_en as hospital_en
    from practitioner p join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id
    where a.status = 'active' and o.state = 'open' and ($1 = '' or p.specialty = $1) and ($2 = '' or p.title = $2)
      and (p.organisation_id = $3 or $4)
    order by p.organisation_id, p.specialty, a.display_name, p.account_id limit $5";
const REGISTER: &str = "insert into practitioner
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id) do update set specialty = excluded.specialty, specialty_zh = excluded.specialty_zh,
        specialty_en = excluded.specialty_en, title = excluded.title, licence_no = excluded.licence_no
        where practitioner.organisation_id = excluded.organisation_id";
const EMPLOYERS: &str = "select organisation_id from membership where account_id = $1 and role = 'doctor'
    order by created_at, organisation_id limit 20";
const DOCTORS: &str = "select a.id, a.display_name as name, p.specialty_zh, p.specialty_en, p.title,
    (select count(*) from practitioner_hours h
        where h.account_id = p.account_id and (h.valid_to is null or h.valid_to >= $2)) as lines
    from membership m join account a on a.id = m.account_id
    left join practitioner p on p.account_id = a.id and p.organisation_id = m.organisation_id
    where m.organisation_id = $1 and m.role = 'doctor' and a.status = 'active'
    order by a.display_name, a.id limit $3";
const BOOKED: &str = "select starts_at, ends_at from occupancy
    where resource_id = $1 and holder_kind = 'consult' and starts_at >= $2 and expires_at is null
    order by starts_at limit $3";
const NAME: &str = "select display_name from account where id = $1";
const HOURS: &str = "select weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to
    from practitioner_hours where account_id = $1 order by weekday, start_minute, id";
const HOLD_POSTGRES: &str = "select account_id from practitioner where account_id = $1 for update";
const CLEAR_HOURS: &str = "delete from practitioner_hours where account_id = $1";
const ADD_HOURS: &str = "insert into practitioner_hours
    (id, account_id, weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const EXCEPTIONS: &str = "select id, on_date, kind, start_minute, end_minute, slot_minutes
    from practitioner_exception where account_id = $1 and on_date >= $2 and on_date <= $3 order by on_date, id limit 500";
const ADD_EXCEPTION: &str = "insert into practitioner_exception
    (id, account_id, on_date, kind, start_minute, end_minute, slot_minutes) values ($1, $2, $3, $4, $5, $6, $7)";
const REMOVE_EXCEPTION: &str = "delete from practitioner_exception where id = $1 and account_id = $2";

/// A doctor as the network knows one.
#[derive(Clone, Debug, sqlx::FromRow)]
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

/// One doctor.
pub async fn find(conn: &mut Conn, doctor: AccountId) -> Result<Option<Practitioner>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(doctor).fetch_optional(c).await)?)
}

/// Doctors of a specialty and a rank, where given; of one hospital, or of all.
pub async fn search(
    conn: &mut Conn,
    specialty: Option<&str>,
    title: Option<Title>,
    hospital: Option<OrganisationId>,
) -> Result<Vec<Practitioner>, DbError> {
    Ok(on!(conn, |c| {
        let query = sqlx::query_as(SEARCH).bind(specialty.unwrap_or("")).bind(title.map_or("", Title::as_str));
        let query = query.bind(hospital.unwrap_or(OrganisationId(uuid::Uuid::nil()))).bind(hospital.is_none());
        query.bind(DOCTORS_MAX).fetch_all(c).await
    })?)
}

/// Makes a doctor bookable, or corrects what is known; the number of rows written (0: another hospital's).
pub async fn register(tx: &mut Tx, p: &NewPractitioner, now: DateTime<Utc>) -> Result<u64, DbError> {
    Ok(on!(tx, |c| {
        let row = sqlx::query(REGISTER).bind(p.account_id).bind(p.organisation_id).bind(&p.specialty);
        let row = row.bind(&p.specialty_zh).bind(&p.specialty_en).bind(p.title).bind(&p.licence_no).bind(now);
        row.execute(c).await.map(|r| r.rows_affected())
    })?)
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

#[derive(sqlx::FromRow)]
struct HoursRow {
    weekday: i32,
    start_minute: i32,
    end_minute: i32,
    slot_minutes: i32,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

/// The weekly hours.
pub async fn weekly(conn: &mut Conn, doctor: AccountId) -> Result<Vec<WeeklyHours>, DbError> {
    let rows: Vec<HoursRow> = on!(conn, |c| sqlx::query_as(HOURS).bind(doctor).fetch_all(c).await)?;
    let hours = rows.into_iter().map(|r| WeeklyHours {
        weekday: r.weekday,
        start_minute: r.start_minute,
        end_minute: r.end_minute,
        slot_minutes: r.slot_minutes,
        valid_from: r.valid_from,
        valid_to: r.valid_to,
    });
    Ok(hours.collect())
}

/// The weekly hours, which nobody else changes until the transaction ends: what is written over them goes by what was read.
pub async fn weekly_held(tx: &mut Tx, doctor: AccountId) -> Result<Vec<WeeklyHours>, DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(doctor).execute(c).await?;
    }
    weekly(tx, doctor).await
}

/// Puts `hours` in the place of all weekly hours.
pub async fn replace_weekly(
    tx: &mut Tx,
    doctor: AccountId,
    hours: &[WeeklyHours],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(CLEAR_HOURS).bind(doctor).execute(c).await.map(drop))?;
    for h in hours {
        on!(tx, |c| {
            let row = sqlx::query(ADD_HOURS).bind(HoursId::new(now)).bind(doctor).bind(h.weekday);
            let row = row.bind(h.start_minute).bind(h.end_minute).bind(h.slot_minutes);
            row.bind(h.valid_from).bind(h.valid_to).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ExceptionRow {
    id: ExceptionId,
    on_date: NaiveDate,
    kind: String,
    start_minute: Option<i32>,
    end_minute: Option<i32>,
    slot_minutes: Option<i32>,
}

/// The exceptions from `first` to `last` day.
pub async fn exceptions(
    conn: &mut Conn,
    doctor: AccountId,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(ExceptionId, Exception)>, DbError> {
    let rows: Vec<ExceptionRow> =
        on!(conn, |c| sqlx::query_as(EXCEPTIONS).bind(doctor).bind(first).bind(last).fetch_all(c).await)?;
    let read = |r: ExceptionRow| match (r.kind.as_str(), r.start_minute, r.end_minute, r.slot_minutes) {
        ("closed", ..) => Ok((r.id, Exception::Closed(r.on_date))),
        ("extra", Some(start_minute), Some(end_minute), Some(slot_minutes)) => {
            Ok((r.id, Exception::Extra { on: r.on_date, start_minute, end_minute, slot_minutes }))
        }
        (kind, ..) => Err(DbError::BadRow {
            table: "practitioner_exception",
            column: "kind",
            row: r.id.to_string(),
            cause: kind.to_owned(),
        }),
    };
    rows.into_iter().map(read).collect()
}

/// Adds an exception.
pub async fn add_exception(
    tx: &mut Tx,
    doctor: AccountId,
    exception: Exception,
    now: DateTime<Utc>,
) -> Result<ExceptionId, DbError> {
    let id = ExceptionId::new(now);
    let (on_date, kind, start, end, slot) = match exception {
        Exception::Closed(on) => (on, "closed", None, None, None),
        Exception::Extra { on, start_minute, end_minute, slot_minutes } => {
            (on, "extra", Some(start_minute), Some(end_minute), Some(slot_minutes))
        }
    };
    let rows = on!(tx, |c| {
        let row = sqlx::query(ADD_EXCEPTION).bind(id).bind(doctor).bind(on_date).bind(kind);
        row.bind(start).bind(end).bind(slot).execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("add exception", 1, rows)?;
    Ok(id)
}

/// Removes an exception; whether there was one.
pub async fn remove_exception(tx: &mut Tx, doctor: AccountId, id: ExceptionId) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(REMOVE_EXCEPTION).bind(id).bind(doctor).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// A doctor in the list of a hospital, with or without a profile.
#[derive(Clone, Debug, sqlx::FromRow)]
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

/// The doctors of a hospital by name, those without a profile among them; at most [`STAFF_MAX`].
pub async fn staff(conn: &mut Conn, hospital: OrganisationId, today: NaiveDate) -> Result<Vec<StaffDoctor>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(DOCTORS).bind(hospital).bind(today).bind(STAFF_MAX).fetch_all(c).await)?)
}

/// The organisations in which an account is a doctor.
pub async fn employers(conn: &mut Conn, account: AccountId) -> Result<Vec<OrganisationId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(EMPLOYERS).bind(account).fetch_all(c).await)?)
}

/// The name of an account.
pub async fn name(conn: &mut Conn, account: AccountId) -> Result<Option<String>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(NAME).bind(account).fetch_optional(c).await)?)
}

/// The times from a moment on at which a doctor has consults.
pub async fn booked(conn: &mut Conn, doctor: AccountId, from: DateTime<Utc>) -> Result<Vec<Interval>, DbError> {
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(BOOKED).bind(doctor.0).bind(from).bind(BOOKED_MAX).fetch_all(c).await)?;
    Ok(rows.into_iter().filter_map(|(from, to)| Interval::new(from, to).ok()).collect())
}
