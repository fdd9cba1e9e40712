//! The wire protocol `sanbao.signal.v1`: JSON text frames over a WebSocket. `README.md` is its document.
//!
//! A message is parsed once, with its fields still raw, and each field is then read as its type needs it: so
//! an unknown type and a wrong field are different typed errors, `id` and `seq` are known in both, and what
//! goes to a peer is passed on as the text that came.

mod body;
mod client;
mod codes;
mod opaque;
mod server;
mod view;

pub use body::Body;
pub use client::{
    CHAT_CHARS_MAX, ClientFrame, ClientMessage, DEVICE_CHARS, Hello, ID_BYTES_MAX, REJECTED_BYTES_MAX, Rejected,
    Resume, read,
};
pub use codes::{CloseCode, ErrorCode};
pub use server::{
    CaptureBecause, ClientLimits, Elsewhere, ErrorDetail, Heartbeat, LeftBecause, LobbyBecause, NewBecause, Place,
    Resumed, ResumedAs, RingOver, ServerMessage, SnapshotBecause, Welcome, WelcomeBecause,
};
pub use view::{CaptureView, ChatLine, Consent, Media, PeerView, RemovedView, RoomView, WaitingView};

/// The protocol's version, as `v` in `hello` and `welcome`.
pub const VERSION: u32 = 1;
/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "sanbao.signal.v1";
/// How long a side may wait with an acknowledgement, in milliseconds.
pub const ACK_DELAY_MS_MAX: u64 = 50;
/// After how many messages without one an acknowledgement is due at once.
pub const ACK_MESSAGES_MAX: u32 = 32;
/// After how many bytes without one an acknowledgement is due at once.
pub const ACK_BYTES_MAX: usize = 64 * 1024;
