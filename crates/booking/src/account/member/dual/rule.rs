//! Whether an organisation wants two for what makes an administrator, and that it keeps two.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
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
const END_ALL: &str = "update dual_control_order set ended_at = $2, ended_by = $3, outcome = 'replaced', wish = null,
    name = '', subject = '' where organisation_id = $1 and ended_at is null";
const LIFT: &str = "delete from dual_control where organisation_id = $1";
/// Those who have come in: an account that nobody has opened yet is nobody's.
const ADMINISTRATORS: &str =
    "select count(distinct m.account_id) from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 and m.role = 'administrator' and a.status = 'active'
    and exists (select 1 from login_session s where s.account_id = a.id)";
/// Links to administrators that one alone has made are void, and so is the role where one alone has offered it.
const VOID_LINKS: &str = "update account_link set used_at = $2 where used_at is null and account_id in
    (select m.account_id from membership m where m.organisation_id = $1 and m.role = 'administrator')";
const VOID_OFFERS: &str = "update membership_offer set ended_at = $2, ended_by = $3, outcome = 'revoked'
    where organisation_id = $1 and ended_at is null and roles like '%administrator%'";

/// Whether these roles make an administrator.
pub(in crate::account::member) fn is_administrator(roles: &[String]) -> bool {
    roles.iter().any(|role| role == ADMINISTRATOR)
}

// Whatever hangs on whether it is on, and on how many there are, is decided by one at a time. It is taken in a statement of its own,
// because the next must see what its last holder committed.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727013, hashtext(current_schema()::text || $1::text))";

/// Keeps others from deciding by an organisation's dual control until the transaction ends; on `SQLite` there is one writer
/// anyway. It is taken before the rows of accounts are written.
pub(in crate::account::member) async fn hold(tx: &mut Tx, organisation: OrganisationId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(organisation.to_string()).execute(c).await?;
    }
    Ok(())
}

/// Whether what is about to be done needs two; nobody changes that until the transaction ends.
pub(in crate::account) async fn guards(tx: &mut Tx, organisation: OrganisationId) -> Result<bool, DbError> {
    hold(tx, organisation).await?;
    is_on(tx, organisation).await
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
    hold(tx, organisation).await?;
    let rows = on!(tx, |c| {
        sqlx::query(SET).bind(organisation).bind(by).bind(now).execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 0 {
        return Ok(false);
    }
    still_two(tx, organisation).await?;
    on!(tx, |c| sqlx::query(VOID_OFFERS).bind(organisation).bind(now).bind(by).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(VOID_LINKS).bind(organisation).bind(now).execute(c).await.map(drop))?;
    Ok(true)
}

/// Ends it, with all that waits for a yes.
pub(super) async fn end(
    tx: &mut Tx,
    organisation: OrganisationId,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(LIFT).bind(organisation).execute(c).await.map(drop))?;
    Ok(on!(tx, |c| sqlx::query(END_ALL).bind(organisation).bind(now).bind(by).execute(c).await.map(drop))?)
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
