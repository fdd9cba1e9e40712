//! Bounds of a node's part in shared logs.

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
            snapshot_entries: 1_000,
        }
    }
}
