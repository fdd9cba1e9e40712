//! `/v1/organisations/{id}/devices` and `/v1/devices`: the devices that an organisation's consults share.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, By, StepRequest};
use sanbao_platform::problem::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input::{NewQuantity, NewSharedDevice, SharedDeviceName};
use super::model::{ClosedDevice, SharedDevice};
use super::steps::DeviceOrder;
use super::store;
use crate::App;
use crate::account::id::SharedDeviceId;
use crate::account::organisation;
use crate::account::policy::AccountAction;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_devices, create_device))
        .routes(routes!(rename_device))
        .routes(routes!(resize_device))
        .routes(routes!(close_device))
        .routes(routes!(reopen_device))
}

/// The devices that an organisation's consults share, at most 200.
#[utoipa::path(get, path = "/v1/organisations/{id}/devices", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    security(("bearer" = [])), description = "Permission: its own accounts; the street office's administrators.",
    responses((status = 200, body = Page<SharedDevice>), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn list_devices(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Page<SharedDevice>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    organisation::load(&mut conn, &ctx, id, AccountAction::LocationList).await?;
    Ok(Json(Page { items: store::list(&mut conn, id).await?, next: None }))
}

/// Adds a device.
#[utoipa::path(post, path = "/v1/organisations/{id}/devices", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = NewSharedDevice, security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. Takes Idempotency-Key.",
    responses((status = 201, body = SharedDevice), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 422, description = "fields to correct")))]
async fn create_device(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewSharedDevice>,
) -> Result<Response, Problem> {
    organisation::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::LocationCreate).await?;
    let (name, quantity) = body.read()?;
    let device = SharedDevice { quantity, ..SharedDevice::named(SharedDeviceId::new(ctx.now()), id, name, ctx.now()) };
    let mut tx = app.deps.db.begin().await?;
    let what = format!("POST /v1/organisations/{id}/devices");
    if let Some(answered) = key.begin(&mut tx, &ctx, &what, &body).await? {
        return Ok(answered);
    }
    lifecycle::create(&mut tx, &By::Person(&ctx), device.clone()).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &device).await?;
    tx.commit().await?;
    Ok(answer)
}

type Asked = StepRequest<App, SharedDeviceId>;

/// Gives a device another name. What it is booked for shows that name, too.
#[utoipa::path(patch, path = "/v1/devices/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = SharedDeviceName, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = SharedDevice), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed"), (status = 412, description = "changed by somebody else"),
        (status = 422, description = "fields to correct")))]
async fn rename_device(asked: Asked, Json(body): Json<SharedDeviceName>) -> Result<Response, Problem> {
    asked.take(DeviceOrder::Rename(body)).await
}

/// Says how many of a device there are. Fewer than are booked at some time from now on is refused; `times` says when, at most 20 of
/// them.
#[utoipa::path(post, path = "/v1/devices/{id}/resize", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = NewQuantity, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = SharedDevice), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "capacity-in-use, with the times; invalid-transition: closed"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn resize_device(asked: Asked, Json(body): Json<NewQuantity>) -> Result<Response, Problem> {
    asked.take(DeviceOrder::Resize(body)).await
}

/// Closes a device: it can be asked for no more. Consults that need it keep it; the answer lists those that are not over.
#[utoipa::path(post, path = "/v1/devices/{id}/close", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = ClosedDevice), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed already"), (status = 412, description = "changed by somebody else")))]
async fn close_device(asked: Asked) -> Result<Response, Problem> {
    asked.take(DeviceOrder::Close).await
}

/// Reopens a closed device.
#[utoipa::path(post, path = "/v1/devices/{id}/reopen", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = SharedDevice), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: open already"), (status = 412, description = "changed by somebody else")))]
async fn reopen_device(asked: Asked) -> Result<Response, Problem> {
    asked.take(DeviceOrder::Reopen).await
}
