//! Whether somebody is still in the network: pure transitions.

use chrono::NaiveDate;
use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

text_enum! {
    /// How somebody's time in the network ended.
    pub enum EndKind {
        /// 去世
        Died = "died",
        /// 离开: moved to where nobody of the network goes.
        Left = "left",
    }
}

/// A person in the network, or the end of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    /// Registered, and to be cared for.
    Registered,
    /// Died, or left the network.
    Ended {
        kind: EndKind,
        /// The last day.
        on: NaiveDate,
    },
}

text_enum! {
    /// A state by its name alone.
    #[schema(as = PersonState)]
    pub enum PersonStateName {
        /// To be cared for.
        Registered = "registered",
        /// 去世
        Died = "died",
        /// 离开
        Left = "left",
    }
}

/// How, when and in whose words somebody's time in the network ended.
#[derive(Clone, Debug)]
pub struct Departure {
    pub kind: EndKind,
    /// The last day.
    pub on: NaiveDate,
    /// A remark, in people's words.
    pub note: Option<String>,
}

/// Something that is done to a person's record.
#[derive(Clone, Debug)]
pub enum PersonStep {
    /// Somebody has died, or has left.
    End(Departure),
    /// That was wrong; the reason, in people's words.
    Restore(String),
}

text_enum! {
    /// A step by its name, as paths, the history and audit rows have it.
    pub enum PersonStepName {
        /// Somebody has died, or has left.
        End = "end",
        /// That was wrong.
        Restore = "restore",
    }
}

impl State for PersonState {
    type Name = PersonStateName;
    type Step = PersonStep;

    fn name(&self) -> PersonStateName {
        match self {
            Self::Registered => PersonStateName::Registered,
            Self::Ended { kind: EndKind::Died, .. } => PersonStateName::Died,
            Self::Ended { kind: EndKind::Left, .. } => PersonStateName::Left,
        }
    }

    fn apply(self, step: PersonStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Registered, PersonStep::End(Departure { kind, on, .. })) => Ok(Self::Ended { kind, on }),
            (Self::Ended { .. }, PersonStep::Restore(_)) => Ok(Self::Registered),
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl PersonState {
    /// The last day of somebody who has died or left.
    pub fn ended_on(self) -> Option<NaiveDate> {
        match self {
            Self::Registered => None,
            Self::Ended { on, .. } => Some(on),
        }
    }
}

impl Step for PersonStep {
    type Name = PersonStepName;

    fn name(&self) -> PersonStepName {
        match self {
            Self::End(_) => PersonStepName::End,
            Self::Restore(_) => PersonStepName::Restore,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::End(departure) => departure.note.as_deref(),
            Self::Restore(reason) => Some(reason),
        }
    }
}

impl StepName for PersonStepName {
    type Step = PersonStep;

    fn example(self) -> PersonStep {
        match self {
            Self::End => PersonStep::End(Departure { kind: EndKind::Died, on: NaiveDate::MIN, note: None }),
            Self::Restore => PersonStep::Restore(String::new()),
        }
    }
}

impl Departure {
    /// The reason on what it closes, in the words that both sides read.
    pub fn closing_words(&self) -> String {
        match self.kind {
            EndKind::Died => format!("本人已于 {} 去世", self.on),
            EndKind::Left => format!("本人已于 {} 离开", self.on),
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn an_end_can_be_taken_back_and_nothing_else() {
        let ended = |kind| PersonState::Ended { kind, on: NaiveDate::MIN };
        let states = [PersonState::Registered, ended(EndKind::Died), ended(EndKind::Left)];
        assert_eq!(states.map(|state| state.name()), *PersonStateName::ALL);
        assert_eq!(states[0].legal(), [PersonStepName::End]);
        for state in &states[1..] {
            assert_eq!(state.legal(), [PersonStepName::Restore]);
            assert_eq!(state.apply(PersonStepName::Restore.example()).ok(), Some(PersonState::Registered));
        }
        assert_eq!(legal_nowhere(states), []);
    }
}
