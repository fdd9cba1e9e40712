//! The rooms of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;

use super::acks::Acks;
use super::arrivals::Arrivals;
use super::cell::{Cell, lock};
use super::keep;
use super::opening::Opening;
use super::throttle::BadHellos;
use crate::config::SessionLimits;
use crate::facts::Queue;
use crate::id::{ConsultId, Epoch, NodeId, Socket};
use crate::log::Position;
use crate::replica::Replica;
use crate::room::{Command, Entry, Past, Revocation};
use crate::turn::IceConfig;

/// How often rooms are asked whether a wait is over, sockets whether they are still there, and empty rooms are
/// forgotten.
const SWEEP_MS_MAX: u64 = 500;

/// What orders commands when several nodes share the logs. Without one, a room's log is this process.
#[async_trait]
pub(crate) trait Driver: Send + Sync + std::fmt::Debug {
    /// This node's name in the logs.
    fn node(&self) -> NodeId;

    /// Brings a room's replica up to its log's end (see [`Hub::install`]), and goes on doing so. `make` says whether the
    /// room may be made. `false`: there is no such room, and it was not to be made.
    async fn open(&self, hub: &Arc<Hub>, cell: &Arc<Cell>, make: bool) -> Result<bool, NoRoom>;

    /// Puts commands into the log; [`Hub::committed`] follows. Called under the room's lock, so it only queues.
    /// `false`: too many wait already, and none of these was taken.
    fn propose(&self, consult: ConsultId, commands: Vec<Command>) -> bool;

    /// The room is forgotten here. Called under the lock of all rooms, so that a newer one is not meant.
    fn close(&self, consult: ConsultId);
}

/// All rooms.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) node: NodeId,
    rooms: Mutex<HashMap<ConsultId, Arc<Cell>>>,
    sockets: AtomicU64,
    pub(super) connections: Arc<Semaphore>,
    pub(super) limits: SessionLimits,
    pub(super) clock: Clock,
    pub(super) ice: IceConfig,
    pub(super) db: Db,
    pub(super) facts: Queue,
    pub(super) acks: Acks,
    pub(super) bad_hellos: BadHellos,
    pub(super) arrivals: Arrivals,
    pub(super) driver: Option<Arc<dyn Driver>>,
    pub(super) drain_watched: AtomicBool,
    /// Set when everybody was sent away.
    pub(super) left: OnceCell<()>,
    /// Set before rooms are kept for the next run.
    pub(super) leaving: AtomicBool,
    /// From what rooms are opened, if this relay runs alone.
    opening: OnceCell<tokio::sync::Mutex<Opening>>,
    /// Facts were crowded, as a sweep or a reader found, and nobody was woken since.
    crowded: AtomicBool,
    began: Instant,
}

/// Why a connection finds no room.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoom {
    /// As many rooms as this process takes.
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

impl Hub {
    pub(crate) fn new(
        limits: SessionLimits,
        clock: Clock,
        ice: IceConfig,
        db: Db,
        facts: Queue,
        driver: Option<Arc<dyn Driver>>,
    ) -> Self {
        Self {
            node: driver.as_ref().map_or_else(|| NodeId(rand::random()), |driver| driver.node()),
            rooms: Mutex::default(),
            sockets: AtomicU64::new(1),
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            bad_hellos: BadHellos::new(limits.bad_hellos_per_minute_max, limits.bad_hellos_burst_max),
            arrivals: Arrivals::new(limits.arrivals_per_address_max),
            limits,
            clock,
            ice,
            db,
            facts,
            acks: Acks::default(),
            driver,
            drain_watched: AtomicBool::new(false),
            left: OnceCell::new(),
            leaving: AtomicBool::new(false),
            opening: OnceCell::new(),
            crowded: AtomicBool::new(false),
            began: Instant::now(),
        }
    }

    /// This run of this process.
    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    /// A number for a socket.
    pub(super) fn socket(&self) -> Socket {
        Socket { node: self.node, number: self.sockets.fetch_add(1, Ordering::Relaxed) }
    }

