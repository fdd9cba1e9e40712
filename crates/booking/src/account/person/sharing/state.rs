//! The life of a consent: pure transitions.

use chrono::{DateTime, Utc};
use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

/// Whether a consent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharingState {
    /// It stands.
    Given,
    /// It was withdrawn.
    Withdrawn { at: DateTime<Utc> },
}

text_enum! {
    /// A state by its name alone.
    #[schema(as = SharingState)]
    pub enum SharingStateName {
        /// It stands.
        Given = "given",
        /// It was withdrawn.
        Withdrawn = "withdrawn",
    }
}

/// Something that is done to a consent.
#[derive(Clone, Copy, Debug)]
pub enum SharingStep {
    /// It is taken back.
    Withdraw { at: DateTime<Utc> },
}

text_enum! {
    /// A step by its name, as paths, the history and audit rows have it.
    pub enum SharingStepName {
        /// It is taken back.
        Withdraw = "withdraw",
    }
}

impl State for SharingState {
    type Name = SharingStateName;
    type Step = SharingStep;

    fn name(&self) -> SharingStateName {
        match self {
            Self::Given => SharingStateName::Given,
            Self::Withdrawn { .. } => SharingStateName::Withdrawn,
        }
    }

    fn apply(self, step: SharingStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Given, SharingStep::Withdraw { at }) => Ok(Self::Withdrawn { at }),
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl SharingState {
    /// When it was withdrawn.
    pub(super) fn withdrawn_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Given => None,
            Self::Withdrawn { at } => Some(at),
        }
    }
}

impl Step for SharingStep {
    type Name = SharingStepName;

    fn name(&self) -> SharingStepName {
        match self {
            Self::Withdraw { .. } => SharingStepName::Withdraw,
        }
    }
}

impl StepName for SharingStepName {
    type Step = SharingStep;

    fn example(self) -> SharingStep {
        match self {
            Self::Withdraw => SharingStep::Withdraw { at: DateTime::UNIX_EPOCH },
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn a_consent_is_withdrawn_once_and_given_anew_by_another() {
        assert_eq!(SharingState::Given.legal(), [SharingStepName::Withdraw]);
        let withdrawn = SharingState::Given.apply(SharingStepName::Withdraw.example());
        assert_eq!(withdrawn.ok(), Some(SharingState::Withdrawn { at: DateTime::UNIX_EPOCH }));
        assert_eq!(SharingState::Withdrawn { at: DateTime::UNIX_EPOCH }.legal(), []);
        assert_eq!(legal_nowhere([SharingState::Given]), []);
    }
}
