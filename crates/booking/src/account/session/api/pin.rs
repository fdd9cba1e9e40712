//! Quick change of user on a shared tablet: a PIN, where its owner has shown the password before.

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, SameSite, Visitor};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::browser::{destination, enter, entered, held_still};
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{FormOrJson, Next};
use crate::account::member::{self, Account, AccountStatus};
use crate::account::page;
use crate::account::problems::{PIN_REFUSED, PIN_UNAVAILABLE};
use crate::account::secret;
use crate::account::session::device;
use crate::account::session::place::Place;

/// The people who may log in here by PIN; with nobody, a person who is logged in sets a PIN, and others log in.
pub async fn who_is_here(
    visitor: Visitor,
    known: Result<Ctx, Problem>,
    AppState(app): AppState<App>,
    jar: CookieJar,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    if known.is_ok() && here(&app, &jar).await?.is_empty() {
        return Ok(Redirect::to("/me").into_response());
    }
    show(&app, &visitor, &jar, query.next.as_deref(), None).await
}

async fn here(app: &App, jar: &CookieJar) -> Result<Vec<device::Candidate>, Problem> {
    let mut conn = app.deps.db.read().await?;
    Ok(match device::find(&mut conn, jar).await? {
        Some(device) => device::candidates(app, &mut conn, device, app.deps.clock.now()).await?,
        None => Vec::new(),
    })
}

async fn show(
    app: &App,
    visitor: &Visitor,
    jar: &CookieJar,
    next: Option<&str>,
    problem: Option<(&Problem, AccountId)>,
) -> Result<Response, Problem> {
    let here = here(app, jar).await?;
    if here.is_empty() {
        let next = sanbao_platform::web::local_path(next);
        return Ok(Redirect::to(&page::with_next("/login", &next)).into_response());
    }
    let people: Vec<_> = here.into_iter().map(|c| (c.id, c.display_name)).collect();
    Ok(page::login::pin(app, visitor, &people, next, problem))
}

#[derive(Deserialize)]
pub(super) struct PinLogIn {
    account: AccountId,
    pin: String,
    next: Option<String>,
    /// The organisation of the page that was covered.
    organisation: Option<OrganisationId>,
}

/// Starts a session on a shared tablet with a PIN.
pub async fn log_in(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    jar: CookieJar,
    typed: FormOrJson<PinLogIn>,
) -> Result<Response, Problem> {
    let FormOrJson { body, form } = typed;
    match start(&app, &visitor, jar.clone(), &body).await {
        Ok((jar, to)) => Ok(entered(form, jar, &to)),
        Err(problem) if form => show(&app, &visitor, &jar, body.next.as_deref(), Some((&problem, body.account))).await,
        Err(problem) => Err(problem),
    }
}

async fn start(app: &App, visitor: &Visitor, jar: CookieJar, body: &PinLogIn) -> Result<(CookieJar, String), Problem> {
    let now = app.deps.clock.now();
    let attempt = app.guesses.attempt("pin", visitor.address, now)?;
    let (device, account) = {
        let mut conn = app.deps.db.read().await?;
        (device::find(&mut conn, &jar).await?, member::find(&mut conn, body.account).await?)
    };
    let usable = |a: &Account| a.status == AccountStatus::Active;
    let account = account.filter(usable);
    let hash = account.as_ref().and_then(|a| a.pin_hash.clone());
    let right = app.deps.passwords.verify(secret::typed_pin(&body.pin).unwrap_or_default(), hash.clone()).await?;
    let (Some(device), Some(account), Some(_)) = (device, account, hash) else {
        return Err(Problem::new(&PIN_UNAVAILABLE));
    };
    let mut tx = app.deps.db.begin().await?;
    let allowed = device::note_pin(app, &mut tx, device, account.id, right, now).await?;
    let outcome = if !allowed {
        "unavailable"
    } else if right {
        "done"
    } else {
        "refused"
    };
    let whose = (Some(account.id.into()), member::home_of(&mut tx, account.id).await?);
    audit::record_log_in(&mut tx, now, whose, "account.log_in_by_pin", &visitor.request_id, outcome).await?;
    if !allowed || !right {
        tx.commit().await?;
        return Err(Problem::new(if allowed { &PIN_REFUSED } else { &PIN_UNAVAILABLE }));
    }
    attempt.right();
    // Disabled or given another PIN while this one was hashed: what holds now decides.
    let current = member::find(&mut tx, account.id).await?.filter(usable);
    let current = current.filter(|now| now.pin_hash == account.pin_hash);
    let current = current.ok_or_else(|| Problem::new(&PIN_UNAVAILABLE))?;
    let place = Place::of(visitor).on(device).at(held_still(&mut tx, &current, body.organisation).await?);
    let (jar, issued) = enter(app, &mut tx, jar, &current, &place, now).await?;
    tx.commit().await?;
    Ok((jar, destination(body.next.as_deref(), &issued)))
}
