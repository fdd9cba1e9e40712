//! The ids the relay knows. People and consults belong to the booking side; here they are only names.

use sanbao_platform::typed_id;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

typed_id!(
    /// A consult, as its ticket names it: one room each.
    ConsultId
);
typed_id!(
    /// A person, as the ticket's `sub`.
    PersonId
);
typed_id!(
    /// One session in a room, over all its sockets. Version 7, so a later arrival has the greater id;
    /// negotiation relies on it.
    PeerId
);
typed_id!(
    /// One life of a room's log. A session of another epoch cannot be resumed: its numbers mean nothing here.
    Epoch
);

/// A room by its number, for tests.
#[cfg(test)]
pub(crate) fn room(n: u128) -> ConsultId {
    ConsultId(uuid::Uuid::from_u128(n))
}

/// One run of one relay process: drawn at random when it starts, so that a process that was killed and
/// started again is another node and the sockets of the first are known to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

/// One WebSocket, somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Socket {
    /// The process that holds it.
    pub node: NodeId,
    /// Its number there; never used twice in one run.
    pub number: u64,
}

/// The SHA-256 of something that the log need not hold: a session's secret, a device's name.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// In constant time: a secret is compared by somebody who may be guessing.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}
