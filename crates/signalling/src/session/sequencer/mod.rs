//! The order of the commands of rooms. There are two ways:
//!
//! - [`embedded`]: this process runs alone and is the log of every room; a command takes effect at once;
//! - [`shared`]: several nodes share each room's log; a command takes effect when it comes back from there.

pub(super) mod embedded;
mod keep;
mod opening;
pub(super) mod shared;

use chrono::{DateTime, Utc};
use sanbao_platform::db::DbError;

use crate::id::{ConsultId, NodeId, PeerId};
use crate::replica::{Effect, Replica};
use crate::room::Command;
pub(super) use embedded::Embedded;
#[cfg(test)]
pub(super) use opening::READER_IDLE_MAX;
pub(super) use shared::Shared;

/// The way in which this process orders its rooms' commands.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a process")]
pub(super) enum Sequencer {
    /// This process is the log of every room.
    Embedded(Embedded),
    /// Several nodes share each room's log.
    Shared(Shared),
}

/// The outcome of a command.
#[derive(Debug)]
pub(super) enum Proposed {
    /// It was applied, with these effects.
    Applied(Vec<Effect>),
    /// It waits for the log, and is applied when it comes back.
    Queued,
    /// Too many wait already; it was not taken.
    Refused,
}

/// Why a connection finds no room.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoom {
    /// This process has as many rooms as it takes.
    #[error("no place for another room")]
    Full,
    /// There is none, and it was not to be made.
    #[error("there is no such room")]
    None,
    /// The room's log could not be reached.
    #[error("the room's log cannot be reached")]
    Unavailable,
    /// This node has begun to leave.
    #[error("this node goes")]
    Leaving,
    /// The database did not say what was before.
    #[error("the past of a room is not known: {0}")]
    Unknown(#[from] DbError),
}

impl Sequencer {
    /// This node's name in the logs.
    pub(super) fn node_id(&self) -> NodeId {
        match self {
            Self::Embedded(embedded) => embedded.node_id(),
            Self::Shared(shared) => shared.node_id(),
        }
    }

    /// Puts a command in its place in the room's log. Called under the room's lock: nothing here waits.
    pub(super) fn propose(
        &self,
        now: DateTime<Utc>,
        consult: ConsultId,
        replica: &mut Replica,
        command: Command,
    ) -> Proposed {
        match self {
            Self::Embedded(_) => Proposed::Applied(embedded::apply(now, replica, &command)),
            Self::Shared(shared) => shared.propose(consult, command),
        }
    }

    /// Messages up to `ack` have arrived: the command that says so, where the log must be told.
    pub(super) fn acknowledge(&self, replica: &mut Replica, peer: PeerId, ack: u64) -> Option<Command> {
        match self {
            Self::Embedded(_) => {
                replica.acknowledge(peer, ack);
                None
            }
            Self::Shared(_) => shared::acknowledge(replica, peer, ack),
        }
    }

    /// Whether rooms are being kept for the next run: what enters one now would not be.
    pub(super) fn is_leaving(&self) -> bool {
        matches!(self, Self::Embedded(embedded) if embedded.is_leaving())
    }

    /// A room was taken out of memory. Called under the lock of all rooms, so that a newer one is not meant.
    pub(super) fn closed(&self, consult: ConsultId) {
        if let Self::Shared(shared) = self {
            shared.close(consult);
        }
    }
}
