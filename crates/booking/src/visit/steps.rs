//! A visit's way through its life: what each step asks for, takes and frees.

use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, By, Call, Change, Lifecycle, Order, StepAnswer, StepError, seen};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::agency::Agency;
use super::alternatives;
use super::config::VisitConfig;
use super::id::VisitId;
use super::input::{ProofBody, ReasonBody, ScheduleBody, check_in_window};
use super::model::Visit;
use super::policy::{VisitAction, VisitStance};
use super::problems::OUTSIDE_WINDOW;
use super::proof::{self, Proof, ProofKind};
use super::state::{Closing, Slot, VisitState, VisitStep, VisitStepName};
use super::view::VisitView;
use super::{events, store};
use crate::App;
use crate::account::person::join::resources_of;
use crate::account::person::require_here;
use crate::calendar::{self, Booking, ReserveError, SLOT_TAKEN};

/// The topic of live lists; keys are the agency and each caregiver's account.
pub const TOPIC: &str = "visits";

/// The calendar's name for visits.
pub const HOLDER: &str = "visit";

/// The permission that a step needs; `None` for what only events do.
fn action_of(step: VisitStepName) -> Option<VisitAction> {
    match step {
        VisitStepName::Schedule => Some(VisitAction::Schedule),
        VisitStepName::Reschedule | VisitStepName::Exchange => Some(VisitAction::Reschedule),
        VisitStepName::CheckIn => Some(VisitAction::CheckIn),
        VisitStepName::CheckOut => Some(VisitAction::CheckOut),
        VisitStepName::NoShow => Some(VisitAction::NoShow),
        VisitStepName::Cancel => Some(VisitAction::Cancel),
        VisitStepName::Repeat => Some(VisitAction::Repeat),
        VisitStepName::Update => None,
    }
}

/// The step that calls a visit off at a moment, in these words.
pub(crate) fn called_off(at: DateTime<Utc>, words: &str) -> VisitStep {
    VisitStep::Cancel(Closing { at, reason: words.to_owned() })
}

impl Lifecycle for Visit {
    const NAME: &'static str = "visit";
    const CREATED: &'static str = "order";
    const TOPIC: &'static str = TOPIC;

    type App = App;
    type Id = VisitId;
    type State = VisitState;
    type Stance = VisitStance;
    type View = VisitView;

    fn id(&self) -> VisitId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &VisitState {
        &self.state
    }

    fn legal(&self) -> Vec<VisitStepName> {
        let mut legal = lifecycle::State::legal(&self.state);
        // Another order follows only while the request stands, and once.
        legal.retain(|step| *step != VisitStepName::Repeat || !(self.request_withdrawn || self.followed));
        legal
    }

