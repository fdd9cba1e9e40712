//! Rooms whose logs several nodes share: opened by following the log, and left to the other nodes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Hub;
use crate::facts::Queue;
use crate::id::{ConsultId, NodeId};
use crate::log::Position;
use crate::protocol::ServerMessage;
use crate::replica::Replica;
use crate::room::{Entry, RoomLimits};
use crate::session::cell::Cell;
use crate::session::leave::CLOSE_WAIT_MS_MAX;
use crate::session::lock::lock;
use crate::session::sequencer::shared::FollowedRoom;
use crate::session::sequencer::{NoRoom, Shared};

/// Clients are told to move in so many groups, so that they do not all come to another node at once.
const GROUPS: u64 = 20;

/// A room of this node, in the hands of what follows its log.
#[derive(Debug)]
struct HeldRoom {
    hub: Arc<Hub>,
    cell: Arc<Cell>,
}

impl FollowedRoom for HeldRoom {
    fn consult(&self) -> ConsultId {
        self.cell.consult()
    }

    fn limits(&self) -> RoomLimits {
        self.hub.node.limits.room
    }

    fn committed(&self, position: Position, entry: &Entry) {
        self.cell.committed(position, entry);
    }

    fn install(&self, replica: Replica) {
        self.cell.install(replica);
    }

    fn copy(&self) -> Replica {
        self.cell.copy()
    }

    fn is_empty(&self) -> bool {
        self.cell.is_empty()
    }

    fn is_forgotten(&self) -> bool {
        self.cell.is_forgotten()
    }

    fn forget(&self) {
        self.hub.forget(&self.cell);
    }

    fn facts(&self) -> &Queue {
        &self.hub.node.facts
    }
}

impl Hub {
    /// Opens a room whose log is shared; the log brings its replica up to its end.
    pub(super) async fn open_shared(
        self: &Arc<Self>,
        shared: &Shared,
        consult: ConsultId,
        make: bool,
    ) -> Result<Arc<Cell>, NoRoom> {
        let cell = Arc::new(Cell::new(Arc::clone(&self.node), consult, Replica::new(consult), false));
        let first = Arc::clone(lock(&self.rooms).entry(consult).or_insert_with(|| Arc::clone(&cell)));
        if !Arc::ptr_eq(&first, &cell) {
            first.opened().await;
            return Ok(first);
        }
        // In a task of its own: a client that asks may give up waiting, and the room must not stay half open.
        let (hub, log) = (Arc::clone(self), Arc::clone(&shared.0));
        let opening = tokio::spawn(async move {
            let room = Arc::new(HeldRoom { hub: Arc::clone(&hub), cell: Arc::clone(&cell) });
            let opened = log.open(room, make).await;
            if matches!(opened, Ok(true)) {
                cell.open_now();
                return Ok(cell);
            }
            hub.forget(&cell);
            Err(opened.err().unwrap_or(NoRoom::None))
        });
        opening.await.unwrap_or(Err(NoRoom::Unavailable))
    }

    /// Has clients move to other nodes, a group after the other, and closes those that stay.
    pub(in crate::session) async fn move_all(&self) {
        let drain_ms_max = self.node.limits.drain_ms_max;
        let deadline = Instant::now() + Duration::from_millis(drain_ms_max);
        for group in 0..GROUPS {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let within_ms = u64::try_from(left).unwrap_or(drain_ms_max);
            for cell in self.cells() {
                cell.say(&ServerMessage::Move { within_ms }, |socket| socket % GROUPS == group);
            }
            sleep(Duration::from_millis(drain_ms_max / 4 / GROUPS)).await;
        }
        self.until_quiet(deadline).await;
        self.close_all();
        self.until_quiet(Instant::now() + Duration::from_millis(CLOSE_WAIT_MS_MAX)).await;
    }

    /// In every room: says what no socket says any more.
    pub(crate) fn look_after_sockets(&self, is_gone: impl Fn(NodeId) -> bool) {
        for cell in self.cells() {
            cell.look_after_sockets(&is_gone);
        }
    }

    /// Rooms whose people are all at other nodes, which hold them.
    pub(crate) fn rooms_elsewhere(&self, is_gone: impl Fn(NodeId) -> bool) -> Vec<Arc<Cell>> {
        self.cells().into_iter().filter(|cell| cell.is_elsewhere(&is_gone)).collect()
    }

    /// Forgets the room if its people are all at other nodes; whether it did.
    pub(crate) fn let_go(&self, cell: &Arc<Cell>, is_gone: impl Fn(NodeId) -> bool) -> bool {
        let goes = cell.let_go(&is_gone);
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
