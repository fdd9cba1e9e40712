//! What every change of a visit shares: load, decide, and one transaction of row, event and audit.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::bus;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::agency::Agency;
use super::config::VisitConfig;
use super::policy::{self, Action};
use super::state::State;
use super::store::{self, Visit, VisitId};
use super::view::VisitView;
use crate::App;

/// The topic of live lists; keys are the agency and each caregiver's account.
pub const TOPIC: &str = "visits";

/// What the calendar knows visits as.
pub const HOLDER: &str = "visit";

/// The data of `booking.visit.*`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct VisitEvent {
    /// The visit.
    pub visit_id: VisitId,
    /// The request it came from.
    pub request_id: Uuid,
    /// When it took place.
    pub at: DateTime<Utc>,
}

/// A visit the caller may do something with, and the agency it belongs to.
#[derive(Debug)]
pub struct Loaded {
    /// The visit.
    pub visit: Visit,
    /// Its agency.
    pub agency: Agency,
}

/// The caller's agency; others make no visits.
pub async fn agency_of(conn: &mut Conn, organisation: OrganisationId) -> Result<Agency, Problem> {
    Agency::find(conn, organisation).await?.ok_or_else(Problem::forbidden)
}

/// Whether the caller may do `action` with `visit`.
pub fn allowed(ctx: &Ctx, agency: &Agency, visit: &Visit, action: Action) -> Result<(), Problem> {
    policy::allows(&ctx.actor, action, relation(ctx, agency, visit)).require()
}

fn relation(ctx: &Ctx, agency: &Agency, visit: &Visit) -> policy::Relation {
    let soon = visit.state.slot().is_some_and(|s| agency.is_soon(ctx.now(), s.interval.starts_at()));
    policy::relation(&ctx.actor, visit, soon)
}

/// The visit, if the caller may do `action` with it as it was read.
pub async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: VisitId,
    action: Action,
    if_match: IfMatch,
) -> Result<Loaded, Problem> {
    let visit = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let agency = Agency::find(conn, visit.agency).await?.ok_or_else(Problem::not_found)?;
    allowed(ctx, &agency, &visit, action)?;
    if_match.check(visit.version)?;
    Ok(Loaded { visit, agency })
}

/// A change that is to be made true.
#[derive(Debug)]
pub struct Step {
    /// The new state.
    pub state: State,
    /// `scheduled`: the last part of the event's kind.
    pub event: &'static str,
    /// When it took place.
    pub at: DateTime<Utc>,
}

/// Stores the new state with its event and tells live lists; who is asked to record the audit row is the caller.
/// `None` when somebody else changed the visit since it was read.
pub async fn apply(tx: &mut Tx, now: DateTime<Utc>, visit: Visit, step: Step) -> Result<Option<Visit>, DbError> {
    let before = visit.state.slot().map(|s| s.caregiver);
    let mut visit = Visit { state: step.state, ..visit };
    if !store::update(tx, &visit).await? {
        return Ok(None);
    }
    visit.version += 1;
    let data = VisitEvent { visit_id: visit.id, request_id: visit.request_id, at: step.at };
    bus::publish(tx, now, &format!("booking.visit.{}", step.event), visit.id, &data).await?;
    tx.touch(TOPIC, visit.agency);
    for caregiver in before.into_iter().chain(visit.state.slot().map(|s| s.caregiver)) {
        tx.touch(TOPIC, caregiver);
    }
    Ok(Some(visit))
}

/// As [`apply`], for a caller: with the audit row, and a lost race as a problem.
pub async fn save(tx: &mut Tx, ctx: &Ctx, action: &str, visit: Visit, step: Step) -> Result<Visit, Problem> {
    let id = visit.id;
    let Some(mut visit) = apply(tx, ctx.now(), visit, step).await? else {
        return Err(Problem::new(&CONFLICT).detail(
            "这次上门刚被别人改过,请刷新后再试",
            "Somebody else has just changed this visit; reload and try again",
        ));
    };
    audit::record(tx, ctx, action, "visit", id).await?;
    // The joined name may be of the caregiver before.
    if let Some(read) = store::find(tx, id).await? {
        visit.caregiver_name = read.caregiver_name;
    }
    Ok(visit)
}

/// The visit as the caller may see it.
pub fn view(ctx: &Ctx, agency: &Agency, visit: Visit, limits: &VisitConfig) -> VisitView {
    let contact = policy::allows(&ctx.actor, Action::ViewContact, relation(ctx, agency, &visit)).require().is_ok();
    VisitView::of(visit, contact, ctx.now(), limits)
}

/// Commits a change and answers with the visit as the caller may see it, its version as entity tag.
pub async fn answer(
    app: &App,
    ctx: &Ctx,
    agency: &Agency,
    mut tx: Tx,
    key: &Idempotency,
    visit: Visit,
) -> Result<Response, Problem> {
    let tag = ETag(visit.version);
    let view = view(ctx, agency, visit, &app.config.visit);
    let response = key.finish(&mut tx, ctx, StatusCode::OK, &view).await?;
    tx.commit().await?;
    Ok((tag, response).into_response())
}
