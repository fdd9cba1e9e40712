//! The room's behaviours, one file each, over one small harness.

mod admission;
mod capacity;
mod finish;
mod grid;
mod lobby_wait;
mod media_state;
mod presence;
mod properties;
mod relay;
mod replaced;
mod together;
mod views;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::protocol::{Candidate, LeftBecause, RingOver};

/// A room with a clock in the test's hand.
pub(super) struct World {
    pub(super) room: Room,
    pub(super) now: DateTime<Utc>,
    peers: u128,
}

pub(super) fn profile(person: u128, role: Role) -> Profile {
    Profile {
        person: PersonId(Uuid::from_u128(person)),
        name: format!("{} {person}", role.name()),
        role,
        lobby: matches!(role, Role::Guest),
        publish: role != Role::Observer,
        control: matches!(role, Role::Host | Role::Clinician),
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(RoomLimits::default())
    }

    pub(super) fn with(limits: RoomLimits) -> Self {
        let consult = ConsultId(Uuid::from_u128(1));
        Self { room: Room::new(consult, limits, Past::default()), now: DateTime::UNIX_EPOCH, peers: 0 }
    }

    pub(super) fn pass_ms(&mut self, ms: i64) {
        self.now += TimeDelta::milliseconds(ms);
    }

    pub(super) fn connect(&mut self, profile: Profile) -> (PeerId, Vec<Output>) {
        self.peers += 1;
        let peer = PeerId(Uuid::from_u128(1000 + self.peers));
        (peer, self.room.handle(self.now, Input::Connected { peer, profile }))
    }

    pub(super) fn say(&mut self, peer: PeerId, request: Request) -> Vec<Output> {
        self.room.handle(self.now, Input::Said { peer, id: None, request })
    }

    pub(super) fn join(&mut self, peer: PeerId) -> Vec<Output> {
        self.say(peer, Request::Join(Media { audio: true, video: true }))
    }

    /// Connects and joins.
    pub(super) fn enter(&mut self, person: u128, role: Role) -> PeerId {
        let (peer, _) = self.connect(profile(person, role));
        self.join(peer);
        peer
    }

    pub(super) fn tick(&mut self) -> Vec<Output> {
        self.room.handle(self.now, Input::Tick)
    }

    pub(super) fn lose(&mut self, peer: PeerId) -> Vec<Output> {
        self.room.handle(self.now, Input::Lost { peer })
    }
}

pub(super) fn offer(to: PeerId) -> Request {
    Request::Relay { to, signal: Signal::Offer { sdp: "v=0".to_owned() } }
}

pub(super) fn sent_to(outputs: &[Output], peer: PeerId) -> Vec<&ServerMessage> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Send { to, message } if *to == peer => Some(message),
            _ => None,
        })
        .collect()
}

pub(super) fn error_to(outputs: &[Output], peer: PeerId) -> Option<ErrorCode> {
    sent_to(outputs, peer).into_iter().find_map(|m| match m {
        ServerMessage::Error { code, .. } => Some(*code),
        _ => None,
    })
}

pub(super) fn closed(outputs: &[Output], peer: PeerId) -> Option<CloseCode> {
    outputs.iter().find_map(|o| match o {
        Output::Close { peer: p, code } if *p == peer => Some(*code),
        _ => None,
    })
}

pub(super) fn facts(outputs: &[Output]) -> Vec<&Fact> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Fact(fact) => Some(fact),
            _ => None,
        })
        .collect()
}
