//! The second step of a browser's log-in: the code of the second factor.

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite as CookieSite};
use chrono::{DateTime, Utc};
use sanbao_platform::http::{SameSite, Visitor};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::browser::{enter_by_password, entered};
use crate::App;
use crate::account::input::{FormOrJson, Next};
use crate::account::member::Account;
use crate::account::page;
use crate::account::problems::CHALLENGE_SPENT;
use crate::account::second_factor::{Challenge, SECONDS};
use crate::account::session::login::answer;

/// Whose password was right in this browser a moment ago; sent to `/session` only.
const CHALLENGE_COOKIE: &str = "sanbao_challenge";

/// The cookie of an account whose password was right.
pub(super) fn challenge(app: &App, account: &Account, now: DateTime<Utc>) -> Result<Cookie<'static>, Problem> {
    let token = Challenge::sign(&app.deps.keys, account, now)?;
    let cookie = Cookie::build((CHALLENGE_COOKIE, token)).path("/session").http_only(true).secure(app.deps.secure);
    Ok(cookie.same_site(CookieSite::Lax).max_age(time::Duration::seconds(SECONDS)).build())
}

#[derive(Deserialize)]
pub(super) struct TypedCode {
    code: String,
    next: Option<String>,
    /// The organisation of the page that was covered.
    organisation: Option<OrganisationId>,
}

/// The page that asks for the code.
pub async fn ask(
    visitor: Visitor,
    AppState(app): AppState<App>,
    jar: CookieJar,
    Query(query): Query<Next>,
) -> Response {
    if jar.get(CHALLENGE_COOKIE).is_none() {
        return Redirect::to("/login").into_response();
    }
    page::login::code(&app, &visitor, query.next.as_deref(), None)
}

/// Takes the code.
pub async fn log_in(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    jar: CookieJar,
    typed: FormOrJson<TypedCode>,
) -> Response {
    let FormOrJson { body, form } = typed;
    match start(&app, &visitor, jar, &body).await {
        Ok((jar, to)) => entered(form, jar, &to),
        Err(problem) if form && *problem.kind() == CHALLENGE_SPENT => {
            page::login::again(&app, &visitor, "", body.next.as_deref(), &problem)
        }
        Err(problem) if form => page::login::code(&app, &visitor, body.next.as_deref(), Some(&problem)),
        Err(problem) => problem.into_response(),
    }
}

async fn start(app: &App, visitor: &Visitor, jar: CookieJar, body: &TypedCode) -> Result<(CookieJar, String), Problem> {
    let now = app.deps.clock.now();
    let token = jar.get(CHALLENGE_COOKIE).map(|cookie| cookie.value().to_owned());
    let token = token.ok_or_else(|| Problem::new(&CHALLENGE_SPENT))?;
    let (tx, account) = answer(app, visitor, &token, &body.code, now).await?;
    let jar = jar.remove(Cookie::build((CHALLENGE_COOKIE, "")).path("/session"));
    enter_by_password(app, tx, visitor, jar, &account, (body.organisation, body.next.as_deref())).await
}
