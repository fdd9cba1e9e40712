//! The life of an organisation in the network: pure transitions.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

text_enum! {
    /// Whether an organisation takes part in the network. Nothing belongs to either state: when and why it was closed is
    /// in its history.
    pub enum OrganisationState {
        /// Its people may log in, and others may turn to it.
        Open = "open",
        /// Nobody of it logs in, and nobody can choose it for something new.
        Closed = "closed",
    }
}

/// The facts of an organisation that can be edited, all of them as they are then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganisationFacts {
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    pub name_en: String,
    pub phone: Option<String>,
    /// The area it lies in.
    pub area_code: Option<String>,
}

/// Something that is done to an organisation.
#[derive(Clone, Debug)]
pub enum OrganisationStep {
    /// Its name, its telephone or its area is another.
    Edit(Box<OrganisationFacts>),
    /// It ends; the reason, in people's words.
    Close(String),
    /// It goes on.
    Reopen,
}

text_enum! {
    /// A step's name, as it stands in paths and in the history.
    pub enum OrganisationStepName {
        /// Its name, its telephone or its area is another.
        Edit = "edit",
        /// It ends.
        Close = "close",
        /// It goes on.
        Reopen = "reopen",
    }
}

impl State for OrganisationState {
    type Name = Self;
    type Step = OrganisationStep;

    fn name(&self) -> Self {
        *self
    }

    fn apply(self, step: OrganisationStep) -> Result<Self, IllegalStep> {
        match (self, &step) {
            (Self::Open, OrganisationStep::Edit(_)) | (Self::Closed, OrganisationStep::Reopen) => Ok(Self::Open),
            (Self::Open, OrganisationStep::Close(_)) => Ok(Self::Closed),
            _ => Err(self.illegal(step.name())),
        }
    }
}

impl Step for OrganisationStep {
    type Name = OrganisationStepName;

    fn name(&self) -> OrganisationStepName {
        match self {
            Self::Edit(_) => OrganisationStepName::Edit,
            Self::Close(_) => OrganisationStepName::Close,
            Self::Reopen => OrganisationStepName::Reopen,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Close(reason) => Some(reason),
            Self::Edit(_) | Self::Reopen => None,
        }
    }
}

impl StepName for OrganisationStepName {
    type Step = OrganisationStep;

    fn example(self) -> OrganisationStep {
        match self {
            Self::Edit => OrganisationStep::Edit(Box::default()),
            Self::Close => OrganisationStep::Close(String::new()),
            Self::Reopen => OrganisationStep::Reopen,
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn each_step_is_legal_in_one_state() {
        assert_eq!(legal_nowhere(OrganisationState::ALL.iter().copied()), []);
        assert_eq!(OrganisationState::Open.legal(), [OrganisationStepName::Edit, OrganisationStepName::Close]);
        assert_eq!(OrganisationState::Closed.legal(), [OrganisationStepName::Reopen]);
    }
}
