//! The embedded server: one UDP socket, one loop.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use sanbao_platform::clock::Clock;
use tokio::net::UdpSocket;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use turn::allocation::allocation_manager::{Manager, ManagerConfig};
use turn::auth::{AuthHandler, generate_auth_key};
use turn::server::request::Request;
use webrtc_util::Conn;

use super::credentials::{CredentialError, Credentials, name_of};
use super::gate::{Gate, Verdict};
use super::peers::PeerFilter;
use super::socket::{RelayPorts, Socket, unspecified_like};

/// The largest datagram taken; longer ones are cut and then fail to parse.
const DATAGRAM_BYTES_MAX: usize = 2048;
/// How many nonces are kept. A flood of unauthenticated requests pushes the oldest out, whose owners
/// are told "stale nonce" and go on with a fresh one.
const NONCES_MAX: usize = 16_384;
/// How long a channel stays bound without a refresh (RFC 8656 §12).
const CHANNEL_LIFETIME: Duration = Duration::from_mins(10);

/// How the embedded server is set up.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address under which clients and peers reach it.
    pub public_ip: IpAddr,
    /// The realm of its credentials.
    pub realm: String,
    /// The relayed ports, first and last.
    pub relay_ports: (u16, u16),
    /// Networks that may be relayed to although they are refused by default.
    pub allow_peers: Vec<IpNet>,
    /// How many allocations one username may hold.
    pub allocations_per_user_max: usize,
}

/// Checks credentials for the crate.
struct Auth {
    credentials: Credentials,
    realm: String,
    clock: Clock,
}

impl Auth {
    fn key(&self, username: &str, realm: &str) -> Result<Vec<u8>, CredentialError> {
        if realm != self.realm {
            return Err(CredentialError::Realm);
        }
        let password = self.credentials.check(username, self.clock.now())?;
        Ok(generate_auth_key(username, realm, &password))
    }
}

impl AuthHandler for Auth {
    fn auth_handle(&self, username: &str, realm: &str, _: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        self.key(username, realm).map_err(|e| turn::Error::Other(e.to_string()))
    }
}

/// A bound server, not yet running.
pub struct TurnServer {
    socket: Arc<Socket>,
    local: SocketAddr,
    manager: Arc<Manager>,
    auth: Arc<Auth>,
    gate: Gate,
    nonces: Arc<Mutex<HashMap<String, Instant>>>,
    config: TurnConfig,
    clock: Clock,
}

impl std::fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TurnServer({})", self.local)
    }
}

impl TurnServer {
    /// Binds the listening port.
    pub async fn bind(config: TurnConfig, credentials: Credentials, clock: Clock) -> std::io::Result<Self> {
        if config.relay_ports.0 == 0 || config.relay_ports.1 <= config.relay_ports.0 {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "the relay's port range needs at least two ports",
            ));
        }
        let inner = UdpSocket::bind(config.listen).await?;
        let local = inner.local_addr()?;
        let filter = Arc::new(PeerFilter {
            allowed: config.allow_peers.clone(),
            relay_addresses: vec![config.public_ip.to_canonical()],
            relay_ports: config.relay_ports,
            listen_port: local.port(),
        });
        let ports = RelayPorts {
            public_ip: config.public_ip,
            bind_ip: unspecified_like(config.public_ip),
            ports: config.relay_ports,
            filter: Arc::clone(&filter),
        };
        let relays_ipv4 = config.public_ip.is_ipv4();
        Ok(Self {
            socket: Arc::new(Socket::open(inner)?),
            local,
            manager: Arc::new(Manager::new(ManagerConfig {
                relay_addr_generator: Box::new(ports),
                alloc_close_notify: None,
            })),
            auth: Arc::new(Auth {
                credentials: credentials.clone(),
                realm: config.realm.clone(),
                clock: clock.clone(),
            }),
            gate: Gate { filter, credentials, realm: config.realm.clone(), relays_ipv4 },
            nonces: Arc::default(),
            config,
            clock,
        })
    }

    /// The bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `stop` is cancelled, then closes every allocation.
    pub async fn run(self, stop: CancellationToken) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                () = stop.cancelled() => break,
            };
            match received {
                Ok((len, from)) => self.datagram(&buffer[..len], from).await,
                Err(error) => {
                    tracing::error!(%error, "the TURN socket failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        if let Err(error) = self.manager.close().await {
            tracing::debug!(%error, "an allocation was closed already");
        }
    }

    async fn datagram(&self, datagram: &[u8], from: SocketAddr) {
        let now = self.clock.now();
        let mut verdict = self.gate.look(datagram, now);
        if let Verdict::PassUnderQuota { username } = &verdict {
            let over = self.has_all_allocations(username, from).await;
            verdict = if over { self.gate.over_quota(datagram, now) } else { Verdict::Pass };
        }
        match verdict {
            Verdict::Pass | Verdict::PassUnderQuota { .. } => self.hand_over(datagram, from).await,
            Verdict::Answer(answer) => {
                if let Err(error) = self.socket.send_to(&answer, from).await {
                    tracing::debug!(%error, "TURN answer not sent");
                }
            }
            Verdict::Drop => {}
        }
    }

    async fn has_all_allocations(&self, username: &str, from: SocketAddr) -> bool {
        let all = self.manager.get_allocations_info(None).await;
        // A repeated request of the same client is the crate's to answer.
        let again = all.keys().any(|five| five.src_addr == from);
        let held = all.values().filter(|info| name_of(&info.username) == name_of(username)).count();
        !again && held >= self.config.allocations_per_user_max
    }

    async fn hand_over(&self, datagram: &[u8], from: SocketAddr) {
        self.forget_old_nonces().await;
        let conn: Arc<dyn Conn + Send + Sync> = Arc::clone(&self.socket) as _;
        let auth: Arc<dyn AuthHandler + Send + Sync> = Arc::clone(&self.auth) as _;
        let mut request = Request::new(conn, from, Arc::clone(&self.manager), auth);
        request.buff = datagram.to_vec();
        request.nonces = Arc::clone(&self.nonces);
        request.realm.clone_from(&self.config.realm);
        request.channel_bind_timeout = CHANNEL_LIFETIME;
        // Ordinary life: a datagram without a permission, an expired allocation, a stray packet.
        if let Err(error) = request.handle_request().await {
            tracing::debug!(%error, "TURN request not carried out");
        }
    }

    /// Keeps the crate's nonce table within its bound.
    async fn forget_old_nonces(&self) {
        let mut nonces = self.nonces.lock().await;
        if nonces.len() < NONCES_MAX {
            return;
        }
        let mut ages: Vec<Instant> = nonces.values().copied().collect();
        ages.sort_unstable();
        let keep_from = ages[ages.len() / 2];
        nonces.retain(|_, made| *made > keep_from);
    }
}
