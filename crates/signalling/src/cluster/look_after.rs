//! The tasks of a node beside its rooms' logs: it says that it is there, hears who else is, and looks after sessions
//! whose socket went without a word.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use sanbao_platform::db::DbError;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{Cluster, lock, opening};
use crate::id::{ConsultId, NodeId};
use crate::session::{Hub, NoRoom};

/// How often it is looked whether the connection is a new one.
const CONNECTION_LOOK_MS: u64 = 100;
/// How long the last words to the database and the other nodes may take.
const LAST_WAIT_MS_MAX: u64 = 500;
const HERE: &[u8] = b"here";
const GONE: &[u8] = b"farewell";

impl Cluster {
    /// Looks after the node's part until `stop`.
    pub(crate) async fn run(self: Arc<Self>, hub: Arc<Hub>, stop: CancellationToken) {
        let hearing = tokio::spawn(Arc::clone(&self).hear(stop.clone()));
        // Apart from what says that this node is there: a slow database must not make it seem gone.
        let adopting = tokio::spawn(Arc::clone(&self).keep_adopting(Arc::clone(&hub), stop.clone()));
        let mut connection = interval(Duration::from_millis(CONNECTION_LOOK_MS));
        let mut heartbeat = interval(Duration::from_millis(self.limits.heartbeat_ms));
        for ticks in [&mut connection, &mut heartbeat] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut elsewhere = HashMap::new();
        let left = async {
            stop.cancelled().await;
            // Clients are still moving away; the hub waits for them.
            hub.leave().await;
        };
        tokio::pin!(left);
        loop {
            tokio::select! {
                _ = connection.tick() => self.look_at_the_connection(),
                _ = heartbeat.tick() => {
                    self.say(HERE).await;
                    hub.look_after_sockets(|node| self.is_gone(node));
                    elsewhere = self.let_go_of(&hub, &elsewhere);
                }
                () = &mut left => break,
            }
        }
        let _ = tokio::join!(hearing, adopting);
        let last = async {
            for consult in hub.empty_rooms() {
                self.note(consult, false);
            }
            if let Err(error) = self.write_notes().await {
                tracing::warn!(%error, "other nodes will look after rooms that need nobody");
            }
            self.say(GONE).await;
            let _ = self.nats.client().flush().await;
        };
        let _ = timeout(Duration::from_millis(LAST_WAIT_MS_MAX), last).await;
    }

