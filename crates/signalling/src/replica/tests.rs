//! Numbers, bounds and snapshots of a replica.
#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::id::{Digest, NodeId, PersonId};
use crate::permissions::Permissions;
use crate::protocol::{Body, Consent, Media, SnapshotBecause};
use crate::role::Role;
use crate::room::{ENTRY_VERSION, Entrant, Past, Profile, RoomRequest};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn peer(n: u128) -> PeerId {
    PeerId(Uuid::from_u128(n))
}

fn socket(number: u64) -> Socket {
    Socket { node: NodeId(1), number }
}

fn digest(n: u128) -> Digest {
    Digest::of(&n.to_be_bytes())
}

fn epoch() -> Epoch {
    Epoch(Uuid::from_u128(99))
}

/// A room with two people inside, its bounds changed.
fn pair(change: impl FnOnce(&mut RoomLimits)) -> Replica {
    let mut replica = Replica::new(ConsultId(Uuid::from_u128(7)));
    let mut limits = RoomLimits::default();
    change(&mut limits);
    apply(&mut replica, Command::Open { epoch: epoch(), past: Box::new(Past::default()), limits: Box::new(limits) });
    for n in [1, 2] {
        enter(&mut replica, n);
    }
    for n in [1, 2] {
        let last = replica.outbox(peer(n)).unwrap().last();
        replica.acknowledge(peer(n), last);
    }
    replica
}

fn enter(replica: &mut Replica, n: u128) {
    let profile = Profile {
        person: PersonId(Uuid::from_u128(n)),
        name: "x".into(),
        role: Role::Host,
        lobby: false,
        permissions: Permissions::ALL,
        organisation: None,
        until: None,
    };
    let (secret, device) = (digest(n), digest(n + 100));
    let entrant = Entrant { peer: peer(n), secret, device, ticket: Uuid::from_u128(n), issued_at: None, profile };
    let number = u64::try_from(n).unwrap();
    apply(replica, Command::Enter { socket: socket(number), entrant: Box::new(entrant) });
    let join = RoomRequest::Join { media: Media::default(), consent: Consent::default(), elsewhere: None };
    say(replica, n, 1, join);
}

#[expect(clippy::needless_pass_by_value, reason = "commands are written in place")]
fn apply(replica: &mut Replica, command: Command) -> Vec<Effect> {
    let mut effects = Vec::new();
    replica.apply_next(at(0), &command, &mut effects);
    effects
}

fn say(replica: &mut Replica, n: u128, seq: u64, request: RoomRequest) -> Vec<Effect> {
    let socket = replica.room().socket(peer(n)).unwrap();
    apply(replica, Command::Request { peer: peer(n), socket, seq, ack: 0, id: None, request })
}

fn message(len: usize) -> RoomRequest {
    RoomRequest::Relay { to: peer(2), body: Body::render(&serde_json::json!({ "data": "x".repeat(len) })) }
}

fn resume(received: u64, snapshot: bool) -> Command {
    Command::Resume {
        socket: socket(9),
        peer: peer(2),
        secret: digest(2),
        device: digest(102),
        epoch: epoch(),
        received,
        snapshot,
        attached_times: Some(1),
        fallback: None,
    }
}

fn welcome(effects: &[Effect]) -> (Resumed, u64) {
    let welcomes = effects.iter().find_map(|effect| match effect {
        Effect::Welcome { greeting, seq } => Some((greeting.resumed, *seq)),
        _ => None,
    });
    welcomes.unwrap_or_else(|| panic!("{effects:?}"))
}

#[test]
fn a_resume_gets_what_follows_its_number_and_lets_go_of_the_rest() {
    let mut replica = pair(|_| {});
    let before = replica.outbox(peer(2)).unwrap().last();
    for seq in 2..=11 {
        assert_eq!(say(&mut replica, 1, seq, message(10)), [Effect::Deliver(peer(2))]);
    }
    assert_eq!(welcome(&apply(&mut replica, resume(before + 4, false))), (Resumed::Exact, before + 4));
    let outbox = replica.outbox(peer(2)).unwrap();
    let left: Vec<u64> = outbox.after(before + 4).map(|(seq, _)| seq).collect();
    assert_eq!((left, outbox.len()), ((before + 5..=before + 10).collect(), 6));
}

#[test]
fn a_repeat_of_what_was_said_is_not_delivered_again() {
    let mut replica = pair(|_| {});
    assert_eq!(say(&mut replica, 1, 2, message(10)).len(), 1);
    assert_eq!(say(&mut replica, 1, 2, message(10)), []);
    assert_eq!(replica.room().received(peer(1)), Some(2));
}

#[test]
fn whose_messages_were_let_go_of_is_told_and_resumes_from_a_snapshot() {
    for change in [
        (|l| l.unread_messages_max = 5) as fn(&mut RoomLimits),
        |l| l.unread_bytes_max = 900,
        |l| l.unread_room_bytes_max = 900,
    ] {
        let mut replica = pair(change);
        let before = replica.outbox(peer(2)).unwrap().last();
        let mut overrun = Vec::new();
        for seq in 2..=7 {
            overrun
                .extend(say(&mut replica, 1, seq, message(160)).into_iter().filter(|e| *e == Effect::Overrun(peer(2))));
        }
        assert_eq!(overrun.len(), 1, "{overrun:?}");
        assert!(replica.bytes <= 1_000 && replica.outbox(peer(2)).unwrap().len() <= 5);
        let (resumed, seq) = welcome(&apply(&mut replica, resume(before, false)));
        assert_eq!(resumed, Resumed::Snapshot(SnapshotBecause::LogTrimmed));
        assert_eq!(seq, before + 6, "numbers go on");
        assert!(replica.outbox(peer(2)).unwrap().is_empty());
    }
}

