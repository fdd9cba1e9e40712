//! Statements over consults.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use super::id::ConsultId;
use super::invitation::Invitation;
use super::model::{Consult, ConsultRow};
use super::state::{State, StateName};
use crate::account::AccountId;

const FIND: &str = "select c.id, c.inviting_id, h.name_zh as inviting_zh, h.name_en as inviting_en, h.phone as inviting_phone, h.time_zone,
    c.invited_id, o.name_zh as invited_zh, o.name_en as invited_en, o.phone as invited_phone, o.time_zone as invited_zone,
    c.resident_id, p.name as resident_name, p.sex as resident_sex, p.birth_date as resident_birth_date,
    q.display_name as requested_by_name, c.reason, c.purpose, c.wanted_from, c.wanted_until, c.case_summary,
    c.wanted_specialty, c.wanted_title, c.state, c.state_note, c.state_since,
    c.doctor_id, d.display_name as doctor_name, c.room_id, l.name as room_name, c.starts_at, c.ends_at,
    c.delay_minutes, c.started_at, c.finished_at,
    exists (select 1 from consult_consent k where k.consult_id = c.id and k.withdrawn_at is null) as has_consent, c.version
    from consult c join organisation h on h.id = c.inviting_id join organisation o on o.id = c.invited_id
    join person p on p.id = c.resident_id join account q on q.id = c.requested_by
    left join account d on d.id = c.doctor_id left join location l on l.id = c.room_id
    where c.id = $1";
const LIST_INVITING: &str = "select c.id, c.inviting_id, h.name_zh as inviting_zh, h.name_en as inviting_en, h.phone as inviting_phone, h.time_zone,
    c.invited_id, o.name_zh as invited_zh, o.name_en as invited_en, o.phone as invited_phone, o.time_zone as invited_zone,
    c.resident_id, p.name as resident_name, p.sex as resident_sex, p.birth_date as resident_birth_date,
    q.display_name as requested_by_name, c.reason, c.purpose, c.wanted_from, c.wanted_until, c.case_summary,
    c.wanted_specialty, c.wanted_title, c.state, c.state_note, c.state_since,
    c.doctor_id, d.display_name as doctor_name, c.room_id, l.name as room_name, c.starts_at, c.ends_at,
    c.delay_minutes, c.started_at, c.finished_at,
    exists (select 1 from consult_consent k where k.consult_id = c.id and k.withdrawn_at is null) as has_consent, c.version
    from consult c join organisation h on h.id = c.inviting_id join organisation o on o.id = c.invited_id
    join person p on p.id = c.resident_id join account q on q.id = c.requested_by
    left join account d on d.id = c.doctor_id left join location l on l.id = c.room_id
    where c.inviting_id = $1
      and ($2 = '' or c.state = $2)
      and coalesce(c.starts_at, c.wanted_from) >= $3 and coalesce(c.starts_at, c.wanted_from) < $4
      and (coalesce(c.starts_at, c.wanted_from), c.id) > ($5, $6)
    order by coalesce(c.starts_at, c.wanted_from), c.id limit $7";
const LIST_INVITED: &str = "select c.id, c.inviting_id, h.name_zh as inviting_zh, h.name_en as inviting_en, h.phone as inviting_phone, h.time_zone,
    c.invited_id, o.name_zh as invited_zh, o.name_en as invited_en, o.phone as invited_phone, o.time_zone as invited_zone,
    c.resident_id, p.name as resident_name, p.sex as resident_sex, p.birth_date as resident_birth_date,
    q.display_name as requested_by_name, c.reason, c.purpose, c.wanted_from, c.wanted_until, c.case_summary,
    c.wanted_specialty, c.wanted_title, c.state, c.state_note, c.state_since,
    c.doctor_id, d.display_name as doctor_name, c.room_id, l.name as room_name, c.starts_at, c.ends_at,
    c.delay_minutes, c.started_at, c.finished_at,
    exists (select 1 from consult_consent k where k.consult_id = c.id and k.withdrawn_at is null) as has_consent, c.version
    from consult c join organisation h on h.id = c.inviting_id join organisation o on o.id = c.invited_id
    join person p on p.id = c.resident_id join account q on q.id = c.requested_by
    left join account d on d.id = c.doctor_id left join location l on l.id = c.room_id
    where c.invited_id = $1 and c.state <> 'draft'
      and (c.doctor_id = $8 or (c.doctor_id is null and c.wanted_specialty = $9) or $10)
      and ($2 = '' or c.state = $2)
      and coalesce(c.starts_at, c.wanted_from) >= $3 and coalesce(c.starts_at, c.wanted_from) < $4
      and (coalesce(c.starts_at, c.wanted_from), c.id) > ($5, $6)
    order by coalesce(c.starts_at, c.wanted_from), c.id limit $7";
