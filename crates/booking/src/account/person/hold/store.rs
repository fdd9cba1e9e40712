//! Holds in the database.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use crate::account::id::PersonId;
use crate::account::person::model::Person;
use crate::account::person::store::load;
use crate::account::policy::AccountAction;
use crate::account::problems::PERSON_HELD;

// Those of records that were joined into it count as its own.
const LIST: &str = "select h.id, h.person_id, h.organisation_id, o.name_zh as organisation, h.reason, h.set_at,
        a.display_name as set_by, h.lifted_at, h.lift_reason
    from person_hold h join organisation o on o.id = h.organisation_id join account a on a.id = h.set_by
    where h.person_id = $1 or h.person_id in (select p.id from person p where p.merged_into = $1)
    order by h.set_at desc, h.id desc limit 100";
const STANDING: &str = "select count(*) from person_hold h where h.lifted_at is null
    and (h.person_id = $1 or h.person_id in (select p.id from person p where p.merged_into = $1))";
const SET: &str = "insert into person_hold (id, person_id, organisation_id, reason, set_at, set_by, told_at)
    values ($1, $2, $3, $4, $5, $6, $5) on conflict do nothing";
const LIFT: &str = "update person_hold set lifted_at = $3, lifted_by = $4, lift_reason = $5, told_at = $3
    where organisation_id = $2 and lifted_at is null
        and (person_id = $1 or person_id in (select p.id from person p where p.merged_into = $1))";
const STANDING_OF: &str = "select count(*) from person_hold h where h.lifted_at is null and h.organisation_id = $2
    and (h.person_id = $1 or h.person_id in (select p.id from person p where p.merged_into = $1))";
// A process of an earlier version tells neither that it sets a hold nor that it lifts one.
const UNTOLD: &str = "select distinct h.person_id from person_hold h where h.told_at is null or h.told_at < h.lifted_at
    order by h.person_id limit 100";
const TOLD: &str = "update person_hold set told_at = case when lifted_at > $2 then lifted_at else $2 end
    where person_id = $1 and (told_at is null or told_at < lifted_at)";
const SURVIVOR: &str = "select coalesce(p.merged_into, p.id) from person p where p.id = $1";
const HELD_RECORDS: &str = "select count(*) from person p join (select distinct coalesce(hp.merged_into, hp.id) as id
        from person_hold h join person hp on hp.id = h.person_id where h.lifted_at is null) s
    on p.id = s.id or p.merged_into = s.id";
// Of a record that leads on also the one that it leads to: that is locked by those who erase.
const LOCK_POSTGRES: &str = "select p.id from person p where p.id = $1
    or p.id = (select m.merged_into from person m where m.id = $1) order by p.id for update";

/// A hold as it lies there.
#[derive(sqlx_macros::FromRow)]
pub(super) struct HoldRow {
    pub(super) id: Uuid,
    pub(super) person_id: PersonId,
    pub(super) organisation_id: OrganisationId,
    pub(super) organisation: String,
    pub(super) reason: String,
    pub(super) set_at: DateTime<Utc>,
    pub(super) set_by: String,
    pub(super) lifted_at: Option<DateTime<Utc>>,
    pub(super) lift_reason: Option<String>,
}

/// All holds on a record and on those that were joined into it, the newest first; at most 100.
pub(super) async fn list(conn: &mut Conn, person: PersonId) -> Result<Vec<Personal<HoldRow>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(person).fetch_all(c).await)?)
}

/// Keeps others from setting a hold on a record, or from erasing it, until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, person: PersonId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(person).execute(c).await?;
    }
    Ok(())
}

/// Somebody as they are while nobody else sets a hold on the record, or erases it, until the transaction ends; when the policy
/// allows `action`.
pub(in crate::account::person) async fn load_locked(
    tx: &mut Tx,
    ctx: &Ctx,
    id: PersonId,
    action: AccountAction,
) -> Result<Person, Problem> {
    let before = load(tx, ctx, id, action).await?.unseen().id;
    lock(tx, before).await?;
    // What was read before may have been joined, handed over, ended or erased while this waited.
    let person = load(tx, ctx, id, action).await?.into_unseen();
    if person.id == before { Ok(person) } else { Err(Problem::new(&CONFLICT)) }
}

/// Whether a hold of this organisation stands on a record, or on one that was joined into it.
pub(super) async fn stands_of(conn: &mut Conn, own: OrganisationId, person: PersonId) -> Result<bool, DbError> {
    let holds: i64 = on!(conn, |c| sqlx::query_scalar(STANDING_OF).bind(person).bind(own).fetch_one(c).await)?;
    Ok(holds > 0)
}

/// Sets a hold; `false` when the organisation has one that stands.
pub(super) async fn set(tx: &mut Tx, ctx: &Ctx, person: PersonId, reason: &str) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SET).bind(uuid_v7(ctx.now())).bind(person).bind(ctx.actor.organisation).bind(reason);
        row.bind(ctx.now()).bind(ctx.actor.subject).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Lifts the organisation's hold; `false` when none stands.
pub(super) async fn lift(tx: &mut Tx, ctx: &Ctx, person: PersonId, reason: &str) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(LIFT).bind(person).bind(ctx.actor.organisation).bind(ctx.now()).bind(ctx.actor.subject);
        row.bind(reason).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

/// Refuses what would erase a person on whom a hold stands, or take a record out of the hold; none is set until the transaction ends.
pub(in crate::account::person) async fn require_none(tx: &mut Tx, person: PersonId) -> Result<(), Problem> {
    lock(tx, person).await?;
    if stands(tx, person).await? { Err(Problem::new(&PERSON_HELD)) } else { Ok(()) }
}

/// Whether a hold of anybody stands on a record, or on one that was joined into it.
pub(super) async fn stands(conn: &mut Conn, person: PersonId) -> Result<bool, DbError> {
    let standing: i64 = on!(conn, |c| sqlx::query_scalar(STANDING).bind(person).fetch_one(c).await)?;
    Ok(standing > 0)
}

/// The record to which one leads on, or itself.
pub(super) async fn survivor(conn: &mut Conn, person: PersonId) -> Result<PersonId, DbError> {
    let survivor: Option<PersonId> = on!(conn, |c| sqlx::query_scalar(SURVIVOR).bind(person).fetch_optional(c).await)?;
    Ok(survivor.unwrap_or(person))
}

/// How many records are held, those among them that lead on to others.
pub(super) async fn held_records(conn: &mut Conn) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(HELD_RECORDS).fetch_one(c).await)?)
}

/// Some of the records with a hold of which, or of whose end, nobody was told.
pub(super) async fn untold(conn: &mut Conn) -> Result<Vec<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(UNTOLD).fetch_all(c).await)?)
}

/// Writes down that the holds on a record were told.
pub(super) async fn told(tx: &mut Tx, person: PersonId, at: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(TOLD).bind(person).bind(at).execute(c).await.map(drop))?)
}
