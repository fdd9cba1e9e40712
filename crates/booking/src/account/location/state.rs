//! The life of a room: pure transitions.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

text_enum! {
    /// Whether a room is in use. Nothing belongs to either state.
    pub enum LocationState {
        /// It can be booked.
        Open = "open",
        /// It is offered for nothing new. What is booked in it stays.
        Closed = "closed",
    }
}

/// Something that is done to a room.
#[derive(Clone, Debug)]
pub enum LocationStep {
    /// It has another name.
    Rename(String),
    /// So many consults can be in it at once.
    Resize(RoomCapacity),
    /// It is in use no more.
    Close,
    /// It is in use again.
    Reopen,
}

/// How many consults can be in a room at once.
#[derive(Clone, Debug)]
pub struct RoomCapacity {
    number: i32,
    text: String,
}

impl RoomCapacity {
    /// The number.
    pub fn number(&self) -> i32 {
        self.number
    }
}

impl From<i32> for RoomCapacity {
    fn from(number: i32) -> Self {
        Self { number, text: number.to_string() }
    }
}

text_enum! {
    /// A step's name, as it stands in paths and in the history.
    pub enum LocationStepName {
        /// It has another name.
        Rename = "rename",
        /// So many consults can be in it at once.
        Resize = "resize",
        /// It is in use no more.
        Close = "close",
        /// It is in use again.
        Reopen = "reopen",
    }
}

impl State for LocationState {
    type Name = Self;
    type Step = LocationStep;

    fn name(&self) -> Self {
        *self
    }

    fn apply(self, step: LocationStep) -> Result<Self, IllegalStep> {
        match (self, &step) {
            (Self::Open, LocationStep::Rename(_) | LocationStep::Resize(_)) | (Self::Closed, LocationStep::Reopen) => {
                Ok(Self::Open)
            }
            (Self::Open, LocationStep::Close) => Ok(Self::Closed),
            _ => Err(self.illegal(step.name())),
        }
    }
}

impl Step for LocationStep {
    type Name = LocationStepName;

    fn name(&self) -> LocationStepName {
        match self {
            Self::Rename(_) => LocationStepName::Rename,
            Self::Resize(_) => LocationStepName::Resize,
            Self::Close => LocationStepName::Close,
            Self::Reopen => LocationStepName::Reopen,
        }
    }

    /// The new name and the new number are kept in the history.
    fn note(&self) -> Option<&str> {
        match self {
            Self::Rename(name) => Some(name),
            Self::Resize(capacity) => Some(&capacity.text),
            Self::Close | Self::Reopen => None,
        }
    }
}

impl StepName for LocationStepName {
    type Step = LocationStep;

    fn example(self) -> LocationStep {
        match self {
            Self::Rename => LocationStep::Rename(String::new()),
            Self::Resize => LocationStep::Resize(RoomCapacity::from(1)),
            Self::Close => LocationStep::Close,
            Self::Reopen => LocationStep::Reopen,
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn a_room_is_closed_and_reopened() {
        assert_eq!(legal_nowhere(LocationState::ALL.iter().copied()), []);
        assert_eq!(
            LocationState::Open.legal(),
            [LocationStepName::Rename, LocationStepName::Resize, LocationStepName::Close]
        );
        assert_eq!(LocationState::Closed.legal(), [LocationStepName::Reopen]);
    }
}
