//! A connection that is in a room: one task that reads. Writing is done by the task that causes a message.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::budget::Budget;
use super::cell::{Cell, SocketInput};
use super::closing::close_gracefully;
use super::frame::{Decoder, WsFrame};
use super::link::{CLOSED, Link, Signal, WRITABLE, Welcomed};
use super::node::wrapped_ms;
use super::reports::Report;
use super::wire::SocketReader;
use crate::id::PeerId;
use crate::protocol::{ClientLimits, ClientMessage, CloseCode, ErrorCode, Rejected, read};
use crate::room::RoomRequest;

/// A socket in a room. It is taken out of the room however the task that reads it ends.
pub(super) struct Entered {
    pub(super) cell: Arc<Cell>,
    pub(super) socket: u64,
    pub(super) signal: Arc<Signal>,
}

impl Entered {
    /// Out of the room: the link, and its session is away.
    pub(super) fn part(&self) -> Option<Link> {
        self.cell.part(self.socket)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.part();
    }
}

/// A connection that was welcomed.
pub(super) struct Live {
    entered: Entered,
    reader: SocketReader,
    decoder: Decoder,
    frames: FrameReader,
    /// The last number of the client's that is known to be in the log.
    received: u64,
    _place: OwnedSemaphorePermit,
}

/// The reader that turns frames into input of the room.
struct FrameReader {
    peer: PeerId,
    limits: ClientLimits,
    budget: Budget,
    /// The last number of the client's that was read.
    last: u64,
    /// Nothing more is read: the close is on its way.
    closed: bool,
}

impl Live {
    pub(super) fn new(
        entered: Entered,
        Welcomed { peer, received }: Welcomed,
        reader: SocketReader,
        decoder: Decoder,
        place: OwnedSemaphorePermit,
        more: &[Box<str>],
    ) -> Self {
        let Entered { cell, socket, signal } = &entered;
        let (limits, now) = (cell.node.limits.client, cell.node.elapsed());
        let mut frames = FrameReader { peer, limits, budget: Budget::new(limits, now), last: received, closed: false };
        signal.input_at(wrapped_ms(now));
        let mut received = received;
        if !more.is_empty() {
            let inputs: Vec<SocketInput> =
                more.iter().filter_map(|text| frames.frame(WsFrame::Text(text), now)).collect();
            received = cell.take_input(*socket, inputs.into_iter());
        }
        Self { entered, reader, decoder, frames, received, _place: place }
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll_end(cx)).await;
        let Some(link) = self.entered.part() else { return };
        let reason = link.closing().map_or("gone", CloseCode::reason);
        metrics::counter!(crate::measures::CLOSED, "reason" => reason).increment(1);
        tracing::debug!(socket = self.entered.socket, reason, "connection ended");
        if link.closing().is_some() {
            // Boxed: the future of this task lives as long as the connection.
            Box::pin(close_gracefully(self.reader, link)).await;
        }
    }

    /// Ready when the connection is to end: the room closed it, or the other side is gone.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.entered.signal.register(cx.waker());
        loop {
            let flags = self.entered.signal.take();
            if flags & CLOSED != 0 {
                return Poll::Ready(());
            }
            if flags & WRITABLE != 0 {
                self.entered.cell.writable(self.entered.socket);
            }
            if self.must_wait() {
                return Poll::Pending;
            }
            if !ready!(self.poll_input(cx)) {
                return Poll::Ready(());
            }
        }
    }

    /// While the log or the database is behind, nothing more is read; each wakes this task when it has caught up.
    fn must_wait(&mut self) -> bool {
        let Entered { cell, socket, signal } = &self.entered;
        if cell.node.is_crowded() {
            return true;
        }
        let is_behind =
            |received| self.frames.last.saturating_sub(received) > cell.node.limits.uncommitted_messages_max;
        if !is_behind(self.received) {
            return false;
        }
        // First say that it waits, then look: what is committed in between wakes it.
        signal.wait(true);
        self.received = cell.received(*socket);
        let behind = is_behind(self.received);
        signal.wait(behind);
        behind
    }

    /// Reads once; whether the other side is still there.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Self { entered, reader, decoder, frames, received, .. } = self;
        let Entered { cell, socket, signal } = &*entered;
        let read = reader.poll_read_once(cx, |bytes| {
            if bytes.is_empty() {
                return false;
            }
            let now = cell.node.elapsed();
            signal.input_at(wrapped_ms(now));
            let mut inputs = Vec::new();
            if let Err(broken) = decoder.feed(bytes, |frame| inputs.extend(frames.frame(frame, now))) {
                inputs.push(SocketInput::Close(broken.close_code()));
            }
            if !inputs.is_empty() {
                *received = cell.take_input(*socket, inputs.into_iter());
            }
            true
        });
        read.map(|read| read.unwrap_or(false))
    }
}

