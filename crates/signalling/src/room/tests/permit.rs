//! The permissions of somebody, changed while they are here.

use super::*;

fn permit(peer: PeerId, permissions: Permissions) -> RoomRequest {
    RoomRequest::Permit { peer, permissions }
}

#[test]
fn everybody_hears_and_what_is_no_longer_permitted_goes_off() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter_by(host, 3, Role::Guest);
    let outputs = world.say(host, permit(guest, Permissions::AUDIO | Permissions::OBSERVE));
    for peer in [host, clinician, guest] {
        let told = message(&outputs, peer, "permissions");
        assert_eq!(told["permissions"], serde_json::json!(["audio", "observe"]));
    }
    let state = message(&outputs, clinician, "state");
    assert_eq!((&state["audio"], &state["video"]), (&true.into(), &false.into()));
    let chat = RoomRequest::Chat { text: "x".into() };
    assert_eq!(error_to(&world.say(guest, chat), guest).as_deref(), Some("not-permitted"));
}

#[test]
fn it_holds_when_the_person_comes_again() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    world.say(host, permit(guest, Permissions::AUDIO));
    world.say(guest, RoomRequest::Leave);
    let (_, outputs) = world.connect(profile(3, Role::Guest));
    assert_eq!(greeting(&outputs).you.permissions, Permissions::AUDIO);
}

#[test]
fn control_is_not_for_guests_and_not_to_be_given_up() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter_by(host, 3, Role::Guest);
    assert_eq!(error_to(&world.say(host, permit(guest, Permissions::ALL)), host).as_deref(), Some("not-permitted"));
    assert_eq!(error_to(&world.say(host, permit(host, Permissions::TALK)), host).as_deref(), Some("not-permitted"));
    let (hall, _) = world.connect(profile(4, Role::Clinician));
    assert_eq!(error_to(&world.say(host, permit(hall, Permissions::TALK)), host).as_deref(), Some("no-such-peer"));
}

#[test]
fn who_is_given_control_learns_what_those_who_have_it_know() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let interpreter = world.enter_by(host, 6, Role::Interpreter);
    let kicked = world.enter(4, Role::Guest);
    world.say(host, RoomRequest::Kick(kicked));
    world.enter(3, Role::Guest);
    let outputs = world.say(host, permit(interpreter, Permissions::ALL));
    assert_eq!(kinds(&outputs, interpreter), ["permissions", "ring", "removed_list"]);
    assert!(world.say(host, permit(interpreter, Permissions::ALL)).len() == 2, "told once");
}

#[test]
fn who_waits_is_told_alone_of_those_who_wait() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (one, two) = (world.enter(3, Role::Guest), world.enter(4, Role::Guest));
    let outputs = world.say(host, permit(one, Permissions::AUDIO));
    assert_eq!((kinds(&outputs, one).len(), kinds(&outputs, two).len(), kinds(&outputs, host).len()), (1, 0, 1));
    let outputs = world.say(host, RoomRequest::Admit(one));
    assert_eq!(message(&outputs, host, "peer_joined")["video"], false);
}

#[test]
fn who_may_neither_send_nor_observe_is_on_hold() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.say(host, permit(clinician, Permissions::CHAT));
    let outputs = world.say(clinician, offer(clinician, host));
    assert_eq!(error_to(&outputs, clinician).as_deref(), Some("not-permitted"));
    assert_eq!(error_to(&world.say(host, offer(host, clinician)), host).as_deref(), Some("not-permitted"));
    let to_all = RoomRequest::Message { body: Body::passed_on("message", host, "data", "1") };
    assert!(kinds(&world.say(host, to_all), clinician).is_empty());
    assert_eq!(kinds(&world.say(clinician, RoomRequest::Chat { text: "x".into() }), host), ["chat"]);
}
