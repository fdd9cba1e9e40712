//! The chat: numbered, kept, on record.

use super::*;

fn chat(text: &str) -> RoomRequest {
    RoomRequest::Chat { text: text.into() }
}

#[test]
fn everybody_inside_gets_it_the_writer_too_and_the_record() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let waiting = world.enter(3, Role::Guest);
    let outputs = world.say(host, chat("您好"));
    let line = message(&outputs, clinician, "chat");
    assert_eq!((&line["n"], &line["text"], &line["name"]), (&1.into(), &"您好".into(), &"host 1".into()));
    assert_eq!(message(&outputs, host, "chat"), line);
    assert!(kinds(&outputs, waiting).is_empty());
    let Fact::Chat { n, person: by, text, .. } = facts(&outputs)[0] else { panic!("{outputs:?}") };
    assert_eq!((*n, *by, &**text), (1, person(1), "您好"));
}

#[test]
fn who_comes_later_sees_what_was_written() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.say(host, chat("one"));
    world.say(host, chat("two"));
    let (clinician, welcome) = world.connect(profile(2, Role::Clinician));
    assert!(greeting(&welcome).room.as_ref().unwrap().chat.is_empty(), "not before they are inside");
    let joined = message(&world.join(clinician), clinician, "joined");
    assert_eq!(joined["room"]["chat"][1]["text"], "two");
}

#[test]
fn only_who_may() {
    let mut world = World::new();
    let observer = world.enter(5, Role::Observer);
    assert_eq!(error_to(&world.say(observer, chat("x")), observer).as_deref(), Some("not-permitted"));
}

#[test]
fn the_last_ones_are_kept_by_number_and_by_bytes() {
    let limits = RoomLimits { chat_lines_max: 3, chat_bytes_max: 10, ..RoomLimits::default() };
    let mut world = World::with(limits, Past::default());
    let host = world.enter(1, Role::Host);
    for text in ["a", "b", "c", "d"] {
        world.say(host, chat(text));
    }
    let kept = |world: &World| world.room.chat.lines().iter().map(|line| line.n).collect::<Vec<_>>();
    assert_eq!(kept(&world), [2, 3, 4]);
    world.say(host, chat("12345678"));
    assert_eq!(kept(&world), [3, 4, 5]);
    world.say(host, chat("123456789"));
    assert_eq!(kept(&world), [6]);
    world.say(host, chat("longer than all"));
    assert!(kept(&world).is_empty());
    world.say(host, chat("x"));
    assert_eq!(kept(&world), [8], "numbers go on");
}

#[test]
fn what_was_written_before_the_room_was_opened_again_is_there() {
    let (at, name, text) = (DateTime::UNIX_EPOCH, "guest 3".into(), "early".into());
    let past = Past { chat: vec![PastChat { n: 7, name, at, text }], ..Past::default() };
    let mut world = World::with(RoomLimits::default(), past);
    let host = world.enter(1, Role::Host);
    assert_eq!(message(&world.say(host, chat("late")), host, "chat")["n"], 8);
    assert_eq!(world.room.chat.lines()[0].text.as_ref(), "early");
}
