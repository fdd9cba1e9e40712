//! The inputs and outputs of a driver.

use super::chain::LoggedEntry;
use crate::log::Position;

/// The events of a room's log, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogInput<B> {
    /// The append of this batch was stored at this place. Whether it is valid is heard.
    Appended(u64, Position),
    /// The append was refused, because the room's last entry is another one.
    Behind(u64),
    /// No answer came to the append: it may be stored or may be stored yet.
    Unknown(u64),
    /// The append was refused for another reason, or never sent: it is not stored, and will not be.
    Unavailable(u64),
    /// An entry was announced; some announcements are lost, and some come twice.
    Announced(LoggedEntry<B>),
    /// All entries after the place that was asked for, in order, as far as the server knew.
    Read(Vec<LoggedEntry<B>>),
    /// The log did not answer a read.
    ReadFailed,
    /// Announcements may have been missed: the connection is new, or a queue ran over.
    Missed,
    /// Nothing but time went on.
    Tick,
}

/// The next thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOutput<C, B> {
    /// Append these commands as this node's batch of that number, if the room's last entry is the expected one.
    Append {
        /// The last entry, valid or void.
        expected: Position,
        /// The last valid entry, which this one names.
        previous: Position,
        /// The number by which this node knows its own entry again.
        batch: u64,
        /// The commands of the entry.
        commands: Vec<C>,
    },
    /// Append a snapshot of the replica as it is now; answered like any other append.
    AppendSnapshot {
        /// The last entry, valid or void.
        expected: Position,
        /// The last valid entry, which the replica has applied and this one names.
        previous: Position,
        /// The number by which this node knows its own entry again.
        batch: u64,
    },
    /// Read the room's entries after a place.
    Read {
        /// The place that it must stand behind.
        after: Position,
    },
    /// The next valid entry: apply it.
    Apply {
        /// Its place in the log.
        position: Position,
        body: B,
    },
    /// Entries before this snapshot are gone from the log: put it in the replica's place.
    Restore {
        /// The snapshot's place in the log.
        position: Position,
        body: B,
    },
    /// This node's snapshot is in the log: what is older may go, once the facts of it are written.
    Trim {
        /// The snapshot's place in the log.
        before: Position,
    },
    /// A proposal that waited too long is dropped: close this node's clients of the room, to try again.
    GiveUp,
    /// The log holds neither an opening nor a snapshot to go on from: this node's replica is worth nothing.
    Lost,
}

/// A command was not taken: as many as may wait do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much waits for the room's log")]
pub struct Full;
