//! Agreements in the database.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use uuid::Uuid;

use super::model::{Affiliated, OrganisationAffiliation};
use super::policy::AffiliationSide;
use crate::account::id::AffiliationId;

/// Agreements that an organisation has at most which are proposed, or not over yet.
pub(super) const OPEN_MAX: i64 = 100;
/// Hospitals, or care homes, in the list of those to which one may be proposed.
pub(in crate::account) const PARTNERS_MAX: i64 = 300;

/// The columns that every statement over agreements selects.
macro_rules! affiliations {
    ($rest:literal) => {
        concat!(
            "select a.id, a.inviting_id, h.name_zh as inviting_zh, h.name_en as inviting_en, a.invited_id,
    o.name_zh as invited_zh, o.name_en as invited_en, o.time_zone, a.number, a.valid_from, a.valid_until, a.books_at_once,
    a.proposed_by, a.proposed_at, a.state, a.decided_at, a.ended_by, a.reason, a.version
    from affiliation a join organisation h on h.id = a.inviting_id join organisation o on o.id = a.invited_id ",
            $rest
        )
    };
}

const FIND: &str = affiliations!("where a.id = $1");
const LIST: &str = affiliations!(
    "where (a.inviting_id = $1 or a.invited_id = $1) and (a.proposed_at, a.id) < ($2, $3)
    order by a.proposed_at desc, a.id desc limit $4"
);
const OPEN: &str = "select count(*) from affiliation where (inviting_id = $1 or invited_id = $1)
    and (state = 'proposed' or (state = 'active' and valid_until >= $2))";
const PROPOSED: &str =
    "select count(*) from affiliation where inviting_id = $1 and invited_id = $2 and state = 'proposed' and id <> $3";
const OVERLAPPING: &str = "select count(*) from affiliation where inviting_id = $1 and invited_id = $2
    and state = 'active' and valid_until >= $3 and valid_from <= $4";
const INSERT: &str =
    "insert into affiliation (id, inviting_id, invited_id, number, valid_from, valid_until, books_at_once,
    proposed_by, proposed_at, state, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict do nothing";
const UPDATE: &str =
    "update affiliation set state = $3, books_at_once = $4, decided_at = $5, ended_by = $6, reason = $7,
    version = $8 where id = $1 and version = $2";
const AFFILIATED: &str = "select invited_id as hospital, valid_from, valid_until, books_at_once from affiliation
    where inviting_id = $1 and state = 'active' and valid_until >= $2 order by invited_id, valid_from";
const HOSPITALS: &str = "select id, name_zh, name_en from organisation
    where kind in ('hospital', 'health_centre') and state = 'open' order by name_zh, id limit $1";
// Every care home may know every hospital; a hospital knows those that have invited it, or had an agreement with it.
const HOMES: &str = "select o.id, o.name_zh, o.name_en from organisation o
    where o.kind = 'care_home' and o.state = 'open' and (exists (select 1 from consult c
            where c.inviting_id = o.id and c.invited_id = $2 and c.state <> 'draft')
        or exists (select 1 from affiliation a where a.inviting_id = o.id and a.invited_id = $2))
    order by o.name_zh, o.id limit $1";
const KNOWS: &str = "select count(*) from organisation o where o.id = $1 and (exists (select 1 from consult c
            where c.inviting_id = o.id and c.invited_id = $2 and c.state <> 'draft')
        or exists (select 1 from affiliation a where a.inviting_id = o.id and a.invited_id = $2))";
// Two proposals of one organisation at the same moment must not both find the last place free.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727019, hashtext($1))";

/// One agreement; whether the caller may see it is asked after.
pub(super) async fn find(conn: &mut Conn, id: AffiliationId) -> Result<Option<OrganisationAffiliation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The agreements of an organisation, the newest first, after one of them.
pub(super) async fn list(
    conn: &mut Conn,
    own: OrganisationId,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, AffiliationId)>,
    limit: i64,
) -> Result<Vec<OrganisationAffiliation>, DbError> {
    let (at, id) = after.unwrap_or((now + Duration::days(1), AffiliationId(Uuid::max())));
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(own).bind(at).bind(id).bind(limit).fetch_all(c).await)?)
}

