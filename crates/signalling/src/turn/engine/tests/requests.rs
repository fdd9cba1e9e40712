//! Requests and what refuses them.

use super::*;

#[test]
fn a_binding_request_is_told_its_address() {
    let mut world = World::new();
    for (client, seen) in [
        (udp(9), "192.0.2.7:9"),
        (Client::Udp { remote: address("[::ffff:192.0.2.7]:9"), local: None }, "192.0.2.7:9"),
        (Client::Udp { remote: address("[2001:db8::7]:9"), local: None }, "[2001:db8::7]:9"),
        (stream(1), "192.0.2.7:4000"),
    ] {
        let mut bytes = Vec::new();
        StunWriter::new(&mut bytes, Method::Binding, Class::Request, [1; 12]).finish(None, false);
        let said = world.say(client, &bytes);
        assert_eq!((said.code(), said.address(attr::XOR_MAPPED_ADDRESS)), (200, address(seen)));
    }
}

#[test]
fn an_allocation_tells_relayed_and_mapped_address_and_lifetime() {
    let mut world = World::new();
    let said = world.allocate(udp(1), "a");
    let relayed = said.address(attr::XOR_RELAYED_ADDRESS);
    assert!(relayed.ip() == address("203.0.114.1:0").ip() && (PORTS.0..=PORTS.1).contains(&relayed.port()));
    assert_eq!(said.address(attr::XOR_MAPPED_ADDRESS), address("192.0.2.7:1"));
    assert_eq!((said.lifetime_s(), world.open.len()), (600, 1));
}

#[test]
fn the_same_request_again_gets_the_same_answer_and_another_437() {
    let mut world = World::new();
    let transaction = world.transaction();
    let bytes = world.signed(udp(1), "a", Method::Allocate, transaction, udp_transport);
    let first = world.say(udp(1), &bytes);
    assert_eq!(first.code(), 200);
    world.after_s(5);
    assert_eq!(world.say(udp(1), &bytes), first);
    assert_eq!(world.open.len(), 1);
    assert_eq!(world.allocate(udp(1), "a").code(), 437);
}

#[test]
fn lifetimes_are_bounded_both_ways_and_end() {
    let mut world = World::new();
    let ask = |seconds: u32| {
        move |w: &mut StunWriter<'_>| {
            udp_transport(w);
            w.number(attr::LIFETIME, seconds);
        }
    };
    assert_eq!(world.request(udp(1), "a", Method::Allocate, ask(1)).lifetime_s(), 600);
    assert_eq!(world.request(udp(2), "a", Method::Allocate, ask(u32::MAX)).lifetime_s(), 3600);
    world.after_s(599);
    assert_eq!(world.open.len(), 2);
    assert_eq!(world.refresh(udp(1), "a", 700).lifetime_s(), 700);
    world.after_s(699);
    assert_eq!(world.open.len(), 2);
    world.after_s(1);
    assert_eq!(world.open.len(), 1, "the refreshed one has ended");
    assert_eq!(world.refresh(udp(1), "a", 700).code(), 437);
    assert_eq!(world.refresh(udp(2), "a", 0).lifetime_s(), 0);
    assert!(world.open.is_empty() && world.engine.users.ports_of("1:a") == 0);
    assert_eq!(world.allocate(udp(2), "a").code(), 200, "the place is free again");
}

#[test]
fn nothing_is_served_beyond_its_time_even_before_the_sweep() {
    let mut world = World::new();
    world.relayed(udp(1), "a");
    world.ms += 600_000;
    assert_eq!(world.permit(udp(1), "a", &[PEER]), 437);
    assert_eq!(world.allocate(udp(1), "a").code(), 200, "and a new one can begin");
    assert_eq!(world.open.len(), 1);
}

#[test]
fn only_a_good_credential_with_a_fresh_nonce_gets_in() {
    let mut world = World::new();
    let nonce = world.nonce(udp(1));
    let (good, password) = credentials().issue("a", start());
    let (late, late_password) = credentials().issue("a", start() - TimeDelta::hours(9));
    let other = Credentials::new(Secret("other".to_owned()), TimeDelta::hours(8)).issue("a", start());
    for (username, password, realm, nonce, code) in [
        (&good, "wrong", REALM, &nonce[..], 401),
        (&late, &late_password, REALM, &nonce, 401),
        (&other.0, &other.1, REALM, &nonce, 401),
        (&"alice".to_owned(), &password, REALM, &nonce, 401),
        (&good, &password, "elsewhere", &nonce, 401),
        (&good, &password, REALM, b"made up", 438),
        (&good, &password, REALM, &nonce, 200),
    ] {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, Method::Allocate, Class::Request, [5; 12]);
        udp_transport(&mut writer);
        writer.attribute(attr::USERNAME, username.as_bytes());
        writer.attribute(attr::REALM, realm.as_bytes());
        writer.attribute(attr::NONCE, nonce);
        writer.finish(Some(&Key::long_term(username, realm, password)), false);
        let said = world.say(udp(1), &bytes);
        assert_eq!(said.code(), code, "{username} {realm}");
        assert_eq!(said.get(attr::NONCE).is_some(), code != 200, "what to sign with next");
    }
}

