//! The way of the media.

use super::*;
use crate::turn::engine::{CHANNEL_MS, PERMISSION_MS};

fn relay(of: SocketAddr) -> RelayPort {
    RelayPort { ipv6: of.is_ipv6(), port: of.port() }
}

fn channel(number: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    [&number.to_be_bytes()[..], &len.to_be_bytes(), payload].concat()
}

pub(super) fn send_indication(peer: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StunWriter::new(&mut bytes, Method::Send, Class::Indication, [8; 12]);
    writer.address(attr::XOR_PEER_ADDRESS, peer);
    writer.attribute(attr::DATA, payload);
    writer.finish(None, false);
    bytes
}

/// The bytes that a client gets.
pub(super) fn to_client(output: &TurnOutput<'_>) -> Option<(Client, Vec<u8>)> {
    let TurnOutput::ToClient { client, head, payload, padding } = output else { return None };
    Some((*client, [head.bytes(), payload, &[0; 3][..*padding]].concat()))
}

impl World {
    pub(super) fn data<'a>(&mut self, client: Client, bytes: &'a [u8]) -> TurnOutput<'a> {
        let (now, mut answer) = (self.now(), Vec::new());
        self.engine.client_sent(now, client, bytes, &mut answer)
    }
}

#[test]
fn indications_carry_data_both_ways_to_whom_was_let_in() {
    let mut world = World::new();
    let relayed = world.relayed(udp(1), "a");
    let (peer, payload) = (address(PEER), b"hello");
    assert_eq!(world.data(udp(1), &send_indication(peer, payload)), TurnOutput::Nothing, "no permission");
    assert_eq!(world.permit(udp(1), "a", &["8.8.8.8:1"]), 200);
    let out = send_indication(peer, payload);
    assert_eq!(world.data(udp(1), &out), TurnOutput::ToPeer { relay: relay(relayed), to: peer, payload });
    assert_eq!(world.data(udp(2), &out), TurnOutput::Nothing, "no allocation");
    let other_port = address("8.8.8.8:77");
    let back = world.engine.peer_sent(world.now(), relay(relayed), other_port, b"answer");
    let (client, bytes) = to_client(&back).unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((client, message.method, message.class), (udp(1), Method::Data, Class::Indication));
    assert_eq!((message.get(attr::DATA), message.peers().next().flatten()), (Some(&b"answer"[..]), Some(other_port)));
    let stranger = world.engine.peer_sent(world.now(), relay(relayed), address("8.8.4.4:5000"), b"x");
    assert_eq!(stranger, TurnOutput::Nothing);
}

#[test]
fn an_indication_with_anything_unknown_or_missing_is_dropped() {
    let mut world = World::new();
    world.relayed(udp(1), "a");
    world.permit(udp(1), "a", &[PEER]);
    for leave_out in [attr::XOR_PEER_ADDRESS, attr::DATA, 0] {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, Method::Send, Class::Indication, [8; 12]);
        if leave_out != attr::XOR_PEER_ADDRESS {
            writer.address(attr::XOR_PEER_ADDRESS, address(PEER));
        }
        if leave_out != attr::DATA {
            writer.attribute(attr::DATA, b"x");
        }
        if leave_out == 0 {
            writer.attribute(attr::DONT_FRAGMENT, &[]);
        }
        writer.finish(None, false);
        assert_eq!(world.data(udp(1), &bytes), TurnOutput::Nothing, "{leave_out:#x}");
    }
}

#[test]
fn refused_peers_get_nothing_even_where_their_address_is_let_in() {
    let mut world = World::new();
    let relayed = world.relayed(udp(1), "a");
    // A permission has no port, so the server's own address can be let in; what listens there besides is not.
    assert_eq!(world.permit(udp(1), "a", &["203.0.114.1:1"]), 200);
    for port in [22, 3478, 0, 49_999, 50_010] {
        let peer = SocketAddr::new(relayed.ip(), port);
        assert_eq!(world.data(udp(1), &send_indication(peer, b"x")), TurnOutput::Nothing, "{port}");
        assert_eq!(world.engine.peer_sent(world.now(), relay(relayed), peer, b"x"), TurnOutput::Nothing, "{port}");
    }
}

#[test]
fn channels_are_short_and_padded_only_in_streams() {
    let mut world = World::new();
    for (client, padded) in [(udp(1), 0), (stream(1), 3)] {
        let relayed = world.relayed(client, "a");
        assert_eq!(world.bind(client, "a", 0x4abc, address(PEER)), 200);
        let out = channel(0x4abc, b"hello");
        let expected = TurnOutput::ToPeer { relay: relay(relayed), to: address(PEER), payload: b"hello" };
        assert_eq!(world.data(client, &out), expected);
        assert_eq!(world.data(client, &[&out[..], &[0; 3]].concat()), expected, "padding is allowed everywhere");
        let back = world.engine.peer_sent(world.now(), relay(relayed), address(PEER), b"hello");
        assert_eq!(to_client(&back), Some((client, [&out[..], &vec![0; padded]].concat())));
        let other = world.engine.peer_sent(world.now(), relay(relayed), address("8.8.8.8:1"), b"hello");
        assert!(Message::parse(&to_client(&other).unwrap().1).is_ok(), "another port of the peer has no channel");
    }
}

