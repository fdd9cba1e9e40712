//! A removal holds for the person until it is lifted.

use super::*;

#[test]
fn it_holds_over_new_sessions_new_tickets_and_a_new_room_until_lifted() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    let outputs = world.say(host, RoomRequest::Kick(guest));
    assert_eq!(error_to(&outputs, guest).as_deref(), Some("removed"));
    assert_eq!(ended(&outputs, guest), Some(CloseCode::Removed));
    assert_eq!(kinds(&outputs, host), ["peer_left", "removed_list"]);
    let listed = &message(&outputs, host, "removed_list")["removed"][0];
    assert_eq!((&listed["removal"], &listed["name"]), (&1.into(), &"guest 3".into()));
    let Some(Fact::Removed(removal)) = facts(&outputs).last() else { panic!("{outputs:?}") };
    assert_eq!((removal.person, removal.by), (person(3), person(1)));

    let mut again = world.entrant(profile(3, Role::Guest));
    again.ticket = Uuid::from_u128(77);
    again.device = device("another");
    let out = Some((ErrorCode::Removed, CloseCode::Removed));
    assert_eq!(turned_away(&world.enter_as(again.clone()).1), out);
    let past = Past { removed: vec![(*removal).clone()], ..Past::default() };
    assert_eq!(turned_away(&World::with(RoomLimits::default(), past).enter_as(again.clone()).1), out);

    assert_eq!(error_to(&world.say(host, RoomRequest::Lift { removal: 9 }), host).as_deref(), Some("no-such-removal"));
    let outputs = world.say(host, RoomRequest::Lift { removal: 1 });
    assert_eq!(message(&outputs, host, "removed_list")["removed"].as_array().unwrap().len(), 0);
    assert_eq!(facts(&outputs), [&Fact::Lifted { removal: 1, by: person(1), at: world.now }]);
    let (_, outputs) = world.enter_as(again);
    assert!(greeting(&outputs).lobby, "an earlier admission does not outlast it");
}

#[test]
fn every_session_of_the_person_ends() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (first, second) = (world.enter_by(host, 3, Role::Guest), world.connect(profile(3, Role::Guest)).0);
    let outputs = world.say(host, RoomRequest::Kick(first));
    assert_eq!((ended(&outputs, first), ended(&outputs, second)), (Some(CloseCode::Removed), Some(CloseCode::Removed)));
}

#[test]
fn who_waits_can_be_sent_away_for_good_too() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let outputs = world.say(host, RoomRequest::Kick(guest));
    assert_eq!(message(&outputs, host, "ring_over")["because"], "refused");
    assert_eq!(ended(&outputs, guest), Some(CloseCode::Removed));
}

#[test]
fn nobody_sends_themselves_away_nor_somebody_unseen() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (hall, _) = world.connect(profile(3, Role::Guest));
    assert_eq!(error_to(&world.say(host, RoomRequest::Kick(host)), host).as_deref(), Some("not-permitted"));
    assert_eq!(error_to(&world.say(host, RoomRequest::Kick(hall)), host).as_deref(), Some("no-such-peer"));
}

#[test]
fn numbers_of_removals_are_not_used_twice() {
    let mut world = World::with(RoomLimits::default(), Past { removals: 4, ..Past::default() });
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let outputs = world.say(host, RoomRequest::Kick(guest));
    assert_eq!(message(&outputs, host, "removed_list")["removed"][0]["removal"], 5);
}
