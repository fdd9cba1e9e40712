//! The visit starts when host and clinician first meet; their time together adds up over interruptions.

use super::*;

#[test]
fn the_visit_starts_once() {
    let mut world = World::new();
    let (host, _) = world.connect(profile(1, Role::Host));
    assert!(!facts(&world.join(host)).iter().any(|f| matches!(f, Fact::Started { .. })));
    world.pass_ms(1000);
    let (doctor, _) = world.connect(profile(2, Role::Clinician));
    let outputs = world.join(doctor);
    assert!(facts(&outputs).contains(&&Fact::Started { at: world.now }));
    world.lose(doctor);
    let (again, _) = world.connect(profile(2, Role::Clinician));
    assert!(!facts(&world.join(again)).iter().any(|f| matches!(f, Fact::Started { .. })));
}

#[test]
fn two_of_the_same_role_are_not_a_visit() {
    let mut world = World::new();
    world.enter(1, Role::Host);
    let (second, _) = world.connect(profile(2, Role::Host));
    assert!(!facts(&world.join(second)).iter().any(|f| matches!(f, Fact::Started { .. })));
}

#[test]
fn time_together_leaves_out_the_gaps() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.pass_ms(10_000);
    let doctor = world.enter(2, Role::Clinician);
    world.pass_ms(20_000);
    world.lose(doctor);
    world.pass_ms(40_000);
    world.enter(2, Role::Clinician);
    world.pass_ms(5_000);
    let outputs = world.say(host, Request::Finish);
    assert!(matches!(facts(&outputs).last(), Some(Fact::Finished { together_seconds: 25, .. })), "{outputs:?}");
}