    async fn keep_adopting(self: Arc<Self>, hub: Arc<Hub>, stop: CancellationToken) {
        let mut notes = interval(Duration::from_millis(self.limits.heartbeat_ms));
        let mut adopt = interval(Duration::from_millis(self.limits.adopt_every_ms));
        for ticks in [&mut notes, &mut adopt] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let work = async {
            loop {
                let done = tokio::select! {
                    _ = notes.tick() => self.write_notes().await,
                    () = self.noted.notified() => self.write_notes().await,
                    _ = adopt.tick() => self.adopt(&hub).await,
                };
                if let Err(error) = done {
                    tracing::warn!(%error, "which node holds which room is not told or known yet");
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Holds rooms that only other nodes need a little longer, for people who come back, and then lets go of them.
    fn let_go_of(&self, hub: &Hub, before: &HashMap<ConsultId, u64>) -> HashMap<ConsultId, u64> {
        let now_ms = self.now_ms();
        let mut elsewhere = HashMap::new();
        for cell in hub.rooms_elsewhere(|node| self.is_gone(node)) {
            let since_ms = before.get(&cell.consult()).copied().unwrap_or(now_ms);
            let is_over = now_ms - since_ms >= self.limits.elsewhere_ms_max;
            if !(is_over && hub.let_go(&cell, |node| self.is_gone(node))) {
                elsewhere.insert(cell.consult(), since_ms);
            }
        }
        elsewhere
    }

    fn look_at_the_connection(&self) {
        let connections = self.nats.client().statistics().connects.load(Ordering::Relaxed);
        let is_new = self.connections.send_if_modified(|known| std::mem::replace(known, connections) != connections);
        if is_new || !self.nats.is_connected() {
            lock(&self.presence).disconnected_until(self.now_ms());
        }
    }

    async fn say(&self, word: &'static [u8]) {
        if !self.nats.is_connected() {
            return; // what is handed over now would be said late
        }
        let subject = format!("{}.node.{:016x}", self.nats.prefix(), self.node.0);
        if let Err(error) = self.nats.client().publish(subject, word.into()).await {
            tracing::warn!(%error, "the other nodes do not hear this one");
        }
    }

    async fn hear(self: Arc<Self>, stop: CancellationToken) {
        let subject = format!("{}.node.*", self.nats.prefix());
        let mut words = match self.nats.client().subscribe(subject).await {
            Ok(words) => words,
            Err(error) => return tracing::error!(%error, "the other nodes are not heard"),
        };
        while let Some(Some(message)) = stop.run_until_cancelled(words.next()).await {
            let node = message.subject.rsplit('.').next().and_then(|n| u64::from_str_radix(n, 16).ok()).map(NodeId);
            match node {
                Some(node) if message.payload == GONE => lock(&self.presence).gone(node, self.now_ms()),
                Some(node) => lock(&self.presence).alive(node, self.now_ms()),
                None => {}
            }
        }
    }

    /// Opens rooms that only nodes held which are gone, so that their sessions end in time and what happened is
    /// written down; and those that this node itself had to close.
    async fn adopt(&self, hub: &Arc<Hub>) -> Result<(), DbError> {
        if !self.nats.is_connected() {
            return Ok(());
        }
        self.measure_the_log().await;
        let orphans = lock(&self.orphans).clone();
        for consult in orphans {
            if self.take_in(hub, consult).await {
                lock(&self.orphans).remove(&consult);
            }
        }
        let gone: Vec<NodeId> = opening::holders(&self.db).await?.into_iter().filter(|n| self.is_gone(*n)).collect();
        for node in gone {
            let mut last = None;
            loop {
                let rooms = opening::held_by(&self.db, node, last).await?;
                let Some(after) = rooms.last() else { break };
                last = Some(*after);
                self.take_over(hub, node, rooms).await?;
            }
        }
        Ok(())
    }

    /// Reports how full the log is: a full log refuses every message of every room, so the operator must see it coming.
    #[expect(clippy::cast_precision_loss, reason = "a gauge of bytes")]
    async fn measure_the_log(&self) {
        let Some(log) = self.log.get() else { return };
        match log.bytes().await {
            Ok(bytes) => metrics::gauge!(crate::measures::LOG_BYTES).set(bytes as f64),
            Err(error) => tracing::debug!(%error, "how full the rooms' log is, is not known"),
        }
        metrics::gauge!(crate::measures::LOG_BYTES_MAX).set(self.limits.stream.stream_bytes_max as f64);
    }

    /// Takes rooms over from a node that is gone. One that cannot be had now is left for the next time.
    async fn take_over(&self, hub: &Arc<Hub>, gone: NodeId, rooms: Vec<ConsultId>) -> Result<(), DbError> {
        let mut taken_in = BTreeMap::new();
        for consult in rooms {
            if self.take_in(hub, consult).await {
                taken_in.insert(consult, false);
            }
        }
        // First that this node holds them: should it go now, another finds them.
        self.write_notes().await?;
        opening::note(&self.db, gone, &taken_in).await
    }

    /// Whether the room is looked after now, or needs nobody.
    async fn take_in(&self, hub: &Arc<Hub>, consult: ConsultId) -> bool {
        match hub.open(consult, false).await {
            Ok(cell) => {
                cell.look_after_sockets(&|node| self.is_gone(node));
                true
            }
            Err(NoRoom::None) => true,
            Err(error) => {
                tracing::warn!(%consult, %error, "a room without a node is looked after later");
                false
            }
        }
    }

    /// Tells the database what changed of the rooms that this node holds.
    async fn write_notes(&self) -> Result<(), DbError> {
        let notes = std::mem::take(&mut *lock(&self.notes));
        if notes.is_empty() {
            return Ok(());
        }
        let written = opening::note(&self.db, self.node, &notes).await;
        if written.is_err() {
            let mut newer = lock(&self.notes);
            for (consult, holds) in notes {
                newer.entry(consult).or_insert(holds);
            }
        }
        written
    }
}
