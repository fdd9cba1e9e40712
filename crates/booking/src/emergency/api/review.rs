//! The review of an opening.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Path};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::emergency::TOPIC;
use crate::emergency::events::{self, REVIEWED};
use crate::emergency::id::EmergencyAccessId;
use crate::emergency::input::EmergencyReview;
use crate::emergency::policy::EmergencyAction;
use crate::emergency::store;
use crate::emergency::view::EmergencyAccessView;

/// Writes down who has looked into an opening, and what was found. It is done once, and never by the account that opened it.
#[utoipa::path(post, path = "/v1/emergency-accesses/{id}/review", tag = "emergency access", params(("id" = uuid::Uuid, Path)),
    request_body = EmergencyReview, security(("bearer" = [])),
    description = "Permission: administrators of the office that is told of it. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = EmergencyAccessView), (status = 403, description = "one's own, or not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "reviewed already"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn review(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<EmergencyAccessId>,
    key: Idempotency,
    read: IfMatch,
    Json(review): Json<EmergencyReview>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let access = store::load(&mut tx, &ctx, id, EmergencyAction::Review).await?;
    let what = format!("POST /v1/emergency-accesses/{id}/review");
    if let Some(answered) = key.begin(&mut tx, &ctx, &what, &review).await? {
        return Ok(answered);
    }
    read.check(access.version)?;
    let remark = review.checked()?;
    if !store::review(&mut tx, &access, ctx.actor.subject.into(), ctx.now(), &remark).await? {
        return Err(Problem::invalid_transition("reviewed", "review", &[]));
    }
    let reviewed = store::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    audit::record(&mut tx, &ctx, "emergency_access.review", "emergency_access", id).await?;
    events::publish(&mut tx, ctx.now(), &REVIEWED, &reviewed).await?;
    tx.touch(TOPIC, reviewed.office_id);
    tx.touch(TOPIC, reviewed.account_id);
    let view = EmergencyAccessView::of(&reviewed, &ctx);
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}
