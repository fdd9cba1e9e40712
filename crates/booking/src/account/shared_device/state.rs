//! The life of a shared device: pure transitions.

use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;

text_enum! {
    /// Whether a device is in use. Nothing belongs to either state.
    pub enum SharedDeviceState {
        /// It can be asked for.
        Open = "open",
        /// It is offered for nothing new. What is booked in it stays.
        Closed = "closed",
    }
}

/// Something that is done to a device.
#[derive(Clone, Debug)]
pub enum DeviceStep {
    /// It has another name.
    Rename(String),
    /// There are so many of it.
    Resize(DeviceQuantity),
    /// It is in use no more.
    Close,
    /// It is in use again.
    Reopen,
}

/// How many of a device there are.
#[derive(Clone, Debug)]
pub struct DeviceQuantity {
    number: i32,
    text: String,
}

impl DeviceQuantity {
    /// The number.
    pub fn number(&self) -> i32 {
        self.number
    }
}

impl From<i32> for DeviceQuantity {
    fn from(number: i32) -> Self {
        Self { number, text: number.to_string() }
    }
}

text_enum! {
    /// A step's name, as it stands in paths and in the history.
    pub enum DeviceStepName {
        /// It has another name.
        Rename = "rename",
        /// There are so many of it.
        Resize = "resize",
        /// It is in use no more.
        Close = "close",
        /// It is in use again.
        Reopen = "reopen",
    }
}

impl State for SharedDeviceState {
    type Name = Self;
    type Step = DeviceStep;

    fn name(&self) -> Self {
        *self
    }

    fn apply(self, step: DeviceStep) -> Result<Self, IllegalStep> {
        match (self, &step) {
            (Self::Open, DeviceStep::Rename(_) | DeviceStep::Resize(_)) | (Self::Closed, DeviceStep::Reopen) => {
                Ok(Self::Open)
            }
            (Self::Open, DeviceStep::Close) => Ok(Self::Closed),
            _ => Err(self.illegal(step.name())),
        }
    }
}

impl Step for DeviceStep {
    type Name = DeviceStepName;

    fn name(&self) -> DeviceStepName {
        match self {
            Self::Rename(_) => DeviceStepName::Rename,
            Self::Resize(_) => DeviceStepName::Resize,
            Self::Close => DeviceStepName::Close,
            Self::Reopen => DeviceStepName::Reopen,
        }
    }

    /// The new name and the new number are kept in the history.
    fn note(&self) -> Option<&str> {
        match self {
            Self::Rename(name) => Some(name),
            Self::Resize(quantity) => Some(&quantity.text),
            Self::Close | Self::Reopen => None,
        }
    }
}

impl StepName for DeviceStepName {
    type Step = DeviceStep;

    fn example(self) -> DeviceStep {
        match self {
            Self::Rename => DeviceStep::Rename(String::new()),
            Self::Resize => DeviceStep::Resize(DeviceQuantity::from(1)),
            Self::Close => DeviceStep::Close,
            Self::Reopen => DeviceStep::Reopen,
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::legal_nowhere;

    use super::*;

    #[test]
    fn a_device_is_closed_and_reopened() {
        assert_eq!(legal_nowhere(SharedDeviceState::ALL.iter().copied()), []);
        assert_eq!(
            SharedDeviceState::Open.legal(),
            [DeviceStepName::Rename, DeviceStepName::Resize, DeviceStepName::Close]
        );
        assert_eq!(SharedDeviceState::Closed.legal(), [DeviceStepName::Reopen]);
    }
}
