//! Ending the visit for all, apart from hanging up.

use super::*;

#[test]
fn everybody_is_told_and_closed_and_the_fact_is_kept() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let waiting = world.enter(3, Role::Guest);
    let (hall, _) = world.connect(profile(4, Role::Guest));
    world.lose(clinician);
    world.pass_ms(61_500);
    let outputs = world.say(host, RoomRequest::Finish);
    for peer in [host, clinician, waiting, hall] {
        let told = message(&outputs, peer, "finished");
        assert_eq!((&told["by"], &told["together_seconds"]), (&"host 1".into(), &61.into()));
        assert_eq!(ended(&outputs, peer), Some(CloseCode::Finished));
    }
    let fact = Fact::Finished { by: person(1), at: world.now, together_seconds: 61 };
    assert_eq!(facts(&outputs).last(), Some(&&fact));
    assert_eq!(facts(&outputs).len(), 3, "and two have left");
    assert!(world.room.is_empty() && world.room.is_finished());
}

#[test]
fn a_finished_room_stays_finished() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.enter(2, Role::Clinician);
    let resume = world.resume(host, socket(2, 2));
    world.say(host, RoomRequest::Finish);
    let finished = Some((ErrorCode::Finished, CloseCode::Finished));
    assert_eq!(turned_away(&world.connect(profile(1, Role::Host)).1), finished);
    assert_eq!(turned_away(&world.apply(&resume)), finished);
    let past = Past { finished: true, ..Past::default() };
    let mut reopened = World::with(RoomLimits::default(), past);
    assert_eq!(turned_away(&reopened.connect(profile(1, Role::Host)).1), finished);
}

#[test]
fn a_visit_that_has_not_begun_is_not_finished_the_late_doctor_finds_the_room_open() {
    let mut world = World::new();
    let (host, guest) = (world.enter(1, Role::Host), world.enter(3, Role::Guest));
    let outputs = world.say(host, RoomRequest::Finish);
    for peer in [host, guest] {
        assert_eq!(message(&outputs, peer, "finished")["together_seconds"], 0);
        assert_eq!(ended(&outputs, peer), Some(CloseCode::Finished));
    }
    let left = Fact::Attendance { person: person(1), role: Role::Host, joined: false, at: world.now };
    assert_eq!(facts(&outputs), [&left], "no word of a visit that was held");
    assert!(world.room.is_empty() && !world.room.is_finished());
    world.enter(2, Role::Clinician);
    let (host, _) = world.connect(profile(1, Role::Host));
    assert!(facts(&world.join(host)).contains(&&Fact::Started { at: world.now }));
    assert!(matches!(facts(&world.say(host, RoomRequest::Finish)).last(), Some(Fact::Finished { .. })));
    assert!(world.room.is_finished());
}

#[test]
fn hanging_up_does_not_finish() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say_as(host, Some("x"), RoomRequest::Leave);
    assert_eq!((kinds(&outputs, host), ended(&outputs, host)), (vec!["ok".into()], Some(CloseCode::Normal)));
    assert_eq!(message(&outputs, clinician, "peer_left")["because"], "left");
    let (again, _) = world.connect(profile(1, Role::Host));
    assert_eq!(kinds(&world.join(again), again), ["joined"]);
}
