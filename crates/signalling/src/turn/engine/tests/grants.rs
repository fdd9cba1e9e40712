//! The reach of credentials, how much they may send, and how they end.

use super::data::{send_indication, to_client};
use super::*;
use crate::turn::TurnOrder;

const CHECK: &str = "u.t.1000.check";
const ECHO: &str = "e.t.1000.echo";
const ROOM: &str = "u.t.1000.room";

fn relay(of: SocketAddr) -> RelayPort {
    RelayPort { ipv6: of.is_ipv6(), port: of.port() }
}

#[test]
fn a_check_and_its_echo_reach_each_other() {
    let mut world = World::new();
    let (at_check, at_echo) = (world.relayed(udp(1), CHECK), world.relayed(udp(2), ECHO));
    assert_eq!(world.permit(udp(1), CHECK, &[&at_echo.to_string()]), 200);
    assert_eq!(world.bind(udp(1), CHECK, 0x4000, at_echo), 200);
    assert_eq!(world.permit(udp(2), ECHO, &[&at_check.to_string()]), 200);
    let out = send_indication(at_echo, b"ping");
    assert_eq!(to_client(&world.data(udp(1), &out)).unwrap().0, udp(2));
    let back = send_indication(at_check, b"pong");
    assert_eq!(to_client(&world.data(udp(2), &back)).unwrap().0, udp(1));
}

#[test]
fn a_check_reaches_the_echo_of_another_server_once_it_is_told_of_it_and_for_a_minute() {
    let mut world = World::new();
    let relayed = world.relayed(udp(1), CHECK);
    let peer = address(PEER);
    assert_eq!(world.permit(udp(1), CHECK, &[PEER]), 403);
    world.engine.obey(world.now(), TurnOrder::Echo { at: peer, check: uuid::Uuid::nil() });
    assert_eq!(world.permit(udp(1), CHECK, &[PEER]), 200);
    assert_eq!(world.bind(udp(1), CHECK, 0x4000, address("8.8.8.8:22")), 403);
    let out = send_indication(peer, b"x");
    assert!(matches!(world.data(udp(1), &out), TurnOutput::ToPeer { .. }));
    assert_eq!(world.data(udp(1), &send_indication(address("8.8.8.8:22"), b"x")), TurnOutput::Nothing);
    let now = world.now();
    assert!(to_client(&world.engine.peer_sent(now, relay(relayed), peer, b"y")).is_some());
    assert_eq!(world.engine.peer_sent(now, relay(relayed), address("8.8.8.8:22"), b"y"), TurnOutput::Nothing);
    world.after_s(60);
    assert_eq!(world.data(udp(1), &out), TurnOutput::Nothing);
}

#[test]
fn one_user_may_send_and_receive_only_so_much_over_all_allocations() {
    let limits =
        TurnLimits { bytes_per_s_per_user_max: 1_000, bytes_burst_per_user_max: 2_000, ..TurnLimits::default() };
    let mut world = World::with(limits, &["203.0.114.1"]);
    let first = world.relayed(udp(1), ROOM);
    world.relayed(stream(2), "u.other-ticket.2000.room");
    world.relayed(udp(3), "another.t.1000.room");
    for (client, user) in [(udp(1), ROOM), (stream(2), "u.other-ticket.2000.room"), (udp(3), "another.t.1000.room")] {
        assert_eq!(world.permit(client, user, &[PEER]), 200);
    }
    let out = send_indication(address(PEER), &[7; 500]);
    let passes = |world: &mut World, client| world.data(client, &out) != TurnOutput::Nothing;
    assert!(passes(&mut world, udp(1)) && passes(&mut world, stream(2)) && passes(&mut world, udp(1)));
    let (now, from) = (world.now(), address(PEER));
    assert!(world.engine.peer_sent(now, relay(first), from, &[7; 500]) != TurnOutput::Nothing, "what comes counts too");
    assert!(!passes(&mut world, udp(1)) && !passes(&mut world, stream(2)), "used up, by whichever");
    assert!(world.engine.peer_sent(now, relay(first), from, b"x") == TurnOutput::Nothing);
    assert!(passes(&mut world, udp(3)), "another user has their own");
    // One who gives the allocation back and takes another begins with no more.
    assert_eq!(world.refresh(udp(1), ROOM, 0).code(), 200);
    assert_eq!(world.refresh(stream(2), "u.other-ticket.2000.room", 0).code(), 200);
    world.after_s(0);
    world.relayed(udp(1), ROOM);
    assert_eq!(world.permit(udp(1), ROOM, &[PEER]), 200);
    assert!(!passes(&mut world, udp(1)));
    world.ms += 500;
    assert!(passes(&mut world, udp(1)) && !passes(&mut world, udp(1)), "half a second, half of the rate");
    world.ms += 60_000;
    assert_eq!((0..9).filter(|_| passes(&mut world, udp(1))).count(), 4, "never more than the burst");
}

#[test]
fn an_end_closes_what_was_issued_until_then_and_nothing_else() {
    let mut world = World::new();
    let users = ["u.t.1000.room", "u.t.1001.check", "u.new.2000.room", "other.t2.1000.room"];
    for (n, user) in users.iter().enumerate() {
        world.relayed(stream(n as u64), user);
    }
    let open = |world: &World| (0..4).filter(|n| world.engine.has_allocation(stream(*n))).collect::<Vec<_>>();
    world.engine.obey(world.now(), TurnOrder::EndUser { name: "u".to_owned(), until_ms: 1001 });
    world.close_released();
    assert_eq!((open(&world), world.open.len()), (vec![2, 3], 2));
    assert_eq!(world.allocate(udp(9), "u.t.1001.room").code(), 401);
    assert_eq!(world.allocate(udp(9), "u.t.1002.room").code(), 200);
    world.engine.obey(world.now(), TurnOrder::EndTicket { ticket: "t2".to_owned() });
    world.close_released();
    assert_eq!(open(&world), [2]);
    assert_eq!(world.allocate(udp(8), "other.t2.9000.room").code(), 401);
    assert_eq!(world.allocate(udp(8), "other.t3.9000.room").code(), 200);
    // One of before is no step back.
    world.engine.obey(world.now(), TurnOrder::EndUser { name: "u".to_owned(), until_ms: 5 });
    assert_eq!(world.allocate(udp(7), "u.t.1001.room").code(), 401);
    // Somebody who shares the secret has neither ticket nor time.
    assert_eq!(world.allocate(udp(6), "alice").code(), 200);
}

#[test]
fn a_visit_that_runs_over_goes_on_and_nothing_begins_anew() {
    let mut world = World::new();
    world.relayed(udp(1), ROOM);
    assert_eq!(world.refresh(udp(1), ROOM, 3600).code(), 200);
    // The credential is good for eight hours, and each refresh for one.
    for _ in 0..19 {
        world.after_s(1800);
        assert_eq!(world.refresh(udp(1), ROOM, 3600).code(), 200);
    }
    assert_eq!(world.allocate(udp(2), ROOM).code(), 401, "past its time it opens nothing");
    assert_eq!(world.permit(udp(1), ROOM, &[PEER]), 200);
    world.after_s(1800);
    assert_eq!(world.refresh(udp(1), ROOM, 3600).code(), 401, "two hours over is over");
}
