//! The ticket of the inviting side and of the doctor.

use axum::extract::State;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::load;
use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::policy::Action;
use crate::consult::store;
use crate::consult::ticket::{self, Entrant, RoomRole};

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
pub async fn ticket(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Json<TicketView>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Read).await?;
    let specialty = store::specialty_of(&mut tx, &ctx.actor).await?;
    let decide = |action| consult.decide(&ctx.actor, specialty.as_deref(), action);
    let role = if decide(Action::Host) == Decision::Allow {
        RoomRole::Host
    } else {
        decide(Action::Attend).require()?;
        RoomRole::Clinician
    };
    let (subject, organisation) = (ctx.actor.subject.0, Some(ctx.actor.organisation));
    let entrant = Entrant { subject, name: &ctx.actor.name, organisation, role };
    let ticket = ticket::issue(&app.deps.keys, ctx.now(), &consult, &entrant)?;
    audit::record(&mut tx, &ctx, "consult.ticket", "consult", id).await?;
    tx.commit().await?;
    Ok(Json(TicketView { ticket, summary_url: Some(format!("/consults/{id}/summary")) }))
}
