//! A password checked: as slow for an unknown name as for a known one, and slower after wrong tries.

use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::Visitor;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::device;
use super::store::Mint;
use crate::App;
use crate::account::id::{AccountId, DeviceId};
use crate::account::input;
use crate::account::member::{self, Account, AccountStatus};
use crate::account::problems::{
    ACCOUNT_DISABLED, CHALLENGE_SPENT, FACTOR_REFUSED, INVALID_CREDENTIALS, ORGANISATION_CLOSED,
};
use crate::account::second_factor::{self, Challenge};

const RIGHT: &str = "update account set failed_count = 0, locked_until = null
    where id = $1 and status = 'active' and password_hash = $2";

/// The login and password that somebody typed.
pub(super) struct Credentials<'a> {
    pub(super) login: &'a str,
    pub(super) password: &'a str,
    /// The browser's cookies, which name a device; none of a program.
    pub(super) jar: &'a CookieJar,
}

/// The parts that make tokens at `now`.
pub(super) fn mint(app: &App, now: DateTime<Utc>) -> Mint<'_> {
    Mint { keys: &app.deps.keys, fields: &app.deps.fields, config: &app.config.account, now }
}

/// The account of a typed name, and the device of this browser if it is known to it.
async fn whose(
    app: &App,
    typed: &Credentials<'_>,
    now: DateTime<Utc>,
) -> Result<(Option<Account>, Option<DeviceId>), DbError> {
    let Ok(login) = input::login(typed.login) else { return Ok((None, None)) };
    let mut conn = app.deps.db.read().await?;
    let account = member::find_by_login(&mut conn, &login).await?;
    let device = match &account {
        Some(account) => device::known_to(&mut conn, typed.jar, account.id, now).await?,
        None => None,
    };
    Ok((account, device))
}

/// The account whose password this is, with the transaction in which its log-in goes on. Every
/// refusal is written down and looks the same from outside, whether somebody has the name or not.
pub(super) async fn authenticate(
    app: &App,
    visitor: &Visitor,
    typed: Credentials<'_>,
    now: DateTime<Utc>,
) -> Result<(Tx, Account), Problem> {
    let (known, device) = whose(app, &typed, now).await?;
    let name = input::login(typed.login).unwrap_or_else(|_| typed.login.to_owned());
    let attempt = app.guesses.attempt_of(&name, visitor.address, device.map(|device| device.0), now)?;
    // Hashing takes a core for a while: no transaction may wait for it.
    let hash = known.as_ref().map(|a| a.password_hash.clone());
    let right = app.deps.passwords.verify(typed.password.to_owned(), hash.clone()).await?;
    let mut tx = app.deps.db.begin().await?;
    let verdict = match (&known, hash) {
        (Some(account), Some(hash)) if right => {
            attempt.right();
            accept(&mut tx, account, &hash).await?
        }
        _ => Err(Problem::new(&INVALID_CREDENTIALS)),
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
            // A name that nobody has is left out: people type their passwords there.
            let account = id.map(tracing::field::display);
            tracing::info!(account, why = problem.kind().slug, "a log-in was refused");
            Err(problem)
        }
        (Ok(()), None) => Err(Problem::new(&INVALID_CREDENTIALS)),
    }
}

/// The account whose password was right before and whose code this is, with the transaction in which its log-in goes on.
pub(super) async fn answer(
    app: &App,
    visitor: &Visitor,
    challenge: &str,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<(Tx, Account), Problem> {
    let challenge = Challenge::read(&app.deps.keys, challenge, now).ok_or_else(|| Problem::new(&CHALLENGE_SPENT))?;
    let id = challenge.sub;
    let attempt = app.guesses.attempt_of(&format!("code {id}"), visitor.address, None, now)?;
    let mut tx = app.deps.db.begin().await?;
    let account = member::find(&mut tx, id).await?.filter(|a| a.status == AccountStatus::Active);
    let account = account.filter(|a| a.version == challenge.ver).ok_or_else(|| Problem::new(&CHALLENGE_SPENT))?;
    let right = match second_factor::read(&mut tx, &app.deps.fields, id, typed, now).await? {
        Some(code) => second_factor::spend(&mut tx, id, &code, now).await?,
        None => false,
    };
    let (request, outcome) = (&visitor.request_id, if right { "done" } else { "refused" });
    let whose = (Some(id.into()), member::home_of(&mut tx, id).await?);
    audit::record_log_in(&mut tx, now, whose, "account.log_in_by_code", request, outcome).await?;
    if right {
        attempt.right();
        return Ok((tx, account));
    }
    tx.commit().await?;
    tracing::info!(account = %id, why = FACTOR_REFUSED.slug, "a log-in was refused");
    Err(Problem::new(&FACTOR_REFUSED))
}

async fn log(
    tx: &mut Tx,
    now: DateTime<Utc>,
    account: Option<AccountId>,
    visitor: &Visitor,
    outcome: &str,
) -> Result<(), DbError> {
    let organisation = match account {
        Some(account) => member::home_of(tx, account).await?,
        None => None,
    };
    let whose = (account.map(Into::into), organisation);
    audit::record_log_in(tx, now, whose, "account.log_in", &visitor.request_id, outcome).await
}

async fn accept(tx: &mut Tx, account: &Account, hash: &str) -> Result<Result<(), Problem>, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(RIGHT).bind(account.id).bind(hash).execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        // Said to those alone who have the password.
        let closed = member::is_of_closed(tx, account.id).await?;
        return Ok(if closed { Err(Problem::new(&ORGANISATION_CLOSED)) } else { Ok(()) });
    }
    // Disabled, or given another password meanwhile: read what it is now.
    let account = member::find(tx, account.id).await?;
    let disabled = account.is_some_and(|a| a.status == AccountStatus::Disabled && a.password_hash == hash);
    Ok(Err(Problem::new(if disabled { &ACCOUNT_DISABLED } else { &INVALID_CREDENTIALS })))
}
