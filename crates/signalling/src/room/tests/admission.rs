//! Joining, and being let in or not.

use super::*;

#[test]
fn staff_are_inside_at_once_and_told_of_each_other() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (clinician, welcome) = world.connect(profile(2, Role::Clinician));
    assert_eq!(greeting(&welcome).place, crate::protocol::Place::Hall);
    assert!(!greeting(&welcome).lobby);
    let outputs = world.join(clinician);
    let joined = message(&outputs, clinician, "joined");
    assert_eq!(joined["room"]["peers"].as_array().unwrap().len(), 2);
    assert_eq!(message(&outputs, host, "peer_joined")["name"], "clinician 2");
}

#[test]
fn a_guest_waits_until_one_with_control_admits_them() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (guest, welcome) = world.connect(profile(3, Role::Guest));
    assert!(greeting(&welcome).lobby);
    let outputs = world.join(guest);
    assert_eq!(kinds(&outputs, guest), ["lobby"]);
    let ring = message(&outputs, host, "ring");
    assert_eq!((&ring["name"], &ring["times"], &ring["escalated"]), (&"guest 3".into(), &1.into(), &false.into()));
    let outputs = world.say(host, RoomRequest::Admit(guest));
    assert_eq!(kinds(&outputs, guest), ["joined"]);
    assert_eq!(message(&outputs, host, "ring_over")["because"], "admitted");
    assert_eq!(error_to(&world.say(host, RoomRequest::Admit(guest)), host).as_deref(), Some("not-waiting"));
}

#[test]
fn only_the_person_who_was_admitted_is_inside() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (one, two) = (world.enter(3, Role::Guest), world.enter(4, Role::Guest));
    let outputs = world.say(host, RoomRequest::Admit(two));
    assert!(kinds(&outputs, one).is_empty());
    assert!(world.room.insider(two).is_ok() && world.room.insider(one).is_err());
}

#[test]
fn a_refused_guest_is_gone_and_may_ring_again() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let outputs = world.say(host, RoomRequest::Refuse(guest));
    assert_eq!((kinds(&outputs, guest), ended(&outputs, guest)), (vec!["refused".into()], Some(CloseCode::Refused)));
    assert_eq!(message(&outputs, host, "ring_over")["because"], "refused");
    let (again, _) = world.connect(profile(3, Role::Guest));
    assert_eq!(kinds(&world.join(again), again), ["lobby"]);
}

#[test]
fn who_was_admitted_need_not_wait_again() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    world.say(guest, RoomRequest::Leave);
    let (again, welcome) = world.connect(profile(3, Role::Guest));
    assert!(!greeting(&welcome).lobby);
    assert_eq!(kinds(&world.join(again), again), ["joined"]);
}

#[test]
fn the_answer_to_a_message_comes_before_what_it_causes() {
    let mut world = World::new();
    let (host, _) = world.connect(profile(1, Role::Host));
    let join = RoomRequest::Join { media: MEDIA, consent: Consent::default(), elsewhere: None };
    let outputs = world.say_as(host, Some("a"), join.clone());
    assert_eq!(kinds(&outputs, host), ["ok", "joined"]);
    let outputs = world.say_as(host, Some("b"), join);
    let error = message(&outputs, host, "error");
    assert_eq!((&error["re"], &error["code"]), (&"b".into(), &"already-joined".into()));
}
