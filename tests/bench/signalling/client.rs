//! A WebSocket client that costs little: one task, no buffers while idle, frames written as they are given.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::dialect::{Dialect, Due, Heard, Kind};
use crate::{Failure, wire};

/// Nothing that a scenario waits for takes longer; what does has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long an acknowledgement may wait for a message to ride on: as long as this repository's own client lets it, a
/// little less than the protocol's 50 ms.
pub const ACK_WAIT: Duration = Duration::from_millis(40);
/// The bytes that one read may take.
const READ_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES_MAX]);
}

/// One side of a room.
pub struct Client {
    stream: TcpStream,
    dialect: RefCell<Box<dyn Dialect>>,
    outbound: RefCell<Vec<u8>>,
    /// Woken when `outbound` has something that could not be written at once.
    blocked: Notify,
    /// Woken at every change that somebody may wait for.
    changed: Notify,
    paused: Cell<bool>,
    ready: Cell<bool>,
    ended: Cell<Option<u16>>,
    told_loss: Cell<bool>,
    /// Since when an acknowledgement is due soon.
    owes_since: Cell<Option<Instant>>,
    /// Whether a task waits to say it.
    acknowledges: Cell<bool>,
    refused: Cell<u32>,
    received: RefCell<Vec<(u32, Instant)>>,
}

/// Connects and opens; the client's task runs until the connection ends.
pub async fn connect(address: SocketAddr, mut dialect: Box<dyn Dialect>) -> Result<Rc<Client>, Failure> {
    let mut stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let request = wire::request(&address.to_string(), &dialect.path(), dialect.subprotocol());
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    let end = loop {
        if timeout(PATIENCE, stream.read_buf(&mut head)).await?? == 0 {
            return Err("closed during the handshake".into());
        }
        if let Some(end) = wire::head_end(&head) {
            break end;
        }
    };
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&head[..end]).into());
    }
    let mut out = Vec::new();
    dialect.opened(&mut out);
    let ready = dialect.ready_when_open();
    let client = Rc::new(Client {
        stream,
        dialect: RefCell::new(dialect),
        outbound: RefCell::default(),
        blocked: Notify::new(),
        changed: Notify::new(),
        paused: Cell::new(false),
        ready: Cell::new(ready),
        ended: Cell::new(None),
        told_loss: Cell::new(false),
        owes_since: Cell::new(None),
        acknowledges: Cell::new(false),
        refused: Cell::new(0),
        received: RefCell::default(),
    });
    for text in &out {
        client.text(text);
    }
    if let Some((every, text)) = client.dialect.borrow().heartbeat() {
        tokio::task::spawn_local(beat(Rc::downgrade(&client), every, text));
    }
    let task = Rc::clone(&client);
    let rest = head.split_off(end);
    tokio::task::spawn_local(async move {
        let code = task.run(rest).await.unwrap_or(1006);
        task.ended.set(Some(code));
        task.changed.notify_waiters();
    });
    Ok(client)
}

async fn beat(client: Weak<Client>, every: Duration, text: &str) {
    loop {
        tokio::time::sleep(every).await;
        match client.upgrade() {
            Some(client) if client.ended.get().is_none() => client.text(text),
            _ => return,
        }
    }
}

impl Client {
    /// Says something to the other side.
    pub fn say(&self, kind: Kind, body: &str) {
        let text = self.dialect.borrow_mut().say(kind, body);
        self.owes_since.set(None);
        self.text(&text);
    }

    /// Says goodbye and closes.
    pub fn leave(&self) {
        let leave = self.dialect.borrow_mut().leave();
        match leave {
            Some(text) => self.text(&text),
            None => self.put(wire::CLOSE, &1000_u16.to_be_bytes()),
        }
    }

    /// Stops or goes on reading.
    pub fn pause(&self, paused: bool) {
        self.paused.set(paused);
        self.blocked.notify_one();
    }

