//! The operator's choices about the relay. Parsing it does no I/O.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use chrono::TimeDelta;
use ipnet::IpNet;
use sanbao_platform::config::Secret;

use crate::cluster::ClusterLimits;
use crate::precheck::{PrecheckLimits, PrecheckRelay};
use crate::protocol::{ClientLimits, Heartbeat};
use crate::room::RoomLimits;
use crate::turn::{
    AnsweredBy, BYTES_PER_S_PER_USER_MAX, Credentials, IceConfig, IceUrl, PortsWatch, RelayOnly, RelayedAddresses,
    TurnConfig, TurnControl, TurnLimits, TurnTls,
};

/// The embedded TURN server, when it is to run.
#[derive(Clone, Debug)]
pub struct EmbeddedTurn {
    /// Where it listens; UDP and TCP.
    pub listen: SocketAddr,
    /// TURN over TLS.
    pub tls: Option<EmbeddedTurnTls>,
    /// The addresses under which clients reach it: at most one of each family.
    pub public_ips: Vec<IpAddr>,
    /// The relayed ports, first and last.
    pub relay_ports: (u16, u16),
    /// Networks that may be relayed to although they are refused by default.
    pub allow_peers: Vec<IpNet>,
    /// Networks that are never relayed to, although they are public or allowed.
    pub deny_peers: Vec<IpNet>,
}

/// TURN over TLS: for networks that let only HTTPS out.
#[derive(Clone, Debug)]
pub struct EmbeddedTurnTls {
    /// Where and with which certificate.
    pub server: TurnTls,
    /// The name in the certificate; clients are told `turns:host`.
    pub host: String,
}

impl EmbeddedTurn {
    /// The public addresses that clients can ask at; a relayed one of the other family is had by asking there too.
    fn asked_at(&self) -> impl Iterator<Item = SocketAddr> {
        let listen = self.listen;
        let both = listen.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let listening = self.public_ips.iter().filter(move |ip| both || ip.is_ipv6() == listen.is_ipv6());
        listening.map(move |ip| SocketAddr::new(*ip, listen.port()))
    }

    /// Its addresses for STUN (RFC 7064).
    fn stun(&self) -> impl Iterator<Item = IceUrl> {
        self.asked_at().map(|at| IceUrl { url: format!("stun:{at}"), by: AnsweredBy::Plain })
    }

    /// Its addresses for TURN (RFC 7065).
    fn turn(&self) -> impl Iterator<Item = IceUrl> {
        let plain = self.asked_at().flat_map(|at| ["udp", "tcp"].map(|by| format!("turn:{at}?transport={by}")));
        let tls = self.tls.iter().map(|t| format!("turns:{}:{}?transport=tcp", t.host, t.server.listen.port()));
        let plain = plain.map(|url| IceUrl { url, by: AnsweredBy::Plain });
        plain.chain(tls.map(|url| IceUrl { url, by: AnsweredBy::Tls }))
    }
}

/// Bounds of one process and of each connection.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// The most open WebSockets.
    pub connections_max: usize,
    /// Of these, connections of one address that were not welcomed yet: an IPv4 address, or the /64 of an IPv6 one.
    pub arrivals_per_address_max: usize,
    /// The most rooms in memory.
    pub rooms_max: usize,
    /// How long an empty room is remembered, with whom it admitted.
    pub room_idle_ms_max: u64,
    /// How long a client may take to say `hello`.
    pub hello_wait_ms_max: u64,
    /// How long one write to a client may take.
    pub write_wait_ms_max: u64,
    /// How long a `hello` may wait for the room's log to answer.
    pub welcome_wait_ms_max: u64,
    /// Messages of one client that may wait for a shared log; it is not read from beyond them.
    pub uncommitted_messages_max: u64,
    /// Facts that may wait for the database.
    pub facts_queue_max: usize,
    /// Bad tickets and secrets that one address may show at once.
    pub bad_hellos_burst_max: NonZeroU32,
    /// Bad tickets and secrets that one address may show in a minute thereafter.
    pub bad_hellos_per_minute_max: NonZeroU32,
    /// How long clients are given to connect elsewhere when this node goes.
    pub drain_ms_max: u64,
    /// The limits of one client.
    pub client: ClientLimits,
    /// How the two sides know that the other is there.
    pub heartbeat: Heartbeat,
    /// Bounds of a room.
    pub room: RoomLimits,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            // A hospital stands behind one address, and comes back as one after a restart.
            arrivals_per_address_max: 1_000,
            rooms_max: 5_000,
            room_idle_ms_max: 60 * 60 * 1000,
            hello_wait_ms_max: 5_000,
            write_wait_ms_max: 10_000,
            welcome_wait_ms_max: 5_000,
            uncommitted_messages_max: 512,
            facts_queue_max: 4096,
            bad_hellos_burst_max: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
            bad_hellos_per_minute_max: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
            drain_ms_max: 2_500,
            client: ClientLimits {
                message_bytes_max: 64 * 1024,
                messages_per_s_max: 50,
                messages_burst_max: 200,
                bytes_per_s_max: 128 * 1024,
                bytes_burst_max: 512 * 1024,
            },
            heartbeat: Heartbeat { interval_ms: 25_000, timeout_ms: 60_000 },
            room: RoomLimits::default(),
        }
    }
}

