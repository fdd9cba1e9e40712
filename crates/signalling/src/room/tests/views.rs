//! Who is not admitted learns how many are inside, and no names.

use super::*;

#[test]
fn a_guest_sees_numbers_before_admission_and_people_after() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (guest, outputs) = world.connect(profile(3, Role::Guest));
    let [Output::Welcome { room, .. }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((room.people, room.staff_present, room.peers.len()), (1, true, 0));
    world.join(guest);
    let outputs = world.say(host, Request::Admit(guest));
    let [ServerMessage::Joined { room }] = sent_to(&outputs, guest)[..] else { panic!("{outputs:?}") };
    assert_eq!(room.peers.len(), 2);
}

#[test]
fn only_who_can_admit_sees_who_waits() {
    let mut world = World::new();
    world.enter(3, Role::Guest);
    for (person, role, waiting) in [(1, Role::Host, 1), (9, Role::Observer, 0)] {
        let (_, outputs) = world.connect(profile(person, role));
        let [Output::Welcome { room, .. }] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!(room.waiting.len(), waiting, "{role:?}");
    }
}
