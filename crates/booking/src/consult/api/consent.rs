//! Recording and withdrawing consent.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::problem::Problem;

use super::{answered, load, refused, seen, view::ConsultView};
use crate::App;
use crate::consult::consent::{self, ConsentView, NewConsent};
use crate::consult::entry;
use crate::consult::id::{ConsentId, ConsultId};
use crate::consult::journal;
use crate::consult::policy::Action;

/// All consents, withdrawn ones too (whoever may see the consult).
#[utoipa::path(get, path = "/v1/consults/{id}/consents", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = Vec<ConsentView>), (status = 404)))]
pub async fn list(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<Vec<ConsentView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    load(&mut conn, &ctx, id, Action::Read).await?;
    Ok(Json(consent::list(&mut conn, id).await?))
}

/// Records that the resident or a guardian consents (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/consents", tag = "consults", params(("id" = ConsultId, Path)), request_body = NewConsent,
    responses((status = 201, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn record(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
    Json(body): Json<NewConsent>,
) -> Result<Response, Problem> {
    let consent = body.clone().checked(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, &format!("consent {id}"), &body).await? {
        return Ok(replay);
    }
    let consult = load(&mut tx, &ctx, id, Action::Consent).await?;
    if consult.state.name().is_final() {
        return Err(refused(&consult, "consent"));
    }
    consent::insert(&mut tx, id, ctx.actor.subject.into(), ctx.now(), &consent).await?;
    audit::record(&mut tx, &ctx, "consult.consent", "consult", id).await?;
    journal::touch(&mut tx, &consult);
    let view = seen(&mut tx, &ctx, id).await?;
    let response = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(response)
}

/// Withdraws a consent; without another, tickets are taken back and none is issued (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/consents/{consent}/withdraw", tag = "consults",
    params(("id" = ConsultId, Path), ("consent" = ConsentId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404)))]
pub async fn withdraw(
    State(app): State<App>,
    ctx: Ctx,
    Path((id, consent)): Path<(ConsultId, ConsentId)>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Consent).await?;
    if !consent::withdraw(&mut tx, id, consent, ctx.actor.subject.into(), ctx.now()).await? {
        return Err(Problem::not_found());
    }
    audit::record(&mut tx, &ctx, "consult.consent.withdraw", "consult", id).await?;
    let standing = consent::list(&mut tx, id).await?.iter().any(|c| c.withdrawn_at.is_none());
    if !standing {
        entry::revoke_all(&mut tx, id, ctx.now()).await?;
    }
    journal::touch(&mut tx, &consult);
    answered(tx, &ctx, id).await
}
