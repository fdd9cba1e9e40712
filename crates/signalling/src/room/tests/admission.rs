//! Staff enter directly; a guest waits, staff are rung, and staff decide.

use super::*;

#[test]
fn host_and_clinician_enter_without_waiting() {
    let mut world = World::new();
    for (person, role) in [(1, Role::Host), (2, Role::Clinician)] {
        let (peer, outputs) = world.connect(profile(person, role));
        assert!(matches!(outputs[..], [Output::Welcome { .. }]));
        let outputs = world.join(peer);
        assert!(matches!(sent_to(&outputs, peer)[..], [ServerMessage::Joined { .. }]));
    }
}

#[test]
fn a_guest_waits_and_staff_inside_are_rung() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let observer = world.enter(9, Role::Observer);
    let (guest, _) = world.connect(profile(3, Role::Guest));
    let outputs = world.join(guest);
    assert!(matches!(sent_to(&outputs, guest)[..], [ServerMessage::Lobby { .. }]));
    assert!(matches!(sent_to(&outputs, host)[..], [ServerMessage::Ring(ring)] if ring.peer == guest));
    assert!(sent_to(&outputs, observer).is_empty(), "who cannot admit is not rung");
}

#[test]
fn an_admitted_guest_is_joined_and_the_ring_ends_for_all_staff() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter(3, Role::Guest);
    let outputs = world.say(doctor, Request::Admit(guest));
    assert!(matches!(sent_to(&outputs, guest)[..], [ServerMessage::Joined { room }] if room.peers.len() == 3));
    let over = ServerMessage::RingOver { peer: guest, because: RingOver::Admitted };
    for staff in [host, doctor] {
        assert_eq!(sent_to(&outputs, staff)[0], &over);
        assert!(matches!(sent_to(&outputs, staff)[1], ServerMessage::PeerJoined(p) if p.peer == guest));
    }
}

#[test]
fn a_refused_guest_is_told_and_closed_for_good() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let outputs = world.say(host, Request::Refuse(guest));
    assert_eq!(sent_to(&outputs, guest), [&ServerMessage::Refused]);
    assert_eq!(closed(&outputs, guest), Some(CloseCode::Refused));
    assert!(!world.room.knows(guest));
}

#[test]
fn only_control_inside_the_room_admits_and_refuses() {
    let mut world = World::new();
    let observer = world.enter(9, Role::Observer);
    let (host_in_the_hall, _) = world.connect(profile(1, Role::Host));
    let guest = world.enter(3, Role::Guest);
    for request in [Request::Admit(guest), Request::Refuse(guest)] {
        for (by, expected) in [
            (observer, ErrorCode::NotPermitted),
            (host_in_the_hall, ErrorCode::NotJoined),
            (guest, ErrorCode::NotJoined),
        ] {
            let outputs = world.say(by, request.clone());
            assert_eq!(error_to(&outputs, by), Some(expected));
            assert_eq!(outputs.len(), 1, "nothing else happens");
        }
    }
}

#[test]
fn admitting_who_does_not_wait_is_an_error() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(host, Request::Admit(doctor));
    assert_eq!(error_to(&outputs, host), Some(ErrorCode::NotWaiting));
}

#[test]
fn who_was_admitted_once_need_not_wait_again() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    world.say(host, Request::Admit(guest));
    world.lose(guest);
    let (again, _) = world.connect(profile(3, Role::Guest));
    let outputs = world.join(again);
    assert!(matches!(sent_to(&outputs, again)[..], [ServerMessage::Joined { .. }]));
    let (other, _) = world.connect(profile(4, Role::Guest));
    assert!(matches!(sent_to(&world.join(other), other)[..], [ServerMessage::Lobby { .. }]));
}

#[test]
fn join_is_said_once() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    for peer in [host, guest] {
        assert_eq!(error_to(&world.join(peer), peer), Some(ErrorCode::AlreadyJoined));
    }
}
