//! Reading openings, and the record that one opens.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::person::{self, PersonView};
use crate::consult;
use crate::emergency::id::EmergencyAccessId;
use crate::emergency::input::EmergencyQuery;
use crate::emergency::model::EmergencyAccess;
use crate::emergency::policy::{self, EmergencyAction};
use crate::emergency::store::{self, EmergencyFilter, Whose};
use crate::emergency::view::{EmergencyAccessView, EmergencyRecord};
use crate::role;

/// Consults that a record shows.
const CONSULTS_MAX: usize = 20;

/// Whose openings the caller has a list of: an administrator's office's, a doctor's own.
fn whose(ctx: &Ctx) -> Result<Whose, Problem> {
    if Decision::over(role::held(&ctx.actor), policy::may_watch) == Decision::Allow {
        return Ok(Whose::Office);
    }
    Decision::over(role::held(&ctx.actor), policy::may_open).require()?;
    Ok(Whose::Own)
}

/// Openings, the newest first.
#[utoipa::path(get, path = "/v1/emergency-accesses", tag = "emergency access", params(EmergencyQuery), security(("bearer" = [])),
    description = "Permission: administrators, of those that their organisation is told of and has to review; other doctors, of their own. Audited.",
    responses((status = 200, body = Page<EmergencyAccessView>), (status = 403, description = "not one of these roles"),
        (status = 422, description = "parameters to correct")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<EmergencyQuery>,
) -> Result<Json<Page<EmergencyAccessView>>, Problem> {
    let whose = whose(&ctx)?;
    let paging = Paging { after: query.after, limit: query.limit };
    Ok(Json(listed(&app, &ctx, whose, query.waiting, &paging).await?))
}

/// A page of openings for a caller who may see them.
pub(in crate::emergency) async fn listed(
    app: &App,
    ctx: &Ctx,
    whose: Whose,
    waiting: bool,
    paging: &Paging,
) -> Result<Page<EmergencyAccessView>, Problem> {
    let limit = paging.limit()?;
    let before: Option<(DateTime<Utc>, EmergencyAccessId)> = paging.after()?;
    let filter = EmergencyFilter { waiting, before, limit: limit + 1 };
    let rows = store::list(&mut app.deps.db.read().await?, &ctx.actor, ctx.now(), whose, &filter).await?;
    let page = Page::of(rows, limit, |access: &EmergencyAccess| (access.opened_at, access.id));
    Ok(page.map(|access| EmergencyAccessView::of(&access, ctx)))
}

/// One opening.
#[utoipa::path(get, path = "/v1/emergency-accesses/{id}", tag = "emergency access", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: the doctor who opened it; administrators of the office that is told of it. Audited.",
    responses((status = 200, body = EmergencyAccessView), (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<EmergencyAccessId>,
) -> Result<(ETag, Json<EmergencyAccessView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let access = store::load(&mut conn, &ctx, id, EmergencyAction::Read).await?;
    Ok((ETag(access.version), Json(EmergencyAccessView::of(&access, &ctx))))
}

/// The record that an opening opens: the person, masked, and the case and opinion of each consult. Each reading is audited.
#[utoipa::path(get, path = "/v1/emergency-accesses/{id}/record", tag = "emergency access", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: the doctor who opened it, for an hour. Audited.",
    responses((status = 200, body = EmergencyRecord), (status = 403, description = "its hour is over, or it is another's"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn record(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<EmergencyAccessId>,
) -> Result<Json<EmergencyRecord>, Problem> {
    Ok(Json(record_of(&app, &ctx, id).await?))
}

/// The record that an opening opens to the caller now.
pub(in crate::emergency) async fn record_of(
    app: &App,
    ctx: &Ctx,
    id: EmergencyAccessId,
) -> Result<EmergencyRecord, Problem> {
    let mut conn = app.deps.db.read().await?;
    let access = store::load(&mut conn, ctx, id, EmergencyAction::Read).await?;
    if access.decide(ctx, EmergencyAction::ReadRecord) != Decision::Allow {
        let (zh, en) = ("这次紧急查阅已结束，或不是您打开的", "This opening is over, or not yours");
        return Err(Problem::forbidden().detail(zh, en));
    }
    let id = access.person_id.ok_or_else(Problem::lacking)?;
    let person = person::find(&mut conn, id).await?.ok_or_else(Problem::lacking)?;
    // The person first: the audit row is about whom it shows first.
    let person = PersonView::of(person, &ctx.shows, &app.deps.fields);
    let mut consults = consult::of_person(&mut conn, ctx, id, CONSULTS_MAX + 1).await?;
    let more = consults.len() > CONSULTS_MAX;
    consults.truncate(CONSULTS_MAX);
    Ok(EmergencyRecord { access: EmergencyAccessView::of(&access, ctx), person, consults, more })
}
