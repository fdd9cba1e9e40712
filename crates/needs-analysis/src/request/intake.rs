//! Taking requests down and reading them, by HTTP.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Page, Path, Query, live};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, FieldError, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::border::{self, Fault, NewRequest};
use super::query::{self, ListQuery};
use super::store::{self, History, Request, RequestId, SOURCE_HOTLINE, TOPIC};
use super::view::{self, Listed, RequestDetail, RequestView, Standing};
use crate::area::tree;
use crate::policy::{self, Action, Relation};
use crate::{App, local_day};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(events)).routes(routes!(show))
}

/// Faults of a body as a problem.
pub fn invalid(faults: &[Fault]) -> Problem {
    Problem::invalid(faults.iter().map(|f| FieldError::new(format!("/{}", f.field), f.zh, f.en)).collect())
}

/// How the actor stands to a request.
pub async fn standing(conn: &mut Conn, ctx: &Ctx, request: &Request) -> Result<Standing, Problem> {
    let in_scope = tree::scope(conn, &ctx.actor, &request.area_code, local_day(ctx.now())).await?;
    Ok(Standing { in_scope, assigned: request.agency_id == Some(ctx.actor.organisation) })
}

/// Requests that the caller may see, the newest first.
#[utoipa::path(get, path = "/v1/requests", tag = "requests", params(ListQuery), responses(
    (status = 200, body = Page<RequestView>), (status = 401), (status = 404), (status = 422)))]
async fn list(
    Shared(app): Shared<App>,
    ctx: Ctx,
    Query(q): Query<ListQuery>,
) -> Result<Json<Page<RequestView>>, Problem> {
    Ok(Json(page(&app, &ctx, &q).await?))
}

/// A page of the list; also what the HTML page shows.
pub async fn page(app: &App, ctx: &Ctx, q: &ListQuery) -> Result<Page<RequestView>, Problem> {
    let anywhere = Standing { in_scope: true, assigned: true };
    anywhere.allows(ctx, Action::RequestRead).require()?;
    let filter = q.check()?;
    let mut conn = app.deps.db.read().await?;
    let rows = query::list(&mut conn, &ctx.actor, &filter, local_day(ctx.now())).await?;
    let page = Page::of(rows, filter.limit, |(listed, _)| query::key(listed));
    Ok(page.map(|(listed, s)| view::view(listed, ctx, s, &app.deps.fields, &app.config.sla)))
}

/// A request with its history. Reading it unmasked is audited.
#[utoipa::path(get, path = "/v1/requests/{id}", tag = "requests", params(("id" = Uuid, Path)), responses(
    (status = 200, body = RequestDetail), (status = 401), (status = 404)))]
async fn show(Shared(app): Shared<App>, ctx: Ctx, Path(id): Path<RequestId>) -> Result<Response, Problem> {
    let detail = detail(&app, &ctx, id).await?;
    Ok((ETag(detail.request.version), Json(detail)).into_response())
}

/// One request in full for whoever may see it; also what the HTML page shows.
pub async fn detail(app: &App, ctx: &Ctx, id: RequestId) -> Result<RequestDetail, Problem> {
    let mut conn = app.deps.db.read().await?;
    let listed = query::one(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let standing = standing(&mut conn, ctx, &listed.request).await?;
    standing.allows(ctx, Action::RequestRead).require()?;
    let history = store::history(&mut conn, id).await?;
    drop(conn);
    let request = view::view(listed, ctx, standing, &app.deps.fields, &app.config.sla);
    if !request.masked {
        let mut tx = app.deps.db.begin().await?;
        audit::record(&mut tx, ctx, "request.read", "request", id).await?;
        tx.commit().await?;
    }
    let masked = request.masked;
    Ok(RequestDetail { request, history: history.into_iter().map(|row| view::history_view(row, masked)).collect() })
}

/// Takes a request down.
#[utoipa::path(post, path = "/v1/requests", tag = "requests", request_body = NewRequest, responses(
    (status = 201, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn create(
    Shared(app): Shared<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewRequest>,
) -> Result<Response, Problem> {
    let known = if ctx.actor.areas.is_empty() { Relation::Outside } else { Relation::InScope };
    policy::allows(&ctx.actor, Action::RequestCreate, known).require()?;
    let draft = border::parse(&body, ctx.now(), false).map_err(|faults| invalid(&faults))?;
    let mut request = Request::from_draft(draft, SOURCE_HOTLINE, &app.deps.fields, ctx.now());
    let mut tx = app.deps.db.begin().await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, "request.create", &body).await? {
        return Ok(answer);
    }
    let area = area_in_scope(&mut tx, &ctx, &request).await?;
    request.person_id = store::elder_of(&mut tx, request.national_id_index.as_deref()).await?;
    if !store::insert(&mut tx, &request).await? {
        return Err(
            Problem::new(&CONFLICT).detail("这个来源编号已经登记过了", "This external id was taken down before")
        );
    }
    store::add_history(&mut tx, request.id, &History::received(ctx.now()).by(&ctx.actor)).await?;
    store::count(&mut tx, &store::changes(None, &request)).await?;
    audit::record(&mut tx, &ctx, "request.create", "request", request.id).await?;
    store::touch(&mut tx, []);
    let listed = Listed { request, area_name: area.name_zh, agency_name: None };
    let standing = Standing { in_scope: true, assigned: false };
    let view = view::view(listed, &ctx, standing, &app.deps.fields, &app.config.sla);
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The request's area, if there is one and the actor may take requests down for it.
async fn area_in_scope(conn: &mut Conn, ctx: &Ctx, request: &Request) -> Result<tree::Area, Problem> {
    let unknown = || Problem::field("/area_code", "没有这个区域", "There is no such area");
    let area = tree::find(conn, &request.area_code).await?.ok_or_else(unknown)?;
    let inside = tree::scope(conn, &ctx.actor, &request.area_code, local_day(ctx.now())).await?;
    let relation = if inside { Relation::InScope } else { Relation::Outside };
    match policy::allows(&ctx.actor, Action::RequestCreate, relation) {
        Decision::Allow => Ok(area),
        _ => Err(Problem::field("/area_code", "不在您负责的区域内", "Not within your area")),
    }
}

/// Tells when the caller's list has changed, as server-sent events.
#[utoipa::path(get, path = "/v1/requests/events", tag = "requests", responses(
    (status = 200, description = "`change` events without data", content_type = "text/event-stream"),
    (status = 401), (status = 404)))]
async fn events(Shared(app): Shared<App>, ctx: Ctx) -> Result<Response, Problem> {
    let anywhere = Standing { in_scope: true, assigned: true };
    anywhere.allows(&ctx, Action::RequestRead).require()?;
    let key = if ctx.actor.areas.is_empty() { ctx.actor.organisation.0 } else { Uuid::nil() };
    Ok(live(&app.deps.db, TOPIC, key, ctx.drain).into_response())
}
