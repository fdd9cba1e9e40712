//! The life of an errand, which the tests take through the floor.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::{described, event_kinds, text_enum, typed_id};
use serde::Serialize;

typed_id!(
    /// An errand.
    ErrandId
);

text_enum! {
    /// Where an errand stands.
    pub enum ErrandStateName { Open = "open", Done = "done", Dropped = "dropped" }
}

text_enum! {
    /// The steps of an errand.
    pub enum ErrandStepName { Finish = "finish", Drop = "drop", Lapse = "lapse" }
}

#[derive(Clone, Debug, PartialEq)]
pub enum ErrandState {
    Open,
    Done,
    Dropped { reason: String },
}

#[derive(Clone, Debug)]
pub enum ErrandStep {
    Finish,
    Drop { reason: String },
    Lapse,
}

impl State for ErrandState {
    type Name = ErrandStateName;
    type Step = ErrandStep;

    fn name(&self) -> ErrandStateName {
        match self {
            Self::Open => ErrandStateName::Open,
            Self::Done => ErrandStateName::Done,
            Self::Dropped { .. } => ErrandStateName::Dropped,
        }
    }

    fn apply(self, step: ErrandStep) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Open, ErrandStep::Finish) => Ok(Self::Done),
            (Self::Open, ErrandStep::Drop { reason }) => Ok(Self::Dropped { reason }),
            (Self::Open, ErrandStep::Lapse) => Ok(Self::Dropped { reason: "nobody came".into() }),
            (other, step) => Err(other.illegal(step.name())),
        }
    }
}

impl Step for ErrandStep {
    type Name = ErrandStepName;

    fn name(&self) -> ErrandStepName {
        match self {
            Self::Finish => ErrandStepName::Finish,
            Self::Drop { .. } => ErrandStepName::Drop,
            Self::Lapse => ErrandStepName::Lapse,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Drop { reason } => Some(reason),
            Self::Finish | Self::Lapse => None,
        }
    }
}

impl StepName for ErrandStepName {
    type Step = ErrandStep;

    fn example(self) -> ErrandStep {
        match self {
            Self::Finish => ErrandStep::Finish,
            Self::Drop => ErrandStep::Drop { reason: String::new() },
            Self::Lapse => ErrandStep::Lapse,
        }
    }

    fn by_person(self) -> bool {
        self != Self::Lapse
    }
}

described! {
    /// The event of an errand.
    #[derive(Debug, Serialize)]
    pub struct Told {
        pub id: ErrandId,
    }
}

event_kinds! {
    Told {
        BEGUN = "test.errand.begun" 1 "An errand was begun.";
        ENDED = "test.errand.ended" 1 "An errand was finished, dropped or has lapsed.";
    }
}
