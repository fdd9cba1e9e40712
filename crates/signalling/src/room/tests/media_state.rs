//! Whose sound and picture are on.

use super::*;

#[test]
fn a_change_is_told_to_the_others_and_stands_in_later_snapshots() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let outputs = world.say(host, Request::State(Media { audio: false, video: true }));
    let told = ServerMessage::State { peer: host, audio: false, video: true };
    assert_eq!(sent_to(&outputs, doctor), [&told]);
    assert!(sent_to(&outputs, host).is_empty());
    let (late, _) = world.connect(profile(5, Role::Observer));
    let outputs = world.join(late);
    let [ServerMessage::Joined { room }] = sent_to(&outputs, late)[..] else { panic!("{outputs:?}") };
    assert!(room.peers.iter().any(|p| p.peer == host && !p.audio && p.video));
}

#[test]
fn who_may_not_publish_is_never_shown_as_on() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (observer, _) = world.connect(profile(9, Role::Observer));
    let outputs = world.join(observer);
    assert!(matches!(sent_to(&outputs, host)[..], [ServerMessage::PeerJoined(p)] if !p.audio && !p.video));
    let on = Media { audio: true, video: false };
    assert_eq!(error_to(&world.say(observer, Request::State(on)), observer), Some(ErrorCode::NotPermitted));
}

#[test]
fn only_who_is_inside_has_a_state() {
    let mut world = World::new();
    let guest = world.enter(3, Role::Guest);
    assert_eq!(error_to(&world.say(guest, Request::State(Media::default())), guest), Some(ErrorCode::NotJoined));
}
