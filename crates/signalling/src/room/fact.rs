//! The facts of a room for the record, and what the record says when a room is opened again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{Digest, PersonId};
use crate::protocol::{CaptureBecause, RingOver};
use crate::role::Role;

/// The most facts that one command can give: a full room, a full lobby and both captures end in one tick.
pub const FACTS_PER_COMMAND_MAX: usize = 64;

/// The kind of record of sound and picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// Sound and picture (录像).
    Recording,
    /// The words (转写).
    Transcription,
}

/// Something that happened, for the record. No names: a person is their id, but for the chat and removals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The first time that host and clinician are both in the room.
    Started {
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Somebody came or went.
    Attendance {
        /// The person, by their ticket's `sub`.
        person: PersonId,
        role: Role,
        /// Came, or went.
        joined: bool,
        /// When; of one who dropped out, when their connection broke.
        at: DateTime<Utc>,
    },
    /// Host and clinician have stopped being together for now.
    Together {
        /// How long they were in all, so far.
        together_seconds: u64,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Somebody has waited so long that a colleague is to be called.
    Escalated {
        /// The person, by their ticket's `sub`.
        person: PersonId,
        role: Role,
        /// Since then, by the room's time, UTC.
        since: DateTime<Utc>,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Somebody for whom a colleague was called waits no more.
    WaitOver {
        /// The person, by their ticket's `sub`.
        person: PersonId,
        /// Why no more.
        because: RingOver,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Somebody wrote to all.
    Chat {
        /// The message's number in the consult.
        n: u32,
        /// The person, by their ticket's `sub`.
        person: PersonId,
        /// The name in their ticket, at most 64 characters.
        name: Box<str>,
        role: Role,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
        /// The words as they were sent.
        text: Box<str>,
    },
    /// Somebody consented, or no longer.
    Consent {
        /// The person, by their ticket's `sub`.
        person: PersonId,
        /// To being recorded.
        recording: bool,
        /// To what they say being written down.
        transcription: bool,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Recording or transcription went on or off.
    Captured {
        /// Recording or transcription.
        capture: Capture,
        /// Whether it is on from now on.
        on: bool,
        /// The person who did it.
        by: Option<PersonId>,
        /// The cause, as the protocol names it.
        because: CaptureBecause,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// Somebody was sent away until lifted.
    Removed(Removal),
    /// A removed person may come again.
    Lifted {
        /// The removal's number.
        removal: u32,
        /// The person whose doing it was, by their ticket's `sub`.
        by: PersonId,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// A ticket was first used, and belongs to that device from now on.
    Bound {
        /// The ticket, and the device.
        binding: Binding,
        /// The person, by their ticket's `sub`.
        person: PersonId,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
    },
    /// A ticket, or all tickets of a person, were revoked.
    Revoked(Revocation),
    /// The visit was ended for all.
    Finished {
        /// The person whose doing it was, by their ticket's `sub`.
        by: PersonId,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
        /// How long host and clinician were together.
        together_seconds: u64,
    },
}

/// A person who was sent away until lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Its number in the consult.
    pub removal: u32,
    /// The person, by their ticket's `sub`.
    pub person: PersonId,
    /// By what name those who can lift it know them.
    pub name: Box<str>,
    /// The person whose doing it was, by their ticket's `sub`.
    pub by: PersonId,
    /// The room's time at which it happened, UTC.
    pub at: DateTime<Utc>,
}

/// A ticket and the device it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The ticket's `jti`.
    pub ticket: Uuid,
    /// The digest of the device's name.
    pub device: Digest,
}

/// Tickets that open nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub ticket: Option<Uuid>,
    /// Every ticket of a person that was issued until `at`, or does not say when it was.
    pub person: Option<PersonId>,
    /// The room's time at which it happened, UTC.
    pub at: DateTime<Utc>,
}

/// The record of a consult from before its log: all of it was a [`Fact`] once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Since when host and clinician have first been together.
    pub started_at: Option<DateTime<Utc>>,
    /// Whether the visit was finished.
    pub finished: bool,
    /// How long host and clinician were together.
    pub together_seconds: u64,
    /// The people who were sent away, and not lifted.
    pub removed: Vec<Removal>,
    /// The highest number of a removal, lifted ones included.
    pub removals: u32,
    /// Which tickets belong to which devices.
    pub bound: Vec<Binding>,
    /// Which tickets open nothing any more.
    pub revoked: Vec<Revocation>,
    /// The last chat messages, oldest first.
    pub chat: Vec<PastChat>,
}

/// A chat message of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastChat {
    /// Its number in the consult.
    pub n: u32,
    /// The name in their ticket, at most 64 characters.
    pub name: Box<str>,
    /// The room's time at which it happened, UTC.
    pub at: DateTime<Utc>,
    /// The words as they were sent.
    pub text: Box<str>,
}
