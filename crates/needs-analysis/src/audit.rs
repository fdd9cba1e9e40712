//! The audit log of needs-analysis, for the administrators of an organisation: what its people did here, as a list, a page and a file.

use std::collections::HashMap;

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;
use sanbao_platform::audit::log::{AuditEvent, AuditPlace, AuditQuery, AuditReader};
use sanbao_platform::http::{Ctx, Json, Page, PageCtx, Query, Routes};
use sanbao_platform::problem::Problem;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::policy::{self, Action, Relation};
use crate::{App, ZONE};

const PLACE: AuditPlace = AuditPlace {
    path: "/needs/audit",
    file: "/v1/needs/audit-events.csv",
    places: &[("/audit", "audit-booking"), ("/needs/audit", "audit-needs")],
    link: page_of,
};

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(audit_events))
        .routes(routes!(audit_events_csv))
        .page("/needs/audit", get(audit).post(found))
}

/// The page of a thing that an audit row names.
fn page_of(kind: &str, id: Uuid) -> Option<String> {
    match kind {
        "person" => Some(format!("/persons/{id}")),
        "account" => Some(format!("/admin/accounts/{id}")),
        "request" => Some(format!("/requests/{id}")),
        "matter" => Some(format!("/matters/{id}")),
        "door_round" => Some(format!("/doors/rounds/{id}")),
        _ => None,
    }
}

/// The reader that the caller is, if the policy allows it. Accounts are booking's, so that nobody's name is known here.
fn reader<'a>(app: &'a App, ctx: &'a Ctx) -> Result<AuditReader<'a>, Problem> {
    policy::allows(&ctx.actor, Action::AuditRead, Relation::Outside).require()?;
    Ok(AuditReader { db: &app.deps.db, ctx, zone: ZONE, names: HashMap::new() })
}

/// Rows of what people of one's own organisation did with requests and saw of them, the newest first.
#[utoipa::path(get, path = "/v1/needs/audit-events", tag = "audit", params(AuditQuery), responses(
    (status = 200, body = Page<AuditEvent>), (status = 401), (status = 403), (status = 404), (status = 422)))]
async fn audit_events(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    Ok(Json(reader(&app, &ctx)?.list(&query).await?))
}

/// The same as a file for a spreadsheet: UTF-8 with a byte order mark, 20,000 rows at most. The export is audited.
#[utoipa::path(get, path = "/v1/needs/audit-events.csv", tag = "audit", params(AuditQuery), responses(
    (status = 200, body = String, content_type = "text/csv"), (status = 401), (status = 403), (status = 404), (status = 422)))]
async fn audit_events_csv(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    reader(&app, &ctx)?.export(&query).await
}

async fn audit(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx, AuditQuery::default()).await
}

/// The same page by what was filled in.
async fn found(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Form(query): Form<AuditQuery>) -> Response {
    draw(&app, &ctx, query).await
}

async fn draw(app: &App, ctx: &Ctx, query: AuditQuery) -> Response {
    let drawn = async { reader(app, ctx)?.page(&app.deps.frame, PLACE, query).await };
    drawn.await.map_or_else(Problem::into_response, Markup::into_response)
}