#[test]
fn a_nonce_grows_stale_and_belongs_to_one_address() {
    let mut world = World::new();
    let transaction = world.transaction();
    let bytes = world.signed(udp(1), "a", Method::Allocate, transaction, udp_transport);
    assert_eq!(world.say(udp(2), &bytes).code(), 438, "sent from elsewhere");
    world.after_s(600);
    assert_eq!(world.say(udp(1), &bytes).code(), 438);
    assert!(world.open.is_empty());
}

#[test]
fn a_credential_that_has_run_out_refreshes_nothing() {
    let mut world = World::new();
    assert_eq!(
        world
            .request(udp(1), "a", Method::Allocate, |w| {
                udp_transport(w);
                w.number(attr::LIFETIME, 3600);
            })
            .code(),
        200
    );
    for _ in 0..7 {
        world.after_s(3500);
        assert_eq!(world.refresh(udp(1), "a", 3600).code(), 200);
    }
    world.after_s(3500);
    assert_eq!(world.refresh(udp(1), "a", 3600).code(), 200, "7 h 46 min");
    world.after_s(801);
    assert_eq!(world.refresh(udp(1), "a", 3600).code(), 401);
}

#[test]
fn half_a_credential_is_a_bad_request() {
    let mut world = World::new();
    let mut bytes = Vec::new();
    let mut writer = StunWriter::new(&mut bytes, Method::Refresh, Class::Request, [5; 12]);
    writer.attribute(attr::USERNAME, b"x");
    writer.finish(Some(&Key::short_term("x")), false);
    assert_eq!(world.say(udp(1), &bytes).code(), 400);
}

#[test]
fn another_user_of_the_same_address_gets_441() {
    let mut world = World::new();
    world.relayed(udp(1), "a");
    assert_eq!(world.refresh(udp(1), "b", 600).code(), 441);
    assert_eq!(world.permit(udp(1), "b", &[PEER]), 441);
    assert_eq!(world.bind(udp(1), "b", 0x4000, address(PEER)), 441);
}

#[test]
fn what_an_allocation_may_ask_for() {
    let mut world = World::new();
    for (kind, value, code) in [
        (attr::REQUESTED_TRANSPORT, &[6, 0, 0, 0][..], 442),
        (attr::REQUESTED_TRANSPORT, &[17], 400),
        (attr::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0], 440),
        (attr::REQUESTED_ADDRESS_FAMILY, &[9, 0, 0, 0], 440),
        (attr::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0], 200),
        (attr::DONT_FRAGMENT, &[], 420),
        (0x7f00, &[1, 2], 420),
        (attr::RESERVATION_TOKEN, &[1; 8], 508),
        (attr::RESERVATION_TOKEN, &[1; 7], 400),
        (attr::ADDITIONAL_ADDRESS_FAMILY, &[1, 0, 0, 0], 400),
        (0xff00, b"optional", 200),
    ] {
        let said = world.request(udp(1), "a", Method::Allocate, |w| {
            w.attribute(kind, value);
            if kind != attr::REQUESTED_TRANSPORT {
                udp_transport(w);
            }
        });
        assert_eq!(said.code(), code, "{kind:#06x} {value:?}");
        if code == 420 {
            assert_eq!(said.get(attr::UNKNOWN_ATTRIBUTES), Some(&kind.to_be_bytes()[..]));
        }
        world.refresh(udp(1), "a", 0);
    }
    assert_eq!(world.request(udp(1), "a", Method::Allocate, |_| {}).code(), 400, "no transport");
    assert!(world.open.is_empty());
}

