//! The time of a joined person.
//!
//! In the calendar nothing overlaps, and a join must lose nothing. So each booking of the other record becomes the
//! survivor's, except where the survivor is taken then: such a booking **stays under the other's id**, stands in every
//! answer as a conflict, and goes over to the survivor when somebody gives either of the two another time. Until then
//! whatever is booked for the person takes the survivor's id and the other's ([`resources_of`]), so that a third booking
//! cannot overlap either of them.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::Join;
use crate::account::id::PersonId;
use crate::calendar;

/// Conflicts that an answer lists at most.
pub(super) const CONFLICTS_MAX: i64 = 100;

const OF_OTHER: &str = "select id from occupancy where resource_id = $1 order by starts_at, id";
const OF_MOVED: &str = "select o.id from occupancy o
    join person_join_moved m on m.kind = o.holder_kind and m.moved_id = o.holder_id
    where o.resource_id = $1 and m.join_id = $2 order by o.starts_at, o.id";
// A row is moved by a new one: the promise that nothing overlaps is the insert's. One that would overlap is passed over.
const COPY_SQLITE: &str = "insert into occupancy
    (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
    select unhex(e.value ->> 'new'), $2, o.lane, o.starts_at, o.ends_at, o.holder_kind, o.holder_id, o.expires_at
    from json_each($1) e join occupancy o on o.id = unhex(e.value ->> 'old') where true on conflict do nothing";
const COPY_POSTGRES: &str = "insert into occupancy
    (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
    select (e ->> 'new')::uuid, $2, o.lane, o.starts_at, o.ends_at, o.holder_kind, o.holder_id, o.expires_at
    from jsonb_array_elements($1) e join occupancy o on o.id = (e ->> 'old')::uuid on conflict do nothing";
const LEAVE: &str = "delete from occupancy where resource_id = $1 and exists (select 1 from occupancy n
    where n.resource_id = $2 and n.holder_kind = occupancy.holder_kind and n.holder_id = occupancy.holder_id
      and n.lane = occupancy.lane and n.starts_at = occupancy.starts_at)";
// What stays with the survivor needs no time of the other any more.
const CLEAR: &str = "delete from occupancy where resource_id = $1 and not exists (select 1 from person_join_moved m
    where m.join_id = $2 and m.kind = occupancy.holder_kind and m.moved_id = occupancy.holder_id)";
const STILL_TAKEN: &str = "select distinct o.resource_id from person m join occupancy o on o.resource_id = m.id
    where m.merged_into = $1 and o.ends_at > $2 order by o.resource_id";
const CONFLICTS: &str = "select a.holder_kind as kind, a.holder_id as id, a.starts_at, a.ends_at,
        coalesce((select c.inviting_id from consult c where c.id = a.holder_id),
            (select v.agency_id from visit v where v.id = a.holder_id)) as organisation_id,
        b.holder_kind as with_kind, b.holder_id as with_id, b.starts_at as with_starts_at, b.ends_at as with_ends_at,
        coalesce((select c.inviting_id from consult c where c.id = b.holder_id),
            (select v.agency_id from visit v where v.id = b.holder_id)) as with_organisation_id
    from person m join occupancy a on a.resource_id = m.id
    join occupancy b on b.resource_id = $1 and b.starts_at < a.ends_at and b.ends_at > a.starts_at
        and b.holder_id <> a.holder_id
    where m.merged_into = $1 and a.ends_at > $2 and (a.expires_at is null or a.expires_at > $2)
        and (b.expires_at is null or b.expires_at > $2) order by a.starts_at, a.id, b.starts_at, b.id limit $3";

/// Two bookings of one person at one time.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct ConflictRow {
    pub(super) kind: String,
    pub(super) id: Uuid,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) organisation_id: Option<OrganisationId>,
    pub(super) with_kind: String,
    pub(super) with_id: Uuid,
    pub(super) with_starts_at: DateTime<Utc>,
    pub(super) with_ends_at: DateTime<Utc>,
    pub(super) with_organisation_id: Option<OrganisationId>,
}

/// A row, and the id of the one that moves it.
#[derive(Serialize)]
struct Moved {
    old: String,
    new: String,
}

/// Gives `to` the time of these rows, where `to` is free.
async fn copy(tx: &mut Tx, now: DateTime<Utc>, rows: Vec<Uuid>, to: PersonId) -> Result<(), DbError> {
    calendar::forget_expired(tx, now, to.0).await?;
    let hex = |id: Uuid| id.simple().to_string();
    let rows = rows.into_iter().map(|old| Moved { old: hex(old), new: hex(uuid_v7(now)) });
    let rows = Json(rows.collect::<Vec<_>>());
    let statement = match tx.engine() {
        Engine::Sqlite(_) => COPY_SQLITE,
        Engine::Postgres(_) => COPY_POSTGRES,
    };
    on!(tx, |c| sqlx::query(statement).bind(&rows).bind(to).execute(c).await.map(drop))?;
    Ok(())
}

/// Makes the other's time the survivor's, where the survivor is free.
pub(super) async fn take_over(tx: &mut Tx, join: &Join) -> Result<(), DbError> {
    let Join { survivor_id, other_id, joined_at, .. } = *join;
    let rows = on!(tx, |c| sqlx::query_scalar(OF_OTHER).bind(other_id).fetch_all(c).await)?;
    copy(tx, joined_at, rows, survivor_id).await?;
    on!(tx, |c| sqlx::query(LEAVE).bind(other_id).bind(survivor_id).execute(c).await.map(drop))?;
    Ok(())
}

/// Gives the other back the time of what has gone back to it.
pub(super) async fn give_back(tx: &mut Tx, now: DateTime<Utc>, join: &Join) -> Result<(), DbError> {
    let Join { id, survivor_id, other_id, .. } = *join;
    on!(tx, |c| sqlx::query(CLEAR).bind(other_id).bind(id).execute(c).await.map(drop))?;
    let rows = on!(tx, |c| sqlx::query_scalar(OF_MOVED).bind(survivor_id).bind(id).fetch_all(c).await)?;
    copy(tx, now, rows, other_id).await?;
    on!(tx, |c| sqlx::query(LEAVE).bind(survivor_id).bind(other_id).execute(c).await.map(drop))?;
    Ok(())
}

/// The ids under which a person's time is taken: the own one, and those of joined records of which a booking has stayed.
pub async fn resources_of(conn: &mut Conn, now: DateTime<Utc>, person: PersonId) -> Result<Vec<Uuid>, DbError> {
    let stayed: Vec<Uuid> = on!(conn, |c| sqlx::query_scalar(STILL_TAKEN).bind(person).bind(now).fetch_all(c).await)?;
    Ok(std::iter::once(person.0).chain(stayed).collect())
}

/// The conflicts of a person that are not over.
pub(super) async fn conflicts(
    conn: &mut Conn,
    now: DateTime<Utc>,
    person: PersonId,
) -> Result<Vec<ConflictRow>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(CONFLICTS).bind(person).bind(now).bind(CONFLICTS_MAX).fetch_all(c).await })?)
}
