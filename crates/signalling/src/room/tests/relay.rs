//! Descriptions and candidates go from one who is inside to one who is inside.

use super::*;

#[test]
fn offer_answer_and_candidate_reach_the_named_peer_only() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let third = world.enter(5, Role::Observer);
    let candidate = Candidate {
        candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ relay".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    for signal in [
        Signal::Offer { sdp: "o".to_owned() },
        Signal::Answer { sdp: "a".to_owned() },
        Signal::Candidate { candidate: Some(candidate) },
        Signal::Candidate { candidate: None },
    ] {
        let outputs = world.say(host, Request::Relay { to: doctor, signal: signal.clone() });
        assert_eq!(sent_to(&outputs, doctor), [&ServerMessage::Relayed { from: host, signal }]);
        assert!(sent_to(&outputs, third).is_empty() && sent_to(&outputs, host).is_empty());
    }
}

#[test]
fn nothing_is_relayed_to_or_from_who_is_not_inside() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let waiting = world.enter(3, Role::Guest);
    let (hall, _) = world.connect(profile(2, Role::Clinician));
    for outside in [waiting, hall] {
        assert_eq!(error_to(&world.say(outside, offer(host)), outside), Some(ErrorCode::NotJoined));
        let outputs = world.say(host, offer(outside));
        assert_eq!(error_to(&outputs, host), Some(ErrorCode::NoSuchPeer));
        assert!(sent_to(&outputs, outside).is_empty());
    }
}

#[test]
fn nobody_talks_to_themselves_or_to_who_is_gone() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.lose(doctor);
    for to in [host, doctor] {
        assert_eq!(error_to(&world.say(host, offer(to)), host), Some(ErrorCode::NoSuchPeer));
    }
}

#[test]
fn ids_are_echoed_in_ok_and_in_errors() {
    let mut world = World::new();
    let (host, doctor) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let said = |to| Input::Said { peer: host, id: Some("m1".to_owned()), request: offer(to) };
    let outputs = world.room.handle(world.now, said(doctor));
    assert_eq!(sent_to(&outputs, host), [&ServerMessage::Ok { re: "m1".to_owned() }]);
    let outputs = world.room.handle(world.now, said(host));
    assert!(matches!(sent_to(&outputs, host)[..], [ServerMessage::Error { re: Some(re), .. }] if re == "m1"));
}
