//! The ticket of the inviting side and of the doctor: its issue, its holders, and how it is taken back.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::policy::ConsultAction;
use crate::consult::store;
use crate::consult::ticket::issued::{self, TicketHolder};
use crate::consult::ticket::{self, Entrant, RoomRole};
use crate::consult::view::refused;

/// A ticket and what stands beside the picture.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketView {
    /// For the relay's `hello`.
    pub ticket: String,
    /// The case summary as an HTML fragment; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_url: Option<String>,
}

/// A ticket into the room (care staff as host, the booked doctor as clinician). Without a standing
/// consent 409 `consent-missing`; outside the room's hours 409 `ticket-window`.
#[utoipa::path(post, path = "/v1/consults/{id}/ticket", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = TicketView), (status = 403), (status = 404), (status = 409)))]
pub async fn ticket(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<TicketView>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::hold_consult(&mut tx, id).await?;
    let consult = store::load(&mut tx, &ctx, id, ConsultAction::Read).await?;
    let specialty = store::specialty_of(&mut tx, &ctx.actor).await?;
    let decide = |action| consult.decide(&ctx.actor, specialty.as_deref(), action);
    let role = if decide(ConsultAction::Host) == Decision::Allow {
        RoomRole::Host
    } else {
        decide(ConsultAction::Attend).require()?;
        RoomRole::Clinician
    };
    if !ticket::admits(&consult.state) {
        return Err(refused(&mut tx, &ctx, &consult, "ticket").await?);
    }
    let (subject, organisation) = (ctx.actor.subject.0, Some(ctx.actor.organisation));
    let session = Some(ctx.actor.session);
    let entrant = Entrant { subject, name: &ctx.actor.name, organisation, role, until: None, session };
    let ticket = ticket::issue(&mut tx, &app.deps.keys, (ctx.now(), &ctx.shows), &consult, &entrant).await?;
    audit::record(&mut tx, &ctx, "consult.ticket", "consult", id).await?;
    tx.commit().await?;
    // Ended meanwhile, it may have missed that its tickets were taken back.
    if app.deps.db.ended().refuses(&ctx.actor) {
        return Err(Problem::unauthenticated());
    }
    Ok(Json(TicketView { ticket, summary_url: Some(format!("/consults/{id}/summary")) }))
}

/// The people of the own side who hold a ticket that stands, at most 200 (care staff; the doctor; the hospital's administrator).
#[utoipa::path(get, path = "/v1/consults/{id}/tickets", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = Vec<TicketHolder>), (status = 403), (status = 404)))]
pub async fn holders(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<Vec<TicketHolder>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::RevokeTicket).await?;
    let holders = issued::list(&mut conn, id, ctx.actor.organisation).await?;
    Ok(Json(holders.shown(&ctx.shows, &consult)))
}

/// Whose tickets are taken back.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRevocation {
    /// The `person` of the list.
    pub person: Uuid,
}

/// Takes back every ticket of somebody of the own side. A person who is in the room by one is out at once, and
/// enters again only with a new one (care staff; the doctor; the hospital's administrator).
#[utoipa::path(post, path = "/v1/consults/{id}/tickets/revoke", tag = "consults", params(("id" = ConsultId, Path)),
    request_body = TicketRevocation,
    responses((status = 204), (status = 403), (status = 404), (status = 422)))]
pub async fn revoke(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<TicketRevocation>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::load(&mut tx, &ctx, id, ConsultAction::RevokeTicket).await?;
    let own = issued::list(&mut tx, id, ctx.actor.organisation).await?;
    if !own.unseen().iter().any(|holder| holder.person == body.person) {
        return Err(Problem::not_found());
    }
    issued::revoke(&mut tx, id, body.person, Some(ctx.actor.subject.into()), ctx.now()).await?;
    audit::record(&mut tx, &ctx, "consult.ticket.revoke", "consult", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
