//! Joins in the database: what they move, and what they remember of it.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use super::model::{Join, JoinId};
use crate::account::id::PersonId;
use crate::account::person::field::PersonField;
use crate::account::person::transfer::TransferId;

/// Joins that are listed of one person at most.
const JOINS_MAX: i64 = 100;

const HOLD_POSTGRES: &str = "select id from person where id = $1 or id = $2 order by id for update";
const INSERT: &str = "insert into person_join
    (id, survivor_id, other_id, organisation_id, joined_at, joined_by, transfer_id) values ($1, $2, $3, $4, $5, $6, $7)";
// A record that was handed over leads on for good: none of these sees it.
const STANDING: &str = "select id, survivor_id, other_id, joined_at from person_join
    where other_id = $1 and separated_at is null and transfer_id is null";
const LIST: &str = "select j.id, j.other_id, j.joined_at, a.display_name as joined_by_name,
    (select count(*) from person_join_moved m where m.join_id = j.id and m.kind = 'consult') as consults,
    (select count(*) from person_join_moved m where m.join_id = j.id and m.kind = 'visit') as visits
    from person_join j join account a on a.id = j.joined_by
    where j.survivor_id = $1 and j.separated_at is null and j.transfer_id is null order by j.joined_at desc, j.id limit $2";
const SURVIVORS: &str = "select distinct survivor_id from person_join
    where organisation_id = $1 and joined_at > $2 and separated_at is null and transfer_id is null
    order by survivor_id limit 50";
const END: &str = "update person_join set separated_at = $2, separated_by = $3 where id = $1 and separated_at is null";
const REMEMBER_FIELD: &str = "insert into person_join_field (join_id, field, former) values ($1, $2, $3)";
const FIELDS: &str = "select field, former from person_join_field where join_id = $1 order by field";

const NOTE_CONSULTS: &str = "insert into person_join_moved (join_id, kind, moved_id)
    select $1, 'consult', id from consult where resident_id = $2";
const NOTE_VISITS: &str = "insert into person_join_moved (join_id, kind, moved_id)
    select $1, 'visit', id from visit where person_id = $2";
const NOTE_PERSONS: &str = "insert into person_join_moved (join_id, kind, moved_id)
    select $1, 'person', id from person where merged_into = $2";
// Of somebody who is handed over what is done stays under the record as those had it who did it.
const NOTE_OPEN_CONSULTS: &str = "insert into person_join_moved (join_id, kind, moved_id)
    select $1, 'consult', id from consult where resident_id = $2
        and state not in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')";
const NOTE_OPEN_VISITS: &str = "insert into person_join_moved (join_id, kind, moved_id)
    select $1, 'visit', id from visit where person_id = $2 and state in ('requested', 'scheduled', 'in_service')";
// The version grows: a step that was read before may not write the old person over this.
const MOVE_CONSULTS: &str = "update consult set resident_id = $2, version = version + 1 where resident_id = $1";
const MOVE_VISITS: &str = "update visit set person_id = $2, version = version + 1 where person_id = $1";
const MOVE_PERSONS: &str = "update person set merged_into = $2 where merged_into = $1";
const NOTED_CONSULTS: &str = "update consult set resident_id = $2, version = version + 1 where resident_id = $1
    and id in (select moved_id from person_join_moved where join_id = $3 and kind = 'consult')";
const NOTED_VISITS: &str = "update visit set person_id = $2, version = version + 1 where person_id = $1
    and id in (select moved_id from person_join_moved where join_id = $3 and kind = 'visit')";
const NOTED_PERSONS: &str = "update person set merged_into = $2 where merged_into = $1
    and id in (select moved_id from person_join_moved where join_id = $3 and kind = 'person')";
const LEAD_ON: &str = "update person set merged_into = $2, version = version + 1
    where id = $1 and version = $3 and merged_into is null";
const LEAD_NO_MORE: &str = "update person set merged_into = null, version = version + 1
    where id = $1 and merged_into = $2";
const CONSULTS_OF: &str = "select distinct inviting_id, invited_id from consult
    where id in (select moved_id from person_join_moved where join_id = $1 and kind = 'consult')";
const VISITS_OF: &str = "select distinct agency_id from visit
    where id in (select moved_id from person_join_moved where join_id = $1 and kind = 'visit')";

/// A join as it is listed.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct JoinRow {
    pub(super) id: JoinId,
    pub(super) other_id: PersonId,
    pub(super) joined_at: DateTime<Utc>,
    pub(super) joined_by_name: String,
    pub(super) consults: i64,
    pub(super) visits: i64,
}

/// Keeps others from joining either of two records until the transaction ends; on `SQLite` there is one writer anyway.
pub(super) async fn hold(tx: &mut Tx, one: PersonId, other: PersonId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(one).bind(other).execute(c).await?;
    }
    Ok(())
}

