//! A TURN client of a few calls, over UDP or TCP, and a server for each test.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::testing::ports;
use sanbao_signalling::turn::stun::{Class, Key, Message, Method, StunWriter, attr, read_xor_address};
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits, TurnServer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::trust;

pub const REALM: &str = "sanbao.test";
/// An expected message comes within this time; what is not to come is waited for as long as [`SILENCE`].
const WAIT: Duration = Duration::from_secs(30);
/// How long nothing must come for "nothing comes".
pub const SILENCE: Duration = Duration::from_millis(300);

pub struct Running {
    pub address: SocketAddr,
    pub tls: Option<SocketAddr>,
    pub credentials: Credentials,
    pub clock: Clock,
    pub stop: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn credentials() -> Credentials {
    Credentials::new(Secret("s3cret".to_owned()), TimeDelta::hours(1))
}

/// Loopback, with a port range of its own.
pub fn config(allow: &[&str]) -> TurnConfig {
    TurnConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        public_ips: vec!["127.0.0.1".parse().unwrap()],
        realm: REALM.to_owned(),
        relay_ports: ports(20).into_inner(),
        allow_peers: allow.iter().map(|n| n.parse().unwrap()).collect(),
        deny_peers: Vec::new(),
        // Some tests send much in a moment.
        limits: TurnLimits { allocations_per_user_max: 8, bytes_burst_per_user_max: u64::MAX, ..TurnLimits::default() },
    }
}

pub fn run(config: TurnConfig, clock: Clock) -> Running {
    let server = TurnServer::bind(config, credentials(), clock.clone()).unwrap();
    let (address, tls, stop) = (server.local_addr(), server.local_tls_addr(), CancellationToken::new());
    let task = tokio::spawn(server.run(stop.clone()));
    Running { address, tls, credentials: credentials(), clock, stop, task }
}

pub fn start_with(config: TurnConfig) -> Running {
    run(config, Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)))
}

pub fn start(allow: &[&str]) -> Running {
    start_with(config(allow))
}

enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream, Vec<u8>),
    Tls(Box<TlsStream<TcpStream>>, Vec<u8>),
}

/// The answer to a call.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub bytes: Vec<u8>,
}

impl Answer {
    fn of(bytes: Vec<u8>) -> Self {
        let message = Message::parse(&bytes).unwrap();
        let error = message.get(attr::ERROR_CODE).map(|v| u16::from(v[2]) * 100 + u16::from(v[3]));
        Self { code: error.unwrap_or(200), bytes }
    }

    pub fn address(&self, kind: u16) -> SocketAddr {
        let message = Message::parse(&self.bytes).unwrap();
        read_xor_address(message.get(kind).unwrap(), message.transaction).unwrap()
    }
}

pub struct Client {
    wire: Wire,
    username: String,
    key: Key,
    nonce: Vec<u8>,
    transactions: u32,
    /// Data that came while an answer was waited for.
    early: Vec<(SocketAddr, Vec<u8>)>,
}

impl Client {
    fn new(wire: Wire, (username, password): (String, String)) -> Self {
        let key = Key::long_term(&username, REALM, &password);
        Self { wire, username, key, nonce: b"none".to_vec(), transactions: 0, early: Vec::new() }
    }

    /// A client over UDP with these credentials.
    pub async fn with(server: &Running, credentials: (String, String)) -> Self {
        let any = if server.address.is_ipv6() { "[::1]:0" } else { "127.0.0.1:0" };
        let socket = UdpSocket::bind(any).await.unwrap();
        let to = if server.address.ip().is_unspecified() {
            (any.parse::<SocketAddr>().unwrap().ip(), server.address.port()).into()
        } else {
            server.address
        };
        socket.connect(to).await.unwrap();
        Self::new(Wire::Udp(socket), credentials)
    }

    pub async fn udp(server: &Running, name: &str) -> Self {
        Self::with(server, server.credentials.issue(name, server.clock.now())).await
    }

    pub async fn tcp(server: &Running, name: &str) -> Self {
        Self::tcp_with(server, server.credentials.issue(name, server.clock.now())).await
    }

    /// A client over TCP with these credentials.
    pub async fn tcp_with(server: &Running, credentials: (String, String)) -> Self {
        let socket = TcpStream::connect(server.address).await.unwrap();
        Self::new(Wire::Tcp(socket, Vec::new()), credentials)
    }

    /// A client over TLS.
    pub async fn tls(server: &Running, at: SocketAddr, name: &str) -> Self {
        let wire = Wire::Tls(Box::new(trust::connect(at).await.unwrap()), Vec::new());
        Self::new(wire, server.credentials.issue(name, server.clock.now()))
    }

