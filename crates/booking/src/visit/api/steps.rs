//! The steps of dispatcher and caregiver.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::visit::exchange::{VisitExchange, VisitExchangeView};
use crate::visit::id::VisitId;
use crate::visit::input::{ProofBody, ReasonBody, ScheduleBody};
use crate::visit::steps::VisitOrder;
use crate::visit::view::VisitView;

type Asked = StepRequest<App, VisitId>;

/// Gives an order its caregiver and time. 409 `slot-taken` comes with `alternatives` by the agency's own calendar: where
/// others have the elder's time it names nobody's calendar, and it is the same whatever they have and when.
#[utoipa::path(post, path = "/v1/visits/{id}/schedule", tag = "visits", params(("id" = VisitId, Path)), request_body = ScheduleBody,
    responses((status = 200, body = VisitView), (status = 409, description = "slot-taken with alternatives, or invalid-transition")))]
pub async fn schedule(asked: Asked, Json(body): Json<ScheduleBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::Schedule(body)).await
}

/// Gives a scheduled visit another caregiver, another time, or both. When that is taken, the old stays.
#[utoipa::path(post, path = "/v1/visits/{id}/reschedule", tag = "visits", params(("id" = VisitId, Path)), request_body = ScheduleBody,
    responses((status = 200, body = VisitView), (status = 409, description = "slot-taken with alternatives, or invalid-transition")))]
pub async fn reschedule(asked: Asked, Json(body): Json<ScheduleBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::Reschedule(body)).await
}

/// Exchanges the times of two scheduled visits in one step: each begins when the other would have, with its own caregiver
/// and length (dispatchers). A time that has begun is 409 `outside-window`: another visit can be moved away by itself. Where
/// others stand in the way it is 409 `slot-taken`, with the agency's own visits that it runs
/// into in `conflicts_with`, and neither is changed.
#[utoipa::path(post, path = "/v1/visits/{id}/exchange", tag = "visits", params(("id" = VisitId, Path)), request_body = VisitExchange,
    responses((status = 200, body = VisitExchangeView), (status = 409, description = "slot-taken with conflicts_with, or invalid-transition")))]
pub async fn exchange(asked: Asked, Json(body): Json<VisitExchange>) -> Result<Response, Problem> {
    asked.take_pair(body).await
}

/// Calls a visit off before it begins.
#[utoipa::path(post, path = "/v1/visits/{id}/cancel", tag = "visits", params(("id" = VisitId, Path)), request_body = ReasonBody,
    responses((status = 200, body = VisitView), (status = 409, description = "invalid-transition")))]
pub async fn cancel(asked: Asked, Json(body): Json<ReasonBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::Cancel(body)).await
}

/// Says that the time came and nobody was met (未遇); not before the planned start.
#[utoipa::path(post, path = "/v1/visits/{id}/no-show", tag = "visits", params(("id" = VisitId, Path)), request_body = ReasonBody,
    responses((status = 200, body = VisitView), (status = 409, description = "outside-window, or invalid-transition")))]
pub async fn no_show(asked: Asked, Json(body): Json<ReasonBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::NoShow(body)).await
}

/// Orders a visit again that was called off or met nobody; the answer is the new order.
#[utoipa::path(post, path = "/v1/visits/{id}/repeat", tag = "visits", params(("id" = VisitId, Path)),
    responses((status = 201, body = VisitView), (status = 409, description = "invalid-transition, or conflict where another order lives")))]
pub async fn repeat(asked: Asked) -> Result<Response, Problem> {
    asked.take(VisitOrder::Repeat).await
}

/// The assigned caregiver has come. A retry with the same `Idempotency-Key` counts once.
#[utoipa::path(post, path = "/v1/visits/{id}/check-in", tag = "visits", params(("id" = VisitId, Path)), request_body = ProofBody,
    responses((status = 200, body = VisitView), (status = 409, description = "outside-window with from and until, or invalid-transition")))]
pub async fn check_in(asked: Asked, Json(body): Json<ProofBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::CheckIn(body)).await
}

/// The assigned caregiver leaves; the visit is done.
#[utoipa::path(post, path = "/v1/visits/{id}/check-out", tag = "visits", params(("id" = VisitId, Path)), request_body = ProofBody,
    responses((status = 200, body = VisitView), (status = 409, description = "invalid-transition")))]
pub async fn check_out(asked: Asked, Json(body): Json<ProofBody>) -> Result<Response, Problem> {
    asked.take(VisitOrder::CheckOut(body)).await
}
