//! Tickets: bound to the first device, and revoked.

use super::*;

#[test]
fn the_first_device_keeps_the_ticket() {
    let past = |binding| Past { bound: vec![binding], ..Past::default() };
    let mut world = World::new();
    let entrant = world.entrant(profile(3, Role::Guest));
    let binding = Binding { ticket: entrant.ticket, device: entrant.device };
    let (first, _) = world.enter_as(entrant.clone());
    world.say(first, RoomRequest::Leave);
    let mut stolen = world.entrant(profile(3, Role::Guest));
    stolen.device = device("another");
    let bound = Some((ErrorCode::TicketBound, CloseCode::TicketBound));
    assert_eq!(turned_away(&world.enter_as(stolen.clone()).1), bound);
    assert_eq!(turned_away(&World::with(RoomLimits::default(), past(binding)).enter_as(stolen).1), bound);
    let again = world.entrant(profile(3, Role::Guest));
    let outputs = world.enter_as(again).1;
    assert_eq!((turned_away(&outputs), facts(&outputs).len()), (None, 0), "the same device may; said once");
}

#[test]
fn a_revoked_ticket_ends_its_session_and_opens_nothing() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    let outputs = world.apply(&Command::Revoke { ticket: Some(Uuid::from_u128(3)), person: None, at: None });
    assert_eq!(error_to(&outputs, guest).as_deref(), Some("ticket-revoked"));
    assert_eq!(ended(&outputs, guest), Some(CloseCode::TicketRevoked));
    assert_eq!(message(&outputs, host, "peer_left")["because"], "revoked");
    let Some(Fact::Revoked(revocation)) = facts(&outputs).last() else { panic!("{outputs:?}") };
    let revoked = Some((ErrorCode::TicketRevoked, CloseCode::TicketRevoked));
    assert_eq!(turned_away(&world.connect(profile(3, Role::Guest)).1), revoked);
    let past = Past { revoked: vec![*revocation], ..Past::default() };
    assert_eq!(turned_away(&World::with(RoomLimits::default(), past).connect(profile(3, Role::Guest)).1), revoked);
    let mut fresh = world.entrant(profile(3, Role::Guest));
    fresh.ticket = Uuid::from_u128(33);
    assert_eq!(turned_away(&world.enter_as(fresh).1), None, "a new ticket does");
}

#[test]
fn revoking_a_person_ends_the_tickets_so_far_and_not_those_to_come() {
    let mut world = World::new();
    world.pass_ms(1000);
    let guest = world.enter(3, Role::Guest);
    let mut early = world.entrant(profile(3, Role::Guest));
    early.ticket = Uuid::from_u128(33);
    let mut unsaid = early.clone();
    unsaid.issued_at = None;
    let revoke = |at| Command::Revoke { ticket: None, person: Some(person(3)), at: Some(at) };
    let outputs = world.apply(&revoke(world.now));
    assert_eq!(ended(&outputs, guest), Some(CloseCode::TicketRevoked));
    let revoked = Some((ErrorCode::TicketRevoked, CloseCode::TicketRevoked));
    assert_eq!(turned_away(&world.enter_as(early.clone()).1), revoked);
    assert_eq!(turned_away(&world.enter_as(unsaid).1), revoked);
    let late = Entrant { issued_at: Some(world.now + TimeDelta::milliseconds(1)), ..early };
    let (late, outputs) = world.enter_as(late);
    assert_eq!(turned_away(&outputs), None);
    let first = world.now;
    world.pass_ms(1000);
    assert_eq!(world.apply(&revoke(first)), [], "told again");
    let outputs = world.apply(&revoke(first - TimeDelta::milliseconds(1)));
    assert_eq!(outputs, [], "told of an older one");
    let outputs = world.apply(&revoke(world.now));
    assert_eq!(ended(&outputs, late), Some(CloseCode::TicketRevoked));
    let Some(Fact::Revoked(revocation)) = facts(&outputs).last() else { panic!("{outputs:?}") };
    assert_eq!(revocation.at, world.now);
}

#[test]
fn too_many_revocations_close_the_door_rather_than_forget_one() {
    let limits = RoomLimits { tickets_max: 2, ..RoomLimits::default() };
    let mut world = World::with(limits, Past::default());
    let revoke = |n| Command::Revoke { ticket: Some(Uuid::from_u128(n)), person: None, at: None };
    for n in [100, 101, 100, 101] {
        world.apply(&revoke(n));
    }
    let (host, outputs) = world.connect(profile(1, Role::Host));
    assert_eq!(turned_away(&outputs), None);
    world.apply(&revoke(102));
    let (_, outputs) = world.connect(profile(2, Role::Clinician));
    assert_eq!(turned_away(&outputs), Some((ErrorCode::Busy, CloseCode::Busy)));
    assert_eq!(kinds(&world.join(host), host), ["joined"], "a person who is here stays");
}

#[test]
fn an_unknown_id_of_a_ticket_says_when_it_was_issued_only_if_it_can() {
    let ticket = |jti: &str| -> crate::ticket::Ticket {
        serde_json::from_value(serde_json::json!({
            "consult": Uuid::nil(), "sub": Uuid::nil(), "name": "x", "role": "interpreter", "lobby": true,
            "nbf": 0, "exp": 1, "jti": jti, "publish": true
        }))
        .unwrap()
    };
    let entrant = |jti| ticket(jti).entrant(PeerId(Uuid::nil()), device("s"), device("d"));
    let issued_at = entrant("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").issued_at;
    assert_eq!(issued_at.unwrap().to_rfc3339(), "2022-02-22T19:22:22+00:00");
    assert_eq!(entrant("919108f7-52d1-4320-9bac-f847db4148a8").issued_at, None);
    assert_eq!(entrant("919108f7-52d1-4320-9bac-f847db4148a8").profile.permissions, Permissions::TALK);
}
