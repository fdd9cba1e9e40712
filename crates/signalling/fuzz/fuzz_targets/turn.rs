//! The TURN engine under anything: raw bytes, signed requests of random attributes, peers, time.
//!
//! It must not panic, not open more ports than it has, not answer an unproved request with more than the factor,
//! and hand on only bytes that it was given.
#![no_main]

use chrono::{DateTime, TimeDelta};
use libfuzzer_sys::fuzz_target;
use sanbao_platform::config::Secret;
use sanbao_signalling::turn::engine::{AMPLIFICATION_MAX, Client, Engine, Now, Output, Relay};
use sanbao_signalling::turn::stun::{Class, Key, Message, Method, Writer, attr};
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits};

const REALM: &str = "fuzz";
const PORTS: (u16, u16) = (50_000, 50_007);
/// Methods that take a credential, and one that nobody knows.
const METHODS: [Method; 6] = [
    Method::Allocate,
    Method::Refresh,
    Method::CreatePermission,
    Method::ChannelBind,
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

struct World {
    engine: Engine,
    credentials: Credentials,
    ms: u64,
    answer: Vec<u8>,
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

fn client(choice: u8) -> Client {
    let remote = ([192, 0, 2, 1], 1000 + u16::from(choice % 4)).into();
    if choice & 4 == 0 { Client::Udp { remote, local: None } } else { Client::Stream { remote, id: u64::from(choice % 4) } }
}

impl World {
    fn now(&self) -> Now {
        let utc = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::try_from(self.ms).unwrap_or(0));
        Now { ms: self.ms, utc }
    }

    fn give(&mut self, client: Client, bytes: &[u8], proved: bool) {
        let now = self.now();
        let mut output = self.engine.client_sent(now, client, bytes, &mut self.answer);
        while let Output::Bind(relay) = output {
            assert!((PORTS.0..=PORTS.1).contains(&relay.port));
            // Every third port is another process's.
            output = self.engine.bound(now, relay.port % 3 != 0, &mut self.answer);
        }
        match output {
            Output::Answer => {
                assert!(Message::parse(&self.answer).is_ok());
                let unproved = !proved && !client.is_stream();
                assert!(!unproved || self.answer.len() <= AMPLIFICATION_MAX * bytes.len());
            }
            Output::ToPeer { payload, .. } | Output::ToClient { payload, .. } => assert!(payload.len() <= bytes.len()),
            Output::Nothing | Output::Bind(_) => {}
        }
        while self.engine.released().is_some() {}
        assert!(self.engine.ports_open() <= 2 * usize::from(PORTS.1 - PORTS.0 + 1));
    }

    /// A request signed as it should be, with attributes of the fuzzer's.
    fn signed(&mut self, who: u8, input: &mut &[u8]) {
        let from = client(who);
        let mut ask = Vec::new();
        let mut writer = Writer::new(&mut ask, Method::Allocate, Class::Request, [1; 12]);
        writer.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        writer.finish(None, false);
        self.give(from, &ask, false);
        let nonce = Message::parse(&self.answer).ok().and_then(|m| m.get(attr::NONCE)).unwrap_or_default().to_vec();
        let name = if who & 8 == 0 { "a" } else { "b" };
        let (username, password) = self.credentials.issue(name, self.now().utc);
        let method = METHODS[usize::from(byte(input)) % METHODS.len()];
        let mut transaction = [2; 12];
        transaction[0] = byte(input) % 4;
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, method, Class::Request, transaction);
        for _ in 0..byte(input) % 6 {
            let kind = KINDS[usize::from(byte(input)) % KINDS.len()];
            if kind == attr::XOR_PEER_ADDRESS && byte(input) % 2 == 0 {
                let port = PORTS.0 + u16::from(byte(input) % 16);
                let peer = if byte(input) % 2 == 0 { [203, 0, 114, 1] } else { [8, 8, 8, byte(input)] };
                writer.address(kind, (peer, port).into());
            } else {
                let len = usize::from(byte(input) % 24);
                writer.attribute(kind, take(input, len));
            }
        }
        writer.attribute(attr::USERNAME, username.as_bytes());
        writer.attribute(attr::REALM, REALM.as_bytes());
        writer.attribute(attr::NONCE, &nonce);
        writer.finish(Some(&Key::long_term(&username, REALM, &password)), byte(input) % 2 == 0);
        self.give(from, &bytes, true);
    }
}

fuzz_target!(|data: &[u8]| {
    let credentials = Credentials::new(Secret("fuzz".to_owned()), TimeDelta::hours(1));
    let config = TurnConfig {
        listen: ([0, 0, 0, 0], 3478).into(),
        tls: None,
        public_ips: vec![[203, 0, 114, 1].into(), [0x2a00, 0, 0, 0, 0, 0, 0, 1].into()],
        realm: REALM.to_owned(),
        relay_ports: PORTS,
        allow_peers: Vec::new(),
        limits: TurnLimits { permissions_per_allocation_max: 4, channels_per_allocation_max: 4, ..TurnLimits::default() },
    };
    let engine = Engine::new(&config, credentials.clone(), 3478, [7; 32]);
    let mut world = World { engine, credentials, ms: 0, answer: Vec::new() };
    let mut input = data;
    while !input.is_empty() {
        match byte(&mut input) % 6 {
            0 | 1 => {
                let (who, len) = (byte(&mut input), usize::from(byte(&mut input)));
                world.give(client(who), take(&mut input, len), false);
            }
            2 | 3 => {
                let who = byte(&mut input);
                world.signed(who, &mut input);
            }
            4 => {
                let port = PORTS.0 + u16::from(byte(&mut input) % 8);
                let relay = Relay { ipv6: byte(&mut input) % 2 == 0, port };
                let from = ([8, 8, 8, byte(&mut input)], 5000).into();
                let len = usize::from(byte(&mut input));
                let payload = take(&mut input, len);
                let _ = world.engine.peer_sent(world.now(), relay, from, payload);
            }
            _ => {
                world.ms += u64::from(byte(&mut input)) * 4000;
                world.engine.sweep(world.now());
                world.engine.gone(client(byte(&mut input) | 4));
                while world.engine.released().is_some() {}
            }
        }
    }
});
