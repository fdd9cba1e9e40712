//! Going on with a session at another socket.

use super::*;
use crate::protocol::{NewBecause, Resumed, SnapshotBecause};

fn with(command: Command, change: impl FnOnce(&mut Command)) -> Command {
    let mut command = command;
    change(&mut command);
    command
}

#[test]
fn the_older_socket_is_closed_and_everything_stays() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let resume = world.resume(clinician, socket(2, 9));
    let outputs = world.apply(&resume);
    assert!(
        matches!(outputs[0], RoomOutput::CloseSocket { socket: s, code: CloseCode::Replaced } if s == socket(1, 2))
    );
    let greeting = greeting(&outputs);
    assert_eq!((greeting.resumed, greeting.peer, greeting.ack), (Resumed::Exact, clinician, 1));
    assert_eq!((greeting.place, greeting.room.is_some()), (crate::protocol::Place::Inside, false));
    assert!(kinds(&outputs, host).is_empty(), "the others notice nothing");
}

#[test]
fn a_snapshot_is_the_room_and_the_others_start_their_connections_anew() {
    for (asked, trimmed, because) in [(true, false, SnapshotBecause::Asked), (false, true, SnapshotBecause::LogTrimmed)]
    {
        let mut world = World::new();
        let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
        world.lose(clinician);
        let resume = with(world.resume(clinician, socket(2, 9)), |command| {
            let Command::Resume { snapshot, .. } = command else { panic!() };
            *snapshot = asked;
        });
        let mut outputs = Vec::new();
        world.room.apply_into(world.now, &resume, trimmed, &mut outputs);
        let greeting = greeting(&outputs);
        assert_eq!(greeting.resumed, Resumed::Snapshot(because));
        assert_eq!(greeting.room.as_ref().unwrap().peers.len(), 2);
        assert_eq!(kinds(&outputs, host), ["peer_back", "peer_reset"]);
    }
}

#[test]
fn a_snapshot_in_the_lobby_says_since_when() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let guest = world.enter(3, Role::Guest);
    let resume = with(world.resume(guest, socket(2, 9)), |command| {
        let Command::Resume { snapshot, .. } = command else { panic!() };
        *snapshot = true;
    });
    let outputs = world.apply(&resume);
    assert_eq!((kinds(&outputs, guest), kinds(&outputs, host).len()), (vec!["lobby".into()], 0));
    let room = greeting(&outputs).room.as_ref().unwrap();
    assert_eq!((room.people, room.peers.len()), (1, 0), "a person who waits sees numbers");
}

#[test]
fn a_forged_or_foreign_resume_takes_nothing_from_anybody() {
    let mut world = World::new();
    world.enter(1, Role::Host);
    let clinician = world.enter(2, Role::Clinician);
    let good = world.resume(clinician, socket(2, 9));
    let wrong_secret = with(good.clone(), |command| {
        let Command::Resume { secret, .. } = command else { panic!() };
        *secret = Digest::of(b"guess");
    });
    let wrong_device = with(good.clone(), |command| {
        let Command::Resume { device: d, .. } = command else { panic!() };
        *d = device("stolen");
    });
    let wrong_epoch = with(good.clone(), |command| {
        let Command::Resume { epoch, .. } = command else { panic!() };
        *epoch = Epoch(Uuid::from_u128(8));
    });
    let unknown = with(good, |command| {
        let Command::Resume { peer, .. } = command else { panic!() };
        *peer = PeerId(Uuid::from_u128(5));
    });
    let before = world.room.clone();
    for (resume, because) in [
        (wrong_secret, NewBecause::ResumeRefused),
        (wrong_device, NewBecause::ResumeRefused),
        (wrong_epoch, NewBecause::EpochChanged),
        (unknown, NewBecause::UnknownSession),
    ] {
        let outputs = world.apply(&resume);
        assert_eq!(outputs.len(), 1);
        assert_eq!(turned_away(&outputs), Some((ErrorCode::ResumeImpossible, CloseCode::ResumeImpossible)));
        assert_eq!(world.room, before);
        let mut with_ticket = world.clone();
        let entrant = with_ticket.entrant(profile(4, Role::Guest));
        let resume = with(resume, |command| {
            let Command::Resume { fallback, .. } = command else { panic!() };
            *fallback = Some(Box::new(entrant.clone()));
        });
        let outputs = with_ticket.apply(&resume);
        let greeting = greeting(&outputs);
        assert_eq!((greeting.resumed, greeting.peer), (Resumed::New(Some(because)), entrant.peer));
        assert_eq!(with_ticket.room.socket(clinician), before.socket(clinician));
    }
}

#[test]
fn of_two_resumes_that_cross_neither_costs_the_client_its_session() {
    // The slow node knew the session as it was, or had not heard of it.
    crossed(Some(1));
    crossed(None);
}

fn crossed(seen: Option<u64>) {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let asks = |world: &mut World, socket| {
        with(world.resume(clinician, socket), |command| {
            let Command::Resume { attached_times, .. } = command else { panic!() };
            *attached_times = seen;
        })
    };
    // The first node's log is slow; the client goes on at the second, and then the first one's entry comes through.
    let (late, newer) = (asks(&mut world, socket(2, 9)), asks(&mut world, socket(3, 9)));
    world.apply(&newer);
    let mut trimmed = Vec::new();
    let before = world.room.clone();
    world.room.apply_into(world.now, &late, true, &mut trimmed);
    assert_eq!(turned_away(&trimmed), Some((ErrorCode::Unavailable, CloseCode::Unavailable)));
    assert_eq!((trimmed.len(), &world.room), (1, &before), "it would let go of what the newer one has not received");
    let outputs = world.apply(&late);
    assert!(
        matches!(outputs[0], RoomOutput::CloseSocket { socket: s, code: CloseCode::Unavailable } if s == socket(3, 9)),
        "the client of that socket comes again: {outputs:?}"
    );
    assert_eq!(greeting(&outputs).resumed, Resumed::Exact);
    assert!(kinds(&outputs, host).is_empty(), "the others notice nothing");
}
