//! Agreements in the database.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use uuid::Uuid;

use super::model::{Affiliated, OrganisationAffiliation, zone};
use super::policy::AffiliationSide;
use crate::account::id::AffiliationId;

/// Proposals that an organisation has at most of its own which wait for an answer. What others propose to it does not count, nor what
/// stands: a hospital of many homes renews with each of them.
pub(super) const PROPOSALS_MAX: i64 = 100;
/// Agreements that wait for an answer, or are not over, in the page's list.
const CURRENT_MAX: usize = 200;
/// Hospitals, or care homes, in the list of those to which one may be proposed.
const PARTNERS_MAX: usize = 300;

/// An organisation to which an agreement may be proposed, with its names.
pub(in crate::account) type AffiliationPartner = (OrganisationId, String, String);

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
const CURRENT: &str = affiliations!(
    "where (a.inviting_id = $1 or a.invited_id = $1) and a.state in ('proposed', 'active') and a.valid_until >= $2
    order by a.proposed_at desc, a.id desc limit $3"
);
const OWN_PROPOSALS: &str = "select count(*) from affiliation where state = 'proposed' and valid_until >= $2
    and ((inviting_id = $1 and proposed_by = 'inviting') or (invited_id = $1 and proposed_by = 'invited'))";
const PROPOSED: &str =
    affiliations!("where a.inviting_id = $1 and a.invited_id = $2 and a.state = 'proposed' order by a.id limit 1");
// The end or a change of one waits for the booking that goes by it.
const HOLD_POSTGRES: &str = "select id from affiliation where inviting_id = $1 and invited_id = $2 and state = 'active'
    order by id for share";
const STANDING: &str = "select a.invited_id, o.time_zone, a.valid_from, a.valid_until from affiliation a
    join organisation o on o.id = a.invited_id where a.inviting_id = $1 and a.state = 'active' and a.valid_until >= $2";
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

/// The agreements of an organisation that wait for an answer or are not over by a day, the newest first, and whether there are older
/// ones.
pub(super) async fn current(
    conn: &mut Conn,
    own: OrganisationId,
    today: NaiveDate,
) -> Result<(Vec<OrganisationAffiliation>, bool), DbError> {
    let limit = one_more(CURRENT_MAX);
    let mut found: Vec<OrganisationAffiliation> =
        on!(conn, |c| sqlx::query_as(CURRENT).bind(own).bind(today).bind(limit).fetch_all(c).await)?;
    let more = found.len() > CURRENT_MAX;
    found.truncate(CURRENT_MAX);
    Ok((found, more))
}

/// The limit of a statement that reads one more than are shown.
fn one_more(shown: usize) -> i64 {
    i64::try_from(shown + 1).unwrap_or(i64::MAX)
}

/// How many proposals an organisation has made that wait for an answer, and whose days are not over.
pub(super) async fn own_proposals(conn: &mut Conn, own: OrganisationId, today: NaiveDate) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(OWN_PROPOSALS).bind(own).bind(today).fetch_one(c).await)?)
}

/// The agreement between the same two that is proposed already.
pub(super) async fn proposal(
    conn: &mut Conn,
    of: &OrganisationAffiliation,
) -> Result<Option<OrganisationAffiliation>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(PROPOSED).bind(of.inviting_id).bind(of.invited_id).fetch_optional(c).await })?)
}

/// Keeps the agreements of two that stand as they are until the transaction ends; on `SQLite` there is one writer anyway.
pub(crate) async fn hold(tx: &mut Tx, home: OrganisationId, hospital: OrganisationId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(home).bind(hospital).execute(c).await?;
    }
    Ok(())
}

/// The hospitals with which a care home has an agreement that counts now, by the day of each hospital.
pub(crate) async fn standing_with(
    conn: &mut Conn,
    home: OrganisationId,
    now: DateTime<Utc>,
) -> Result<BTreeSet<OrganisationId>, DbError> {
    // Nowhere is it earlier than a day before.
    let earliest = (now - Duration::days(1)).date_naive();
    let known: Vec<(OrganisationId, String, NaiveDate, NaiveDate)> =
        on!(conn, |c| sqlx::query_as(STANDING).bind(home).bind(earliest).fetch_all(c).await)?;
    let counts = known.into_iter().filter(|(_, name, from, until)| {
        let day = now.with_timezone(&zone(name)).date_naive();
        *from <= day && day <= *until
    });
    Ok(counts.map(|(hospital, ..)| hospital).collect())
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

/// The organisations to which one side may propose an agreement, by name, and whether there are more than these.
pub(in crate::account) async fn partners(
    conn: &mut Conn,
    own: OrganisationId,
    side: AffiliationSide,
) -> Result<(Vec<AffiliationPartner>, bool), DbError> {
    let limit = one_more(PARTNERS_MAX);
    let mut found: Vec<AffiliationPartner> = match side {
        AffiliationSide::Inviting => on!(conn, |c| sqlx::query_as(HOSPITALS).bind(limit).fetch_all(c).await)?,
        AffiliationSide::Invited => on!(conn, |c| sqlx::query_as(HOMES).bind(limit).bind(own).fetch_all(c).await)?,
    };
    let more = found.len() > PARTNERS_MAX;
    found.truncate(PARTNERS_MAX);
    Ok((found, more))
}

/// Whether a hospital knows a care home: that has invited it, or had an agreement with it.
pub(super) async fn knows(conn: &mut Conn, hospital: OrganisationId, home: OrganisationId) -> Result<bool, DbError> {
    let count: i64 = on!(conn, |c| sqlx::query_scalar(KNOWS).bind(home).bind(hospital).fetch_one(c).await)?;
    Ok(count > 0)
}
