//! Recording and transcription: never without everybody's current consent.

use super::*;
use crate::protocol::CaptureBecause;

fn on(world: &World) -> (bool, bool) {
    (world.room.captures.recording.is_some(), world.room.captures.transcription.is_some())
}

/// Host and clinician inside, both consenting.
fn consenting() -> (World, PeerId, PeerId) {
    let mut world = World::new();
    let (host, _) = world.connect(profile(1, Role::Host));
    world.join_with(host, BOTH, None);
    let (clinician, _) = world.connect(profile(2, Role::Clinician));
    world.join_with(clinician, BOTH, None);
    (world, host, clinician)
}

#[test]
fn it_cannot_go_on_unless_everybody_consents() {
    let (mut world, host, clinician) = consenting();
    world.say(clinician, RoomRequest::Consent(Consent { recording: false, transcription: true }));
    let outputs = world.say(host, RoomRequest::Record { on: true });
    assert_eq!(error_to(&outputs, host).as_deref(), Some("consent-missing"));
    world.say(host, RoomRequest::Transcribe { on: true });
    assert_eq!(on(&world), (false, true));
    world.say(clinician, RoomRequest::Consent(BOTH));
    let outputs = world.say(host, RoomRequest::Record { on: true });
    let told = message(&outputs, clinician, "recording");
    assert_eq!((&told["on"], &told["because"]), (&true.into(), &"asked".into()));
    let (by, at) = (Some(person(1)), world.now);
    let fact = Fact::Captured { capture: Capture::Recording, on: true, by, because: CaptureBecause::Asked, at };
    assert_eq!(facts(&outputs), [&fact]);
    assert!(world.say(host, RoomRequest::Record { on: true }).is_empty(), "on already");
    let outputs = world.say(clinician, RoomRequest::Record { on: false });
    assert_eq!(message(&outputs, host, "recording")["on"], false);
}

#[test]
fn a_withdrawal_ends_it_before_anybody_hears_of_the_withdrawal() {
    let (mut world, host, clinician) = consenting();
    world.say(host, RoomRequest::Record { on: true });
    world.say(host, RoomRequest::Transcribe { on: true });
    let outputs = world.say(clinician, RoomRequest::Consent(Consent { recording: false, transcription: true }));
    assert_eq!(kinds(&outputs, host), ["recording", "consent"]);
    let told = message(&outputs, host, "recording");
    assert_eq!((&told["on"], &told["because"]), (&false.into(), &"consent_withdrawn".into()));
    assert_eq!(on(&world), (false, true));
    assert_eq!(facts(&outputs).len(), 2, "both are on record");
}

#[test]
fn a_newcomer_who_does_not_consent_ends_it_before_they_are_told_they_are_in() {
    let (mut world, host, _) = consenting();
    world.say(host, RoomRequest::Record { on: true });
    let (observer, _) = world.connect(profile(5, Role::Observer));
    let outputs = world.join(observer);
    assert_eq!(kinds(&outputs, host), ["recording", "peer_joined"]);
    assert_eq!(message(&outputs, host, "recording")["because"], "somebody_joined");
    assert_eq!(kinds(&outputs, observer), ["joined"], "it is not their news");
    let joined = message(&outputs, observer, "joined");
    assert_eq!(joined["room"]["recording"]["on"], false);
}

#[test]
fn a_newcomer_who_consents_does_not_end_it() {
    let (mut world, host, _) = consenting();
    world.say(host, RoomRequest::Record { on: true });
    let (guest, _) = world.connect(profile(3, Role::Guest));
    world.join_with(guest, BOTH, None);
    let outputs = world.say(host, RoomRequest::Admit(guest));
    let recording = &message(&outputs, guest, "joined")["room"]["recording"];
    assert_eq!((&recording["on"], &recording["by"]), (&true.into(), &host.to_string().into()));
    let fact = Fact::Consent { person: person(3), recording: true, transcription: true, at: world.now };
    assert!(facts(&outputs).contains(&&fact));
    assert_eq!(on(&world), (true, false));
}

#[test]
fn consent_in_the_lobby_counts_from_the_moment_they_are_in() {
    let (mut world, host, _) = consenting();
    let guest = world.enter(3, Role::Guest);
    assert!(world.say(host, RoomRequest::Record { on: true }).len() > 1, "a person who waits has no say");
    let outputs = world.say(guest, RoomRequest::Consent(BOTH));
    assert!(kinds(&outputs, host).is_empty(), "a person who waits is not seen");
    world.say(host, RoomRequest::Admit(guest));
    assert_eq!(on(&world), (true, false));
}

#[test]
fn it_ends_when_the_person_who_turned_it_on_is_gone() {
    let (mut world, host, clinician) = consenting();
    world.say(host, RoomRequest::Record { on: true });
    let outputs = world.say(host, RoomRequest::Leave);
    let told = message(&outputs, clinician, "recording");
    assert_eq!((&told["on"], &told["because"]), (&false.into(), &"asker_left".into()));
    assert_eq!(on(&world), (false, false));
}

#[test]
fn it_ends_with_the_visit() {
    let (mut world, host, clinician) = consenting();
    world.say(host, RoomRequest::Record { on: true });
    let outputs = world.say(clinician, RoomRequest::Finish);
    assert_eq!(message(&outputs, host, "recording")["because"], "finished");
    assert_eq!(on(&world), (false, false));
}

#[test]
fn consent_is_seen_by_the_others_and_said_once() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(clinician, RoomRequest::Consent(BOTH));
    let told = message(&outputs, host, "consent");
    assert_eq!((&told["peer"], &told["recording"]), (&clinician.to_string().into(), &true.into()));
    assert!(world.say(clinician, RoomRequest::Consent(BOTH)).is_empty());
    let (hall, _) = world.connect(profile(3, Role::Guest));
    assert_eq!(error_to(&world.say(hall, RoomRequest::Consent(BOTH)), hall).as_deref(), Some("not-joined"));
}
