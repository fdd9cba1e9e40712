//! The consult ticket: all that the relay must know about a person who enters, signed by the service that schedules.
//!
//! The relay asks nobody else. The fields that it needs of a ticket are declared here; other members are ignored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsultId, Digest, PeerId, PersonId};
pub use crate::permissions::Permissions;
pub use crate::role::Role;
use crate::room::{Entrant, Profile};
use sanbao_platform::invisible::is_invisible;

/// The token type (`typ`) that the relay accepts.
pub const TOKEN_TYPE: &str = "ticket";
/// The audience (`aud`) that the relay answers to.
pub const AUDIENCE: &str = "signalling";
/// The longest name shown in a room, in characters; a longer one is cut.
pub const NAME_CHARS_MAX: usize = 64;

/// The claims the relay reads. `iss`, `aud` and the signature are the verifier's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The consult whose room this opens.
    pub consult: ConsultId,
    /// The role of the person who enters.
    pub sub: PersonId,
    /// The name that the others see.
    pub name: String,
    /// Their role in this consult.
    pub role: Role,
    /// Whether they wait in the lobby until somebody admits them.
    pub lobby: bool,
    /// Their permissions; by role when not said. A permission that this version does not know grants nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::permissions::known_of_some")]
    pub permissions: Option<Permissions>,
    /// Not valid before, seconds since 1970.
    pub nbf: i64,
    /// Not valid from, seconds since 1970.
    pub exp: i64,
    /// The ticket's own id. The first device that enters with it keeps it to itself.
    pub jti: Uuid,
    /// A telephone number to fall back on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The organisation the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Uuid>,
}

impl Ticket {
    /// The person who enters with it on a device, as the log has it.
    pub fn entrant(&self, peer: PeerId, secret: Digest, device: Digest) -> Entrant {
        Entrant { peer, secret, device, ticket: self.jti, issued_at: self.issued_at(), profile: self.profile() }
    }

    /// When it was issued: its id is a version 7 UUID (RFC 9562 §5.7), made when it was signed.
    pub(crate) fn issued_at(&self) -> Option<DateTime<Utc>> {
        let (seconds, nanoseconds) = self.jti.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
    }

    /// The facts that the room needs of it.
    pub fn profile(&self) -> Profile {
        let name: String =
            self.name.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(NAME_CHARS_MAX).collect();
        Profile {
            person: self.sub,
            name: name.into(),
            role: self.role,
            lobby: self.lobby,
            permissions: self.permissions.unwrap_or(self.role.permissions()),
            organisation: self.org,
            until: DateTime::from_timestamp(self.exp, 0),
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