#[test]
fn a_second_family_is_answered_with_440_beside_the_first() {
    let mut world = World::new();
    let said = world.request(udp(1), "a", Method::Allocate, |w| {
        udp_transport(w);
        w.attribute(attr::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(said.get(attr::ADDRESS_ERROR_CODE), Some(&[2, 0, 4, 40][..]));
    assert!(said.address(attr::XOR_RELAYED_ADDRESS).is_ipv4());
    let mut world = World::with(TurnLimits::default(), &["2a00:1::1"]);
    let said = world.request(udp(1), "a", Method::Allocate, |w| {
        udp_transport(w);
        w.attribute(attr::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(said.get(attr::ADDRESS_ERROR_CODE), Some(&[1, 0, 4, 40][..]), "a server of IPv6 lacks IPv4");
    assert!(said.address(attr::XOR_RELAYED_ADDRESS).is_ipv6());
}

#[test]
fn each_family_has_its_own_address_and_peers() {
    let mut world = World::with(TurnLimits::default(), &["203.0.114.1", "2a00:1::1"]);
    let v6 = world.request(udp(1), "a", Method::Allocate, |w| {
        udp_transport(w);
        w.attribute(attr::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(v6.address(attr::XOR_RELAYED_ADDRESS).ip(), address("[2a00:1::1]:0").ip());
    assert!(world.relayed(udp(2), "a").is_ipv4(), "the default");
    for (client, peer, code) in [
        (1, "[2400:3200::1]:1", 200),
        (1, PEER, 443),
        (1, "[::ffff:8.8.8.8]:1", 443),
        (2, "[2400:3200::1]:1", 443),
        (2, "[::ffff:8.8.8.8]:1", 443),
    ] {
        assert_eq!(world.permit(udp(client), "a", &[peer]), code, "{client} {peer}");
        assert_eq!(world.bind(udp(client), "a", 0x4000, address(peer)), code, "{client} {peer}");
    }
    let wrong = world.request(udp(2), "a", Method::Refresh, |w| {
        w.attribute(attr::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(wrong.code(), 443);
}

#[test]
fn one_user_has_one_quota_over_all_transports_and_credentials() {
    let mut world = World::with(TurnLimits { allocations_per_user_max: 3, ..TurnLimits::default() }, &["203.0.114.1"]);
    for client in [udp(1), stream(1), stream(2)] {
        world.relayed(client, "greedy");
    }
    assert_eq!(world.allocate(udp(2), "greedy").code(), 486);
    assert_eq!(world.allocate(stream(3), "greedy").code(), 486);
    assert_eq!(world.allocate(udp(3), "modest").code(), 200, "others are not hindered");
    world.engine.gone(stream(1));
    world.close_released();
    assert_eq!(world.allocate(udp(2), "greedy").code(), 200, "a connection that ended gave its place back");
}

#[test]
fn ports_come_from_the_range_and_end_with_it() {
    let limits = TurnLimits { allocations_per_user_max: 100, ..TurnLimits::default() };
    let mut world = World::with(limits, &["203.0.114.1"]);
    world.taken = vec![50_003, 50_007];
    let mut ports: Vec<u16> = (0..8).map(|n| world.relayed(udp(n), "a").port()).collect();
    ports.sort_unstable();
    assert_eq!(ports, [50_000, 50_001, 50_002, 50_004, 50_005, 50_006, 50_008, 50_009]);
    assert_eq!(world.allocate(udp(8), "a").code(), 508);
    assert_eq!(world.refresh(udp(0), "a", 0).code(), 200);
    assert_eq!(world.allocate(udp(8), "a").code(), 200);
}

#[test]
fn a_pair_of_ports_is_even_and_next_and_waits_half_a_minute() {
    let mut world = World::new();
    world.taken = vec![50_001, 50_003, 50_005];
    let pair = |w: &mut StunWriter<'_>| {
        udp_transport(w);
        w.attribute(attr::EVEN_PORT, &[0x80]);
    };
    let first = world.request(udp(1), "a", Method::Allocate, pair);
    let port = first.address(attr::XOR_RELAYED_ADDRESS).port();
    assert!(port == 50_006 || port == 50_008, "{port}: the others have no free next");
    let token = first.get(attr::RESERVATION_TOKEN).unwrap().to_vec();
    assert_eq!(world.open.len(), 2, "tried ports are closed again");
    let with_token = |w: &mut StunWriter<'_>| {
        udp_transport(w);
        w.attribute(attr::RESERVATION_TOKEN, &token);
    };
    assert_eq!(world.request(udp(2), "b", Method::Allocate, with_token).code(), 508, "another's");
    let second = world.request(udp(2), "a", Method::Allocate, with_token);
    assert_eq!(second.address(attr::XOR_RELAYED_ADDRESS).port(), port + 1);
    assert_eq!(world.request(udp(3), "a", Method::Allocate, with_token).code(), 508, "used");
    assert_eq!(world.request(udp(3), "a", Method::Allocate, pair).code(), 200);
    assert_eq!(world.open.len(), 4);
    world.after_s(30);
    assert_eq!(world.open.len(), 3, "nobody came for it");
    for client in 1..4 {
        world.refresh(udp(client), "a", 0);
    }
    assert!(world.open.is_empty() && world.engine.users.ports_of("1:a") == 0);
    let even = world.request(udp(4), "a", Method::Allocate, |w| {
        udp_transport(w);
        w.attribute(attr::EVEN_PORT, &[0]);
    });
    assert!(
        even.address(attr::XOR_RELAYED_ADDRESS).port().is_multiple_of(2) && even.get(attr::RESERVATION_TOKEN).is_none()
    );
}

#[test]
fn permissions_are_for_allowed_peers_all_or_none() {
    let mut world = World::new();
    assert_eq!(world.permit(udp(1), "a", &[PEER]), 437, "no allocation");
    let relayed = world.relayed(udp(1), "a");
    assert_eq!(world.permit(udp(1), "a", &[]), 400);
    for refused in ["127.0.0.1:1", "10.0.0.1:1", "169.254.169.254:80", "[::1]:1", "224.0.0.1:1"] {
        assert_eq!(world.permit(udp(1), "a", &[PEER, refused]), 403, "{refused}");
        assert_eq!(world.bind(udp(1), "a", 0x4000, address(refused)), 403, "{refused}");
    }
    let lets_in = |world: &mut World| {
        let relay = RelayPort { ipv6: false, port: relayed.port() };
        let now = world.now();
        world.engine.peer_sent(now, relay, address(PEER), b"x") != TurnOutput::Nothing
    };
    assert!(!lets_in(&mut world), "none of a refused request");
    assert_eq!(world.permit(udp(1), "a", &[PEER, "1.1.1.1:1"]), 200);
    assert!(lets_in(&mut world));
    let garbled = world.request(udp(1), "a", Method::CreatePermission, |w| {
        w.attribute(attr::XOR_PEER_ADDRESS, &[0, 9, 1, 2, 3]);
    });
    assert_eq!(garbled.code(), 400);
}

#[test]
fn permissions_and_channels_have_their_bounds() {
    let limits =
        TurnLimits { permissions_per_allocation_max: 3, channels_per_allocation_max: 2, ..TurnLimits::default() };
    let mut world = World::with(limits, &["203.0.114.1"]);
    world.relayed(udp(1), "a");
    assert_eq!(world.permit(udp(1), "a", &["8.8.8.1:1", "8.8.8.2:1", "8.8.8.3:1"]), 200);
    assert_eq!(world.permit(udp(1), "a", &["8.8.8.4:1"]), 508);
    assert_eq!(world.permit(udp(1), "a", &["8.8.8.1:9"]), 200, "a standing one");
    assert_eq!(world.bind(udp(1), "a", 0x4000, address("8.8.8.1:1")), 200);
    assert_eq!(world.bind(udp(1), "a", 0x4001, address("8.8.8.4:1")), 508, "no permission is left");
    assert_eq!(world.bind(udp(1), "a", 0x4001, address("8.8.8.2:1")), 200);
    assert_eq!(world.bind(udp(1), "a", 0x4002, address("8.8.8.3:1")), 508);
    world.after_s(300);
    assert_eq!(world.permit(udp(1), "a", &["8.8.8.4:1", "8.8.8.5:1", "8.8.8.6:1"]), 200, "the old ones have ended");
    let many: Vec<String> = (0..33).map(|n| format!("8.8.8.6:{n}")).collect();
    assert_eq!(world.permit(udp(1), "a", &many.iter().map(String::as_str).collect::<Vec<_>>()), 508);
}

#[test]
fn a_channel_is_one_number_and_one_peer() {
    let mut world = World::new();
    let own = world.relayed(udp(1), "a");
    for (number, peer, code) in [
        (0x3fff, PEER, 400),
        (0x8000, PEER, 400),
        (0x4000, PEER, 200),
        (0x4000, PEER, 200),
        (0x4000, "8.8.8.8:5001", 400),
        (0x4001, PEER, 400),
        (0x7fff, "8.8.8.8:5001", 200),
        (0x4002, "8.8.8.8:0", 403),
        (0x4002, "203.0.114.1:22", 403),
        (0x4002, "203.0.114.1:3478", 403),
    ] {
        assert_eq!(world.bind(udp(1), "a", number, address(peer)), code, "{number:#x} {peer}");
    }
    assert_eq!(world.bind(udp(1), "a", 0x4002, own), 200, "to itself, as the RFC allows");
    let bare = world.request(udp(1), "a", Method::ChannelBind, |w| {
        w.number(attr::CHANNEL_NUMBER, 0x4003 << 16);
    });
    assert_eq!(bare.code(), 400);
}
