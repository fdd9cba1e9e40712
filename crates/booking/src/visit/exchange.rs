//! Two visits that take each other's time in one step, each with its own caregiver and length.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::lifecycle::{Call, PairOrder, WITH};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::id::VisitId;
use super::input::ScheduleBody;
use super::model::Visit;
use super::problems::OUTSIDE_WINDOW;
use super::state::{ExchangedSlot, Slot, VisitStep, VisitStepName};
use super::steps::{HOLDER, agency_of};
use super::store;
use super::view::VisitView;
use crate::account::person::join::resources_of;
use crate::account::person::require_here;
use crate::calendar::{self, Booking, Later, SLOT_TAKEN};

/// The other visit of an exchange.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitExchange {
    /// The visit that begins when this one would have.
    pub with: VisitId,
    /// The version of it that was read; 412 when somebody has changed it since.
    #[serde(default)]
    pub version: Option<i64>,
}

/// Both visits at their new times.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitExchangeView {
    #[serde(flatten)]
    pub visit: VisitView,
    /// The other one.
    pub with: VisitView,
}

text_enum! {
    /// Somebody whom two visits want at one time.
    enum Wanted {
        Caregiver = "caregiver",
        Elder = "elder",
    }
}

/// A visit of the agency that one of the two would run into. Of what others have with either person nothing is said.
#[derive(Clone, Debug, Serialize)]
struct Obstacle {
    /// The one of the two that cannot move.
    moving: VisitId,
    visit_id: VisitId,
    starts_at: DateTime<Utc>,
    shared: Vec<Wanted>,
}

/// A visit at another time.
struct Move {
    visit: VisitId,
    slot: Slot,
    resources: Vec<Uuid>,
}

impl Move {
    fn booking(&self) -> Booking<'_> {
        let interval = self.slot.interval;
        Booking { holder_kind: HOLDER, holder_id: self.visit.0, resources: &self.resources, interval }
    }
}

impl PairOrder<Visit> for VisitExchange {
    type Answer = VisitExchangeView;

    fn step(&self) -> VisitStepName {
        VisitStepName::Exchange
    }

    fn with(&self) -> VisitId {
        self.with
    }

    fn version(&self) -> Option<i64> {
        self.version
    }

    async fn prepare(
        &self,
        call: Call<'_, Visit>,
        tx: &mut Tx,
        [first, other]: [&Visit; 2],
    ) -> Result<[VisitStep; 2], Problem> {
        not_begun(call, [first, other])?;
        let [one, two] = moves(call, tx, [first, other]).await?;
        calendar::exchange(tx, call.ctx.now(), [&one.booking(), &two.booking()]).await?;
        Ok([
            VisitStep::Exchange(ExchangedSlot::with(other.id, one.slot)),
            VisitStep::Exchange(ExchangedSlot::with(first.id, two.slot)),
        ])
    }

    fn answer(&self, [visit, with]: [VisitView; 2]) -> VisitExchangeView {
        VisitExchangeView { visit, with }
    }

    async fn explain(&self, call: Call<'_, Visit>, pair: [&Visit; 2], problem: Problem) -> Problem {
        if *problem.kind() != SLOT_TAKEN {
            return problem;
        }
        let found = async {
            let mut conn = call.app.deps.db.read().await?;
            obstacles(call, &mut conn, pair).await
        };
        let taken = problem.detail(
            "其中一次上门在对方的时间另有安排，两次上门都没有改动",
            "One of the two has something else at the other's time; neither was changed",
        );
        match found.await {
            Ok(obstacles) => taken.with("conflicts_with", obstacles),
            Err(problem) => taken.because(problem.cause().unwrap_or_default()),
        }
    }
}

