//! Saying how it was at a door.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::door::id::DoorId;
use crate::door::input::{HelpBody, SeenBody};
use crate::door::steps::DoorOrder;
use crate::door::view::DoorView;

type Asked = StepRequest<App, DoorId>;

/// Seen, and well (平安).
#[utoipa::path(post, path = "/v1/doors/{id}/well", tag = "doors", params(("id" = uuid::Uuid, Path)), request_body = SeenBody,
    responses((status = 200, body = DoorView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn well(asked: Asked, Json(body): Json<SeenBody>) -> Result<Response, Problem> {
    asked.take(DoorOrder::Well(body)).await
}

/// Nobody opened (未见到); the second time in a row the level above is shown the door.
#[utoipa::path(post, path = "/v1/doors/{id}/not-met", tag = "doors", params(("id" = uuid::Uuid, Path)), request_body = SeenBody,
    responses((status = 200, body = DoorView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn not_met(asked: Asked, Json(body): Json<SeenBody>) -> Result<Response, Problem> {
    asked.take(DoorOrder::NotMet(body)).await
}

/// Help is needed (需要帮助): makes a request of it.
#[utoipa::path(post, path = "/v1/doors/{id}/help", tag = "doors", params(("id" = uuid::Uuid, Path)), request_body = HelpBody,
    responses((status = 200, body = DoorView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn help(asked: Asked, Json(body): Json<HelpBody>) -> Result<Response, Problem> {
    asked.take(DoorOrder::Help(body)).await
}

/// Takes the last press back (撤销), within ten minutes; a request that it made is called off, if nobody has begun with it.
#[utoipa::path(post, path = "/v1/doors/{id}/undo", tag = "doors", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = DoorView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412)))]
pub async fn undo(asked: Asked) -> Result<Response, Problem> {
    asked.take(DoorOrder::Undo).await
}
