//! Accounts and memberships in the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::model::{Account, AccountStatus, Affiliation, Membership, NewAccount};
use crate::account::id::AccountId;
use crate::account::organisation::{self, Organisation, OrganisationState};
use crate::account::policy::AccountAction;

// Wrong passwords slow a log-in down and lock nothing, so nothing reads `account.failed_count` and
// `account.locked_until` any more. This release still clears them, for a process of the release before may lock by
// them; the next release drops both columns.
const FIND: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at, version, home_id
    from account where id = $1";
const FIND_BY_LOGIN: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at,
    version, home_id from account where login = $1";
const LIST: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at, version, home_id
    from account a where (display_name, id) > ($2, $3)
    and exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $1)
    order by display_name, id limit $4";
const LIST_FIRST: &str = "select id, login, display_name, password_hash, pin_hash, status, created_at,
    version, home_id from account a
    where exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $1)
    order by display_name, id limit $2";
const WITH_ROLE: &str = "select a.id, login, display_name, password_hash, pin_hash, status, a.created_at,
    version, home_id from account a join membership m on m.account_id = a.id
    where m.organisation_id = $1 and m.role = $2 and a.status = 'active' order by display_name, a.id";
const INSERT: &str = "insert into account
    (id, login, display_name, password_hash, pin_hash, status, failed_count, created_at, version)
    values ($1, $2, $3, $4, $5, 'active', 0, $6, 1) on conflict do nothing";
const ADD_ROLE: &str = "insert into membership (account_id, organisation_id, role, created_at) values ($1, $2, $3, $4)";
const ADD_AREA: &str = "insert into membership_area (account_id, organisation_id, area_code) values ($1, $2, $3)";
const DROP_ROLES: &str = "delete from membership where account_id = $1 and organisation_id = $2";
const FORGET_CAREGIVER: [&str; 3] = [
    "delete from caregiver_hours where account_id = $1 and organisation_id = $2",
    "delete from caregiver_skill where account_id = $1 and organisation_id = $2",
    "delete from caregiver_profile where account_id = $1 and organisation_id = $2",
];
const DROP_AREAS: &str = "delete from membership_area where account_id = $1 and organisation_id = $2";
// A process of the release before makes accounts without a home: it is the one that they joined first.
const HOME: &str = "select coalesce(a.home_id, (select m.organisation_id from membership m where m.account_id = a.id
    order by m.created_at, m.organisation_id limit 1)) from account a where a.id = $1";
const PLACES: &str = "select o.id, o.kind, o.name_zh, o.name_en, o.state from organisation o
    where o.id in (select m.organisation_id from membership m where m.account_id = $1)
    order by case when o.id = (select a.home_id from account a where a.id = $1) then 0 else 1 end, o.name_zh, o.id";
const GUESTS: &str =
    "select distinct a.id, h.name_zh, h.name_en from membership m join account a on a.id = m.account_id
    join organisation h on h.id = a.home_id where m.organisation_id = $1 and a.home_id <> $1";
const HOLD: &str = "update account set home_id = $2, version = version + 1 where id = $1 and status = 'active'";
const COUNT_ON: &str = "update account set version = version + 1 where id = $1 and version = $2";
const ENTERED: &str = "update account set entered_id = $2 where id = $1";
const HOLD_ENTRY: &str = "update account set entered_id = entered_id where id = $1 returning entered_id";
const SET_HOME: &str = "update account set home_id = $2 where id = $1 and home_id is null";
const ROLES: &str = "select role from membership where account_id = $1 and organisation_id = $2 order by role";
const AREAS: &str =
    "select area_code from membership_area where account_id = $1 and organisation_id = $2 order by area_code";
const ROLES_ANYWHERE: &str = "select distinct role from membership where account_id = $1 order by role";
const ALL_ROLES: &str = "select account_id, role from membership where organisation_id = $1 order by role";
const ALL_AREAS: &str =
    "select account_id, area_code from membership_area where organisation_id = $1 order by area_code";
