//! Step-up: the person of a log-in proves once more who they are, by whichever secret the account has.

use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::CookieJar;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, SessionCookies, Visitor};
use sanbao_platform::problem::Problem;

use super::login::mint;
use super::store;
use crate::App;
use crate::account::id::{AccountId, SessionId};
use crate::account::member::{self, Account, AccountStatus};
use crate::account::problems::PROOF_REFUSED;
use crate::account::{second_factor, secret};

/// Checks a password, a PIN or a code, and notes the outcome on the log-in. A PIN is short: after some wrong proofs the
/// log-in takes none until another secret was right.
pub(super) async fn check(app: &App, visitor: &Visitor, ctx: &Ctx, typed: &str) -> Result<(), Problem> {
    let (now, id) = (ctx.now(), AccountId::from(ctx.actor.subject));
    let session = SessionId(ctx.actor.session);
    let attempt = app.guesses.attempt_of(&format!("proof {id}"), visitor.address, None, now)?;
    let mut conn = app.deps.db.read().await?;
    let account = member::find(&mut conn, id).await?.filter(|a| a.status == AccountStatus::Active);
    let account = account.ok_or_else(Problem::unauthenticated)?;
    let log_in = store::find(&mut conn, session).await?.ok_or_else(Problem::unauthenticated)?;
    let code = second_factor::read(&mut conn, &app.deps.fields, id, typed, now).await?;
    drop(conn);
    let pins = log_in.wrong_proof_count < i32::from(app.config.account.wrong_pins_max);
    let known = code.is_none() && knows(app, &account, typed, pins).await?;
    let mut tx = app.deps.db.begin().await?;
    let right = match &code {
        Some(code) => second_factor::spend(&mut tx, id, code, now).await?,
        // Another password, or another PIN, while this one was hashed.
        None => known && member::find(&mut tx, id).await?.is_some_and(|now| now.has_secrets_of(&account)),
    };
    store::proved(&mut tx, session, right, now).await?;
    let (subject, request, outcome) = (Some(id.into()), &visitor.request_id, if right { "done" } else { "refused" });
    audit::record_as(&mut tx, now, Some(&ctx.actor), "session.step_up", "account", subject, request, outcome).await?;
    tx.commit().await?;
    if !right {
        return Err(Problem::new(&PROOF_REFUSED));
    }
    attempt.right();
    Ok(())
}

async fn knows(app: &App, account: &Account, typed: &str, pins: bool) -> Result<bool, Problem> {
    if let Some(pin) = secret::typed_pin(typed).ok().filter(|_| pins)
        && account.pin_hash.is_some()
        && app.deps.passwords.verify(pin, account.pin_hash.clone()).await?
    {
        return Ok(true);
    }
    Ok(app.deps.passwords.verify(typed.to_owned(), Some(account.password_hash.clone())).await?)
}

/// Notes on the log-in that its person has proved by other means who they are.
pub(in crate::account) async fn prove(tx: &mut Tx, ctx: &Ctx) -> Result<(), DbError> {
    store::proved(tx, SessionId(ctx.actor.session), true, ctx.now()).await
}

/// Another access token of the caller's log-in, which says what has changed: as a cookie, or for a program to be told.
pub(in crate::account) async fn renewed(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    headers: &HeaderMap,
    jar: CookieJar,
) -> Result<(CookieJar, Option<String>), Problem> {
    let access = mint(app, ctx.now()).again(conn, SessionId(ctx.actor.session)).await?;
    Ok(if headers.contains_key(header::AUTHORIZATION) {
        (jar, Some(access))
    } else {
        (SessionCookies::renew_access(jar, access, app.deps.secure), None)
    })
}
