//! The steps of a work order.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::request::edit::{EditOrder, EditRequest};
use crate::request::id::RequestId;
use crate::request::step::RequestStepName;
use crate::request::steps::{RequestOrder, StepBody};
use crate::request::view::RequestView;

type Asked = StepRequest<App, RequestId>;

/// Confirms category and urgency (分类).
#[utoipa::path(post, path = "/v1/requests/{id}/triage", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn triage(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Triage, body }).await
}

/// Sends it to an agency (派单); `agency_id` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/dispatch", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn dispatch(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Dispatch, body }).await
}

/// Takes it, as the agency (接单).
#[utoipa::path(post, path = "/v1/requests/{id}/accept", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn accept(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Accept, body }).await
}

/// Gives it back, as the agency (退单); `reason` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/reject", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn reject(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Reject, body }).await
}

/// Settled on the telephone (当场答复).
#[utoipa::path(post, path = "/v1/requests/{id}/resolve", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn resolve(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Resolve, body }).await
}

/// Not wanted any more (取消); `reason` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/cancel", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn cancel(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Cancel, body }).await
}

/// Pushes it (督办); `reason` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/escalate", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn escalate(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Escalate, body }).await
}

/// Goes on in another request (并单); `into` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/merge", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn merge(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Merge, body }).await
}

/// The elder was asked (回访): `satisfaction` says whether they were content, with `reason` where they were not.
#[utoipa::path(post, path = "/v1/requests/{id}/follow-up", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn follow_up(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::FollowUp, body }).await
}

/// Closes the file (办结).
#[utoipa::path(post, path = "/v1/requests/{id}/close", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn close(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Close, body }).await
}

/// The elder was not content (重办), also of one that was closed within 30 days; `reason` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/reopen", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn reopen(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Reopen, body }).await
}

/// A remark of somebody who has to do with it (备注), in any state; `note` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/comment", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn comment(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Comment, body }).await
}

/// Gives it to somebody of the caller's office (指派), or to nobody; its state stays.
#[utoipa::path(post, path = "/v1/requests/{id}/assign", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn assign(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Assign, body }).await
}

/// The elder is waited for (等老人): its clock stands still until `until` at most 14 days ahead; `reason` is needed.
#[utoipa::path(post, path = "/v1/requests/{id}/pause", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn pause(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Pause, body }).await
}

/// The clock goes on (继续计时) before the pause has ended by itself.
#[utoipa::path(post, path = "/v1/requests/{id}/resume", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn resume(asked: Asked, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Resume, body }).await
}

/// Puts right what it says (修改); its history tells what stood there before.
#[utoipa::path(post, path = "/v1/requests/{id}/edit", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = EditRequest,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn edit(asked: Asked, Json(body): Json<EditRequest>) -> Result<Response, Problem> {
    asked.take(EditOrder(body)).await
}
