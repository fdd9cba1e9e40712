//! How the embedded server is set up, and its bounds.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

/// The longest realm: with it the 401 of a bare Allocate still keeps
/// [`AMPLIFICATION_MAX`](super::engine::AMPLIFICATION_MAX).
pub const REALM_BYTES_MAX: usize = 32;

/// How the embedded server is set up.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// Where it listens, UDP and TCP.
    pub listen: SocketAddr,
    /// Where it listens for TLS, and with which certificate.
    pub tls: Option<TurnTls>,
    /// The addresses under which clients and peers reach it: at most one of each family; the first is
    /// the family that is given when none is asked for and there is no IPv4.
    pub public_ips: Vec<IpAddr>,
    /// The realm of its credentials, at most [`REALM_BYTES_MAX`].
    pub realm: String,
    /// The relayed ports, first and last.
    pub relay_ports: (u16, u16),
    /// Networks that may be relayed to although they are refused by default.
    pub allow_peers: Vec<IpNet>,
    /// Networks that are never relayed to, although they are public or allowed.
    pub deny_peers: Vec<IpNet>,
    /// Bounds.
    pub limits: TurnLimits,
}

/// TURN over TLS (RFC 8656 §3.1).
#[derive(Clone, Debug)]
pub struct TurnTls {
    /// Where it listens, TCP.
    pub listen: SocketAddr,
    /// The certificate chain, PEM, the server's own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Bounds of the embedded server.
#[derive(Clone, Debug)]
pub struct TurnLimits {
    /// Allocations that one user may hold over all transports; 486 beyond.
    pub allocations_per_user_max: usize,
    /// Bytes a second that one user may send and receive, over all their allocations; what is over it is dropped.
    pub bytes_per_s_per_user_max: u64,
    /// How many of these at once.
    pub bytes_burst_per_user_max: u64,
    /// How long an allocation lives without a refresh, however long was asked for.
    pub allocation_lifetime_s_max: u32,
    /// Addresses that one allocation may let in; 508 beyond.
    pub permissions_per_allocation_max: usize,
    /// Channels that one allocation may bind; 508 beyond.
    pub channels_per_allocation_max: usize,
    /// How long a nonce is good; 438 beyond.
    pub nonce_s_max: u32,
    /// Answers a second to requests that prove nothing, to each source (IPv4 address, IPv6 /64).
    pub unproved_answers_per_s_max: u32,
    /// How many of these at once.
    pub unproved_answers_burst_max: u32,
    /// Open TCP and TLS connections.
    pub connections_max: usize,
    /// Those among them without an allocation; the oldest is closed for a newer one.
    pub waiting_connections_max: usize,
    /// The same for each source.
    pub waiting_connections_per_source_max: usize,
    /// How long a connection may be without an allocation.
    pub waiting_connection_ms_max: u64,
    /// Bytes that may wait for a TCP or TLS client to read; what does not fit is dropped.
    pub connection_send_bytes_max: usize,
}

/// The allocations that one user may hold in the smallest room of the simplest server.
const ALLOCATIONS_PER_USER_MIN: usize = 64;
/// Allocations of one peer connection for each address it is told: a device has two networks (Wi-Fi and cellular),
/// and after a change of network the allocations of before live on until they run out.
const ALLOCATIONS_PER_URL: usize = 4;

/// Five others who each send 1.5 Mbit/s and get as much, and half as much again: bytes a second of one user.
pub const BYTES_PER_S_PER_USER_MAX: u64 = 2_500_000;

impl TurnLimits {
    /// How many allocations one person of a room may need at a time: browsers make one for every address of
    /// [`ice_servers`](super::IceConfig) in every peer connection, on each of their networks.
    pub fn allocations_per_user(people_max: usize, urls: usize) -> usize {
        let connections = people_max.saturating_sub(1);
        (connections * urls * ALLOCATIONS_PER_URL).max(ALLOCATIONS_PER_USER_MIN)
    }
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            allocations_per_user_max: ALLOCATIONS_PER_USER_MIN,
            bytes_per_s_per_user_max: BYTES_PER_S_PER_USER_MAX,
            bytes_burst_per_user_max: 2 * BYTES_PER_S_PER_USER_MAX,
            allocation_lifetime_s_max: 3600,
            permissions_per_allocation_max: 128,
            channels_per_allocation_max: 128,
            nonce_s_max: 600,
            unproved_answers_per_s_max: 50,
            unproved_answers_burst_max: 500,
            connections_max: 4096,
            waiting_connections_max: 512,
            waiting_connections_per_source_max: 64,
            waiting_connection_ms_max: 10_000,
            connection_send_bytes_max: 256 * 1024,
        }
    }
}
