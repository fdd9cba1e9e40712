//! `POST /v1/prechecks`: an offer in, the answer of the server's peer out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use sanbao_platform::http::{Json, Visitor};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::problem::{Problem, TOO_MANY, UNAUTHENTICATED, UNAVAILABLE};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::peer::{self, AnswerError};
use super::{NoCheckSlot, Prechecks};
use crate::App;
use crate::facts;
use crate::ticket::{AUDIENCE, TOKEN_TYPE, Ticket};
use crate::turn::{TurnGrant, TurnScope};

/// A check to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewPrecheck {
    /// The ticket of the consult.
    pub ticket: String,
    /// The offer of a peer connection with one data channel, its candidates included.
    pub sdp: String,
}

/// The server's peer, for the time that it lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrecheckAnswer {
    /// The answer, its candidates included.
    pub sdp: String,
    /// For how long it echoes, ms.
    pub lifetime_ms: u64,
    /// How many messages it echoes.
    pub messages_max: u32,
    /// How long a message may be, bytes.
    pub message_bytes_max: usize,
}

/// A peer on this server that echoes a data channel, to try the way of media before the visit. At most
/// four at once for a ticket.
#[utoipa::path(post, path = "/v1/prechecks", tag = "signalling", request_body = NewPrecheck,
    responses(
        (status = 201, body = PrecheckAnswer),
        (status = 401, description = "The ticket opens nothing here now"),
        (status = 422, description = "Not an offer of one data channel"),
        (status = 429, description = "This ticket, or this person, has as many checks under way as they may"),
        (status = 503, description = "As many checks as this process takes, or no TURN server"),
    ), security(()))]
pub(crate) async fn precheck(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<NewPrecheck>,
) -> Result<(StatusCode, Json<PrecheckAnswer>), Problem> {
    let now = app.deps.clock.now();
    let ticket: Ticket = app.deps.keys.verify(TOKEN_TYPE, AUDIENCE, now, &body.ticket).map_err(|error| {
        Problem::new(&UNAUTHENTICATED)
            .detail("入场凭证无效或已过期，请重新打开页面", "The ticket is not valid now; open the page again")
            .because(error)
    })?;
    refuse_revoked(&app, &ticket).await?;
    let limits = &app.prechecks.limits;
    peer::check_offer(&body.sdp, limits.sdp_bytes_max).map_err(not_an_offer)?;
    let Some(relay) = app.prechecks.relay.clone() else {
        return Err(Problem::new(&UNAVAILABLE).detail("这里没有中继服务器", "There is no TURN server here"));
    };
    let place = app.prechecks.place(ticket.jti, ticket.sub).map_err(no_place)?;
    let subject = format!("precheck {}", ticket.jti);
    let grant = TurnGrant { subject: &subject, ticket: ticket.jti, scope: TurnScope::Echo, until: None };
    let login = relay.credentials.grant(&grant, now);
    let (told, answer) = oneshot::channel();
    let (checks, drain) = (Arc::<Prechecks>::clone(&app.prechecks), visitor.drain);
    // Apart from the request: a browser that goes away must not leave a peer that nobody closes.
    tokio::spawn(async move {
        match Box::pin(peer::answer(&checks.limits, &relay, login, body.sdp)).await {
            Ok(mut peer) => {
                if told.send(Ok(std::mem::take(&mut peer.sdp))).is_ok() {
                    peer.run(checks.lifetime(), drain).await;
                } else {
                    peer.run(std::time::Duration::ZERO, drain).await;
                }
            }
            Err(error) => drop(told.send(Err(error))),
        }
        drop(place);
    });
    let sdp = answer.await.map_err(Problem::internal)?.map_err(|error| match error {
        AnswerError::Offer(_) | AnswerError::Refused(_) => not_an_offer(error),
        AnswerError::Own(_) => Problem::internal(error),
        AnswerError::NoRelay => Problem::new(&UNAVAILABLE).retry_after(5).because(error),
    })?;
    for at in peer::relayed_addresses(&sdp) {
        app.hub.tell_of_echo(at, uuid_v7(now));
    }
    let answer = PrecheckAnswer {
        sdp,
        lifetime_ms: limits.lifetime_ms_max,
        messages_max: limits.messages_max,
        message_bytes_max: limits.message_bytes_max,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// A ticket that was taken back, or whose person was sent away, opens no check either.
async fn refuse_revoked(app: &App, ticket: &Ticket) -> Result<(), Problem> {
    let mut conn = app.deps.db.read().await.map_err(Problem::internal)?;
    let past = facts::past(&mut conn, ticket.consult).await.map_err(Problem::internal)?;
    if past.turns_away(ticket.jti, ticket.sub, ticket.issued_at()) {
        let said = Problem::new(&UNAUTHENTICATED);
        return Err(said.detail("入场凭证已被收回，请重新打开页面", "The ticket was taken back; open the page again"));
    }
    Ok(())
}

fn not_an_offer(error: AnswerError) -> Problem {
    Problem::field("/sdp", "应为只含一个数据通道的 offer", "Expected an offer of one data channel and nothing else")
        .because(error)
}

fn no_place(why: NoCheckSlot) -> Problem {
    match why {
        NoCheckSlot::Own => Problem::new(&TOO_MANY).retry_after(5),
        NoCheckSlot::Process => Problem::new(&UNAVAILABLE).retry_after(10),
    }
}
