//! The loop: what is ready gets its turn, then everything is sent, then the loop waits.

mod orders;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use sanbao_platform::clock::Clock;
use tokio_util::sync::CancellationToken;

use super::outbox::{SendPath, SendQueue};
use super::stream::Stream;
use super::streams::{Listener, STREAM_TOKENS, Streams, stream_of};
use super::udp::{Buffers, MoreToReceive, Ports, relay_of};
use super::{LISTENING, LISTENING_TCP, LISTENING_TLS};
use crate::turn::config::TurnConfig;
use crate::turn::control::TurnControl;
use crate::turn::engine::{Client, Engine, Now, RelayPort, TurnOutput};
use crate::turn::framing::{self, StreamFrame};
use crate::turn::ports::{OpenPorts, PortsReporter};

/// Events taken at once.
const EVENTS_MAX: usize = 1024;
/// The steps that one socket may take in its turn before others have theirs: batches, reads or accepted connections.
const STEPS_PER_TURN_MAX: usize = 8;
/// How often ends of lifetimes are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How long the loop rests after the system refused to say what is ready.
const POLL_ERROR_WAIT: Duration = Duration::from_millis(100);
/// How often the machine is asked which addresses it has.
const ADDRESSES: Duration = Duration::from_mins(1);

/// Everything that handling one input touches.
#[derive(Debug)]
struct TurnCore {
    engine: Engine,
    ports: Ports,
    outbox: SendQueue,
    streams: Streams,
    /// Where the engine writes answers.
    answer: Vec<u8>,
    config: TurnConfig,
    poll: Poll,
}

/// The server's thread.
pub(super) struct TurnDriver {
    inner: TurnCore,
    tcp: Listener,
    tls: Option<Listener>,
    /// Why TLS is not served, as it was last said.
    tls_error: String,
    /// The reporter of the open ports.
    reporter: Option<PortsReporter>,
    buffers: Buffers,
    scratch: Box<[u8; 16 * 1024]>,
    clock: Clock,
    begun: Instant,
    /// The sockets that may have more although no event will say so.
    ready: Vec<Token>,
    /// The memory of `ready` in its next turn.
    again: Vec<Token>,
    /// The sockets that failed for want of something; it is tried again at the next sweep.
    failed: Vec<Token>,
    swept: Instant,
    /// Where the rooms give orders, and how many were obeyed.
    control: Option<(TurnControl, u64)>,
    /// When the machine's addresses were asked for.
    addresses_asked: Instant,
}

/// The addresses of this machine, if it tells them.
fn set_own_addresses(engine: &mut Engine) {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => engine.set_own_addresses(interfaces.iter().map(|i| i.ip().to_canonical()).collect()),
        Err(error) => tracing::error!(%error, "the TURN server does not know which addresses are its own"),
    }
}

impl std::fmt::Debug for TurnDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Drop for TurnDriver {
    /// Before the ports are closed, and also when the thread has failed: no client is sent to a port that is not there.
    fn drop(&mut self) {
        if let Some(reporter) = &self.reporter {
            reporter.report(OpenPorts::default());
        }
    }
}

impl TurnDriver {
    pub(super) fn new(
        poll: Poll,
        mut engine: Engine,
        ports: Ports,
        tcp: Listener,
        config: TurnConfig,
        clock: Clock,
    ) -> Self {
        let begun = Instant::now();
        let (outbox, streams, answer) = (SendQueue::default(), Streams::default(), Vec::new());
        set_own_addresses(&mut engine);
        let mut driver = Self {
            inner: TurnCore { engine, ports, outbox, streams, answer, config, poll },
            tcp,
            tls: None,
            tls_error: String::new(),
            reporter: None,
            buffers: Buffers::new(),
            scratch: Stream::scratch(),
            clock,
            begun,
            ready: Vec::new(),
            again: Vec::new(),
            failed: Vec::new(),
            swept: begun,
            control: None,
            addresses_asked: begun,
        };
        driver.open_tls();
        driver
    }

