//! `/session` for browsers: cookies in place of tokens; works by plain forms and by scripts.

use axum::extract::{Query, State as AppState};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{
    Json, LOCKED_COOKIE, LoggedIn, OwnScript, REFRESH_COOKIE, SameSite, SessionCookies, Visitor,
};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sanbao_platform::web::local_path;
use serde::Deserialize;
use serde_json::json;

use super::code;
use crate::App;
use crate::account::id::SessionId;
use crate::account::input::{FormOrJson, Next};
use crate::account::member::{self, Account};
use crate::account::organisation::OrganisationState;
use crate::account::page;
use crate::account::problems::{REFRESH_INVALID, REFRESH_REUSED};
use crate::account::second_factor;
use crate::account::session::login::{Credentials, authenticate, mint};
use crate::account::session::place::Place;
use crate::account::session::store::{self, IssuedTokens, Rotation};
use crate::account::session::{device, ending};

/// Two tabs of one browser may renew at the same moment, and an answer may be lost on the way: who comes again with the
/// used token within this time is no thief.
const RENEWAL_GRACE_SECONDS: i64 = 30;

#[derive(Deserialize)]
pub(super) struct LogIn {
    login: String,
    password: String,
    next: Option<String>,
    /// The organisation of the page that was covered.
    organisation: Option<OrganisationId>,
}

/// Where to go after the log-in: where the person was, or its start page.
pub(super) fn destination(next: Option<&str>, issued: &IssuedTokens) -> String {
    match local_path(next) {
        _ if issued.lacks_factor => page::FACTOR.to_owned(),
        path if path == "/" => page::home_of(issued.kind.as_str(), &issued.membership.roles, &issued.areas).to_owned(),
        path => path,
    }
}

/// Starts a session in this browser in place of the one that was there.
pub(super) async fn enter(
    app: &App,
    tx: &mut Tx,
    jar: CookieJar,
    account: &Account,
    place: &Place,
    now: DateTime<Utc>,
) -> Result<(CookieJar, IssuedTokens), Problem> {
    leave(tx, &jar, now, "switched").await?;
    let issued = mint(app, now).start(tx, account, place).await?;
    let jar = device::tell_idle_minutes(app, jar);
    Ok((put(app, jar, &issued), issued))
}

pub(super) fn put(app: &App, jar: CookieJar, issued: &IssuedTokens) -> CookieJar {
    let cookies = SessionCookies {
        access: issued.access.clone(),
        refresh: issued.refresh.clone(),
        csrf: issued.csrf.clone(),
        refresh_seconds: app.config.account.refresh().num_seconds(),
        secure: app.deps.secure,
    };
    cookies.set(jar)
}

async fn leave(tx: &mut Tx, jar: &CookieJar, now: DateTime<Utc>, cause: &'static str) -> Result<(), Problem> {
    if let Some(cookie) = jar.get(REFRESH_COOKIE)
        && let Some(session) = store::session_of(tx, cookie.value()).await?
    {
        ending::end(tx, session, now, cause).await?;
    }
    Ok(())
}

/// The answer to a finished log-in: a page for a form, JSON for a script.
pub(super) fn entered(form: bool, jar: CookieJar, to: &str) -> Response {
    if form { (jar, Redirect::to(to)).into_response() } else { (jar, Json(json!({ "home": to }))).into_response() }
}

/// Starts a session in this browser with a password; or asks for the code, when the account has a second factor.
pub async fn log_in(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    jar: CookieJar,
    typed: FormOrJson<LogIn>,
) -> Response {
    let FormOrJson { body, form } = typed;
    match start(&app, &visitor, jar, &body).await {
        Ok(Begun::Entered(jar, to)) => entered(form, jar, &to),
        Ok(Begun::Code(jar, to)) if form => (jar, Redirect::to(&to)).into_response(),
        // A script asks for the code where it is.
        Ok(Begun::Code(jar, to)) => (StatusCode::ACCEPTED, jar, Json(json!({ "next": to }))).into_response(),
        Err(problem) if form => page::login::again(&app, &visitor, &body.login, body.next.as_deref(), &problem),
        Err(problem) => problem.into_response(),
    }
}

