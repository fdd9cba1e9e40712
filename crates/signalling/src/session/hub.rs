//! The rooms of this process, and the one door through which every input passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::link::Link;
use crate::config::SessionLimits;
use crate::facts::{self, Record};
use crate::id::{ConsultId, PeerId};
use crate::protocol::{ServerMessage, VERSION};
use crate::room::{FACTS_PER_INPUT_MAX, Input, Output, Past, Profile, Request, Room};
use crate::turn::IceConfig;

/// How often rooms are asked whether a wait is over, and empty ones are forgotten.
const SWEEP_MS: u64 = 500;

/// All rooms.
#[derive(Debug)]
pub(crate) struct Hub {
    rooms: Mutex<HashMap<ConsultId, Arc<Cell>>>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) limits: SessionLimits,
    pub(super) clock: Clock,
    ice: IceConfig,
    db: Db,
    facts: mpsc::Sender<Record>,
}

/// One room and the connections to it.
#[derive(Debug)]
pub(super) struct Cell {
    consult: ConsultId,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    room: Room,
    links: HashMap<PeerId, Place>,
    empty_since: Option<DateTime<Utc>>,
    /// Taken out of the map; nobody may enter any more.
    forgotten: bool,
}

#[derive(Debug)]
struct Place {
    link: Link,
    phone: Option<String>,
}

/// Why a connection finds no room.
#[derive(Debug)]
pub(super) enum NoRoom {
    /// As many rooms as this process takes.
    Full,
    /// The database did not say whether the visit is over.
    Unknown(DbError),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere is caught and counted there; a room's state is whole after every input.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(crate) fn new(
        limits: SessionLimits,
        clock: Clock,
        ice: IceConfig,
        db: Db,
        facts: mpsc::Sender<Record>,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections_max));
        Self { rooms: Mutex::default(), connections, limits, clock, ice, db, facts }
    }

    /// Puts a connection into its room, which is made when it is not there.
    pub(super) async fn connect(
        &self,
        consult: ConsultId,
        peer: PeerId,
        profile: Profile,
        link: Link,
        phone: Option<String>,
    ) -> Result<Arc<Cell>, NoRoom> {
        loop {
            let cell = self.room(consult).await?;
            let mut inner = lock(&cell.inner);
            if inner.forgotten {
                continue; // swept between the two locks: look again
            }
            inner.links.insert(peer, Place { link: link.clone(), phone: phone.clone() });
            let outputs = inner.room.handle(self.clock.now(), Input::Connected { peer, profile });
            self.carry_out(consult, &mut inner, outputs, None);
            drop(inner);
            return Ok(cell);
        }
    }

    async fn room(&self, consult: ConsultId) -> Result<Arc<Cell>, NoRoom> {
        {
            let rooms = lock(&self.rooms);
            if let Some(cell) = rooms.get(&consult) {
                return Ok(Arc::clone(cell));
            }
            if rooms.len() >= self.limits.rooms_max {
                return Err(NoRoom::Full);
            }
        }
        let past: Past = facts::past(&self.db, consult).await.map_err(NoRoom::Unknown)?;
        let mut rooms = lock(&self.rooms);
        if !rooms.contains_key(&consult) && rooms.len() >= self.limits.rooms_max {
            return Err(NoRoom::Full);
        }
        let cell = rooms.entry(consult).or_insert_with(|| {
            let room = Room::new(consult, self.limits.room, past);
            let inner = Inner { room, links: HashMap::new(), empty_since: None, forgotten: false };
            Arc::new(Cell { consult, inner: Mutex::new(inner) })
        });
        Ok(Arc::clone(cell))
    }

    /// Hands an input to a room and carries out what comes of it.
    pub(super) async fn input(&self, cell: &Cell, input: Input) {
        let gives_facts =
            !matches!(input, Input::Tick | Input::Said { request: Request::Relay { .. } | Request::State(_), .. });
        // Waiting for places in the queue slows only this connection down; the lock is not held.
        let permits = if gives_facts { self.facts.reserve_many(FACTS_PER_INPUT_MAX).await.ok() } else { None };
        let mut inner = lock(&cell.inner);
        let outputs = inner.room.handle(self.clock.now(), input);
        self.carry_out(cell.consult, &mut inner, outputs, permits);
    }

    fn carry_out(
        &self,
        consult: ConsultId,
        inner: &mut Inner,
        outputs: Vec<Output>,
        mut permits: Option<mpsc::PermitIterator<'_, Record>>,
    ) {
        for output in outputs {
            match output {
                Output::Send { to, message } => {
                    if let Some(place) = inner.links.get(&to) {
                        place.link.send(message.to_text());
                    }
                }
                Output::Welcome { to, you, lobby, room } => {
                    if let Some(place) = inner.links.get(&to) {
                        let ice_servers = self.ice.servers(&to.to_string(), self.clock.now());
                        let (heartbeat, limits) = (self.limits.heartbeat, self.limits.client);
                        let phone = place.phone.clone();
                        let welcome = ServerMessage::Welcome {
                            v: VERSION,
                            peer: to,
                            you,
                            lobby,
                            room,
                            ice_servers,
                            heartbeat,
                            limits,
                            phone,
                        };
                        place.link.send(welcome.to_text());
                    }
                }
                Output::Close { peer, code } => {
                    if let Some(place) = inner.links.remove(&peer) {
                        place.link.close(code);
                    }
                }
                Output::Fact(fact) => {
                    if let Some(permit) = permits.as_mut().and_then(Iterator::next) {
                        permit.send(Record { consult, fact });
                    } else {
                        tracing::error!("a fact of a visit found no place: the writer has ended");
                    }
                }
            }
        }
        let room = &inner.room;
        inner.links.retain(|peer, _| room.knows(*peer));
        inner.empty_since = if inner.room.is_empty() { inner.empty_since.or(Some(self.clock.now())) } else { None };
    }

    /// Ends waits and forgets empty rooms until `stop`.
    pub(crate) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(SWEEP_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.sweep_once(),
                () = stop.cancelled() => return,
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge of thousands")]
    fn sweep_once(&self) {
        let open = self.limits.connections_max - self.connections.available_permits();
        metrics::gauge!("signalling_connections").set(open as f64);
        let now = self.clock.now();
        let idle = TimeDelta::milliseconds(i64::try_from(self.limits.room_idle_ms_max).unwrap_or(i64::MAX));
        let mut rooms = lock(&self.rooms);
        rooms.retain(|consult, cell| {
            let mut inner = lock(&cell.inner);
            if inner.room.next_deadline().is_some_and(|deadline| deadline <= now) {
                let outputs = inner.room.handle(now, Input::Tick);
                self.carry_out(*consult, &mut inner, outputs, None);
            }
            inner.forgotten = inner.empty_since.is_some_and(|since| now - since >= idle);
            !inner.forgotten
        });
        metrics::gauge!("signalling_rooms").set(rooms.len() as f64);
    }
}
