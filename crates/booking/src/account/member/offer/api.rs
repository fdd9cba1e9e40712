//! `/v1/organisations/{id}/offers` for administrators, `/v1/offers` for the person who has the link.

use axum::extract::State as AppState;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::input::{NewOffer, OfferToken};
use super::view::{OfferMade, OfferView};
use super::{steps, store};
use crate::App;
use crate::account::member::dual::{self, DualOrder, OrderView};
use crate::account::organisation;
use crate::account::policy::AccountAction;
use crate::account::session;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .routes(routes!(read))
        .routes(routes!(accept))
        .routes(routes!(decline))
}

/// The offers of an organisation that wait for an answer, the newest first; 100 at most.
#[utoipa::path(get, path = "/v1/organisations/{id}/offers", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 200, body = Vec<OfferView>), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Vec<OfferView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    organisation::load(&mut conn, &ctx, id, AccountAction::AccountCreate).await?;
    let offers = store::list(&mut conn, id, ctx.now()).await?;
    Ok(Json(offers.into_iter().map(OfferView::of).collect()))
}

/// Offers roles in an organisation to somebody who has an account in another. The answer has the one-time link for them. Where
/// the organisation has dual control, an administrator's role waits for a second administrator.
#[utoipa::path(post, path = "/v1/organisations/{id}/offers", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewOffer, security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. Takes Idempotency-Key.",
    responses((status = 201, body = OfferMade), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewOffer>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let own = organisation::load(&mut tx, &ctx, id, AccountAction::AccountCreate).await?;
    let what = format!("POST /v1/organisations/{id}/offers");
    if let Some(answered) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &body).await? {
        return Ok(answered);
    }
    let offered = body.checked(&mut tx, &ctx, &own).await?;
    if dual::is_administrator(&offered.roles) && dual::guards(&mut tx, id).await? {
        let name = offered.note.unwrap_or_default();
        let order = dual::give(&mut tx, &ctx, id, &DualOrder::Offer(body), &name).await?;
        let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::ACCEPTED, &order).await?;
        tx.commit().await?;
        return Ok(answer);
    }
    let made = steps::write(&mut tx, &ctx, id, &offered).await?;
    let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Takes an offer back that nobody has answered.
#[utoipa::path(delete, path = "/v1/organisations/{id}/offers/{offer}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("offer" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 204, description = "taken back"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, or answered already")))]
async fn revoke(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, offer)): Path<(OrganisationId, Uuid)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    organisation::load(&mut tx, &ctx, id, AccountAction::AccountCreate).await?;
    if !store::end(&mut tx, (id, offer), ctx.actor.subject.into(), ctx.now(), "revoked").await? {
        return Err(Problem::lacking());
    }
    audit::record(&mut tx, &ctx, "membership.revoke", "organisation", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the offer of a one-time link: the organisation, the roles, and by whom.
#[utoipa::path(post, path = "/v1/offers/read", tag = "log-in", request_body = OfferToken, security(("bearer" = [])),
    description = "Permission: anybody logged in who has the link.",
    responses((status = 200, body = OfferView), (status = 401, description = "not logged in"), (status = 410, description = "offer-spent")))]
async fn read(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Json(body): Json<OfferToken>,
) -> Result<Json<OfferView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    Ok(Json(OfferView::to_whom(steps::open(&mut conn, &ctx, &body.token).await?)))
}

/// The offer was accepted.
#[derive(Serialize, ToSchema)]
struct OfferAccepted {
    /// The organisation in which the account acts from now on too.
    #[schema(value_type = uuid::Uuid)]
    organisation_id: OrganisationId,
    /// An access token that names it; a browser has it as a cookie.
    access_token: Option<String>,
}

/// Accepts an offer: the account acts in that organisation too. The link is spent.
#[utoipa::path(post, path = "/v1/offers/accept", tag = "log-in", request_body = OfferToken, security(("bearer" = [])),
    description = "Permission: anybody logged in who has the link. Audited on both sides.",
    responses((status = 200, body = OfferAccepted), (status = 401, description = "not logged in"), (status = 403, description = "organisation-closed"),
        (status = 409, description = "already-member; conflict: an offer of one's own"), (status = 410, description = "offer-spent")))]
async fn accept(
    ctx: Ctx,
    AppState(app): AppState<App>,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<OfferToken>,
) -> Result<(CookieJar, Json<OfferAccepted>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let offer = steps::open(&mut tx, &ctx, &body.token).await?;
    steps::accept(&mut tx, &ctx, &offer).await?;
    let (jar, access_token) = session::renewed(&app, &mut tx, &ctx, &headers, jar).await?;
    tx.commit().await?;
    Ok((jar, Json(OfferAccepted { organisation_id: offer.organisation_id, access_token })))
}

/// Declines an offer. The link is spent.
#[utoipa::path(post, path = "/v1/offers/decline", tag = "log-in", request_body = OfferToken, security(("bearer" = [])),
    description = "Permission: anybody logged in who has the link. Audited on both sides.",
    responses((status = 204, description = "declined"), (status = 401, description = "not logged in"),
        (status = 409, description = "conflict: an offer of one's own"), (status = 410, description = "offer-spent")))]
async fn decline(ctx: Ctx, AppState(app): AppState<App>, Json(body): Json<OfferToken>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let offer = steps::open(&mut tx, &ctx, &body.token).await?;
    steps::decline(&mut tx, &ctx, &offer).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
