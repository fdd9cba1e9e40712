//! `/v1/organisations/{id}/locations` and `/v1/locations`: an organisation's rooms.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, By, StepRequest};
use sanbao_platform::problem::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input::{LocationCapacity, LocationName, NewLocation};
use super::model::Location;
use super::steps::LocationOrder;
use super::store;
use crate::App;
use crate::account::id::LocationId;
use crate::account::organisation;
use crate::account::policy::AccountAction;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_rooms, create_room))
        .routes(routes!(rename_room))
        .routes(routes!(resize_room))
        .routes(routes!(close_room))
        .routes(routes!(reopen_room))
}

/// An organisation's rooms, at most 200.
#[utoipa::path(get, path = "/v1/organisations/{id}/locations", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    security(("bearer" = [])), description = "Permission: its own accounts; the street office's administrators.",
    responses((status = 200, body = Page<Location>), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn list_rooms(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Page<Location>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    organisation::load(&mut conn, &ctx, id, AccountAction::LocationList).await?;
    Ok(Json(Page { items: store::list(&mut conn, id).await?, next: None }))
}

/// Adds a room.
#[utoipa::path(post, path = "/v1/organisations/{id}/locations", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = NewLocation, security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. Takes Idempotency-Key.",
    responses((status = 201, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 422, description = "fields to correct")))]
async fn create_room(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewLocation>,
) -> Result<Response, Problem> {
    organisation::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::LocationCreate).await?;
    let (name, capacity) = body.read()?;
    let room = Location { capacity, ..Location::named(LocationId::new(ctx.now()), id, name, ctx.now()) };
    let mut tx = app.deps.db.begin().await?;
    let what = format!("POST /v1/organisations/{id}/locations");
    if let Some(answered) = key.begin(&mut tx, &ctx, &what, &body).await? {
        return Ok(answered);
    }
    lifecycle::create(&mut tx, &By::Person(&ctx), room.clone()).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &room).await?;
    tx.commit().await?;
    Ok(answer)
}

type Asked = StepRequest<App, LocationId>;

/// Gives a room another name. What was booked in it shows that name, too.
#[utoipa::path(patch, path = "/v1/locations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = LocationName, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed"), (status = 412, description = "changed by somebody else"),
        (status = 422, description = "fields to correct")))]
async fn rename_room(asked: Asked, Json(body): Json<LocationName>) -> Result<Response, Problem> {
    asked.take(LocationOrder::Rename(body)).await
}

/// Says how many consults can be in a room at once. Fewer than are booked in it at some time from now on is refused; `times` says
/// when, at most 20 of them.
#[utoipa::path(post, path = "/v1/locations/{id}/resize", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = LocationCapacity, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "capacity-in-use, with the times; invalid-transition: closed"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn resize_room(asked: Asked, Json(body): Json<LocationCapacity>) -> Result<Response, Problem> {
    asked.take(LocationOrder::Resize(body)).await
}

/// Closes a room: it is offered for no new consult. What is booked in it stays.
#[utoipa::path(post, path = "/v1/locations/{id}/close", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed already"), (status = 412, description = "changed by somebody else")))]
async fn close_room(asked: Asked) -> Result<Response, Problem> {
    asked.take(LocationOrder::Close).await
}

/// Reopens a closed room.
#[utoipa::path(post, path = "/v1/locations/{id}/reopen", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: open already"), (status = 412, description = "changed by somebody else")))]
async fn reopen_room(asked: Asked) -> Result<Response, Problem> {
    asked.take(LocationOrder::Reopen).await
}
