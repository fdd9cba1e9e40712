//! The task of one room on one node: it carries out what the room's [`LogDriver`] decides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::Cluster;
use super::driver::{EntryKind, LogDriver, LogInput, LogOutput, LoggedEntry};
use super::frame::{self, EntryBody, EntryHead, Unreadable};
use crate::id::ConsultId;
use crate::log::{AppendError, Commits, Committed, Position, RoomLog};
use crate::room::Command;
use crate::session::FollowedRoom;

/// Commands that are taken from the queue at a time.
const TAKEN_AT_ONCE_MAX: usize = 256;
/// The longest command: a message of 64 KiB and what stands around it.
const COMMAND_BYTES_MAX: usize = 80 * 1024;
/// How long a snapshot's predecessors wait for their facts to be written, before they wait for the next snapshot.
const FACTS_WAIT_MS_MAX: u64 = 30_000;
/// How often it is looked whether they are.
const FACTS_LOOK_MS: u64 = 100;

/// The log's answer.
type Answer = Result<LogInput<EntryBody>, Unreadable>;

/// One room's task.
pub(super) struct Follower {
    pub(super) cluster: Arc<Cluster>,
    pub(super) room: Arc<dyn FollowedRoom>,
    pub(super) log: Arc<dyn RoomLog>,
    driver: LogDriver<Bytes>,
    append: Option<BoxFuture<'static, Answer>>,
    read: Option<BoxFuture<'static, Answer>>,
}

/// The room cannot be followed any more, and is closed here.
struct Over;

/// The inputs of a follower.
pub(super) struct FollowerInputs {
    /// The proposed commands.
    pub(super) commands: mpsc::Receiver<Command>,
    /// The announced commits.
    pub(super) watch: Commits,
    /// Counts the connections to the log.
    pub(super) connections: watch::Receiver<u64>,
}

impl Follower {
    /// Brings the replica up to the end of what was read of the log; `None` when there is no going on from it.
    pub(super) fn begin(
        cluster: Arc<Cluster>,
        room: Arc<dyn FollowedRoom>,
        log: Arc<dyn RoomLog>,
        entries: &[Committed],
    ) -> Option<Self> {
        let (limits, batches) = (cluster.limits.driver, cluster.batches());
        let (driver, _first_read) = LogDriver::follow::<EntryBody>(limits, Position::START, batches, cluster.now_ms());
        let mut follower = Self { cluster, room, log, driver, append: None, read: None };
        let answer = follower.judge(entries).map(LogInput::Read);
        match follower.take(answer) {
            Ok(()) if follower.driver.last() != Position::START => Some(follower),
            _ => None,
        }
    }

    fn consult(&self) -> ConsultId {
        self.room.consult()
    }

    fn judge(&self, entries: &[Committed]) -> Result<Vec<LoggedEntry<EntryBody>>, Unreadable> {
        entries.iter().map(|committed| frame::logged(self.cluster.node, committed)).collect()
    }

    /// Runs until the room is closed here.
    pub(super) async fn run(mut self, mut inputs: FollowerInputs) {
        let mut commands = Vec::new();
        let timer = tokio::time::sleep_until(Instant::now());
        tokio::pin!(timer);
        loop {
            let deadline = self.cluster.instant(self.driver.next_deadline_ms());
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            let has_room = self.driver.has_room(COMMAND_BYTES_MAX);
            let done = tokio::select! {
                count = inputs.commands.recv_many(&mut commands, TAKEN_AT_ONCE_MAX), if has_room => {
                    match count {
                        0 if self.room.is_forgotten() => return,
                        0 => Err(Over), // the way to this task was taken away: the sockets of the room must not wait
                        _ => self.propose(commands.drain(..)),
                    }
                }
                Some(committed) = inputs.watch.next() => {
                    let answer = frame::logged(self.cluster.node, &committed).map(LogInput::Announced);
                    self.take(answer)
                }
                answer = some(&mut self.append) => { self.append = None; self.take(answer) }
                answer = some(&mut self.read) => { self.read = None; self.take(answer) }
                Ok(()) = inputs.connections.changed() => self.take(Ok(LogInput::Missed)),
                () = &mut timer => self.take(Ok(LogInput::Tick)),
            };
            if let Err(Over) = done {
                self.cluster.orphaned(self.consult());
                return self.room.forget();
            }
        }
    }

