//! The way back in on the machine, for an administrator who has nobody else to ask: the second factor and the password are
//! taken away, every log-in ends, and a one-time link lets the owner choose a password.

use sanbao_platform::audit;
use sanbao_platform::auth::Passwords;
use sanbao_platform::clock::Clock;
use sanbao_platform::crypto::random_token;
use sanbao_platform::db::Db;
use sanbao_platform::problem::Problem;

use super::member::{self, AccountLink, AccountStatus};
use super::{input, second_factor, session};

/// Recovers the account of a log-in name; `None` when nobody active has it.
pub async fn recover(
    db: &Db,
    clock: &Clock,
    passwords: &Passwords,
    login: &str,
) -> Result<Option<AccountLink>, Problem> {
    let (now, hash) = (clock.now(), passwords.hash(random_token()).await?);
    let mut tx = db.begin().await?;
    let account = member::find_by_login(&mut tx, &input::plain_login(login)).await?;
    let Some(account) = account.filter(|a| a.status == AccountStatus::Active) else { return Ok(None) };
    if !member::set_password(&mut tx, account.id, account.version, &hash).await? {
        return Err(Problem::internal("the account was changed meanwhile"));
    }
    second_factor::drop_of(&mut tx, account.id).await?;
    session::end_all(&mut tx, account.id, now, "recovered").await?;
    let link = member::issue_link(&mut tx, account.id.into(), account.id, now).await?;
    let id = Some(account.id.into());
    audit::record_as(&mut tx, now, None, "account.recover", "account", id, "command line", "done").await?;
    tx.commit().await?;
    Ok(Some(link))
}