impl FrameReader {
    fn frame(&mut self, frame: WsFrame<'_>, now: Duration) -> Option<SocketInput> {
        if self.closed {
            return None;
        }
        let input = match frame {
            // The answer to a close. A client that closes comes back, if it does, by another connection.
            WsFrame::Close => SocketInput::Close(CloseCode::Normal),
            frame if !self.budget.take_frame(now, frame) => rate_limited(),
            WsFrame::Text(text) => self.text(text),
            WsFrame::Binary => SocketInput::Close(CloseCode::BinaryFrame),
            WsFrame::Ping(payload) => SocketInput::PingFrame(payload.into()),
            WsFrame::Pong | WsFrame::Part(_) => return None,
        };
        self.closed = matches!(input, SocketInput::Close(_) | SocketInput::Refused { .. });
        Some(input)
    }

    fn text(&mut self, text: &str) -> SocketInput {
        if text.len() > self.limits.message_bytes_max {
            let words = "longer than `message_bytes_max`";
            return refused(ErrorCode::MessageTooLarge, words, None, CloseCode::Unreadable);
        }
        match read(self.peer, text) {
            Ok(frame) => {
                let ack = frame.ack.unwrap_or(0);
                match frame.message {
                    ClientMessage::Request(request) => self.numbered(frame.seq, ack, frame.id, request, text.len()),
                    ClientMessage::Ping => SocketInput::Ping(ack),
                    ClientMessage::Quality(text) => SocketInput::Report(ack, Box::new(Report::quality(text))),
                    ClientMessage::Precheck(text) => SocketInput::Report(ack, Box::new(Report::precheck(text))),
                    ClientMessage::Hello(_) => {
                        let words = "`hello` was already said";
                        refused(ErrorCode::HelloExpected, words, frame.id, CloseCode::ProtocolError)
                    }
                    _ => SocketInput::Ack(ack),
                }
            }
            Err(Rejected { id, seq, ack, code, message }) if seq.is_some() => {
                let request = RoomRequest::Unreadable { code, message: message.into() };
                self.numbered(seq, ack.unwrap_or(0), id, request, text.len())
            }
            // Without its number the numbers of all that follow are in doubt.
            Err(Rejected { id, code, message, .. }) => refused(code, message, id, CloseCode::ProtocolError),
        }
    }

    fn numbered(
        &mut self,
        seq: Option<u64>,
        ack: u64,
        id: Option<Box<str>>,
        request: RoomRequest,
        bytes: usize,
    ) -> SocketInput {
        match seq {
            Some(seq) if seq == self.last + 1 => {
                self.last = seq;
                SocketInput::Request { seq, ack, id, request, bytes }
            }
            Some(seq) if seq <= self.last => SocketInput::Repeat { seq, ack },
            Some(_) => {
                let words = format!("the next `seq` is {}", self.last + 1);
                refused(ErrorCode::SequenceGap, words, id, CloseCode::ProtocolError)
            }
            None => refused(ErrorCode::BadMessage, "this message needs a `seq`", id, CloseCode::ProtocolError),
        }
    }
}

fn refused(error: ErrorCode, words: impl Into<Box<str>>, id: Option<Box<str>>, code: CloseCode) -> SocketInput {
    SocketInput::Refused { error, words: words.into(), id, code }
}

fn rate_limited() -> SocketInput {
    refused(ErrorCode::RateLimited, "more than `limits` allows", None, CloseCode::RateLimited)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what a function's future holds.
    fn size_of_future<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_lasts_for_hours_is_small() {
        // Ten thousand of them wait at once.
        assert!(size_of_future(Live::run) <= 768, "{} bytes in a task", size_of_future(Live::run));
        assert!(size_of::<Link>() <= 320, "{} bytes in the room", size_of::<Link>());
    }
}