const EDIT: &str = "update account set display_name = $3, version = version + 1 where id = $1 and version = $2";
const SET_STATUS: &str =
    "update account set status = $3, version = version + 1 where id = $1 and version = $2 and status <> $3";
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
    let home = home(conn, id).await?.ok_or_else(Problem::not_found)?;
    let Err(refused) = organisation::load(conn, ctx, home.organisation, action).await else {
        return Ok((account, home));
    };
    for place in places(conn, id).await?.into_iter().filter(|place| place.id != home.organisation) {
        if organisation::load(conn, ctx, place.id, AccountAction::AccountRead).await.is_err() {
            continue;
        }
        if action != AccountAction::AccountRead {
            return Err(of_its_home());
        }
        if let Some(membership) = membership_in(conn, id, place.id).await? {
            return Ok((account, membership));
        }
    }
    Err(refused)
}

/// The refusal of what the administrators of an account's home alone may do.
fn of_its_home() -> Problem {
    Problem::forbidden().detail(
        "这个账号由别的机构建立，密码、验证和停用由那里的管理员办理",
        "The account began in another organisation: its administrators see to password, second factor and status",
    )
}

/// An account and its membership in an organisation, when the policy allows `action` there.
pub(in crate::account) async fn load_in(
    conn: &mut Conn,
    ctx: &Ctx,
    (organisation, id): (OrganisationId, AccountId),
    action: AccountAction,
) -> Result<(Organisation, Account, Membership), Problem> {
    let organisation = organisation::load(conn, ctx, organisation, action).await?;
    let account = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let membership = membership_in(conn, id, organisation.id).await?.ok_or_else(Problem::not_found)?;
    Ok((organisation, account, membership))
}

/// The names that an account and its organisations are called by, which are no passwords.
pub(in crate::account) async fn names(conn: &mut Conn, account: &Account) -> Result<Vec<String>, DbError> {
    let mut names = vec![account.login.clone(), account.display_name.clone()];
    names.extend(places(conn, account.id).await?.into_iter().flat_map(|place| [place.name_zh, place.name_en]));
    Ok(names)
}

/// The account of a log-in name.
pub async fn find_by_login(conn: &mut Conn, login: &str) -> Result<Option<Account>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND_BY_LOGIN).bind(login).fetch_optional(c).await)?)
}

/// Whether the account's home was closed: nobody of it logs in anywhere.
pub(in crate::account) async fn is_of_closed(conn: &mut Conn, id: AccountId) -> Result<bool, DbError> {
    let Some(home) = home_of(conn, id).await? else { return Ok(false) };
    let home = organisation::find(conn, home).await?;
    Ok(home.is_some_and(|home| home.state == OrganisationState::Closed))
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
    on!(tx, |c| sqlx::query(SET_HOME).bind(account).bind(organisation).execute(c).await.map(drop))?;
    drop_membership(tx, account, organisation).await?;
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

/// The organisation in which an account began. `None`: it has never had a role.
pub async fn home_of(conn: &mut Conn, account: AccountId) -> Result<Option<OrganisationId>, DbError> {
    let home: Option<Option<OrganisationId>> =
        on!(conn, |c| sqlx::query_scalar(HOME).bind(account).fetch_optional(c).await)?;
    Ok(home.flatten())
}

/// That organisation, with the account's roles and areas there.
pub async fn home(conn: &mut Conn, account: AccountId) -> Result<Option<Membership>, DbError> {
    match home_of(conn, account).await? {
        Some(home) => membership_in(conn, account, home).await,
        None => Ok(None),
    }
}

/// An account's roles and areas in an organisation. `None`: it has no role there.
pub async fn membership_in(
    conn: &mut Conn,
    account: AccountId,
    organisation: OrganisationId,
) -> Result<Option<Membership>, DbError> {
    let roles: Vec<String> =
        on!(conn, |c| sqlx::query_scalar(ROLES).bind(account).bind(organisation).fetch_all(c).await)?;
    let areas = on!(conn, |c| sqlx::query_scalar(AREAS).bind(account).bind(organisation).fetch_all(c).await)?;
    Ok((!roles.is_empty()).then_some(Membership { organisation, roles, areas }))
}

/// The organisations in which an account has a role, its home first.
pub(in crate::account) async fn places(conn: &mut Conn, account: AccountId) -> Result<Vec<Affiliation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(PLACES).bind(account).fetch_all(c).await)?)
}