    fn advanced(self, state: VisitState, step: &VisitStep, _at: DateTime<Utc>) -> Self {
        let details = if let VisitStep::Update(details) = step { details.clone() } else { self.details };
        Self { state, details, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: VisitId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn hold(tx: &mut Tx, ids: &[VisitId]) -> Result<(), DbError> {
        store::hold(tx, ids).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await,
        }
    }

    async fn follow_up(tx: &mut Tx, _by: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes {
            let id = change.after.id;
            if let Some(VisitStep::CheckIn(proof) | VisitStep::CheckOut(proof)) = &change.step {
                proof::insert(tx, id, proof).await?;
            }
            // The rest of the planned time is free again.
            if !change.after.state.name().is_open() {
                calendar::release(tx, HOLDER, id.0).await?;
            }
        }
        Ok(())
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        events::of(by.at(), change)
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        let caregiver = |visit: &Self| visit.state.slot().map(|slot| slot.caregiver.0);
        let before = change.before.as_ref().and_then(caregiver);
        std::iter::once(change.after.agency.0).chain(before).chain(caregiver(&change.after)).collect()
    }

    async fn stance(&self, app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<VisitStance, Problem> {
        let agency = agency_of(conn, self).await?;
        Ok(VisitStance::of(ctx, &agency, self, &app.config.visit))
    }

    fn sees(ctx: &Ctx, stance: &VisitStance) -> Decision {
        stance.decide(ctx, VisitAction::View)
    }

    fn allows(ctx: &Ctx, stance: &VisitStance, step: VisitStepName) -> Decision {
        action_of(step).map_or(Decision::Forbid, |action| stance.decide(ctx, action))
    }

    fn timely(_ctx: &Ctx, stance: &VisitStance, step: VisitStepName) -> bool {
        match step {
            VisitStepName::NoShow => stance.begun(),
            VisitStepName::CheckIn => stance.door_open(),
            VisitStepName::Exchange => !stance.begun(),
            _ => true,
        }
    }

    async fn view(app: &App, conn: &mut Conn, ctx: &Ctx, id: VisitId) -> Result<VisitView, Problem> {
        let visit = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        let agency = agency_of(conn, &visit).await?;
        Ok(VisitView::of(ctx, &agency, visit, &app.config.visit))
    }
}

pub(super) async fn agency_of(conn: &mut Conn, visit: &Visit) -> Result<Agency, Problem> {
    Agency::find(conn, visit.agency).await?.ok_or_else(Problem::not_found)
}

/// A wish of a dispatcher or a caregiver.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitOrder {
    /// Give it a caregiver and a time.
    Schedule(ScheduleBody),
    /// Give it others.
    Reschedule(ScheduleBody),
    /// Say that one has come.
    CheckIn(ProofBody),
    /// Say that one leaves.
    CheckOut(ProofBody),
    /// Say that nobody was met.
    NoShow(ReasonBody),
    /// Call it off.
    Cancel(ReasonBody),
    /// Order it again.
    Repeat,
}

impl Order<Visit> for VisitOrder {
    fn step(&self) -> VisitStepName {
        use VisitStepName as N;
        match self {
            Self::Schedule(_) => N::Schedule,
            Self::Reschedule(_) => N::Reschedule,
            Self::CheckIn(_) => N::CheckIn,
            Self::CheckOut(_) => N::CheckOut,
            Self::NoShow(_) => N::NoShow,
            Self::Cancel(_) => N::Cancel,
            Self::Repeat => N::Repeat,
        }
    }

    async fn prepare(&self, call: Call<'_, Visit>, tx: &mut Tx, visit: &Visit) -> Result<VisitStep, Problem> {
        let (now, limits) = (call.ctx.now(), &call.app.config.visit);
        Ok(match self {
            Self::Schedule(body) => VisitStep::Schedule(planned(call, tx, visit, body).await?),
            Self::Reschedule(body) => VisitStep::Reschedule(planned(call, tx, visit, body).await?),
            Self::CheckIn(body) => VisitStep::CheckIn(came(call.ctx, visit, body, limits)?),
            Self::CheckOut(body) => VisitStep::CheckOut(left(call.ctx, visit, body, limits)?),
            Self::NoShow(body) => {
                not_early(visit, now)?;
                VisitStep::NoShow(body.closing(now)?)
            }
            Self::Cancel(body) => VisitStep::Cancel(body.closing(now)?),
            Self::Repeat => VisitStep::Repeat(ordered_again(call.ctx, tx, visit).await?),
        })
    }

    async fn answer(&self, call: Call<'_, Visit>, tx: &mut Tx, after: Visit) -> Result<StepAnswer, Problem> {
        if !matches!(self, Self::Repeat) {
            return seen(call, tx, after).await;
        }
        let again = store::newest(tx, after.request_id).await?.ok_or_else(Problem::not_found)?;
        Ok(StepAnswer { status: StatusCode::CREATED, ..seen(call, tx, again).await? })
    }

