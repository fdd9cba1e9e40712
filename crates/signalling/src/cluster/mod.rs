//! Rooms on several nodes: what a node does with logs that it shares.
//!
//! No room belongs to a node. Each node that has a socket of a room follows the room's log and holds a replica,
//! so that a client can go on at any of them. [`driver`] decides how a node takes part in one log, and is pure;
//! the rest here carries that out, begins rooms' logs, and looks after rooms whose nodes are gone.

pub mod driver;
mod follow;
mod frame;
pub mod limits;
mod look_after;
mod opening;
mod presence;
mod spread;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::nats::Nats;
use tokio::sync::{Notify, OnceCell, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::facts;
use crate::id::{ConsultId, Epoch, NodeId};
use crate::log::{Committed, JetStreamLog, Position, RoomLog};
use crate::room::{Command, Past, RoomLimits};
use crate::session::{FollowedRoom, NoRoom, SharedLog};
use driver::EntryKind;
use follow::{Follower, FollowerInputs};
use frame::EntryHead;
pub use limits::{ClusterLimits, DriverLimits};
use presence::Presence;
pub use spread::spread;

/// How often it is looked whether another node has begun a room's log.
const OPENING_LOOK_MS: u64 = 40;

/// This node among the others.
#[derive(Debug)]
pub(crate) struct Cluster {
    nats: Nats,
    db: Db,
    clock: Clock,
    limits: ClusterLimits,
    log: OnceCell<Arc<dyn RoomLog>>,
    /// The way to the task of each room that is followed.
    rooms: Mutex<HashMap<ConsultId, mpsc::Sender<Command>>>,
    /// Rooms that this node had to close, and whose sessions it has to look after when it can.
    orphans: Mutex<BTreeSet<ConsultId>>,
    /// Rooms that the database is to be told this node holds, or holds no more.
    notes: Mutex<BTreeMap<ConsultId, bool>>,
    /// There are notes.
    noted: Notify,
    presence: Mutex<Presence>,
    node: NodeId,
    connections: watch::Sender<u64>,
    lives: AtomicU64,
    began: Instant,
}

/// The cluster as the log that the rooms of this node share.
#[derive(Clone, Debug)]
pub(crate) struct SharedRooms(pub(crate) Arc<Cluster>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing behind these locks is ever half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cluster {
    pub(crate) fn new(node: NodeId, nats: Nats, db: Db, clock: Clock, limits: ClusterLimits) -> Self {
        Self {
            nats,
            db,
            clock,
            limits,
            log: OnceCell::new(),
            rooms: Mutex::default(),
            orphans: Mutex::default(),
            notes: Mutex::default(),
            noted: Notify::new(),
            presence: Mutex::new(Presence::new(node, limits.silent_ms_max, 0)),
            node,
            connections: watch::Sender::new(0),
            lives: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn instant(&self, at_ms: u64) -> Instant {
        self.began + Duration::from_millis(at_ms)
    }

    fn keep_hours(&self) -> i64 {
        i64::try_from(self.limits.stream.keep_hours_max).unwrap_or(i64::MAX / 4_000)
    }

    /// Where a follower's batches are numbered from: no other follower of this process uses those numbers.
    fn batches(&self) -> u64 {
        self.lives.fetch_add(1, Ordering::Relaxed) << 32
    }

    /// The log, once its stream is there.
    async fn log(&self) -> Result<Arc<dyn RoomLog>, NoRoom> {
        let opened = self.log.get_or_try_init(|| async {
            let log = JetStreamLog::open(self.nats.clone(), self.limits.stream).await?;
            Ok::<Arc<dyn RoomLog>, sanbao_platform::nats::NatsError>(Arc::new(log))
        });
        opened.await.cloned().map_err(|error| {
            tracing::error!(%error, "the rooms' stream cannot be had");
            NoRoom::Unavailable
        })
    }

    /// Lets the database know soon whether this node holds a room.
    fn note(&self, consult: ConsultId, holds: bool) {
        lock(&self.notes).insert(consult, holds);
        self.noted.notify_one();
    }

    fn orphaned(&self, consult: ConsultId) {
        lock(&self.orphans).insert(consult);
    }

    /// Whether a node is gone.
    fn is_gone(&self, node: NodeId) -> bool {
        lock(&self.presence).is_gone(node, self.now_ms())
    }

    /// The log's entries of the room, which is begun when it may be; nothing when there is no room. The database is
    /// asked only for a room that is not there: a client that resumes does not wait for it.
    async fn entries(&self, room: &dyn FollowedRoom, log: &dyn RoomLog, make: bool) -> Result<Vec<Committed>, NoRoom> {
        let consult = room.consult();
        let mut begun = false;
        loop {
            match log.read(consult, Position::START).await {
                Ok(entries) if !entries.is_empty() => return Ok(entries),
                Ok(entries) if !make => return Ok(entries),
                Ok(_) if !begun && self.may_begin(consult).await? => {
                    let past = facts::past(&mut self.db.read().await?, consult).await?;
                    log.open_first(consult, self.opening(room.limits(), past)?).await.map_err(|error| {
                        tracing::warn!(%consult, %error, "a room's log could not be begun");
                        NoRoom::Unavailable
                    })?;
                    begun = true;
                }
                // Another node begins it, or the server that answers does not know it yet.
                Ok(_) => sleep(Duration::from_millis(OPENING_LOOK_MS)).await,
                Err(error) => {
                    tracing::debug!(%consult, %error, "a room's log was not read");
                    sleep(Duration::from_millis(OPENING_LOOK_MS)).await;
                }
            }
        }
    }

    fn opening(&self, limits: RoomLimits, past: Past) -> Result<Bytes, NoRoom> {
        let now = self.clock.now();
        let command = Command::Open { epoch: Epoch::new(now), past: Box::new(past), limits: Box::new(limits) };
        let command = frame::command(&command).map_err(|error| {
            tracing::error!(%error, "a room's first entry cannot be written");
            NoRoom::Unavailable
        })?;
        let head = EntryHead { kind: EntryKind::Opening, node: self.node, batch: 0, previous: Position::START };
        Ok(head.batch(now, &[command]))
    }

    async fn may_begin(&self, consult: ConsultId) -> Result<bool, NoRoom> {
        let lease = TimeDelta::milliseconds(i64::try_from(self.limits.opening_lease_ms).unwrap_or(i64::MAX));
        Ok(opening::claim(&self.db, consult, self.node, self.clock.now(), lease).await?)
    }

    /// Follows the room from now on. `false` when there is none.
    async fn follow(
        self: &Arc<Self>,
        room: Arc<dyn FollowedRoom>,
        make: bool,
        commands: mpsc::Receiver<Command>,
    ) -> Result<bool, NoRoom> {
        let consult = room.consult();
        let log = self.log().await?;
        let connections = self.connections.subscribe();
        // Listening first: an entry that comes between is heard or read, perhaps both, never neither.
        let watch = log.watch(consult).await.map_err(|error| {
            tracing::warn!(%consult, %error, "a room's log cannot be followed");
            NoRoom::Unavailable
        })?;
        let entries = self.entries(&*room, &*log, make).await?;
        if entries.is_empty() {
            return Ok(false);
        }
        self.note(consult, true);
        let follower = Follower::begin(Arc::clone(self), room, log, &entries).ok_or(NoRoom::Unavailable)?;
        tokio::spawn(follower.run(FollowerInputs { commands, watch, connections }));
        Ok(true)
    }
}

#[async_trait]
impl SharedLog for SharedRooms {
    fn node(&self) -> NodeId {
        self.0.node
    }

    async fn open(&self, room: Arc<dyn FollowedRoom>, make: bool) -> Result<bool, NoRoom> {
        let cluster = &self.0;
        let (sender, commands) = mpsc::channel(cluster.limits.driver.waiting_commands_max);
        lock(&cluster.rooms).insert(room.consult(), sender);
        let wait = Duration::from_millis(cluster.limits.open_wait_ms_max);
        timeout(wait, cluster.follow(room, make, commands)).await.unwrap_or(Err(NoRoom::Unavailable))
    }

    fn propose(&self, consult: ConsultId, commands: Vec<Command>) -> bool {
        let rooms = lock(&self.0.rooms);
        let Some(room) = rooms.get(&consult) else { return false };
        let Ok(places) = room.try_reserve_many(commands.len()) else { return false };
        for (place, command) in places.zip(commands) {
            place.send(command);
        }
        true
    }

    fn close(&self, consult: ConsultId) {
        lock(&self.0.rooms).remove(&consult);
        // The sessions of an orphan are still this node's.
        if !lock(&self.0.orphans).contains(&consult) {
            self.0.note(consult, false);
        }
    }
}
