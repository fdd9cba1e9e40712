//! The way from a room to one socket. It lives in the room, so the task that causes a message writes it straight to the
//! socket: no queue, no other task woken. A message that the socket does not take now stays in the session's outbox.

mod joined;
mod start;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::sync::oneshot;

use self::start::Start;
use super::frame::{self, Opcode};
use super::reports::Reports;
use super::wire::SocketWriter;
use crate::config::SessionLimits;
use crate::id::PeerId;
use crate::protocol::{Body, CloseCode, ErrorCode, Heartbeat, ServerMessage};
use crate::replica::SessionOutbox;

/// Messages are gathered into one write up to so many bytes.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// A socket's task is told: the room has closed the link.
pub(super) const CLOSED: u8 = 1;
/// A socket's task is told: the socket takes bytes again.
pub(super) const WRITABLE: u8 = 2;

thread_local! {
    /// Where frames are put together; each is copied once, into the bytes that one write takes.
    static FRAMES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How a room speaks to the task that reads a socket.
#[derive(Debug, Default)]
pub(super) struct Signal {
    task: AtomicWaker,
    flags: AtomicU8,
    /// The task reads nothing until more is committed.
    waits: AtomicBool,
    /// When the client was last heard, in milliseconds since the hub began; wraps after 49 days, as does what it is
    /// compared with.
    input_ms: AtomicU32,
}

impl Signal {
    /// The task that asks is the one to wake.
    pub(super) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// The signals since the last time.
    pub(super) fn take(&self) -> u8 {
        if self.flags.load(Ordering::Acquire) == 0 { 0 } else { self.flags.swap(0, Ordering::AcqRel) }
    }

    /// Wakes the task with something to look at.
    pub(super) fn tell(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
        self.task.wake();
    }

    /// The task waits for the log, or no longer.
    pub(super) fn wait(&self, waits: bool) {
        self.waits.store(waits, Ordering::SeqCst);
    }

    /// The client was heard.
    pub(super) fn input_at(&self, now_ms: u32) {
        self.input_ms.store(now_ms, Ordering::Relaxed);
    }

    /// For how long the client was not heard. Another thread may hear it after `now_ms` was read: then not at all.
    fn silent_ms(&self, now_ms: u32) -> u64 {
        let silent_ms = now_ms.wrapping_sub(self.input_ms.load(Ordering::Relaxed));
        if silent_ms > u32::MAX / 2 { 0 } else { u64::from(silent_ms) }
    }
}

/// Called when the socket takes bytes again: the task that wrote to it last may have ended.
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.tell(WRITABLE);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.tell(WRITABLE);
    }
}

/// The state in which a socket that has said `hello` waits.
#[derive(Debug)]
pub(super) struct PendingHello {
    /// The client's name for the message.
    pub(super) id: Option<Box<str>>,
    /// The secret of the session, should it be a new one.
    pub(super) secret: Box<str>,
    /// A telephone number to fall back on.
    pub(super) phone: Option<String>,
    /// Told the number that the client has to go on after, once it is welcome.
    pub(super) answer: oneshot::Sender<Welcomed>,
}

/// A hello was answered with a welcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Welcomed {
    /// The session.
    pub(super) peer: PeerId,
    /// The last number of the client's that was taken.
    pub(super) received: u64,
}

/// A socket, as its room sees it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one socket")]
#[derive(Debug)]
pub(super) struct Link {
    /// Its number on this node.
    pub(super) socket: u64,
    /// Its session, once welcome.
    pub(super) peer: Option<PeerId>,
    /// Until then.
    pub(super) hello: Option<Box<PendingHello>>,
    /// Its outbox may hold more than was written.
    pub(super) stale: bool,
    /// It stands in the list of those who are to be sent an acknowledgement.
    pub(super) ack_listed: bool,
    /// A ping is out and nothing was heard since.
    pub(super) pinged: bool,
    /// It was told, or is told with `joined`, of the room's TURN servers.
    pub(super) has_servers: bool,
    /// The members that go with the next `joined`.
    with_joined: Option<Box<str>>,
    /// The client's reports of its line, from the first report on.
    pub(super) reports: Option<Box<Reports>>,
    signal: Arc<Signal>,
    waker: Waker,
    writer: SocketWriter,
    /// Bytes of frames that the socket did not take.
    rest: Vec<u8>,
    /// Since when, in milliseconds since the hub began.
    stalled_since_ms: Option<u32>,
    unflushed: bool,
    closing: Option<CloseCode>,
    /// The last number of the relay's that was written.
    written: u64,
    /// The last number of the client's that it was told is taken.
    acknowledged: u64,
    /// Bytes of messages since then.
    unacknowledged_bytes: usize,
}

