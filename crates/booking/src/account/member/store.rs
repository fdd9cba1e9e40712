//! Accounts and memberships in the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::model::{Account, AccountStatus, Membership, NewAccount};
use crate::account::id::AccountId;
use crate::account::organisation;
use crate::account::policy::AccountAction;

// Wrong passwords slow a log-in down and lock nothing, so nothing reads `account.failed_count` and
// `account.locked_until` any more. This release still clears them, for a process of the release before may lock by
// them; the next release drops both columns.
const FIND: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at, version
    from account where id = $1";
const FIND_BY_LOGIN: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at,
    version from account where login = $1";
const LIST: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at, version
    from account a where (display_name, id) > ($2, $3)
    and exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $1)
    order by display_name, id limit $4";
const LIST_FIRST: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at,
    version from account a
    where exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $1)
    order by display_name, id limit $2";
const WITH_ROLE: &str = "select a.id, login, display_name, password_hash, pin_hash, status, a.created_at,
    version from account a join membership m on m.account_id = a.id
    where m.organisation_id = $1 and m.role = $2 and a.status = 'active' order by display_name, a.id";
const INSERT: &str = "insert into account
    (id, login, display_name, password_hash, pin_hash, status, failed_count, created_at, version)
    values ($1, $2, $3, $4, $5, 'active', 0, $6, 1) on conflict do nothing";
const ADD_ROLE: &str = "insert into membership (account_id, organisation_id, role, created_at) values ($1, $2, $3, $4)";
const ADD_AREA: &str = "insert into membership_area (account_id, organisation_id, area_code) values ($1, $2, $3)";
const DROP_ROLES: &str = "delete from membership where account_id = $1 and organisation_id = $2";
const DROP_AREAS: &str = "delete from membership_area where account_id = $1 and organisation_id = $2";
const ORGANISATION_OF: &str = "select organisation_id from membership where account_id = $1
    order by created_at, organisation_id limit 1";
const ROLES: &str = "select role from membership where account_id = $1 and organisation_id = $2 order by role";
const AREAS: &str =
    "select area_code from membership_area where account_id = $1 and organisation_id = $2 order by area_code";
const ALL_ROLES: &str = "select account_id, role from membership where organisation_id = $1 order by role";
const ALL_AREAS: &str =
    "select account_id, area_code from membership_area where organisation_id = $1 order by area_code";
const EDIT: &str = "update account set display_name = $3, version = version + 1 where id = $1 and version = $2";
const SET_STATUS: &str =
    "update account set status = $3, version = version + 1 where id = $1 and version = $2 and status <> $3";
const OF_CLOSED: &str = "select count(*) from membership m join organisation o on o.id = m.organisation_id
    where m.account_id = $1 and o.state = 'closed'";
const UNSETTLE: &str = "update account set version = version + 1
    where id in (select account_id from membership where organisation_id = $1) returning id";
const SET_PASSWORD: &str =
    "update account set password_hash = $3, failed_count = 0, locked_until = null, pin_hash = null,
    version = version + 1 where id = $1 and version = $2";
const SET_PIN: &str = "update account set pin_hash = $2 where id = $1 and status = 'active'";

/// One account.
pub async fn find(conn: &mut Conn, id: AccountId) -> Result<Option<Account>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// An account with its membership, when the policy allows `action`.
pub(in crate::account) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: AccountId,
    action: AccountAction,
) -> Result<(Account, Membership), Problem> {
    let account = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let membership = membership(conn, id).await?.ok_or_else(Problem::not_found)?;
    organisation::load(conn, ctx, membership.organisation, action).await?;
    Ok((account, membership))
}

/// The names that an account and its organisation are called by, which are no passwords.
pub(in crate::account) async fn names(conn: &mut Conn, account: &Account) -> Result<Vec<String>, DbError> {
    let mut names = vec![account.login.clone(), account.display_name.clone()];
    if let Some(membership) = membership(conn, account.id).await?
        && let Some(organisation) = organisation::find(conn, membership.organisation).await?
    {
        names.extend([organisation.name_zh, organisation.name_en]);
    }
    Ok(names)
}

/// The account of a log-in name.
pub async fn find_by_login(conn: &mut Conn, login: &str) -> Result<Option<Account>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND_BY_LOGIN).bind(login).fetch_optional(c).await)?)
}

/// Whether the account's organisation was closed.
pub(in crate::account) async fn is_of_closed(conn: &mut Conn, id: AccountId) -> Result<bool, DbError> {
    let closed: i64 = on!(conn, |c| sqlx::query_scalar(OF_CLOSED).bind(id).fetch_one(c).await)?;
    Ok(closed > 0)
}

