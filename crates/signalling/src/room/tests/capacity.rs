//! Every place is counted: the room, the lobby, the connections.

use super::*;

#[test]
fn the_seventh_finds_the_room_full_and_may_try_again() {
    let mut world = World::new();
    let peers: Vec<PeerId> = (1..=6).map(|p| world.enter(p, Role::Host)).collect();
    let (seventh, _) = world.connect(profile(7, Role::Clinician));
    assert_eq!(error_to(&world.join(seventh), seventh), Some(ErrorCode::RoomFull));
    world.say(peers[0], Request::Leave);
    assert!(matches!(sent_to(&world.join(seventh), seventh)[..], [ServerMessage::Joined { .. }]));
}

#[test]
fn nobody_is_admitted_into_a_full_room() {
    let mut world = World::new();
    let peers: Vec<PeerId> = (1..=6).map(|p| world.enter(p, Role::Host)).collect();
    let guest = world.enter(8, Role::Guest);
    let outputs = world.say(peers[0], Request::Admit(guest));
    assert_eq!(error_to(&outputs, peers[0]), Some(ErrorCode::RoomFull));
    assert!(sent_to(&outputs, guest).is_empty());
}

#[test]
fn the_lobby_has_a_bound() {
    let mut world = World::with(RoomLimits { lobby_max: 2, ..RoomLimits::default() });
    world.enter(11, Role::Guest);
    world.enter(12, Role::Guest);
    let (third, _) = world.connect(profile(13, Role::Guest));
    assert_eq!(error_to(&world.join(third), third), Some(ErrorCode::LobbyFull));
}

#[test]
fn connections_have_a_bound_and_the_next_is_told_to_try_again() {
    let mut world = World::with(RoomLimits { seats_max: 1, ..RoomLimits::default() });
    world.connect(profile(1, Role::Host));
    let (second, outputs) = world.connect(profile(2, Role::Host));
    assert_eq!(closed(&outputs, second), Some(CloseCode::Busy));
    assert!(!world.room.knows(second));
}
