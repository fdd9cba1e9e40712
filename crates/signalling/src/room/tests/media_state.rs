//! Sound, picture, screen and hand; and a host who mutes.

use super::*;

#[test]
fn what_goes_on_or_off_is_told_to_the_others() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(host, RoomRequest::State(Media { audio: false, video: true, screen: true }));
    let state = message(&outputs, clinician, "state");
    assert_eq!((&state["audio"], &state["video"], &state["screen"]), (&false.into(), &true.into(), &true.into()));
    assert!(kinds(&outputs, host).is_empty());
}

#[test]
fn only_what_is_permitted_goes_on() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    let screen = Media { screen: true, ..Media::default() };
    assert_eq!(error_to(&world.say(guest, RoomRequest::State(screen)), guest).as_deref(), Some("not-permitted"));
    let (observer, _) = world.connect(profile(5, Role::Observer));
    let outputs = world.join(observer);
    assert_eq!(message(&outputs, host, "peer_joined")["audio"], false, "whatever they say on entering");
}

#[test]
fn a_hand_goes_up_and_down_once_each() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(clinician, RoomRequest::Hand { up: true });
    assert_eq!(message(&outputs, host, "state")["hand"], true);
    assert!(world.say(clinician, RoomRequest::Hand { up: true }).is_empty());
    let outputs = world.say(clinician, RoomRequest::Hand { up: false });
    assert_eq!(message(&outputs, host, "state")["hand"], false);
}

#[test]
fn staff_mute_and_only_the_muted_one_unmutes() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter_by(host, 3, Role::Guest);
    let outputs = world.say(host, RoomRequest::Mute(guest));
    assert_eq!(message(&outputs, guest, "muted")["by"], host.to_string());
    for other in [host, clinician] {
        assert_eq!(message(&outputs, other, "state")["audio"], false);
        assert_eq!(message(&outputs, other, "state")["video"], true);
    }
    assert!(world.say(host, RoomRequest::Mute(guest)).is_empty(), "muted already");
    assert_eq!(error_to(&world.say(guest, RoomRequest::Mute(host)), guest).as_deref(), Some("not-permitted"));
    let outputs = world.say(guest, RoomRequest::State(MEDIA));
    assert_eq!(message(&outputs, host, "state")["audio"], true);
}