/// How far a log-in by password has come.
enum Begun {
    /// The session is there; where to go.
    Entered(CookieJar, String),
    /// The code is asked for there.
    Code(CookieJar, String),
}

async fn start(app: &App, visitor: &Visitor, jar: CookieJar, body: &LogIn) -> Result<Begun, Problem> {
    let now = app.deps.clock.now();
    let typed = Credentials { login: &body.login, password: &body.password, jar: &jar };
    let (mut tx, account) = authenticate(app, visitor, typed, now).await?;
    if second_factor::is_confirmed(&mut tx, account.id).await? {
        tx.commit().await?;
        let jar = jar.add(code::challenge(app, &account, now)?);
        return Ok(Begun::Code(jar, page::with_next("/session/second-factor", &local_path(body.next.as_deref()))));
    }
    let back = (body.organisation, body.next.as_deref());
    let (jar, to) = enter_by_password(app, tx, visitor, jar, &account, back).await?;
    Ok(Begun::Entered(jar, to))
}

/// The organisation that was asked for, while the account can act for it; without it the one that was used last.
pub(super) async fn held_still(
    conn: &mut Conn,
    account: &Account,
    wanted: Option<OrganisationId>,
) -> Result<Option<OrganisationId>, Problem> {
    let Some(wanted) = wanted else { return Ok(None) };
    let places = member::places(conn, account.id).await?;
    Ok(places.iter().any(|place| place.id == wanted && place.state == OrganisationState::Open).then_some(wanted))
}

/// Starts a session of somebody who gave the password, and whatever else the account asks for; the device is known then. They go
/// back to an organisation and a page.
pub(super) async fn enter_by_password(
    app: &App,
    mut tx: Tx,
    visitor: &Visitor,
    jar: CookieJar,
    account: &Account,
    (organisation, next): (Option<OrganisationId>, Option<&str>),
) -> Result<(CookieJar, String), Problem> {
    let now = app.deps.clock.now();
    let (jar, device) = device::remember(app, &mut tx, jar, account.id, now).await?;
    let place = Place::of(visitor).on(device).at(held_still(&mut tx, account, organisation).await?);
    let (jar, issued) = enter(app, &mut tx, jar, account, &place, now).await?;
    tx.commit().await?;
    Ok((jar, destination(next, &issued)))
}

/// Ends the session of this browser.
pub async fn log_out(
    LoggedIn(ctx): LoggedIn,
    AppState(app): AppState<App>,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), Problem> {
    let mut tx = app.deps.db.begin().await?;
    ending::end(&mut tx, SessionId(ctx.actor.session), ctx.now(), "log_out").await?;
    audit::record(&mut tx, &ctx, "account.log_out", "session", ctx.actor.session).await?;
    tx.commit().await?;
    Ok((SessionCookies::clear(jar), StatusCode::NO_CONTENT))
}

/// The person who is logged in here: a page that was covered asks whether it is its own person.
pub async fn who(LoggedIn(ctx): LoggedIn) -> Json<serde_json::Value> {
    let Actor { subject, organisation, name, kind, roles, areas, .. } = &ctx.actor;
    Json(
        json!({ "account": subject, "organisation": organisation, "name": name, "home": page::home_of(kind, roles, areas) }),
    )
}

