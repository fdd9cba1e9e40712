//! The same person on a second device: a choice, never an accident.

use super::*;

/// The same person, on another device, with another ticket.
fn second_device(world: &mut World, n: u128, role: Role) -> PeerId {
    let mut entrant = world.entrant(profile(n, role));
    entrant.device = device("another");
    entrant.ticket = Uuid::from_u128(9000 + n);
    world.enter_as(entrant).0
}

#[test]
fn the_person_is_asked_first_and_nothing_happens_meanwhile() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.pass_ms(3000);
    let second = second_device(&mut world, 2, Role::Clinician);
    let outputs = world.join(second);
    let error = message(&outputs, second, "error");
    assert_eq!((&error["code"], &error["detail"]["since"]), (&"elsewhere".into(), &"1970-01-01T00:00:00Z".into()));
    assert_eq!(outputs.len(), 1);
    assert!(world.room.insider(clinician).is_ok());

    let mut taken_over = world.clone();
    let outputs = taken_over.join_with(second, Consent::default(), Some(Elsewhere::TakeOver));
    assert_eq!(ended(&outputs, clinician), Some(CloseCode::Replaced));
    assert_eq!(kinds(&outputs, host), ["peer_left", "peer_joined"]);
    assert_eq!(message(&outputs, host, "peer_left")["because"], "replaced");

    let outputs = world.join_with(second, Consent::default(), Some(Elsewhere::Both));
    assert_eq!(kinds(&outputs, host), ["peer_joined"]);
    assert!(world.room.insider(clinician).is_ok() && world.room.insider(second).is_ok());
}

#[test]
fn who_waits_elsewhere_is_asked_too() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let second = second_device(&mut world, 3, Role::Guest);
    assert_eq!(error_to(&world.join(second), second).as_deref(), Some("elsewhere"));
    let outputs = world.join_with(second, Consent::default(), Some(Elsewhere::TakeOver));
    assert_eq!(kinds(&outputs, host), ["ring_over", "ring"]);
    assert_eq!(ended(&outputs, guest), Some(CloseCode::Replaced));
}

#[test]
fn the_same_device_takes_over_without_a_word() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let (again, _) = world.connect(profile(2, Role::Clinician));
    let outputs = world.join(again);
    assert_eq!(kinds(&outputs, again), ["joined"]);
    assert_eq!(ended(&outputs, clinician), Some(CloseCode::Replaced));
    assert_eq!(kinds(&outputs, host), ["peer_left", "peer_joined"]);
}

#[test]
fn a_full_room_has_a_place_for_who_takes_over_their_own() {
    let mut world = World::with(RoomLimits { people_max: 2, ..RoomLimits::default() }, Past::default());
    let (_, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let second = second_device(&mut world, 2, Role::Clinician);
    let outputs = world.join_with(second, Consent::default(), Some(Elsewhere::Both));
    assert_eq!(error_to(&outputs, second).as_deref(), Some("room-full"));
    let outputs = world.join_with(second, Consent::default(), Some(Elsewhere::TakeOver));
    assert_eq!(ended(&outputs, clinician), Some(CloseCode::Replaced));
    assert_eq!(kinds(&outputs, second), ["joined"]);
}