    /// Time since the hub began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// As milliseconds that wrap after 49 days.
    #[expect(clippy::cast_possible_truncation, reason = "differences of wrapped numbers are what is used")]
    pub(super) fn wrapped_ms(elapsed: Duration) -> u32 {
        elapsed.as_millis() as u32
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
        if lock(&self.rooms).len() >= self.limits.rooms_max {
            return Err(NoRoom::Full);
        }
        match &self.driver {
            None => self.open_here(consult, make).await,
            Some(driver) => self.open_shared(driver, consult, make).await,
        }
    }

    async fn open_here(&self, consult: ConsultId, make: bool) -> Result<Arc<Cell>, NoRoom> {
        let mut opening = self.opening().await?.lock().await;
        if self.is_leaving() {
            return Err(NoRoom::Unavailable); // it stays where the next run finds it
        }
        if opening.kept.contains(&consult) {
            // Tickets may have been taken back while the room slept.
            let revoked = opening.revoked(&self.db, consult).await?;
            // Whoever else asks for it waits, rather than finding neither the room nor what was kept of it.
            let replica = keep::take(&self.db, consult).await?;
            let cell = replica.map(|replica| self.insert(consult, self.wake_up(replica))).transpose()?;
            opening.kept.remove(&consult);
            if let Some(cell) = cell {
                for revocation in &revoked {
                    cell.revoke(self, revocation);
                }
                return Ok(cell);
            }
        }
        match self.find(consult) {
            Some(cell) => Ok(cell),
            None if make => self.insert(consult, self.begin(consult, opening.past(&self.db, consult).await?)),
            None => Err(NoRoom::None),
        }
    }

    fn insert(&self, consult: ConsultId, replica: Replica) -> Result<Arc<Cell>, NoRoom> {
        let mut rooms = lock(&self.rooms);
        if !rooms.contains_key(&consult) && rooms.len() >= self.limits.rooms_max {
            return Err(NoRoom::Full);
        }
        let cell = rooms.entry(consult).or_insert_with(|| Arc::new(Cell::new(consult, replica, true)));
        Ok(Arc::clone(cell))
    }

    /// From what rooms are opened. Locked while one is: who leaves waits for it.
    pub(super) async fn opening(&self) -> Result<&tokio::sync::Mutex<Opening>, DbError> {
        let list = || async {
            let kept = keep::list(&self.db, self.limits.rooms_max).await?;
            Ok(tokio::sync::Mutex::new(Opening::new(kept.into_iter().collect())))
        };
        self.opening.get_or_try_init(list).await
    }

    /// A new room, its first entry applied.
    fn begin(&self, consult: ConsultId, past: Past) -> Replica {
        let now = self.clock.now();
        let (epoch, limits) = (Epoch::new(now), Box::new(self.limits.room));
        let mut replica = Replica::new(consult);
        replica.apply_next(now, &Command::Open { epoch, past: Box::new(past), limits }, &mut Vec::new());
        replica
    }

    /// A room of an earlier run, whose sockets are gone.
    fn wake_up(&self, mut replica: Replica) -> Replica {
        let nodes: Vec<NodeId> = replica.room().sessions().filter_map(|(_, s)| s.map(|s| s.node)).collect();
        let mut effects = Vec::new();
        for node in nodes {
            replica.apply_next(self.clock.now(), &Command::NodeGone { node }, &mut effects);
        }
        replica
    }

    async fn open_shared(
        self: &Arc<Self>,
        driver: &Arc<dyn Driver>,
        consult: ConsultId,
        make: bool,
    ) -> Result<Arc<Cell>, NoRoom> {
        let cell = Arc::new(Cell::new(consult, Replica::new(consult), false));
        let first = Arc::clone(lock(&self.rooms).entry(consult).or_insert_with(|| Arc::clone(&cell)));
        if !Arc::ptr_eq(&first, &cell) {
            first.opened().await;
            return Ok(first);
        }
        // In a task of its own: whoever asks may give up waiting, and the room must not stay half open.
        let (hub, driver) = (Arc::clone(self), Arc::clone(driver));
        let opening = tokio::spawn(async move {
            let opened = driver.open(&hub, &cell, make).await;
            if matches!(opened, Ok(true)) {
                cell.open_now();
                return Ok(cell);
            }
            hub.forget(&cell);
            Err(opened.err().unwrap_or(NoRoom::None))
        });
        opening.await.unwrap_or(Err(NoRoom::Unavailable))
    }

