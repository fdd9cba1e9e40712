//! Statements over consults.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::ConsultId;
use super::input::{Checks, Invitation};
use super::model::{Consult, ConsultRow};
use super::policy::ConsultAction;
use super::state::ConsultStateName;
use crate::account::person::{hold, require_here};
use crate::account::shared_device;
use crate::account::{AccountId, PersonId};
use crate::role;

/// The columns that every statement over consults selects.
macro_rules! consults {
    ($rest:literal) => {
        concat!(
            "select c.id, c.inviting_id, h.name_zh as inviting_zh, h.name_en as inviting_en, h.phone as inviting_phone, h.time_zone,
    c.invited_id, o.name_zh as invited_zh, o.name_en as invited_en, o.phone as invited_phone, o.time_zone as invited_zone,
    c.resident_id, p.name as resident_name, p.sex as resident_sex, p.birth_date as resident_birth_date,
    c.requested_by, q.display_name as requested_by_name, c.reason, c.purpose, c.wanted_from, c.wanted_until, c.case_summary,
    c.wanted_specialty, c.wanted_title, c.urgency, c.asked_doctor_id,
    (select s.display_name from account s where s.id = c.asked_doctor_id) as asked_doctor_name, c.asked_room_id,
    c.asked_starts_at, c.asked_ends_at, c.device_1_id, v1.name as device_1_name, c.device_2_id, v2.name as device_2_name,
    c.device_3_id, v3.name as device_3_name, c.state, c.state_note, c.state_since,
    c.doctor_id, d.display_name as doctor_name, c.room_id, l.name as room_name, c.starts_at, c.ends_at,
    c.delay_minutes, c.overbooked_starts_at, c.at_once, c.started_at, c.finished_at,
    exists (select 1 from consult_consent k where k.consult_id = c.id and k.withdrawn_at is null) as has_consent,
    f.fetched_by, s.display_name as fetched_by_name, c.version
    from consult c join organisation h on h.id = c.inviting_id join organisation o on o.id = c.invited_id
    join person p on p.id = c.resident_id join account q on q.id = c.requested_by
    left join account d on d.id = c.doctor_id left join location l on l.id = c.room_id
    left join consult_fetch f on f.consult_id = c.id and f.starts_at = c.starts_at and f.withdrawn_at is null
    left join account s on s.id = f.fetched_by left join shared_device v1 on v1.id = c.device_1_id
    left join shared_device v2 on v2.id = c.device_2_id left join shared_device v3 on v3.id = c.device_3_id ",
            $rest
        )
    };
}
pub(super) use consults;

const HOLD_POSTGRES: &str = "select id from consult where id = $1 for share";
const HOLD_WHOLE_POSTGRES: &str = "select id from consult where id = $1 for update";
// The consult first: who takes time for one holds it before anything else.
const HOLD_FOR_POSTGRES: &str = "with held as materialized (select id from consult where id = $1 for update)
    select account_id from practitioner where account_id = $2 and (select count(*) from held) >= 0 for share";
const FIND: &str = consults!("where c.id = $1");
const LIST_INVITING: &str = consults!(
    "where c.inviting_id = $1
      and ($2 = '' or c.state = $2) and ($8 is null or c.doctor_id = $8) and ($9 is null or c.resident_id = $9)
      and coalesce(c.starts_at, c.wanted_from) >= $3 and coalesce(c.starts_at, c.wanted_from) < $4
      and (coalesce(c.starts_at, c.wanted_from), c.id) > ($5, $6)
    order by coalesce(c.starts_at, c.wanted_from), c.id limit $7"
);
const LIST_INVITED: &str = consults!(
    "where c.invited_id = $1 and c.state <> 'draft'
      and (c.doctor_id = $8 or (c.doctor_id is null and c.wanted_specialty = $9) or $10)
      and ($2 = '' or c.state = $2) and ($11 is null or c.doctor_id = $11) and ($12 is null or c.resident_id = $12)
      and coalesce(c.starts_at, c.wanted_from) >= $3 and coalesce(c.starts_at, c.wanted_from) < $4
      and (coalesce(c.starts_at, c.wanted_from), c.id) > ($5, $6)
    order by coalesce(c.starts_at, c.wanted_from), c.id limit $7"
);
const THESE_SQLITE: &str = consults!("where c.id in (select unhex(e.value) from json_each($1) e)");
const THESE_POSTGRES: &str = consults!("where c.id in (select e::uuid from jsonb_array_elements_text($1) e)");
const OF_PERSON: &str = consults!(
    "where c.resident_id = $1 and c.state <> 'draft'
    order by coalesce(c.starts_at, c.wanted_from) desc, c.id desc limit $2"
);
const NOT_BEGUN_OF: &str = consults!(
    "where c.resident_id = $1 and c.state in ('draft', 'submitted', 'returned', 'accepted', 'scheduled') order by c.id"
);
const INSERT: &str = "insert into consult
    (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose, wanted_from, wanted_until, case_summary,
     wanted_specialty, wanted_title, state, state_since, delay_minutes, created_at, version,
     urgency, asked_doctor_id, asked_room_id, asked_starts_at, asked_ends_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $14, 1, $15, $16, $17, $18, $19)
    on conflict do nothing";
