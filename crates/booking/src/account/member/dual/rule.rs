//! Whether an organisation wants two for what makes an administrator, and that it keeps two.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use crate::account::id::AccountId;
use crate::account::problems::TOO_FEW_ADMINISTRATORS;
use crate::role::ADMINISTRATOR;

/// The fewest that an organisation with dual control may have.
const ADMINISTRATORS_MIN: i64 = 2;

const IS_ON: &str = "select count(*) from dual_control where organisation_id = $1";
const SET: &str =
    "insert into dual_control (organisation_id, set_by, set_at) values ($1, $2, $3) on conflict do nothing";
const LIFT: &str = "delete from dual_control where organisation_id = $1";
const ADMINISTRATORS: &str =
    "select count(distinct m.account_id) from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 and m.role = 'administrator' and a.status = 'active'";
/// What was offered by one alone is void.
const VOID_OFFERS: &str = "update membership_offer set ended_at = $2, ended_by = $3, outcome = 'revoked'
    where organisation_id = $1 and ended_at is null and roles like '%administrator%'";

/// Whether these roles make an administrator.
pub(in crate::account::member) fn is_administrator(roles: &[String]) -> bool {
    roles.iter().any(|role| role == ADMINISTRATOR)
}

/// Whether an organisation has dual control.
pub(in crate::account) async fn is_on(conn: &mut Conn, organisation: OrganisationId) -> Result<bool, DbError> {
    let found: i64 = on!(conn, |c| sqlx::query_scalar(IS_ON).bind(organisation).fetch_one(c).await)?;
    Ok(found > 0)
}

/// Begins it, where there are two who can keep it up; whether it is new.
pub(super) async fn begin(
    tx: &mut Tx,
    organisation: OrganisationId,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let rows = on!(tx, |c| {
        sqlx::query(SET).bind(organisation).bind(by).bind(now).execute(c).await.map(|done| done.rows_affected())
    })?;
    still_two(tx, organisation).await?;
    on!(tx, |c| sqlx::query(VOID_OFFERS).bind(organisation).bind(now).bind(by).execute(c).await.map(drop))?;
    Ok(rows == 1)
}

/// Ends it.
pub(super) async fn end(tx: &mut Tx, organisation: OrganisationId) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(LIFT).bind(organisation).execute(c).await.map(drop))?)
}

/// Refuses a change after which an organisation with dual control has fewer than two active administrators: nobody could
/// confirm anything any more.
pub(in crate::account::member) async fn still_two(tx: &mut Tx, organisation: OrganisationId) -> Result<(), Problem> {
    if !is_on(tx, organisation).await? {
        return Ok(());
    }
    let left: i64 = on!(tx, |c| sqlx::query_scalar(ADMINISTRATORS).bind(organisation).fetch_one(c).await)?;
    if left < ADMINISTRATORS_MIN { Err(Problem::new(&TOO_FEW_ADMINISTRATORS)) } else { Ok(()) }
}
