//! A lost socket leaves its session in place for a while.

use super::*;

#[test]
fn the_others_hear_of_it_and_of_the_return() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.pass_ms(5000);
    let outputs = world.lose(clinician);
    assert_eq!(message(&outputs, host, "peer_away")["since"], "1970-01-01T00:00:05Z");
    assert!(kinds(&outputs, clinician).is_empty());
    let resume = world.resume(clinician, socket(2, 1));
    let outputs = world.apply(&resume);
    assert_eq!(message(&outputs, host, "peer_back")["peer"], clinician.to_string());
    assert_eq!(world.room.socket(clinician), Some(socket(2, 1)));
}

#[test]
fn a_person_who_does_not_come_back_in_time_has_left_when_the_line_broke() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.pass_ms(9000);
    world.lose(clinician);
    let wait = world.room.limits().away_ms_max;
    assert!(world.after_ms(wait - 1).is_empty());
    assert_eq!(world.room.next_deadline(), Some(world.now + TimeDelta::milliseconds(1)));
    let outputs = world.after_ms(1);
    assert_eq!(message(&outputs, host, "peer_left")["because"], "dropped");
    assert!(ended(&outputs, clinician).is_some() && !world.room.knows(clinician));
    let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(9);
    let left = Fact::Attendance { person: person(2), role: Role::Clinician, joined: false, at };
    let together = Fact::Together { together_seconds: 9, at };
    assert_eq!(facts(&outputs), [&left, &together]);
}

#[test]
fn what_is_sent_meanwhile_is_for_them() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    world.lose(clinician);
    let outputs = world.say(host, offer(host, clinician));
    assert_eq!(kinds(&outputs, clinician), ["offer"]);
}

#[test]
fn an_old_socket_that_is_lost_late_changes_nothing() {
    let mut world = World::new();
    let (_, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let old = world.room.socket(clinician).unwrap();
    let resume = world.resume(clinician, socket(2, 1));
    world.apply(&resume);
    assert!(world.apply(&Command::Away { peer: clinician, socket: old }).is_empty());
    assert_eq!(world.room.socket(clinician), Some(socket(2, 1)));
}

#[test]
fn a_node_that_is_gone_takes_all_its_sockets_and_no_other() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter_by(host, 3, Role::Guest);
    let resume = world.resume(guest, socket(2, 1));
    world.apply(&resume);
    let outputs = world.apply(&Command::NodeGone { node: NodeId(1) });
    assert_eq!(kinds(&outputs, guest), ["peer_away", "peer_away"]);
    assert_eq!((world.room.socket(host), world.room.socket(clinician)), (None, None));
    assert!(world.apply(&Command::NodeGone { node: NodeId(1) }).is_empty());
}

#[test]
fn who_waits_can_be_admitted_while_away() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    assert!(world.lose(guest).is_empty(), "the lobby is nobody's business");
    let outputs = world.say(host, RoomRequest::Admit(guest));
    assert_eq!(kinds(&outputs, guest), ["joined"]);
    assert_eq!(message(&outputs, host, "peer_joined")["away"], true);
}

#[test]
fn a_dropped_wait_is_over() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    world.lose(guest);
    let outputs = world.after_ms(world.room.limits().away_ms_max);
    assert_eq!(message(&outputs, host, "ring_over")["because"], "left");
}
