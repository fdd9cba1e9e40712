//! How much waits in the queues of the desk, and the people who work there.

use axum::extract::State as AppState;
use sanbao_platform::http::{Ctx, Json};
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::policy::{self, Action, Relation};
use crate::request::list::Seen;
use crate::request::model::Assignee;
use crate::request::policy::Standing;
use crate::request::queue::{self, QueueCounts, people};
use crate::{App, local_day};

/// How many requests each queue has for the caller: 1000 says that many or more.
#[utoipa::path(get, path = "/v1/requests/queues", operation_id = "queues", tag = "requests", responses(
    (status = 200, body = QueueCounts), (status = 401), (status = 404)))]
pub async fn counts(AppState(app): AppState<App>, ctx: Ctx) -> Result<Json<QueueCounts>, Problem> {
    Ok(Json(counted(&app, &ctx).await?))
}

/// The counts for everybody who may see the list, on the HTML page too.
pub async fn counted(app: &App, ctx: &Ctx) -> Result<QueueCounts, Problem> {
    Standing::ANY.allows(ctx, Action::RequestRead).require()?;
    let mut conn = app.deps.db.read().await?;
    let seen = Seen::of(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    Ok(queue::counts(&mut conn, &ctx.actor, &seen, ctx.now()).await?)
}

/// The people to whom a request can be given.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskPeople {
    pub items: Vec<Assignee>,
}

/// The people of the caller's office who have worked at the desk in the last 60 days.
#[utoipa::path(get, path = "/v1/requests/people", operation_id = "people", tag = "requests", responses(
    (status = 200, body = DeskPeople), (status = 401), (status = 404)))]
pub async fn people(AppState(app): AppState<App>, ctx: Ctx) -> Result<Json<DeskPeople>, Problem> {
    policy::allows(&ctx.actor, Action::RequestHandle, Relation::InScope).require()?;
    let mut conn = app.deps.db.read().await?;
    let items = people::list(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    Ok(Json(DeskPeople { items }))
}
