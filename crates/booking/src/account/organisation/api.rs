//! `/v1/organisations`: the street office's administrator builds the network.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{audit, problem::Problem};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input::NewOrganisation;
use super::model::{Organisation, OrganisationKind};
use super::store::{self, load};
use crate::App;
use crate::account::policy::{self, AccountAction, AccountRelation};

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get))
}

/// How the caller stands to the network as a whole.
async fn network(conn: &mut Conn, ctx: &Ctx) -> Result<AccountRelation, DbError> {
    let own = store::find(conn, ctx.actor.organisation).await?;
    let street = own.is_some_and(|o| o.kind == OrganisationKind::StreetOffice);
    Ok(if street { AccountRelation::Street } else { AccountRelation::Foreign })
}

/// The network's organisations.
#[utoipa::path(get, path = "/v1/organisations", tag = "organisations", params(Paging), security(("bearer" = [])),
    description = "Permission: administrator of the street office.",
    responses((status = 200, body = Page<Organisation>), (status = 403, description = "not an administrator of the street office")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Organisation>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let relation = network(&mut conn, &ctx).await?;
    policy::of(&ctx.actor, AccountAction::OrganisationList, relation).require()?;
    let limit = paging.limit()?;
    let rows = store::list(&mut conn, paging.after()?, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |o| o.id)))
}

/// Adds an organisation.
#[utoipa::path(post, path = "/v1/organisations", tag = "organisations", request_body = NewOrganisation, security(("bearer" = [])),
    description = "Permission: administrator of the street office. Takes Idempotency-Key.",
    responses((status = 201, body = Organisation), (status = 403, description = "not an administrator of the street office"),
        (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewOrganisation>,
) -> Result<Response, Problem> {
    let relation = network(&mut app.deps.db.read().await?, &ctx).await?;
    policy::of(&ctx.actor, AccountAction::OrganisationCreate, relation).require()?;
    let organisation = new.parse(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/organisations", &new).await? {
        return Ok(answered);
    }
    store::insert(&mut tx, &organisation).await?;
    audit::record(&mut tx, &ctx, "organisation.create", "organisation", organisation.id).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &organisation).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its own accounts; the street office's administrators.",
    responses((status = 200, body = Organisation), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Organisation>, Problem> {
    let mut conn = app.deps.db.read().await?;
    Ok(Json(load(&mut conn, &ctx, id, AccountAction::OrganisationRead).await?))
}
