//! `/v1/organisations/{id}/dual-control`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::order::DualOrder;
use super::view::{DualControlView, OrderDone, OrderView};
use super::{rule, second, store};
use crate::App;
use crate::account::member::start::unknown_password;
use crate::account::organisation;
use crate::account::policy::AccountAction;

pub(in crate::account::member) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read, begin, end)).routes(routes!(confirm)).routes(routes!(refuse))
}

/// Whether an organisation has dual control, and the orders that wait for a second administrator's yes.
#[utoipa::path(get, path = "/v1/organisations/{id}/dual-control", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 200, body = DualControlView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
async fn read(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<DualControlView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    organisation::load(&mut conn, &ctx, id, AccountAction::AccountUpdate).await?;
    let on = rule::is_on(&mut conn, id).await?;
    let orders = store::list(&mut conn, id, ctx.now()).await?;
    Ok(Json(DualControlView { on, orders: orders.into_iter().map(OrderView::of).collect() }))
}

/// Begins dual control: from now on it takes two administrators to make one, to give one another password or second factor, to
/// enable one, and to end dual control. Offers of the role that nobody has answered are void.
#[utoipa::path(put, path = "/v1/organisations/{id}/dual-control", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. By a proof of late (step-up).",
    responses((status = 204, description = "it is on"), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "not an administrator"), (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "too-few-administrators: fewer than two are active")))]
async fn begin(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<OrganisationId>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    organisation::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    ctx.proved_lately()?;
    if rule::begin(&mut tx, id, ctx.actor.subject.into(), ctx.now()).await? {
        audit::record_with(&mut tx, &ctx, [id], "dual_control.switch_on", "organisation", id).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks that dual control end: it does when another administrator confirms it.
#[utoipa::path(delete, path = "/v1/organisations/{id}/dual-control", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 202, body = OrderView, description = "waits for a second administrator"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, or not on")))]
async fn end(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<OrganisationId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    organisation::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    if !rule::guards(&mut tx, id).await? {
        return Err(Problem::lacking());
    }
    let order = store::give(&mut tx, &ctx, id, &DualOrder::Off, "").await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(order)).into_response())
}

/// Confirms an order: it is carried out now. Neither the administrator who gave it can do so, nor the one it is about.
#[utoipa::path(post, path = "/v1/organisations/{id}/dual-control/{order}/confirm", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("order" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. By a proof of late (step-up). Takes Idempotency-Key.",
    responses((status = 200, body = OrderDone), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, answered already, or run out"),
        (status = 409, description = "conflict: one's own order, or about oneself; login-taken"), (status = 422, description = "fields that no longer hold")))]
async fn confirm(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, order)): Path<(OrganisationId, Uuid)>,
    key: Idempotency,
) -> Result<Response, Problem> {
    organisation::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::AccountUpdate).await?;
    ctx.proved_lately()?;
    let hash = unknown_password(&app).await?;
    let mut tx = app.deps.db.begin().await?;
    let own = organisation::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    let what = format!("POST /v1/organisations/{id}/dual-control/{order}/confirm");
    if let Some(answered) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &()).await? {
        return Ok(answered);
    }
    rule::hold(&mut tx, id).await?;
    let order = store::find(&mut tx, (id, order), ctx.now()).await?.ok_or_else(Problem::lacking)?;
    let done: OrderDone = second::confirm(&mut tx, &ctx, &own, &order, &hash).await?;
    let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::OK, &done).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Refuses an order, or takes one's own back.
#[utoipa::path(delete, path = "/v1/organisations/{id}/dual-control/{order}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("order" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 204, description = "ended"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, answered already, or run out")))]
async fn refuse(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, order)): Path<(OrganisationId, Uuid)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    organisation::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    let order = store::find(&mut tx, (id, order), ctx.now()).await?.ok_or_else(Problem::lacking)?;
    let own = order.given_by == ctx.actor.subject.into();
    if !store::end(&mut tx, (id, order.id), &ctx, if own { "withdrawn" } else { "refused" }).await? {
        return Err(Problem::lacking());
    }
    audit::record_with(&mut tx, &ctx, [id], "dual_control.refuse_second", "dual_control_order", order.id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
