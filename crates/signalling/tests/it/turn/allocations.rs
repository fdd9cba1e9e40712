//! The way of the media through the engine takes no memory: counted by the allocator of this program.

use std::net::SocketAddr;

use sanbao_signalling::turn::engine::{Client, Engine, Now, RelayPort, TurnOutput};
use sanbao_signalling::turn::stun::{Class, Key, Message, Method, StunWriter, attr, read_xor_address};

use super::client::{REALM, config, credentials, now};

const PEER: &str = "8.8.8.8:5000";

/// An engine and the time it is.
struct World(Engine, Now);

impl World {
    /// Raw bytes in; the answer out.
    fn say(&mut self, client: Client, bytes: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut output = self.0.client_sent(self.1, client, bytes, &mut answer);
        while let TurnOutput::Bind(_) = output {
            output = self.0.bound(self.1, true, &mut answer);
        }
        assert_eq!(output, TurnOutput::Answer);
        answer
    }

    fn request(&mut self, client: Client, method: Method, fill: impl Fn(&mut StunWriter<'_>)) -> Vec<u8> {
        let (username, password) = credentials().issue("a", self.1.utc);
        let mut nonce = Vec::new();
        // The first try learns the nonce.
        loop {
            let mut bytes = Vec::new();
            let mut writer = StunWriter::new(&mut bytes, method, Class::Request, [9; 12]);
            fill(&mut writer);
            writer.attribute(attr::USERNAME, username.as_bytes());
            writer.attribute(attr::REALM, REALM.as_bytes());
            writer.attribute(attr::NONCE, &nonce);
            writer.finish(Some(&Key::long_term(&username, REALM, &password)), false);
            let answer = self.say(client, &bytes);
            let message = Message::parse(&answer).unwrap();
            match message.get(attr::NONCE).filter(|_| nonce.is_empty()) {
                Some(fresh) => nonce = fresh.to_vec(),
                None => {
                    assert_eq!(message.class, Class::Success);
                    return answer;
                }
            }
        }
    }

    fn allocate(&mut self, client: Client) -> SocketAddr {
        let answer = self.request(client, Method::Allocate, |w| {
            w.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        });
        let message = Message::parse(&answer).unwrap();
        read_xor_address(message.get(attr::XOR_RELAYED_ADDRESS).unwrap(), message.transaction).unwrap()
    }

    fn bind(&mut self, client: Client, number: u16, peer: SocketAddr) {
        self.request(client, Method::ChannelBind, |w| {
            w.number(attr::CHANNEL_NUMBER, u32::from(number) << 16);
            w.address(attr::XOR_PEER_ADDRESS, peer);
        });
    }
}

fn channel(number: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    [&number.to_be_bytes()[..], &len.to_be_bytes(), payload].concat()
}

#[test]
fn channels_and_indications_pass_without_an_allocation() {
    let engine = Engine::new(&config(&[]), credentials(), 3478, [3; 32]);
    let mut world = World(engine, Now { ms: 0, utc: now() });
    let udp = Client::Udp { remote: "192.0.2.7:4000".parse().unwrap(), local: None };
    let stream = Client::Stream { remote: "192.0.2.8:4000".parse().unwrap(), id: 1 };
    let (at_udp, at_stream) = (world.allocate(udp), world.allocate(stream));
    let (peer, other_port): (SocketAddr, SocketAddr) = (PEER.parse().unwrap(), "8.8.8.8:5001".parse().unwrap());
    world.bind(udp, 0x4000, peer);
    world.bind(udp, 0x4001, at_stream);
    world.bind(stream, 0x4000, at_udp);
    let (payload, mut answer) = ([7; 1200], Vec::new());
    let (out, across, back) = (channel(0x4000, &payload), channel(0x4001, &payload), channel(0x4000, &payload));
    let mut indication = Vec::new();
    let mut writer = StunWriter::new(&mut indication, Method::Send, Class::Indication, [5; 12]);
    writer.address(attr::XOR_PEER_ADDRESS, peer);
    writer.attribute(attr::DATA, &payload);
    writer.finish(None, false);
    let relay = RelayPort { ipv6: false, port: at_udp.port() };
    let World(engine, at) = world;
    let (mut engine, mut passed) = (engine, 0);
    let counted = allocation_counter::measure(|| {
        for _ in 0..1000 {
            for (client, bytes) in [(udp, &out), (udp, &across), (stream, &back), (udp, &indication)] {
                let output = engine.client_sent(at, client, bytes, &mut answer);
                passed += usize::from(matches!(output, TurnOutput::ToPeer { .. } | TurnOutput::ToClient { .. }));
            }
            for from in [peer, other_port] {
                passed +=
                    usize::from(matches!(engine.peer_sent(at, relay, from, &payload), TurnOutput::ToClient { .. }));
            }
        }
    });
    assert_eq!((passed, counted.count_total), (6000, 0));
}
