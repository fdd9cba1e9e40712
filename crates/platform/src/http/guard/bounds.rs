//! How many connections there may be, and how long each may keep this process waiting.

use std::time::Duration;

/// A body, or an answer that is being taken, may be slower than this for as long as it may be silent, and no longer.
pub const BYTES_PER_SECOND_MIN: u32 = 1024;

/// The bounds of what connections may take of this process. A deadline runs only while it is the other side's turn: an answer that is
/// being computed, an event stream and a WebSocket that are open have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one address (of IPv6, one /64); `None` where all come from the proxy in front.
    pub connections_per_address_max: Option<usize>,
    /// From a connection to the whole head of its first request, the handshake of TLS included.
    pub first_head_wait: Duration,
    /// From one answer to the whole head of the next request.
    pub next_head_wait: Duration,
    /// Between bytes of a request's body.
    pub body_wait: Duration,
    /// Between bytes of an answer that the other side takes.
    pub taking_wait: Duration,
    /// How often HTTP/2 asks whether the other side is still there.
    pub ping_every: Duration,
    /// How long that answer may take.
    pub pong_wait: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connections_per_address_max: Some(512),
            first_head_wait: Duration::from_secs(10),
            next_head_wait: Duration::from_mins(1),
            body_wait: Duration::from_secs(20),
            taking_wait: Duration::from_secs(30),
            ping_every: Duration::from_secs(20),
            pong_wait: Duration::from_secs(20),
        }
    }
}