/// Writes down that `join` was made, and by which transfer if it was by one.
pub(super) async fn insert(tx: &mut Tx, join: &Join, by: &Actor, transfer: Option<TransferId>) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(join.id).bind(join.survivor_id).bind(join.other_id);
        let row = row.bind(by.organisation).bind(join.joined_at).bind(by.subject).bind(transfer);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The join by which `other` went into another record, if it stands.
pub(super) async fn standing(conn: &mut Conn, other: PersonId) -> Result<Option<Join>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(STANDING).bind(other).fetch_optional(c).await)?)
}

/// The joins into a record that stand, the newest first.
pub(super) async fn list(conn: &mut Conn, survivor: PersonId) -> Result<Vec<JoinRow>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(survivor).bind(JOINS_MAX).fetch_all(c).await)?)
}

/// The records into which an organisation has joined others since a moment; at most 50.
pub(super) async fn survivors(
    conn: &mut Conn,
    organisation: OrganisationId,
    since: DateTime<Utc>,
) -> Result<Vec<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(SURVIVORS).bind(organisation).bind(since).fetch_all(c).await)?)
}

/// Writes down that `join` was undone.
pub(super) async fn end(tx: &mut Tx, join: JoinId, at: DateTime<Utc>, by: &Actor) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(END).bind(join).bind(at).bind(by.subject).execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("end join", 1, rows)
}

/// Remembers the value that a field had before.
pub(super) async fn remember(
    tx: &mut Tx,
    join: JoinId,
    field: PersonField,
    former: Option<&str>,
) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(REMEMBER_FIELD).bind(join).bind(field).bind(former).execute(c).await.map(drop))?)
}

/// The fields that a join took from the other record, each with its value before.
pub(super) async fn remembered(conn: &mut Conn, join: JoinId) -> Result<Vec<(PersonField, Option<String>)>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIELDS).bind(join).fetch_all(c).await)?)
}

/// Moves all that names the other to the survivor, and remembers it.
pub(super) async fn move_all(tx: &mut Tx, join: &Join) -> Result<(), DbError> {
    let Join { id, survivor_id, other_id, .. } = *join;
    for note in [NOTE_CONSULTS, NOTE_VISITS, NOTE_PERSONS] {
        on!(tx, |c| sqlx::query(note).bind(id).bind(other_id).execute(c).await.map(drop))?;
    }
    for moving in [MOVE_CONSULTS, MOVE_VISITS, MOVE_PERSONS] {
        on!(tx, |c| sqlx::query(moving).bind(other_id).bind(survivor_id).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Moves what is not done of the other to the survivor, with the records that went into it, and remembers it.
pub(super) async fn move_open(tx: &mut Tx, join: &Join) -> Result<(), DbError> {
    let Join { id, survivor_id, other_id, .. } = *join;
    for note in [NOTE_OPEN_CONSULTS, NOTE_OPEN_VISITS, NOTE_PERSONS] {
        on!(tx, |c| sqlx::query(note).bind(id).bind(other_id).execute(c).await.map(drop))?;
    }
    for moving in [NOTED_CONSULTS, NOTED_VISITS, NOTED_PERSONS] {
        on!(tx, |c| sqlx::query(moving).bind(other_id).bind(survivor_id).bind(id).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Moves back what the join has moved, as far as it is the survivor's still.
pub(super) async fn move_back(tx: &mut Tx, join: &Join) -> Result<(), DbError> {
    let Join { id, survivor_id, other_id, .. } = *join;
    for back in [NOTED_CONSULTS, NOTED_VISITS, NOTED_PERSONS] {
        on!(tx, |c| sqlx::query(back).bind(survivor_id).bind(other_id).bind(id).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Lets the other's id lead on to the survivor; `false` when somebody else changed the other since it was read.
pub(super) async fn lead_on(tx: &mut Tx, join: &Join, version: i64) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(LEAD_ON).bind(join.other_id).bind(join.survivor_id).bind(version);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Lets the other's id be of a record of its own again.
pub(super) async fn lead_no_more(tx: &mut Tx, join: &Join) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(LEAD_NO_MORE).bind(join.other_id).bind(join.survivor_id);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("separate persons", 1, rows)
}

/// The organisations whose lists of consults, and of visits, show something that the join has moved.
pub(super) async fn audience(
    conn: &mut Conn,
    join: JoinId,
) -> Result<(Vec<OrganisationId>, Vec<OrganisationId>), DbError> {
    let consults: Vec<(OrganisationId, OrganisationId)> =
        on!(conn, |c| sqlx::query_as(CONSULTS_OF).bind(join).fetch_all(c).await)?;
    let visits: Vec<OrganisationId> = on!(conn, |c| sqlx::query_scalar(VISITS_OF).bind(join).fetch_all(c).await)?;
    Ok((consults.into_iter().flat_map(|(a, b)| [a, b]).collect(), visits))
}
