//! The end of a membership in an organisation in which the account did not begin.

use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};

use super::{dual, store};
use crate::account::id::AccountId;
use crate::account::session;

const IS_LAST: &str = "select count(*) from membership m where m.organisation_id = $1 and m.account_id = $2
    and m.role = 'administrator' and not exists (select 1 from membership o join account a on a.id = o.account_id
        where o.organisation_id = $1 and o.account_id <> $2 and o.role = 'administrator' and a.status = 'active')";

async fn is_last_administrator(conn: &mut Conn, (id, account): (OrganisationId, AccountId)) -> Result<bool, DbError> {
    let found: i64 = on!(conn, |c| sqlx::query_scalar(IS_LAST).bind(id).bind(account).fetch_one(c).await)?;
    Ok(found > 0)
}

/// Ends a membership for a cause: the log-ins there end, those elsewhere go on. It is written down on every side.
pub(in crate::account) async fn leave(
    tx: &mut Tx,
    ctx: &Ctx,
    (id, account): (OrganisationId, AccountId),
    cause: &'static str,
) -> Result<(), Problem> {
    let home = store::home_of(tx, account).await?;
    if home == Some(id) {
        let (zh, en) = ("这个账号由这个机构建立，请停用账号", "The account began in this organisation: disable it");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    let held = store::membership_in(tx, account, id).await?;
    let fewer = held.is_some_and(|held| dual::is_administrator(&held.roles));
    if fewer {
        dual::hold(tx, id).await?;
    }
    // The row of the account is written first: a log-in that is just beginning has come before, and ends too.
    let known = store::find(tx, account).await?.ok_or_else(Problem::not_found)?;
    if !store::count_on(tx, account, known.version).await? {
        return Err(Problem::new(&CONFLICT));
    }
    if account == AccountId::from(ctx.actor.subject) && is_last_administrator(tx, (id, account)).await? {
        let (zh, en) =
            ("您是这个机构唯一的管理员，请先设另一位管理员", "You are its only administrator: make another one first");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    store::end_membership(tx, account, id).await?;
    if fewer {
        dual::still_two(tx, id).await?;
    }
    session::end_in(tx, account, id, ctx.now(), cause).await?;
    let logs = home.into_iter().chain([id]);
    Ok(audit::record_with(tx, ctx, logs, "membership.leave", "account", account).await?)
}
