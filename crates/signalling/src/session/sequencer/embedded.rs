//! The embedded way: this process is the log of every room. A command is applied at once, and the rooms are kept over
//! a restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Db, DbError};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::keep;
use super::opening::Opening;
use crate::id::{ConsultId, Epoch, NodeId};
use crate::replica::{Effect, Replica};
use crate::room::{Command, Revocation, RoomLimits};

/// The sources from which this process opens rooms, and where it keeps them.
#[derive(Debug)]
pub(crate) struct Embedded {
    node: NodeId,
    db: Db,
    rooms_max: usize,
    opening: OnceCell<Mutex<Opening>>,
    /// Set before rooms are kept for the next run.
    leaving: AtomicBool,
}

/// A room of the run before, and what was taken back of its tickets meanwhile.
pub(in crate::session) struct Kept {
    pub(in crate::session) replica: Replica,
    pub(in crate::session) revoked: Vec<Revocation>,
}

/// Applies a command as the next entry of the room's log.
pub(super) fn apply(now: DateTime<Utc>, replica: &mut Replica, command: &Command) -> Vec<Effect> {
    let mut effects = Vec::new();
    replica.apply_next(now, command, &mut effects);
    effects
}

impl Embedded {
    /// Remembers at most `rooms_max` rooms of the run before.
    pub(in crate::session) fn new(db: Db, rooms_max: usize) -> Self {
        let (opening, leaving) = (OnceCell::new(), AtomicBool::new(false));
        Self { node: NodeId(rand::random()), db, rooms_max, opening, leaving }
    }

    pub(super) fn node_id(&self) -> NodeId {
        self.node
    }

    /// From what rooms are opened. Locked while one is: a node that leaves waits for it.
    pub(in crate::session) async fn opening(&self) -> Result<MutexGuard<'_, Opening>, DbError> {
        let list = || async {
            let kept = keep::list(&self.db, self.rooms_max).await?;
            Ok::<_, DbError>(Mutex::new(Opening::new(kept.into_iter().collect())))
        };
        Ok(self.opening.get_or_try_init(list).await?.lock().await)
    }

    /// Gives the connection that rooms are opened from back, if nobody has opened one for a while.
    pub(in crate::session) fn rest(&self, now: Instant) {
        if let Some(Ok(mut opening)) = self.opening.get().map(Mutex::try_lock) {
            opening.rest(now);
        }
    }

    /// The room as the run before left it, its sockets gone; `None` when nothing was kept of it.
    pub(in crate::session) async fn wake(
        &self,
        opening: &mut Opening,
        consult: ConsultId,
        now: DateTime<Utc>,
    ) -> Result<Option<Kept>, DbError> {
        if !opening.kept.contains(&consult) {
            return Ok(None);
        }
        // Tickets may have been taken back while the room slept.
        let revoked = opening.revoked(&self.db, consult).await?;
        let replica = keep::take(&self.db, consult).await?;
        Ok(replica.map(|replica| Kept { replica: without_sockets(replica, now), revoked }))
    }

    /// A new room, its first entry applied.
    pub(in crate::session) async fn begin(
        &self,
        opening: &mut Opening,
        consult: ConsultId,
        now: DateTime<Utc>,
        limits: RoomLimits,
    ) -> Result<Replica, DbError> {
        let past = Box::new(opening.past(&self.db, consult).await?);
        let mut replica = Replica::new(consult);
        let open = Command::Open { epoch: Epoch::new(now), past, limits: Box::new(limits) };
        replica.apply_next(now, &open, &mut Vec::new());
        Ok(replica)
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// From now on nobody enters a room.
    pub(in crate::session) fn begin_to_leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Keeps rooms for the next run. One that is just being taken out of the table is waited for first.
    pub(in crate::session) async fn keep(&self, now: DateTime<Utc>, rooms: impl FnOnce() -> Vec<(ConsultId, Replica)>) {
        let mut opening = self.opening().await.ok();
        if let Some(opening) = &mut opening {
            opening.end();
        }
        let rooms = rooms();
        if let Err(error) = keep::put(&self.db, now, &rooms).await {
            tracing::error!(%error, rooms = rooms.len(), "rooms are not kept over the restart: sessions start anew");
        }
    }
}

/// A room of an earlier run, whose sockets are gone.
fn without_sockets(mut replica: Replica, now: DateTime<Utc>) -> Replica {
    let nodes: Vec<NodeId> = replica.room().sessions().filter_map(|(_, s)| s.map(|s| s.node)).collect();
    for node in nodes {
        replica.apply_next(now, &Command::NodeGone { node }, &mut Vec::new());
    }
    replica
}
