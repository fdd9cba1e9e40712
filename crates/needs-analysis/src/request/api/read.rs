//! Reading requests.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::history;
use sanbao_platform::http::{Ctx, ETag, Json, Page, Path, Query, live_of};
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::area::{self, AreaCode};
use crate::policy::{self, Action, Relation};
use crate::request::id::RequestId;
use crate::request::list::{self as requests, ListQuery};
use crate::request::model::Request;
use crate::request::policy::Standing;
use crate::request::store;
use crate::request::view::{self, RequestDetail, RequestView};
use crate::{App, local_day};

/// Requests that the caller may see: of a queue those first that are due first, else the newest.
#[utoipa::path(get, path = "/v1/requests", tag = "requests", params(ListQuery), responses(
    (status = 200, body = Page<RequestView>), (status = 401), (status = 404), (status = 422)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<ListQuery>,
) -> Result<Json<Page<RequestView>>, Problem> {
    Ok(Json(listed(&app, &ctx, &q).await?))
}

/// A page of the list; also what the HTML page shows.
pub async fn listed(app: &App, ctx: &Ctx, q: &ListQuery) -> Result<Page<RequestView>, Problem> {
    Standing::ANY.allows(ctx, Action::RequestRead).require()?;
    let filter = q.check()?;
    let mut conn = app.deps.db.read().await?;
    let rows = requests::list(&mut conn, &ctx.actor, &filter, ctx.now()).await?;
    let page = Page::of(rows, filter.limit, |(listed, _)| requests::key(listed, filter.queue));
    Ok(page.map(|(listed, s)| view::view(listed, ctx, s, &app.deps.fields)))
}

/// A request with its history.
#[utoipa::path(get, path = "/v1/requests/{id}", tag = "requests", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = RequestDetail), (status = 401), (status = 404)))]
pub async fn show(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<RequestId>) -> Result<Response, Problem> {
    let detail = detail(&app, &ctx, id).await?;
    Ok((ETag(detail.request.version), Json(detail)).into_response())
}

/// One request in full for everybody who may see it, on the HTML page too.
pub async fn detail(app: &App, ctx: &Ctx, id: RequestId) -> Result<RequestDetail, Problem> {
    let mut conn = app.deps.db.read().await?;
    let listed = store::one(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let standing = listed.request.stance(app, &mut conn, ctx).await?;
    Request::sees(ctx, &standing).require()?;
    let lines = history::of(&mut conn, Request::NAME, id).await?.shown(&ctx.shows, &listed.request);
    let request = view::view(listed, ctx, standing, &app.deps.fields);
    let lines = lines.into_iter().map(|line| view::history_view(line, request.masked));
    Ok(RequestDetail { history: lines.collect::<Result<_, _>>()?, request })
}

/// Tells when the caller's list has changed, and of no other, as server-sent events.
#[utoipa::path(get, path = "/v1/requests/events", operation_id = "events", tag = "requests", responses(
    (status = 200, description = "`change` events without data", content_type = "text/event-stream"),
    (status = 401), (status = 404), (status = 429)))]
pub async fn changes(AppState(app): AppState<App>, ctx: Ctx) -> Result<Response, Problem> {
    Standing::ANY.allows(&ctx, Action::RequestRead).require()?;
    let mut keys = vec![ctx.actor.organisation.0];
    if policy::allows(&ctx.actor, Action::RequestRead, Relation::InScope) == Decision::Allow {
        let mut conn = app.deps.db.read().await?;
        let scope = area::store::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
        keys.extend(scope.iter().map(AreaCode::live_key));
    }
    Ok(live_of(&app.deps.db, Request::TOPIC, keys, &ctx)?.into_response())
}
