//! After the meeting: finish, opinion, signature, what was done with it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{answered, load, view::ConsultView};
use crate::App;
use crate::consult::hours::store as doctors;
use crate::consult::id::ConsultId;
use crate::consult::journal::{self, By};
use crate::consult::opinion::{self, Adoption, Feedback, Opinion, Parts};
use crate::consult::policy::Action;
use crate::consult::state::Step;
use crate::consult::store;

/// An opinion and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpinionView {
    /// The opinion.
    #[serde(flatten)]
    pub opinion: Opinion,
    /// The inviting side's feedback.
    pub feedback: Option<Feedback>,
}

/// Ends the meeting, also one held by telephone (the booked doctor).
#[utoipa::path(post, path = "/v1/consults/{id}/finish", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn finish(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Finish).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Finish(ctx.now())).await?;
    answered(tx, &ctx, id).await
}

/// The opinion: its draft for the doctor, once signed also for the care staff and the hospital's
/// administrator. Each read is audited.
#[utoipa::path(get, path = "/v1/consults/{id}/opinion", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = OpinionView), (status = 403), (status = 404)))]
pub async fn read(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::ReadOpinion).await?;
    let specialty = store::specialty_of(&mut tx, &ctx.actor).await?;
    let opinion = opinion::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    let writes = consult.decide(&ctx.actor, specialty.as_deref(), Action::Opinion) == Decision::Allow;
    if opinion.signature.is_none() && !writes {
        return Err(Problem::not_found());
    }
    let feedback = opinion::feedback(&mut tx, id).await?;
    audit::record(&mut tx, &ctx, "consult.opinion.read", "consult", id).await?;
    tx.commit().await?;
    Ok((StatusCode::OK, ETag(opinion.version), Json(OpinionView { opinion, feedback })).into_response())
}

/// Saves the draft (the booked doctor). Over an existing one `If-Match` is needed; 412 when somebody
/// saved in between.
#[utoipa::path(put, path = "/v1/consults/{id}/opinion", tag = "consults", params(("id" = ConsultId, Path)), request_body = Parts,
    responses((status = 200, body = OpinionView), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn save(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    version: IfMatch,
    Json(body): Json<Parts>,
) -> Result<Response, Problem> {
    let parts = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Opinion).await?;
    consult.state.clone().apply(Step::SaveOpinion)?;
    let read = opinion::find(&mut tx, id).await?.map(|opinion| opinion.version);
    version.check_over(read)?;
    opinion::save(&mut tx, id, read, ctx.actor.subject.into(), ctx.now(), &parts).await?;
    let opinion = opinion::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    audit::record(&mut tx, &ctx, "consult.opinion.save", "consult", id).await?;
    tx.commit().await?;
    Ok((StatusCode::OK, ETag(opinion.version), Json(OpinionView { opinion, feedback: None })).into_response())
}

/// Signs the opinion as it stands (the booked doctor, by the own account only); from then on nothing
/// changes it. `If-Match` makes sure that what was read is what is signed.
#[utoipa::path(post, path = "/v1/consults/{id}/sign", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn sign(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Opinion).await?;
    consult.state.clone().apply(Step::Sign)?;
    let found = opinion::find(&mut tx, id).await?;
    let opinion = found.ok_or_else(|| Problem::field("/impression", "还没有写会诊意见", "There is no opinion yet"))?;
    version.check(opinion.version)?;
    opinion.parts.signable()?;
    let doctor = doctors::find(&mut tx, ctx.actor.subject.into()).await?.ok_or_else(Problem::forbidden)?;
    opinion::sign(&mut tx, id, &opinion, &doctor, ctx.now()).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Sign).await?;
    answered(tx, &ctx, id).await
}

/// Says what was done with the opinion; the inviting side decides and answers for it (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/adopt", tag = "consults", params(("id" = ConsultId, Path)), request_body = Adoption,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn adopt(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Adoption>,
) -> Result<Response, Problem> {
    let adoption = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Adopt).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Adopt).await?;
    opinion::record_feedback(&mut tx, id, ctx.actor.subject.into(), ctx.now(), &adoption).await?;
    answered(tx, &ctx, id).await
}

/// Closes the file (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/archive", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn archive(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Adopt).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Archive).await?;
    answered(tx, &ctx, id).await
}
