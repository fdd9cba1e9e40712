//! The wire protocol `sanbao.signal.v1`: JSON text frames over a WebSocket. `README.md` is its document.
//!
//! A message is read in two steps, the envelope first and then the fields of its type, so that an
//! unknown type and a wrong field are different typed errors and the `id` is echoed in both.

mod client;
mod codes;
mod server;

pub use client::{Candidate, ClientMessage, Envelope, Rejected, Signal, read};
pub use codes::{CloseCode, ErrorCode};
pub use server::{
    Heartbeat, IceServer, LeftBecause, Limits, Media, PeerView, RingOver, RoomView, ServerMessage, WaitingView,
};

/// The protocol's version, as `v` in `hello` and `welcome`.
pub const VERSION: u32 = 1;
/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "sanbao.signal.v1";
