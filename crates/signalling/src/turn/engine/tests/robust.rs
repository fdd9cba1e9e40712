//! Anything may come from anywhere: no panic, no growth, no amplification.

use proptest::prelude::*;

use super::*;
use crate::turn::engine::AMPLIFICATION_MAX;

#[test]
fn the_401_of_the_longest_realm_keeps_the_factor() {
    let mut world = World::new();
    world.engine.realm = "r".repeat(crate::turn::REALM_BYTES_MAX);
    let mut bytes = Vec::new();
    let mut writer = StunWriter::new(&mut bytes, Method::Allocate, Class::Request, [1; 12]);
    udp_transport(&mut writer);
    writer.finish(None, false);
    let said = world.say(udp(1), &bytes);
    assert_eq!(said.code(), 401, "a bare Allocate is answered");
    assert!(said.bytes().len() <= AMPLIFICATION_MAX * bytes.len());
    StunWriter::new(&mut bytes, Method::Allocate, Class::Request, [1; 12]).finish(None, false);
    assert_eq!(world.say(udp(1), &bytes), Said::Nothing, "one that would amplify is not, over UDP");
    assert_eq!(world.say(stream(1), &bytes).code(), 401, "a connection's address is not forged");
}

#[test]
fn unproved_requests_have_a_rate_and_proved_ones_have_none() {
    let limits = TurnLimits { unproved_answers_burst_max: 20, unproved_answers_per_s_max: 10, ..TurnLimits::default() };
    let mut world = World::with(limits, &["203.0.114.1"]);
    let transaction = world.transaction();
    let allocate = world.signed(udp(1), "a", Method::Allocate, transaction, udp_transport);
    let mut binding = Vec::new();
    StunWriter::new(&mut binding, Method::Binding, Class::Request, [1; 12]).finish(None, false);
    let answered = (0..100).filter(|_| world.say(udp(9), &binding) != Said::Nothing).count();
    assert_eq!(answered, 19, "one went to the nonce");
    for _ in 0..50 {
        assert_eq!(world.say(udp(1), &allocate).code(), 200, "from the same address, but proved");
    }
    let connected = (0..100).filter(|_| world.say(stream(1), &binding) != Said::Nothing).count();
    assert_eq!(connected, 20, "a connection does not pay for datagrams that somebody forged");
    world.ms += 1000;
    assert_eq!((0..100).filter(|_| world.say(udp(9), &binding) != Said::Nothing).count(), 10);
}

/// Something like a message: right header, random attributes, some of them meaningful.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![
        Just(attr::USERNAME),
        Just(attr::CHANNEL_NUMBER),
        Just(attr::LIFETIME),
        Just(attr::XOR_PEER_ADDRESS),
        Just(attr::DATA),
        Just(attr::REALM),
        Just(attr::NONCE),
        Just(attr::REQUESTED_TRANSPORT),
        Just(attr::EVEN_PORT),
        Just(attr::RESERVATION_TOKEN),
        any::<u16>(),
    ];
    let attributes = prop::collection::vec((kinds, prop::collection::vec(any::<u8>(), 0..40)), 0..12);
    (any::<u16>(), attributes, any::<bool>(), any::<bool>(), 0_usize..8).prop_map(|(kind, list, sign, sum, cut)| {
        let mut bytes = Vec::new();
        let method = [Method::Binding, Method::Allocate, Method::Refresh, Method::Send, Method::CreatePermission]
            [usize::from(kind % 5)];
        let class = [Class::Request, Class::Indication, Class::Success, Class::Error][usize::from(kind / 5 % 4)];
        let mut writer = StunWriter::new(&mut bytes, method, class, [1; 12]);
        for (kind, value) in list {
            writer.attribute(kind, &value);
        }
        writer.finish(sign.then(|| Key::short_term("x")).as_ref(), sum);
        bytes.truncate(bytes.len() - cut.saturating_sub(4));
        bytes
    })
}

fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        message(),
        prop::collection::vec(any::<u8>(), 0..200),
        (0x40_u8..0x50, any::<[u8; 12]>()).prop_map(|(first, rest)| [&[first], &rest[..]].concat())
    ]
}

proptest! {
    #[test]
    fn anything_is_answered_in_bounds_or_not_at_all(datagrams in prop::collection::vec((0_u16..4, datagram()), 1..40)) {
        let mut world = World::new();
        let relayed = world.relayed(udp(0), "a");
        world.permit(udp(0), "a", &[PEER]);
        let open = world.open.clone();
        for (from, bytes) in datagrams {
            let said = world.say(udp(from), &bytes);
            prop_assert!(said.bytes().len() <= AMPLIFICATION_MAX * bytes.len());
            let relay = RelayPort { ipv6: false, port: relayed.port() };
            let _ = world.engine.peer_sent(world.now(), relay, address(PEER), &bytes);
            prop_assert_eq!(&world.open, &open, "nobody without a credential opens or closes a port");
        }
    }
}
