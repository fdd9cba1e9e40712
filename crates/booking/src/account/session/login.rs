//! A password checked: as slow for an unknown name as for a known one, and locked after too many tries.

use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::Visitor;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::store::Mint;
use crate::App;
use crate::account::id::AccountId;
use crate::account::input;
use crate::account::member::{self, Account, AccountStatus};
use crate::account::problems::{ACCOUNT_DISABLED, ACCOUNT_LOCKED, INVALID_CREDENTIALS};

const WRONG: &str = "update account set
    failed_count = case when failed_count + 1 >= $2 then 0 else failed_count + 1 end,
    locked_until = case when failed_count + 1 >= $2 then $3 else locked_until end
    where id = $1 and (locked_until is null or locked_until <= $4)";
const RIGHT: &str = "update account set failed_count = 0, locked_until = null
    where id = $1 and status = 'active' and password_hash = $3 and (locked_until is null or locked_until <= $2)";

/// The login and password that somebody typed.
pub(super) struct Credentials<'a> {
    pub(super) login: &'a str,
    pub(super) password: &'a str,
}

/// The parts that make tokens at `now`.
pub(super) fn mint(app: &App, now: DateTime<Utc>) -> Mint<'_> {
    Mint { keys: &app.deps.keys, fields: &app.deps.fields, config: &app.config.account, now }
}

/// The account whose password this is, with the transaction in which its log-in goes on. Every
/// refusal is written down and looks the same from outside until the lock.
pub(super) async fn authenticate(
    app: &App,
    visitor: &Visitor,
    typed: Credentials<'_>,
    now: DateTime<Utc>,
) -> Result<(Tx, Account), Problem> {
    app.throttle.check(visitor.address)?;
    let known = match input::login(typed.login) {
        Ok(login) => member::find_by_login(&mut app.deps.db.read().await?, &login).await?,
        Err(_) => None,
    };
    // Hashing takes a core for a while: no transaction may wait for it.
    let hash = known.as_ref().map(|a| a.password_hash.clone());
    let right = app.deps.passwords.verify(typed.password.to_owned(), hash.clone()).await?;
    let mut tx = app.deps.db.begin().await?;
    let verdict = match (&known, hash) {
        (Some(account), Some(hash)) if right => accept(&mut tx, account, &hash, now).await?,
        (Some(account), _) => refuse(app, &mut tx, account, now).await?,
        (None, _) => Err(Problem::new(&INVALID_CREDENTIALS)),
    };
    let id = known.as_ref().map(|a| a.id);
    match (verdict, known) {
        (Ok(()), Some(account)) => {
            log(&mut tx, now, id, visitor, "done").await?;
            Ok((tx, account))
        }
        (Err(problem), _) => {
            log(&mut tx, now, id, visitor, problem.kind().slug).await?;
            tx.commit().await?;
            Err(problem)
        }
        (Ok(()), None) => Err(Problem::new(&INVALID_CREDENTIALS)),
    }
}

async fn log(
    tx: &mut Tx,
    now: DateTime<Utc>,
    account: Option<AccountId>,
    visitor: &Visitor,
    outcome: &str,
) -> Result<(), DbError> {
    let id = account.map(Into::into);
    audit::record_as(tx, now, None, "account.log_in", "account", id, &visitor.request_id, outcome).await
}

async fn accept(
    tx: &mut Tx,
    account: &Account,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Result<(), Problem>, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(RIGHT).bind(account.id).bind(now).bind(hash);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        return Ok(Ok(()));
    }
    // Locked, disabled or given another password meanwhile: read what it is now.
    let Some(account) = member::find(tx, account.id).await? else {
        return Ok(Err(Problem::new(&INVALID_CREDENTIALS)));
    };
    Ok(Err(match account.locked_seconds(now) {
        Some(seconds) => Problem::new(&ACCOUNT_LOCKED).retry_after(seconds),
        None if account.status == AccountStatus::Disabled => Problem::new(&ACCOUNT_DISABLED),
        None => Problem::new(&INVALID_CREDENTIALS),
    }))
}

async fn refuse(app: &App, tx: &mut Tx, account: &Account, now: DateTime<Utc>) -> Result<Result<(), Problem>, DbError> {
    let config = &app.config.account;
    let counted = on!(tx, |c| {
        let row = sqlx::query(WRONG).bind(account.id).bind(i32::from(config.login_failures_max));
        row.bind(now + config.lockout()).bind(now).execute(c).await.map(|done| done.rows_affected())
    })?;
    if counted == 1 {
        return Ok(Err(Problem::new(&INVALID_CREDENTIALS)));
    }
    let seconds = member::find(tx, account.id).await?.and_then(|a| a.locked_seconds(now)).unwrap_or(1);
    Ok(Err(Problem::new(&ACCOUNT_LOCKED).retry_after(seconds)))
}
