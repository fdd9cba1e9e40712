//! Statements over the consults of a day.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::on;
use sqlx::types::Json;

use super::{Day, Part};
use crate::consult::id::ConsultId;
use crate::consult::store::{Side, specialty_of, these};

/// Consults of one part that are read at most; of those that are over [`OVER_MAX`].
const PART_MAX: i64 = 100;
const OVER_MAX: i64 = 20;

// Of what is open each state is read by itself, so that no number of consults in another one is passed over to find it.
const OF_HOME: &str = "select a.id, 'running' as part from (select id from consult
        where inviting_id = $1 and state = 'in_session'
        order by starts_at, id limit $3) a
    union all select a.id, 'booked' from (select id from consult
        where inviting_id = $1 and state = 'scheduled' and starts_at >= $2
        order by starts_at, id limit $3) a
    union all select a.id, 'begun' from (select id from consult
        where inviting_id = $1 and state = 'scheduled' and starts_at < $2
        order by starts_at desc, id desc limit $3) a
    union all select a.id, 'mine' from (select * from (select id, state_since from consult
            where inviting_id = $1 and state = 'returned'
            order by state_since, id limit $3) returned
        union all select * from (select id, state_since from consult
            where inviting_id = $1 and state = 'accepted'
            order by state_since, id limit $3) accepted
        union all select * from (select id, state_since from consult
            where inviting_id = $1 and state = 'signed'
            order by state_since, id limit $3) signed
        order by state_since, id limit $3) a
    union all select a.id, 'mine_too' from (select id from consult
        where inviting_id = $1 and state = 'draft'
        order by state_since, id limit $3) a
    union all select a.id, 'theirs' from (select * from (select id, state_since from consult
            where inviting_id = $1 and state = 'submitted'
            order by state_since, id limit $3) submitted
        union all select * from (select id, state_since from consult
            where inviting_id = $1 and state = 'opinion_draft'
            order by state_since, id limit $3) opinion_draft
        order by state_since, id limit $3) a
    union all select a.id, 'over' from (select id from consult
        where inviting_id = $1 and state in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
        order by state_since desc, id desc limit $4) a";
const OF_HOSPITAL: &str = "select a.id, 'running' as part from (select id from consult
        where invited_id = $1 and state = 'in_session'
        order by starts_at, id limit $3) a
    union all select a.id, 'booked' from (select id from consult
        where invited_id = $1 and state = 'scheduled' and starts_at >= $2
        order by starts_at, id limit $3) a
    union all select a.id, 'begun' from (select id from consult
        where invited_id = $1 and state = 'scheduled' and starts_at < $2
        order by starts_at desc, id desc limit $3) a
    union all select a.id, 'mine' from (select id from consult
        where invited_id = $1 and state = 'submitted'
        order by state_since, id limit $3) a
    union all select a.id, 'urgent' from (select id from consult
        where invited_id = $1 and state = 'submitted' and urgency <> 'routine'
        order by state_since, id limit $3) a
    union all select a.id, 'mine_too' from (select id from consult
        where invited_id = $1 and state = 'opinion_draft'
        order by state_since, id limit $3) a
    union all select a.id, 'theirs' from (select * from (select id, state_since from consult
            where invited_id = $1 and state = 'returned'
            order by state_since, id limit $3) returned
        union all select * from (select id, state_since from consult
            where invited_id = $1 and state = 'accepted'
            order by state_since, id limit $3) accepted
        order by state_since, id limit $3) a
    union all select a.id, 'gone' from (select c.id from (select p.account_id from
            (select account_id, organisation_id from practitioner union all
                select account_id, organisation_id from practitioner_elsewhere) p join account a on a.id = p.account_id
            where p.organisation_id = $1 and (a.status <> 'active' or not exists (select 1 from membership m
                where m.account_id = a.id and m.organisation_id = $1 and m.role = 'doctor'))) g
        cross join consult c where c.doctor_id = g.account_id and c.invited_id = $1
            and c.state in ('accepted', 'scheduled')
        order by c.starts_at is null, c.starts_at, c.state_since, c.id limit $3) a
    union all select a.id, 'over' from (select id from consult
        where invited_id = $1 and state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
        order by state_since desc, id desc limit $4) a";
