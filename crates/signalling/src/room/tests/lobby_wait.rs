//! Waiting: ringing again, calling a colleague, and the end of it.

use super::*;
use crate::protocol::RingOver;

#[test]
fn nobody_waits_for_ever() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let wait = world.room.limits().lobby_wait_ms_max;
    let before = world.after_ms(wait - 1);
    assert_eq!(ended(&before, guest), None);
    let outputs = world.after_ms(1);
    assert_eq!(error_to(&outputs, guest).as_deref(), Some("lobby-timeout"));
    assert_eq!(ended(&outputs, guest), Some(CloseCode::LobbyTimeout));
    assert_eq!(message(&outputs, host, "ring_over")["because"], "expired");
    assert_eq!(world.room.next_deadline(), None);
}

#[test]
fn ringing_again_is_possible_but_not_at_once() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    world.pass_ms(9_999);
    let error = message(&world.say(guest, RoomRequest::Ring), guest, "error");
    assert_eq!((&error["code"], &error["detail"]["wait_ms"]), (&"too-soon".into(), &1.into()));
    world.pass_ms(1);
    let outputs = world.say(guest, RoomRequest::Ring);
    let ring = message(&outputs, host, "ring");
    assert_eq!((&ring["times"], &ring["since"]), (&2.into(), &"1970-01-01T00:00:00Z".into()));
    assert_eq!(error_to(&world.say(guest, RoomRequest::Ring), guest).as_deref(), Some("too-soon"));
    assert_eq!(error_to(&world.say(host, RoomRequest::Ring), host).as_deref(), Some("not-waiting"));
}

#[test]
fn a_colleague_is_called_once_after_a_while_even_when_nobody_is_inside() {
    let mut world = World::new();
    let guest = world.enter(3, Role::Guest);
    let since = world.now;
    let wait = world.room.limits().lobby_escalate_ms;
    assert_eq!(world.room.next_deadline(), Some(world.now + ms(wait)));
    assert!(world.after_ms(wait - 1).is_empty());
    let outputs = world.after_ms(1);
    let fact = Fact::Escalated { person: person(3), role: Role::Guest, since, at: world.now };
    assert_eq!(facts(&outputs), [&fact]);
    assert!(world.after_ms(wait).is_empty(), "once");
    let host = world.connect(profile(1, Role::Host)).0;
    let joined = message(&world.join(host), host, "joined");
    assert_eq!(joined["room"]["waiting"][0]["escalated"], true);
    assert_eq!(kinds(&world.say(host, RoomRequest::Admit(guest)), guest), ["joined"]);
}

/// A way in which a guest's wait ends, given host and guest.
type End = fn(&mut World, PeerId, PeerId) -> Vec<RoomOutput>;

#[test]
fn the_end_of_a_wait_for_which_a_colleague_was_called_is_told_once_however_it_ends() {
    let ways: [(&str, RingOver, End); 7] = [
        ("admitted", RingOver::Admitted, |world, host, guest| world.say(host, RoomRequest::Admit(guest))),
        ("refused", RingOver::Refused, |world, host, guest| world.say(host, RoomRequest::Refuse(guest))),
        ("sent away", RingOver::Refused, |world, host, guest| world.say(host, RoomRequest::Kick(guest))),
        ("left", RingOver::Left, |world, _, guest| world.say(guest, RoomRequest::Leave)),
        ("dropped", RingOver::Left, |world, _, guest| {
            world.lose(guest);
            world.after_ms(world.room.limits().away_ms_max)
        }),
        ("finished", RingOver::Left, |world, host, _| world.say(host, RoomRequest::Finish)),
        ("expired", RingOver::Expired, |world, _, _| world.after_ms(world.room.limits().lobby_wait_ms_max)),
    ];
    for (name, because, end) in ways {
        let mut world = World::new();
        let (host, guest) = (world.enter(1, Role::Host), world.enter(3, Role::Guest));
        world.after_ms(world.room.limits().lobby_escalate_ms);
        let outputs = end(&mut world, host, guest);
        let fact = Fact::WaitOver { person: person(3), because, at: world.now };
        assert_eq!(wait_overs(&outputs), [&fact], "{name}");
    }
}

#[test]
fn a_wait_for_which_nobody_was_called_ends_without_a_word() {
    let mut world = World::new();
    let (host, guest) = (world.enter(1, Role::Host), world.enter(3, Role::Guest));
    world.after_ms(world.room.limits().lobby_escalate_ms - 1);
    assert!(wait_overs(&world.say(host, RoomRequest::Refuse(guest))).is_empty());
}

#[test]
fn somebody_who_waits_on_another_device_still_waits() {
    let mut world = World::new();
    let (host, guest) = (world.enter(1, Role::Host), world.enter(3, Role::Guest));
    let mut tablet = world.entrant(profile(3, Role::Guest));
    (tablet.ticket, tablet.device) = (Uuid::from_u128(77), device("tablet"));
    let (tablet, _) = world.enter_as(tablet);
    world.join_with(tablet, Consent::default(), Some(Elsewhere::Both));
    world.after_ms(world.room.limits().lobby_escalate_ms);
    assert!(wait_overs(&world.say(guest, RoomRequest::Leave)).is_empty());
    assert_eq!(wait_overs(&world.say(host, RoomRequest::Admit(tablet))).len(), 1);
}

fn wait_overs(outputs: &[RoomOutput]) -> Vec<&Fact> {
    facts(outputs).into_iter().filter(|fact| matches!(fact, Fact::WaitOver { .. })).collect()
}

#[test]
fn those_inside_with_control_see_the_escalation() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 4, Role::Guest);
    world.enter(3, Role::Guest);
    let outputs = world.after_ms(world.room.limits().lobby_escalate_ms);
    assert_eq!(message(&outputs, host, "ring")["escalated"], true);
    assert!(kinds(&outputs, guest).is_empty());
}