#[test]
fn a_number_from_the_future_is_not_believed() {
    let mut replica = pair(|_| {});
    let (resumed, _) = welcome(&apply(&mut replica, resume(1_000, false)));
    assert_eq!(resumed, Resumed::Snapshot(SnapshotBecause::LogTrimmed));
}

#[test]
fn a_wrong_secret_neither_resumes_nor_lets_anything_go() {
    let mut replica = pair(|_| {});
    say(&mut replica, 1, 2, message(10));
    let kept = replica.outbox(peer(2)).unwrap().clone();
    let Command::Resume { socket, peer: session, device, epoch, .. } = resume(0, true) else { panic!() };
    let forged = Command::Resume {
        socket,
        peer: session,
        secret: digest(3),
        device,
        epoch,
        received: kept.last(),
        snapshot: true,
        attached_times: None,
        fallback: None,
    };
    let effects = apply(&mut replica, forged);
    assert!(matches!(effects[..], [Effect::TurnAway { error: ErrorCode::ResumeImpossible, .. }]), "{effects:?}");
    assert_eq!(replica.outbox(peer(2)), Some(&kept));
}

#[test]
fn who_leaves_takes_what_was_not_delivered_along() {
    let mut replica = pair(|_| {});
    say(&mut replica, 1, 2, message(10));
    let effects = say(&mut replica, 2, 2, RoomRequest::Leave);
    let rest = effects.iter().find_map(|effect| match effect {
        Effect::Ended { peer: who, rest, code: CloseCode::Normal, .. } if *who == peer(2) => Some(rest.len()),
        _ => None,
    });
    assert_eq!(rest, Some(1));
    assert!(replica.outbox(peer(2)).is_none());
}

#[test]
fn an_entry_is_applied_once_and_its_facts_have_the_same_names_everywhere() {
    let entry = Entry {
        v: ENTRY_VERSION,
        at: at(5),
        node: NodeId(1),
        batch: 1,
        commands: vec![
            Command::Request {
                peer: peer(1),
                socket: socket(1),
                seq: 2,
                ack: 0,
                id: None,
                request: RoomRequest::Leave,
            },
            Command::Request {
                peer: peer(2),
                socket: socket(2),
                seq: 2,
                ack: 0,
                id: None,
                request: RoomRequest::Leave,
            },
        ],
    };
    let mut effects = [Vec::new(), Vec::new()];
    for effects in &mut effects {
        let mut replica = pair(|_| {});
        let position = Position(replica.position().0 + 10);
        replica.apply_entry(position, &entry, effects);
        let once = effects.len();
        replica.apply_entry(position, &entry, effects);
        assert_eq!(effects.len(), once);
    }
    assert_eq!(effects[0], effects[1]);
    let names: Vec<FactId> =
        effects[0].iter().filter_map(|e| if let Effect::Fact { id, .. } = e { Some(*id) } else { None }).collect();
    assert!(names.len() >= 2 && names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
}

#[test]
fn a_copy_from_its_serialised_form_goes_on_as_the_original_does() {
    let mut replica = pair(|_| {});
    say(&mut replica, 1, 2, message(10));
    let bytes = rmp_serde::to_vec_named(&replica).unwrap();
    let mut copy: Replica = rmp_serde::from_slice(&bytes).unwrap();
    assert!(copy.is_readable());
    assert_eq!(copy.outbox(peer(2)), replica.outbox(peer(2)));
    for command in [resume(replica.outbox(peer(2)).unwrap().last() - 1, false), Command::Tick] {
        assert_eq!(apply(&mut copy, command.clone()), apply(&mut replica, command));
    }
    assert_eq!(rmp_serde::to_vec_named(&copy).unwrap(), rmp_serde::to_vec_named(&replica).unwrap());
}

#[test]
fn a_resume_that_comes_too_late_lets_go_of_nothing() {
    let mut replica = pair(|_| {});
    let before = replica.outbox(peer(2)).unwrap().last();
    let asks = |received, n, seen| {
        let mut command = resume(received, false);
        let Command::Resume { socket: at, attached_times, .. } = &mut command else { panic!() };
        (*at, *attached_times) = (socket(n), seen);
        command
    };
    let seen = replica.room().attached_times(peer(2));
    say(&mut replica, 1, 2, message(10));
    say(&mut replica, 1, 3, message(10));
    assert_eq!(welcome(&apply(&mut replica, asks(before, 10, seen))), (Resumed::Exact, before));
    // It has what came first, and something follows; then what it said to another node before comes through.
    apply(&mut replica, Command::Acked { peer: peer(2), ack: before + 1 });
    let effects = apply(&mut replica, asks(before, 9, seen));
    assert!(matches!(effects[..], [Effect::TurnAway { error: ErrorCode::Unavailable, .. }]), "{effects:?}");
    let seen = replica.room().attached_times(peer(2));
    assert_eq!(welcome(&apply(&mut replica, asks(before + 1, 11, seen))), (Resumed::Exact, before + 1));
}
