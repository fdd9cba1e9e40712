//! `/v1/persons/{id}/sharing-consents`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Path};
use sanbao_platform::lifecycle::{self, By, Lifecycle as _, StepRequest};
use sanbao_platform::problem::Problem;

use super::input::NewSharingConsent;
use super::model::{SharingConsent, SharingConsentId};
use super::state::SharingState;
use super::steps::SharingOrder;
use super::store;
use super::view::SharingConsentView;
use crate::App;
use crate::account::id::{AccountId, PersonId};
use crate::account::organisation;
use crate::account::person::store::{load_held, load_related};
use crate::account::policy::AccountAction;

/// The consents to keep and to hand over, withdrawn ones too; the newest first, at most 100. The newest of a scope counts.
#[utoipa::path(get, path = "/v1/persons/{id}/sharing-consents", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: as for reading the person. Audited.",
    responses((status = 200, body = Vec<SharingConsentView>), (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<Vec<SharingConsentView>>, Problem> {
    Ok(Json(listed(&app, &ctx, id).await?))
}

/// The consents of a person for a caller who may read the person.
pub(in crate::account) async fn listed(app: &App, ctx: &Ctx, id: PersonId) -> Result<Vec<SharingConsentView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (person, relation) = load_related(&mut conn, ctx, id, AccountAction::PersonRead).await?;
    let consents = store::list(&mut conn, person.unseen().id).await?;
    Ok(consents.into_iter().map(|consent| SharingConsentView::of(consent, relation, ctx)).collect())
}

/// Writes down that the person or the guardian consents.
#[utoipa::path(post, path = "/v1/persons/{id}/sharing-consents", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = NewSharingConsent, security(("bearer" = [])),
    description = "Permission: as for correcting the person. Takes Idempotency-Key. Audited.",
    responses((status = 201, body = SharingConsentView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "changed at the same moment"), (status = 422, description = "fields to correct")))]
pub async fn give(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    key: Idempotency,
    Json(body): Json<NewSharingConsent>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = load_held(&mut tx, &ctx, id, AccountAction::PersonUpdate).await?.unseen().id;
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.sharing_consent {id}"), &body).await? {
        return Ok(answered);
    }
    let (words, given_on) = body.checked(organisation::own(&mut tx, &ctx).await?.day(ctx.now()))?;
    let consent = SharingConsent {
        id: SharingConsentId::new(ctx.now()),
        person_id: person,
        scope: body.scope,
        given_by: body.given_by,
        told: body.told,
        given_on,
        words: words.into(),
        recorded_at: ctx.now(),
        recorded_by: AccountId::from(ctx.actor.subject),
        recorded_by_name: None,
        state: SharingState::Given,
        version: 1,
    };
    let id = consent.id;
    lifecycle::create(&mut tx, &By::Person(&ctx), consent).await?;
    let view = SharingConsent::view(&app, &mut tx, &ctx, id).await?;
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Takes a consent back. What it was about is refused from then on: care facts are not changed, or the person is not handed over.
#[utoipa::path(post, path = "/v1/sharing-consents/{id}/withdraw", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: as for correcting the person. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = SharingConsentView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: withdrawn already; or changed at the same moment"),
        (status = 412, description = "changed by somebody else")))]
pub async fn withdraw(asked: StepRequest<App, SharingConsentId>) -> Result<Response, Problem> {
    asked.take(SharingOrder::Withdraw).await
}