    /// Breaks the connection with a reset and gives the dialect back for the next one.
    pub async fn reset(self: Rc<Self>) -> Result<Box<dyn Dialect>, Failure> {
        self.stream.set_zero_linger()?;
        self.ended.set(Some(1006));
        self.pause(false);
        self.until("its own end", |c| Rc::strong_count(c) == 1).await?;
        let client = Rc::into_inner(self).ok_or("still in use")?;
        Ok(client.dialect.into_inner())
    }

    /// Waits until `done`.
    pub async fn until(self: &Rc<Self>, what: &str, done: impl Fn(&Rc<Self>) -> bool) -> Result<(), Failure> {
        let wait = async {
            while !done(self) {
                // The period covers what changes without a notice, such as the count of references.
                let _ = timeout(Duration::from_millis(100), self.changed.notified()).await;
            }
        };
        timeout(PATIENCE, wait).await.map_err(|_| format!("no {what} within {PATIENCE:?}").into())
    }

    /// Waits for any change.
    pub async fn change(&self) -> Result<(), Failure> {
        Ok(timeout(PATIENCE, self.changed.notified()).await?)
    }

    /// How much longer a message is than its body.
    pub fn envelope_bytes(&self) -> usize {
        self.dialect.borrow().envelope_bytes()
    }

    /// Waits until this side is inside and knows the other.
    pub async fn ready(self: &Rc<Self>) -> Result<(), Failure> {
        self.until("other side", |c| c.ready.get() || c.ended.get().is_some()).await?;
        match self.ended.get() {
            Some(code) => Err(format!("closed with {code}").into()),
            None => Ok(()),
        }
    }

    /// How many messages of the other side came.
    pub fn received(&self) -> usize {
        self.received.borrow().len()
    }

    /// The numbers of the messages that came, in order; forgets them.
    pub fn take_received(&self) -> Vec<u32> {
        self.take_arrivals().into_iter().map(|(number, _)| number).collect()
    }

    /// The same, each with when it came.
    pub fn take_arrivals(&self) -> Vec<(u32, Instant)> {
        self.received.take()
    }

    /// The number of bytes that have not been written yet.
    pub fn outbound(&self) -> usize {
        self.outbound.borrow().len()
    }

    /// The close code, once the connection has ended.
    pub fn ended(&self) -> Option<u16> {
        self.ended.get()
    }

    /// Whether the server told of a loss.
    pub fn told_loss(&self) -> bool {
        self.told_loss.get()
    }

    /// How many messages the server refused, and said so.
    pub fn refused(&self) -> u32 {
        self.refused.get()
    }

    fn text(&self, text: &str) {
        self.put(wire::TEXT, text.as_bytes());
    }

    fn put(&self, opcode: u8, payload: &[u8]) {
        wire::put_client(&mut self.outbound.borrow_mut(), opcode, payload);
        self.flush();
        if self.outbound() > 0 {
            self.blocked.notify_one();
        }
    }

    /// Writes what can be written. A broken socket is noticed by the reading side.
    fn flush(&self) {
        let mut outbound = self.outbound.borrow_mut();
        while !outbound.is_empty() {
            match self.stream.try_write(&outbound) {
                Ok(written) if written == outbound.len() => *outbound = Vec::new(),
                Ok(written) => drop(outbound.drain(..written)),
                Err(_) => return,
            }
        }
    }

    async fn run(self: &Rc<Self>, mut part: Vec<u8>) -> io::Result<u16> {
        if let Some(code) = self.frames(&mut part.clone(), &mut part) {
            return Ok(code);
        }
        loop {
            if self.ended.get().is_some() {
                return Ok(1006);
            }
            let blocked = self.outbound() > 0;
            let interest = match (self.paused.get(), blocked) {
                (true, false) => {
                    self.blocked.notified().await;
                    continue;
                }
                (true, true) => Interest::WRITABLE,
                (false, true) => Interest::READABLE | Interest::WRITABLE,
                (false, false) => Interest::READABLE,
            };
            let ready = tokio::select! {
                ready = self.stream.ready(interest) => ready?,
                () = self.blocked.notified() => continue,
            };
            if ready.is_writable() && blocked {
                self.flush();
                self.changed.notify_waiters();
            }
            if ready.is_readable()
                && !self.paused.get()
                && let Some(code) = self.read(&mut part)?
            {
                return Ok(code);
            }
        }
    }

