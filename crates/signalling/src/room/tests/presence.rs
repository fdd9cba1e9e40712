//! Attendance, for the record.

use super::*;

#[test]
fn coming_and_going_are_facts() {
    let mut world = World::new();
    let (host, welcome) = world.connect(profile(1, Role::Host));
    let bound = Fact::Bound {
        binding: Binding { ticket: Uuid::from_u128(1), device: device("device of 1") },
        person: person(1),
        at: world.now,
    };
    assert_eq!(facts(&welcome), [&bound], "being in the hall is not attending");
    let attendance = |joined, at| Fact::Attendance { person: person(1), role: Role::Host, joined, at };
    assert_eq!(facts(&world.join(host)), [&attendance(true, world.now)]);
    world.pass_ms(1000);
    assert_eq!(facts(&world.say(host, RoomRequest::Leave)), [&attendance(false, world.now)]);
}

#[test]
fn somebody_who_only_waited_has_not_attended() {
    let mut world = World::new();
    let (guest, _) = world.connect(profile(3, Role::Guest));
    assert!(facts(&world.join(guest)).is_empty());
    assert!(facts(&world.say(guest, RoomRequest::Leave)).is_empty());
}
