//! The steps of a booked consult that must not come too early.

use chrono::{DateTime, Utc};
use sanbao_platform::problem::Problem;

use super::model::Consult;
use super::problems::NOT_BEGUN;
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

/// Refuses a step whose time has not come.
pub fn require_due(consult: &Consult, step: ConsultStepName, now: DateTime<Utc>) -> Result<(), Problem> {
    match not_before(&consult.state, step) {
        Some(from) if now < from => Err(Problem::new(&NOT_BEGUN).with("not_before", from)),
        _ => Ok(()),
    }
}
