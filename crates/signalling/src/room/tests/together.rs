//! How long host and clinician were both inside.

use super::*;

#[test]
fn the_first_meeting_starts_the_visit_and_each_parting_is_recorded() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.pass_ms(5000);
    let (clinician, _) = world.connect(profile(2, Role::Clinician));
    let outputs = world.join(clinician);
    assert!(facts(&outputs).contains(&&Fact::Started { at: world.now }));
    world.pass_ms(30_900);
    let outputs = world.say(clinician, RoomRequest::Leave);
    assert!(facts(&outputs).contains(&&Fact::Together { together_seconds: 30, at: world.now }));
    world.pass_ms(99_000);
    let (again, _) = world.connect(profile(2, Role::Clinician));
    let outputs = world.join(again);
    assert!(!facts(&outputs).iter().any(|fact| matches!(fact, Fact::Started { .. })), "once");
    world.pass_ms(10_200);
    let outputs = world.say(host, RoomRequest::Finish);
    assert_eq!(message(&outputs, host, "finished")["together_seconds"], 41);
}

#[test]
fn a_short_loss_does_not_stop_the_watch() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.pass_ms(10_000);
    world.lose(clinician);
    world.pass_ms(10_000);
    let resume = world.resume(clinician, socket(2, 1));
    world.apply(&resume);
    world.pass_ms(10_000);
    assert_eq!(message(&world.say(host, RoomRequest::Finish), host, "finished")["together_seconds"], 30);
}

#[test]
fn somebody_who_dropped_out_before_the_other_came_was_not_together_with_them() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.pass_ms(1000);
    world.lose(host);
    world.pass_ms(30_000);
    let clinician = world.enter(2, Role::Clinician);
    world.after_ms(31_000);
    assert_eq!(message(&world.say(clinician, RoomRequest::Finish), clinician, "finished")["together_seconds"], 0);
}

#[test]
fn a_room_opened_again_goes_on_counting() {
    let started_at = Some(DateTime::UNIX_EPOCH);
    let mut world = World::with(RoomLimits::default(), Past { started_at, together_seconds: 40, ..Past::default() });
    let (host, clinician) = (world.enter(1, Role::Host), world.connect(profile(2, Role::Clinician)).0);
    assert!(!facts(&world.join(clinician)).iter().any(|fact| matches!(fact, Fact::Started { .. })));
    world.pass_ms(2000);
    assert_eq!(message(&world.say(host, RoomRequest::Finish), host, "finished")["together_seconds"], 42);
}
