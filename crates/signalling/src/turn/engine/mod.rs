//! The TURN server as a pure machine (RFC 8656, RFC 8489): datagrams, addresses and the time go in, what is
//! to be sent or opened comes out. No socket, task, lock or clock inside.
//!
//! Each input has at most one output, and payloads are passed on as slices of the input: the way of the
//! media allocates nothing. A relayed datagram for a relayed address of this same server does not go
//! through two sockets: both allocations are here, and the second one's permission is asked as if it had.

mod allocate;
mod allocation;
mod auth;
mod data;
mod nonce;
mod permit;
mod throttle;
mod users;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, Utc};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::config::{TurnConfig, TurnLimits};
use super::credentials::Credentials;
use super::peers::PeerFilter;
use super::stun::{Class, Message, Method};
use allocate::{Pending, Reserved};
use allocation::Allocation;
pub use allocation::{CHANNEL_MS, PERMISSION_MS};
use auth::StunRequest;
use nonce::Nonces;
use throttle::Throttle;
pub(super) use throttle::source;
use users::{Orders, Users};

/// An answer over UDP to a request that proves nothing is never longer than this many times the request.
pub const AMPLIFICATION_MAX: usize = 3;
/// How long a relayed address lives unless another time is asked for (RFC 8656 §3.2).
pub const LIFETIME_DEFAULT_S: u32 = 600;

/// The time, as two clocks show it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Milliseconds since the server began; never goes back. Lifetimes count in it.
    pub ms: u64,
    /// The calendar's time; credentials expire by it.
    pub utc: DateTime<Utc>,
}

/// The client of the server: the other end of a 5-tuple (RFC 8656 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Over UDP.
    Udp {
        /// Its address.
        remote: SocketAddr,
        /// The address of ours that it talks to, where there are several.
        local: Option<IpAddr>,
    },
    /// Over a TCP or TLS connection.
    Stream {
        /// Its address.
        remote: SocketAddr,
        /// Which connection; never used twice.
        id: u64,
    },
}

impl Client {
    /// Its address.
    pub fn remote(self) -> SocketAddr {
        match self {
            Self::Udp { remote, .. } | Self::Stream { remote, .. } => remote,
        }
    }

    /// Whether it came by TCP or TLS, where an address cannot be forged and channel data is padded.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Stream { .. })
    }
}

/// A relayed port: it and its family name one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RelayPort {
    /// Whether it is an IPv6 port.
    pub ipv6: bool,
    pub port: u16,
}

/// The head of a payload on its way to a client: a channel's header, or a Data indication up to its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadHead {
    bytes: [u8; 48],
    len: usize,
}

impl PayloadHead {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOutput<'a> {
    Nothing,
    /// The answer buffer goes back to the client that asked.
    Answer,
    /// A datagram to a peer from a relayed port.
    ToPeer {
        /// The port.
        relay: RelayPort,
        /// The peer.
        to: SocketAddr,
        /// The datagram.
        payload: &'a [u8],
    },
    /// A message to a client: the head, the payload, and zeros.
    ToClient {
        client: Client,
        /// The head of the payload.
        head: PayloadHead,
        /// The datagram.
        payload: &'a [u8],
        /// How many zeros follow it.
        padding: usize,
    },
    /// Open this port, then say how it went by [`Engine::bound`] before anything else.
    Bind(RelayPort),
}

/// The machine.
#[derive(Debug)]
pub struct Engine {
    realm: String,
    public_ipv4: Option<IpAddr>,
    public_ipv6: Option<IpAddr>,
    relay_ports: (u16, u16),
    limits: TurnLimits,
    filter: PeerFilter,
    credentials: Credentials,
    nonces: Nonces,
    throttle: Throttle,
    /// That of connections: what forged datagrams use up in an address' name must not be missing here.
    stream_throttle: Throttle,
    random: StdRng,
    allocations: Vec<Option<Allocation>>,
    by_client: HashMap<Client, usize>,
    by_relay: HashMap<RelayPort, usize>,
    users: Users,
    orders: Orders,
    reserved: HashMap<[u8; 8], Reserved>,
    pending: Option<Pending>,
    released: Vec<RelayPort>,
}

