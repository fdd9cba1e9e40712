//! The life of a door in a round: what was seen there, and what may be said of it next; pure.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;
use uuid::Uuid;

use crate::request::RequestId;

/// So often nobody is met before the door is shown to the level above.
pub const MISSED_RAISED: i64 = 2;

text_enum! {
    /// The last that was seen at a door.
    #[schema(as = DoorState)]
    pub enum DoorStateName {
        /// 待敲门: nobody has been there yet.
        Open = "open",
        /// 平安: seen, and well.
        Well = "well",
        /// 未见到: nobody opened.
        NotMet = "not_met",
        /// 需要帮助: a request was made.
        Help = "help",
    }
}

/// The state to which an undone press goes back: something that was pressed cannot be undone twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    pub state: DoorStateName,
    /// How often in a row nobody had been met.
    pub missed: i64,
}

/// The same with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorState {
    Open,
    Well { undo: Option<Before> },
    NotMet { missed: i64, undo: Option<Before> },
    Help { request: RequestId, undo: Option<Before> },
}

/// Something that is said of a door; each may come with words.
#[derive(Clone, Debug)]
pub enum DoorStep {
    Well {
        note: Option<String>,
    },
    NotMet {
        note: Option<String>,
    },
    /// Help is needed, by a request that was made for it.
    Help {
        request: RequestId,
        note: Option<String>,
    },
    /// The press was wrong.
    Undo,
}

text_enum! {
    /// A step by its name, as paths, history and audit rows have it.
    pub enum DoorStepName {
        /// Seen, and well (平安).
        Well = "well",
        /// Nobody opened (未见到).
        NotMet = "not-met",
        /// Help is needed (需要帮助).
        Help = "help",
        /// 撤销: the last press was wrong.
        Undo = "undo",
    }
}

impl StepName for DoorStepName {
    type Step = DoorStep;

    fn example(self) -> DoorStep {
        match self {
            Self::Well => DoorStep::Well { note: None },
            Self::NotMet => DoorStep::NotMet { note: None },
            Self::Help => DoorStep::Help { request: RequestId(Uuid::nil()), note: None },
            Self::Undo => DoorStep::Undo,
        }
    }
}

impl Step for DoorStep {
    type Name = DoorStepName;

    fn name(&self) -> DoorStepName {
        match self {
            Self::Well { .. } => DoorStepName::Well,
            Self::NotMet { .. } => DoorStepName::NotMet,
            Self::Help { .. } => DoorStepName::Help,
            Self::Undo => DoorStepName::Undo,
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Well { note } | Self::NotMet { note } | Self::Help { note, .. } => note.as_deref(),
            Self::Undo => None,
        }
    }
}

impl DoorState {
    /// How often in a row nobody was met.
    pub fn missed(&self) -> i64 {
        match self {
            Self::NotMet { missed, .. } => *missed,
            Self::Open | Self::Well { .. } | Self::Help { .. } => 0,
        }
    }

    /// The state to which undoing goes back.
    pub fn undo(&self) -> Option<Before> {
        match self {
            Self::Open => None,
            Self::Well { undo } | Self::NotMet { undo, .. } | Self::Help { undo, .. } => *undo,
        }
    }

    /// The request that was made for it.
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::Help { request, .. } => Some(*request),
            Self::Open | Self::Well { .. } | Self::NotMet { .. } => None,
        }
    }

    fn back(to: Before) -> Self {
        match to.state {
            DoorStateName::Well => Self::Well { undo: None },
            DoorStateName::NotMet => Self::NotMet { missed: to.missed, undo: None },
            // Help is never gone back to: nothing but undoing follows it.
            DoorStateName::Open | DoorStateName::Help => Self::Open,
        }
    }
}

impl State for DoorState {
    type Name = DoorStateName;
    type Step = DoorStep;

    fn name(&self) -> DoorStateName {
        match self {
            Self::Open => DoorStateName::Open,
            Self::Well { .. } => DoorStateName::Well,
            Self::NotMet { .. } => DoorStateName::NotMet,
            Self::Help { .. } => DoorStateName::Help,
        }
    }

    fn apply(self, step: DoorStep) -> Result<Self, IllegalStep> {
        let undo = Some(Before { state: self.name(), missed: self.missed() });
        let refused = self.illegal(step.name());
        match (self, step) {
            (Self::Open | Self::NotMet { .. }, DoorStep::Well { .. }) => Ok(Self::Well { undo }),
            (Self::Open | Self::NotMet { .. }, DoorStep::NotMet { .. }) => {
                Ok(Self::NotMet { missed: self.missed() + 1, undo })
            }
            // Somebody who was well in the morning may need help in the evening.
            (Self::Open | Self::NotMet { .. } | Self::Well { .. }, DoorStep::Help { request, .. }) => {
                Ok(Self::Help { request, undo })
            }
            (state, DoorStep::Undo) => state.undo().map(Self::back).ok_or(refused),
            _ => Err(refused),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    fn after(steps: &[DoorStepName]) -> DoorState {
        steps.iter().fold(DoorState::Open, |state, step| state.apply(step.example()).unwrap())
    }

    #[test]
    fn what_was_seen_leads_on_and_can_be_taken_back_once() {
        use DoorStepName::{Help, NotMet, Undo, Well};
        assert_eq!(DoorState::Open.legal(), [Well, NotMet, Help]);
        assert_eq!(after(&[NotMet, NotMet]).missed(), MISSED_RAISED);
        assert_eq!(after(&[NotMet, NotMet, Undo]).missed(), 1);
        assert_eq!(after(&[NotMet, Well, Undo]), DoorState::NotMet { missed: 1, undo: None });
        assert_eq!(after(&[Well, Undo]), DoorState::Open);
        assert_eq!(after(&[NotMet, Well]).legal(), [Help, Undo]);
        assert_eq!(after(&[Well, Help, Undo]), DoorState::Well { undo: None });
        assert_eq!(after(&[Help]).legal(), [Undo]);
        assert_eq!(after(&[Well, Help, Undo]).legal(), [Help], "nothing is taken back twice");
        let states = [DoorState::Open, after(&[Well]), after(&[NotMet]), after(&[Help])];
        assert_eq!(legal_nowhere(states), []);
    }
}
