//! The life of a transfer: pure transitions.

use sanbao_platform::audit::Personal;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

use crate::account::id::PersonId;

/// Which record went over, and by whose word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The organisation that has accepted: the one that had the record, or a street office over both.
    pub by: OrganisationId,
    /// The organisation that had the record; none of an elder whom nobody in particular had.
    pub from: Option<OrganisationId>,
    /// The record, which leads on since.
    pub held: PersonId,
}

/// Where a transfer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// Asked for; nobody has answered.
    Asked,
    /// Handed over.
    Accepted(Handover),
    /// Refused, and in whose words.
    Declined { by: OrganisationId, reason: Personal<String> },
    /// Taken back by the side that has asked.
    Withdrawn,
    /// The person was handed over to another who has asked.
    Overtaken { by: OrganisationId },
}

text_enum! {
    /// A state by its name alone.
    #[schema(as = TransferState)]
    pub enum TransferStateName {
        /// Nobody has answered.
        Asked = "asked",
        /// 已移交
        Accepted = "accepted",
        /// 未同意
        Declined = "declined",
        /// 已撤回
        Withdrawn = "withdrawn",
        /// The person was handed over to another.
        Overtaken = "overtaken",
    }
}

/// Something that is done to a transfer.
#[derive(Clone, Debug)]
pub enum TransferStep {
    /// The person is handed over.
    Accept(Handover),
    /// The person is not.
    Decline { by: OrganisationId, reason: String },
    /// It is asked for no more.
    Withdraw,
    /// Another who has asked gets the person.
    Overtake { by: OrganisationId },
}

text_enum! {
    /// A step by its name, as paths, the history and audit rows have it.
    pub enum TransferStepName {
        /// The person is handed over.
        Accept = "accept",
        /// The person is not.
        Decline = "decline",
        /// It is asked for no more.
        Withdraw = "withdraw",
        /// Another who has asked gets the person.
        Overtake = "overtake",
    }
}

impl State for TransferState {
    type Name = TransferStateName;
    type Step = TransferStep;

    fn name(&self) -> TransferStateName {
        match self {
            Self::Asked => TransferStateName::Asked,
            Self::Accepted(_) => TransferStateName::Accepted,
            Self::Declined { .. } => TransferStateName::Declined,
            Self::Withdrawn => TransferStateName::Withdrawn,
            Self::Overtaken { .. } => TransferStateName::Overtaken,
        }
    }

    fn apply(self, step: TransferStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Asked, TransferStep::Accept(handover)) => Ok(Self::Accepted(handover)),
            (Self::Asked, TransferStep::Decline { by, reason }) => Ok(Self::Declined { by, reason: reason.into() }),
            (Self::Asked, TransferStep::Withdraw) => Ok(Self::Withdrawn),
            (Self::Asked, TransferStep::Overtake { by }) => Ok(Self::Overtaken { by }),
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl Step for TransferStep {
    type Name = TransferStepName;

    fn name(&self) -> TransferStepName {
        match self {
            Self::Accept(_) => TransferStepName::Accept,
            Self::Decline { .. } => TransferStepName::Decline,
            Self::Withdraw => TransferStepName::Withdraw,
            Self::Overtake { .. } => TransferStepName::Overtake,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Decline { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

impl StepName for TransferStepName {
    type Step = TransferStep;

    fn example(self) -> TransferStep {
        let nobody = OrganisationId(uuid::Uuid::nil());
        match self {
            Self::Accept => {
                TransferStep::Accept(Handover { by: nobody, from: None, held: PersonId(uuid::Uuid::nil()) })
            }
            Self::Decline => TransferStep::Decline { by: nobody, reason: String::new() },
            Self::Withdraw => TransferStep::Withdraw,
            Self::Overtake => TransferStep::Overtake { by: nobody },
        }
    }

    fn by_person(self) -> bool {
        self != Self::Overtake
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn what_was_answered_is_answered_for_good() {
        let answered = |name: TransferStepName| TransferState::Asked.apply(name.example()).ok();
        let states: Vec<TransferState> = TransferStepName::ALL.iter().copied().filter_map(answered).collect();
        let names: Vec<TransferStateName> = states.iter().map(State::name).collect();
        assert_eq!(names[..], TransferStateName::ALL[1..], "each step has a state of its own");
        for state in &states {
            assert_eq!(state.legal(), [], "{state:?}");
        }
        assert_eq!(TransferState::Asked.legal(), *TransferStepName::ALL);
        assert_eq!(legal_nowhere([TransferState::Asked]), []);
    }
}
