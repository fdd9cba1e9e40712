//! The opinion: a draft with versions of its own, then a record.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::http::{Ctx, ETag, Json, Path};
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::opinion::{self, OpinionView, Parts};
use crate::consult::policy::ConsultAction;
use crate::consult::steps::ConsultOrder;
use crate::consult::store;
use crate::consult::view::ConsultView;

/// The opinion: its draft for the doctor, once signed also for the care staff and the hospital's
/// administrator. Each read is audited.
#[utoipa::path(get, path = "/v1/consults/{id}/opinion", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = OpinionView), (status = 403), (status = 404)))]
pub async fn read(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::ReadOpinion).await?;
    let specialty = store::specialty_of(&mut conn, &ctx.actor).await?;
    let opinion = opinion::find(&mut conn, id).await?.ok_or_else(Problem::lacking)?;
    let writes = consult.decide(&ctx.actor, specialty.as_deref(), ConsultAction::Opinion) == Decision::Allow;
    if opinion.unseen().signature.is_none() && !writes {
        return Err(Problem::lacking());
    }
    let opinion = opinion.shown(&ctx.shows, &consult);
    let feedback = opinion::feedback(&mut conn, id).await?.map(|feedback| feedback.shown(&ctx.shows, &consult));
    Ok((StatusCode::OK, ETag(opinion.version), Json(OpinionView { opinion, feedback })).into_response())
}

/// Saves the draft (the booked doctor). Over an existing one `If-Match` is needed; 412 when somebody
/// saved in between.
#[utoipa::path(put, path = "/v1/consults/{id}/opinion", tag = "consults", params(("id" = ConsultId, Path)), request_body = Parts,
    responses((status = 200, body = OpinionView), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn save(mut asked: StepRequest<App, ConsultId>, Json(parts): Json<Parts>) -> Result<Response, Problem> {
    let read = asked.version_of_part();
    asked.take(ConsultOrder::SaveOpinion { parts, read }).await
}

/// Signs the opinion as it stands (the booked doctor, by the own account only); from then on nothing
/// changes it. `If-Match` makes sure that what was read is what is signed. It asks for a proof of late (step-up).
#[utoipa::path(post, path = "/v1/consults/{id}/sign", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn sign(mut asked: StepRequest<App, ConsultId>) -> Result<Response, Problem> {
    let read = asked.version_of_part();
    asked.take(ConsultOrder::Sign { read }).await
}
