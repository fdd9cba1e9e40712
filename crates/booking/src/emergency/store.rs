//! Openings in the database, and who has a number.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::id::EmergencyAccessId;
use super::input::Number;
use super::model::{EmergencyAccess, EmergencyOutcome, Sign};
use super::policy::EmergencyAction;
use crate::account::{AccountId, PersonId};

/// The columns that every statement over openings selects.
macro_rules! accesses {
    ($rest:literal) => {
        concat!(
            "select e.id, e.account_id, a.display_name as account_name, e.organisation_id, o.name_zh as organisation_zh,
    o.name_en as organisation_en, e.office_id, e.sign, e.outcome, e.person_id, p.name as person_name, e.reason, e.remark,
    e.opened_at, e.ends_at, r.display_name as reviewed_by_name, e.reviewed_at, e.version
    from emergency_access e join account a on a.id = e.account_id join organisation o on o.id = e.organisation_id
    left join person p on p.id = e.person_id left join account r on r.id = e.reviewed_by ",
            $rest
        )
    };
}

const FIND: &str = accesses!("where e.id = $1");
const OF_OFFICE: &str = accesses!(
    "where e.office_id = $1 and e.account_id <> $2 and (e.opened_at, e.id) < ($3, $4)
    order by e.opened_at desc, e.id desc limit $5"
);
const OF_OFFICE_WAITING: &str = accesses!(
    "where e.office_id = $1 and e.account_id <> $2 and e.reviewed_at is null and (e.opened_at, e.id) < ($3, $4)
    order by e.opened_at desc, e.id desc limit $5"
);
const OF_ACCOUNT: &str = accesses!(
    "where e.organisation_id = $1 and e.account_id = $2 and (e.opened_at, e.id) < ($3, $4)
    order by e.opened_at desc, e.id desc limit $5"
);
const OF_ACCOUNT_WAITING: &str = accesses!(
    "where e.organisation_id = $1 and e.account_id = $2 and e.reviewed_at is null and (e.opened_at, e.id) < ($3, $4)
    order by e.opened_at desc, e.id desc limit $5"
);
const TRIED: &str = "select coalesce(max(ordinal), 0) from emergency_access where account_id = $1";
const TRIED_SINCE: &str = "select opened_at from emergency_access where account_id = $1 and opened_at > $2
    order by opened_at desc limit $3";
const INSERT: &str = "insert into emergency_access (id, account_id, ordinal, organisation_id, office_id, sign, outcome,
    person_id, reason, opened_at, ends_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)
    on conflict do nothing";
const REVIEW: &str =
    "update emergency_access set reviewed_by = $3, reviewed_at = $4, remark = $5, version = version + 1
    where id = $1 and version = $2 and reviewed_at is null and account_id <> $3";
const BY_INDEX: &str = "select id, organisation_id, area_code, national_id_index from person
    where national_id_index = $1 and merged_into is null order by id limit $2";
const BY_PHONE: &str = "select id, organisation_id, area_code, national_id_index from person
    where phone = $1 and merged_into is null order by id limit $2";

/// A record that has the number: whose it is, and nothing of the person.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct NumberHolder {
    pub(super) id: PersonId,
    /// The care home, or none for an elder at home.
    pub(super) organisation_id: Option<OrganisationId>,
    pub(super) area_code: Option<String>,
    /// Says whether two records are of one human.
    pub(super) national_id_index: Option<String>,
}

/// Up to `limit` records that have a number.
pub(super) async fn holders(conn: &mut Conn, number: &Number, limit: i64) -> Result<Vec<NumberHolder>, DbError> {
    let (statement, value) = match number {
        Number::NationalId(index) => (BY_INDEX, index),
        Number::Phone(phone) => (BY_PHONE, phone),
    };
    Ok(on!(conn, |c| sqlx::query_as(statement).bind(value).bind(limit).fetch_all(c).await)?)
}

/// How many openings an account has had, and when the latest of them were, up to `limit` after `since`.
pub(super) async fn tried(
    conn: &mut Conn,
    account: AccountId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<(i64, Vec<DateTime<Utc>>), DbError> {
    let all: i64 = on!(conn, |c| sqlx::query_scalar(TRIED).bind(account).fetch_one(c).await)?;
    let late =
        on!(conn, |c| { sqlx::query_scalar(TRIED_SINCE).bind(account).bind(since).bind(limit).fetch_all(c).await })?;
    Ok((all, late))
}

/// The parts of an opening that are stored when it is made.
#[derive(Debug)]
pub(super) struct NewAccess<'a> {
    pub(super) id: EmergencyAccessId,
    pub(super) account: AccountId,
    /// Its number among the account's: two tries at once cannot have the same.
    pub(super) ordinal: i64,
    pub(super) organisation: OrganisationId,
    pub(super) office: OrganisationId,
    pub(super) sign: Sign,
    pub(super) outcome: EmergencyOutcome,
    pub(super) person: Option<PersonId>,
    pub(super) reason: &'a str,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) ends_at: Option<DateTime<Utc>>,
}

/// Stores an opening; `false` when another try of the account came first.
pub(super) async fn insert(tx: &mut Tx, new: &NewAccess<'_>) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.account).bind(new.ordinal).bind(new.organisation);
        let row = row.bind(new.office).bind(new.sign).bind(new.outcome).bind(new.person).bind(new.reason);
        row.bind(new.opened_at).bind(new.ends_at).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// One opening; whether the caller may see it is asked after.
pub(super) async fn find(conn: &mut Conn, id: EmergencyAccessId) -> Result<Option<EmergencyAccess>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The opening, if the caller may do `action` with it: 404, 403 or the opening.
pub(super) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: EmergencyAccessId,
    action: EmergencyAction,
) -> Result<EmergencyAccess, Problem> {
    let access = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    access.decide(ctx, action).require()?;
    Ok(access)
}

/// Whose openings a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those that the caller has opened.
    Own,
    /// Those that others have opened and the caller's organisation is told of.
    Office,
}

/// Which part of such a list.
#[derive(Debug)]
pub(super) struct EmergencyFilter {
    /// Only those that wait for their review.
    pub(super) waiting: bool,
    /// Where the last page ended.
    pub(super) before: Option<(DateTime<Utc>, EmergencyAccessId)>,
    /// The most rows to read.
    pub(super) limit: i64,
}

/// Openings, the newest first.
pub(super) async fn list(
    conn: &mut Conn,
    actor: &Actor,
    now: DateTime<Utc>,
    whose: Whose,
    filter: &EmergencyFilter,
) -> Result<Vec<EmergencyAccess>, DbError> {
    let statement = match (whose, filter.waiting) {
        (Whose::Own, false) => OF_ACCOUNT,
        (Whose::Own, true) => OF_ACCOUNT_WAITING,
        (Whose::Office, false) => OF_OFFICE,
        (Whose::Office, true) => OF_OFFICE_WAITING,
    };
    let newest = (now + chrono::Duration::days(1), EmergencyAccessId(uuid::Uuid::max()));
    let (at, id) = filter.before.unwrap_or(newest);
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(statement).bind(actor.organisation).bind(actor.subject).bind(at).bind(id);
        rows.bind(filter.limit).fetch_all(c).await
    })?)
}

/// Writes down a review; `false` when there is one already, or the opening is the reviewer's own.
pub(super) async fn review(
    tx: &mut Tx,
    access: &EmergencyAccess,
    by: AccountId,
    now: DateTime<Utc>,
    remark: &str,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(REVIEW).bind(access.id).bind(access.version).bind(by).bind(now).bind(remark);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
