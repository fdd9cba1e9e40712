//! Saying that somebody has died or left, and that this was wrong.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::PersonId;
use crate::account::person::input::{PersonEnding, PersonReturn};
use crate::account::person::steps::PersonOrder;
use crate::account::person::view::EndedView;

type Asked = StepRequest<App, PersonId>;

/// Says that somebody has died, or has left the network. Consults and visits that have not begun are called off, those
/// of all organisations; those that have begun stay, and are listed. Nothing new is begun for them.
#[utoipa::path(post, path = "/v1/persons/{id}/end", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = PersonEnding, security(("bearer" = [])),
    description = "Permission: as for correcting the person. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = EndedView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: ended already; or changed at the same moment"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn end(asked: Asked, Json(body): Json<PersonEnding>) -> Result<Response, Problem> {
    asked.take(PersonOrder::End(body)).await
}

/// Takes it back that somebody has died or left. What was called off stays so, and is arranged anew.
#[utoipa::path(post, path = "/v1/persons/{id}/restore", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = PersonReturn, security(("bearer" = [])),
    description = "Permission: as for correcting the person. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = EndedView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: not ended"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn restore(asked: Asked, Json(body): Json<PersonReturn>) -> Result<Response, Problem> {
    asked.take(PersonOrder::Restore(body)).await
}