    /// An entry of a shared log: applied, and carried out where its sockets are here. Repeats have no effect.
    pub(crate) fn committed(&self, cell: &Arc<Cell>, position: Position, entry: &Entry) {
        cell.committed(self, position, entry);
    }

    /// A room as a snapshot of its shared log has it, in place of what was here.
    pub(crate) fn install(&self, cell: &Arc<Cell>, replica: Replica) {
        cell.install(self, replica);
    }

    /// Takes tickets back in a room, if it is open anywhere.
    pub(crate) async fn revoke(self: &Arc<Self>, consult: ConsultId, revocation: &Revocation) -> Result<(), NoRoom> {
        let cell = match self.open(consult, false).await {
            Ok(cell) => cell,
            Err(NoRoom::None) => return Ok(()), // it is read from the table when the room is opened
            Err(error) => return Err(error),
        };
        cell.revoke(self, revocation);
        Ok(())
    }

    /// Takes a room out of memory; whoever is still in it tries again, perhaps elsewhere.
    pub(crate) fn forget(&self, cell: &Arc<Cell>) {
        cell.forgotten();
        let mut rooms = lock(&self.rooms);
        // A newer room of this consult may be there by now; its log is not this one's to close.
        if rooms.get(&cell.consult).is_some_and(|there| Arc::ptr_eq(there, cell)) {
            rooms.remove(&cell.consult);
            if let Some(driver) = &self.driver {
                driver.close(cell.consult);
            }
        }
    }

    /// Sends acknowledgements that found nothing to ride on, until `stop`.
    pub(crate) async fn acknowledge(self: Arc<Self>, stop: CancellationToken) {
        self.acks.send(stop).await;
    }

    /// Ends waits, looks after sockets and forgets empty rooms until `stop`.
    pub(crate) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        // A quarter of a heartbeat, when those are quick.
        let sweep_ms = (self.limits.heartbeat.interval_ms / 4).clamp(10, SWEEP_MS_MAX);
        let mut ticks = tokio::time::interval(Duration::from_millis(sweep_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.sweep_once(Instant::now()),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Whether facts are crowded. Whoever is told so reads nothing, and is woken by the sweep that finds them written:
    /// a crowd may come and go between two of them.
    pub(super) fn is_crowded(&self) -> bool {
        let crowded = self.facts.is_crowded();
        if crowded {
            self.crowded.store(true, Ordering::Relaxed);
        }
        crowded
    }

    /// Whether this node, which runs alone, has begun to leave: what enters a room now would not be kept.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge of thousands")]
    fn sweep_once(&self, instant: Instant) {
        let open = self.limits.connections_max - self.connections.available_permits();
        let crowded = self.facts.is_crowded();
        let readable_again = self.crowded.swap(crowded, Ordering::Relaxed) && !crowded;
        let (now, now_ms) = (self.clock.now(), Self::wrapped_ms(instant.saturating_duration_since(self.began)));
        let cells = self.cells();
        for cell in &cells {
            if cell.sweep(self, now, now_ms, readable_again) {
                self.forget(cell);
            }
        }
        if let Some(Ok(mut opening)) = self.opening.get().map(tokio::sync::Mutex::try_lock) {
            opening.rest(instant);
        }
        metrics::gauge!(crate::measures::CONNECTIONS).set(open as f64);
        metrics::gauge!(crate::measures::ROOMS).set(cells.len() as f64);
    }
}

#[cfg(test)]
mod tests;
