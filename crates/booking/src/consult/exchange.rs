//! Two consults that take each other's time in one step, each with its own doctor and room.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{Call, PairOrder, WITH};
use sanbao_platform::moment::begins;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::at_once;
use super::booking::{self, Move};
use super::conflicts::{Conflict, in_the_way};
use super::id::ConsultId;
use super::model::{Consult, ConsultRow};
use super::policy::ConsultRelation;
use super::practitioner::{rules, store as doctors};
use super::state::{Appointment, ConsultStep, ConsultStepName, Exchanged};
use super::store::consults;
use super::timing::require_exchangeable;
use super::view::ConsultView;
use crate::calendar::{self, SLOT_TAKEN};

/// Consults that are offered at once for an exchange.
pub const OFFERED_MAX: usize = 60;

const OF_HOME: &str = consults!(
    "where c.inviting_id = $1 and c.state = 'scheduled' and c.starts_at > $2 and c.starts_at <> $3 and c.id <> $4
    order by case when c.starts_at >= $5 and c.starts_at < $6 then 0 else 1 end, c.starts_at, c.id limit $7"
);
const OF_HOSPITAL: &str = consults!(
    "where c.invited_id = $1 and c.state = 'scheduled' and c.starts_at > $2 and c.starts_at <> $3 and c.id <> $4
    order by case when c.starts_at >= $5 and c.starts_at < $6 then 0 else 1 end, c.starts_at, c.id limit $7"
);
const OF_DOCTOR: &str = consults!(
    "where c.invited_id = $1 and c.doctor_id = $8 and c.state = 'scheduled' and c.starts_at > $2 and c.starts_at <> $3 and c.id <> $4
    order by case when c.starts_at >= $5 and c.starts_at < $6 then 0 else 1 end, c.starts_at, c.id limit $7"
);

/// The other consult of an exchange.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsultExchange {
    /// The consult that takes this one's time.
    pub with: ConsultId,
    /// The version of it that was read; 412 when somebody has changed it since.
    #[serde(default)]
    pub version: Option<i64>,
}

/// Both consults at their new times.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultExchangeView {
    #[serde(flatten)]
    pub consult: ConsultView,
    /// The other one.
    pub with: ConsultView,
}

/// A booking of others that one of the two would run into.
#[derive(Clone, Debug, Serialize)]
struct Obstacle {
    /// The one of the two that cannot move.
    moving: ConsultId,
    #[serde(flatten)]
    conflict: Conflict,
}

impl PairOrder<Consult> for ConsultExchange {
    type Answer = ConsultExchangeView;

    fn step(&self) -> ConsultStepName {
        ConsultStepName::Exchange
    }

    fn with(&self) -> ConsultId {
        self.with
    }

    fn version(&self) -> Option<i64> {
        self.version
    }

    async fn prepare(
        &self,
        call: Call<'_, Consult>,
        tx: &mut Tx,
        [first, other]: [&Consult; 2],
    ) -> Result<[ConsultStep; 2], Problem> {
        for consult in [first, other] {
            require_exchangeable(tx, call.ctx, consult).await?;
        }
        doctors::keep_hours(tx, [first, other].into_iter().filter_map(|consult| consult.state.doctor())).await?;
        let [one, two] = moves(tx, call.ctx, [first, other]).await?;
        let new_times = [answered(tx, call.ctx, first, &one).await?, answered(tx, call.ctx, other, &two).await?];
        if one.is_beside_others(&two) || two.is_beside_others(&one) {
            return Err(Problem::new(&SLOT_TAKEN));
        }
        let mut wished = [one.wished(&two), two.wished(&one)];
        // Two who exchange take the doctors' rules in one order.
        wished.sort_by_key(|wish| wish.doctor.account_id);
        for wish in &wished {
            rules::require(tx, call.ctx.now(), wish).await?;
        }
        calendar::exchange(tx, call.ctx.now(), [&one.booking(), &two.booking()]).await?;
        Ok([
            ConsultStep::Exchange(Exchanged::with(other.id, new_times[0])),
            ConsultStep::Exchange(Exchanged::with(first.id, new_times[1])),
        ])
    }

    fn answer(&self, [consult, with]: [ConsultView; 2]) -> ConsultExchangeView {
        ConsultExchangeView { consult, with }
    }

