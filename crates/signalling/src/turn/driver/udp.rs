//! UDP ports with batched receiving, and the relayed ones by name.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

use crate::turn::engine::RelayPort;

/// Datagrams (or runs of datagrams) taken by one system call.
const BATCH: usize = 16;
/// The length that one of them may have: a run that the kernel joined (GRO), or the longest datagram.
const BUFFER_BYTES: usize = 65_536;
/// The system's buffers of the listening port, as far as it allows: a burst of everybody's media waits there.
const LISTEN_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Datagrams longer than this are not joined into one call: a run must not exceed any path's MTU.
pub(super) const SEGMENT_BYTES_MAX: usize = 1400;

/// One socket.
#[derive(Debug)]
pub(super) struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// Memory for one batch of received datagrams, used again and again.
pub(super) struct Buffers {
    storage: Vec<u8>,
    meta: [RecvMeta; BATCH],
    count: usize,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { storage: vec![0; BATCH * BUFFER_BYTES], meta: [RecvMeta::default(); BATCH], count: 0 }
    }

    /// The datagrams of the last batch: from where, to which address of ours, what.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, Option<IpAddr>, &[u8])> {
        self.meta[..self.count].iter().zip(self.storage.chunks(BUFFER_BYTES)).flat_map(|(meta, buffer)| {
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            // An empty datagram is one too.
            let stride = meta.stride.max(1);
            let count = bytes.len().div_ceil(stride).max(1);
            (0..count).map(move |n| {
                let datagram = &bytes[n * stride..bytes.len().min((n + 1) * stride)];
                (meta.addr, meta.dst_ip, datagram)
            })
        })
    }
}

/// The datagrams that remain after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MoreToReceive {
    /// Perhaps more.
    Perhaps,
    /// Nothing until the next event.
    No,
    /// An error; what is behind it is not known.
    Failed,
}

impl Port {
    /// Opens a socket; an IPv6 one takes IPv4 too only where `dual_stack` says so and the address is `[::]`.
    pub(super) fn open(address: SocketAddr, dual_stack: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!dual_stack)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let port = Self { socket, state };
        port.allow_fragments(address.is_ipv6());
        Ok(port)
    }

    /// The library forbids fragments, as QUIC must. RFC 8656 §14 wants DF clear where nobody asked for it.
    #[cfg(target_os = "linux")]
    fn allow_fragments(&self, ipv6: bool) {
        use rustix::net::sockopt;
        // Best effort: a path with a small MTU is all that suffers.
        let _ = sockopt::set_ip_mtu_discover(&self.socket, sockopt::Ipv4PathMtuDiscovery::DONT);
        if ipv6 {
            let _ = sockopt::set_ipv6_mtu_discover(&self.socket, sockopt::Ipv6PathMtuDiscovery::DONT);
            // IPV6_DONTFRAG stays set: no safe interface clears it, and IPv6 has no bit to keep clear.
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn allow_fragments(&self, _: bool) {}

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn enlarge_buffers(&self) {
        let socket = || UdpSockRef::from(&self.socket);
        let _ = self.state.set_recv_buffer_size(socket(), LISTEN_BUFFER_BYTES);
        let _ = self.state.set_send_buffer_size(socket(), LISTEN_BUFFER_BYTES);
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Takes one batch. A batch that is not full emptied the socket, for the kernel stops only there.
    pub(super) fn receive(&self, into: &mut Buffers) -> MoreToReceive {
        let mut chunks = into.storage.chunks_mut(BUFFER_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let received =
            self.socket.try_io(|| self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut into.meta));
        into.count = *received.as_ref().unwrap_or(&0);
        match received {
            Ok(count) if count == BATCH => MoreToReceive::Perhaps,
            // An ICMP error about an earlier datagram is not the end of the socket.
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => MoreToReceive::Failed,
            _ => MoreToReceive::No,
        }
    }

    /// How many datagrams of one length may go in one call.
    pub(super) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends datagrams of `segment` bytes each (the last may be shorter). A datagram that the system does not take is
    /// lost, as datagrams may be.
    pub(super) fn send(&self, to: SocketAddr, from: Option<IpAddr>, segment: usize, contents: &[u8]) {
        let transmit = |contents, segment_size| {
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: from };
            self.socket.try_io(|| self.state.try_send(UdpSockRef::from(&self.socket), &transmit))
        };
        let several = contents.len() > segment;
        let sent = transmit(contents, several.then_some(segment));
        match sent {
            Err(e) if several && e.kind() != io::ErrorKind::WouldBlock => {
                for datagram in contents.chunks(segment) {
                    let _ = transmit(datagram, None);
                }
            }
            Err(error) => tracing::debug!(%error, "a datagram was not sent"),
            Ok(()) => {}
        }
    }
}

/// The listening port and the relayed ones.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) listening: Port,
    relayed: HashMap<RelayPort, Port>,
    bind_ipv4: IpAddr,
    bind_ipv6: IpAddr,
}

/// The tokens of relayed ports begin here; each names port and family.
pub(super) const RELAY_TOKENS: usize = 1 << 20;

pub(super) fn relay_token(relay: RelayPort) -> Token {
    Token(RELAY_TOKENS + usize::from(relay.ipv6) * 65_536 + usize::from(relay.port))
}

pub(super) fn relay_of(Token(token): Token) -> Option<RelayPort> {
    let place = token.checked_sub(RELAY_TOKENS)?;
    Some(RelayPort { ipv6: place >= 65_536, port: u16::try_from(place % 65_536).ok()? })
}

impl Ports {
    pub(super) fn new(listening: Port, public_ips: &[IpAddr]) -> Self {
        // A relayed port is open at its relayed address and at no other of this machine. Behind a NAT that address is
        // elsewhere, and which of ours it leads to is not known.
        let local = |ipv6: bool, any: IpAddr| {
            let public = public_ips.iter().map(IpAddr::to_canonical).find(|ip| ip.is_ipv6() == ipv6);
            public.filter(|ip| std::net::UdpSocket::bind((*ip, 0)).is_ok()).unwrap_or(any)
        };
        let bind_ipv4 = local(false, Ipv4Addr::UNSPECIFIED.into());
        let bind_ipv6 = local(true, Ipv6Addr::UNSPECIFIED.into());
        Self { listening, relayed: HashMap::new(), bind_ipv4, bind_ipv6 }
    }

    pub(super) fn open(&mut self, relay: RelayPort, registry: &Registry) -> io::Result<()> {
        let ip = if relay.ipv6 { self.bind_ipv6 } else { self.bind_ipv4 };
        let mut port = Port::open((ip, relay.port).into(), false)?;
        port.register(registry, relay_token(relay))?;
        self.relayed.insert(relay, port);
        Ok(())
    }

    pub(super) fn close(&mut self, relay: RelayPort) {
        self.relayed.remove(&relay);
    }

    pub(super) fn get(&self, name: Option<RelayPort>) -> Option<&Port> {
        match name {
            None => Some(&self.listening),
            Some(relay) => self.relayed.get(&relay),
        }
    }
}
