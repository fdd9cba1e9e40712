//! Nobody waits for ever.

use super::*;

#[test]
fn who_waited_too_long_is_told_and_staff_hear_that_the_ring_is_over() {
    let mut world = World::with(RoomLimits { lobby_wait_ms_max: 60_000, ..RoomLimits::default() });
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    assert_eq!(world.room.next_deadline(), Some(world.now + TimeDelta::minutes(1)));
    world.pass_ms(59_999);
    assert!(world.tick().is_empty());
    world.pass_ms(1);
    let outputs = world.tick();
    assert_eq!(error_to(&outputs, guest), Some(ErrorCode::LobbyTimeout));
    assert_eq!(closed(&outputs, guest), Some(CloseCode::LobbyTimeout));
    let over = ServerMessage::RingOver { peer: guest, because: RingOver::Expired };
    assert_eq!(sent_to(&outputs, host), [&over]);
    assert_eq!(world.room.next_deadline(), None);
}

#[test]
fn staff_who_come_later_see_who_waits_and_since_when() {
    let mut world = World::new();
    let guest = world.enter(3, Role::Guest);
    let since = world.now;
    world.pass_ms(5000);
    let (host, _) = world.connect(profile(1, Role::Host));
    let outputs = world.join(host);
    let [ServerMessage::Joined { room }] = sent_to(&outputs, host)[..] else { panic!("{outputs:?}") };
    assert_eq!(room.waiting.iter().map(|w| (w.peer, w.since)).collect::<Vec<_>>(), [(guest, since)]);
}

#[test]
fn a_guest_who_gives_up_stops_the_ring() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    for leave in [true, false] {
        let guest = world.enter(3, Role::Guest);
        let outputs = if leave { world.say(guest, Request::Leave) } else { world.lose(guest) };
        let over = ServerMessage::RingOver { peer: guest, because: RingOver::Left };
        assert_eq!(sent_to(&outputs, host), [&over]);
        assert!(facts(&outputs).is_empty(), "who never was inside did not attend");
    }
}
