//! The shared way: several nodes share each room's log. A command is proposed to it, and takes effect on every node
//! when it comes back. The log's backend is behind [`SharedLog`].

use std::sync::Arc;

use async_trait::async_trait;

use super::{NoRoom, Proposed};
use crate::facts::Queue;
use crate::id::{ConsultId, NodeId, PeerId};
use crate::log::Position;
use crate::replica::{Replica, SessionOutbox};
use crate::room::{Command, Entry, RoomLimits};

/// Acknowledged messages that a shared log is told of at once, so that other nodes let go of them too.
const ACKED_MESSAGES_MIN: usize = 64;
/// The same in bytes: a few large messages fill an outbox as well, and its reader must not seem slow.
const ACKED_BYTES_MIN: usize = 64 * 1024;

/// The rooms' logs, which this node shares with others.
#[async_trait]
pub(crate) trait SharedLog: Send + Sync + std::fmt::Debug {
    /// This node's name in the logs.
    fn node(&self) -> NodeId;

    /// Brings a room's replica up to its log's end, and goes on doing so. `make` says whether the room may be made.
    /// `false`: there is no such room, and it was not to be made.
    async fn open(&self, room: Arc<dyn FollowedRoom>, make: bool) -> Result<bool, NoRoom>;

    /// Puts commands into the log; [`FollowedRoom::committed`] follows. Called under the room's lock, so it only
    /// queues. `false`: too many wait already, and none of these was taken.
    fn propose(&self, consult: ConsultId, commands: Vec<Command>) -> bool;

    /// The room is forgotten here. Called under the lock of all rooms, so that a newer one is not meant.
    fn close(&self, consult: ConsultId);
}

/// A room of this node, as the follower of its log sees it.
pub(crate) trait FollowedRoom: Send + Sync + std::fmt::Debug {
    /// The consult whose room it is.
    fn consult(&self) -> ConsultId;

    /// The bounds of rooms that this node begins.
    fn limits(&self) -> RoomLimits;

    /// An entry of the log: applied, and carried out where its sockets are here. Repeats have no effect.
    fn committed(&self, position: Position, entry: &Entry);

    /// The room as a snapshot of its log has it, in place of what was here.
    fn install(&self, replica: Replica);

    /// A copy of the room, for a snapshot.
    fn copy(&self) -> Replica;

    /// Whether no session is in it.
    fn is_empty(&self) -> bool;

    /// Whether it was taken out of memory.
    fn is_forgotten(&self) -> bool;

    /// Takes it out of memory. Clients that are still in it try again, perhaps at another node.
    fn forget(&self);

    /// Where facts of this node's rooms go.
    fn facts(&self) -> &Queue;
}

/// This node's part in the shared logs.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(in crate::session) Arc<dyn SharedLog>);

impl Shared {
    pub(super) fn node_id(&self) -> NodeId {
        self.0.node()
    }

    pub(super) fn propose(&self, consult: ConsultId, command: Command) -> Proposed {
        if self.0.propose(consult, vec![command]) { Proposed::Queued } else { Proposed::Refused }
    }

    pub(super) fn close(&self, consult: ConsultId) {
        self.0.close(consult);
    }
}

/// The kept messages are the same on every node, so the log must say what arrived; it does so when it is worth an
/// entry.
pub(super) fn acknowledge(replica: &Replica, peer: PeerId, ack: u64) -> Option<Command> {
    let is_worth_it =
        |outbox: &SessionOutbox| outbox.up_to(ack) >= ACKED_MESSAGES_MIN || outbox.bytes_up_to(ack) >= ACKED_BYTES_MIN;
    replica.outbox(peer).is_some_and(is_worth_it).then_some(Command::Acked { peer, ack })
}
