//! The view of the room before and after somebody is inside.

use super::*;

#[test]
fn who_has_to_wait_sees_numbers_and_no_names() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.enter(4, Role::Guest);
    world.say(host, RoomRequest::Chat { text: "private".into() });
    let (_, outputs) = world.connect(profile(3, Role::Guest));
    let view = greeting(&outputs).room.as_ref().unwrap();
    assert_eq!((view.people, view.people_max, view.staff_present), (1, 6, true));
    let text = serde_json::to_string(view).unwrap();
    assert!(!text.contains("host 1") && !text.contains("guest 4") && !text.contains("private"), "{text}");
}

#[test]
fn staff_see_who_is_there_and_who_waits() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.enter(4, Role::Guest);
    let kicked = world.enter(5, Role::Guest);
    world.say(host, RoomRequest::Kick(kicked));
    let (_, outputs) = world.connect(profile(2, Role::Clinician));
    let view = greeting(&outputs).room.as_ref().unwrap();
    assert_eq!((view.peers.len(), view.waiting.len(), view.removed.len()), (1, 1, 1));
}

#[test]
fn those_without_control_do_not_see_who_waits_or_was_sent_away() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    world.enter(4, Role::Guest);
    let kicked = world.enter(5, Role::Guest);
    world.say(host, RoomRequest::Kick(kicked));
    let guest = world.enter(3, Role::Guest);
    let room = &message(&world.say(host, RoomRequest::Admit(guest)), guest, "joined")["room"];
    assert_eq!((room["waiting"].as_array().unwrap().len(), room["removed"].as_array().unwrap().len()), (0, 0));
    assert_eq!(room["peers"].as_array().unwrap().len(), 2);
}

#[test]
fn a_peer_is_seen_with_all_that_the_document_says() {
    let mut world = World::new();
    let (host, _) = world.connect(profile(1, Role::Host));
    let joined = message(&world.join(host), host, "joined");
    let expected = serde_json::json!({
        "peer": host.to_string(), "name": "host 1", "role": "host",
        "permissions": ["audio", "video", "screen", "chat", "control", "observe"],
        "audio": true, "video": true, "screen": false, "hand": false, "away": false,
        "consent": {"recording": false, "transcription": false}
    });
    assert_eq!(joined["room"]["peers"][0], expected);
}
