//! Reading and writing what is known of caregivers.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Page, Paging, Path, Query, Routes};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::fit::misfits;
use super::input::{CaregiverBody, CaregiverWeek};
use super::model::Profile;
use super::policy::{CaregiverAction, CaregiverRelation, allows};
use super::store;
use super::view::{CaregiverHours, CaregiverLine, CaregiverView, FitView};
use crate::App;
use crate::account::AccountId;
use crate::calendar::Interval;
use crate::calendar::week::{self, HOURS_LINES_MAX};
use crate::visit::agency::{Agency, Caregiver};
use crate::visit::id::VisitId;
use crate::visit::policy::{VisitAction, VisitStance};
use crate::visit::store as visits;

/// The name of a caregiver in the audit log.
const NAME: &str = "caregiver";

/// All of them.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(one, write))
        .routes(routes!(hours))
        .routes(routes!(paint))
        .routes(routes!(fit))
}

/// A caregiver of the caller's agency, if the caller may do this.
pub(super) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: AccountId,
    action: CaregiverAction,
) -> Result<(Agency, Caregiver), Problem> {
    let own = AccountId::from(ctx.actor.subject) == id;
    let agency = Agency::find(conn, ctx.actor.organisation).await?.ok_or_else(Problem::not_found)?;
    let found = agency.caregiver(conn, id).await?;
    let relation = match &found {
        Some(_) if own => CaregiverRelation::Own,
        Some(_) => CaregiverRelation::Agency,
        None => CaregiverRelation::Stranger,
    };
    allows(&ctx.actor, action, relation).require()?;
    Ok((agency, found.ok_or_else(Problem::not_found)?))
}

/// The agency's caregivers with their skills, by name.
pub(super) async fn lines(conn: &mut Conn, ctx: &Ctx, paging: &Paging) -> Result<Page<CaregiverLine>, Problem> {
    allows(&ctx.actor, CaregiverAction::List, CaregiverRelation::Agency).require()?;
    let agency = Agency::of_caller(conn, ctx).await?;
    let (today, limit) = (agency.today(ctx.now()), paging.limit()?);
    let mut known = store::all(conn, &agency).await?;
    let line = |Caregiver { id, name }| {
        let known = known.remove(&id).unwrap_or_default();
        let has_hours = known.hours.iter().any(|line| line.valid_to.is_none_or(|last| last >= today));
        let held = known.skills.into_iter().filter(|(_, until)| until.is_none_or(|last| last >= today));
        CaregiverLine { id, name, skills: held.map(|(skill, _)| skill).collect(), has_hours }
    };
    let rows = agency.caregivers_after(conn, paging.after()?, limit + 1).await?;
    Ok(Page::of(rows, limit, |caregiver| (caregiver.name.clone(), caregiver.id)).map(line))
}

/// The agency's active caregivers by name, with the skills that hold today (its dispatchers and administrators).
#[utoipa::path(get, path = "/v1/caregivers", tag = "visits", params(Paging),
    responses((status = 200, body = Page<CaregiverLine>), (status = 403), (status = 422)))]
async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CaregiverLine>>, Problem> {
    Ok(Json(lines(&mut app.deps.db.read().await?, &ctx, &paging).await?))
}

/// The facts that are known of a caregiver (dispatchers and administrators of the agency; the caregiver).
#[utoipa::path(get, path = "/v1/caregivers/{id}", tag = "visits", params(("id" = AccountId, Path)),
    responses((status = 200, body = CaregiverView), (status = 404)))]
async fn one(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<CaregiverView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let (agency, caregiver) = load(&mut conn, &ctx, id, CaregiverAction::Read).await?;
    let profile = store::find(&mut conn, agency.id, id).await?;
    Ok((ETag(profile.version), Json(CaregiverView::of(caregiver, profile))))
}

/// Writes down what is known of a caregiver, in the place of what was; nothing is refused by it later (dispatchers and
/// administrators of the agency). Takes If-Match.
#[utoipa::path(put, path = "/v1/caregivers/{id}", tag = "visits", params(("id" = AccountId, Path)), request_body = CaregiverBody,
    responses((status = 200, body = CaregiverView), (status = 403), (status = 404), (status = 412), (status = 422)))]