const UPDATE: &str = "update consult set state = $3, state_note = $4, state_since = $5, doctor_id = $6, room_id = $7,
    starts_at = $8, ends_at = $9, delay_minutes = $10, started_at = $11, finished_at = $12, version = $13,
    invited_id = $14, resident_id = $15, reason = $16, purpose = $17, wanted_from = $18, wanted_until = $19,
    case_summary = $20, wanted_specialty = $21, wanted_title = $22,
    urgency = $23, asked_doctor_id = $24, asked_room_id = $25, asked_starts_at = $26, asked_ends_at = $27,
    overbooked_starts_at = $28, at_once = $29
    where id = $1 and version = $2";
const BRING: &str = "update consult set device_1_id = $2, device_2_id = $3, device_3_id = $4 where id = $1";
const RESIDENT_OF: &str = "select count(*) from person where id = $1 and organisation_id = $2 and merged_into is null";
const IS_HOSPITAL: &str = "select count(*) from organisation
    where id = $1 and kind in ('hospital', 'health_centre') and state = 'open'";
const OPEN_AT: &str = "select count(*) from consult where (inviting_id = $1 or invited_id = $1)
    and state not in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')";
const OPEN_BETWEEN: &str = "select count(case when state in ('scheduled', 'in_session') then 1 end),
    count(case when state in ('submitted', 'returned', 'accepted', 'opinion_draft', 'signed') then 1 end) from consult
    where inviting_id = $1 and invited_id = $2 and state in ('submitted', 'returned', 'accepted', 'scheduled', 'in_session',
        'opinion_draft', 'signed')";
const ASKING: &str = "select count(*) from consult where inviting_id = $1
    and state in ('draft', 'submitted', 'returned', 'accepted', 'opinion_draft', 'signed') and state = 'submitted'
    and asked_starts_at > $2";
const HAS_SPECIALTY: &str = "select count(*) from (
        select account_id from practitioner where organisation_id = $1 and specialty = $2 union
        select account_id from practitioner_elsewhere where organisation_id = $1 and specialty = $2) p
    where exists (select 1 from membership m join account a on a.id = m.account_id
        where m.account_id = p.account_id and m.organisation_id = $1 and m.role = 'doctor' and a.status = 'active')";
const SPECIALTY_OF: &str = "select specialty from practitioner where account_id = $1 and organisation_id = $2 union all
    select specialty from practitioner_elsewhere where account_id = $1 and organisation_id = $2";

/// Keeps a consult from being changed until the transaction ends, so that what is given for it is not given for another time or
/// person; on `SQLite` there is one writer anyway. It is read after this.
pub async fn hold_consult(tx: &mut Tx, id: ConsultId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(id).execute(c).await?;
    }
    Ok(())
}

/// Keeps consults from being changed by others until the transaction ends, in the order of `ids`. Who takes time in the
/// calendar for one holds it before, as who frees its time does.
pub(super) async fn hold_whole(tx: &mut Tx, ids: &[ConsultId]) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        for id in ids {
            sqlx::query(HOLD_WHOLE_POSTGRES).bind(id).execute(&mut *c).await?;
        }
    }
    Ok(())
}