    async fn explain(&self, call: Call<'_, Visit>, visit: &Visit, problem: Problem) -> Problem {
        match self {
            Self::Schedule(body) | Self::Reschedule(body) if *problem.kind() == SLOT_TAKEN => {
                alternatives::problem(call.app, visit, body).await
            }
            Self::Repeat if visit.request_withdrawn => problem.detail("这个需求已取消", "The request was cancelled"),
            Self::Repeat if visit.followed => already_ordered(),
            _ => problem,
        }
    }
}

/// The caregiver's and the elder's time, in place of what the visit had.
async fn planned(call: Call<'_, Visit>, tx: &mut Tx, visit: &Visit, body: &ScheduleBody) -> Result<Slot, Problem> {
    store::hold(tx, &[visit.id]).await?;
    let (now, agency) = (call.ctx.now(), agency_of(tx, visit).await?);
    require_here(tx, visit.person).await?;
    let slot = body.slot(tx, now, &call.app.config.visit, &agency).await?;
    take_time(tx, now, visit, slot).await?;
    Ok(slot)
}

/// Takes the caregiver's and the elder's time. Where the visit had another, that is given up; when the new one is
/// taken, the caller undoes the transaction.
pub(super) async fn take_time(tx: &mut Tx, now: DateTime<Utc>, visit: &Visit, slot: Slot) -> Result<(), ReserveError> {
    let mut resources = resources_of(tx, now, visit.person).await?;
    resources.push(slot.caregiver.0);
    let booking =
        Booking { holder_kind: HOLDER, holder_id: visit.id.0, resources: &resources, interval: slot.interval };
    match visit.state.slot() {
        Some(_) => calendar::relocate(tx, now, &booking).await,
        None => calendar::reserve(tx, now, &booking).await,
    }
}

fn not_early(visit: &Visit, now: DateTime<Utc>) -> Result<(), Problem> {
    match visit.state.slot().map(|slot| slot.interval.starts_at()).filter(|starts| *starts > now) {
        None => Ok(()),
        Some(starts) => Err(Problem::new(&OUTSIDE_WINDOW)
            .detail("还没到约定的时间", "The planned time has not come yet")
            .with("from", starts)),
    }
}

fn came(ctx: &Ctx, visit: &Visit, body: &ProofBody, limits: &VisitConfig) -> Result<Proof, Problem> {
    body.check()?;
    let at = body.moment(ctx.now(), limits)?;
    if let Some(slot) = visit.state.slot() {
        within_window(&slot, at, limits)?;
    }
    Ok(body.clone().proof(ProofKind::CheckIn, at, ctx.now(), ctx.actor.subject.into()))
}

fn left(ctx: &Ctx, visit: &Visit, body: &ProofBody, limits: &VisitConfig) -> Result<Proof, Problem> {
    body.check()?;
    let at = body.moment(ctx.now(), limits)?;
    if let Some(came) = visit.state.checked_in_at() {
        after_check_in(came, at, limits)?;
    }
    Ok(body.clone().proof(ProofKind::CheckOut, at, ctx.now(), ctx.actor.subject.into()))
}

fn within_window(slot: &Slot, at: DateTime<Utc>, limits: &VisitConfig) -> Result<(), Problem> {
    let (from, until) = check_in_window(slot, limits);
    if from <= at && at <= until {
        return Ok(());
    }
    let (zh, en) = if at < from {
        ("还太早，请在约定时间前一小时内签到", "Too early: check in within the hour before the planned time")
    } else {
        ("约定时间已过去太久，请联系调度员", "The planned time is long past: call the dispatcher")
    };
    Err(Problem::new(&OUTSIDE_WINDOW).detail(zh, en).with("from", from).with("until", until))
}

fn after_check_in(came: DateTime<Utc>, at: DateTime<Utc>, limits: &VisitConfig) -> Result<(), Problem> {
    if at < came {
        return Err(Problem::field("/at", "离开时间早于到达时间", "The end is before the check-in"));
    }
    let hours = limits.check_out_hours_max;
    if at > came + Duration::hours(hours) {
        return Err(Problem::field(
            "/at",
            format!("离到达已超过 {hours} 小时，请填写真实的离开时间"),
            format!("More than {hours} hours after the check-in; give the true time"),
        ));
    }
    Ok(())
}

/// Makes the order that follows one that did not take place.
async fn ordered_again(ctx: &Ctx, tx: &mut Tx, visit: &Visit) -> Result<VisitId, Problem> {
    require_here(tx, visit.person).await?;
    let again = visit.again(VisitId::new(ctx.now()), ctx.now());
    let id = again.id;
    match lifecycle::create(tx, &By::Person(ctx), again).await {
        Ok(()) => Ok(id),
        Err(StepError::Overtaken) => Err(already_ordered()),
        Err(other) => Err(other.into()),
    }
}

fn already_ordered() -> Problem {
    Problem::new(&CONFLICT).detail("这个需求已有新的上门单", "The request already has a new order")
}