    async fn explain(&self, call: Call<'_, Consult>, pair: [&Consult; 2], problem: Problem) -> Problem {
        if *problem.kind() != SLOT_TAKEN {
            return problem;
        }
        let found = async {
            let mut conn = call.app.deps.db.read().await?;
            obstacles(&mut conn, call.ctx, pair).await
        };
        let taken = problem.detail(
            "其中一个会诊在对方的时间另有安排，两个会诊都没有改动",
            "One of the two has something else at the other's time; neither was changed",
        );
        match found.await {
            Ok(obstacles) => taken.with("conflicts_with", obstacles),
            Err(problem) => taken.because(problem.cause().unwrap_or_default()),
        }
    }
}

/// The new time of one of the two, with whether that was booked without any doctor's answer still.
async fn answered(tx: &mut Tx, ctx: &Ctx, consult: &Consult, to: &Move) -> Result<Appointment, Problem> {
    let time = (to.appointment.doctor, to.appointment.interval.starts_at());
    let at_once = at_once::stays(tx, ctx, consult, time).await;
    let at_once = at_once.map_err(|problem| problem.with("consult_id", consult.id))?;
    Ok(Appointment { at_once, ..to.appointment })
}

/// Each at the other's time.
async fn moves(conn: &mut Conn, ctx: &Ctx, [first, other]: [&Consult; 2]) -> Result<[Move; 2], Problem> {
    let starts = |consult: &Consult| {
        let booked = consult.state.appointment().map(|a| a.interval.starts_at());
        booked.ok_or_else(Problem::lacking)
    };
    let (mine, theirs) = (starts(first)?, starts(other)?);
    if mine == theirs {
        return Err(Problem::field(WITH, "两个会诊的时间相同，不用对调", "Both have the same time already"));
    }
    let at_with = |problem: Problem| problem.at(WITH);
    Ok([
        booking::moved(conn, ctx, first, theirs).await.map_err(at_with)?,
        booking::moved(conn, ctx, other, mine).await.map_err(at_with)?,
    ])
}

/// The bookings in the way of either: those of others, and the other one where the two would overlap.
async fn obstacles(conn: &mut Conn, ctx: &Ctx, pair: [&Consult; 2]) -> Result<Vec<Obstacle>, Problem> {
    let holders: [Uuid; 2] = pair.map(|consult| consult.id.0);
    let moves = moves(conn, ctx, pair).await?;
    let mut obstacles = Vec::new();
    for (moved, other) in [(&moves[0], &moves[1]), (&moves[1], &moves[0])] {
        let (booking, beside) = (moved.booking(), other.booking());
        let found = calendar::clashes(conn, ctx.now(), &booking, &holders, Some(&beside)).await?;
        let conflicts = in_the_way(conn, ctx, (&moved.appointment, &moved.devices), found).await?;
        obstacles.extend(conflicts.into_iter().map(|conflict| Obstacle { moving: moved.consult, conflict }));
    }
    Ok(obstacles)
}

/// The consults of the reader's own side that may take this one's time, those of its day first, then the soonest, and one more than are offered
/// where there are more.
pub async fn offered(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    relation: ConsultRelation,
) -> Result<Vec<Consult>, Problem> {
    let Some(booked) = consult.state.appointment().filter(|a| a.interval.starts_at() > ctx.now()) else {
        return Ok(Vec::new());
    };
    let (starts_at, zone) = (booked.interval.starts_at(), consult.zone_of(&ctx.actor));
    let day = starts_at.with_timezone(&zone).date_naive();
    let midnight = |day: Option<NaiveDate>| day.and_then(|day| begins(day, zone)).unwrap_or(starts_at);
    let (from, to) = (midnight(Some(day)), midnight(day.succ_opt()));
    let most = i64::try_from(OFFERED_MAX + 1).unwrap_or(i64::MAX);
    let (statement, side) = match relation {
        ConsultRelation::Inviting => (OF_HOME, consult.inviting.id),
        ConsultRelation::Booked => (OF_DOCTOR, consult.invited.id),
        _ => (OF_HOSPITAL, consult.invited.id),
    };
    let rows: Vec<ConsultRow> = on!(conn, |c| {
        let query = sqlx::query_as(statement).bind(side).bind(ctx.now()).bind(starts_at).bind(consult.id);
        let query = query.bind(from).bind(to).bind(most);
        let query = if relation == ConsultRelation::Booked { query.bind(booked.doctor) } else { query };
        query.fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(Consult::try_from).collect::<Result<_, _>>()?)
}
