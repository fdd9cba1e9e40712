//! The bounds of a room. They are in its log's first entry, so that every node holds to the same ones.

use serde::{Deserialize, Serialize};

/// The bounds of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLimits {
    /// How many can be inside at once.
    pub people_max: usize,
    /// How many can wait in the lobby at once.
    pub lobby_max: usize,
    /// How many sessions there can be in all, those that have not said `join` included.
    pub seats_max: usize,
    /// How many tickets a room takes in its life; each is bound to a device.
    pub tickets_max: usize,
    /// How long somebody waits in the lobby at most, in milliseconds.
    pub lobby_wait_ms_max: u64,
    /// After how long a wait a colleague is called, in milliseconds.
    pub lobby_escalate_ms: u64,
    /// How long after one ring the next may come, in milliseconds.
    pub ring_again_ms_min: u64,
    /// How long a session without a socket is kept, in milliseconds.
    pub away_ms_max: u64,
    /// How many chat messages are kept.
    pub chat_lines_max: usize,
    /// How many bytes of chat texts are kept.
    pub chat_bytes_max: usize,
    /// How many messages are kept for one session that has not acknowledged them.
    pub unread_messages_max: usize,
    /// How many bytes are kept for one session that has not acknowledged them.
    pub unread_bytes_max: usize,
    /// How many bytes are kept for all sessions of the room together.
    pub unread_room_bytes_max: usize,
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self {
            people_max: 6,
            lobby_max: 8,
            seats_max: 32,
            tickets_max: 256,
            lobby_wait_ms_max: 30 * 60 * 1000,
            lobby_escalate_ms: 2 * 60 * 1000,
            ring_again_ms_min: 10_000,
            away_ms_max: 60_000,
            chat_lines_max: 200,
            chat_bytes_max: 64 * 1024,
            unread_messages_max: 1024,
            unread_bytes_max: 1024 * 1024,
            unread_room_bytes_max: 4 * 1024 * 1024,
        }
    }
}
