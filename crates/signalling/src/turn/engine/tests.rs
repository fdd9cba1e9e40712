//! The engine step by step in virtual time, with a client that signs as RFC 8489 says.
#![expect(clippy::unwrap_used, reason = "tests")]

mod data;
mod grants;
mod requests;
mod robust;

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::config::Secret;

use super::{Client, Engine, Now, RelayPort, TurnOutput};
use crate::turn::stun::{Class, Key, Message, Method, StunWriter, attr, read_xor_address};
use crate::turn::{Credentials, TurnConfig, TurnLimits};

const REALM: &str = "sanbao.test";
const PORTS: (u16, u16) = (50_000, 50_009);
/// A public address that anybody may relay to.
const PEER: &str = "8.8.8.8:5000";

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn credentials() -> Credentials {
    Credentials::new(Secret("s3cret".to_owned()), TimeDelta::hours(8))
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn udp(port: u16) -> Client {
    Client::Udp { remote: ([192, 0, 2, 7], port).into(), local: None }
}

fn stream(id: u64) -> Client {
    Client::Stream { remote: ([192, 0, 2, 7], 4000).into(), id }
}

/// The meaning of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Success(Vec<u8>),
    Error(u16, Vec<u8>),
    Nothing,
}

impl Said {
    fn code(&self) -> u16 {
        match self {
            Self::Success(_) => 200,
            Self::Error(code, _) => *code,
            Self::Nothing => 0,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Success(bytes) | Self::Error(_, bytes) => bytes,
            Self::Nothing => &[],
        }
    }

    fn get(&self, kind: u16) -> Option<&[u8]> {
        Message::parse(self.bytes()).unwrap().get(kind)
    }

    fn address(&self, kind: u16) -> SocketAddr {
        let message = Message::parse(self.bytes()).unwrap();
        read_xor_address(message.get(kind).unwrap(), message.transaction).unwrap()
    }

    fn lifetime_s(&self) -> u32 {
        Message::parse(self.bytes()).unwrap().number(attr::LIFETIME).unwrap()
    }
}

/// An engine and what its ports are: those in `taken` cannot be opened.
struct World {
    engine: Engine,
    ms: u64,
    taken: Vec<u16>,
    open: Vec<RelayPort>,
    transactions: u64,
}

impl World {
    fn new() -> Self {
        Self::with(TurnLimits::default(), &["203.0.114.1"])
    }

    fn with(limits: TurnLimits, public_ips: &[&str]) -> Self {
        let config = TurnConfig {
            listen: address("0.0.0.0:3478"),
            tls: None,
            public_ips: public_ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            realm: REALM.to_owned(),
            relay_ports: PORTS,
            allow_peers: Vec::new(),
            deny_peers: Vec::new(),
            limits,
        };
        let engine = Engine::new(&config, credentials(), 3478, [3; 32]);
        Self { engine, ms: 0, taken: Vec::new(), open: Vec::new(), transactions: 0 }
    }

    fn now(&self) -> Now {
        Now { ms: self.ms, utc: start() + TimeDelta::milliseconds(i64::try_from(self.ms).unwrap()) }
    }

    fn after_s(&mut self, seconds: u64) {
        self.ms += seconds * 1000;
        self.engine.sweep(self.now());
        self.close_released();
    }

    fn close_released(&mut self) {
        while let Some(relay) = self.engine.released() {
            let place = self.open.iter().position(|o| *o == relay).expect("only open ports are closed");
            self.open.swap_remove(place);
        }
    }

    /// Raw bytes in, the answer out.
    fn say(&mut self, client: Client, bytes: &[u8]) -> Said {
        let (now, mut answer) = (self.now(), Vec::new());
        let mut output = self.engine.client_sent(now, client, bytes, &mut answer);
        while let TurnOutput::Bind(relay) = output {
            let opened = !self.taken.contains(&relay.port);
            if opened {
                assert!(!self.open.contains(&relay), "a port is opened twice");
                self.open.push(relay);
            }
            output = self.engine.bound(now, opened, &mut answer);
        }
        let answered = matches!(output, TurnOutput::Answer);
        self.close_released();
        if !answered {
            return Said::Nothing;
        }
        let message = Message::parse(&answer).unwrap();
        match message.class {
            Class::Success => Said::Success(answer),
            Class::Error => {
                let value = message.get(attr::ERROR_CODE).unwrap();
                Said::Error(u16::from(value[2]) * 100 + u16::from(value[3]), answer)
            }
            class => panic!("answered by {class:?}"),
        }
    }

