//! The steps of a booked consult that must not come too early, and delays that must not shrink unsaid.

use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::history;
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::input::Delay;
use super::model::Consult;
use super::problems::{DELAY_OF_OTHERS, NOT_BEGUN};
use super::state::{ConsultState, ConsultStepName};

/// The first moment of a step that has to wait. A meeting that has begun in its room may end at any time; and who meets
/// earlier than a delay made them expect may end when they are done.
fn not_before(state: &ConsultState, step: ConsultStepName) -> Option<DateTime<Utc>> {
    match (state, step) {
        (ConsultState::Scheduled(booked), ConsultStepName::NoShow) => Some(booked.expected_at()),
        (ConsultState::Scheduled(booked), ConsultStepName::Finish) => Some(booked.interval.starts_at()),
        _ => None,
    }
}

/// Whether the time of a step has come.
pub fn is_due(state: &ConsultState, step: ConsultStepName, now: DateTime<Utc>) -> bool {
    not_before(state, step).is_none_or(|from| from <= now)
}

/// Refuses to shorten a delay that the other side has announced, unless the two have agreed to it: people of that side may
/// not be there before.
pub async fn require_agreed(conn: &mut Conn, ctx: &Ctx, consult: &Consult, delay: Delay) -> Result<(), Problem> {
    let announced = consult.state.appointment().map_or(0, |booked| booked.delay_minutes);
    if delay.agreed || delay.minutes >= announced {
        return Ok(());
    }
    let history = history::of(conn, Consult::NAME, consult.id).await?;
    let said = history.unseen().iter().rev().find(|line| line.step == ConsultStepName::Delay.as_str());
    if said.and_then(|line| line.organisation).is_none_or(|side| side == Uuid::from(ctx.actor.organisation)) {
        return Ok(());
    }
    Err(Problem::new(&DELAY_OF_OTHERS).with("announced_minutes", announced))
}

/// Refuses a step whose time has not come.
pub fn require_due(consult: &Consult, step: ConsultStepName, now: DateTime<Utc>) -> Result<(), Problem> {
    match not_before(&consult.state, step) {
        Some(from) if now < from => Err(Problem::new(&NOT_BEGUN).with("not_before", from)),
        _ => Ok(()),
    }
}
