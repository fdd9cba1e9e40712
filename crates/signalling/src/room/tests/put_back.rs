//! From inside back into the lobby.

use super::*;

#[test]
fn they_wait_again_the_others_lose_sight_of_them_and_the_ticket_does_not_matter() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let observer = world.enter(5, Role::Observer);
    world.say(observer, RoomRequest::Hand { up: true });
    let outputs = world.say(host, RoomRequest::PutBack(observer));
    assert_eq!(message(&outputs, observer, "lobby")["because"], "put_back");
    assert_eq!(kinds(&outputs, host), ["peer_left", "ring"]);
    assert_eq!(message(&outputs, host, "peer_left")["because"], "put_back");
    assert_eq!(error_to(&world.say(host, offer(host, observer)), host).as_deref(), Some("no-such-peer"));

    world.say(observer, RoomRequest::Leave);
    let (again, welcome) = world.connect(profile(5, Role::Observer));
    assert!(greeting(&welcome).lobby, "although the ticket says no lobby");
    assert_eq!(kinds(&world.join(again), again), ["lobby"]);
    let outputs = world.say(host, RoomRequest::Admit(again));
    assert_eq!(kinds(&outputs, again), ["joined"]);
    assert_eq!(message(&outputs, host, "peer_joined")["hand"], false);
}

#[test]
fn staff_cannot_be_put_back_nor_anybody_twice() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter_by(host, 3, Role::Guest);
    assert_eq!(error_to(&world.say(host, RoomRequest::PutBack(clinician)), host).as_deref(), Some("not-permitted"));
    assert_eq!(error_to(&world.say(host, RoomRequest::PutBack(host)), host).as_deref(), Some("no-such-peer"));
    world.say(host, RoomRequest::PutBack(guest));
    assert_eq!(error_to(&world.say(host, RoomRequest::PutBack(guest)), host).as_deref(), Some("no-such-peer"));
}