/// Somebody pressed something: the log-in of a shared device goes on.
pub async fn press(LoggedIn(ctx): LoggedIn, AppState(app): AppState<App>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::pressed(&mut tx, SessionId(ctx.actor.session), ctx.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the log-in of a browser that nobody has touched for a while. By the refresh cookie, since the access token may
/// have ended before; nothing opens in this browser until somebody logs in.
pub async fn lock(
    visitor: Visitor,
    script: OwnScript,
    AppState(app): AppState<App>,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), Problem> {
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    of_this_log_in(&app, &mut tx, &script, &jar).await?;
    end_locked(&mut tx, &visitor, &jar, now).await?;
    tx.commit().await?;
    Ok((SessionCookies::clear(jar), StatusCode::NO_CONTENT))
}

/// Refuses a script that has the CSRF token of another log-in than the browser's.
async fn of_this_log_in(app: &App, conn: &mut Conn, script: &OwnScript, jar: &CookieJar) -> Result<(), Problem> {
    let Some(cookie) = jar.get(REFRESH_COOKIE) else { return Ok(()) };
    match store::session_of(conn, cookie.value()).await? {
        Some(session) => script.fits(&app.deps.keys, session.0),
        None => Ok(()),
    }
}

async fn end_locked(tx: &mut Tx, visitor: &Visitor, jar: &CookieJar, now: DateTime<Utc>) -> Result<(), Problem> {
    leave(tx, jar, now, "idle_lock").await?;
    audit::record_as(tx, now, None, "session.lock", "session", None, &visitor.request_id, "ended").await?;
    Ok(())
}

/// Rotates by the browser's cookie; `None` when there is nothing to rotate. A locked browser whose server could not be
/// told before is told now.
async fn rotate(app: &App, visitor: &Visitor, jar: &CookieJar, pressed: bool) -> Result<Option<Rotation>, Problem> {
    let Some(cookie) = jar.get(REFRESH_COOKIE) else { return Ok(None) };
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    if jar.get(LOCKED_COOKIE).is_some() {
        end_locked(&mut tx, visitor, jar, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let grace = Duration::seconds(RENEWAL_GRACE_SECONDS);
    let rotation = mint(app, now).rotate(&mut tx, cookie.value(), grace, &Place::of(visitor)).await?;
    // Only where the log-in goes on: a press that comes too late brings nothing back.
    if let (true, Rotation::Issued(_)) = (pressed, &rotation)
        && let Some(session) = store::session_of(&mut tx, cookie.value()).await?
    {
        store::pressed(&mut tx, session, now).await?;
    }
    if matches!(rotation, Rotation::Reused) {
        audit::record_as(&mut tx, now, None, "session.reuse", "session", None, &visitor.request_id, "ended").await?;
    }
    tx.commit().await?;
    Ok(Some(rotation))
}

/// Renews the session's tokens for a page's script.
pub async fn refresh(
    visitor: Visitor,
    script: OwnScript,
    AppState(app): AppState<App>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    of_this_log_in(&app, &mut app.deps.db.read().await?, &script, &jar).await?;
    Ok(match rotate(&app, &visitor, &jar, false).await? {
        Some(Rotation::Issued(issued)) => (put(&app, jar, &issued), StatusCode::NO_CONTENT).into_response(),
        Some(Rotation::Reused) => (SessionCookies::clear(jar), Problem::new(&REFRESH_REUSED)).into_response(),
        Some(Rotation::Refused) | None => (SessionCookies::clear(jar), Problem::new(&REFRESH_INVALID)).into_response(),
    })
}

/// Renews the session's tokens on the way to a page, or leads to the log-in.
pub async fn renew(
    visitor: Visitor,
    AppState(app): AppState<App>,
    jar: CookieJar,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    let next = local_path(query.next.as_deref());
    // A page that reloads itself is not pressed; older browsers do not tell.
    let told = headers.contains_key("sec-fetch-mode");
    let pressed = !told || headers.get("sec-fetch-user").is_some_and(|by| by == "?1");
    Ok(match rotate(&app, &visitor, &jar, pressed).await? {
        Some(Rotation::Issued(issued)) => (put(&app, jar, &issued), Redirect::to(&next)).into_response(),
        Some(Rotation::Refused | Rotation::Reused) | None => {
            let path = if jar.get(LOCKED_COOKIE).is_some() { "/session/pin" } else { "/login" };
            (SessionCookies::clear(jar), Redirect::to(&page::with_next(path, &next))).into_response()
        }
    })
}
