//! The relay's account of a meeting.

use axum::extract::State as AppState;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::meeting::{self, MeetingView};
use crate::consult::policy::ConsultAction;
use crate::consult::store;

/// The people who were in the room and how long they were together, the side that did not come, how good the lines
/// were, and the results of the checks before the visit (everybody who may see the consult).
#[utoipa::path(get, path = "/v1/consults/{id}/meeting", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = MeetingView), (status = 404)))]
pub async fn meeting(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<MeetingView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::Read).await?;
    Ok(Json(meeting::of(&mut conn, &consult, ctx.now()).await?.shown(&ctx.shows, &consult)))
}
