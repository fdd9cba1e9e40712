//! The one ordered log of each room, and what a node needs of it.
//!
//! Every change of a room is an entry of its log. Every node that holds the room applies the entries in the
//! log's order and so comes to the same state. [`RoomLog`] is a log that several nodes share. A relay
//! that runs alone needs none: it appends and applies in one step under the room's lock, and
//! [`MemoryLog`] is there to run several nodes in one process.

mod jetstream;
mod memory;

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::id::ConsultId;
pub use jetstream::{JetStreamLimits, JetStreamLog};
pub use memory::MemoryLog;

/// A place in the log. Within a room it grows with every entry, though not by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before every entry.
    pub const START: Self = Self(0);
}

/// An entry in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its place in the log.
    pub position: Position,
    /// The place of the room's entry before it; [`Position::START`] for the first.
    pub previous: Position,
    /// The entry, encoded.
    pub entry: Bytes,
}

/// The log could not be reached, or did not answer in time. Nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the room's log cannot be reached: {0}")]
pub struct LogError(pub String);

/// Why an entry was not appended, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: read what they wrote, apply it, and append again.
    #[error("somebody else wrote first")]
    Behind,
    /// No answer came: the entry may be in the log. Read, and look for it.
    #[error("no answer to an append: {0}")]
    Unknown(String),
    /// The log refused or could not be reached; the entry is not in it.
    #[error("the room's log cannot be reached: {0}")]
    Unavailable(String),
}

/// Entries as they are appended. It may miss some (look at [`Committed::previous`] and read) and may repeat some.
pub type Commits = BoxStream<'static, Committed>;

/// A log per room, shared by all nodes.
#[async_trait]
pub trait RoomLog: Send + Sync + Debug {
    /// The room's entries after a place, in order; all there are, which [`RoomLog::trim`] keeps few.
    async fn read(&self, room: ConsultId, after: Position) -> Result<Vec<Committed>, LogError>;

    /// Appends an entry if the room's last one is at `expected`.
    async fn append(&self, room: ConsultId, expected: Position, entry: Bytes) -> Result<Position, AppendError>;

    /// Appends a room's first entry. Only for the one writer that the database named: a nats-server before 2.10
    /// can let its replicas differ when two expect that there is nothing (its pull request 5794).
    async fn open_first(&self, room: ConsultId, entry: Bytes) -> Result<Position, AppendError>;

    /// Follows the room from now on.
    async fn watch(&self, room: ConsultId) -> Result<Commits, LogError>;

    /// Bytes of all rooms' entries.
    async fn bytes(&self) -> Result<u64, LogError>;

    /// Forgets the room's entries before a place; a snapshot at or after it must be in the log.
    async fn trim(&self, room: ConsultId, before: Position) -> Result<(), LogError>;
}