    fn read(self: &Rc<Self>, part: &mut Vec<u8>) -> io::Result<Option<u16>> {
        BUFFER.with_borrow_mut(|buffer| {
            let held = part.len();
            buffer.resize((held + READ_BYTES_MAX).max(buffer.len()), 0);
            buffer[..held].copy_from_slice(part);
            match self.stream.try_read(&mut buffer[held..held + READ_BYTES_MAX]) {
                Ok(0) => Ok(Some(1006)),
                Ok(read) => Ok(self.frames(&mut buffer[..held + read], part)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Takes the whole frames of `bytes` and leaves the rest in `part`; a close code ends it.
    fn frames(self: &Rc<Self>, bytes: &mut [u8], part: &mut Vec<u8>) -> Option<u16> {
        let mut rest = &bytes[..];
        let (mut closed, now) = (None, Instant::now());
        while let Some(frame) = wire::frame(rest) {
            let payload = &rest[frame.start..frame.end];
            match frame.opcode {
                wire::TEXT => self.heard(payload, now),
                wire::PING => self.put(wire::PONG, payload),
                wire::CLOSE => {
                    let code = payload.first_chunk().map_or(1005, |c| u16::from_be_bytes(*c));
                    self.put(wire::CLOSE, payload);
                    closed = Some(code);
                }
                _ => {}
            }
            rest = &rest[frame.end..];
        }
        if !(part.is_empty() && rest.is_empty()) {
            *part = rest.to_vec();
        }
        self.changed.notify_waiters();
        closed
    }

    fn heard(self: &Rc<Self>, payload: &[u8], now: Instant) {
        let mut replies = Vec::new();
        let text = String::from_utf8_lossy(payload);
        let mut dialect = self.dialect.borrow_mut();
        match dialect.heard(&text, &mut replies) {
            Heard::Nothing => {}
            Heard::Ready => self.ready.set(true),
            Heard::Message(body) => {
                let digits = body.bytes().take_while(u8::is_ascii_digit).count();
                self.received.borrow_mut().push((body[..digits].parse().unwrap_or(u32::MAX), now));
            }
            Heard::Loss => self.told_loss.set(true),
            Heard::Refused(_) => self.refused.set(self.refused.get() + 1),
        }
        match dialect.due() {
            Due::Never => self.owes_since.set(None),
            Due::Soon => self.owes_since.set(self.owes_since.get().or(Some(now))),
            Due::Now => {
                replies.extend(dialect.acknowledgement());
                self.owes_since.set(None);
            }
        }
        drop(dialect);
        for reply in &replies {
            self.text(reply);
        }
        if self.owes_since.get().is_some() && !self.acknowledges.replace(true) {
            let client = Rc::clone(self);
            tokio::task::spawn_local(async move { client.acknowledge().await });
        }
    }

    /// Waits until an acknowledgement has been due for long enough, or is not any more.
    async fn acknowledge(self: Rc<Self>) {
        while let Some(since) = self.owes_since.get().filter(|_| self.ended.get().is_none()) {
            if since.elapsed() < ACK_WAIT {
                tokio::time::sleep_until((since + ACK_WAIT).into()).await;
                continue;
            }
            self.owes_since.set(None);
            let due = self.dialect.borrow_mut().acknowledgement();
            if let Some(text) = due {
                self.text(&text);
            }
        }
        self.acknowledges.set(false);
    }
}