/// As [`hold_whole`] of one consult, and as `keep_hours` of the doctor with whom it is to be booked.
pub(super) async fn hold_for(tx: &mut Tx, consult: ConsultId, doctor: Option<AccountId>) -> Result<(), DbError> {
    let Some(doctor) = doctor else { return hold_whole(tx, &[consult]).await };
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_FOR_POSTGRES).bind(consult).bind(doctor).execute(c).await?;
    }
    Ok(())
}

/// One consult, or none; whether the caller may see it is the policy's question.
pub async fn find(conn: &mut Conn, id: ConsultId) -> Result<Option<Consult>, DbError> {
    let row: Option<ConsultRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(Consult::try_from).transpose()
}

/// The consult, if the caller may do `action` with it: 404, 403 or the consult.
pub async fn load(conn: &mut Conn, ctx: &Ctx, id: ConsultId, action: ConsultAction) -> Result<Consult, Problem> {
    let consult = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let specialty = specialty_for(conn, &ctx.actor, &consult).await?;
    consult.require(&ctx.actor, specialty.as_deref(), action)?;
    Ok(consult)
}

/// The consults of a resident but for drafts, the newest first.
pub async fn of_person(conn: &mut Conn, person: PersonId, limit: i64) -> Result<Vec<Consult>, DbError> {
    let rows: Vec<ConsultRow> = on!(conn, |c| sqlx::query_as(OF_PERSON).bind(person).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(Consult::try_from).collect()
}

/// The consults of a resident that have not begun: they can still be called off.
pub async fn not_begun_of(conn: &mut Conn, person: PersonId) -> Result<Vec<Consult>, DbError> {
    let rows: Vec<ConsultRow> = on!(conn, |c| sqlx::query_as(NOT_BEGUN_OF).bind(person).fetch_all(c).await)?;
    rows.into_iter().map(Consult::try_from).collect()
}

/// The consults of these ids, in no order, that are the actor's own side's: one may have gone to others since they were found.
pub(super) async fn these(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    ids: &Json<Vec<String>>,
) -> Result<Vec<Consult>, DbError> {
    let mut consults = read_these(conn, ids).await?;
    let own = AccountId::from(actor.subject);
    consults.retain(|consult| match side {
        Side::Inviting => consult.inviting.id == actor.organisation,
        Side::Hospital => consult.invited.id == actor.organisation,
        Side::Doctor => {
            consult.invited.id == actor.organisation && consult.state.doctor().is_none_or(|doctor| doctor == own)
        }
    });
    Ok(consults)
}

/// The consults of these ids, in no order; whether the caller may see them is the policy's question.
pub(super) async fn of_ids(conn: &mut Conn, ids: &[ConsultId]) -> Result<Vec<Consult>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    read_these(conn, &Json(ids.iter().map(|id| id.0.simple().to_string()).collect())).await
}

async fn read_these(conn: &mut Conn, ids: &Json<Vec<String>>) -> Result<Vec<Consult>, DbError> {
    let these = match conn.engine() {
        Engine::Sqlite(_) => THESE_SQLITE,
        Engine::Postgres(_) => THESE_POSTGRES,
    };
    let rows: Vec<ConsultRow> = on!(conn, |c| sqlx::query_as(these).bind(ids).fetch_all(c).await)?;
    rows.into_iter().map(Consult::try_from).collect()
}

/// Which consults a list holds.
#[derive(Clone, Debug)]
pub struct ConsultFilter {
    /// Only this state.
    pub state: Option<ConsultStateName>,
    /// Only those that this doctor took on.
    pub doctor: Option<AccountId>,
    /// Only of this person.
    pub resident: Option<PersonId>,
    /// Those that are, or are wanted, not before.
    pub from: DateTime<Utc>,
    /// The first moment that is left out.
    pub to: DateTime<Utc>,
    /// Where the last page ended.
    pub after: Option<(DateTime<Utc>, ConsultId)>,
    /// The most rows to read.
    pub limit: i64,
}

/// The time that a list is sorted by.
pub fn list_time(consult: &Consult) -> DateTime<Utc> {
    consult.state.appointment().map_or(consult.wanted.0, |a| a.interval.starts_at())
}

