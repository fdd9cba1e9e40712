//! The steps of both sides.

use axum::response::Response;
use sanbao_platform::http::Json;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::consult::conflicts::DelayView;
use crate::consult::exchange::{ConsultExchange, ConsultExchangeView};
use crate::consult::id::ConsultId;
use crate::consult::input::{Delay, Invitation, Reason, Wanted};
use crate::consult::opinion::Adoption;
use crate::consult::steps::ConsultOrder;
use crate::consult::view::ConsultView;

type Asked = StepRequest<App, ConsultId>;

/// Changes a draft or a returned consult (care staff). With another resident, consents and family links are void. A time that
/// is asked for and taken is 409 `slot-taken` with the nearest free `alternatives`, as when it is begun.
#[utoipa::path(put, path = "/v1/consults/{id}", tag = "consults", params(("id" = ConsultId, Path)), request_body = Invitation,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn revise(asked: Asked, Json(body): Json<Invitation>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Revise(body)).await
}

/// Sends it to the hospital, and holds the time that it asks for until that answers (care staff); where the agreement of the two
/// sides says so, it is booked at once. A taken one is 409
/// `slot-taken` with the nearest free `alternatives`.
#[utoipa::path(post, path = "/v1/consults/{id}/submit", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 404), (status = 409)))]
pub async fn submit(asked: Asked) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Submit).await
}

/// Takes it on, and books the time that was asked for where it is this doctor's; without that it has no time yet (a doctor of the wanted specialty, of any rank: the wanted rank is asked of the one who is booked). One who no
/// longer sees patients for the hospital is 409 `doctor-gone`.
#[utoipa::path(post, path = "/v1/consults/{id}/accept", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn accept(asked: Asked) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Accept).await
}

/// Sends it back for more facts (a doctor of the wanted specialty; of one that was booked at once, the booked doctor until it
/// begins: its time is given back. After that it is 409 `begun`).
#[utoipa::path(post, path = "/v1/consults/{id}/return", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn give_back(asked: Asked, Json(body): Json<Reason>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Return(body)).await
}

/// Refuses it (a doctor of the wanted specialty).
#[utoipa::path(post, path = "/v1/consults/{id}/reject", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn reject(asked: Asked, Json(body): Json<Reason>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Reject(body)).await
}

/// Books doctor, resident and room together (care staff; the doctor; the hospital's administrator). Without a room it is any
/// that is free; where none is, 409 `no-room-free`. A taken time is 409 `slot-taken`; both have the nearest free `alternatives`.
/// A doctor below the wanted rank is 422, unless the inviting side says `below_rank`.
#[utoipa::path(post, path = "/v1/consults/{id}/schedule", tag = "consults", params(("id" = ConsultId, Path)), request_body = Wanted,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn schedule(asked: Asked, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Schedule(body)).await
}

/// Moves it to another time, room or doctor; when that is taken, the old one is kept (care staff; the
/// doctor; the hospital's administrator). With another time every ticket is taken back.
#[utoipa::path(post, path = "/v1/consults/{id}/reschedule", tag = "consults", params(("id" = ConsultId, Path)), request_body = Wanted,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn reschedule(asked: Asked, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Reschedule(body)).await
}

/// Exchanges the times of two booked consults in one step: each takes the other's, with its own doctor and room (those who
/// may move both). Where others stand in the way, or the two would overlap, it is 409 `slot-taken`, with what it runs into in
/// `conflicts_with`, and neither is changed. A time that has begun is 409 `begun`; one that the other side has announced to be
/// late is 409 `delay-of-others`. Every ticket of both is taken back.
#[utoipa::path(post, path = "/v1/consults/{id}/exchange", tag = "consults", params(("id" = ConsultId, Path)), request_body = ConsultExchange,
    responses((status = 200, body = ConsultExchangeView), (status = 403), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn exchange(asked: Asked, Json(body): Json<ConsultExchange>) -> Result<Response, Problem> {
    asked.take_pair(body).await
}

/// Says that it will be late; both sides see it (care staff; the doctor; the hospital's administrator). The answer lists
/// the later bookings that it runs into. One that the other side has announced is not shortened without `agreed`, whatever
/// the caller's own side has announced since: 409 `delay-of-others`.
#[utoipa::path(post, path = "/v1/consults/{id}/delay", tag = "consults", params(("id" = ConsultId, Path)), request_body = Delay,
    responses((status = 200, body = DelayView), (status = 404), (status = 409), (status = 422)))]
pub async fn delay(asked: Asked, Json(body): Json<Delay>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Delay(body)).await
}

/// Calls it off and frees everybody's time (care staff; the doctor; the hospital's administrator).
#[utoipa::path(post, path = "/v1/consults/{id}/cancel", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn cancel(asked: Asked, Json(body): Json<Reason>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Cancel(body)).await
}

/// Says that somebody did not come; not before the expected start (care staff; the doctor). The rest of the time is free
/// again.
#[utoipa::path(post, path = "/v1/consults/{id}/no-show", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn no_show(asked: Asked, Json(body): Json<Reason>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::NoShow(body)).await
}

/// Ends the meeting, also one held by telephone (the booked doctor). One that has not begun is 409 `not-begun` before its
/// booked start.
#[utoipa::path(post, path = "/v1/consults/{id}/finish", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn finish(asked: Asked) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Finish).await
}

/// Says what was done with the opinion; the inviting side decides and answers for it (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/adopt", tag = "consults", params(("id" = ConsultId, Path)), request_body = Adoption,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn adopt(asked: Asked, Json(body): Json<Adoption>) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Adopt(body)).await
}

/// Closes the file (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/archive", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn archive(asked: Asked) -> Result<Response, Problem> {
    asked.take(ConsultOrder::Archive).await
}
