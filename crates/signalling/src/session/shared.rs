//! What a node that shares rooms asks of its hub.

use std::sync::Arc;

use super::cell::Cell;
use super::hub::Hub;
use crate::id::{ConsultId, NodeId};
use crate::room::RoomLimits;

impl Hub {
    /// The bounds of rooms that this node begins.
    pub(crate) fn room_limits(&self) -> RoomLimits {
        self.limits.room
    }

    /// How many facts were seen here.
    pub(crate) fn facts_seen(&self) -> u64 {
        self.facts.pushed()
    }

    /// Whether as many are written, whatever was seen since.
    pub(crate) fn facts_are_written(&self, seen: u64) -> bool {
        self.facts.is_written(seen)
    }

    /// In every room: says what no socket says any more.
    pub(crate) fn look_after_sockets(&self, is_gone: impl Fn(NodeId) -> bool) {
        for cell in self.cells() {
            cell.look_after_sockets(self, &is_gone);
        }
    }

    /// Rooms whose people are all at other nodes, which hold them.
    pub(crate) fn rooms_elsewhere(&self, is_gone: impl Fn(NodeId) -> bool) -> Vec<Arc<Cell>> {
        self.cells().into_iter().filter(|cell| cell.is_elsewhere(self, &is_gone)).collect()
    }

    /// Forgets the room if its people are all at other nodes; whether it did.
    pub(crate) fn let_go(&self, cell: &Arc<Cell>, is_gone: impl Fn(NodeId) -> bool) -> bool {
        let goes = cell.let_go(self, &is_gone);
        if goes {
            self.forget(cell);
        }
        goes
    }

    /// Rooms in which nobody is.
    pub(crate) fn empty_rooms(&self) -> Vec<ConsultId> {
        self.cells().iter().filter(|cell| cell.is_empty()).map(|cell| cell.consult()).collect()
    }
}
