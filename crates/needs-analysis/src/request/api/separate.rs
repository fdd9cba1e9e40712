//! Taking a merge back.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::request::id::RequestId;
use crate::request::step::RequestStepName;
use crate::request::steps::{RequestOrder, StepBody};
use crate::request::view::RequestView;

/// Makes it a request of its own again (撤销并单), in the state that it was merged from; within 30 days of the merge.
#[utoipa::path(post, path = "/v1/requests/{id}/separate", tag = "requests", params(("id" = uuid::Uuid, Path)), request_body = StepBody,
    responses((status = 200, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn separate(asked: StepRequest<App, RequestId>, Json(body): Json<StepBody>) -> Result<Response, Problem> {
    asked.take(RequestOrder { step: RequestStepName::Separate, body }).await
}