    fn transaction(&mut self) -> [u8; 12] {
        self.transactions += 1;
        let mut transaction = [0xaa; 12];
        transaction[4..].copy_from_slice(&self.transactions.to_be_bytes());
        transaction
    }

    fn nonce(&mut self, client: Client) -> Vec<u8> {
        let transaction = self.transaction();
        let mut bytes = Vec::new();
        StunWriter::new(&mut bytes, Method::Allocate, Class::Request, transaction).finish(None, false);
        bytes.extend_from_slice(&[0x80, 0x22, 0, 4, 1, 2, 3, 4]);
        bytes[3] = 8;
        let said = self.say(client, &bytes);
        assert_eq!(said.code(), 401);
        said.get(attr::NONCE).unwrap().to_vec()
    }

    /// A signed request's bytes.
    fn signed(
        &mut self,
        client: Client,
        user: &str,
        method: Method,
        transaction: [u8; 12],
        fill: impl Fn(&mut StunWriter<'_>),
    ) -> Vec<u8> {
        let nonce = self.nonce(client);
        let (username, password) = credentials().issue(user, start());
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, method, Class::Request, transaction);
        fill(&mut writer);
        writer.attribute(attr::USERNAME, username.as_bytes());
        writer.attribute(attr::REALM, REALM.as_bytes());
        writer.attribute(attr::NONCE, &nonce);
        writer.finish(Some(&Key::long_term(&username, REALM, &password)), true);
        bytes
    }

    fn request(&mut self, client: Client, user: &str, method: Method, fill: impl Fn(&mut StunWriter<'_>)) -> Said {
        let transaction = self.transaction();
        let bytes = self.signed(client, user, method, transaction, fill);
        let said = self.say(client, &bytes);
        if said != Said::Nothing {
            let (username, password) = credentials().issue(user, start());
            let key = Key::long_term(&username, REALM, &password);
            let message = Message::parse(said.bytes()).unwrap();
            let unproved = matches!(said.code(), 401 | 438);
            assert!(unproved || (message.is_signed_by(&key) && message.fingerprint), "{said:?}");
        }
        said
    }

    fn allocate(&mut self, client: Client, user: &str) -> Said {
        self.request(client, user, Method::Allocate, udp_transport)
    }

    fn relayed(&mut self, client: Client, user: &str) -> SocketAddr {
        let said = self.allocate(client, user);
        assert_eq!(said.code(), 200, "{said:?}");
        said.address(attr::XOR_RELAYED_ADDRESS)
    }

    fn refresh(&mut self, client: Client, user: &str, lifetime_s: u32) -> Said {
        self.request(client, user, Method::Refresh, |w| {
            w.number(attr::LIFETIME, lifetime_s);
        })
    }

    fn permit(&mut self, client: Client, user: &str, peers: &[&str]) -> u16 {
        let fill = |w: &mut StunWriter<'_>| {
            for peer in peers {
                w.address(attr::XOR_PEER_ADDRESS, address(peer));
            }
        };
        self.request(client, user, Method::CreatePermission, fill).code()
    }

    fn bind(&mut self, client: Client, user: &str, number: u16, peer: SocketAddr) -> u16 {
        let fill = |w: &mut StunWriter<'_>| {
            w.number(attr::CHANNEL_NUMBER, u32::from(number) << 16);
            w.address(attr::XOR_PEER_ADDRESS, peer);
        };
        self.request(client, user, Method::ChannelBind, fill).code()
    }
}

fn udp_transport(writer: &mut StunWriter<'_>) {
    writer.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
}
