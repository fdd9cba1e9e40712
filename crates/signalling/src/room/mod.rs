//! The room of one consult as a pure, replicated state machine: `apply(at, &Command) -> Vec<Output>`.
//!
//! Whoever applies the same commands in the same order has the same room and the same outputs.

mod command;
mod fact;
mod limits;
mod output;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use command::{Command, ENTRY_VERSION, Entrant, Entry, Profile, Request};
pub use fact::{Binding, Capture, FACTS_PER_COMMAND_MAX, Fact, Past, PastChat, Removal, Revocation};
pub use limits::RoomLimits;
pub use output::{Greeting, Output};

use crate::id::{ConsultId, Epoch, PeerId, Socket};

/// The room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    consult: ConsultId,
    epoch: Option<Epoch>,
}

impl Room {
    /// A room before its first entry.
    pub fn open(consult: ConsultId) -> Self {
        Self { consult, epoch: None }
    }

    /// Takes one command; the outputs are to be done in order. Inside a room time never goes back: an `at`
    /// before the last one counts as the last one.
    pub fn apply(&mut self, at: DateTime<Utc>, command: &Command) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.apply_into(at, command, false, &mut outputs);
        outputs
    }

    /// As [`Room::apply`], but appends to `outputs`. `trimmed` says of a [`Command::Resume`] that what follows
    /// its `received` is no longer kept in full (or was never sent), so that the session goes on from a snapshot;
    /// for other commands it has no meaning. All replicas must say the same.
    pub fn apply_into(&mut self, at: DateTime<Utc>, command: &Command, trimmed: bool, outputs: &mut Vec<Output>) {
        let _ = (at, command, trimmed, outputs);
    }

    /// The consult.
    pub fn consult(&self) -> ConsultId {
        self.consult
    }

    /// This log's life; none before the first entry.
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// Whether the visit was finished.
    pub fn is_finished(&self) -> bool {
        false
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Every session, in the order of their ids, and where it is attached.
    pub fn sessions(&self) -> impl Iterator<Item = (PeerId, Option<Socket>)> {
        std::iter::empty()
    }

    /// Whether there is a session of this id.
    pub fn knows(&self, peer: PeerId) -> bool {
        let _ = peer;
        false
    }

    /// Where a session is attached.
    pub fn socket(&self, peer: PeerId) -> Option<Socket> {
        let _ = peer;
        None
    }

    /// The last number of a client's that was taken; none when there is no such session.
    pub fn received(&self, peer: PeerId) -> Option<u64> {
        let _ = peer;
        None
    }

    /// When a [`Command::Tick`] has something to do next.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        None
    }
}
