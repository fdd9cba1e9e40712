//! The life of an agreement: pure transitions.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

use super::policy::AffiliationSide;

/// Where an agreement stands, whatever the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AffiliationState {
    /// Nobody has answered.
    Proposed,
    /// Both sides have agreed: it counts from its first day to its last.
    Active,
    /// The other side did not agree.
    Declined { reason: String },
    /// Taken back by the side that had proposed it.
    Withdrawn,
    /// One side has ended it.
    Ended { by: AffiliationSide, reason: String },
}

text_enum! {
    /// A state by its name alone.
    #[schema(as = AffiliationState)]
    pub enum AffiliationStateName {
        /// 等待答复
        Proposed = "proposed",
        /// 已签
        Active = "active",
        /// 未同意
        Declined = "declined",
        /// 已撤回
        Withdrawn = "withdrawn",
        /// 已结束
        Ended = "ended",
    }
}

/// Something that is done to an agreement.
#[derive(Clone, Debug)]
pub enum AffiliationStep {
    /// The other side agrees.
    Accept { books_at_once: bool },
    /// The other side does not.
    Decline { reason: String },
    /// It is proposed no more.
    Withdraw,
    /// The hospital says whether its hours are booked at once.
    Change { books_at_once: bool },
    /// One side ends it.
    End { by: AffiliationSide, reason: String },
}

text_enum! {
    /// A step by its name, as paths, the history and audit rows have it.
    pub enum AffiliationStepName {
        /// The other side agrees.
        Accept = "accept",
        /// The other side does not.
        Decline = "decline",
        /// It is proposed no more.
        Withdraw = "withdraw",
        /// The hospital says whether its hours are booked at once.
        Change = "change",
        /// One side ends it.
        End = "end",
    }
}

/// The history's word for hours that are booked at once from then on.
pub(in crate::account) const AT_ONCE: &str = "at_once";
/// The history's word for hours that are asked for from then on.
pub(in crate::account) const ASKED_FOR: &str = "asked_for";

impl State for AffiliationState {
    type Name = AffiliationStateName;
    type Step = AffiliationStep;

    fn name(&self) -> AffiliationStateName {
        match self {
            Self::Proposed => AffiliationStateName::Proposed,
            Self::Active => AffiliationStateName::Active,
            Self::Declined { .. } => AffiliationStateName::Declined,
            Self::Withdrawn => AffiliationStateName::Withdrawn,
            Self::Ended { .. } => AffiliationStateName::Ended,
        }
    }

    fn apply(self, step: AffiliationStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Proposed, AffiliationStep::Accept { .. }) | (Self::Active, AffiliationStep::Change { .. }) => {
                Ok(Self::Active)
            }
            (Self::Proposed, AffiliationStep::Decline { reason }) => Ok(Self::Declined { reason }),
            (Self::Proposed, AffiliationStep::Withdraw) => Ok(Self::Withdrawn),
            (Self::Active, AffiliationStep::End { by, reason }) => Ok(Self::Ended { by, reason }),
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl AffiliationState {
    /// Why it was declined or ended.
    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Declined { reason } | Self::Ended { reason, .. } => Some(reason),
            Self::Proposed | Self::Active | Self::Withdrawn => None,
        }
    }

    /// The side that has ended it.
    pub(super) fn ended_by(&self) -> Option<AffiliationSide> {
        match self {
            Self::Ended { by, .. } => Some(*by),
            _ => None,
        }
    }
}

impl Step for AffiliationStep {
    type Name = AffiliationStepName;

    fn name(&self) -> AffiliationStepName {
        match self {
            Self::Accept { .. } => AffiliationStepName::Accept,
            Self::Decline { .. } => AffiliationStepName::Decline,
            Self::Withdraw => AffiliationStepName::Withdraw,
            Self::Change { .. } => AffiliationStepName::Change,
            Self::End { .. } => AffiliationStepName::End,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Decline { reason } | Self::End { reason, .. } => Some(reason),
            _ => None,
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Accept { books_at_once } | Self::Change { books_at_once } => {
                Some(if *books_at_once { AT_ONCE } else { ASKED_FOR })
            }
            _ => None,
        }
    }
}

impl StepName for AffiliationStepName {
    type Step = AffiliationStep;

    fn example(self) -> AffiliationStep {
        match self {
            Self::Accept => AffiliationStep::Accept { books_at_once: false },
            Self::Decline => AffiliationStep::Decline { reason: String::new() },
            Self::Withdraw => AffiliationStep::Withdraw,
            Self::Change => AffiliationStep::Change { books_at_once: false },
            Self::End => AffiliationStep::End { by: AffiliationSide::Inviting, reason: String::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn what_is_proposed_is_answered_and_what_stands_is_changed_and_ended() {
        use AffiliationStepName::{Accept, Change, Decline, End, Withdraw};
        let proposed = AffiliationState::Proposed;
        assert_eq!(proposed.legal(), [Accept, Decline, Withdraw]);
        assert_eq!(AffiliationState::Active.legal(), [Change, End]);
        assert_eq!(legal_nowhere([proposed.clone(), AffiliationState::Active]), []);
        for step in [Decline, Withdraw] {
            assert_eq!(proposed.clone().apply(step.example()).map(|state| state.legal()), Ok(Vec::new()), "{step}");
        }
        let ended = AffiliationState::Active.apply(End.example());
        assert_eq!(ended.map(|state| (state.legal(), state.ended_by())), Ok((vec![], Some(AffiliationSide::Inviting))));
    }
}
