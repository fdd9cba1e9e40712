//! Reading doors.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::http::{Ctx, Json, Page, Paging, Query, live_of};
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use crate::area::{self, AreaCode};
use crate::door::input::DoorQuery;
use crate::door::model::Door;
use crate::door::policy::DoorStanding;
use crate::door::store::{self, DoorFilter, DoorKey};
use crate::door::view::{self, DoorView};
use crate::policy::{self, Action, relation};
use crate::{App, local_day};

/// The doors of the caller's own areas: first those at which nobody was met twice, then those that nobody has been to.
#[utoipa::path(get, path = "/v1/doors", tag = "doors", params(DoorQuery),
    description = "Permission: stair and grid leaders and dispatchers of a street or a community, within their areas. Audited.",
    responses((status = 200, body = Page<DoorView>), (status = 401), (status = 404), (status = 422)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<DoorQuery>,
) -> Result<Json<Page<DoorView>>, Problem> {
    Ok(Json(listed(&app, &ctx, &q).await?))
}

/// A page of the list; also what the HTML page shows.
pub async fn listed(app: &App, ctx: &Ctx, q: &DoorQuery) -> Result<Page<DoorView>, Problem> {
    policy::allows(&ctx.actor, Action::DoorAnswer, relation(!ctx.actor.areas.is_empty())).require()?;
    let paging = Paging { after: q.after.clone().filter(|after| !after.is_empty()), limit: q.limit };
    let ((round, state), limit) = (q.checked()?, paging.limit()?);
    let after = paging.after()?.unwrap_or(DoorKey(-1, Uuid::nil()));
    let today = local_day(ctx.now());
    let mut conn = app.deps.db.read().await?;
    let tops = store::tops(&mut conn, &ctx.actor, today).await?;
    let rows = store::list(&mut conn, &tops, today, DoorFilter { round, state, after, limit }).await?;
    let page = Page::of(rows, limit, |(_, key)| *key);
    Ok(page.map(|(listed, _)| {
        let standing = DoorStanding::of(true, listed.door.state_since);
        view::door(listed, ctx, standing)
    }))
}

/// Tells when the caller's doors have changed, and of no other, as server-sent events.
#[utoipa::path(get, path = "/v1/doors/events", operation_id = "door_events", tag = "doors", responses(
    (status = 200, description = "`change` events without data", content_type = "text/event-stream"),
    (status = 401), (status = 404), (status = 429)))]
pub async fn changes(AppState(app): AppState<App>, ctx: Ctx) -> Result<Response, Problem> {
    policy::allows(&ctx.actor, Action::RoundRead, relation(!ctx.actor.areas.is_empty())).require()?;
    let mut conn = app.deps.db.read().await?;
    let scope = area::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    drop(conn);
    let keys: Vec<Uuid> = scope.iter().map(AreaCode::live_key).collect();
    Ok(live_of(&app.deps.db, Door::TOPIC, keys, &ctx)?.into_response())
}
