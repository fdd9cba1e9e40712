//! The life of a visit: pure transitions, each consuming the old state.

use chrono::{DateTime, Utc};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::AccountId;
use crate::calendar::Interval;

/// Who comes when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The caregiver's account.
    pub caregiver: AccountId,
    /// From when to when.
    pub interval: Interval,
}

/// Why and when a visit that did not take place was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in people's words.
    pub reason: String,
}

/// A visit's state with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Wanted, without a time (待安排).
    Requested,
    /// A caregiver comes at a time (已安排).
    Scheduled(Slot),
    /// The caregiver is there (服务中).
    InService {
        /// Who and when, as planned.
        slot: Slot,
        /// Since when.
        checked_in_at: DateTime<Utc>,
    },
    /// Done (已完成).
    Completed {
        /// Who and when, as planned.
        slot: Slot,
        /// From when.
        checked_in_at: DateTime<Utc>,
        /// Until when.
        checked_out_at: DateTime<Utc>,
    },
    /// Called off before it began (已取消).
    Cancelled {
        /// Who would have come when, if that was known.
        slot: Option<Slot>,
        /// Why and when.
        closing: Closing,
    },
    /// Nobody met anybody (未遇).
    NoShow {
        /// Who should have come when.
        slot: Slot,
        /// Why and when.
        closing: Closing,
    },
}

/// A state's name, as it is stored and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VisitState)]
pub enum StateName {
    /// Wanted, without a time.
    Requested,
    /// A caregiver comes at a time.
    Scheduled,
    /// The caregiver is there.
    InService,
    /// Done.
    Completed,
    /// Called off before it began.
    Cancelled,
    /// Nobody met anybody.
    NoShow,
}

impl StateName {
    /// The name as it is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Scheduled => "scheduled",
            Self::InService => "in_service",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }

    /// The steps that are legal from here, as the API's paths name them.
    pub fn legal(self) -> &'static [&'static str] {
        match self {
            Self::Requested => &["schedule", "cancel"],
            Self::Scheduled => &["reschedule", "check-in", "no-show", "cancel"],
            Self::InService => &["check-out"],
            Self::Cancelled | Self::NoShow => &["repeat"],
            Self::Completed => &[],
        }
    }
}

/// A step that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step} is not legal in {}", state.as_str())]
pub struct IllegalStep {
    /// Where the visit is.
    pub state: StateName,
    /// What was tried.
    pub step: &'static str,
}

impl From<IllegalStep> for Problem {
    fn from(illegal: IllegalStep) -> Self {
        Self::invalid_transition(illegal.state, illegal.step, illegal.state.legal())
    }
}

