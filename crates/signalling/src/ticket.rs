//! The consult ticket: all that the relay must know about who enters, signed by whoever schedules.
//!
//! The relay asks nobody else. What it needs of a ticket is declared here; other members are ignored.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsultId, PersonId};
use crate::room::Profile;

/// The token type (`typ`) that the relay accepts.
pub const TOKEN_TYPE: &str = "ticket";
/// The audience (`aud`) that the relay answers to.
pub const AUDIENCE: &str = "signalling";
/// The longest name shown in a room, in characters; a longer one is cut.
pub const NAME_CHARS_MAX: usize = 64;

/// What somebody is in a consult.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Care staff (护理员) with the elder beside them.
    Host,
    /// The invited doctor (会诊医生).
    Clinician,
    /// Family on a link (家属).
    Guest,
    /// Somebody who only watches (旁听).
    Observer,
}

impl Role {
    /// Whether the role admits, refuses and finishes when its ticket does not say.
    fn controls(self) -> bool {
        matches!(self, Self::Host | Self::Clinician)
    }

    /// The name in events and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Clinician => "clinician",
            Self::Guest => "guest",
            Self::Observer => "observer",
        }
    }
}

/// The claims the relay reads. `iss`, `aud` and the signature are the verifier's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The consult whose room this opens.
    pub consult: ConsultId,
    /// Who enters.
    pub sub: PersonId,
    /// The name that the others see.
    pub name: String,
    /// What they are in this consult.
    pub role: Role,
    /// Whether they wait in the lobby until somebody admits them.
    pub lobby: bool,
    /// Whether they may send sound and picture; all but observers when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<bool>,
    /// Whether they may admit, refuse and finish; host and clinician when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<bool>,
    /// Not valid before, seconds since 1970.
    pub nbf: i64,
    /// Not valid from, seconds since 1970.
    pub exp: i64,
    /// The ticket's own id.
    pub jti: Uuid,
    /// A telephone number to fall back on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The organisation the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Uuid>,
}

impl Ticket {
    /// What the room needs of it.
    pub fn profile(&self) -> Profile {
        Profile {
            person: self.sub,
            name: self.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect(),
            role: self.role,
            lobby: self.lobby,
            publish: self.publish.unwrap_or(self.role != Role::Observer),
            control: self.control.unwrap_or(self.role.controls()),
        }
    }
}

/// Why a ticket does not open a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not a token at all, or a member is missing or of the wrong kind.
    #[error("the ticket cannot be read")]
    Malformed,
    /// Signed by a key that is not published, or altered.
    #[error("the ticket's signature does not fit")]
    WrongKey,
    /// Made for another audience, or another kind of token.
    #[error("the ticket is not for this relay")]
    Foreign,
    /// The window has not opened.
    #[error("the ticket is not valid yet")]
    NotYetValid,
    /// The window has closed.
    #[error("the ticket has expired")]
    Expired,
}
