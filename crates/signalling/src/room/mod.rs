//! The room of one consult as a pure state machine: `handle(now, Input) -> Vec<Output>`.
//!
//! Invariants (each has a test; the first two also a property test):
//! - Nobody receives a relayed message before they are joined, and only the named peer receives it.
//! - Nobody whose ticket says `lobby` is joined unless somebody with `control` admitted that person.
//! - A finished room stays finished.
//! - No task, lock, socket or clock is in here; `now` is a parameter and effects are [`Output`]s.
//!
//! What comes later (an ordered log, resume) wraps this: inputs are what a log replays.

mod admission;
mod presence;
mod relay;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::id::{ConsultId, PeerId, PersonId};
use crate::protocol::{CloseCode, ErrorCode, Media, PeerView, RoomView, ServerMessage, Signal};
use crate::ticket::Role;
pub use presence::Together;

/// The bounds of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomLimits {
    /// How many can be joined at once.
    pub people_max: usize,
    /// How many can wait in the lobby at once.
    pub lobby_max: usize,
    /// How many connections there can be in all, those that have not said `join` included.
    pub seats_max: usize,
    /// How long somebody waits in the lobby at most, in milliseconds.
    pub lobby_wait_ms_max: u64,
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self { people_max: 6, lobby_max: 8, seats_max: 32, lobby_wait_ms_max: 30 * 60 * 1000 }
    }
}

/// Who somebody is, from their ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The person.
    pub person: PersonId,
    /// The name that the others see.
    pub name: String,
    /// What they are in this consult.
    pub role: Role,
    /// Whether they wait to be admitted.
    pub lobby: bool,
    /// Whether they may send sound and picture.
    pub publish: bool,
    /// Whether they may admit, refuse and finish.
    pub control: bool,
}

/// What somebody asks of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Enter.
    Join(Media),
    /// Let somebody in.
    Admit(PeerId),
    /// Send somebody away.
    Refuse(PeerId),
    /// Pass something on to one peer.
    Relay {
        /// To whom.
        to: PeerId,
        /// What.
        signal: Signal,
    },
    /// Own sound and picture went on or off.
    State(Media),
    /// Hang up.
    Leave,
    /// End the visit for all.
    Finish,
}

/// What happens to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A connection showed a valid ticket.
    Connected {
        /// Its id; never used before.
        peer: PeerId,
        /// Who it is.
        profile: Profile,
    },
    /// A connection asks for something.
    Said {
        /// Which connection.
        peer: PeerId,
        /// Its name for the message.
        id: Option<String>,
        /// What it asks.
        request: Request,
    },
    /// A connection is gone without saying so.
    Lost {
        /// Which connection.
        peer: PeerId,
    },
    /// Time has passed.
    Tick,
}

/// What the room wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer a `hello`; the session adds what only it knows (ICE servers, limits).
    Welcome {
        /// To whom.
        to: PeerId,
        /// Themselves, as the others will see them.
        you: PeerView,
        /// Whether joining leads to the lobby.
        lobby: bool,
        /// The room as that person may see it.
        room: RoomView,
    },
    /// Send a message.
    Send {
        /// To whom.
        to: PeerId,
        /// What.
        message: ServerMessage,
    },
    /// Close a connection after what was sent to it; the room has forgotten it.
    Close {
        /// Which connection.
        peer: PeerId,
        /// Why.
        code: CloseCode,
    },
    /// Something the booking side must learn, durably.
    Fact(Fact),
}

/// Something that happened, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The first time that host and clinician are both in the room.
    Started {
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody came or went.
    Attendance {
        /// Who.
        person: PersonId,
        /// What they are.
        role: Role,
        /// Came, or went.
        joined: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// The visit was ended for all.
    Finished {
        /// Who did it.
        by: PersonId,
        /// When.
        at: DateTime<Utc>,
        /// How long host and clinician were together.
        together_seconds: u64,
    },
}

/// The most facts that one input can give: everybody leaves, and the visit is finished.
pub const FACTS_PER_INPUT_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Connected, and has not said `join`.
    Hall,
    /// Waits to be admitted.
    Lobby { since: DateTime<Utc>, media: Media },
    /// In.
    Joined { media: Media },
}

#[derive(Clone, Debug)]
struct Seat {
    profile: Profile,
    place: Place,
}

/// What is known of a consult from before this process, or this room, existed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Since when host and clinician have first been together.
    pub started_at: Option<DateTime<Utc>>,
    /// Whether the visit was finished.
    pub finished: bool,
}

