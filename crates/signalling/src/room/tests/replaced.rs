//! One person, one place: a page that was reloaded takes over from itself.

use super::*;

#[test]
fn joining_again_replaces_the_older_connection() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let (again, _) = world.connect(profile(2, Role::Clinician));
    assert!(world.room.knows(doctor), "looking at the pre-join page disturbs nobody");
    let outputs = world.join(again);
    assert_eq!(closed(&outputs, doctor), Some(CloseCode::Replaced));
    let told = sent_to(&outputs, host);
    assert_eq!(told[0], &ServerMessage::PeerLeft { peer: doctor, because: LeftBecause::Replaced });
    assert!(matches!(told[1], ServerMessage::PeerJoined(p) if p.peer == again));
}

#[test]
fn a_full_room_still_lets_its_own_people_come_back() {
    let mut world = World::new();
    for person in 1..=6 {
        world.enter(person, Role::Host);
    }
    let (again, _) = world.connect(profile(6, Role::Host));
    assert!(matches!(sent_to(&world.join(again), again)[0], ServerMessage::Joined { .. }));
}

#[test]
fn a_guest_who_reloads_in_the_lobby_rings_once_more_and_once_only() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let first = world.enter(3, Role::Guest);
    let (second, _) = world.connect(profile(3, Role::Guest));
    let outputs = world.join(second);
    assert_eq!(closed(&outputs, first), Some(CloseCode::Replaced));
    let told = sent_to(&outputs, host);
    assert_eq!(told[0], &ServerMessage::RingOver { peer: first, because: RingOver::Left });
    assert!(matches!(told[1], ServerMessage::Ring(r) if r.peer == second));
}
