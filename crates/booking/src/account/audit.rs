//! The audit log of booking, for the administrators of an organisation: what its people did, as a list, a page and a file.

use std::collections::HashMap;

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;
use sanbao_platform::audit::log::{AuditEvent, AuditPlace, AuditQuery, AuditReader};
use sanbao_platform::http::{Ctx, Json, Page, PageCtx, Query, Routes};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;
use utoipa_axum::routes;
use uuid::Uuid;

use super::organisation::OrganisationKind;
use super::policy::{self, AccountAction, AccountRelation};
use super::{member, organisation};
use crate::App;

/// Accounts whose names are known to the page; the rest stand there by their ids.
const ACCOUNTS_MAX: i64 = 1_000;

const PLACE: AuditPlace =
    AuditPlace { path: "/audit", file: "/v1/audit-events.csv", places: &[("/audit", "audit-booking")], link: page_of };
/// The logs of those whose people also work on requests.
const PLACES: &[(&str, &str)] = &[("/audit", "audit-booking"), ("/needs/audit", "audit-needs")];

pub(super) fn routes() -> Routes<App> {
    Routes::new().routes(routes!(audit_events)).routes(routes!(audit_events_csv)).page("/audit", get(audit).post(found))
}

/// Whether the people of such an organisation work on requests, so that needs-analysis has rows of them.
fn has_requests(kind: OrganisationKind) -> bool {
    kind.governs() || kind == OrganisationKind::HomeCareAgency
}

/// The page of a thing that an audit row names.
fn page_of(kind: &str, id: Uuid) -> Option<String> {
    match kind {
        "person" => Some(format!("/persons/{id}")),
        "consult" => Some(format!("/consults/{id}")),
        "account" => Some(format!("/admin/accounts/{id}")),
        "request" => Some(format!("/requests/{id}")),
        _ => None,
    }
}

/// The reader that the caller is, if the policy allows it.
async fn reader<'a>(app: &'a App, ctx: &'a Ctx) -> Result<AuditReader<'a>, Problem> {
    policy::of(&ctx.actor, AccountAction::AuditRead, AccountRelation::Own).require()?;
    let mut conn = app.deps.db.read().await?;
    let zone = organisation::own(&mut conn, ctx).await?.zone();
    let accounts = member::list(&mut conn, ctx.actor.organisation, None, ACCOUNTS_MAX).await?;
    let names: HashMap<Uuid, String> = accounts.into_iter().map(|a| (a.id.into(), a.display_name)).collect();
    Ok(AuditReader { db: &app.deps.db, ctx, zone, names })
}

/// Rows of what people of one's own organisation did and saw, and of their log-ins, the newest first.
#[utoipa::path(get, path = "/v1/audit-events", tag = "audit", params(AuditQuery), security(("bearer" = [])),
    description = "Permission: administrators, of their own organisation. Services that run apart each have their own: of requests at `/v1/needs/audit-events`.",
    responses((status = 200, body = Page<AuditEvent>), (status = 403, description = "no administrator"),
        (status = 422, description = "parameters to correct")))]
async fn audit_events(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    Ok(Json(reader(&app, &ctx).await?.list(&query).await?))
}

/// The same as a file for a spreadsheet: UTF-8 with a byte order mark, 20,000 rows at most. The export is audited.
#[utoipa::path(get, path = "/v1/audit-events.csv", tag = "audit", params(AuditQuery), security(("bearer" = [])),
    description = "Permission: administrators, of their own organisation, by a proof of late (step-up).",
    responses((status = 200, body = String, content_type = "text/csv"), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "no administrator"), (status = 422, description = "parameters to correct, or too many rows")))]
async fn audit_events_csv(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    reader(&app, &ctx).await?.export(&query).await
}

async fn audit(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx, AuditQuery::default()).await
}

/// The same page by what was filled in.
async fn found(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Form(query): Form<AuditQuery>) -> Response {
    draw(&app, &ctx, query).await
}

async fn draw(app: &App, ctx: &Ctx, query: AuditQuery) -> Response {
    let requests = OrganisationKind::from_text(&ctx.actor.kind).is_some_and(has_requests);
    let place = if requests { AuditPlace { places: PLACES, ..PLACE } } else { PLACE };
    let drawn = async { reader(app, ctx).await?.page(&app.deps.frame, place, query).await };
    drawn.await.map_or_else(Problem::into_response, Markup::into_response)
}