/// The room.
#[derive(Clone, Debug)]
pub struct Room {
    consult: ConsultId,
    limits: RoomLimits,
    finished: bool,
    seats: BTreeMap<PeerId, Seat>,
    admitted: BTreeSet<PersonId>,
    started_at: Option<DateTime<Utc>>,
    together: Together,
}

/// A request that is not carried out.
struct Denied(ErrorCode, &'static str);

type Outcome = Result<Vec<Output>, Denied>;

impl Room {
    /// An empty room.
    pub fn new(consult: ConsultId, limits: RoomLimits, past: Past) -> Self {
        Self {
            consult,
            limits,
            finished: past.finished,
            seats: BTreeMap::new(),
            admitted: BTreeSet::new(),
            started_at: past.started_at,
            together: Together::default(),
        }
    }

    /// Takes one input; the outputs are to be done in order.
    pub fn handle(&mut self, now: DateTime<Utc>, input: Input) -> Vec<Output> {
        match input {
            Input::Connected { peer, profile } => self.connected(peer, profile),
            Input::Said { peer, id, request } => self.said(now, peer, id, request),
            Input::Lost { peer } => self.lost(now, peer),
            Input::Tick => self.tick(now),
        }
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Whether somebody is connected as `peer`.
    pub fn knows(&self, peer: PeerId) -> bool {
        self.seats.contains_key(&peer)
    }

    /// When a `Tick` has something to do next.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        self.waiting().map(|(_, _, since)| since + self.lobby_wait()).min()
    }

    fn said(&mut self, now: DateTime<Utc>, peer: PeerId, id: Option<String>, request: Request) -> Vec<Output> {
        if !self.knows(peer) {
            return Vec::new();
        }
        let outcome = match request {
            Request::Join(media) => self.join(now, peer, media),
            Request::Admit(whom) => self.admit(now, peer, whom),
            Request::Refuse(whom) => self.refuse(peer, whom),
            Request::Relay { to, signal } => self.relay(peer, to, signal),
            Request::State(media) => self.set_media(peer, media),
            Request::Leave => Ok(self.leave(now, peer)),
            Request::Finish => self.finish(now, peer),
        };
        match (outcome, id) {
            // The answer to a message comes before what the message causes.
            (Ok(mut outputs), Some(re)) => {
                outputs.insert(0, send(peer, ServerMessage::Ok { re }));
                outputs
            }
            (Ok(outputs), None) => outputs,
            (Err(Denied(code, words)), re) => vec![send(peer, ServerMessage::error(code, words, re))],
        }
    }

    fn lobby_wait(&self) -> Duration {
        Duration::from_millis(self.limits.lobby_wait_ms_max)
    }

    fn joined(&self) -> impl Iterator<Item = (PeerId, &Profile, Media)> {
        self.seats.iter().filter_map(|(id, seat)| match seat.place {
            Place::Joined { media } => Some((*id, &seat.profile, media)),
            _ => None,
        })
    }

    fn waiting(&self) -> impl Iterator<Item = (PeerId, &Profile, DateTime<Utc>)> {
        self.seats.iter().filter_map(|(id, seat)| match seat.place {
            Place::Lobby { since, .. } => Some((*id, &seat.profile, since)),
            _ => None,
        })
    }

    /// Tells everybody inside but `except`.
    fn tell_joined(&self, except: PeerId, message: &ServerMessage) -> Vec<Output> {
        self.joined().filter(|(id, ..)| *id != except).map(|(id, ..)| send(id, message.clone())).collect()
    }

    /// Tells everybody inside who can admit.
    fn tell_control(&self, message: &ServerMessage) -> Vec<Output> {
        self.joined().filter(|(_, p, _)| p.control).map(|(id, ..)| send(id, message.clone())).collect()
    }

    /// The profile of a joined peer, or the reason why not.
    fn joined_profile(&self, peer: PeerId) -> Result<&Profile, Denied> {
        match self.seats.get(&peer) {
            Some(Seat { profile, place: Place::Joined { .. } }) => Ok(profile),
            _ => Err(Denied(ErrorCode::NotJoined, "say `join` first and wait for `joined`")),
        }
    }

    /// The profile of a joined peer that may admit, refuse and finish.
    fn controlling(&self, peer: PeerId) -> Result<&Profile, Denied> {
        let profile = self.joined_profile(peer)?;
        if profile.control { Ok(profile) } else { Err(Denied(ErrorCode::NotPermitted, "your ticket has no `control`")) }
    }
}

fn send(to: PeerId, message: ServerMessage) -> Output {
    Output::Send { to, message }
}