/// The relay's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The embedded TURN server; `None` when there is an external one, or none.
    pub turn: Option<EmbeddedTurn>,
    /// The realm of TURN credentials.
    pub turn_realm: String,
    /// The secret of TURN credentials, shared with an external coturn (`static-auth-secret`).
    pub turn_secret: Secret<String>,
    /// How long a TURN credential is good, in seconds.
    pub turn_credential_s: u32,
    /// Bytes a second that one person's media may take in the embedded TURN server.
    pub turn_bytes_per_s: u64,
    /// Addresses of an external TURN server: `turn:host:3478?transport=udp`, `turns:host:443`.
    pub turn_urls: Vec<String>,
    /// Addresses of external STUN servers.
    pub stun_urls: Vec<String>,
    /// Whose media goes by way of TURN only, where there is TURN.
    pub relay_only: RelayOnly,
    /// Origins besides the site's own from which browsers may connect: `https://care.example`.
    pub origins: Vec<String>,
    pub limits: SessionLimits,
    /// Bounds of a node among others.
    pub cluster: ClusterLimits,
    /// Bounds of checks before the visit.
    pub precheck: PrecheckLimits,
}

/// The address in `turn:192.0.2.1:3478?transport=udp` or `turn:[2001:db8::1]`, when it is no name.
fn host_address(url: &str) -> Option<IpAddr> {
    let host = url.split_once(':')?.1.split('?').next()?;
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?.parse().ok(),
        None => host.split(':').next()?.parse().ok(),
    }
}

impl Config {
    /// No TURN at all, and default bounds; a start for the composition root and for tests.
    pub fn new(turn_secret: Secret<String>) -> Self {
        Self {
            turn: None,
            turn_realm: "sanbao".to_owned(),
            turn_secret,
            turn_credential_s: 8 * 3600,
            turn_bytes_per_s: BYTES_PER_S_PER_USER_MAX,
            turn_urls: Vec::new(),
            stun_urls: Vec::new(),
            relay_only: RelayOnly::default(),
            origins: Vec::new(),
            limits: SessionLimits::default(),
            cluster: ClusterLimits::default(),
            precheck: PrecheckLimits::default(),
        }
    }

    /// The credentials that both TURN servers understand.
    pub fn credentials(&self) -> Credentials {
        Credentials::new(self.turn_secret.clone(), TimeDelta::seconds(i64::from(self.turn_credential_s)))
    }

    /// The servers that clients are told of, of the embedded server as much as it listens on.
    pub fn ice(&self, ports: PortsWatch) -> IceConfig {
        let others = |urls: &[String]| -> Vec<IceUrl> {
            urls.iter().map(|url| IceUrl { url: url.clone(), by: AnsweredBy::Others }).collect()
        };
        let (mut stun, mut turn) = (others(&self.stun_urls), others(&self.turn_urls));
        stun.extend(self.turn.iter().flat_map(EmbeddedTurn::stun));
        turn.extend(self.turn.iter().flat_map(EmbeddedTurn::turn));
        let (credentials, relay_only) = (self.credentials(), self.relay_only);
        IceConfig {
            stun,
            turn,
            credentials,
            ports,
            relays: self.relayed_addresses(),
            relay_only,
            control: TurnControl::default(),
        }
    }

    /// Where relayed addresses are: those of the embedded server, those that the operator lets it relay to (other relays
    /// of the house), and the addresses of external servers that are named by address.
    fn relayed_addresses(&self) -> Vec<RelayedAddresses> {
        let mut relays = Vec::new();
        if let Some(embedded) = &self.turn {
            let own = embedded.public_ips.iter().map(|ip| IpNet::from(ip.to_canonical()));
            let nets = own.chain(embedded.allow_peers.iter().copied());
            relays.extend(nets.map(|net| RelayedAddresses { net, ports: embedded.relay_ports }));
        }
        let hosts = self.turn_urls.iter().filter_map(|url| host_address(url));
        relays.extend(hosts.map(|ip| RelayedAddresses { net: ip.into(), ports: (1, u16::MAX) }));
        relays
    }

    /// Where the server's peer of pre-call checks gets its relay address; `None` when there is no TURN server.
    pub fn precheck_relay(&self) -> Option<PrecheckRelay> {
        match &self.turn {
            Some(embedded) => Some(PrecheckRelay::embedded(embedded.listen, self.credentials())),
            None => PrecheckRelay::external(&self.turn_urls, self.credentials()),
        }
    }

