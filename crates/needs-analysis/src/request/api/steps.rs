//! The steps of a work order: one route a step, one way through them all.

use axum::extract::State as AppState;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::lifecycle::{Guard, take};
use sanbao_platform::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::request::id::RequestId;
use crate::request::step::RequestStepName;
use crate::request::steps::{RequestOrder, StepBody};
use crate::request::view::RequestView;

macro_rules! steps {
    ($($name:ident $step:ident $path:literal $doc:literal;)+) => {
        $(
            #[doc = $doc]
            #[utoipa::path(post, path = $path, tag = "requests", params(("id" = uuid::Uuid, Path)),
                request_body = StepBody, responses((status = 200, body = RequestView), (status = 401), (status = 403),
                (status = 404), (status = 409), (status = 412), (status = 422)))]
            async fn $name(
                AppState(app): AppState<App>,
                ctx: Ctx,
                Path(id): Path<RequestId>,
                guard: Guard,
                Json(body): Json<StepBody>,
            ) -> Result<Response, Problem> {
                take(&app, &ctx, id, &guard, &RequestOrder { step: RequestStepName::$step, body }).await
            }
        )+

        /// The routes of this part.
        pub fn routes() -> OpenApiRouter<App> {
            OpenApiRouter::new()$(.routes(routes!($name)))+
        }
    };
}

steps! {
    triage Triage "/v1/requests/{id}/triage" "Confirms category and urgency (分类).";
    dispatch Dispatch "/v1/requests/{id}/dispatch" "Sends it to an agency (派单); `agency_id` is needed.";
    accept Accept "/v1/requests/{id}/accept" "Takes it, as the agency (接单).";
    reject Reject "/v1/requests/{id}/reject" "Gives it back, as the agency (退单); `reason` is needed.";
    resolve Resolve "/v1/requests/{id}/resolve" "Settled on the telephone (当场答复).";
    cancel Cancel "/v1/requests/{id}/cancel" "Not wanted any more (取消); `reason` is needed.";
    escalate Escalate "/v1/requests/{id}/escalate" "Pushes it (督办); `reason` is needed.";
    merge Merge "/v1/requests/{id}/merge" "Goes on in another request (并单); `into` is needed.";
    follow_up FollowUp "/v1/requests/{id}/follow-up" "The elder was asked (回访).";
    close Close "/v1/requests/{id}/close" "Closes the file (办结).";
    reopen Reopen "/v1/requests/{id}/reopen" "The elder was not content (重办); `reason` is needed.";
}