async fn write(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    if_match: IfMatch,
    Json(body): Json<CaregiverBody>,
) -> Result<(ETag, Json<CaregiverView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (agency, caregiver) = load(&mut tx, &ctx, id, CaregiverAction::Write).await?;
    store::hold(&mut tx, id).await?;
    let Profile { version, .. } = store::find(&mut tx, agency.id, id).await?;
    if_match.check(version)?;
    let profile = body.checked(&mut tx, version).await?;
    store::write(&mut tx, agency.id, id, &profile, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "caregiver.profile", NAME, id).await?;
    tx.commit().await?;
    Ok((ETag(profile.version), Json(CaregiverView::of(caregiver, profile))))
}

/// A caregiver's weekly hours (dispatchers and administrators of the agency; the caregiver).
#[utoipa::path(get, path = "/v1/caregivers/{id}/hours", tag = "visits", params(("id" = AccountId, Path)),
    responses((status = 200, body = CaregiverHours), (status = 404)))]
async fn hours(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<CaregiverHours>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let (agency, _) = load(&mut conn, &ctx, id, CaregiverAction::Read).await?;
    let weekly = store::weekly(&mut conn, agency.id, id).await?;
    let planned = store::planned(&mut conn, agency.id, id, ctx.now()).await?;
    Ok((ETag(week::version(&weekly)), Json(CaregiverHours::of(agency.zone, &weekly, planned))))
}

/// The plan that is asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FitQuery {
    caregiver: AccountId,
    /// The first moment.
    #[param(value_type = chrono::DateTime<chrono::Utc>)]
    starts_at: Moment,
    /// The first moment after it.
    #[param(value_type = chrono::DateTime<chrono::Utc>)]
    ends_at: Moment,
}

/// Whether a caregiver at a time fits a visit, as far as anything is known of her: words for the one who plans; a plan is never
/// refused by them (dispatchers of the agency).
#[utoipa::path(get, path = "/v1/visits/{id}/fit", tag = "visits", params(("id" = VisitId, Path), FitQuery),
    responses((status = 200, body = FitView), (status = 403), (status = 404), (status = 422)))]
async fn fit(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    Query(query): Query<FitQuery>,
) -> Result<Json<FitView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let visit = visits::find(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let agency = Agency::find(&mut conn, visit.agency).await?.ok_or_else(Problem::not_found)?;
    VisitStance::of(&ctx, &agency, &visit, &app.config.visit).decide(&ctx, VisitAction::Schedule).require()?;
    let (time, id) = (Interval::new(*query.starts_at, *query.ends_at), query.caregiver);
    let time =
        time.map_err(|_| Problem::field("?ends_at", "结束时间要在开始之后", "The end is not after the start"))?;
    agency.caregiver(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let known = store::of_one(&mut conn, agency.id, id).await?;
    Ok(Json(FitView { doubts: misfits(&known, agency.zone, &visit.details.service_type, time) }))
}

/// Whether only to try.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CaregiverWeekQuery {
    /// Do all but write; `outside` of the answer says what would lie outside.
    #[serde(default)]
    dry_run: bool,
}

/// Paints a caregiver's week for the days from one to another: on these its hours hold and no others, on all other days
/// what held before. Planned visits stay planned; the answer says what lies outside (dispatchers and administrators of the
/// agency). Takes If-Match.
#[utoipa::path(put, path = "/v1/caregivers/{id}/week", tag = "visits", params(("id" = AccountId, Path), CaregiverWeekQuery),
    request_body = CaregiverWeek,
    responses((status = 200, body = CaregiverHours), (status = 403), (status = 404), (status = 412), (status = 422)))]
async fn paint(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Query(query): Query<CaregiverWeekQuery>,
    if_match: IfMatch,
    Json(body): Json<CaregiverWeek>,
) -> Result<(ETag, Json<CaregiverHours>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (agency, _) = load(&mut tx, &ctx, id, CaregiverAction::Write).await?;
    store::hold(&mut tx, id).await?;
    let before = store::weekly(&mut tx, agency.id, id).await?;
    if_match.check(week::version(&before))?;
    let after = week::repaint(&before, &body.checked()?, body.days(), agency.today(ctx.now()));
    if after.len() > HOURS_LINES_MAX {
        return Err(Problem::field("/week", "时段太多，最多 50 段", "Too many stretches: at most 50"));
    }
    let planned = store::planned(&mut tx, agency.id, id, ctx.now()).await?;
    let view = CaregiverHours::of(agency.zone, &after, planned);
    if !query.dry_run {
        store::replace_weekly(&mut tx, agency.id, id, &after, ctx.now()).await?;
        audit::record(&mut tx, &ctx, "caregiver.hours", NAME, id).await?;
        tx.commit().await?;
    }
    Ok((ETag(week::version(&after)), Json(view)))
}