    pub(super) fn local_tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().and_then(|tls| tls.local_addr().ok())
    }

    pub(super) fn report_to(&mut self, reporter: PortsReporter) {
        self.reporter = Some(reporter);
        self.say_open();
    }

    fn say_open(&self) {
        if let Some(reporter) = &self.reporter {
            reporter.report(OpenPorts { plain: true, tls: self.tls.is_some() });
        }
    }

    fn now(&self) -> Now {
        Now { ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX), utc: self.clock.now() }
    }

    pub(super) fn run(&mut self, stop: &CancellationToken) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !stop.is_cancelled() {
            let wait = if self.ready.is_empty() { self.until_sweep() } else { Some(Duration::ZERO) };
            match self.inner.poll.poll(&mut events, wait) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "the TURN sockets cannot be watched");
                    std::thread::sleep(POLL_ERROR_WAIT);
                    continue;
                }
            }
            let now = self.now();
            self.obey(now);
            let mut again = std::mem::take(&mut self.again);
            std::mem::swap(&mut again, &mut self.ready);
            for token in again.drain(..).chain(events.iter().map(mio::event::Event::token)) {
                let later = match self.turn(now, token) {
                    MoreToReceive::Perhaps => &mut self.ready,
                    MoreToReceive::Failed => &mut self.failed,
                    MoreToReceive::No => continue,
                };
                if !later.contains(&token) {
                    later.push(token);
                }
            }
            self.again = again;
            self.inner.finish_turns();
            if self.swept.elapsed() >= SWEEP {
                self.sweep(now);
            }
        }
    }

    /// How long the loop may sleep: for good when nothing can run out.
    fn until_sweep(&self) -> Option<Duration> {
        let nothing_open = self.inner.engine.ports_open() == 0 && self.inner.streams.is_empty();
        let idle = nothing_open && self.failed.is_empty() && !self.lacks_tls();
        (!idle).then(|| SWEEP.saturating_sub(self.swept.elapsed()))
    }

    fn turn(&mut self, now: Now, token: Token) -> MoreToReceive {
        match token {
            LISTENING => self.datagrams(now, None),
            LISTENING_TCP | LISTENING_TLS => self.accept(now, token),
            Token(STREAM_TOKENS..) => match stream_of(token) {
                Some(id) => self.inner.stream(now, id, &mut self.scratch),
                None => MoreToReceive::No,
            },
            _ => match relay_of(token) {
                Some(relay) => self.datagrams(now, Some(relay)),
                None => MoreToReceive::No,
            },
        }
    }

    fn datagrams(&mut self, now: Now, relay: Option<RelayPort>) -> MoreToReceive {
        let many_addresses = self.inner.config.listen.ip().is_unspecified();
        let mut failures = 0;
        for _ in 0..STEPS_PER_TURN_MAX {
            let Some(port) = self.inner.ports.get(relay) else { return MoreToReceive::No };
            let more = port.receive(&mut self.buffers);
            for (from, to, datagram) in self.buffers.datagrams() {
                match relay {
                    None => {
                        let client = Client::Udp { remote: from, local: to.filter(|_| many_addresses) };
                        self.inner.client_sent(now, client, datagram);
                    }
                    Some(relay) => {
                        let output = self.inner.engine.peer_sent(now, relay, from, datagram);
                        self.inner.carry_out(output, None);
                    }
                }
            }
            match more {
                MoreToReceive::No => return MoreToReceive::No,
                MoreToReceive::Failed => failures += 1,
                MoreToReceive::Perhaps => {}
            }
        }
        // An error that is still there after so many tries stays for a while.
        if failures == STEPS_PER_TURN_MAX { MoreToReceive::Failed } else { MoreToReceive::Perhaps }
    }

    fn accept(&mut self, now: Now, token: Token) -> MoreToReceive {
        let listener = if token == LISTENING_TLS { self.tls.as_mut() } else { Some(&mut self.tcp) };
        let Some(listener) = listener else { return MoreToReceive::No };
        for _ in 0..STEPS_PER_TURN_MAX {
            match listener.accept() {
                Ok(accepted) => {
                    let inner = &mut self.inner;
                    if let Some(id) = inner.streams.must_go(&inner.engine, &inner.config.limits, accepted.1) {
                        inner.close(id);
                    }
                    let (tls, registry) = (listener.tls(now.ms), inner.poll.registry());
                    let added = inner.streams.add(accepted, tls, registry, now.ms, &inner.config.limits);
                    if let Err(error) = added {
                        tracing::debug!(%error, "a TURN connection was turned away");
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return MoreToReceive::No,
                Err(error) => {
                    // Gone before it was accepted, or no more file descriptors: said once in each sweep, for every
                    // connection that somebody begins comes here.
                    if !self.failed.contains(&token) {
                        tracing::warn!(%error, "a TURN connection could not be accepted");
                    }
                    return MoreToReceive::Failed;
                }
            }
        }
        MoreToReceive::Perhaps
    }

    fn sweep(&mut self, now: Now) {
        self.swept = Instant::now();
        let inner = &mut self.inner;
        inner.engine.sweep(now);
        for id in inner.streams.overdue(&inner.engine, now.ms, &inner.config.limits) {
            inner.close(id);
        }
        inner.close_released();
        inner.streams.shrink();
        self.ready.append(&mut self.failed);
        self.open_tls();
        if self.addresses_asked.elapsed() >= ADDRESSES {
            self.addresses_asked = Instant::now();
            set_own_addresses(&mut self.inner.engine);
        }
    }
}

impl TurnCore {
    fn client_sent(&mut self, now: Now, client: Client, bytes: &[u8]) {
        let mut output = self.engine.client_sent(now, client, bytes, &mut self.answer);
        while let TurnOutput::Bind(relay) = output {
            let opened = self.ports.open(relay, self.poll.registry());
            output = self.engine.bound(now, opened.is_ok(), &mut self.answer);
        }
        self.carry_out(output, Some(client));
        self.close_released();
    }

    fn close_released(&mut self) {
        while let Some(relay) = self.engine.released() {
            // Datagrams that still wait for this port go first.
            self.outbox.flush(&self.ports);
            self.ports.close(relay);
        }
    }

    fn carry_out(&mut self, output: TurnOutput<'_>, asker: Option<Client>) {
        match output {
            TurnOutput::Nothing | TurnOutput::Bind(_) => {}
            TurnOutput::Answer => {
                if let Some(client) = asker {
                    let answer = std::mem::take(&mut self.answer);
                    self.send_to_client(client, [&answer, &[], &[]]);
                    self.answer = answer;
                    if let Client::Stream { id, .. } = client
                        && self.engine.has_allocation(client)
                    {
                        self.streams.has_allocated(id);
                    }
                }
            }
            TurnOutput::ToPeer { relay, to, payload } => {
                self.outbox.push(&self.ports, SendPath { port: Some(relay), to, from: None }, [payload, &[], &[]]);
            }
            TurnOutput::ToClient { client, head, payload, padding } => {
                self.send_to_client(client, [head.bytes(), payload, &[0; 3][..padding]]);
            }
        }
    }

    fn send_to_client(&mut self, client: Client, parts: [&[u8]; 3]) {
        match client {
            Client::Udp { remote, local } => {
                self.outbox.push(&self.ports, SendPath { port: None, to: remote, from: local }, parts);
            }
            Client::Stream { id, .. } => {
                let Some(stream) = self.streams.get(id) else { return };
                let taken = stream.push(parts, self.config.limits.connection_send_bytes_max);
                if taken && !stream.dirty {
                    stream.dirty = true;
                    self.streams.dirty.push(id);
                }
            }
        }
    }

    /// A connection has something to read, or takes bytes again.
    fn stream(&mut self, now: Now, id: u64, scratch: &mut [u8; 16 * 1024]) -> MoreToReceive {
        for _ in 0..STEPS_PER_TURN_MAX {
            let Some(stream) = self.streams.get(id) else { return MoreToReceive::No };
            match stream.read(scratch) {
                Ok(len) => {
                    let client = stream.client;
                    let mut input = std::mem::take(&mut stream.input);
                    // Whole frames are handled where they were read; only the beginning of one is kept.
                    let begun = !input.is_empty();
                    if begun {
                        input.extend_from_slice(&scratch[..len]);
                    }
                    let bytes = if begun { &input } else { &scratch[..len] };
                    let Some(used) = self.frames(now, client, bytes) else {
                        self.close(id);
                        return MoreToReceive::No;
                    };
                    if begun {
                        input.drain(..used);
                    } else {
                        input.extend_from_slice(&scratch[used..len]);
                    }
                    if let Some(stream) = self.streams.get(id) {
                        stream.input = input;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if stream.flush().is_err() {
                        self.close(id);
                    }
                    return MoreToReceive::No;
                }
                Err(_) => {
                    self.close(id);
                    return MoreToReceive::No;
                }
            }
        }
        MoreToReceive::Perhaps
    }

    /// Handles all whole frames and says how many bytes they were; `None` if the stream makes no sense.
    fn frames(&mut self, now: Now, client: Client, input: &[u8]) -> Option<usize> {
        let mut used = 0;
        loop {
            match framing::first(&input[used..]) {
                StreamFrame::Whole(len) => {
                    self.client_sent(now, client, &input[used..used + len]);
                    used += len;
                }
                StreamFrame::Part => return Some(used),
                StreamFrame::Bad => return None,
            }
        }
    }

    fn close(&mut self, id: u64) {
        if let Some(stream) = self.streams.remove(id) {
            self.engine.gone(stream.client);
            self.close_released();
        }
    }

    /// Sends everything that the turns left.
    fn finish_turns(&mut self) {
        self.outbox.flush(&self.ports);
        while let Some(id) = self.streams.dirty.pop() {
            let Some(stream) = self.streams.get(id) else { continue };
            stream.dirty = false;
            if stream.flush().is_err() {
                self.close(id);
            }
        }
    }
}
