//! Answering a transfer, and taking it back.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::person::transfer::input::TransferRefusal;
use crate::account::person::transfer::model::TransferId;
use crate::account::person::transfer::steps::TransferOrder;
use crate::account::person::transfer::view::TransferView;

type Asked = StepRequest<App, TransferId>;

/// Hands the person over. The record leads on to that of the care home that has asked, with the consults and visits that are
/// not done; what is done stays under the record as it was had. Others who have asked for the person get nobody.
#[utoipa::path(post, path = "/v1/transfers/{id}/accept", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: those who may correct the record that is asked for; after a week without an answer the street office over both homes. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = TransferView), (status = 403, description = "may see it, not answer it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already; person-ended, sharing-withdrawn, papers-differ, national-id-unreadable, care-unreadable; or changed at the same moment"),
        (status = 412, description = "changed by somebody else")))]
pub async fn accept(asked: Asked) -> Result<Response, Problem> {
    asked.take(TransferOrder::Accept).await
}

/// Refuses to hand the person over; the side that has asked reads the reason, and not whose it is.
#[utoipa::path(post, path = "/v1/transfers/{id}/decline", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = TransferRefusal, security(("bearer" = [])),
    description = "Permission: as for handing the person over. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = TransferView), (status = 403, description = "may see it, not answer it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already; or changed at the same moment"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn decline(asked: Asked, Json(body): Json<TransferRefusal>) -> Result<Response, Problem> {
    asked.take(TransferOrder::Decline(body)).await
}

/// Asks for the person no more.
#[utoipa::path(post, path = "/v1/transfers/{id}/withdraw", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff and administrators of the care home that has asked. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = TransferView), (status = 403, description = "may see it, not take it back"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already; or changed at the same moment"),
        (status = 412, description = "changed by somebody else")))]
pub async fn withdraw(asked: Asked) -> Result<Response, Problem> {
    asked.take(TransferOrder::Withdraw).await
}
