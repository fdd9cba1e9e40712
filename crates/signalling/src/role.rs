//! The role of a person in a consult, and what that lets them do when their ticket does not say.

use serde::{Deserialize, Serialize};

use crate::permissions::Permissions;

/// The role of a person in a consult.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Care staff (护理员) with the elder beside them.
    Host,
    /// The invited doctor (会诊医生).
    Clinician,
    /// Family on a link (家属).
    Guest,
    /// Somebody who interprets between dialects or languages (翻译).
    Interpreter,
    /// Somebody who only watches (旁听).
    Observer,
}

impl Role {
    /// Every role, for grids.
    pub const ALL: [Self; 5] = [Self::Host, Self::Clinician, Self::Guest, Self::Interpreter, Self::Observer];

    /// The permissions of the role when its ticket names none.
    pub fn permissions(self) -> Permissions {
        match self {
            Self::Host | Self::Clinician => Permissions::ALL,
            Self::Guest | Self::Interpreter => Permissions::TALK,
            Self::Observer => Permissions::OBSERVE,
        }
    }

    /// The name in events and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Clinician => "clinician",
            Self::Guest => "guest",
            Self::Interpreter => "interpreter",
            Self::Observer => "observer",
        }
    }
}
