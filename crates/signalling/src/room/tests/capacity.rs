//! Each bound, crossed by one.

use super::*;

fn limits() -> RoomLimits {
    RoomLimits { people_max: 2, lobby_max: 2, seats_max: 6, tickets_max: 8, ..RoomLimits::default() }
}

#[test]
fn no_more_people_inside_than_fit() {
    let mut world = World::with(limits(), Past::default());
    let host = world.enter(1, Role::Host);
    world.enter(2, Role::Clinician);
    let (third, _) = world.connect(profile(3, Role::Clinician));
    assert_eq!(error_to(&world.join(third), third).as_deref(), Some("room-full"));
    let guest = world.enter(4, Role::Guest);
    assert_eq!(error_to(&world.say(host, RoomRequest::Admit(guest)), host).as_deref(), Some("room-full"));
    assert_eq!(kinds(&world.join(third), third), ["error"], "may try again");
}

#[test]
fn six_fit_by_default() {
    let mut world = World::new();
    for n in 1..=6 {
        world.enter(n, Role::Clinician);
    }
    let (seventh, _) = world.connect(profile(7, Role::Clinician));
    assert_eq!(error_to(&world.join(seventh), seventh).as_deref(), Some("room-full"));
}

#[test]
fn no_more_wait_than_fit_in_the_lobby() {
    let mut world = World::with(limits(), Past::default());
    let host = world.enter(1, Role::Host);
    let inside = world.enter_by(host, 2, Role::Guest);
    world.enter(3, Role::Guest);
    world.enter(4, Role::Guest);
    let (third, _) = world.connect(profile(5, Role::Guest));
    assert_eq!(error_to(&world.join(third), third).as_deref(), Some("lobby-full"));
    assert_eq!(error_to(&world.say(host, RoomRequest::PutBack(inside)), host).as_deref(), Some("lobby-full"));
}

#[test]
fn no_more_sessions_than_seats() {
    let mut world = World::with(limits(), Past::default());
    for n in 1..=6 {
        world.connect(profile(n, Role::Guest));
    }
    let (_, outputs) = world.connect(profile(7, Role::Guest));
    assert_eq!(turned_away(&outputs), Some((ErrorCode::Busy, CloseCode::Busy)));
}

#[test]
fn a_page_loaded_again_and_again_takes_one_seat() {
    let mut world = World::with(limits(), Past::default());
    for n in 1..=5 {
        world.connect(profile(n, Role::Guest));
    }
    for _ in 0..10 {
        let (peer, outputs) = world.connect(profile(6, Role::Guest));
        assert_eq!(turned_away(&outputs), None);
        world.lose(peer);
        world.peers += 1;
    }
    assert_eq!(world.room.sessions().count(), 6);
}

#[test]
fn no_more_tickets_than_the_room_remembers() {
    let mut world = World::with(limits(), Past::default());
    for n in 1..=8 {
        let (peer, outputs) = world.connect(profile(n, Role::Guest));
        assert_eq!(turned_away(&outputs), None);
        world.say(peer, RoomRequest::Leave);
    }
    let (_, outputs) = world.connect(profile(9, Role::Guest));
    assert_eq!(turned_away(&outputs), Some((ErrorCode::Busy, CloseCode::Busy)));
    let (_, outputs) = world.connect(profile(8, Role::Guest));
    assert_eq!(turned_away(&outputs), None, "a known ticket still opens");
}
