//! The rules of the calendar: of a doctor, and of a hospital for all of its doctors.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{hours, workdays};
use crate::App;
use crate::account::AccountId;
use crate::consult::practitioner::rules::{self, CalendarRule};

/// A rule, and the one that holds with what the hospital rules for all.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct CalendarRuleView {
    /// The part that is ruled here.
    pub own: CalendarRule,
    /// The rule that holds: the own one, and where that says nothing the hospital's.
    pub in_effect: CalendarRule,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

impl CalendarRuleView {
    fn of((own, version): (CalendarRule, i64), house: CalendarRule) -> (ETag, Json<Self>) {
        (ETag(version), Json(Self { own, in_effect: own.over(house), version }))
    }
}

/// The rule of a doctor's calendar.
#[utoipa::path(get, path = "/v1/practitioners/{id}/rules", tag = "consults", params(("id" = AccountId, Path)),
    description = "Permission: the doctor; the hospital's administrator; that of the office that governs it.",
    responses((status = 200, body = CalendarRuleView), (status = 403), (status = 404)))]
pub async fn read(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<CalendarRuleView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let doctor = hours::own(&mut conn, &ctx, id).await?;
    let stored = rules::find(&mut conn, doctor.organisation_id, Some(id)).await?;
    Ok(CalendarRuleView::of(stored.own, stored.house.0))
}

/// Puts a rule in the place of a doctor's. The search and every booking keep it from now on; what is booked stays.
#[utoipa::path(put, path = "/v1/practitioners/{id}/rules", tag = "consults", params(("id" = AccountId, Path)), request_body = CalendarRule,
    description = "Permission: as for reading. Takes If-Match. Audited.",
    responses((status = 200, body = CalendarRuleView), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn set(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    if_match: IfMatch,
    Json(body): Json<CalendarRule>,
) -> Result<(ETag, Json<CalendarRuleView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let doctor = hours::own(&mut tx, &ctx, id).await?;
    let rule = body.checked()?;
    let stored = rules::find(&mut tx, doctor.organisation_id, Some(id)).await?;
    if_match.check(stored.own.1)?;
    let by = (ctx.actor.subject.into(), ctx.now());
    rules::set(&mut tx, (doctor.organisation_id, id.0), rule, stored.own.1, by).await?;
    audit::record(&mut tx, &ctx, "practitioner.calendar_rule", "practitioner", id).await?;
    tx.commit().await?;
    Ok(CalendarRuleView::of((rule, stored.own.1 + 1), stored.house.0))
}

/// The rule of a hospital for all of its doctors.
#[utoipa::path(get, path = "/v1/organisations/{id}/calendar-rules", tag = "consults", params(("id" = OrganisationId, Path)),
    description = "Permission: the hospital's administrator; that of the office that governs it.",
    responses((status = 200, body = CalendarRuleView), (status = 403), (status = 404)))]
pub async fn read_all(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<OrganisationId>,
) -> Result<(ETag, Json<CalendarRuleView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    workdays::own(&mut conn, &ctx, id).await?;
    let stored = rules::find(&mut conn, id, None).await?;
    Ok(CalendarRuleView::of(stored.house, CalendarRule::default()))
}

/// Puts a rule in the place of a hospital's. A doctor's own goes before it, part by part.
#[utoipa::path(put, path = "/v1/organisations/{id}/calendar-rules", tag = "consults", params(("id" = OrganisationId, Path)),
    request_body = CalendarRule, description = "Permission: as for reading. Takes If-Match. Audited.",
    responses((status = 200, body = CalendarRuleView), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn set_all(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<OrganisationId>,
    if_match: IfMatch,
    Json(body): Json<CalendarRule>,
) -> Result<(ETag, Json<CalendarRuleView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    workdays::own(&mut tx, &ctx, id).await?;
    let rule = body.checked()?;
    let stored = rules::find(&mut tx, id, None).await?;
    if_match.check(stored.house.1)?;
    let by = (ctx.actor.subject.into(), ctx.now());
    rules::set(&mut tx, (id, id.0), rule, stored.house.1, by).await?;
    audit::record(&mut tx, &ctx, "organisation.calendar_rule", "organisation", id).await?;
    tx.commit().await?;
    Ok(CalendarRuleView::of((rule, stored.house.1 + 1), CalendarRule::default()))
}