/// Refuses times that have begun: at one door somebody may stand, and at the other nobody can be in time.
fn not_begun(call: Call<'_, Visit>, pair: [&Visit; 2]) -> Result<(), Problem> {
    let starts = |visit: &Visit| visit.state.slot().map(|slot| slot.interval.starts_at());
    let begun = pair.into_iter().find(|visit| starts(visit).is_some_and(|at| at <= call.ctx.now()));
    begun.map_or(Ok(()), |visit| {
        Err(Problem::new(&OUTSIDE_WINDOW)
            .detail(
                "其中一次上门的时间已经开始，不能再对调",
                "The time of one of the two has begun, so they are not exchanged",
            )
            .with("visit_id", visit.id))
    })
}

/// Each from the other's begin on, as long as it was to last.
async fn moves(call: Call<'_, Visit>, conn: &mut Conn, [first, other]: [&Visit; 2]) -> Result<[Move; 2], Problem> {
    let planned = |visit: &Visit| visit.state.slot().ok_or_else(Problem::lacking);
    let (mine, theirs) = (planned(first)?, planned(other)?);
    if mine.interval.starts_at() == theirs.interval.starts_at() {
        return Err(Problem::field(WITH, "两次上门的时间相同，不用对调", "Both have the same time already"));
    }
    let at_with = |problem: Problem| problem.at(WITH);
    Ok([
        moved(call, conn, first, (mine, theirs.interval.starts_at())).await.map_err(at_with)?,
        moved(call, conn, other, (theirs, mine.interval.starts_at())).await.map_err(at_with)?,
    ])
}

async fn moved(
    call: Call<'_, Visit>,
    conn: &mut Conn,
    visit: &Visit,
    (slot, starts_at): (Slot, DateTime<Utc>),
) -> Result<Move, Problem> {
    let (now, agency) = (call.ctx.now(), agency_of(conn, visit).await?);
    require_here(conn, visit.person).await?;
    let ends_at = starts_at + (slot.interval.ends_at() - slot.interval.starts_at());
    let (caregiver, starts_at, ends_at) = (slot.caregiver, Moment::known(starts_at), Moment::known(ends_at));
    let body = ScheduleBody { caregiver, starts_at, ends_at };
    let slot = body.slot(conn, now, &call.app.config.visit, &agency).await?;
    let mut resources = resources_of(conn, now, visit.person).await?;
    resources.push(slot.caregiver.0);
    Ok(Move { visit: visit.id, slot, resources })
}

/// The agency's own visits that either would run into: another one, or the other of the two where they overlap.
async fn obstacles(call: Call<'_, Visit>, conn: &mut Conn, pair: [&Visit; 2]) -> Result<Vec<Obstacle>, Problem> {
    let moves = moves(call, conn, pair).await?;
    let holders: [Uuid; 2] = pair.map(|visit| visit.id.0);
    let mut obstacles = Vec::new();
    for (moved, other) in [(&moves[0], &moves[1]), (&moves[1], &moves[0])] {
        let mut groups: BTreeMap<(DateTime<Utc>, Uuid), Vec<Wanted>> = BTreeMap::new();
        let wanted = |resource| if resource == moved.slot.caregiver.0 { Wanted::Caregiver } else { Wanted::Elder };
        for clash in calendar::clashes(conn, call.ctx.now(), &moved.booking(), &holders, None).await? {
            let Later { resource, holder, starts_at, .. } = clash;
            groups.entry((starts_at, holder)).or_default().push(wanted(resource));
        }
        if moved.slot.interval.overlaps(&other.slot.interval) {
            let both = moved.resources.iter().filter(|resource| other.resources.contains(resource));
            let shared: Vec<Wanted> = both.map(|resource| wanted(*resource)).collect();
            groups.insert((other.slot.interval.starts_at(), other.visit.0), shared);
        }
        for ((starts_at, holder), mut shared) in groups {
            let visit_id = VisitId(holder);
            let own = store::find(conn, visit_id).await?.is_some_and(|visit| visit.agency == pair[0].agency);
            shared.sort_unstable();
            shared.dedup();
            if own && !shared.is_empty() {
                obstacles.push(Obstacle { moving: moved.visit, visit_id, starts_at, shared });
            }
        }
    }
    Ok(obstacles)
}
