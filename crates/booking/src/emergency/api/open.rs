//! Breaking the glass.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Idempotency, Json};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::emergency::input::NewEmergencyAccess;
use crate::emergency::view::EmergencyOpened;
use crate::emergency::{open as opening, policy};
use crate::role;

/// Opens the record of the person who has a whole number, for an hour. Each try is written down with its reason, told
/// to the street's administrator at once and reviewed, also one that finds nobody.
#[utoipa::path(post, path = "/v1/emergency-accesses", tag = "emergency access", request_body = NewEmergencyAccess, security(("bearer" = [])),
    description = "Permission: doctors, by a proof of late (step-up). Ten an hour for each account. Takes Idempotency-Key.",
    responses((status = 201, body = EmergencyOpened), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "not a doctor"), (status = 409, description = "another was made at the same moment"),
        (status = 422, description = "fields to correct"), (status = 429, description = "too many within the hour")))]
pub async fn open(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewEmergencyAccess>,
) -> Result<Response, Problem> {
    Decision::over(role::held(&ctx.actor), policy::may_open).require()?;
    ctx.proved_lately()?;
    let (number, reason) = new.checked(&app.deps, ctx.now().date_naive())?;
    // A plain hash of a number could be guessed through: the key's record takes a keyed one of the whole body.
    let text = serde_json::to_string(&new).map_err(Problem::internal)?;
    let request = app.deps.fields.fingerprint("emergency_access.open", &text);
    let mut tx = app.deps.db.begin().await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/emergency-accesses", &request).await? {
        return Ok(answered);
    }
    let written = opening::open(&mut tx, &ctx, &number, &reason).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &EmergencyOpened::of(&written)).await?;
    tx.commit().await?;
    Ok(answer)
}
