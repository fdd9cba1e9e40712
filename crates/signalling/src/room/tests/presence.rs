//! Coming and going is told to the others and recorded.

use super::*;

#[test]
fn a_dropped_peer_is_told_apart_from_one_who_left() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.lose(doctor);
    let left = ServerMessage::PeerLeft { peer: doctor, because: LeftBecause::Dropped };
    assert_eq!(sent_to(&outputs, host), [&left]);
    assert!(closed(&outputs, doctor).is_none(), "there is nothing left to close");
}

#[test]
fn attendance_is_recorded_on_entry_and_exit_of_the_room_only() {
    let mut world = World::new();
    let person = PersonId(Uuid::from_u128(3));
    let host = world.enter(1, Role::Host);
    let (guest, outputs) = world.connect(profile(3, Role::Guest));
    assert!(facts(&outputs).is_empty());
    assert!(facts(&world.join(guest)).is_empty(), "the lobby is not the room");
    let outputs = world.say(host, Request::Admit(guest));
    let came = Fact::Attendance { person, role: Role::Guest, joined: true, at: world.now };
    assert_eq!(facts(&outputs), [&came]);
    world.pass_ms(1000);
    let outputs = world.lose(guest);
    let went = Fact::Attendance { person, role: Role::Guest, joined: false, at: world.now };
    assert_eq!(facts(&outputs), [&went]);
}

#[test]
fn an_unknown_connection_changes_nothing() {
    let mut world = World::new();
    let nobody = PeerId(Uuid::from_u128(5));
    assert!(world.lose(nobody).is_empty());
    assert!(world.say(nobody, Request::Finish).is_empty());
    assert!(world.join(nobody).is_empty());
}
