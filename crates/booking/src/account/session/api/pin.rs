//! Quick change of user on a shared tablet: a PIN, where its owner has shown the password before.

use axum::extract::{Query, State as AppState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, SameSite, Visitor};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::browser::{destination, enter, entered};
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{self, Fields, FormOrJson, Next};
use crate::account::member::{self, Account, AccountStatus};
use crate::account::page;
use crate::account::problems::{PIN_REFUSED, PIN_UNAVAILABLE};
use crate::account::session::device;

/// A PIN of 4 to 8 digits.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"pin": "2580"}))]
pub(super) struct NewPin {
    pin: String,
}

/// Sets the caller's PIN for shared tablets.
#[utoipa::path(put, path = "/v1/me/pin", tag = "log-in", request_body = NewPin, security(("bearer" = [])),
    description = "Permission: anybody logged in.",
    responses((status = 204, description = "set"), (status = 401, description = "not logged in"), (status = 422, description = "not a PIN")))]
pub async fn set(ctx: Ctx, AppState(app): AppState<App>, Json(body): Json<NewPin>) -> Result<StatusCode, Problem> {
    let mut fields = Fields::default();
    let pin = fields.take("/pin", input::pin(&body.pin));
    let hash = app.deps.passwords.hash(fields.finish(pin)?).await?;
    let mut tx = app.deps.db.begin().await?;
    if !member::set_pin(&mut tx, ctx.actor.subject.into(), &hash).await? {
        return Err(Problem::unauthenticated());
    }
    audit::record(&mut tx, &ctx, "account.set_pin", "account", ctx.actor.subject).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

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
    let right = app.deps.passwords.verify(input::pin(&body.pin).unwrap_or_default(), hash.clone()).await?;
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
    let (id, request) = (Some(account.id.into()), &visitor.request_id);
    audit::record_as(&mut tx, now, None, "account.log_in_by_pin", "account", id, request, outcome).await?;
    if !allowed || !right {
        tx.commit().await?;
        return Err(Problem::new(if allowed { &PIN_REFUSED } else { &PIN_UNAVAILABLE }));
    }
    attempt.right();
    // Disabled or given another PIN while this one was hashed: what holds now decides.
    let current = member::find(&mut tx, account.id).await?.filter(usable);
    let current = current.filter(|now| now.pin_hash == account.pin_hash);
    let current = current.ok_or_else(|| Problem::new(&PIN_UNAVAILABLE))?;
    let (jar, issued) = enter(app, &mut tx, jar, &current, now).await?;
    tx.commit().await?;
    Ok((jar, destination(body.next.as_deref(), &issued)))
}
