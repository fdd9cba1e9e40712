//! The rooms of this process. The two ways of opening and leaving them stand in [`embedded`] and [`shared`].

mod embedded;
mod shared;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::arrivals::Arrivals;
use super::cell::Cell;
use super::lock::lock;
use super::node::{Node, wrapped_ms};
use super::sequencer::shared::SharedLog;
use super::sequencer::{Embedded, NoRoom, Sequencer, Shared};
use super::throttle::BadHellos;
use crate::config::SessionLimits;
use crate::facts::Queue;
use crate::id::{ConsultId, Socket};
use crate::replica::Replica;
use crate::room::Revocation;
use crate::turn::{IceConfig, TurnOrder};

/// How often rooms are asked whether a wait is over, sockets whether they are still there, and empty rooms are
/// forgotten.
const SWEEP_MS_MAX: u64 = 500;

/// All rooms.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) node: Arc<Node>,
    rooms: Mutex<HashMap<ConsultId, Arc<Cell>>>,
    sockets: AtomicU64,
    pub(super) connections: Arc<Semaphore>,
    pub(super) bad_hellos: BadHellos,
    pub(super) arrivals: Arrivals,
    pub(super) drain_watched: AtomicBool,
    /// Set when everybody was sent away.
    pub(super) left: OnceCell<()>,
}

impl Hub {
    /// Rooms of which `log` is shared with other nodes, or of this process alone where there is none.
    pub(crate) fn new(
        limits: SessionLimits,
        clock: Clock,
        ice: IceConfig,
        db: Db,
        facts: Queue,
        log: Option<Arc<dyn SharedLog>>,
    ) -> Self {
        let sequencer = match log {
            Some(log) => Sequencer::Shared(Shared(log)),
            None => Sequencer::Embedded(Embedded::new(db, limits.rooms_max)),
        };
        Self::of(Node::new(limits, clock, ice, facts, sequencer))
    }

    fn of(node: Node) -> Self {
        let limits = &node.limits;
        Self {
            rooms: Mutex::default(),
            sockets: AtomicU64::new(1),
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            bad_hellos: BadHellos::new(limits.bad_hellos_per_minute_max, limits.bad_hellos_burst_max),
            arrivals: Arrivals::new(limits.arrivals_per_address_max),
            drain_watched: AtomicBool::new(false),
            left: OnceCell::new(),
            node: Arc::new(node),
        }
    }

    /// The peer of a check before the call is at this address of a TURN server.
    pub(crate) fn tell_of_echo(&self, at: SocketAddr, check: Uuid) {
        self.node.ice.control.order(&TurnOrder::Echo { at, check });
    }

    /// A number for a socket.
    pub(super) fn socket(&self) -> Socket {
        Socket { node: self.node.id, number: self.sockets.fetch_add(1, Ordering::Relaxed) }
    }

    /// The room, if it is in memory.
    pub(super) fn find(&self, consult: ConsultId) -> Option<Arc<Cell>> {
        lock(&self.rooms).get(&consult).cloned()
    }

    /// The consults whose rooms are in memory.
    pub(crate) fn open_consults(&self) -> Vec<ConsultId> {
        lock(&self.rooms).keys().copied().collect()
    }

    /// Every room in memory.
    pub(super) fn cells(&self) -> Vec<Arc<Cell>> {
        lock(&self.rooms).values().cloned().collect()
    }

    /// The room, made when it is not there; or only found, `make` being false.
    pub(crate) async fn open(self: &Arc<Self>, consult: ConsultId, make: bool) -> Result<Arc<Cell>, NoRoom> {
        if let Some(cell) = self.find(consult) {
            cell.opened().await;
            return Ok(cell);
        }
        if lock(&self.rooms).len() >= self.node.limits.rooms_max {
            return Err(NoRoom::Full);
        }
        match &self.node.sequencer {
            Sequencer::Embedded(embedded) => self.open_embedded(embedded, consult, make).await,
            Sequencer::Shared(shared) => self.open_shared(shared, consult, make).await,
        }
    }

    fn insert(&self, consult: ConsultId, replica: Replica) -> Result<Arc<Cell>, NoRoom> {
        let mut rooms = lock(&self.rooms);
        if !rooms.contains_key(&consult) && rooms.len() >= self.node.limits.rooms_max {
            return Err(NoRoom::Full);
        }
        let node = || Arc::clone(&self.node);
        let cell = rooms.entry(consult).or_insert_with(|| Arc::new(Cell::new(node(), consult, replica, true)));
        Ok(Arc::clone(cell))
    }

    /// Takes tickets back in a room, if it is open anywhere.
    pub(crate) async fn revoke(self: &Arc<Self>, consult: ConsultId, revocation: &Revocation) -> Result<(), NoRoom> {
        let cell = match self.open(consult, false).await {
            Ok(cell) => cell,
            Err(NoRoom::None) => return Ok(()), // it is read from the table when the room is opened
            Err(error) => return Err(error),
        };
        cell.revoke(revocation);
        Ok(())
    }

    /// Takes a room out of memory. Clients that are still in it try again, perhaps at another node.
    pub(crate) fn forget(&self, cell: &Arc<Cell>) {
        cell.forgotten();
        let mut rooms = lock(&self.rooms);
        // A newer room of this consult may be there by now; its log is not this one's to close.
        if rooms.get(&cell.consult).is_some_and(|there| Arc::ptr_eq(there, cell)) {
            rooms.remove(&cell.consult);
            self.node.sequencer.closed(cell.consult);
        }
    }

    /// Sends acknowledgements that found nothing to ride on, until `stop`.
    pub(crate) async fn acknowledge(self: Arc<Self>, stop: CancellationToken) {
        self.node.acks.send(stop).await;
    }

    /// Ends waits, looks after sockets and forgets empty rooms until `stop`.
    pub(crate) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        // A quarter of a heartbeat, when those are quick.
        let sweep_ms = (self.node.limits.heartbeat.interval_ms / 4).clamp(10, SWEEP_MS_MAX);
        let mut ticks = tokio::time::interval(Duration::from_millis(sweep_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.sweep_once(Instant::now()),
                () = stop.cancelled() => return,
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge of thousands")]
    fn sweep_once(&self, instant: Instant) {
        let node = &self.node;
        let open = node.limits.connections_max - self.connections.available_permits();
        let readable_again = node.is_readable_again();
        let (now, now_ms) = (node.clock.now(), wrapped_ms(instant.saturating_duration_since(node.began)));
        let cells = self.cells();
        for cell in &cells {
            if cell.sweep(now, now_ms, readable_again) {
                self.forget(cell);
            }
        }
        if let Sequencer::Embedded(embedded) = &node.sequencer {
            embedded.rest(instant);
        }
        metrics::gauge!(crate::measures::CONNECTIONS).set(open as f64);
        metrics::gauge!(crate::measures::ROOMS).set(cells.len() as f64);
    }
}

#[cfg(test)]
mod tests;