    /// The certificate that a server shows, if it answers TLS.
    pub async fn tls_certificate(at: SocketAddr) -> std::io::Result<Vec<u8>> {
        trust::connect(at).await.map(|stream| trust::shown(&stream))
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Wire::Udp(socket) => {
                // An ICMP error about an earlier datagram is no error of this one.
                if socket.send(bytes).await.is_err() {
                    socket.send(bytes).await.unwrap();
                }
            }
            Wire::Tcp(stream, _) => stream.write_all(bytes).await.unwrap(),
            Wire::Tls(stream, _) => {
                stream.write_all(bytes).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    }

    /// The next message, or `None` at the end of the connection or after `wait`.
    pub async fn receive_within(&mut self, wait: Duration) -> Option<Vec<u8>> {
        tokio::time::timeout(wait, self.receive()).await.ok().flatten()
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        match &mut self.wire {
            Wire::Udp(socket) => {
                let mut buffer = vec![0; 65_536];
                let len = socket.recv(&mut buffer).await.ok()?;
                buffer.truncate(len);
                Some(buffer)
            }
            Wire::Tcp(stream, read) => next_frame(stream, read).await,
            Wire::Tls(stream, read) => next_frame(stream, read).await,
        }
    }

    /// A signed request and its answer; 401 and 438 are answered with the nonce they bring, once.
    pub async fn request(&mut self, method: Method, fill: impl Fn(&mut StunWriter<'_>)) -> Answer {
        let mut answer = self.once(method, &fill).await;
        if matches!(answer.code, 401 | 438) {
            let nonce = Message::parse(&answer.bytes).unwrap().get(attr::NONCE).unwrap().to_vec();
            self.nonce = nonce;
            answer = self.once(method, &fill).await;
        }
        answer
    }

    async fn once(&mut self, method: Method, fill: impl Fn(&mut StunWriter<'_>)) -> Answer {
        self.transactions += 1;
        let mut transaction = [7; 12];
        transaction[8..].copy_from_slice(&self.transactions.to_be_bytes());
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, method, Class::Request, transaction);
        fill(&mut writer);
        writer.attribute(attr::USERNAME, self.username.as_bytes());
        writer.attribute(attr::REALM, REALM.as_bytes());
        writer.attribute(attr::NONCE, &self.nonce);
        writer.finish(Some(&self.key), true);
        self.send_raw(&bytes).await;
        loop {
            let bytes = self.receive_within(WAIT).await.expect("an answer comes");
            match Message::parse(&bytes) {
                Ok(message) if message.transaction == transaction => return Answer::of(bytes),
                Ok(_) => self.early.extend(data_of(&bytes)),
                Err(_) => {}
            }
        }
    }

    /// A Binding request, unsigned.
    pub async fn binding(&mut self) -> SocketAddr {
        let mut bytes = Vec::new();
        StunWriter::new(&mut bytes, Method::Binding, Class::Request, [1; 12]).finish(None, false);
        self.send_raw(&bytes).await;
        Answer::of(self.receive_within(WAIT).await.unwrap()).address(attr::XOR_MAPPED_ADDRESS)
    }

    pub async fn allocate(&mut self) -> Answer {
        self.request(Method::Allocate, |w| {
            w.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        })
        .await
    }

    pub async fn relayed(&mut self) -> SocketAddr {
        let answer = self.allocate().await;
        assert_eq!(answer.code, 200);
        answer.address(attr::XOR_RELAYED_ADDRESS)
    }

    pub async fn refresh(&mut self, lifetime_s: u32) -> u16 {
        let fill = |w: &mut StunWriter<'_>| {
            w.number(attr::LIFETIME, lifetime_s);
        };
        self.request(Method::Refresh, fill).await.code
    }

    pub async fn permit(&mut self, peer: SocketAddr) -> u16 {
        let fill = |w: &mut StunWriter<'_>| {
            w.address(attr::XOR_PEER_ADDRESS, peer);
        };
        self.request(Method::CreatePermission, fill).await.code
    }

    pub async fn bind(&mut self, number: u16, peer: SocketAddr) -> u16 {
        let fill = |w: &mut StunWriter<'_>| {
            w.number(attr::CHANNEL_NUMBER, u32::from(number) << 16);
            w.address(attr::XOR_PEER_ADDRESS, peer);
        };
        self.request(Method::ChannelBind, fill).await.code
    }

    /// A Send indication.
    pub async fn indicate(&mut self, peer: SocketAddr, payload: &[u8]) {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, Method::Send, Class::Indication, [9; 12]);
        writer.address(attr::XOR_PEER_ADDRESS, peer);
        writer.attribute(attr::DATA, payload);
        writer.finish(None, false);
        self.send_raw(&bytes).await;
    }

    pub async fn channel(&mut self, number: u16, payload: &[u8]) {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        self.send_raw(&bytes).await;
    }

    /// The next Data indication's peer and payload.
    pub async fn data_within(&mut self, wait: Duration) -> Option<(SocketAddr, Vec<u8>)> {
        if !self.early.is_empty() {
            return Some(self.early.remove(0));
        }
        data_of(&self.receive_within(wait).await?)
    }

    pub async fn data(&mut self) -> (SocketAddr, Vec<u8>) {
        self.data_within(WAIT).await.expect("data comes")
    }
}

/// The next message of a stream; what follows it stays in `read`.
async fn next_frame(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(head) = read.first_chunk::<4>() {
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let whole = if head[0] < 0x40 { 20 + len } else { 4 + len.next_multiple_of(4) };
            if read.len() >= whole {
                return Some(read.drain(..whole).collect());
            }
        }
        let mut buffer = [0; 4096];
        let len = stream.read(&mut buffer).await.ok()?;
        if len == 0 {
            return None;
        }
        read.extend_from_slice(&buffer[..len]);
    }
}

fn data_of(bytes: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
    let message = Message::parse(bytes).ok().filter(|m| m.method == Method::Data)?;
    Some((message.peers().next()??, message.get(attr::DATA)?.to_vec()))
}

/// Sends everything back.
pub async fn echo_peer(at: &str) -> SocketAddr {
    let socket = UdpSocket::bind(at).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..len], from).await;
        }
    });
    address
}

/// The calendar of a real client.
pub fn now() -> DateTime<Utc> {
    Clock::system().now()
}
