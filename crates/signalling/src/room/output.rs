//! The outputs of a room.

use super::fact::Fact;
use crate::id::{Epoch, PeerId, Socket};
use crate::protocol::{Body, CloseCode, ErrorCode, PeerView, Place, Resumed, RoomView};

/// The outputs of a room, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomOutput {
    /// A numbered message. Kept until it is acknowledged.
    Send {
        /// The session that receives it.
        to: PeerId,
        /// The body; one text however many it goes to.
        body: Body,
    },
    /// Answer a `hello`. When it says `snapshot`, what was kept for the session is let go of first.
    Welcome(Box<Greeting>),
    /// Say these words to a socket and close it. Its session, if it has one, is away already.
    TurnAway {
        /// Which socket.
        socket: Socket,
        /// The kind of error.
        error: ErrorCode,
        /// For the client's developer.
        words: &'static str,
        /// How the socket is closed.
        code: CloseCode,
    },
    /// Close an older socket of a session that goes on at another one.
    CloseSocket {
        /// Which socket.
        socket: Socket,
        /// The close code that the socket's client gets.
        code: CloseCode,
    },
    /// A session is over: what was sent to it goes out, then its socket is closed.
    Ended {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// Where it is attached.
        socket: Option<Socket>,
        /// The close code that the socket's client gets.
        code: CloseCode,
    },
    /// Something that must be kept, durably.
    Fact(Fact),
}

/// The room's part of `welcome`. The session adds what only it knows: numbers, secret, ICE servers, limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The session.
    pub peer: PeerId,
    /// Where it is attached.
    pub socket: Socket,
    /// This log's life.
    pub epoch: Epoch,
    /// Whether the session goes on.
    pub resumed: Resumed,
    /// The last number of the client's that was taken.
    pub ack: u64,
    /// Themselves, as the others see them.
    pub you: PeerView,
    /// Where they are.
    pub place: Place,
    /// Whether `join` leads to the lobby.
    pub lobby: bool,
    /// The room as that person may see it; not when everything missed follows.
    pub room: Option<Box<RoomView>>,
}
