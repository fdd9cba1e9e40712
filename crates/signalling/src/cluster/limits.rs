//! Bounds of a node among others that share rooms.

use crate::log::JetStreamLimits;

/// Bounds of one node's part in one room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverLimits {
    /// Commands that one entry may hold.
    pub entry_commands_max: usize,
    /// Bytes of commands that one entry may hold; a single command may be larger than this.
    pub entry_bytes_max: usize,
    /// Commands of this node that may wait for the log.
    pub waiting_commands_max: usize,
    /// Bytes of commands of this node that may wait for the log.
    pub waiting_bytes_max: usize,
    /// How long a command may wait for the log before its senders are told that the room is unavailable.
    pub commit_wait_ms_max: u64,
    /// How long an entry that is known to be stored is listened for before it is read.
    pub hear_wait_ms_max: u64,
    /// The longest wait before the log is tried again; the first is a sixteenth of it.
    pub retry_wait_ms_max: u64,
    /// After how long a quiet room's log is looked at, for an entry whose announcement was lost.
    pub tail_check_ms: u64,
    /// Valid entries after a snapshot that call for the next.
    pub snapshot_entries: u64,
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            entry_commands_max: 256,
            entry_bytes_max: 256 * 1024,
            waiting_commands_max: 4_096,
            waiting_bytes_max: 8 * 1024 * 1024,
            commit_wait_ms_max: 5_000,
            hear_wait_ms_max: 20,
            retry_wait_ms_max: 800,
            tail_check_ms: 15_000,
            snapshot_entries: 128,
        }
    }
}

/// Bounds of a node among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterLimits {
    /// A room's log.
    pub driver: DriverLimits,
    /// The stream of all rooms' logs.
    pub stream: JetStreamLimits,
    /// How long opening a room may take; less than a client's hello may wait.
    pub open_wait_ms_max: u64,
    /// How long a node may take to write the first entry of a room, before another one may.
    pub opening_lease_ms: u64,
    /// How often nodes say that they are there.
    pub heartbeat_ms: u64,
    /// For how long a node may be silent before the others take it for gone.
    pub silent_ms_max: u64,
    /// How often the rooms of nodes that are gone are looked for.
    pub adopt_every_ms: u64,
    /// How long a room is held whose people are all at other nodes.
    pub elsewhere_ms_max: u64,
    /// Bytes of a snapshot; a room that is larger for a moment is written later. Less than the server's `max_payload`.
    pub snapshot_bytes_max: usize,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            driver: DriverLimits::default(),
            stream: JetStreamLimits::default(),
            open_wait_ms_max: 4_000,
            opening_lease_ms: 2_000,
            heartbeat_ms: 1_000,
            silent_ms_max: 5_000,
            adopt_every_ms: 5_000,
            elsewhere_ms_max: 5_000,
            snapshot_bytes_max: 900 * 1024,
        }
    }
}