impl Link {
    pub(super) fn new(socket: u64, writer: SocketWriter, hello: Option<Box<PendingHello>>) -> Self {
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(Arc::clone(&signal));
        Self {
            socket,
            peer: None,
            hello,
            stale: false,
            ack_listed: false,
            pinged: false,
            has_servers: false,
            with_joined: None,
            reports: None,
            signal,
            waker,
            writer,
            rest: Vec::new(),
            stalled_since_ms: None,
            unflushed: false,
            closing: None,
            written: 0,
            acknowledged: 0,
            unacknowledged_bytes: 0,
        }
    }

    /// How the task that reads the socket is reached.
    pub(super) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Whether it was told to close, and why.
    pub(super) fn closing(&self) -> Option<CloseCode> {
        self.closing
    }

    /// The last number of the relay's that was written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many messages of the client were taken without it being told.
    pub(super) fn unacknowledged(&self, received: u64) -> (u64, usize) {
        (received.saturating_sub(self.acknowledged), self.unacknowledged_bytes)
    }

    /// A message of the client, of so many bytes, is to be acknowledged.
    pub(super) fn owe(&mut self, bytes: usize) {
        self.unacknowledged_bytes += bytes;
    }

    /// The client sent again what was taken: it is told again.
    pub(super) fn acknowledge_again(&mut self, before: u64) {
        self.acknowledged = self.acknowledged.min(before);
    }

    /// The socket is a session's from now on, which goes on after these numbers.
    pub(super) fn attach(&mut self, peer: PeerId, written: u64, acknowledged: u64, welcome: &str) {
        self.peer = Some(peer);
        (self.written, self.acknowledged) = (written, acknowledged);
        self.stale = true;
        self.text(welcome.as_bytes());
    }

    /// Writes what the outbox has beyond what was written, as far as the socket takes it.
    pub(super) fn pump(&mut self, outbox: &SessionOutbox, received: u64) {
        self.stale = false;
        if !outbox.covers(self.written) {
            return self.close(CloseCode::TooSlow); // what follows was let go of: better a snapshot than a gap
        }
        while self.is_open() && self.rest.is_empty() {
            let more = FRAMES.with_borrow_mut(|out| {
                out.clear();
                for (seq, body) in outbox.after(self.written) {
                    if !out.is_empty() && out.len() + body.len() > WRITE_BYTES_MAX {
                        break;
                    }
                    self.numbered(out, seq, body, received);
                }
                self.write(out);
                !out.is_empty()
            });
            if !more {
                return;
            }
        }
    }

