//! `POST /v1/session/step-up`.

use axum::extract::State as AppState;
use axum::http::HeaderMap;
use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::http::{Json, LoggedIn, PROOF_MINUTES_MAX, Visitor};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::account::session::proof;

/// One secret of the caller's: the password, the PIN, or a code.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"secret": "correct horse"}))]
pub(super) struct TypedProof {
    secret: String,
}

/// The proof was right.
#[derive(Serialize, ToSchema)]
pub(super) struct Proved {
    /// Until when nothing asks for another.
    until: DateTime<Utc>,
    /// The access token that says so; a browser has it as a cookie.
    access_token: Option<String>,
}

/// Proves once more who the caller is. What answered `step-up-required` (RFC 9470) opens with the new access token.
#[utoipa::path(post, path = "/v1/session/step-up", tag = "log-in", request_body = TypedProof, security(("bearer" = [])),
    description = "Permission: anybody logged in; wrong tries are throttled.",
    responses((status = 200, body = Proved), (status = 401, description = "not logged in"), (status = 403, description = "proof-refused"),
        (status = 429, description = "too-many-requests after wrong tries, with Retry-After")))]
pub async fn step_up(
    LoggedIn(ctx): LoggedIn,
    visitor: Visitor,
    AppState(app): AppState<App>,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<TypedProof>,
) -> Result<(CookieJar, Json<Proved>), Problem> {
    proof::check(&app, &visitor, &ctx, &body.secret).await?;
    let mut conn = app.deps.db.read().await?;
    let (jar, access_token) = proof::renewed(&app, &mut conn, &ctx, &headers, jar).await?;
    Ok((jar, Json(Proved { until: ctx.now() + Duration::minutes(PROOF_MINUTES_MAX), access_token })))
}
