//! The steps of a booked consult that must not come too early or too late, and delays that must not shrink unsaid.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::history::{self, Line};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::carried::SAME_TIME;
use super::input::Delay;
use super::model::Consult;
use super::problems::{BEGUN, DELAY_OF_OTHERS, NOT_BEGUN};
use super::state::{ConsultState, ConsultStepName, Delayed};

/// The steps that give a consult a new time; what was said of the old one is past.
const BOOKING: [ConsultStepName; 4] =
    [ConsultStepName::Schedule, ConsultStepName::Book, ConsultStepName::Reschedule, ConsultStepName::Exchange];

/// The first moment of a step that has to wait. A meeting that has begun in its room may end at any time; and who meets
/// earlier than a delay made them expect may end when they are done.
fn not_before(state: &ConsultState, step: ConsultStepName) -> Option<DateTime<Utc>> {
    match (state, step) {
        (ConsultState::Scheduled(booked), ConsultStepName::NoShow) => Some(booked.expected_at()),
        (ConsultState::Scheduled(booked), ConsultStepName::Finish) => Some(booked.interval.starts_at()),
        _ => None,
    }
}

/// The first moment at which a step is too late: at a time that has begun people stand at the door.
fn before(state: &ConsultState, step: ConsultStepName) -> Option<DateTime<Utc>> {
    match (state, step) {
        (ConsultState::Scheduled(booked), ConsultStepName::Exchange | ConsultStepName::Return) => {
            Some(booked.interval.starts_at())
        }
        _ => None,
    }
}

/// Whether the time of a step has come, and is not over.
pub fn is_due(state: &ConsultState, step: ConsultStepName, now: DateTime<Utc>) -> bool {
    not_before(state, step).is_none_or(|from| from <= now) && before(state, step).is_none_or(|to| now < to)
}

/// Refuses to shorten a delay that the other side has announced, unless the two have agreed to it: people of that side may
/// not be there before.
pub async fn require_agreed(conn: &mut Conn, ctx: &Ctx, consult: &Consult, delay: Delay) -> Result<(), Problem> {
    let announced = if delay.agreed { 0 } else { announced_by_others(conn, ctx, consult).await? };
    if delay.minutes < announced {
        return Err(Problem::new(&DELAY_OF_OTHERS).with("announced_minutes", announced));
    }
    Ok(())
}

/// Refuses to exchange a time that has begun, and one that is late at the other side's word: with the time that word would
/// be lost.
pub async fn require_exchangeable(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<(), Problem> {
    if !is_due(&consult.state, ConsultStepName::Exchange, ctx.now()) {
        return Err(Problem::new(&BEGUN).with("consult_id", consult.id));
    }
    match announced_by_others(conn, ctx, consult).await? {
        0 => Ok(()),
        announced => Err(Problem::new(&DELAY_OF_OTHERS)
            .detail(
                "其中一个会诊对方已通知推迟，请先与对方商定、取消推迟，再对调",
                "The other side has announced a delay of one of the two; agree with them and take it back before the exchange",
            )
            .with("consult_id", consult.id)
            .with("announced_minutes", announced)),
    }
}

/// The longest delay of the booked time that stands at others' word.
async fn announced_by_others(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<i32, Problem> {
    let history = history::of(conn, Consult::NAME, consult.id).await?;
    Ok(standing(history.unseen(), ctx.actor.organisation.into(), consult))
}

/// Each side's last word stands, and to what both have agreed stands in the place of any longer word before.
fn standing(lines: &[Line], own: Uuid, consult: &Consult) -> i32 {
    let is_new_time =
        |line: &Line| BOOKING.iter().any(|step| line.step == step.as_str()) && line.note.as_deref() != Some(SAME_TIME);
    let booked = lines.iter().rposition(is_new_time);
    let mut words: BTreeMap<Uuid, i32> = BTreeMap::new();
    if booked.is_none() && i64::try_from(lines.len()).is_ok_and(|read| read >= history::LINES_MAX) {
        // So many lines ago anybody may have said it.
        words.insert(Uuid::nil(), consult.state.appointment().map_or(0, |booked| booked.delay_minutes));
    }
    let since = lines.iter().skip(booked.map_or(0, |at| at + 1));
    for line in since.filter(|line| line.step == ConsultStepName::Delay.as_str()) {
        let Some(delay) = line.note.as_deref().and_then(Delayed::read) else { continue };
        if delay.agreed {
            for word in words.values_mut() {
                *word = delay.minutes.min(*word);
            }
        }
        if let Some(side) = line.organisation {
            words.insert(side, delay.minutes);
        }
    }
    words.iter().filter(|(side, _)| **side != own).map(|(_, word)| *word).max().unwrap_or(0)
}

/// Refuses a step whose time has not come.
pub fn require_due(consult: &Consult, step: ConsultStepName, now: DateTime<Utc>) -> Result<(), Problem> {
    match not_before(&consult.state, step) {
        Some(from) if now < from => Err(Problem::new(&NOT_BEGUN).with("not_before", from)),
        _ => Ok(()),
    }
}
