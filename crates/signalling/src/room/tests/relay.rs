//! A payload that is passed on unread reaches its addressee, as it came, and nobody else.

use super::*;

#[test]
fn it_reaches_the_named_peer_and_nobody_else() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let other = world.enter(5, Role::Observer);
    let outputs = world.say(host, offer(host, clinician));
    let relayed = message(&outputs, clinician, "offer");
    assert_eq!((&relayed["from"], &relayed["sdp"]), (&host.to_string().into(), &"v=0".into()));
    assert!(kinds(&outputs, other).is_empty() && outputs.len() == 1);
}

#[test]
fn a_message_without_an_addressee_reaches_everybody_else_inside_as_one_text() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let other = world.enter(5, Role::Observer);
    let waiting = world.enter(3, Role::Guest);
    let body = Body::passed_on("message", host, "data", "[1]");
    let outputs = world.say(host, RoomRequest::Message { body });
    assert_eq!((kinds(&outputs, clinician).len(), kinds(&outputs, other).len()), (1, 1));
    assert!(kinds(&outputs, host).is_empty() && kinds(&outputs, waiting).is_empty());
    let texts: Vec<*const u8> = outputs
        .iter()
        .filter_map(|output| match output {
            RoomOutput::Send { body, .. } => Some(body.as_str().as_ptr()),
            _ => None,
        })
        .collect();
    assert_eq!(texts[0], texts[1], "shared, not copied");
}

#[test]
fn nothing_goes_to_or_from_somebody_who_is_not_inside() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let waiting = world.enter(3, Role::Guest);
    for to in [waiting, host, PeerId(Uuid::nil())] {
        assert_eq!(error_to(&world.say(host, offer(host, to)), host).as_deref(), Some("no-such-peer"));
    }
    let outputs = world.say(waiting, offer(waiting, host));
    assert_eq!((error_to(&outputs, waiting).as_deref(), outputs.len()), (Some("not-joined"), 1));
}
