//! The messages that a socket hears.

use crate::protocol::{CloseCode, ErrorCode};
use crate::room::RoomRequest;
use crate::session::reports::Report;

/// The input that a socket's task has read.
#[derive(Debug)]
pub(in crate::session) enum SocketInput {
    /// A numbered message, the next one.
    Request {
        seq: u64,
        ack: u64,
        id: Option<Box<str>>,
        request: RoomRequest,
        bytes: usize,
    },
    /// A numbered message that was sent before.
    Repeat {
        seq: u64,
        ack: u64,
    },
    /// Only an acknowledgement.
    Ack(u64),
    /// Something about the client's line or devices, and an acknowledgement.
    Report(u64, Box<Report>),
    /// A `ping` message.
    Ping(u64),
    /// A ping frame, to be answered with the same content.
    PingFrame(Box<[u8]>),
    /// Something after which there is nothing but the close.
    Refused {
        error: ErrorCode,
        words: Box<str>,
        id: Option<Box<str>>,
        code: CloseCode,
    },
    Close(CloseCode),
}
