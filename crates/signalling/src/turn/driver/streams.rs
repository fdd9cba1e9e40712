//! All TCP and TLS connections, and how many there may be.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use rustls::ServerConfig;
use sanbao_platform::certificate::{Certificate, LOOK_WAIT};

use super::stream::Stream;
use crate::turn::config::TurnLimits;
use crate::turn::engine::{Engine, source};

/// The tokens of connections begin here.
pub(super) const STREAM_TOKENS: usize = 1 << 21;

/// A listening TCP port; with TLS or without.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    tls: Option<Certificate>,
    /// When the files of the certificate were looked at; they are while connections come.
    looked_ms: u64,
}

impl Listener {
    pub(super) fn bind(address: SocketAddr, tls: Option<Certificate>) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address)?, tls, looked_ms: 0 })
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept()
    }

    /// The session that a connection begins TLS with; `None` on a port without.
    pub(super) fn tls(&mut self, now_ms: u64) -> Option<Arc<ServerConfig>> {
        let certificate = self.tls.as_mut()?;
        if u128::from(now_ms.saturating_sub(self.looked_ms)) >= LOOK_WAIT.as_millis() {
            self.looked_ms = now_ms;
            certificate.look();
        }
        Some(Arc::clone(certificate.config()))
    }
}

/// A connection without an allocation.
#[derive(Debug)]
struct UnallocatedStream {
    source: IpAddr,
    since_ms: u64,
}

/// Open connections.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: HashMap<u64, Stream>,
    /// Those without an allocation, the oldest first: ids only grow.
    waiting: BTreeMap<u64, UnallocatedStream>,
    next: u64,
    /// Those with something to send.
    pub(super) dirty: Vec<u64>,
}

pub(super) fn stream_of(Token(token): Token) -> Option<u64> {
    u64::try_from(token.checked_sub(STREAM_TOKENS)?).ok()
}

impl Streams {
    pub(super) fn get(&mut self, id: u64) -> Option<&mut Stream> {
        self.open.get_mut(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Stream> {
        self.waiting.remove(&id);
        self.open.remove(&id)
    }

    /// A connection has an allocation now: it waits no more, and nobody's place is measured by it.
    pub(super) fn has_allocated(&mut self, id: u64) {
        self.waiting.remove(&id);
    }

    /// Gives memory back that connections have no use for now.
    pub(super) fn shrink(&mut self) {
        for stream in self.open.values_mut() {
            stream.shrink();
        }
    }

    /// Which connection must go before another of this source may come: where too many wait, the oldest of
    /// the source, or of all. So an honest client has as long as it takes to open that many.
    pub(super) fn must_go(&self, engine: &Engine, limits: &TurnLimits, remote: SocketAddr) -> Option<u64> {
        let from = source(remote.ip());
        let oldest = |of: Option<IpAddr>| {
            let mut waiting = self.waiting.iter().filter(|(_, w)| of.is_none_or(|of| w.source == of));
            let has_none = |id: &u64| self.open.get(id).is_some_and(|s| !engine.has_allocation(s.client));
            waiting.find(|(id, _)| has_none(id)).map(|(id, _)| *id)
        };
        let same = self.waiting.values().filter(|w| w.source == from).count();
        if same >= limits.waiting_connections_per_source_max {
            oldest(Some(from))
        } else if self.waiting.len() >= limits.waiting_connections_max {
            oldest(None)
        } else {
            None
        }
    }

    /// Takes a new connection, unless there are as many as there may be.
    pub(super) fn add(
        &mut self,
        (socket, remote): (TcpStream, SocketAddr),
        tls: Option<Arc<ServerConfig>>,
        registry: &Registry,
        now_ms: u64,
        limits: &TurnLimits,
    ) -> io::Result<()> {
        if self.open.len() >= limits.connections_max {
            return Err(io::Error::other("as many TURN connections as there may be"));
        }
        let id = self.next;
        self.next += 1;
        let token = Token(STREAM_TOKENS + usize::try_from(id).map_err(io::Error::other)?);
        let stream = Stream::new(socket, remote, id, tls, registry, token)?;
        self.open.insert(id, stream);
        self.waiting.insert(id, UnallocatedStream { source: source(remote.ip()), since_ms: now_ms });
        Ok(())
    }

    /// Connections that have been without an allocation for too long. A connection that has one waits no more, and
    /// whose has ended begins to wait.
    pub(super) fn overdue(&mut self, engine: &Engine, now_ms: u64, limits: &TurnLimits) -> Vec<u64> {
        for (id, stream) in &self.open {
            if engine.has_allocation(stream.client) {
                self.waiting.remove(id);
            } else {
                let source = source(stream.client.remote().ip());
                self.waiting.entry(*id).or_insert(UnallocatedStream { source, since_ms: now_ms });
            }
        }
        let bound = limits.waiting_connection_ms_max;
        self.waiting.iter().filter(|(_, w)| now_ms.saturating_sub(w.since_ms) >= bound).map(|(id, _)| *id).collect()
    }
}
