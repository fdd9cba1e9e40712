//! The life of a visit: pure transitions, each consuming the old state.

use chrono::{DateTime, Utc};
use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;
use uuid::Uuid;

use super::details::Details;
use super::id::VisitId;
use super::proof::Proof;
use crate::account::AccountId;
use crate::calendar::Interval;

/// The caregiver and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub caregiver: AccountId,
    /// The planned time.
    pub interval: Interval,
}

/// The time that another visit had, with one's own caregiver.
#[derive(Clone, Debug)]
pub struct ExchangedSlot {
    pub slot: Slot,
    /// As the history says it: the other one's id.
    pub words: String,
}

impl ExchangedSlot {
    /// An exchange with another one.
    pub fn with(other: VisitId, slot: Slot) -> Self {
        Self { slot, words: other.to_string() }
    }
}

/// Why and when a visit that did not take place was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The moment of the step that closed it.
    pub at: DateTime<Utc>,
    /// Why, in people's words.
    pub reason: String,
}

/// A visit's state with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitState {
    /// Wanted, without a time (待安排).
    Requested,
    /// A caregiver comes at a time (已安排).
    Scheduled(Slot),
    /// The caregiver is there (服务中).
    InService {
        /// The caregiver and the time, as planned.
        slot: Slot,
        /// The moment of the check-in.
        checked_in_at: DateTime<Utc>,
    },
    /// Done (已完成).
    Completed {
        /// The caregiver and the time, as planned.
        slot: Slot,
        /// The moment of the check-in.
        checked_in_at: DateTime<Utc>,
        /// The moment of the check-out.
        checked_out_at: DateTime<Utc>,
    },
    /// Called off before it began (已取消).
    Cancelled {
        /// The caregiver and the time that were planned, if that was known.
        slot: Option<Slot>,
        /// The reason and the moment.
        closing: Closing,
    },
    /// Nobody met anybody (未遇).
    NoShow {
        /// The caregiver and the time that were planned.
        slot: Slot,
        /// The reason and the moment.
        closing: Closing,
    },
}

text_enum! {
    /// A state's name, as it is stored and sent.
    #[schema(as = VisitState)]
    pub enum VisitStateName {
        /// Wanted, without a time.
        Requested = "requested",
        /// A caregiver comes at a time.
        Scheduled = "scheduled",
        /// The caregiver is there.
        InService = "in_service",
        Completed = "completed",
        /// Called off before it began.
        Cancelled = "cancelled",
        /// Nobody met anybody.
        NoShow = "no_show",
    }
}

impl VisitStateName {
    /// Whether the visit is still to be made, or is being made. A request has one such order at most.
    pub fn is_open(self) -> bool {
        match self {
            Self::Requested | Self::Scheduled | Self::InService => true,
            Self::Completed | Self::Cancelled | Self::NoShow => false,
        }
    }
}

/// Something that is done to a visit.
#[derive(Clone, Debug)]
pub enum VisitStep {
    /// Gives the order its first caregiver and time.
    Schedule(Slot),
    /// Another caregiver, another time, or both.
    Reschedule(Slot),
    /// The time of another visit, which takes its own.
    Exchange(ExchangedSlot),
    /// The caregiver has come.
    CheckIn(Proof),
    /// The caregiver has left.
    CheckOut(Proof),
    /// The time came and they did not meet.
    NoShow(Closing),
    /// It is not wanted any more, or cannot be made; only before it begins.
    Cancel(Closing),
    /// Another order follows, for this one did not take place.
    Repeat(VisitId),
    /// The request was corrected: the number to call, the place, the purpose.
    Update(Details),
}

text_enum! {
    /// A step by its name, as the API's paths, the history and audit rows have it.
    pub enum VisitStepName {
        /// Gives the order its first caregiver and time.
        Schedule = "schedule",
        /// Another caregiver, another time, or both.
        Reschedule = "reschedule",
        /// The time of another visit, which takes its own.
        Exchange = "exchange",
        /// The caregiver has come.
        CheckIn = "check-in",
        /// The caregiver has left.
        CheckOut = "check-out",
        /// Nobody met anybody.
        NoShow = "no-show",
        /// Calls it off.
        Cancel = "cancel",
        /// Orders it again.
        Repeat = "repeat",
        /// Takes over what was corrected in the request.
        Update = "update",
    }
}

impl StepName for VisitStepName {
    type Step = VisitStep;

    fn example(self) -> VisitStep {
        let at = DateTime::UNIX_EPOCH;
        let slot = Slot { caregiver: AccountId(Uuid::nil()), interval: Interval::example() };
        let closing = Closing { at, reason: String::new() };
        match self {
            Self::Schedule => VisitStep::Schedule(slot),
            Self::Reschedule => VisitStep::Reschedule(slot),
            Self::Exchange => VisitStep::Exchange(ExchangedSlot::with(VisitId(Uuid::nil()), slot)),
            Self::CheckIn => VisitStep::CheckIn(Proof::example(at)),
            Self::CheckOut => VisitStep::CheckOut(Proof::example(at)),
            Self::NoShow => VisitStep::NoShow(closing),
            Self::Cancel => VisitStep::Cancel(closing),
            Self::Repeat => VisitStep::Repeat(VisitId(Uuid::nil())),
            Self::Update => VisitStep::Update(Details::default()),
        }
    }

    fn by_person(self) -> bool {
        self != Self::Update
    }
}

impl Step for VisitStep {
    type Name = VisitStepName;

