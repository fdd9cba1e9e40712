//! Moving a matter on.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::matter::id::MatterId;
use crate::matter::input::{AnswerBody, MatterReason, SettleBody};
use crate::matter::steps::MatterOrder;
use crate::matter::view::MatterView;

type Asked = StepRequest<App, MatterId>;

/// It is done (办结). Only the level with which it lies, and not while it lies above the level that raised it.
#[utoipa::path(post, path = "/v1/matters/{id}/settle", tag = "matters", params(("id" = uuid::Uuid, Path)), request_body = SettleBody,
    responses((status = 200, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn settle(asked: Asked, Json(body): Json<SettleBody>) -> Result<Response, Problem> {
    asked.take(MatterOrder::Settle(body)).await
}

/// An answer (答复), with which it goes back to the level that raised it at once.
#[utoipa::path(post, path = "/v1/matters/{id}/answer", tag = "matters", params(("id" = uuid::Uuid, Path)), request_body = AnswerBody,
    responses((status = 200, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn answer(asked: Asked, Json(body): Json<AnswerBody>) -> Result<Response, Problem> {
    asked.take(MatterOrder::Answer(body)).await
}

/// Sends it up (上报), to the next level above that has somebody: `above` of the view.
#[utoipa::path(post, path = "/v1/matters/{id}/send-up", tag = "matters", params(("id" = uuid::Uuid, Path)), request_body = MatterReason,
    responses((status = 200, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn send_up(asked: Asked, Json(body): Json<MatterReason>) -> Result<Response, Problem> {
    asked.take(MatterOrder::SendUp(body)).await
}

/// Takes it back (撤回), wherever it lies. Only the level that raised it.
#[utoipa::path(post, path = "/v1/matters/{id}/take-back", tag = "matters", params(("id" = uuid::Uuid, Path)), request_body = MatterReason,
    responses((status = 200, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn take_back(asked: Asked, Json(body): Json<MatterReason>) -> Result<Response, Problem> {
    asked.take(MatterOrder::TakeBack(body)).await
}

/// Opens it again (重新办理), within thirty days of its end. Only the level that raised it.
#[utoipa::path(post, path = "/v1/matters/{id}/reopen", tag = "matters", params(("id" = uuid::Uuid, Path)), request_body = MatterReason,
    responses((status = 200, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn reopen(asked: Asked, Json(body): Json<MatterReason>) -> Result<Response, Problem> {
    asked.take(MatterOrder::Reopen(body)).await
}