const INSERT: &str = "insert into consult
    (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose, wanted_from, wanted_until, case_summary,
     wanted_specialty, wanted_title, state, state_since, delay_minutes, created_at, version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft', $13, 0, $13, 1)";
const REVISE: &str =
    "update consult set invited_id = $4, resident_id = $5, reason = $6, purpose = $7, wanted_from = $8,
    wanted_until = $9, case_summary = $10, wanted_specialty = $11, wanted_title = $12
    where id = $1 and state = $2 and version = $3";
const ADVANCE: &str = "update consult set state = $4, state_note = $5, state_since = $6, doctor_id = $7, room_id = $8,
    starts_at = $9, ends_at = $10, delay_minutes = $11, started_at = $12, finished_at = $13, version = version + 1
    where id = $1 and state = $2 and version = $3";
const SPECIALTY_OF: &str = "select specialty from practitioner where account_id = $1 and organisation_id = $2";

/// One consult, or none; whether the caller may see it is the policy's question.
pub async fn find(conn: &mut Conn, id: ConsultId) -> Result<Option<Consult>, DbError> {
    let row: Option<ConsultRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(Consult::try_from).transpose()
}

/// Which consults a list holds.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only this state.
    pub state: Option<StateName>,
    /// Those that are, or are wanted, not before.
    pub from: DateTime<Utc>,
    /// And before.
    pub to: DateTime<Utc>,
    /// Where the last page ended.
    pub after: Option<(DateTime<Utc>, ConsultId)>,
    /// Rows at most.
    pub limit: i64,
}

/// The time that a list is sorted by.
pub fn list_time(consult: &Consult) -> DateTime<Utc> {
    consult.state.appointment().map_or(consult.wanted.0, |a| a.interval.starts_at())
}

/// The consults of the actor's own side: a care home's, a doctor's (to answer or his own), a
/// hospital's for its administrator.
pub async fn list(conn: &mut Conn, actor: &Actor, side: Side, filter: &Filter) -> Result<Vec<Consult>, DbError> {
    let state = filter.state.map_or("", StateName::name);
    let (after_at, after_id) = filter.after.unwrap_or((DateTime::<Utc>::UNIX_EPOCH, ConsultId(Uuid::nil())));
    let rows: Vec<ConsultRow> = match side {
        Side::Inviting => on!(conn, |c| {
            let query = sqlx::query_as(LIST_INVITING).bind(actor.organisation).bind(state).bind(filter.from);
            query.bind(filter.to).bind(after_at).bind(after_id).bind(filter.limit).fetch_all(c).await
        })?,
        Side::Doctor | Side::Hospital => {
            let specialty = specialty_of(conn, actor).await?;
            on!(conn, |c| {
                let query = sqlx::query_as(LIST_INVITED).bind(actor.organisation).bind(state).bind(filter.from);
                let query = query.bind(filter.to).bind(after_at).bind(after_id).bind(filter.limit);
                let query = query.bind(actor.subject).bind(specialty.unwrap_or_default());
                query.bind(matches!(side, Side::Hospital)).fetch_all(c).await
            })?
        }
    };
    rows.into_iter().map(Consult::try_from).collect()
}

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The care home's.
    Inviting,
    /// A doctor's.
    Doctor,
    /// The whole hospital's.
    Hospital,
}

/// The actor's specialty, if a doctor.
pub async fn specialty_of(conn: &mut Conn, actor: &Actor) -> Result<Option<String>, DbError> {
    Ok(on!(conn, |c| {
        sqlx::query_scalar(SPECIALTY_OF).bind(actor.subject).bind(actor.organisation).fetch_optional(c).await
    })?)
}

/// Writes a new draft.
pub async fn insert(
    tx: &mut Tx,
    id: ConsultId,
    inviting: OrganisationId,
    by: AccountId,
    now: DateTime<Utc>,
    i: &Invitation,
) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(id).bind(inviting).bind(i.hospital_id).bind(i.resident_id).bind(by);
        let row = row.bind(&i.reason).bind(&i.purpose).bind(i.wanted_from).bind(i.wanted_until).bind(&i.case_summary);
        row.bind(&i.wanted_specialty).bind(i.wanted_title).bind(now).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Changes the invitation of a draft or a returned consult; `advance` must follow.
pub async fn revise(tx: &mut Tx, old: &Consult, i: &Invitation) -> Result<(), Problem> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(REVISE).bind(old.id).bind(old.state.name()).bind(old.version);
        let row = row.bind(i.hospital_id).bind(i.resident_id).bind(&i.reason).bind(&i.purpose).bind(i.wanted_from);
        let row = row.bind(i.wanted_until).bind(&i.case_summary).bind(&i.wanted_specialty).bind(i.wanted_title);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    lost_race(rows)
}

/// Writes the next state, provided that nobody else has changed the consult since it was read.
pub async fn advance(tx: &mut Tx, old: &Consult, next: &State, now: DateTime<Utc>) -> Result<(), Problem> {
    let same = old.state.name() == next.name();
    let since = if same { old.state_since } else { now };
    let appointment = next.appointment();
    let (started_at, finished_at) = next.meeting();
    let rows = on!(tx, |c| {
        let row = sqlx::query(ADVANCE).bind(old.id).bind(old.state.name()).bind(old.version);
        let row = row.bind(next.name()).bind(next.note()).bind(since).bind(next.doctor());
        let row = row.bind(appointment.map(|a| a.room)).bind(appointment.map(|a| a.interval.starts_at()));
        let row = row.bind(appointment.map(|a| a.interval.ends_at())).bind(appointment.map_or(0, |a| a.delay_minutes));
        row.bind(started_at).bind(finished_at).execute(c).await.map(|r| r.rows_affected())
    })?;
    lost_race(rows)
}

fn lost_race(rows: u64) -> Result<(), Problem> {
    match rows {
        1 => Ok(()),
        _ => Err(Problem::new(&CONFLICT).detail(
            "刚刚有人改动了这次会诊,请刷新后再看",
            "Somebody changed this consult just now; reload and look again",
        )),
    }
}
