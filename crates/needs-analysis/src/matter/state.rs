//! The life of a matter: where it lies, and which step leads where; pure.
//!
//! It goes up level by level, and its answer comes down at once to the level that raised it: a level between has nothing to
//! decide about an answer, and reads it where it is.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

use crate::area::Level;

text_enum! {
    /// Where a matter stands.
    #[schema(as = MatterState)]
    pub enum MatterStateName {
        /// 办理中: it lies with the level that raised it.
        Open = "open",
        /// 已上报: it lies with a level above.
        SentUp = "sent_up",
        /// 已答复: it is back with the answer.
        Answered = "answered",
        /// 已办结
        Settled = "settled",
        /// 已撤回: by those who raised it.
        TakenBack = "taken_back",
    }
}

/// The levels that a matter has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// The one that raised it, and settles it in the end.
    pub raised: Level,
    /// The one with which it lies.
    pub at: Level,
}

impl Levels {
    fn down(self) -> Self {
        Self { at: self.raised, ..self }
    }
}

/// A matter's state with its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatterState {
    Open(Levels),
    SentUp(Levels),
    Answered(Levels),
    Settled(Levels),
    TakenBack(Levels),
}

/// Something that is done with a matter; each comes with words.
#[derive(Clone, Debug)]
pub enum MatterStep {
    Settle {
        note: Option<String>,
    },
    Answer {
        answer: String,
    },
    /// To a level above.
    SendUp {
        to: Level,
        reason: String,
    },
    TakeBack {
        reason: String,
    },
    Reopen {
        reason: String,
    },
}

text_enum! {
    /// A step by its name, as paths, history and audit rows have it; what helps most comes first.
    pub enum MatterStepName {
        /// 办结: it is done.
        Settle = "settle",
        /// 答复: back to the level that raised it, with an answer.
        Answer = "answer",
        /// 上报: to the next level above.
        SendUp = "send-up",
        /// 撤回: it need not be done.
        TakeBack = "take-back",
        /// 重新办理: it is not done after all.
        Reopen = "reopen",
    }
}

impl StepName for MatterStepName {
    type Step = MatterStep;

    fn example(self) -> MatterStep {
        match self {
            Self::Settle => MatterStep::Settle { note: None },
            Self::Answer => MatterStep::Answer { answer: String::new() },
            Self::SendUp => MatterStep::SendUp { to: Level::Street, reason: String::new() },
            Self::TakeBack => MatterStep::TakeBack { reason: String::new() },
            Self::Reopen => MatterStep::Reopen { reason: String::new() },
        }
    }
}

impl Step for MatterStep {
    type Name = MatterStepName;

    fn name(&self) -> MatterStepName {
        match self {
            Self::Settle { .. } => MatterStepName::Settle,
            Self::Answer { .. } => MatterStepName::Answer,
            Self::SendUp { .. } => MatterStepName::SendUp,
            Self::TakeBack { .. } => MatterStepName::TakeBack,
            Self::Reopen { .. } => MatterStepName::Reopen,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::SendUp { reason, .. } | Self::TakeBack { reason } | Self::Reopen { reason } => Some(reason),
            Self::Settle { .. } | Self::Answer { .. } => None,
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Settle { note } => note.as_deref(),
            Self::Answer { answer } => Some(answer),
            Self::SendUp { .. } | Self::TakeBack { .. } | Self::Reopen { .. } => None,
        }
    }
}

impl MatterState {
    /// The state of a name.
    pub(super) fn of(name: MatterStateName, levels: Levels) -> Self {
        match name {
            MatterStateName::Open => Self::Open(levels),
            MatterStateName::SentUp => Self::SentUp(levels),
            MatterStateName::Answered => Self::Answered(levels),
            MatterStateName::Settled => Self::Settled(levels),
            MatterStateName::TakenBack => Self::TakenBack(levels),
        }
    }

    /// The levels that it has to do with.
    pub fn levels(self) -> Levels {
        match self {
            Self::Open(levels)
            | Self::SentUp(levels)
            | Self::Answered(levels)
            | Self::Settled(levels)
            | Self::TakenBack(levels) => levels,
        }
    }

    /// Whether somebody has to do something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open(_) | Self::SentUp(_) | Self::Answered(_))
    }
}

impl State for MatterState {
    type Name = MatterStateName;
    type Step = MatterStep;

    fn name(&self) -> MatterStateName {
        match self {
            Self::Open(_) => MatterStateName::Open,
            Self::SentUp(_) => MatterStateName::SentUp,
            Self::Answered(_) => MatterStateName::Answered,
            Self::Settled(_) => MatterStateName::Settled,
            Self::TakenBack(_) => MatterStateName::TakenBack,
        }
    }

    fn apply(self, step: MatterStep) -> Result<Self, IllegalStep> {
        let refused = self.illegal(step.name());
        match (self, step) {
            (Self::Open(l) | Self::Answered(l), MatterStep::Settle { .. }) => Ok(Self::Settled(l)),
            (Self::SentUp(l), MatterStep::Answer { .. }) => Ok(Self::Answered(l.down())),
            (Self::Open(l) | Self::SentUp(l) | Self::Answered(l), MatterStep::SendUp { to, .. }) if to > l.at => {
                Ok(Self::SentUp(Levels { at: to, ..l }))
            }
            (Self::Open(l) | Self::SentUp(l) | Self::Answered(l), MatterStep::TakeBack { .. }) => {
                Ok(Self::TakenBack(l.down()))
            }
            (Self::Settled(l) | Self::TakenBack(l), MatterStep::Reopen { .. }) => Ok(Self::Open(l.down())),
            _ => Err(refused),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    fn up(to: Level) -> MatterStep {
        MatterStep::SendUp { to, reason: String::new() }
    }

    #[test]
    fn a_matter_goes_up_and_its_answer_comes_down_to_those_who_raised_it() {
        use MatterStepName::{Answer, Reopen, SendUp, Settle, TakeBack};
        let open = MatterState::Open(Levels { raised: Level::Grid, at: Level::Grid });
        assert_eq!(open.legal(), [Settle, SendUp, TakeBack]);
        let community = open.apply(up(Level::Community)).unwrap();
        assert_eq!(community.legal(), [Answer, SendUp, TakeBack], "what lies above is answered, not settled");
        assert!(community.apply(up(Level::Compound)).is_err() && community.apply(up(Level::Community)).is_err());
        let street = community.apply(up(Level::Street)).unwrap();
        assert_eq!(street.legal(), [Answer, TakeBack], "above the street there is nobody");
        let back = street.apply(Answer.example()).unwrap();
        assert_eq!(back, MatterState::Answered(Levels { raised: Level::Grid, at: Level::Grid }));
        assert_eq!(back.legal(), [Settle, SendUp, TakeBack]);
        let done = back.apply(Settle.example()).unwrap();
        assert_eq!(done.legal(), [Reopen]);
        assert_eq!(done.apply(Reopen.example()).unwrap(), open);
        let away = street.apply(TakeBack.example()).unwrap();
        assert_eq!((away.levels().at, away.legal()), (Level::Grid, vec![Reopen]));
        assert_eq!(legal_nowhere([open, street, back, done, away]), []);
        let of_street = MatterState::Open(Levels { raised: Level::Street, at: Level::Street });
        assert_eq!(of_street.legal(), [Settle, TakeBack]);
        for state in [open, street, back, done, away] {
            assert_eq!(MatterState::of(state.name(), state.levels()), state);
            assert_eq!(state.is_open(), state.legal() != [Reopen]);
        }
    }
}
