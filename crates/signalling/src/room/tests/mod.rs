//! The room's behaviours, one file each, over one small harness.

#![expect(clippy::unwrap_used, reason = "tests")]

mod admission;
mod away;
mod capacity;
mod capture;
mod chat;
mod elsewhere;
mod finish;
mod grid;
mod kick;
mod lobby_wait;
mod media_state;
mod notes;
mod numbering;
mod permit;
mod presence;
mod properties;
mod put_back;
mod relay;
mod replicas;
mod resume;
mod tickets;
mod together;
mod views;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::id::{Digest, NodeId};
use crate::protocol::{Consent, Elsewhere, Media};
use crate::role::Role;

/// A room with a clock in the test's hand.
#[derive(Clone)]
pub(super) struct World {
    pub(super) room: Room,
    pub(super) now: DateTime<Utc>,
    peers: u128,
    seqs: BTreeMap<PeerId, u64>,
}

pub(super) const MEDIA: Media = Media { audio: true, video: true, screen: false };
pub(super) const BOTH: Consent = Consent { recording: true, transcription: true };

pub(super) fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

pub(super) fn profile(n: u128, role: Role) -> Profile {
    Profile {
        person: person(n),
        name: format!("{} {n}", role.name()).into(),
        role,
        lobby: matches!(role, Role::Guest | Role::Interpreter),
        permissions: role.permissions(),
        organisation: None,
        until: None,
    }
}

pub(super) fn secret(peer: PeerId) -> Digest {
    Digest::of(peer.0.as_bytes())
}

pub(super) fn device(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(super) fn socket(node: u64, number: u64) -> Socket {
    Socket { node: NodeId(node), number }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(RoomLimits::default(), Past::default())
    }

    pub(super) fn with(limits: RoomLimits, past: Past) -> Self {
        let room = Room::open(ConsultId(Uuid::from_u128(1)));
        let mut world = Self { room, now: DateTime::UNIX_EPOCH, peers: 0, seqs: BTreeMap::new() };
        world.apply(&Command::Open { epoch: epoch(), past: Box::new(past), limits: Box::new(limits) });
        world
    }

    pub(super) fn apply(&mut self, command: &Command) -> Vec<RoomOutput> {
        self.room.apply(self.now, command)
    }

    pub(super) fn pass_ms(&mut self, ms: u64) {
        self.now += TimeDelta::milliseconds(i64::try_from(ms).unwrap());
    }

    /// Passes time and has the room notice.
    pub(super) fn after_ms(&mut self, ms: u64) -> Vec<RoomOutput> {
        self.pass_ms(ms);
        self.apply(&Command::Tick)
    }

    /// Somebody new, each with a ticket and a device of the person's own.
    pub(super) fn entrant(&mut self, profile: Profile) -> Entrant {
        self.peers += 1;
        let peer = PeerId(Uuid::from_u128(1000 + self.peers));
        let (n, ticket) = (profile.person.0.as_u128(), profile.person.0);
        Entrant {
            peer,
            secret: secret(peer),
            device: device(&format!("device of {n}")),
            ticket,
            issued_at: Some(self.now),
            profile,
        }
    }

    pub(super) fn enter_as(&mut self, entrant: Entrant) -> (PeerId, Vec<RoomOutput>) {
        let (peer, socket) = (entrant.peer, socket(1, u64::try_from(self.peers).unwrap()));
        (peer, self.apply(&Command::Enter { socket, entrant: Box::new(entrant) }))
    }

    pub(super) fn connect(&mut self, profile: Profile) -> (PeerId, Vec<RoomOutput>) {
        let entrant = self.entrant(profile);
        self.enter_as(entrant)
    }

    pub(super) fn say_as(&mut self, peer: PeerId, id: Option<&str>, request: RoomRequest) -> Vec<RoomOutput> {
        let seq = self.seqs.entry(peer).or_default();
        *seq += 1;
        let socket = self.room.socket(peer).unwrap_or(socket(0, 0));
        let command = Command::Request { peer, socket, seq: *seq, ack: 0, id: id.map(Into::into), request };
        self.apply(&command)
    }

    pub(super) fn say(&mut self, peer: PeerId, request: RoomRequest) -> Vec<RoomOutput> {
        self.say_as(peer, None, request)
    }

    pub(super) fn join(&mut self, peer: PeerId) -> Vec<RoomOutput> {
        self.join_with(peer, Consent::default(), None)
    }

    pub(super) fn join_with(
        &mut self,
        peer: PeerId,
        consent: Consent,
        elsewhere: Option<Elsewhere>,
    ) -> Vec<RoomOutput> {
        self.say(peer, RoomRequest::Join { media: MEDIA, consent, elsewhere })
    }

    /// Connects and joins.
    pub(super) fn enter(&mut self, person: u128, role: Role) -> PeerId {
        let (peer, _) = self.connect(profile(person, role));
        self.join(peer);
        peer
    }

    /// Connects, joins and is admitted.
    pub(super) fn enter_by(&mut self, staff: PeerId, person: u128, role: Role) -> PeerId {
        let peer = self.enter(person, role);
        self.say(staff, RoomRequest::Admit(peer));
        assert!(self.room.insider(peer).is_ok());
        peer
    }

    pub(super) fn lose(&mut self, peer: PeerId) -> Vec<RoomOutput> {
        let socket = self.room.socket(peer).unwrap();
        self.apply(&Command::Away { peer, socket })
    }

    pub(super) fn resume(&mut self, peer: PeerId, to: Socket) -> Command {
        Command::Resume {
            socket: to,
            peer,
            secret: secret(peer),
            device: self.room.find(peer).unwrap().device,
            epoch: epoch(),
            received: 0,
            snapshot: false,
            attached_times: self.room.attached_times(peer),
            fallback: None,
        }
    }
}

