//! `/v1/tokens` for programs, and the published keys.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum_extra::extract::cookie::CookieJar;
use chrono::Duration;
use sanbao_platform::auth::ACCESS_TOKEN_SECONDS;
use sanbao_platform::http::{Json, LoggedIn, Visitor};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{audit, problem::Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::account::id::SessionId;
use crate::account::problems::{FACTOR_REQUIRED, REFRESH_INVALID, REFRESH_REUSED};
use crate::account::second_factor::{self, Challenge};
use crate::account::session::ending;
use crate::account::session::login::{Credentials, answer, authenticate, mint};
use crate::account::session::place::Place;
use crate::account::session::store::{IssuedTokens, Rotation};

/// A log-in by password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"login": "nurse.wang", "password": "correct horse"}))]
pub(super) struct PasswordGrant {
    login: String,
    password: String,
    /// The organisation to act for; without it the one that was used last.
    #[schema(value_type = Option<uuid::Uuid>)]
    organisation_id: Option<OrganisationId>,
}

/// The code that a log-in by password asks for besides.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"challenge": "eyJ0eXAiOiJzZWNvbmQtZmFjdG9yK2p3dCIsImFsZyI6IkVkRFNBIn0.e30.c2ln", "code": "492039"}))]
pub(super) struct CodeGrant {
    /// The `challenge` of the problem `second-factor-required`; good for five minutes.
    challenge: String,
    /// Of the authenticator, or one for recovery.
    code: String,
    /// The organisation to act for; without it the one that was used last.
    #[schema(value_type = Option<uuid::Uuid>)]
    organisation_id: Option<OrganisationId>,
}

/// A renewal.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"refresh_token": "9mY1Rk0ZbCw3v1H9cV0b0X3yq7Q4m2bH1o5m7yJr8uE"}))]
pub(super) struct RefreshGrant {
    refresh_token: String,
}

/// Tokens of one log-in (names as in RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Good once, at `/v1/tokens/refresh`.
    refresh_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
}

impl From<IssuedTokens> for Tokens {
    fn from(issued: IssuedTokens) -> Self {
        Self {
            access_token: issued.access,
            refresh_token: issued.refresh,
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_SECONDS,
        }
    }
}

/// Logs in by password.
#[utoipa::path(post, path = "/v1/tokens", tag = "log-in", request_body = PasswordGrant,
    description = "Permission: none; wrong tries are throttled by address and by name.",
    responses((status = 200, body = Tokens),
        (status = 401, description = "invalid-credentials; or second-factor-required, with a `challenge` for the next step"),
        (status = 403, description = "account-disabled or organisation-closed"), (status = 422, description = "not of this organisation"),
        (status = 429, description = "too-many-requests after wrong tries, with Retry-After")))]
pub async fn log_in(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Json(body): Json<PasswordGrant>,
) -> Result<Json<Tokens>, Problem> {
    let now = app.deps.clock.now();
    let typed = Credentials { login: &body.login, password: &body.password, jar: &CookieJar::new() };
    let (mut tx, account) = authenticate(&app, &visitor, typed, now).await?;
    if second_factor::is_confirmed(&mut tx, account.id).await? {
        tx.commit().await?;
        let challenge = Challenge::sign(&app.deps.keys, &account, now)?;
        return Err(Problem::new(&FACTOR_REQUIRED).with("challenge", challenge));
    }
    let place = Place::of(&visitor).at(body.organisation_id);
    let issued = mint(&app, now).start(&mut tx, &account, &place).await?;
    tx.commit().await?;
    Ok(Json(issued.into()))
}

/// The second step of a log-in: the code, after the password was right.
#[utoipa::path(post, path = "/v1/tokens/second-factor", tag = "log-in", request_body = CodeGrant,
    description = "Permission: the challenge; wrong tries are throttled by address and by account.",
    responses((status = 200, body = Tokens), (status = 401, description = "second-factor-refused or second-factor-expired"),
        (status = 403, description = "organisation-closed"), (status = 422, description = "not of this organisation"),
        (status = 429, description = "too-many-requests after wrong tries, with Retry-After")))]
pub async fn log_in_by_code(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Json(body): Json<CodeGrant>,
) -> Result<Json<Tokens>, Problem> {
    let now = app.deps.clock.now();
    let (mut tx, account) = answer(&app, &visitor, &body.challenge, &body.code, now).await?;
    let place = Place::of(&visitor).at(body.organisation_id);
    let issued = mint(&app, now).start(&mut tx, &account, &place).await?;
    tx.commit().await?;
    Ok(Json(issued.into()))
}

/// Exchanges a refresh token; a used one ends the whole log-in.
#[utoipa::path(post, path = "/v1/tokens/refresh", tag = "log-in", request_body = RefreshGrant,
    description = "Permission: the refresh token.",
    responses((status = 200, body = Tokens), (status = 401, description = "refresh-token-invalid or refresh-token-reused")))]
pub async fn refresh(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Json(body): Json<RefreshGrant>,
) -> Result<Json<Tokens>, Problem> {
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    let rotation = mint(&app, now).rotate(&mut tx, &body.refresh_token, Duration::zero(), &Place::of(&visitor)).await?;
    if matches!(rotation, Rotation::Reused) {
        audit::record_as(&mut tx, now, None, "session.reuse", "session", None, &visitor.request_id, "ended").await?;
    }
    tx.commit().await?;
    match rotation {
        Rotation::Issued(issued) => Ok(Json((*issued).into())),
        Rotation::Refused => Err(Problem::new(&REFRESH_INVALID)),
        Rotation::Reused => Err(Problem::new(&REFRESH_REUSED)),
    }
}

/// Ends the log-in of the access token: its refresh tokens are void at once.
#[utoipa::path(delete, path = "/v1/tokens", tag = "log-in", security(("bearer" = [])),
    description = "Permission: anybody logged in.",
    responses((status = 204, description = "ended"), (status = 401, description = "not logged in")))]
pub async fn log_out(LoggedIn(ctx): LoggedIn, AppState(app): AppState<App>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    ending::end(&mut tx, SessionId(ctx.actor.session), ctx.now(), "log_out").await?;
    audit::record(&mut tx, &ctx, "account.log_out", "session", ctx.actor.session).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The public keys by which anybody can verify the network's tokens (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "log-in", description = "Permission: none.",
    responses((status = 200, description = "a JSON Web Key Set")))]
pub async fn jwks(AppState(app): AppState<App>) -> Json<serde_json::Value> {
    Json(app.deps.keys.jwks())
}
