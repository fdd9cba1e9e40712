//! A day of visits for the demo's caregivers: some done, one going on, some to come, some to schedule.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::bus::Outbox;
use sanbao_platform::db::Tx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, StepError, advance};
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::agency::Agency;
use super::consumer::consumer;
use super::id::VisitId;
use super::input::ProofBody;
use super::model::Visit;
use super::proof::{ProofKind, ProofMethod};
use super::state::{Slot, VisitStateName, VisitStep};
use super::steps::take_time;
use super::store::{self, VisitFilter};
use crate::App;
use crate::account::AccountId;
use crate::calendar::{Interval, ReserveError};

/// The caregiver (by place), minutes from now to the start, and how long it lasts; what a visitor tries first
/// stands first, for there may be few orders.
const DAY: &[(usize, i64, i64)] = &[
    (0, 60, 60),
    (1, -150, 90),
    (2, -20, 60),
    (0, 150, 60),
    (1, 30, 60),
    (0, -180, 60),
    (2, 90, 90),
    (0, -25, 60),
    (1, 180, 60),
];
/// 招宝山
const PLACE: (f64, f64) = (29.9546, 121.7167);

/// Takes the accepted requests out of the log of needs-analysis and gives some of them a caregiver
/// and a time of today; the others wait for the dispatcher. Returns how many were planned.
pub async fn fill(app: &App, requests: &Outbox, agency: Uuid, caregivers: &[Uuid]) -> Result<u64, Problem> {
    consumer(app).catch_up(requests).await?;
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    let agency = Agency::find(&mut tx, OrganisationId(agency)).await?.ok_or_else(Problem::not_found)?;
    let waiting = VisitFilter {
        agency: agency.id,
        state: Some(VisitStateName::Requested),
        caregiver: None,
        from: now - Duration::days(365),
        until: now + Duration::days(365),
        after: (now - Duration::days(365), VisitId(Uuid::nil())),
        limit: 200,
    };
    let waiting = store::list(&mut tx, &waiting).await?;
    // A third stays unplanned, for visitors who try the dispatcher's page.
    let planned = waiting.len() - waiting.len() / 3;
    let (today, _) = agency.days(agency.today(now), 1);
    let mut done = 0;
    let plan = DAY.iter().filter(|(_, from, _)| now + Duration::minutes(*from) >= today);
    for (visit, (who, from, minutes)) in waiting.into_iter().take(planned).zip(plan) {
        let Some(caregiver) = caregivers.get(*who).copied().map(AccountId) else { continue };
        // Times that people would choose: full quarters of an hour.
        let start = now + Duration::minutes(*from);
        let start = start - Duration::seconds(start.timestamp().rem_euclid(900));
        let Ok(interval) = Interval::of_minutes(start, *minutes) else { continue };
        done += u64::from(live_through(&mut tx, now, visit, Slot { caregiver, interval }).await?);
    }
    audit::record_as(&mut tx, now, None, "visit.demo", "visit", None, "demo", "done").await?;
    tx.commit().await?;
    Ok(done)
}

/// Plans a visit and lets it go as far as the time has gone; whether it was planned.
async fn live_through(tx: &mut Tx, now: DateTime<Utc>, visit: Visit, slot: Slot) -> Result<bool, Problem> {
    let (starts, ends) = (slot.interval.starts_at(), slot.interval.ends_at());
    match take_time(tx, now, &visit, slot).await {
        Ok(()) => {}
        Err(ReserveError::Taken | ReserveError::Full) => return Ok(false),
        Err(ReserveError::Db(error)) => return Err(error.into()),
    }
    let at = now.min(starts - Duration::minutes(30));
    let visit = step(tx, at, visit, VisitStep::Schedule(slot)).await?;
    let came = starts + Duration::minutes(3);
    if came > now {
        return Ok(true);
    }
    let proof = there().proof(ProofKind::CheckIn, came, now, slot.caregiver);
    let visit = step(tx, came, visit, VisitStep::CheckIn(proof)).await?;
    let left = ends - Duration::minutes(2);
    if left > now {
        return Ok(true);
    }
    let proof = there().proof(ProofKind::CheckOut, left, now, slot.caregiver);
    step(tx, left, visit, VisitStep::CheckOut(proof)).await?;
    Ok(true)
}

async fn step(tx: &mut Tx, at: DateTime<Utc>, visit: Visit, step: VisitStep) -> Result<Visit, StepError> {
    advance(tx, &By::Automatic { cause: "demo", at, actor: None }, visit, step).await
}

fn there() -> ProofBody {
    ProofBody {
        at: None,
        method: ProofMethod::Gps,
        latitude: Some(PLACE.0),
        longitude: Some(PLACE.1),
        accuracy_m: Some(15.0),
        note: None,
    }
}