pub(super) fn epoch() -> Epoch {
    Epoch(Uuid::from_u128(7))
}

pub(super) fn offer(from: PeerId, to: PeerId) -> RoomRequest {
    RoomRequest::Relay { to, body: Body::passed_on("offer", from, "sdp", r#""v=0""#) }
}

pub(super) fn sent_to(outputs: &[RoomOutput], peer: PeerId) -> Vec<Value> {
    let to = |output: &RoomOutput| match output {
        RoomOutput::Send { to, body } if *to == peer => Some(serde_json::from_str(body.as_str()).unwrap()),
        _ => None,
    };
    outputs.iter().filter_map(to).collect()
}

pub(super) fn kinds(outputs: &[RoomOutput], peer: PeerId) -> Vec<String> {
    sent_to(outputs, peer).iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
}

/// The only message of a kind to somebody.
pub(super) fn message(outputs: &[RoomOutput], peer: PeerId, kind: &str) -> Value {
    let found: Vec<Value> = sent_to(outputs, peer).into_iter().filter(|message| message["type"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind} in {:?}", kinds(outputs, peer));
    found[0].clone()
}

pub(super) fn error_to(outputs: &[RoomOutput], peer: PeerId) -> Option<String> {
    let error = sent_to(outputs, peer).into_iter().find(|message| message["type"] == "error")?;
    Some(error["code"].as_str().unwrap().to_owned())
}

pub(super) fn ended(outputs: &[RoomOutput], peer: PeerId) -> Option<CloseCode> {
    outputs.iter().find_map(|output| match output {
        RoomOutput::Ended { peer: p, code, .. } if *p == peer => Some(*code),
        _ => None,
    })
}

pub(super) fn turned_away(outputs: &[RoomOutput]) -> Option<(ErrorCode, CloseCode)> {
    outputs.iter().find_map(|output| match output {
        RoomOutput::TurnAway { error, code, .. } => Some((*error, *code)),
        _ => None,
    })
}

pub(super) fn greeting(outputs: &[RoomOutput]) -> &Greeting {
    let greetings = outputs.iter().filter_map(|output| match output {
        RoomOutput::Welcome(greeting) => Some(greeting),
        _ => None,
    });
    greetings.into_iter().next_back().unwrap()
}

pub(super) fn facts(outputs: &[RoomOutput]) -> Vec<&Fact> {
    let mut facts = Vec::new();
    for output in outputs {
        if let RoomOutput::Fact(fact) = output {
            facts.push(fact);
        }
    }
    facts
}