    /// The embedded server's setting, if it is to run.
    pub fn embedded(&self) -> Option<TurnConfig> {
        self.turn.as_ref().map(|e| TurnConfig {
            listen: e.listen,
            tls: e.tls.as_ref().map(|tls| tls.server.clone()),
            public_ips: e.public_ips.clone(),
            realm: self.turn_realm.clone(),
            relay_ports: e.relay_ports,
            allow_peers: e.allow_peers.clone(),
            deny_peers: e.deny_peers.clone(),
            limits: TurnLimits {
                allocations_per_user_max: TurnLimits::allocations_per_user(
                    self.limits.room.people_max,
                    self.turn_urls.len() + e.turn().count(),
                ),
                bytes_per_s_per_user_max: self.turn_bytes_per_s,
                bytes_burst_per_user_max: self.turn_bytes_per_s.saturating_mul(2),
                ..TurnLimits::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn embedded_and_external_servers_share_one_credential() {
        let mut config = Config::new(Secret("x".to_owned()));
        assert!(config.ice(PortsWatch::all()).servers("p", chrono::DateTime::UNIX_EPOCH).is_empty());
        config.turn_urls.push("turns:turn.example:443".to_owned());
        config.turn = Some(EmbeddedTurn {
            listen: "[::]:3478".parse().unwrap(),
            tls: Some(EmbeddedTurnTls {
                server: TurnTls { listen: "[::]:443".parse().unwrap(), certificate: "c".into(), key: "k".into() },
                host: "care.example".to_owned(),
            }),
            public_ips: vec!["2001:db8::7".parse().unwrap()],
            relay_ports: (50_000, 50_999),
            allow_peers: Vec::new(),
            deny_peers: Vec::new(),
        });
        let servers = config.ice(PortsWatch::all()).servers("p", chrono::DateTime::UNIX_EPOCH);
        assert_eq!(servers[0].urls, ["stun:[2001:db8::7]:3478"]);
        let urls = [
            "turns:turn.example:443",
            "turn:[2001:db8::7]:3478?transport=udp",
            "turn:[2001:db8::7]:3478?transport=tcp",
            "turns:care.example:443?transport=tcp",
        ];
        assert_eq!(servers[1].urls, urls);
        assert_eq!(servers[1].username.as_deref(), Some("28800:p"));
    }

    fn embedded(listen: &str, public_ips: &[&str]) -> EmbeddedTurn {
        EmbeddedTurn {
            listen: listen.parse().unwrap(),
            tls: None,
            public_ips: public_ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            relay_ports: (50_000, 50_999),
            allow_peers: Vec::new(),
            deny_peers: Vec::new(),
        }
    }

    #[test]
    fn relayed_addresses_are_known_of_servers_that_are_named_by_address() {
        let mut config = Config::new(Secret("x".to_owned()));
        config.turn = Some(embedded("[::]:3478", &["10.0.0.7"]));
        config.turn_urls = ["turn:10.1.0.9:3478?transport=udp", "turns:[fd00::9]:443", "turn:turn.example", "turn:"]
            .map(str::to_owned)
            .to_vec();
        let relays = config.ice(PortsWatch::all()).relays;
        let has = |ip: &str, port| relays.iter().any(|relay| relay.has(ip.parse().unwrap(), port));
        assert!(
            has("10.0.0.7", 50_000) && has("::ffff:10.0.0.7", 50_999) && has("10.1.0.9", 1024) && has("fd00::9", 1)
        );
        assert!(!has("10.0.0.7", 22) && !has("10.0.0.8", 50_000) && !has("127.0.0.1", 50_000));
        assert_eq!(relays.len(), 3);
    }

    #[test]
    fn only_addresses_that_are_listened_on_are_told() {
        let public = ["203.0.114.1", "2001:db8::7"];
        for (listen, told) in [
            ("0.0.0.0:3478", &["stun:203.0.114.1:3478"][..]),
            ("[2001:db8::7]:3478", &["stun:[2001:db8::7]:3478"]),
            ("[::]:3478", &["stun:203.0.114.1:3478", "stun:[2001:db8::7]:3478"]),
        ] {
            let mut config = Config::new(Secret("x".to_owned()));
            config.turn = Some(embedded(listen, &public));
            let servers = config.ice(PortsWatch::all()).servers("p", chrono::DateTime::UNIX_EPOCH);
            assert_eq!(servers[0].urls, told, "{listen}");
        }
    }

    #[test]
    fn the_quota_is_enough_for_a_full_room_over_every_address() {
        let mut config = Config::new(Secret("x".to_owned()));
        config.turn = Some(embedded("[::]:3478", &["203.0.114.1", "2001:db8::7"]));
        let quota = |config: &Config| config.embedded().unwrap().limits.allocations_per_user_max;
        assert_eq!(quota(&config), 5 * 4 * 4, "to five others, UDP and TCP of two addresses");
        config.limits.room.people_max = 2;
        assert_eq!(quota(&config), 64, "never less");
    }
}