/// All roles of an account, wherever it has them.
pub(in crate::account) async fn roles_anywhere(conn: &mut Conn, account: AccountId) -> Result<Vec<String>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(ROLES_ANYWHERE).bind(account).fetch_all(c).await)?)
}

/// The accounts of an organisation that began in another, with the name of that.
pub(in crate::account) async fn guests(
    conn: &mut Conn,
    organisation: OrganisationId,
) -> Result<HashMap<AccountId, (String, String)>, DbError> {
    let rows: Vec<(AccountId, String, String)> =
        on!(conn, |c| sqlx::query_as(GUESTS).bind(organisation).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(id, zh, en)| (id, (zh, en))).collect())
}

/// The membership with which a log-in begins: in the organisation that is asked for; else in the one that the account came in
/// to last, while that is open; else at home. The account's row is held, so that no end of a membership passes it by.
pub(in crate::account) async fn enter(
    tx: &mut Tx,
    account: AccountId,
    wanted: Option<OrganisationId>,
) -> Result<Option<Membership>, DbError> {
    let last: Option<Option<OrganisationId>> =
        on!(tx, |c| sqlx::query_scalar(HOLD_ENTRY).bind(account).fetch_optional(c).await)?;
    let open = places(tx, account).await?.into_iter().filter(|place| place.state == OrganisationState::Open);
    let open: Vec<OrganisationId> = open.map(|place| place.id).collect();
    let Some(home) = home_of(tx, account).await? else { return Ok(None) };
    let last = last.flatten().filter(|last| open.contains(last));
    // Where the home is closed, nothing else is open either.
    let chosen = if open.contains(&home) { wanted.or(last).unwrap_or(home) } else { home };
    let membership = membership_in(tx, account, chosen).await?;
    if membership.is_some() {
        on!(tx, |c| sqlx::query(ENTERED).bind(account).bind(chosen).execute(c).await.map(drop))?;
    }
    Ok(membership)
}

/// Keeps the account's row until the transaction ends, and counts it on; `false` when it is disabled. One without a home
/// gets it now, before it joins another organisation.
pub(super) async fn hold(tx: &mut Tx, account: AccountId) -> Result<bool, DbError> {
    let home = home_of(tx, account).await?;
    let rows =
        on!(tx, |c| { sqlx::query(HOLD).bind(account).bind(home).execute(c).await.map(|done| done.rows_affected()) })?;
    Ok(rows == 1)
}

/// Counts an account on; `false` when `version` is no longer the stored one.
pub(super) async fn count_on(tx: &mut Tx, account: AccountId, version: i64) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(COUNT_ON).bind(account).bind(version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes an account's roles and areas in an organisation away.
async fn drop_membership(tx: &mut Tx, account: AccountId, organisation: OrganisationId) -> Result<(), DbError> {
    for statement in [DROP_ROLES, DROP_AREAS] {
        on!(tx, |c| sqlx::query(statement).bind(account).bind(organisation).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Ends an account's membership of an organisation: with its roles and areas goes what the organisation has written down
/// of it as a caregiver.
pub(super) async fn end_membership(
    tx: &mut Tx,
    account: AccountId,
    organisation: OrganisationId,
) -> Result<(), DbError> {
    drop_membership(tx, account, organisation).await?;
    for statement in FORGET_CAREGIVER {
        on!(tx, |c| sqlx::query(statement).bind(account).bind(organisation).execute(c).await.map(drop))?;
    }
    Ok(())
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
