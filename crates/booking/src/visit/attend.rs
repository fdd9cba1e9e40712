//! The caregiver's steps: come, and leave, each with its proof.

use axum::extract::State as AppState;
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::http::{Ctx, Idempotency, IfMatch, Json, Path};
use sanbao_platform::problem::Problem;

use super::change::{self, HOLDER, Loaded, Step};
use super::config::VisitConfig;
use super::policy::Action;
use super::problems::OUTSIDE_WINDOW;
use super::proof::{self, ProofBody, ProofKind, check_in_window};
use super::state::State;
use super::store::VisitId;
use super::view::VisitView;
use crate::App;
use crate::calendar;

/// The assigned caregiver has come. A retry with the same `Idempotency-Key` counts once.
#[utoipa::path(post, path = "/v1/visits/{id}/check-in", tag = "visits", request_body = ProofBody,
    responses((status = 200, body = VisitView), (status = 409, description = "outside-window with from and until, or invalid-transition")))]
pub async fn check_in(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    key: Idempotency,
    Json(body): Json<ProofBody>,
) -> Result<Response, Problem> {
    let (now, limits) = (ctx.now(), &app.config.visit);
    body.check()?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "visit.check_in", &(id, &body)).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, &ctx, id, Action::CheckIn, IfMatch(None)).await?;
    let at = body.moment(now, limits)?;
    let state = visit.state.clone().check_in(at)?;
    within_window(&state, at, limits)?;
    proof::insert(&mut tx, id, &body.proof(ProofKind::CheckIn, at, now, ctx.actor.subject.into())).await?;
    let visit = change::save(&mut tx, &ctx, "visit.check_in", visit, Step { state, event: "started", at }).await?;
    change::answer(&app, &ctx, &agency, tx, &key, visit).await
}

/// The assigned caregiver leaves; the visit is done.
#[utoipa::path(post, path = "/v1/visits/{id}/check-out", tag = "visits", request_body = ProofBody,
    responses((status = 200, body = VisitView), (status = 409, description = "invalid-transition")))]
pub async fn check_out(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    key: Idempotency,
    Json(body): Json<ProofBody>,
) -> Result<Response, Problem> {
    let (now, limits) = (ctx.now(), &app.config.visit);
    body.check()?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "visit.check_out", &(id, &body)).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, &ctx, id, Action::CheckOut, IfMatch(None)).await?;
    let at = body.moment(now, limits)?;
    let state = visit.state.clone().check_out(at)?;
    after_check_in(&state, at, limits)?;
    proof::insert(&mut tx, id, &body.proof(ProofKind::CheckOut, at, now, ctx.actor.subject.into())).await?;
    // What is left of the planned time is free again.
    calendar::release(&mut tx, HOLDER, id.0).await?;
    let visit = change::save(&mut tx, &ctx, "visit.check_out", visit, Step { state, event: "completed", at }).await?;
    change::answer(&app, &ctx, &agency, tx, &key, visit).await
}

fn within_window(state: &State, at: DateTime<Utc>, limits: &VisitConfig) -> Result<(), Problem> {
    let Some(slot) = state.slot() else { return Ok(()) };
    let (from, until) = check_in_window(&slot, limits);
    if from <= at && at <= until {
        return Ok(());
    }
    let (zh, en) = if at < from {
        ("还太早,请在约定时间前一小时内签到", "Too early: check in within the hour before the planned time")
    } else {
        ("约定时间已过去太久,请联系调度员", "The planned time is long past: call the dispatcher")
    };
    Err(Problem::new(&OUTSIDE_WINDOW).detail(zh, en).with("from", from).with("until", until))
}

fn after_check_in(state: &State, at: DateTime<Utc>, limits: &VisitConfig) -> Result<(), Problem> {
    let Some(came) = state.checked_in_at() else { return Ok(()) };
    if at < came {
        return Err(Problem::field("/at", "离开时间早于到达时间", "The end is before the check-in"));
    }
    let hours = limits.check_out_hours_max;
    if at > came + Duration::hours(hours) {
        return Err(Problem::field(
            "/at",
            format!("离到达已超过 {hours} 小时,请填写真实的离开时间"),
            format!("More than {hours} hours after the check-in; give the true time"),
        ));
    }
    Ok(())
}