/// The consults of the actor's own side: a care home's, a doctor's (to answer or his own), a
/// hospital's for its administrator.
pub async fn list(conn: &mut Conn, actor: &Actor, side: Side, filter: &ConsultFilter) -> Result<Vec<Consult>, DbError> {
    let state = filter.state.map_or("", ConsultStateName::as_str);
    let (after_at, after_id) = filter.after.unwrap_or((DateTime::<Utc>::UNIX_EPOCH, ConsultId(Uuid::nil())));
    let rows: Vec<ConsultRow> = match side {
        Side::Inviting => on!(conn, |c| {
            let query = sqlx::query_as(LIST_INVITING).bind(actor.organisation).bind(state).bind(filter.from);
            let query = query.bind(filter.to).bind(after_at).bind(after_id).bind(filter.limit);
            query.bind(filter.doctor).bind(filter.resident).fetch_all(c).await
        })?,
        Side::Doctor | Side::Hospital => {
            let specialty = specialty_of(conn, actor).await?;
            on!(conn, |c| {
                let query = sqlx::query_as(LIST_INVITED).bind(actor.organisation).bind(state).bind(filter.from);
                let query = query.bind(filter.to).bind(after_at).bind(after_id).bind(filter.limit);
                let query = query.bind(actor.subject).bind(specialty.unwrap_or_default());
                let query = query.bind(matches!(side, Side::Hospital));
                query.bind(filter.doctor).bind(filter.resident).fetch_all(c).await
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
    Doctor,
    /// The whole hospital's.
    Hospital,
}

/// The actor's specialty, if a doctor.
pub async fn specialty_of(conn: &mut Conn, actor: &Actor) -> Result<Option<String>, DbError> {
    if !role::holds(actor, role::DOCTOR) {
        return Ok(None);
    }
    Ok(on!(conn, |c| {
        sqlx::query_scalar(SPECIALTY_OF).bind(actor.subject).bind(actor.organisation).fetch_optional(c).await
    })?)
}

/// The actor's specialty, where it decides how the actor stands to a consult: as long as nobody has taken that on.
pub(super) async fn specialty_for(
    conn: &mut Conn,
    actor: &Actor,
    consult: &Consult,
) -> Result<Option<String>, DbError> {
    if consult.invited_by(actor) || consult.state.doctor().is_some() {
        return Ok(None);
    }
    specialty_of(conn, actor).await
}

/// Writes a new consult; `false` when there is one of this id.
pub async fn insert(tx: &mut Tx, consult: &Consult) -> Result<bool, DbError> {
    let (about, asked) = (consult.about.unseen(), consult.asked);
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(consult.id).bind(consult.inviting.id).bind(consult.invited.id);
        let row = row.bind(consult.resident_id).bind(consult.requested_by).bind(&about.reason);
        let row = row.bind(&about.purpose).bind(consult.wanted.0).bind(consult.wanted.1);
        let row = row.bind(&about.case_summary).bind(&consult.wanted_specialty).bind(consult.wanted_title);
        let row = row.bind(consult.state.name()).bind(consult.state_since).bind(consult.urgency);
        let row = row.bind(asked.map(|a| a.doctor)).bind(asked.and_then(|a| a.room));
        let row = row.bind(asked.map(|a| a.interval.starts_at())).bind(asked.map(|a| a.interval.ends_at()));
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Writes which devices are to be brought to a consult that was written already.
pub(super) async fn bring(tx: &mut Tx, consult: &Consult) -> Result<(), DbError> {
    let device = |n: usize| consult.devices.get(n).map(|device| device.id);
    let rows = on!(tx, |c| {
        let row = sqlx::query(BRING).bind(consult.id).bind(device(0)).bind(device(1)).bind(device(2));
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("update consult", 1, rows)
}

/// Writes a consult over the version that was read; `false` when somebody has changed it since.
pub async fn update(tx: &mut Tx, read: i64, consult: &Consult) -> Result<bool, DbError> {
    let (state, appointment) = (&consult.state, consult.state.appointment());
    let ((started_at, finished_at), about, asked) = (state.meeting(), consult.about.unseen(), consult.asked);
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(consult.id).bind(read).bind(state.name()).bind(state.note());
        let row = row.bind(consult.state_since).bind(state.doctor()).bind(appointment.map(|a| a.room));
        let row = row.bind(appointment.map(|a| a.interval.starts_at()));
        let row = row.bind(appointment.map(|a| a.interval.ends_at())).bind(appointment.map_or(0, |a| a.delay_minutes));
        let row = row.bind(started_at).bind(finished_at).bind(consult.version).bind(consult.invited.id);
        let row = row.bind(consult.resident_id).bind(&about.reason).bind(&about.purpose);
        let row = row.bind(consult.wanted.0).bind(consult.wanted.1).bind(&about.case_summary);
        let row = row.bind(&consult.wanted_specialty).bind(consult.wanted_title).bind(consult.urgency);
        let row = row.bind(asked.map(|a| a.doctor)).bind(asked.and_then(|a| a.room));
        let row = row.bind(asked.map(|a| a.interval.starts_at())).bind(asked.map(|a| a.interval.ends_at()));
        let row = row.bind(appointment.filter(|a| a.overbooked).map(|a| a.interval.starts_at()));
        let row = row.bind(appointment.is_some_and(|a| a.at_once));
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    if rows > 1 {
        expect_rows("update consult", 1, rows)?;
    }
    Ok(rows == 1)
}

/// How many consults of an organisation, on either side, are not done.
pub async fn open_at(conn: &mut Conn, organisation: OrganisationId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(OPEN_AT).bind(organisation).fetch_one(c).await)?)
}

/// How many consults of two organisations are booked or in session, and how many wait for something else; drafts are nobody else's.
pub async fn open_between(
    conn: &mut Conn,
    inviting: OrganisationId,
    invited: OrganisationId,
) -> Result<(i64, i64), DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OPEN_BETWEEN).bind(inviting).bind(invited).fetch_one(c).await)?)
}

/// How many invitations of an organisation wait for an answer and have a time held until then.
pub(super) async fn asking(conn: &mut Conn, organisation: OrganisationId, now: DateTime<Utc>) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(ASKING).bind(organisation).bind(now).fetch_one(c).await)?)
}

