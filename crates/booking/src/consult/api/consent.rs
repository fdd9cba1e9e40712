//! Recording and withdrawing consent.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Path};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::consult::consent::{self, ConsentView, NewConsent};
use crate::consult::id::{ConsentId, ConsultId};
use crate::consult::policy::ConsultAction;
use crate::consult::steps;
use crate::consult::store;
use crate::consult::ticket::issued;
use crate::consult::view::{ConsultView, refused, seen};

/// All consents, withdrawn ones too (everybody who may see the consult).
#[utoipa::path(get, path = "/v1/consults/{id}/consents", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = Vec<ConsentView>), (status = 404)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<Vec<ConsentView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::Read).await?;
    Ok(Json(consent::list(&mut conn, id).await?.shown(&ctx.shows, &consult)))
}

/// Records that the resident or a guardian consents (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/consents", tag = "consults", params(("id" = ConsultId, Path)), request_body = NewConsent,
    responses((status = 201, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn record(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
    Json(body): Json<NewConsent>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::hold_consult(&mut tx, id).await?;
    let consult = store::load(&mut tx, &ctx, id, ConsultAction::Consent).await?;
    let consent = body.clone().checked(ctx.now())?;
    if let Some(replay) = key.begin(&mut tx, &ctx, &format!("consent {id}"), &body).await? {
        return Ok(replay);
    }
    if consult.state.is_final() {
        return Err(refused(&mut tx, &ctx, &consult, "consent").await?);
    }
    consent::insert(&mut tx, id, ctx.actor.subject.into(), ctx.now(), &consent).await?;
    audit::record(&mut tx, &ctx, "consult.consent", "consult", id).await?;
    steps::touch(&mut tx, &consult);
    let view = seen(&mut tx, &ctx, id).await?;
    let tag = ETag(view.version);
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, tag, &view).await?;
    tx.commit().await?;
    Ok(response)
}

/// Withdraws a consent; without another, tickets are taken back and none is issued (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/consents/{consent}/withdraw", tag = "consults",
    params(("id" = ConsultId, Path), ("consent" = ConsentId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404)))]
pub async fn withdraw(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path((id, consent)): Path<(ConsultId, ConsentId)>,
    key: Idempotency,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = store::load(&mut tx, &ctx, id, ConsultAction::Consent).await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, &format!("consult.consent.withdraw {id}"), &consent).await? {
        return Ok(replay);
    }
    if !consent::withdraw(&mut tx, id, consent, ctx.actor.subject.into(), ctx.now()).await? {
        return Err(Problem::not_found());
    }
    audit::record(&mut tx, &ctx, "consult.consent.withdraw", "consult", id).await?;
    if !consent::stands(&mut tx, id).await? {
        issued::revoke_all(&mut tx, id, ctx.now()).await?;
    }
    steps::touch(&mut tx, &consult);
    let view = seen(&mut tx, &ctx, id).await?;
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(response)
}