// A doctor has what is their own, and what anybody of the specialty may answer.
const OF_DOCTOR: &str = "select a.id, 'running' as part from (select id from consult
        where doctor_id = $5 and invited_id = $1 and state = 'in_session'
        order by starts_at, id limit $3) a
    union all select a.id, 'booked' from (select id from consult
        where doctor_id = $5 and invited_id = $1 and state = 'scheduled' and starts_at >= $2
        order by starts_at, id limit $3) a
    union all select a.id, 'begun' from (select id from consult
        where doctor_id = $5 and invited_id = $1 and state = 'scheduled' and starts_at < $2
        order by starts_at desc, id desc limit $3) a
    union all select a.id, 'mine_too' from (select id from consult
        where doctor_id = $5 and invited_id = $1 and state = 'opinion_draft'
        order by state_since, id limit $3) a
    union all select a.id, 'theirs' from (select * from (select id, state_since from consult
            where doctor_id = $5 and invited_id = $1 and state = 'returned'
            order by state_since, id limit $3) returned
        union all select * from (select id, state_since from consult
            where doctor_id = $5 and invited_id = $1 and state = 'accepted'
            order by state_since, id limit $3) accepted
        order by state_since, id limit $3) a
    union all select a.id, 'mine' from (select id from consult
        where invited_id = $1 and doctor_id is null and wanted_specialty = $6 and state = 'submitted'
        order by state_since, id limit $3) a
    union all select a.id, 'urgent' from (select id from consult
        where invited_id = $1 and doctor_id is null and wanted_specialty = $6
        and state = 'submitted' and urgency <> 'routine'
        order by state_since, id limit $3) a
    union all select a.id, 'theirs_too' from (select id from consult
        where invited_id = $1 and doctor_id is null and wanted_specialty = $6 and state = 'returned'
        order by state_since, id limit $3) a
    union all select a.id, 'over_too' from (select id from consult
        where invited_id = $1 and doctor_id is null and wanted_specialty = $6
        and state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
        order by state_since desc, id desc limit $4) a
    union all select a.id, 'over' from (select id from consult
        where doctor_id = $5 and invited_id = $1 and state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
        order by state_since desc, id desc limit $4) a";
const INSIDE_SQLITE: &str = "select consult_id, min(joined_at) as since from consult_attendance
    where left_at is null and (role = 'clinician') = $2 and consult_id in (select unhex(e.value) from json_each($1) e)
    group by consult_id";
const INSIDE_POSTGRES: &str = "select consult_id, min(joined_at) as since from consult_attendance
    where left_at is null and (role = 'clinician') = $2
    and consult_id in (select e::uuid from jsonb_array_elements_text($1) e) group by consult_id";

#[derive(sqlx_macros::FromRow)]
struct FoundRow {
    id: ConsultId,
    part: Part,
}

/// The day of the actor's own side at a moment.
pub(in crate::consult) async fn read(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    now: DateTime<Utc>,
) -> Result<Day, DbError> {
    let found = found(conn, actor, side, now).await?;
    let mut day = Day::default();
    let mut ids: Vec<ConsultId> = Vec::with_capacity(found.len());
    for part in Part::ALL {
        let most = if matches!(part, Part::Over | Part::OverToo) { OVER_MAX } else { PART_MAX };
        let of: Vec<ConsultId> = found.iter().filter(|row| row.part == *part).map(|row| row.id).collect();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if of.len() > most {
            day.more.push(*part);
        }
        let of = of.into_iter().take(most);
        if *part == Part::Gone {
            day.gone.extend(of.clone());
        }
        ids.extend(of);
    }
    // Read together, one that has changed its place meanwhile stands in its new one.
    ids.sort_unstable();
    ids.dedup();
    let ids = Json(ids.iter().map(|id| id.0.simple().to_string()).collect::<Vec<_>>());
    day.waiting = inside(conn, &ids, side).await?;
    day.consults = these(conn, actor, side, &ids).await?;
    Ok(day)
}

async fn found(conn: &mut Conn, actor: &Actor, side: Side, now: DateTime<Utc>) -> Result<Vec<FoundRow>, DbError> {
    let organisation = actor.organisation;
    let (part, over) = (PART_MAX + 1, OVER_MAX + 1);
    let statement = match side {
        Side::Inviting => OF_HOME,
        Side::Hospital => OF_HOSPITAL,
        Side::Doctor => {
            let specialty = specialty_of(conn, actor).await?.unwrap_or_default();
            return Ok(on!(conn, |c| {
                let query = sqlx::query_as(OF_DOCTOR).bind(organisation).bind(now).bind(part).bind(over);
                query.bind(actor.subject).bind(&specialty).fetch_all(c).await
            })?);
        }
    };
    Ok(on!(conn, |c| {
        let query = sqlx::query_as(statement).bind(organisation).bind(now).bind(part).bind(over);
        query.fetch_all(c).await
    })?)
}

/// Since when somebody of the other side is in the rooms of these.
async fn inside(
    conn: &mut Conn,
    ids: &Json<Vec<String>>,
    side: Side,
) -> Result<BTreeMap<ConsultId, DateTime<Utc>>, DbError> {
    let clinician = side == Side::Inviting;
    let inside = match conn.engine() {
        Engine::Sqlite(_) => INSIDE_SQLITE,
        Engine::Postgres(_) => INSIDE_POSTGRES,
    };
    let rows: Vec<(ConsultId, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(inside).bind(ids).bind(clinician).fetch_all(c).await)?;
    Ok(rows.into_iter().collect())
}