/// Whether somebody is a resident of the inviting side.
pub(super) async fn is_resident(
    conn: &mut Conn,
    inviting: OrganisationId,
    resident: PersonId,
) -> Result<bool, DbError> {
    let count: i64 = on!(conn, |c| sqlx::query_scalar(RESIDENT_OF).bind(resident).bind(inviting).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Refuses somebody who is no resident of the inviting side, or is there no more, and keeps the resident there until the
/// transaction ends.
pub(super) async fn own_resident(conn: &mut Tx, inviting: OrganisationId, resident: PersonId) -> Result<(), Problem> {
    hold(conn, resident).await?;
    if !is_resident(conn, inviting, resident).await? {
        return Err(Problem::field("/resident_id", "请选择本机构的老人", "Choose one of your residents"));
    }
    require_here(conn, resident).await
}

/// Notes which ids name nothing that the inviting side may use; whether the hospital has the wanted specialty. The resident is
/// the inviting side's until the transaction ends.
pub(super) async fn known(
    tx: &mut Tx,
    inviting: OrganisationId,
    i: &Invitation,
    checks: &mut Checks,
) -> Result<bool, Problem> {
    hold(tx, i.resident_id).await?;
    if !is_resident(tx, inviting, i.resident_id).await? {
        checks.error("resident_id", "请选择本机构的老人", "Choose one of your residents");
    }
    if !shared_device::all_open(tx, inviting, &i.device_ids).await? {
        checks.error("device_ids", "请选择本机构在用的设备", "Choose devices of your organisation that are in use");
    }
    let count: i64 = on!(tx, |c| sqlx::query_scalar(IS_HOSPITAL).bind(i.hospital_id).fetch_one(c).await)?;
    if count == 0 {
        checks.error("hospital_id", "请选择医院", "Choose a hospital");
        return Ok(false);
    }
    if i.wanted_specialty.is_empty() {
        return Ok(false);
    }
    let count: i64 = on!(tx, |c| {
        sqlx::query_scalar(HAS_SPECIALTY).bind(i.hospital_id).bind(&i.wanted_specialty).fetch_one(c).await
    })?;
    if count == 0 {
        checks.error("wanted_specialty", "这家医院没有这个科室", "The hospital has no such specialty");
    }
    Ok(count > 0)
}