    /// Tells the client what was taken, if it does not know.
    pub(super) fn acknowledge(&mut self, received: u64) {
        if received > self.acknowledged && self.rest.is_empty() && self.is_open() {
            (self.acknowledged, self.unacknowledged_bytes) = (received, 0);
            self.text(format!(r#"{{"type":"ack","ack":{received}}}"#).as_bytes());
        }
    }

    /// Says something without a number. A socket that takes nothing does not get it.
    pub(super) fn say(&mut self, message: &ServerMessage<'_>) {
        if self.rest.is_empty() && self.is_open() {
            self.text(message.to_text().as_bytes());
        }
    }

    /// The same of a message that is rendered already.
    pub(super) fn say_body(&mut self, body: &Body) {
        if self.rest.is_empty() && self.is_open() {
            self.text(body.as_str().as_bytes());
        }
    }

    /// Answers a ping frame, or sends one. A socket that takes nothing does not get it.
    pub(super) fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.rest.is_empty() && self.is_open() {
            let mut out = Vec::with_capacity(frame::HEAD_BYTES_MAX + payload.len());
            frame::head(&mut out, opcode, payload.len());
            out.extend_from_slice(payload);
            self.write(&out);
        }
    }

    /// An error as the last word, and the close.
    pub(super) fn refuse(&mut self, error: ErrorCode, words: &str, id: Option<&str>, code: CloseCode) {
        self.say(&ServerMessage::error(error, words, id));
        self.close(code);
    }

    /// Everything that is left for the session, and the close.
    pub(super) fn end(&mut self, rest: &SessionOutbox, code: CloseCode) {
        if self.is_open() {
            let mut out = Vec::with_capacity(rest.bytes());
            for (seq, body) in rest.after(self.written) {
                self.numbered(&mut out, seq, body, 0);
            }
            self.write(&out);
        }
        self.close(code);
    }

    /// Closes after what was written before. The session is no longer this socket's business.
    pub(super) fn close(&mut self, code: CloseCode) {
        if self.closing.is_none() {
            let mut out = Vec::new();
            frame::close(&mut out, code.number(), code.reason());
            self.write(&out);
            self.closing = Some(code);
            self.hello = None; // nobody need wait for its answer any more
        }
        self.signal.tell(CLOSED);
    }

    /// Writes what the socket did not take before; whether all is out.
    pub(super) fn flush(&mut self) -> bool {
        let rest = std::mem::take(&mut self.rest);
        self.stalled_since_ms = None;
        self.write(&rest);
        self.rest.is_empty() && !self.unflushed
    }

    /// Pings a client that was silent, and gives up one that is silent or takes nothing for too long.
    pub(super) fn keep_time(&mut self, limits: &SessionLimits, now_ms: u32) {
        if !self.is_open() {
            return;
        }
        let silent_ms = self.signal.silent_ms(now_ms);
        let Heartbeat { interval_ms, timeout_ms } = limits.heartbeat;
        if silent_ms >= timeout_ms {
            return self.close(CloseCode::HeartbeatLost);
        }
        // A client that pings on time is heard just before this: one read and one write for a quiet interval.
        let due = silent_ms > interval_ms + interval_ms / 4;
        if due && !self.pinged {
            self.control(Opcode::Ping, &[]);
        }
        self.pinged = due;
        if self.rest.is_empty() {
            self.stalled_since_ms = None;
        } else {
            let since = *self.stalled_since_ms.get_or_insert(now_ms);
            if u64::from(now_ms.wrapping_sub(since)) >= limits.write_wait_ms_max {
                self.close(CloseCode::TooSlow);
            }
        }
    }

    /// Something was committed: has the socket's task look again, if it waits for that.
    pub(super) fn wake_if_it_waits(&self) {
        if self.signal.waits.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Has the socket's task look again.
    pub(super) fn wake(&self) {
        self.signal.tell(WRITABLE);
    }

    /// Says to the socket that no more will come.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.poll_shutdown(cx).map(drop)
    }

    fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    fn text(&mut self, text: &[u8]) {
        let mut out = Vec::with_capacity(frame::HEAD_BYTES_MAX + text.len());
        frame::head(&mut out, Opcode::Text, text.len());
        out.extend_from_slice(text);
        self.write(&out);
    }

    /// One frame: number, acknowledgement where there is something new, and the body without its brace.
    fn numbered(&mut self, out: &mut Vec<u8>, seq: u64, body: &Body, received: u64) {
        let mut start = Start::default();
        start.member(b"{\"seq\":", seq);
        if received > self.acknowledged {
            start.member(b"\"ack\":", received);
            (self.acknowledged, self.unacknowledged_bytes) = (received, 0);
        }
        let with_joined = self.members_of(body);
        let body = &body.as_str().as_bytes()[1..];
        frame::head(out, Opcode::Text, start.len + with_joined.len() + body.len());
        out.extend_from_slice(&start.bytes[..start.len]);
        out.extend_from_slice(with_joined.as_bytes());
        out.extend_from_slice(body);
        self.written = seq;
    }

    /// Writes what the socket takes now and keeps the rest.
    fn write(&mut self, bytes: &[u8]) {
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(bytes);
            return;
        }
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let mut at = 0;
        while at < bytes.len() {
            match self.writer.poll_write(&mut cx, &bytes[at..]) {
                Poll::Ready(Ok(taken)) if taken > 0 => at += taken,
                Poll::Ready(_) => return self.signal.tell(CLOSED), // the other side is gone
                Poll::Pending => {
                    self.rest.extend_from_slice(&bytes[at..]);
                    break;
                }
            }
        }
        self.unflushed = self.writer.poll_flush(&mut cx).is_pending();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_heard_after_the_clock_was_read_is_not_silent() {
        let signal = Signal::default();
        for (input_ms, now_ms, silent_ms) in
            [(100, 90, 0), (100, 100, 0), (100, 60_100, 60_000), (u32::MAX, 1, 2), (1, u32::MAX, 0)]
        {
            signal.input_at(input_ms);
            assert_eq!(signal.silent_ms(now_ms), silent_ms, "heard at {input_ms}, at {now_ms}");
        }
    }
}
