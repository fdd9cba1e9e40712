//! `/v1/consult-holds`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::input::NewConsultHold;
use super::steps;
use super::view::ConsultHoldView;
use crate::App;
use crate::consult::id::ConsultHoldId;
use crate::consult::policy::may_invite;
use crate::role;

/// Holds doctor, resident and room for ten minutes, while an invitation is written. It takes the place of what the account has
/// held before, and goes over into the invitation that the account sends with a time asked for.
#[utoipa::path(post, path = "/v1/consult-holds", tag = "consults", request_body = NewConsultHold,
    description = "Permission: care staff, for a resident of their care home. Sixty an hour for each account, fifty that stand at once for each organisation. A taken time is 409 `slot-taken`, one without a free room 409 `no-room-free`, both with the nearest free `alternatives`. Takes Idempotency-Key. Audited.",
    responses((status = 201, body = ConsultHoldView), (status = 403), (status = 409, description = "slot-taken, no-room-free, too-many-held or person-ended"),
        (status = 422), (status = 429, description = "too many within the hour, with Retry-After")))]
pub async fn take(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(body): Json<NewConsultHold>,
) -> Result<Response, Problem> {
    Decision::over(role::held(&ctx.actor), may_invite).require()?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /v1/consult-holds", &body).await? {
        return Ok(replay);
    }
    let held = match steps::take(&mut tx, &ctx, &body).await {
        Ok(held) => held,
        Err(problem) => {
            drop(tx);
            return Err(steps::alternatives(&app, &ctx, &body, problem).await);
        }
    };
    let response = key.finish(&mut tx, &ctx, StatusCode::CREATED, &held).await?;
    tx.commit().await?;
    Ok(response)
}

/// Gives back a time that is held.
#[utoipa::path(delete, path = "/v1/consult-holds/{id}", tag = "consults", params(("id" = ConsultHoldId, Path)),
    description = "Permission: the account that holds it. Audited.",
    responses((status = 204), (status = 404, description = "not the caller's, or over")))]
pub async fn give_back(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultHoldId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    steps::give_back(&mut tx, &ctx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