/// Keeps others of an organisation from proposing until the transaction ends; on `SQLite` there is one writer anyway.
pub(super) async fn lock(tx: &mut Tx, own: OrganisationId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(own.to_string()).execute(c).await?;
    }
    Ok(())
}

/// How many agreements of an organisation are proposed, or not over by a day.
pub(super) async fn open(conn: &mut Conn, own: OrganisationId, today: NaiveDate) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(OPEN).bind(own).bind(today).fetch_one(c).await)?)
}

/// Whether another agreement between the same two is proposed.
pub(super) async fn is_proposed(conn: &mut Conn, of: &OrganisationAffiliation) -> Result<bool, DbError> {
    let count: i64 = on!(conn, |c| {
        sqlx::query_scalar(PROPOSED).bind(of.inviting_id).bind(of.invited_id).bind(of.id).fetch_one(c).await
    })?;
    Ok(count > 0)
}

/// Whether an agreement between the same two stands for any of the same days.
pub(super) async fn overlaps(conn: &mut Conn, of: &OrganisationAffiliation) -> Result<bool, DbError> {
    let count: i64 = on!(conn, |c| {
        let query = sqlx::query_scalar(OVERLAPPING).bind(of.inviting_id).bind(of.invited_id);
        query.bind(of.valid_from).bind(of.valid_until).fetch_one(c).await
    })?;
    Ok(count > 0)
}

/// Stores a new one; `false` when one is proposed between the two already.
pub(super) async fn insert(tx: &mut Tx, a: &OrganisationAffiliation) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(a.id).bind(a.inviting_id).bind(a.invited_id).bind(&a.number);
        let row = row.bind(a.valid_from).bind(a.valid_until).bind(a.books_at_once).bind(a.proposed_by);
        let row = row.bind(a.proposed_at).bind(a.state.name()).bind(a.version);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Writes one over the version that was read; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, read: i64, a: &OrganisationAffiliation) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(a.id).bind(read).bind(a.state.name()).bind(a.books_at_once);
        let row = row.bind(a.decided_at).bind(a.state.ended_by()).bind(a.state.reason()).bind(a.version);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// The hospitals with which a care home has an agreement that is not over by a day, each with its days.
pub(crate) async fn affiliated(
    conn: &mut Conn,
    home: OrganisationId,
    today: NaiveDate,
) -> Result<Vec<Affiliated>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(AFFILIATED).bind(home).bind(today).fetch_all(c).await)?)
}

/// Whether an agreement of the two counts now and on a day, and says that the hospital's hours are booked at once.
pub(crate) async fn books_at_once(
    conn: &mut Conn,
    (home, hospital): (OrganisationId, OrganisationId),
    (today, day): (NaiveDate, NaiveDate),
) -> Result<bool, DbError> {
    let known = affiliated(conn, home, today).await?;
    Ok(known
        .iter()
        .any(|one| one.hospital == hospital && one.books_at_once && one.valid_from <= today && day <= one.valid_until))
}

/// The organisations to which one side may propose an agreement, by name.
pub(in crate::account) async fn partners(
    conn: &mut Conn,
    own: OrganisationId,
    side: AffiliationSide,
) -> Result<Vec<(OrganisationId, String, String)>, DbError> {
    Ok(match side {
        AffiliationSide::Inviting => on!(conn, |c| sqlx::query_as(HOSPITALS).bind(PARTNERS_MAX).fetch_all(c).await)?,
        AffiliationSide::Invited => {
            on!(conn, |c| sqlx::query_as(HOMES).bind(PARTNERS_MAX).bind(own).fetch_all(c).await)?
        }
    })
}

/// Whether a hospital knows a care home: that has invited it, or had an agreement with it.
pub(super) async fn knows(conn: &mut Conn, hospital: OrganisationId, home: OrganisationId) -> Result<bool, DbError> {
    let count: i64 = on!(conn, |c| sqlx::query_scalar(KNOWS).bind(home).bind(hospital).fetch_one(c).await)?;
    Ok(count > 0)
}