    fn name(&self) -> VisitStepName {
        match self {
            Self::Schedule(_) => VisitStepName::Schedule,
            Self::Reschedule(_) => VisitStepName::Reschedule,
            Self::Exchange(_) => VisitStepName::Exchange,
            Self::CheckIn(_) => VisitStepName::CheckIn,
            Self::CheckOut(_) => VisitStepName::CheckOut,
            Self::NoShow(_) => VisitStepName::NoShow,
            Self::Cancel(_) => VisitStepName::Cancel,
            Self::Repeat(_) => VisitStepName::Repeat,
            Self::Update(_) => VisitStepName::Update,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::NoShow(closing) | Self::Cancel(closing) => Some(&closing.reason),
            _ => None,
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Exchange(exchanged) => Some(&exchanged.words),
            _ => None,
        }
    }
}

impl State for VisitState {
    type Name = VisitStateName;
    type Step = VisitStep;

    fn name(&self) -> VisitStateName {
        self.name()
    }

    fn apply(self, step: VisitStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Requested, VisitStep::Schedule(slot)) | (Self::Scheduled(_), VisitStep::Reschedule(slot)) => {
                Ok(Self::Scheduled(slot))
            }
            (Self::Scheduled(_), VisitStep::Exchange(to)) => Ok(Self::Scheduled(to.slot)),
            (Self::Scheduled(slot), VisitStep::CheckIn(proof)) => Ok(Self::InService { slot, checked_in_at: proof.at }),
            (Self::InService { slot, checked_in_at }, VisitStep::CheckOut(proof)) => {
                Ok(Self::Completed { slot, checked_in_at, checked_out_at: proof.at })
            }
            (Self::Scheduled(slot), VisitStep::NoShow(closing)) => Ok(Self::NoShow { slot, closing }),
            (Self::Requested, VisitStep::Cancel(closing)) => Ok(Self::Cancelled { slot: None, closing }),
            (Self::Scheduled(slot), VisitStep::Cancel(closing)) => Ok(Self::Cancelled { slot: Some(slot), closing }),
            // An order that was given up before it had a time is the street's again, which sends it out anew.
            (same @ (Self::Cancelled { slot: Some(_), .. } | Self::NoShow { .. }), VisitStep::Repeat(_))
            | (same @ (Self::Requested | Self::Scheduled(_) | Self::InService { .. }), VisitStep::Update(_)) => {
                Ok(same)
            }
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl VisitState {
    /// The state's name.
    pub fn name(&self) -> VisitStateName {
        match self {
            Self::Requested => VisitStateName::Requested,
            Self::Scheduled(_) => VisitStateName::Scheduled,
            Self::InService { .. } => VisitStateName::InService,
            Self::Completed { .. } => VisitStateName::Completed,
            Self::Cancelled { .. } => VisitStateName::Cancelled,
            Self::NoShow { .. } => VisitStateName::NoShow,
        }
    }

    /// The person who comes, came or would have come, and when.
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
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    fn step(name: VisitStepName) -> VisitStep {
        name.example()
    }

    /// One state of each name.
    fn state(name: VisitStateName) -> VisitState {
        use VisitStepName as N;
        let steps: &[N] = match name {
            VisitStateName::Requested => &[],
            VisitStateName::Scheduled => &[N::Schedule],
            VisitStateName::InService => &[N::Schedule, N::CheckIn],
            VisitStateName::Completed => &[N::Schedule, N::CheckIn, N::CheckOut],
            VisitStateName::Cancelled => &[N::Schedule, N::Cancel],
            VisitStateName::NoShow => &[N::Schedule, N::NoShow],
        };
        steps.iter().fold(VisitState::Requested, |state, name| state.apply(step(*name)).unwrap())
    }

    #[test]
    fn each_state_allows_its_steps_and_no_other() {
        let legal = |name| -> Vec<&str> { state(name).legal().into_iter().map(VisitStepName::as_str).collect() };
        assert_eq!(legal(VisitStateName::Requested), ["schedule", "cancel", "update"]);
        assert_eq!(
            legal(VisitStateName::Scheduled),
            ["reschedule", "exchange", "check-in", "no-show", "cancel", "update"]
        );
        assert_eq!(legal(VisitStateName::InService), ["check-out", "update"]);
        assert_eq!(legal(VisitStateName::Completed), Vec::<&str>::new());
        assert_eq!(legal(VisitStateName::Cancelled), ["repeat"]);
        assert_eq!(legal(VisitStateName::NoShow), ["repeat"]);
        let given_up = VisitState::Requested.apply(step(VisitStepName::Cancel)).unwrap();
        assert_eq!(given_up.legal(), [], "the street sends it out anew");
        assert_eq!(legal_nowhere(VisitStateName::ALL.iter().copied().map(state)), []);
        for name in VisitStateName::ALL.iter().copied() {
            assert_eq!(state(name).name(), name);
            for step in VisitStepName::ALL.iter().copied() {
                assert_eq!(step.example().name(), step);
                if let Err(refused) = state(name).apply(step.example()) {
                    assert_eq!(refused, IllegalStep { state: name.as_str(), step: step.as_str() });
                }
            }
        }
    }

    #[test]
    fn a_called_off_visit_keeps_who_would_have_come() {
        let planned = state(VisitStateName::Scheduled);
        let slot = planned.slot();
        let gone = planned.apply(step(VisitStepName::Cancel)).unwrap();
        assert_eq!(gone.slot(), slot);
        assert!(slot.is_some() && gone.closing().is_some());
        assert_eq!(gone.checked_in_at(), None);
    }
}