/// Makes every account of an organisation another version of itself, so that a log-in that has only begun is void; the
/// accounts.
pub(in crate::account) async fn unsettle(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<AccountId>, DbError> {
    Ok(on!(tx, |c| sqlx::query_scalar(UNSETTLE).bind(organisation).fetch_all(c).await)?)
}

/// Up to `limit` accounts of an organisation by name, after the one with that name and id.
pub async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    after: Option<(String, AccountId)>,
    limit: i64,
) -> Result<Vec<Account>, DbError> {
    Ok(match after {
        None => on!(conn, |c| sqlx::query_as(LIST_FIRST).bind(organisation).bind(limit).fetch_all(c).await)?,
        Some((name, id)) => on!(conn, |c| {
            sqlx::query_as(LIST).bind(organisation).bind(name).bind(id).bind(limit).fetch_all(c).await
        })?,
    })
}

/// The active accounts of an organisation that have a role, by name.
pub async fn of_organisation_with_role(
    conn: &mut Conn,
    organisation: OrganisationId,
    role: &str,
) -> Result<Vec<Account>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(WITH_ROLE).bind(organisation).bind(role).fetch_all(c).await)?)
}

/// Stores a new account; `false` when its log-in name is taken.
pub async fn insert(tx: &mut Tx, new: &NewAccount<'_>, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.login).bind(new.display_name).bind(new.password_hash);
        row.bind(new.pin_hash).bind(now).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives an account its roles and areas in an organisation, in place of those it had there.
pub async fn add_membership(
    tx: &mut Tx,
    account: AccountId,
    membership: &Membership,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let organisation = membership.organisation;
    for statement in [DROP_ROLES, DROP_AREAS] {
        on!(tx, |c| sqlx::query(statement).bind(account).bind(organisation).execute(c).await.map(drop))?;
    }
    for role in &membership.roles {
        on!(tx, |c| {
            let row = sqlx::query(ADD_ROLE).bind(account).bind(organisation).bind(role).bind(now);
            row.execute(c).await.map(drop)
        })?;
    }
    for area in &membership.areas {
        on!(tx, |c| sqlx::query(ADD_AREA).bind(account).bind(organisation).bind(area).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// The organisation an account acts for: the one it joined first. `None`: it has no role left.
pub async fn organisation_of(conn: &mut Conn, account: AccountId) -> Result<Option<OrganisationId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(ORGANISATION_OF).bind(account).fetch_optional(c).await)?)
}

/// That organisation, with the account's roles and areas there.
pub async fn membership(conn: &mut Conn, account: AccountId) -> Result<Option<Membership>, DbError> {
    let Some(organisation) = organisation_of(conn, account).await? else { return Ok(None) };
    let roles = on!(conn, |c| sqlx::query_scalar(ROLES).bind(account).bind(organisation).fetch_all(c).await)?;
    let areas = on!(conn, |c| sqlx::query_scalar(AREAS).bind(account).bind(organisation).fetch_all(c).await)?;
    Ok(Some(Membership { organisation, roles, areas }))
}

/// The roles of every account of an organisation.
pub(in crate::account) async fn roles_by_account(
    conn: &mut Conn,
    organisation: OrganisationId,
) -> Result<HashMap<AccountId, Vec<String>>, DbError> {
    let rows: Vec<(AccountId, String)> =
        on!(conn, |c| sqlx::query_as(ALL_ROLES).bind(organisation).fetch_all(c).await)?;
    Ok(grouped(rows))
}

/// The areas of every account of an organisation.
pub(in crate::account) async fn areas_by_account(
    conn: &mut Conn,
    organisation: OrganisationId,
) -> Result<HashMap<AccountId, Vec<String>>, DbError> {
    let rows: Vec<(AccountId, String)> =
        on!(conn, |c| sqlx::query_as(ALL_AREAS).bind(organisation).fetch_all(c).await)?;
    Ok(grouped(rows))
}

fn grouped(rows: Vec<(AccountId, String)>) -> HashMap<AccountId, Vec<String>> {
    rows.into_iter().fold(HashMap::new(), |mut all, (account, value)| {
        all.entry(account).or_default().push(value);
        all
    })
}

/// Changes the name that others see; `false` when `version` is no longer the stored one.
pub(super) async fn edit(tx: &mut Tx, id: AccountId, version: i64, display_name: &str) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(EDIT).bind(id).bind(version).bind(display_name);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Sets the status; whether it changed.
pub(super) async fn set_status(
    tx: &mut Tx,
    id: AccountId,
    version: i64,
    status: AccountStatus,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SET_STATUS).bind(id).bind(version).bind(status);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Sets a new password, which unlocks the account and drops its PIN; `false` when `version` is outdated.
pub(in crate::account) async fn set_password(
    tx: &mut Tx,
    id: AccountId,
    version: i64,
    hash: &str,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SET_PASSWORD).bind(id).bind(version).bind(hash);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Sets the PIN; whether there is such an active account.
pub(in crate::account) async fn set_pin(tx: &mut Tx, id: AccountId, hash: &str) -> Result<bool, DbError> {
    let rows =
        on!(tx, |c| { sqlx::query(SET_PIN).bind(id).bind(hash).execute(c).await.map(|done| done.rows_affected()) })?;
    Ok(rows == 1)
}