#[test]
fn channel_data_that_lies_is_dropped() {
    let mut world = World::new();
    world.relayed(udp(1), "a");
    world.bind(udp(1), "a", 0x4000, address(PEER));
    for bytes in [&[][..], &[0x40], &[0x40, 0, 0], &[0x40, 0, 0, 5, 1, 2, 3, 4], &[0x40, 1, 0, 1, 9], &[0x80, 0, 0, 0]]
    {
        assert_eq!(world.data(udp(1), bytes), TurnOutput::Nothing, "{bytes:?}");
    }
    assert!(matches!(world.data(udp(1), &[0x40, 0, 0, 0]), TurnOutput::ToPeer { payload: [], .. }), "empty is allowed");
}

#[test]
fn permissions_last_five_minutes_and_channels_ten() {
    let mut world = World::new();
    let relayed = world.relayed(udp(1), "a");
    world.bind(udp(1), "a", 0x4000, address(PEER));
    let out = channel(0x4000, b"x");
    world.ms = PERMISSION_MS - 1;
    assert_ne!(world.engine.peer_sent(world.now(), relay(relayed), address(PEER), b"x"), TurnOutput::Nothing);
    world.ms = PERMISSION_MS;
    assert_eq!(world.engine.peer_sent(world.now(), relay(relayed), address(PEER), b"x"), TurnOutput::Nothing);
    assert_ne!(world.data(udp(1), &out), TurnOutput::Nothing, "the channel still stands");
    assert_eq!(world.refresh(udp(1), "a", 3600).code(), 200);
    world.ms = CHANNEL_MS - 1;
    assert_ne!(world.data(udp(1), &out), TurnOutput::Nothing);
    world.ms = CHANNEL_MS;
    assert_eq!(world.data(udp(1), &out), TurnOutput::Nothing);
    assert_eq!(world.bind(udp(1), "a", 0x4000, address("8.8.8.8:9")), 200, "the number is free again");
}

/// The way inside the process must be the one that two sockets would have been.
#[test]
fn two_relayed_addresses_of_one_server_meet_inside_with_both_permissions() {
    let mut world = World::new();
    let (a, b) = (world.relayed(udp(1), "a"), world.relayed(stream(2), "b"));
    assert_eq!(world.bind(udp(1), "a", 0x4000, b), 200);
    assert_eq!(world.data(udp(1), &channel(0x4000, b"hello")), TurnOutput::Nothing, "b has not let a in");
    assert_eq!(world.permit(stream(2), "b", &[&a.to_string()]), 200);
    let out = channel(0x4000, b"hello");
    let (client, bytes) = to_client(&world.data(udp(1), &out)).unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((client, message.get(attr::DATA)), (stream(2), Some(&b"hello"[..])));
    assert_eq!(message.peers().next().flatten(), Some(a), "the peer is a's relayed address, not a");
    let through_sockets = world.engine.peer_sent(world.now(), relay(b), a, b"hello");
    let (same_client, mut through_sockets) = to_client(&through_sockets).unwrap();
    assert_ne!(through_sockets[8..20], bytes[8..20], "each indication is a transaction of its own");
    through_sockets[8..20].copy_from_slice(&bytes[8..20]);
    assert_eq!((same_client, through_sockets), (client, bytes));
    assert_eq!(world.bind(stream(2), "b", 0x4001, a), 200);
    assert_eq!(to_client(&world.data(udp(1), &out)).unwrap().1, [0x40, 1, 0, 5, b'h', b'e', b'l', b'l', b'o', 0, 0, 0]);
    assert_eq!(world.refresh(stream(2), "b", 0).code(), 200);
    assert_eq!(
        world.data(udp(1), &out),
        TurnOutput::Nothing,
        "nobody is there any more, and no other program is reached"
    );
}

#[test]
fn a_port_of_its_own_address_that_nobody_here_has_is_reached_only_if_the_operator_opens_it() {
    let mut world = World::new();
    let relayed = world.relayed(udp(1), "a");
    let next = if relayed.port() == PORTS.1 { PORTS.0 } else { relayed.port() + 1 };
    let other = SocketAddr::new(relayed.ip(), next);
    assert_eq!(world.bind(udp(1), "a", 0x4000, other), 200, "its allocation may yet come");
    let out = channel(0x4000, b"x");
    assert_eq!(world.data(udp(1), &out), TurnOutput::Nothing);
    assert_eq!(world.data(udp(1), &send_indication(other, b"x")), TurnOutput::Nothing);
    assert_eq!(world.engine.peer_sent(world.now(), relay(relayed), other, b"x"), TurnOutput::Nothing);
    world.engine.filter.allowed.push("203.0.114.1/32".parse().unwrap());
    assert!(
        matches!(world.data(udp(1), &out), TurnOutput::ToPeer { to, .. } if to == other),
        "another relay may be there"
    );
    assert_ne!(world.engine.peer_sent(world.now(), relay(relayed), other, b"x"), TurnOutput::Nothing);
}
