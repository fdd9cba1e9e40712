//! Finishing ends the visit for all and for good; hanging up does not.

use super::*;

#[test]
fn hanging_up_leaves_the_visit_open() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(doctor, Request::Leave);
    assert_eq!(closed(&outputs, doctor), Some(CloseCode::Normal));
    let left = ServerMessage::PeerLeft { peer: doctor, because: LeftBecause::Left };
    assert_eq!(sent_to(&outputs, host), [&left]);
    assert!(!facts(&outputs).iter().any(|f| matches!(f, Fact::Finished { .. })));
    let (again, _) = world.connect(profile(2, Role::Clinician));
    assert!(matches!(sent_to(&world.join(again), again)[..], [ServerMessage::Joined { .. }]));
}

#[test]
fn finishing_tells_and_closes_everybody_wherever_they_are() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter(3, Role::Guest);
    let (hall, _) = world.connect(profile(4, Role::Observer));
    world.pass_ms(90_500);
    let outputs = world.say(doctor, Request::Finish);
    for peer in [host, doctor, guest, hall] {
        let told = sent_to(&outputs, peer);
        assert!(matches!(told[..], [ServerMessage::Finished { together_seconds: 90, .. }]), "{told:?}");
        assert_eq!(closed(&outputs, peer), Some(CloseCode::Finished));
    }
    assert!(world.room.is_empty());
    let doctor_id = PersonId(Uuid::from_u128(2));
    let last = Fact::Finished { by: doctor_id, at: world.now, together_seconds: 90 };
    assert_eq!(facts(&outputs).last(), Some(&&last));
    let gone = facts(&outputs).iter().filter(|f| matches!(f, Fact::Attendance { joined: false, .. })).count();
    assert_eq!(gone, 2, "those who were inside have left");
}

#[test]
fn a_finished_room_lets_nobody_in_again() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.say(host, Request::Finish);
    let (again, outputs) = world.connect(profile(1, Role::Host));
    assert_eq!(error_to(&outputs, again), Some(ErrorCode::Finished));
    assert_eq!(closed(&outputs, again), Some(CloseCode::Finished));
}

#[test]
fn a_guest_cannot_finish() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    world.say(host, Request::Admit(guest));
    assert_eq!(error_to(&world.say(guest, Request::Finish), guest), Some(ErrorCode::NotPermitted));
    assert!(world.room.knows(host));
}

#[test]
fn the_answer_to_finish_comes_before_its_effects() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let input = Input::Said { peer: host, id: Some("f1".to_owned()), request: Request::Finish };
    let outputs = world.room.handle(world.now, input);
    assert_eq!(sent_to(&outputs, host)[0], &ServerMessage::Ok { re: "f1".to_owned() });
}
