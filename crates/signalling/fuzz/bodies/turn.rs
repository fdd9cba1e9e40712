//! The TURN engine under anything: raw bytes, signed requests of random attributes, peers, time.
//!
//! It must not panic, not open more ports than it has, not answer an unproved request with more than the factor,
//! hand on only bytes that lie in what it was given, and to nobody whom the filter refuses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use chrono::{DateTime, TimeDelta};
use sanbao_platform::config::Secret;
use sanbao_signalling::turn::engine::{AMPLIFICATION_MAX, Client, Engine, Now, RelayPort, TurnOutput};
use sanbao_signalling::turn::stun::{Class, Key, Message, Method, StunWriter, attr};
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits};

const REALM: &str = "fuzz";
const PORTS: (u16, u16) = (50_000, 50_007);
const RELAY_V4: [u8; 4] = [203, 0, 114, 1];
const RELAY_V6: Ipv6Addr = Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, 0, 1);
/// Methods that take a credential, and one that nobody knows; the first two are what the others need.
const METHODS: [Method; 8] = [
    Method::Allocate,
    Method::ChannelBind,
    Method::CreatePermission,
    Method::Allocate,
    Method::ChannelBind,
    Method::Refresh,
    Method::Binding,
    Method::Other(0x00a),
];
/// Types that mean something, so that random values meet code.
const KINDS: [u16; 12] = [
    attr::CHANNEL_NUMBER,
    attr::LIFETIME,
    attr::XOR_PEER_ADDRESS,
    attr::DATA,
    attr::REQUESTED_ADDRESS_FAMILY,
    attr::EVEN_PORT,
    attr::REQUESTED_TRANSPORT,
    attr::RESERVATION_TOKEN,
    attr::ADDITIONAL_ADDRESS_FAMILY,
    attr::DONT_FRAGMENT,
    attr::USERNAME,
    0x7fff,
];

/// The outcomes of an input, counted to show that inputs reach the code that they are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Answers.
    pub answers: usize,
    /// Datagrams to peers.
    pub to_peers: usize,
    /// Data to clients.
    pub to_clients: usize,
}

struct World {
    engine: Engine,
    credentials: Credentials,
    ms: u64,
    answer: Vec<u8>,
    seen: Seen,
}

/// The next `len` bytes, or what is left.
fn take<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(len.min(input.len()));
    *input = rest;
    taken
}

fn byte(input: &mut &[u8]) -> u8 {
    take(input, 1).first().copied().unwrap_or(0)
}

/// Mostly one of two, so that what one step begins another goes on with.
fn client(choice: u8) -> Client {
    let number = u8::from(choice % 8 == 7);
    let remote = ([192, 0, 2, 1], 1000 + u16::from(number)).into();
    if choice & 8 == 0 { Client::Udp { remote, local: None } } else { Client::Stream { remote, id: number.into() } }
}

/// A peer of any kind: relayed here, public, allowed, denied, of this machine, private, each in every form.
fn peer(input: &mut &[u8]) -> SocketAddr {
    // Few of each kind, so that a later step means the same one.
    let (kind, form, last) = (byte(input), byte(input), byte(input) % 4);
    let v4 = match kind % 16 {
        0..=3 => RELAY_V4,
        4..=9 => [8, 8, 8, last],
        10 => [192, 168, 2, last],
        11 => [192, 168, 1, last],
        12 => [9, 9, 9, last],
        13 => [203, 0, 114, 2],
        14 => [10, last, 0, 1],
        _ => [169, 254, 169, 254 - last],
    };
    let [a, b, c, d] = v4.map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let ip: IpAddr = match form % 16 {
        0..=10 => v4.into(),
        11 => Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low).into(),
        12 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
        13 => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
        14 => RELAY_V6.into(),
        _ => Ipv6Addr::new([0x2400, 0x2a01, 0xfd00, 0xff02][usize::from(last)], 0x3200, 0, 0, 0, 0, 0, 1).into(),
    };
    SocketAddr::new(ip, if kind < 224 { PORTS.0 + u16::from(kind / 16) } else { 3478 + u16::from(last) })
}

fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

impl World {
    fn new() -> Self {
        let credentials = Credentials::new(Secret("fuzz".to_owned()), TimeDelta::hours(1));
        let limits = TurnLimits {
            permissions_per_allocation_max: 4,
            channels_per_allocation_max: 4,
            allocations_per_user_max: 6,
            ..TurnLimits::default()
        };
        let config = TurnConfig {
            listen: ([0, 0, 0, 0], 3478).into(),
            tls: None,
            public_ips: vec![RELAY_V4.into(), RELAY_V6.into()],
            realm: REALM.to_owned(),
            relay_ports: PORTS,
            allow_peers: vec!["192.168.0.0/16".parse().unwrap()],
            deny_peers: vec!["9.9.9.0/24".parse().unwrap(), "192.168.1.0/28".parse().unwrap()],
            limits,
        };
        let mut engine = Engine::new(&config, credentials.clone(), 3478, [7; 32]);
        engine.set_own_addresses(vec![RELAY_V4.into(), [203, 0, 114, 2].into()]);
        Self { engine, credentials, ms: 0, answer: Vec::new(), seen: Seen::default() }
    }

    fn now(&self) -> Now {
        let utc = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::try_from(self.ms).unwrap_or(0));
        Now { ms: self.ms, utc }
    }

    /// The payload that is handed on lies in the given bytes, and goes to nobody who is refused.
    fn check(engine: &Engine, seen: &mut Seen, output: TurnOutput<'_>, given: &[u8]) {
        match output {
            TurnOutput::ToPeer { relay, to, payload } => {
                seen.to_peers += 1;
                assert!(lies_in(payload, given));
                assert!(engine.filter().passes(to), "{to} is refused and was sent to");
                assert!((PORTS.0..=PORTS.1).contains(&relay.port) && relay.ipv6 == to.is_ipv6());
                assert!(!engine.filter().is_relay(to.ip()), "{to} is of this machine and nobody's here");
            }
            TurnOutput::ToClient { payload, padding, .. } => {
                seen.to_clients += 1;
                assert!(lies_in(payload, given) && padding < 4);
            }
            TurnOutput::Nothing | TurnOutput::Answer | TurnOutput::Bind(_) => {}
        }
    }

    fn give(&mut self, client: Client, bytes: &[u8], proved: bool) {
        let now = self.now();
        let mut output = self.engine.client_sent(now, client, bytes, &mut self.answer);
        while let TurnOutput::Bind(relay) = output {
            assert!((PORTS.0..=PORTS.1).contains(&relay.port));
            // Every third port is another process's.
            output = self.engine.bound(now, relay.port % 3 != 0, &mut self.answer);
        }
        Self::check(&self.engine, &mut self.seen, output, bytes);
        if output == TurnOutput::Answer {
            self.seen.answers += 1;
            assert!(Message::parse(&self.answer).is_ok());
            let unproved = !proved && !client.is_stream();
            assert!(!unproved || self.answer.len() <= AMPLIFICATION_MAX * bytes.len());
        }
        while self.engine.released().is_some() {}
        assert!(self.engine.ports_open() <= 2 * usize::from(PORTS.1 - PORTS.0 + 1));
    }

    /// A nonce for a client, if the engine gives it one now.
    fn nonce(&mut self, from: Client) -> Vec<u8> {
        let mut ask = Vec::new();
        let mut writer = StunWriter::new(&mut ask, Method::Allocate, Class::Request, [1; 12]);
        writer.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        writer.finish(None, false);
        self.give(from, &ask, false);
        Message::parse(&self.answer).ok().and_then(|m| m.get(attr::NONCE)).unwrap_or_default().to_vec()
    }

    /// A request signed as it should be, with attributes of the fuzzer's.
    fn signed(&mut self, who: u8, input: &mut &[u8]) {
        let from = client(who);
        let nonce = self.nonce(from);
        let name = if who < 224 { "a" } else { "b" };
        // From the first moment on: another username could not go on with what this one began.
        let (username, password) = self.credentials.issue(name, DateTime::UNIX_EPOCH);
        let method = METHODS[usize::from(byte(input)) % METHODS.len()];
        let mut transaction = [2; 12];
        transaction[0] = byte(input);
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, method, Class::Request, transaction);
        match (method, byte(input) % 8) {
            (_, 0) => {}
            (Method::Allocate, wish) => {
                writer.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
                writer.attribute(attr::REQUESTED_ADDRESS_FAMILY, &[1 + wish / 6, 0, 0, 0]);
            }
            (Method::ChannelBind, number) => {
                writer.number(attr::CHANNEL_NUMBER, (0x4000 + u32::from(number % 2)) << 16);
                writer.address(attr::XOR_PEER_ADDRESS, peer(input));
            }
            (_, _) => {
                writer.address(attr::XOR_PEER_ADDRESS, peer(input));
            }
        }
        for _ in 0..(byte(input) % 8).saturating_sub(4) {
            let kind = KINDS[usize::from(byte(input)) % KINDS.len()];
            let len = usize::from(byte(input) % 24);
            writer.attribute(kind, take(input, len));
        }
        writer.attribute(attr::USERNAME, username.as_bytes());
        writer.attribute(attr::REALM, REALM.as_bytes());
        writer.attribute(attr::NONCE, &nonce);
        writer.finish(Some(&Key::long_term(&username, REALM, &password)), byte(input) < 128);
        self.give(from, &bytes, true);
    }

    /// Data by a channel or an indication, well-formed but for its fuzzed part.
    fn data(&mut self, who: u8, input: &mut &[u8]) {
        let (choice, len) = (byte(input), usize::from(byte(input) % 32));
        let mut bytes = Vec::new();
        if choice & 1 == 0 {
            bytes.extend_from_slice(&[0x40, choice / 2 % 2, 0, u8::try_from(len).unwrap_or(0)]);
            bytes.extend_from_slice(take(input, len));
        } else {
            let mut writer = StunWriter::new(&mut bytes, Method::Send, Class::Indication, [3; 12]);
            writer.address(attr::XOR_PEER_ADDRESS, peer(input));
            writer.attribute(attr::DATA, take(input, len));
            writer.finish(None, false);
        }
        self.give(client(who), &bytes, false);
    }

    fn peer_sends(&mut self, input: &mut &[u8]) {
        let relay = RelayPort { ipv6: byte(input) < 128, port: PORTS.0 + u16::from(byte(input) % 8) };
        let (from, len, now) = (peer(input), usize::from(byte(input) % 32), self.now());
        let payload = take(input, len);
        let output = self.engine.peer_sent(now, relay, from, payload);
        let delivered = matches!(output, TurnOutput::ToClient { .. });
        Self::check(&self.engine, &mut self.seen, output, payload);
        assert!(!delivered || self.engine.filter().passes(from), "{from} is refused and was let in");
    }
}

/// Does what the bytes say, step by step.
pub fn run(data: &[u8]) -> Seen {
    let (mut world, mut input) = (World::new(), data);
    while !input.is_empty() {
        let (step, who) = (byte(&mut input), byte(&mut input));
        match step % 16 {
            0 => {
                let len = usize::from(byte(&mut input) % 64);
                world.give(client(who), take(&mut input, len), false);
            }
            1..=6 => world.signed(who, &mut input),
            7..=11 => world.data(who, &mut input),
            12..=14 => world.peer_sends(&mut input),
            _ => {
                world.ms += u64::from(byte(&mut input)) * 1000;
                world.engine.sweep(world.now());
                if who < 64 {
                    world.engine.gone(client(who | 8));
                }
                while world.engine.released().is_some() {}
            }
        }
    }
    world.seen
}
