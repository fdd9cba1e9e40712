//! A client's numbers: each taken once, in order, none left out.

use super::*;

fn hand_on(socket: Socket, peer: PeerId, seq: u64, up: bool) -> Command {
    Command::Request { peer, socket, seq, ack: 0, id: Some("x".into()), request: RoomRequest::Hand { up } }
}

/// The same on the socket of the person who connects first.
fn hand(peer: PeerId, seq: u64, up: bool) -> Command {
    hand_on(socket(1, 1), peer, seq, up)
}

#[test]
fn what_an_older_socket_had_still_to_say_takes_no_number_of_the_next_page() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let resume = world.resume(host, socket(2, 9));
    world.apply(&resume);
    assert!(world.apply(&hand(host, 2, true)).is_empty());
    assert_eq!(world.room.received(host), Some(1));
    assert_eq!(kinds(&world.apply(&hand_on(socket(2, 9), host, 2, true)), host), ["ok"]);
    world.lose(host);
    assert!(world.apply(&hand_on(socket(2, 9), host, 3, true)).is_empty(), "nobody speaks for a person who is away");
}

#[test]
fn a_repeat_has_no_effect_and_no_answer() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    assert_eq!(world.room.received(host), Some(1));
    assert_eq!(kinds(&world.apply(&hand(host, 2, true)), host), ["ok"]);
    for seq in 0..=2 {
        assert!(world.apply(&hand(host, seq, false)).is_empty());
    }
    assert_eq!(world.room.received(host), Some(2));
}

#[test]
fn a_gap_is_an_error_and_a_close_and_takes_nothing() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.apply(&hand(host, 3, true));
    assert_eq!(turned_away(&outputs), Some((ErrorCode::SequenceGap, CloseCode::ProtocolError)));
    assert_eq!(kinds(&outputs, clinician), ["peer_away"]);
    assert_eq!(world.room.received(host), Some(1));
    assert!(world.apply(&hand(host, 3, true)).is_empty(), "it is away already");
}

#[test]
fn a_message_that_cannot_be_read_uses_up_its_number() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let unreadable = RoomRequest::Unreadable { code: ErrorCode::UnknownType, message: "no such type".into() };
    let outputs = world.say_as(host, Some("a"), unreadable);
    let error = message(&outputs, host, "error");
    assert_eq!((&error["code"], &error["re"]), (&"unknown-type".into(), &"a".into()));
    assert_eq!(kinds(&outputs, host), ["error"]);
    assert_eq!(world.room.received(host), Some(2));
}

#[test]
fn a_denied_request_uses_up_its_number_too() {
    let mut world = World::new();
    let guest = world.enter(3, Role::Guest);
    world.say(guest, RoomRequest::Finish);
    assert_eq!(world.room.received(guest), Some(2));
}

#[test]
fn somebody_unknown_is_ignored_and_before_the_log_begins_everybody_is() {
    let mut world = World::new();
    let nobody = PeerId(Uuid::from_u128(5));
    assert!(world.apply(&hand(nobody, 1, true)).is_empty());
    let entrant = Box::new(world.entrant(profile(1, Role::Host)));
    let mut unopened = Room::open(ConsultId(Uuid::from_u128(1)));
    assert!(unopened.apply(world.now, &Command::Enter { socket: socket(1, 1), entrant }).is_empty());
    assert!(unopened.is_empty() && unopened.epoch().is_none());
}

#[test]
fn a_log_begins_once() {
    let mut world = World::new();
    world.enter(1, Role::Host);
    let (before, past) = (world.room.clone(), Past { finished: true, ..Past::default() });
    let (epoch, limits) = (Epoch(Uuid::from_u128(8)), RoomLimits { people_max: 1, ..RoomLimits::default() });
    world.apply(&Command::Open { epoch, past: Box::new(past), limits: Box::new(limits) });
    assert_eq!(world.room, before);
}

#[test]
fn time_does_not_go_back() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.pass_ms(60_000);
    world.say(host, RoomRequest::Hand { up: true });
    world.now = DateTime::UNIX_EPOCH;
    let outputs = world.lose(clinician);
    assert_eq!(message(&outputs, host, "peer_away")["since"], "1970-01-01T00:01:00Z");
}
