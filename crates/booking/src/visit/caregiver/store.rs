//! Statements over what is known of caregivers.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;

use super::model::{Knowledge, Profile};
use super::skill::Skill;
use crate::account::AccountId;
use crate::account::input::Sex;
use crate::calendar::Interval;
use crate::calendar::week::WeeklyHours;
use crate::visit::agency::{Agency, CAREGIVERS_MAX};

/// Rows of an agency's caregivers that are read at once, at most.
const ROWS_MAX: i64 = CAREGIVERS_MAX * 50;
/// Planned visits ahead that are held against new hours.
const PLANNED_MAX: i64 = 1000;

const FIND: &str = "select sex, languages, home_area_code, version from caregiver_profile
    where account_id = $1 and organisation_id = $2";
const SKILLS: &str = "select account_id, skill, valid_until from caregiver_skill
    where organisation_id = $1 and (account_id = $2 or $3) order by account_id, skill limit $4";
const HOURS: &str = "select account_id, weekday, start_minute, end_minute, valid_from, valid_to from caregiver_hours
    where organisation_id = $1 and (account_id = $2 or $3) order by account_id, weekday, start_minute, id limit $4";
const HOLD_POSTGRES: &str = "select id from account where id = $1 for update";
const WRITE: &str = "insert into caregiver_profile
    (account_id, organisation_id, sex, languages, home_area_code, version, changed_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id, organisation_id) do update set sex = excluded.sex, languages = excluded.languages,
        home_area_code = excluded.home_area_code, version = excluded.version, changed_at = excluded.changed_at";
const CLEAR_SKILLS: &str = "delete from caregiver_skill where account_id = $1 and organisation_id = $2";
const ADD_SKILL: &str =
    "insert into caregiver_skill (account_id, organisation_id, skill, valid_until) values ($1, $2, $3, $4)";
const CLEAR_HOURS: &str = "delete from caregiver_hours where account_id = $1 and organisation_id = $2";
const ADD_HOURS: &str = "insert into caregiver_hours
    (id, account_id, organisation_id, weekday, start_minute, end_minute, valid_from, valid_to)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const PLANNED: &str = "select starts_at, ends_at from visit
    where agency_id = $1 and caregiver_id = $2 and state = 'scheduled' and starts_at >= $3 order by starts_at limit $4";

#[derive(sqlx_macros::FromRow)]
struct ProfileRow {
    sex: Option<Sex>,
    languages: Option<String>,
    home_area_code: Option<String>,
    version: i64,
}

#[derive(sqlx_macros::FromRow)]
struct SkillRow {
    account_id: AccountId,
    skill: Skill,
    valid_until: Option<NaiveDate>,
}

#[derive(sqlx_macros::FromRow)]
struct HoursRow {
    account_id: AccountId,
    weekday: i32,
    start_minute: i32,
    end_minute: i32,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

impl HoursRow {
    fn line(self) -> WeeklyHours {
        let Self { weekday, start_minute, end_minute, valid_from, valid_to, .. } = self;
        WeeklyHours { weekday, start_minute, end_minute, slot_minutes: 0, valid_from, valid_to }
    }
}

/// The rows of one caregiver, or of all.
type Whose = (AccountId, bool);

async fn skill_rows(conn: &mut Conn, agency: OrganisationId, (one, all): Whose) -> Result<Vec<SkillRow>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(SKILLS).bind(agency).bind(one).bind(all).bind(ROWS_MAX).fetch_all(c).await })?)
}

async fn hours_rows(conn: &mut Conn, agency: OrganisationId, (one, all): Whose) -> Result<Vec<HoursRow>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(HOURS).bind(agency).bind(one).bind(all).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// The facts that are known of a caregiver.
pub(super) async fn find(conn: &mut Conn, agency: OrganisationId, id: AccountId) -> Result<Profile, DbError> {
    let row: Option<ProfileRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).bind(agency).fetch_optional(c).await)?;
    let Some(row) = row else { return Ok(Profile::default()) };
    let rows = skill_rows(conn, agency, (id, false)).await?;
    let skills: BTreeMap<_, _> = rows.into_iter().map(|row| (row.skill, row.valid_until)).collect();
    let ProfileRow { sex, languages, home_area_code, version } = row;
    Ok(Profile { sex, languages, home_area: home_area_code, skills, version })
}

/// Keeps others from changing a caregiver's facts and hours until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: AccountId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(id).execute(c).await?;
    }
    Ok(())
}

/// Puts these facts in the place of those that were known.
pub(super) async fn write(
    tx: &mut Tx,
    agency: OrganisationId,
    id: AccountId,
    profile: &Profile,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(WRITE).bind(id).bind(agency).bind(profile.sex).bind(&profile.languages);
        let row = row.bind(&profile.home_area).bind(profile.version).bind(now);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("write caregiver profile", 1, rows)?;
    on!(tx, |c| sqlx::query(CLEAR_SKILLS).bind(id).bind(agency).execute(c).await.map(drop))?;
    for (skill, until) in &profile.skills {
        on!(tx, |c| sqlx::query(ADD_SKILL).bind(id).bind(agency).bind(*skill).bind(*until).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// The weekly hours of a caregiver.
pub(super) async fn weekly(
    conn: &mut Conn,
    agency: OrganisationId,
    id: AccountId,
) -> Result<Vec<WeeklyHours>, DbError> {
    Ok(hours_rows(conn, agency, (id, false)).await?.into_iter().map(HoursRow::line).collect())
}

/// Puts these hours in the place of all weekly hours.
pub(super) async fn replace_weekly(
    tx: &mut Tx,
    agency: OrganisationId,
    id: AccountId,
    hours: &[WeeklyHours],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(CLEAR_HOURS).bind(id).bind(agency).execute(c).await.map(drop))?;
    for line in hours {
        on!(tx, |c| {
            let row = sqlx::query(ADD_HOURS).bind(uuid_v7(now)).bind(id).bind(agency).bind(line.weekday);
            let row = row.bind(line.start_minute).bind(line.end_minute);
            row.bind(line.valid_from).bind(line.valid_to).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// The times from a moment on at which a caregiver has visits.
pub(super) async fn planned(
    conn: &mut Conn,
    agency: OrganisationId,
    id: AccountId,
    from: DateTime<Utc>,
) -> Result<Vec<Interval>, DbError> {
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(PLANNED).bind(agency).bind(id).bind(from).bind(PLANNED_MAX).fetch_all(c).await)?;
    Ok(rows.into_iter().filter_map(|(from, to)| Interval::new(from, to).ok()).collect())
}

/// Skills and hours of a caregiver.
pub(super) async fn of_one(conn: &mut Conn, agency: OrganisationId, id: AccountId) -> Result<Knowledge, DbError> {
    let rows = skill_rows(conn, agency, (id, false)).await?;
    let skills = rows.into_iter().map(|row| (row.skill, row.valid_until)).collect();
    Ok(Knowledge { skills, hours: weekly(conn, agency, id).await? })
}

/// Skills and hours of all caregivers of an agency of whom something is known.
pub async fn all(conn: &mut Conn, agency: &Agency) -> Result<HashMap<AccountId, Knowledge>, DbError> {
    let everybody = (AccountId(agency.id.0), true);
    let mut known: HashMap<AccountId, Knowledge> = HashMap::new();
    for row in skill_rows(conn, agency.id, everybody).await? {
        known.entry(row.account_id).or_default().skills.insert(row.skill, row.valid_until);
    }
    for row in hours_rows(conn, agency.id, everybody).await? {
        known.entry(row.account_id).or_default().hours.push(row.line());
    }
    Ok(known)
}