    fn propose(&mut self, commands: impl Iterator<Item = Command>) -> Result<(), Over> {
        for command in commands {
            // Only what this program itself made is encoded: that cannot fail.
            let bytes = frame::command(&command).map_err(|error| report(self.consult(), &error))?;
            let length = bytes.len();
            match self.driver.propose(self.cluster.now_ms(), bytes, length) {
                Ok(outputs) => self.carry_out(outputs)?,
                Err(full) => {
                    tracing::error!(consult = %self.consult(), error = %full, "a room's log is too slow");
                    return Err(Over);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, answer: Answer) -> Result<(), Over> {
        let input = answer.map_err(|error| report(self.consult(), &error))?;
        let outputs = self.driver.handle(self.cluster.now_ms(), input);
        self.carry_out(outputs)
    }

    fn carry_out(&mut self, outputs: Vec<LogOutput<Bytes, EntryBody>>) -> Result<(), Over> {
        let consult = self.consult();
        for output in outputs {
            match output {
                LogOutput::Append { expected, previous, batch, commands } => {
                    let head = EntryHead { kind: EntryKind::Batch, node: self.cluster.node, batch, previous };
                    self.send(expected, batch, head.batch(self.cluster.clock.now(), &commands));
                }
                LogOutput::AppendSnapshot { expected, previous, batch } => self.snapshot(expected, previous, batch),
                LogOutput::Read { after } => self.look(after),
                LogOutput::Apply { position, body } => {
                    let entry = body.entry().map_err(|error| report(consult, &error))?;
                    let age = self.cluster.clock.now() - entry.at;
                    if age > TimeDelta::hours(self.cluster.keep_hours() / 2) {
                        self.driver.snapshot_soon();
                    }
                    let was_empty = self.room.is_empty();
                    self.room.committed(position, &entry);
                    if !was_empty && self.room.is_empty() && entry.node == self.cluster.node {
                        // Of a room that is over, little is to be kept.
                        self.driver.snapshot_soon();
                    }
                }
                LogOutput::Restore { body, .. } => {
                    let replica = body.replica().map_err(|error| report(consult, &error))?;
                    self.room.install(replica);
                }
                LogOutput::Trim { before } => self.trim(before),
                LogOutput::GiveUp => {
                    tracing::warn!(%consult, "a room's log did not answer in time: its clients try again");
                    return Err(Over);
                }
                LogOutput::Lost => {
                    tracing::error!(%consult, "a room's log has neither a beginning nor a snapshot");
                    return Err(Over);
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, expected: Position, batch: u64, entry: Bytes) {
        let (log, consult) = (Arc::clone(&self.log), self.consult());
        self.append = Some(Box::pin(async move {
            Ok(match log.append(consult, expected, entry).await {
                Ok(position) => LogInput::Appended(batch, position),
                Err(AppendError::Behind) => LogInput::Behind(batch),
                Err(AppendError::Unknown(cause)) => {
                    tracing::debug!(%consult, cause, "an append was not answered");
                    LogInput::Unknown(batch)
                }
                Err(AppendError::Unavailable(cause)) => {
                    tracing::debug!(%consult, cause, "an append was refused");
                    LogInput::Unavailable(batch)
                }
            })
        }));
    }

    fn snapshot(&mut self, expected: Position, previous: Position, batch: u64) {
        let head = EntryHead { kind: EntryKind::Snapshot, node: self.cluster.node, batch, previous };
        match head.snapshot(&self.room.copy()) {
            Ok(entry) if entry.len() <= self.cluster.limits.snapshot_bytes_max => self.send(expected, batch, entry),
            Ok(_) => self.append = Some(Box::pin(async move { Ok(LogInput::Unavailable(batch)) })),
            Err(error) => {
                report(self.consult(), &error);
                self.append = Some(Box::pin(async move { Ok(LogInput::Unavailable(batch)) }));
            }
        }
    }

    fn look(&mut self, after: Position) {
        let (log, consult, node) = (Arc::clone(&self.log), self.consult(), self.cluster.node);
        self.read = Some(Box::pin(async move {
            match log.read(consult, after).await {
                Ok(entries) => {
                    let logged = entries.iter().map(|committed| frame::logged(node, committed));
                    Ok(LogInput::Read(logged.collect::<Result<_, _>>()?))
                }
                Err(error) => {
                    tracing::debug!(%consult, %error, "a read was not answered");
                    Ok(LogInput::ReadFailed)
                }
            }
        }));
    }

    /// Lets what is older than a snapshot go, once this node has written every fact of it.
    fn trim(&self, before: Position) {
        let (log, facts, consult) = (Arc::clone(&self.log), self.room.facts().clone(), self.consult());
        // Not until nothing waits: on a busy node that is never.
        let seen = facts.pushed();
        tokio::spawn(async move {
            for _ in 0..FACTS_WAIT_MS_MAX / FACTS_LOOK_MS {
                if facts.is_written(seen) {
                    if let Err(error) = log.trim(consult, before).await {
                        tracing::debug!(%consult, %error, "a room's log stays long until the next snapshot");
                    }
                    return;
                }
                tokio::time::sleep(Duration::from_millis(FACTS_LOOK_MS)).await;
            }
        });
    }
}

fn report(consult: ConsultId, error: &Unreadable) -> Over {
    tracing::error!(%consult, %error, "this node cannot follow a room");
    Over
}

/// Waits for a future that may not be there.
async fn some<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