impl Engine {
    /// A machine without allocations. `listen_port` is the server's own UDP port, never a peer; `secret`
    /// makes its nonces and ports unguessable.
    pub fn new(config: &TurnConfig, credentials: Credentials, listen_port: u16, secret: [u8; 32]) -> Self {
        let family = |ipv6| config.public_ips.iter().map(IpAddr::to_canonical).find(|ip| ip.is_ipv6() == ipv6);
        let limits = config.limits.clone();
        let filter = PeerFilter {
            allowed: config.allow_peers.clone(),
            denied: config.deny_peers.clone(),
            relay_addresses: [family(false), family(true)].into_iter().flatten().collect(),
            own_addresses: Vec::new(),
            relay_ports: config.relay_ports,
            listen_port,
        };
        let throttle = || Throttle::new(limits.unproved_answers_per_s_max, limits.unproved_answers_burst_max);
        Self {
            realm: config.realm.clone(),
            public_ipv4: family(false),
            public_ipv6: family(true),
            relay_ports: config.relay_ports,
            filter,
            credentials,
            nonces: Nonces::new(secret, limits.nonce_s_max),
            throttle: throttle(),
            stream_throttle: throttle(),
            random: StdRng::from_seed(secret.map(|b| b ^ 0x5c)),
            allocations: Vec::new(),
            by_client: HashMap::new(),
            by_relay: HashMap::new(),
            users: Users::new(limits.bytes_per_s_per_user_max, limits.bytes_burst_per_user_max),
            orders: Orders::default(),
            reserved: HashMap::new(),
            pending: None,
            released: Vec::new(),
            limits,
        }
    }

    /// The addresses of this machine's interfaces, none of which is a peer unless it is allowed.
    pub fn set_own_addresses(&mut self, addresses: Vec<IpAddr>) {
        self.filter.own_addresses = addresses;
    }

    /// The rule that says which addresses may be peers.
    pub fn filter(&self) -> &PeerFilter {
        &self.filter
    }

    /// A datagram, or one frame of a stream, from a client. `answer` is overwritten when the output is
    /// [`TurnOutput::Answer`].
    pub fn client_sent<'a>(
        &mut self,
        now: Now,
        client: Client,
        bytes: &'a [u8],
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'a> {
        match bytes.first().map(|first| first >> 6) {
            Some(0) => self.message(now, client, bytes, answer),
            Some(1) => self.channel_data(now, client, bytes),
            _ => TurnOutput::Nothing,
        }
    }

    fn message<'a>(&mut self, now: Now, client: Client, bytes: &'a [u8], answer: &mut Vec<u8>) -> TurnOutput<'a> {
        let Ok(message) = Message::parse(bytes) else { return TurnOutput::Nothing };
        match (message.class, message.method) {
            (Class::Indication, Method::Send) => self.send_indication(now, client, &message),
            (Class::Request, Method::Binding) => {
                self.binding(now, &StunRequest { client, bytes: bytes.len(), message }, answer)
            }
            (Class::Request, Method::Allocate | Method::Refresh | Method::CreatePermission | Method::ChannelBind) => {
                self.request(now, &StunRequest { client, bytes: bytes.len(), message }, answer)
            }
            // Answers, other indications, and methods that nobody here knows (RFC 8489 §6.3).
            _ => TurnOutput::Nothing,
        }
    }

    /// A connection has ended, and its allocation with it.
    pub fn gone(&mut self, client: Client) {
        if let Some(index) = self.by_client.get(&client).copied() {
            self.release(index);
        }
    }

    /// Ends what has run out. Nothing is served beyond its time even when this comes late, but ports are
    /// given back only here; once a second is plenty.
    pub fn sweep(&mut self, now: Now) {
        for index in 0..self.allocations.len() {
            if self.allocations[index].as_ref().is_some_and(|a| a.until_ms <= now.ms) {
                self.release(index);
            }
        }
        self.sweep_reserved(now);
        self.users.sweep(now.ms);
    }

    /// A relayed port that is to be closed, until there is none.
    pub fn released(&mut self) -> Option<RelayPort> {
        self.released.pop()
    }

    /// Whether a client has an allocation.
    pub fn has_allocation(&self, client: Client) -> bool {
        self.by_client.contains_key(&client)
    }

    /// How many relayed ports are open.
    pub fn ports_open(&self) -> usize {
        self.by_relay.len() + self.reserved.len()
    }

    /// The client's allocation, unless its time is over.
    fn allocation(&self, now: Now, client: Client) -> Option<(usize, &Allocation)> {
        let index = *self.by_client.get(&client)?;
        let allocation = self.allocations.get(index)?.as_ref()?;
        (allocation.until_ms > now.ms).then_some((index, allocation))
    }

    fn release(&mut self, index: usize) {
        let Some(gone) = self.allocations.get_mut(index).and_then(Option::take) else { return };
        self.by_client.remove(&gone.client);
        self.by_relay.remove(&gone.relay);
        self.users.let_go(&gone.username);
        self.released.push(gone.relay);
    }

    /// The address of ours that peers of this family see.
    fn public_ip(&self, ipv6: bool) -> Option<IpAddr> {
        if ipv6 { self.public_ipv6 } else { self.public_ipv4 }
    }
}