impl State {
    /// The state's name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Requested => StateName::Requested,
            Self::Scheduled(_) => StateName::Scheduled,
            Self::InService { .. } => StateName::InService,
            Self::Completed { .. } => StateName::Completed,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::NoShow { .. } => StateName::NoShow,
        }
    }

    /// Who comes, came or would have come, and when.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::Requested => None,
            Self::Scheduled(slot)
            | Self::InService { slot, .. }
            | Self::Completed { slot, .. }
            | Self::NoShow { slot, .. } => Some(*slot),
            Self::Cancelled { slot, .. } => *slot,
        }
    }

    /// When the caregiver came.
    pub fn checked_in_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::InService { checked_in_at, .. } | Self::Completed { checked_in_at, .. } => Some(*checked_in_at),
            _ => None,
        }
    }

    /// When the caregiver left.
    pub fn checked_out_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Completed { checked_out_at, .. } => Some(*checked_out_at),
            _ => None,
        }
    }

    /// Why and when it was closed without having taken place.
    pub fn closing(&self) -> Option<&Closing> {
        match self {
            Self::Cancelled { closing, .. } | Self::NoShow { closing, .. } => Some(closing),
            _ => None,
        }
    }

    fn illegal(&self, step: &'static str) -> IllegalStep {
        IllegalStep { state: self.name(), step }
    }

    /// Gives the order its first caregiver and time.
    pub fn schedule(self, slot: Slot) -> Result<Self, IllegalStep> {
        match self {
            Self::Requested => Ok(Self::Scheduled(slot)),
            other => Err(other.illegal("schedule")),
        }
    }

    /// Another caregiver, another time, or both.
    pub fn reschedule(self, slot: Slot) -> Result<Self, IllegalStep> {
        match self {
            Self::Scheduled(_) => Ok(Self::Scheduled(slot)),
            other => Err(other.illegal("reschedule")),
        }
    }

    /// The caregiver has come.
    pub fn check_in(self, at: DateTime<Utc>) -> Result<Self, IllegalStep> {
        match self {
            Self::Scheduled(slot) => Ok(Self::InService { slot, checked_in_at: at }),
            other => Err(other.illegal("check-in")),
        }
    }

    /// The caregiver has left.
    pub fn check_out(self, at: DateTime<Utc>) -> Result<Self, IllegalStep> {
        match self {
            Self::InService { slot, checked_in_at } => Ok(Self::Completed { slot, checked_in_at, checked_out_at: at }),
            other => Err(other.illegal("check-out")),
        }
    }

    /// It is not wanted any more, or cannot be made; only before it begins.
    pub fn cancel(self, closing: Closing) -> Result<Self, IllegalStep> {
        match self {
            Self::Requested => Ok(Self::Cancelled { slot: None, closing }),
            Self::Scheduled(slot) => Ok(Self::Cancelled { slot: Some(slot), closing }),
            other => Err(other.illegal("cancel")),
        }
    }

    /// The time came and they did not meet.
    pub fn no_show(self, closing: Closing) -> Result<Self, IllegalStep> {
        match self {
            Self::Scheduled(slot) => Ok(Self::NoShow { slot, closing }),
            other => Err(other.illegal("no-show")),
        }
    }
}

impl State {
    /// Whether another order may follow: this one did not take place.
    pub fn repeat(&self) -> Result<(), IllegalStep> {
        match self {
            Self::Cancelled { .. } | Self::NoShow { .. } => Ok(()),
            other => Err(other.illegal("repeat")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::id::uuid_v7;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn slot() -> Slot {
        Slot { caregiver: AccountId(uuid_v7(at(0))), interval: Interval::of_minutes(at(0), 60).unwrap() }
    }

    fn closing() -> Closing {
        Closing { at: at(5), reason: "家人在".into() }
    }

    fn every_state() -> Vec<State> {
        let there = State::Scheduled(slot()).check_in(at(1)).unwrap();
        vec![
            State::Requested,
            State::Scheduled(slot()),
            there.clone(),
            there.check_out(at(60)).unwrap(),
            State::Requested.cancel(closing()).unwrap(),
            State::Scheduled(slot()).no_show(closing()).unwrap(),
        ]
    }

    /// Tries the step of this name.
    fn try_step(state: State, step: &str) -> Result<State, IllegalStep> {
        match step {
            "schedule" => state.schedule(slot()),
            "reschedule" => state.reschedule(slot()),
            "check-in" => state.check_in(at(1)),
            "check-out" => state.check_out(at(2)),
            "cancel" => state.cancel(closing()),
            "repeat" => state.repeat().map(|()| state),
            _ => state.no_show(closing()),
        }
    }

    #[test]
    fn what_is_said_to_be_legal_is_what_can_be_done() {
        let steps = ["schedule", "reschedule", "check-in", "check-out", "cancel", "no-show", "repeat"];
        for state in every_state() {
            for step in steps {
                let said = state.name().legal().contains(&step);
                let done = try_step(state.clone(), step);
                assert_eq!(done.is_ok(), said, "{step} in {:?}", state.name());
                if let Err(illegal) = done {
                    assert_eq!(illegal, IllegalStep { state: state.name(), step });
                }
            }
        }
    }

    #[test]
    fn a_called_off_visit_keeps_who_would_have_come() {
        let planned = slot();
        let state = State::Scheduled(planned).cancel(closing()).unwrap();
        assert_eq!(state.slot(), Some(planned));
        assert_eq!(state.closing(), Some(&closing()));
        assert_eq!(state.checked_in_at(), None);
    }
}
