//! The area tree by HTTP.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::{CONFLICT, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::id::AreaCode;
use super::input::{AreaQuery, MoveArea, NewArea, OnQuery, parse};
use super::model::{Area, Level};
use super::store;
use super::view::{AreaDetail, AreaView};
use crate::policy::{self, Action, Relation, relation};
use crate::{App, local_day, rollup, texts};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, super::rename::rename))
        .routes(routes!(move_to))
        .routes(routes!(super::communities::take_over))
}

/// Areas in the order of their codes.
#[utoipa::path(get, path = "/v1/areas", tag = "areas", params(AreaQuery), responses(
    (status = 200, body = Page<AreaView>), (status = 401), (status = 404)))]
async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<AreaQuery>,
) -> Result<Json<Page<AreaView>>, Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let paging = Paging { after: q.after, limit: q.limit };
    let (limit, after) = (paging.limit()?, paging.after::<String>()?.unwrap_or_default());
    let mut conn = app.deps.db.read().await?;
    let rows = store::list(&mut conn, q.level, &after, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |a| a.code.clone()).map(AreaView::from)))
}

/// An area with its path and its children.
#[utoipa::path(get, path = "/v1/areas/{code}", tag = "areas", params(("code" = String, Path), OnQuery), responses(
    (status = 200, body = AreaDetail), (status = 401), (status = 404)))]
async fn show(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    Query(q): Query<OnQuery>,
) -> Result<(ETag, Json<AreaDetail>), Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let mut conn = app.deps.db.read().await?;
    let area = store::find(&mut conn, &code).await?.ok_or_else(Problem::not_found)?;
    let detail = detail(&mut conn, area, q.on.map_or_else(|| local_day(ctx.now()), |day| *day)).await?;
    Ok((ETag(detail.version), Json(detail)))
}

/// An area as callers see it on a day.
pub(super) async fn detail(conn: &mut Conn, area: Area, on: NaiveDate) -> Result<AreaDetail, Problem> {
    let mut path = store::ancestors(conn, &area.code, on).await?;
    path.reverse();
    let children = store::children(conn, &area.code, on).await?;
    let views = |areas: Vec<Area>| areas.into_iter().map(AreaView::from).collect();
    let version = store::version(conn, &area.code).await?.ok_or_else(Problem::not_found)?;
    Ok(AreaDetail { area: area.into(), version, on, path: views(path), children: views(children) })
}

/// The parent named by a request: it must be there, of a higher level and within the actor's scope.
async fn parent_of(conn: &mut Conn, ctx: &Ctx, level: Level, code: &str, on: NaiveDate) -> Result<AreaCode, Problem> {
    let unknown = || Problem::field("/parent", "没有这个区域", "There is no such area");
    let code = AreaCode::parse(code).map_err(|_| unknown())?;
    let parent = store::find(conn, &code).await?.ok_or_else(unknown)?;
    let inside = store::scope(conn, &ctx.actor, &code, on).await?;
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    if parent.level <= level {
        let [zh, en] = [Lang::Zh, Lang::En].map(|lang| [level, parent.level].map(|level| texts::level(lang, level)));
        return Err(Problem::field(
            "/parent",
            format!("{}只能属于更大的区域，不能属于{}", zh[0], zh[1]),
            format!("A {} lies in something larger, not in a {}", en[0], en[1]),
        ));
    }
    Ok(code)
}

/// The audit row; an area has a code and no uuid, so the code stands in the kind.
pub(super) async fn audited(tx: &mut Tx, ctx: &Ctx, action: &str, code: &AreaCode) -> Result<(), DbError> {
    let kind = format!("area {code}");
    audit::record_as(tx, ctx.now(), Some(&ctx.actor), action, &kind, None, &ctx.request_id, "done").await
}

/// Adds an area. A street can be added by a person who has its code as area scope.
#[utoipa::path(post, path = "/v1/areas", tag = "areas", request_body = NewArea, responses(
    (status = 201, body = AreaView), (status = 401), (status = 403), (status = 409), (status = 422)))]
async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewArea>,
) -> Result<Response, Problem> {
    let known = !ctx.actor.areas.is_empty();
    policy::allows(&ctx.actor, Action::AreaEdit, relation(known)).require()?;
    let area = parse(&body)?;
    let from = body.from.map_or_else(|| local_day(ctx.now()), |day| *day);
    let mut tx = app.deps.db.begin().await?;
    let parent = match &body.parent {
        Some(code) => Some(parent_of(&mut tx, &ctx, area.level, code, from).await?),
        None => {
            let own = ctx.actor.areas.iter().any(|a| a == area.code.as_str());
            policy::allows(&ctx.actor, Action::AreaEdit, relation(own)).require()?;
            None
        }
    };
    if let Some(answer) = key.begin(&mut tx, &ctx, "area.create", &body).await? {
        return Ok(answer);
    }
    if !store::add(&mut tx, ctx.now(), &area, parent.as_ref().map(|parent| (parent, from))).await? {
        return Err(Problem::new(&CONFLICT).detail("这个编码已经有了", "This code is taken"));
    }
    audited(&mut tx, &ctx, "area.create", &area.code).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &AreaView::from(area)).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Moves an area into another from a day on; what was before stays as it was.
#[utoipa::path(post, path = "/v1/areas/{code}/move", tag = "areas", params(("code" = String, Path)),
    request_body = MoveArea, responses(
    (status = 200, body = AreaDetail), (status = 401), (status = 403), (status = 404), (status = 422)))]
async fn move_to(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    key: Idempotency,
    Json(body): Json<MoveArea>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let area = store::find(&mut tx, &code).await?.ok_or_else(Problem::not_found)?;
    let inside = store::scope(&mut tx, &ctx.actor, &code, local_day(ctx.now())).await?;
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    let from = *body.from;
    let parent = parent_of(&mut tx, &ctx, area.level, &body.parent, from).await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, &format!("area.move {code}"), &body).await? {
        return Ok(answer);
    }
    match store::latest_placement(&mut tx, &code).await? {
        None => store::place(&mut tx, ctx.now(), &code, &parent, from).await?,
        Some(running) if running.valid_to.is_none() && running.valid_from < from => {
            store::relocate(&mut tx, ctx.now(), &code, &running, &parent, from).await?;
        }
        Some(running) => {
            let day = running.valid_from;
            return Err(Problem::field(
                "/from",
                format!("应晚于上次调整的日期 {day}"),
                format!("Must be after the last move, {day}"),
            ));
        }
    }
    rollup::reparented(&mut tx, from).await?;
    audited(&mut tx, &ctx, "area.move", &code).await?;
    let view = detail(&mut tx, area, from).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::OK, &view).await?;
    tx.commit().await?;
    Ok(answer)
}
