//! A room and what it says to each of its sessions, as one node holds them: the same on every node that
//! has applied the same entries of the room's log.
//!
//! Pure: [`Replica::apply_entry`] gives effects, and the cell, which holds the sockets, carries out those of its own.
//! Invariants (each has a test):
//! - A message's number depends on the log alone, so a session can go on at any node.
//! - What is kept for one session, and for all of a room, is bounded; whose messages had to be let go of is
//!   told so and resumes with a snapshot, never with a gap.

mod outbox;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ConsultId, Epoch, PeerId, Socket};
use crate::log::Position;
use crate::protocol::{CloseCode, ErrorCode, Resumed};
use crate::room::{Command, Entry, Fact, Greeting, Room, RoomLimits, RoomOutput};
pub use outbox::SessionOutbox;

/// The version of [`Replica`]'s serialised form.
pub const SNAPSHOT_VERSION: u16 = 1;

/// A fact's name: the same on every node, so that it is written once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactId {
    /// The log's life.
    pub epoch: Epoch,
    /// The entry.
    pub position: Position,
    /// Which of the entry's facts.
    pub index: u32,
}

/// The effect of an applied entry, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A session's outbox has grown.
    Deliver(PeerId),
    /// Answer a `hello`; the socket is the session's from now on.
    Welcome {
        /// The room's part.
        greeting: Box<Greeting>,
        /// The last number of the relay's before what follows.
        seq: u64,
    },
    /// Say this to a socket and close it.
    TurnAway {
        /// The socket, by its node and its number there.
        socket: Socket,
        /// The kind of error.
        error: ErrorCode,
        /// For the client's developer.
        words: &'static str,
        /// How it is closed.
        code: CloseCode,
    },
    /// Close a socket whose session goes on at another.
    CloseSocket {
        /// The socket, by its node and its number there.
        socket: Socket,
        /// The close code that the socket's client gets.
        code: CloseCode,
    },
    /// A session is over: say what is left, then close.
    Ended {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// Where it was.
        socket: Option<Socket>,
        /// The close code that the socket's client gets.
        code: CloseCode,
        /// The messages that it may not have received.
        rest: SessionOutbox,
    },
    /// The messages kept for a session had to be let go of: its reader is too slow.
    Overrun(PeerId),
    /// Write this down.
    Fact {
        /// Its name.
        id: FactId,
        /// The fact, as the room says it.
        fact: Fact,
    },
}

/// A room and its outboxes at one place of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replica {
    v: u16,
    room: Room,
    epoch: Option<Epoch>,
    position: Position,
    /// Facts that the entry at `position` has given so far.
    facts: u32,
    bounds: Bounds,
    sessions: Vec<PeerOutbox>,
    /// Bytes in all outboxes.
    bytes: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PeerOutbox {
    peer: PeerId,
    outbox: SessionOutbox,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Bounds {
    session_messages: usize,
    session_bytes: usize,
    room_bytes: usize,
}

impl From<&RoomLimits> for Bounds {
    fn from(limits: &RoomLimits) -> Self {
        Self {
            session_messages: limits.unread_messages_max,
            session_bytes: limits.unread_bytes_max,
            room_bytes: limits.unread_room_bytes_max,
        }
    }
}

impl Replica {
    /// A room before its first entry.
    pub fn new(consult: ConsultId) -> Self {
        Self {
            v: SNAPSHOT_VERSION,
            room: Room::open(consult),
            epoch: None,
            position: Position::START,
            facts: 0,
            bounds: Bounds::default(),
            sessions: Vec::new(),
            bytes: 0,
        }
    }

    /// Applies an entry; one that was applied before has no effect.
    pub fn apply_entry(&mut self, position: Position, entry: &Entry, effects: &mut Vec<Effect>) {
        if position <= self.position {
            return;
        }
        self.move_to(position);
        for command in &entry.commands {
            self.command(entry.at, command, effects);
        }
    }

    /// Applies one command as the next entry; for a log that is nowhere but here.
    pub fn apply_next(&mut self, at: DateTime<Utc>, command: &Command, effects: &mut Vec<Effect>) {
        self.move_to(Position(self.position.0 + 1));
        self.command(at, command, effects);
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The log's life, once it has begun.
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The place up to which the log was applied.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether this form of a replica is understood here.
    pub fn is_readable(&self) -> bool {
        self.v == SNAPSHOT_VERSION
    }

    /// A session's outbox.
    pub fn outbox(&self, peer: PeerId) -> Option<&SessionOutbox> {
        self.find(peer).map(|at| &self.sessions[at].outbox)
    }

    /// Everything up to `ack` has arrived at a session.
    pub fn acknowledge(&mut self, peer: PeerId, ack: u64) {
        if let Some(at) = self.find(peer) {
            self.bytes -= self.sessions[at].outbox.acknowledge(ack);
        }
    }

    fn find(&self, peer: PeerId) -> Option<usize> {
        // A handful in a room: as quick as a search, and nothing to allocate.
        self.sessions.iter().position(|session| session.peer == peer)
    }

    fn move_to(&mut self, position: Position) {
        self.position = position;
        self.facts = 0;
    }

    fn command(&mut self, at: DateTime<Utc>, command: &Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Request { peer, ack, .. } | Command::Acked { peer, ack } => self.acknowledge(*peer, *ack),
            Command::Open { epoch, limits, .. } if self.epoch.is_none() => {
                self.epoch = Some(*epoch);
                self.bounds = Bounds::from(&**limits);
            }
            _ => {}
        }
        let trimmed = match command {
            Command::Resume { peer, received, .. } => self.outbox(*peer).is_some_and(|o| !o.covers(*received)),
            _ => false,
        };
        let mut outputs = Vec::new();
        self.room.apply_into(at, command, trimmed, &mut outputs);
        for output in outputs {
            self.output(command, output, effects);
        }
    }

    fn output(&mut self, command: &Command, output: RoomOutput, effects: &mut Vec<Effect>) {
        match output {
            RoomOutput::Send { to, body } => {
                let Some(at) = self.find(to) else { return };
                self.bytes += body.len();
                self.sessions[at].outbox.push(body);
                effects.push(Effect::Deliver(to));
                self.keep_bounds(at, effects);
            }
            RoomOutput::Welcome(greeting) => {
                let seq = self.welcome(command, &greeting);
                effects.push(Effect::Welcome { greeting, seq });
            }
            RoomOutput::TurnAway { socket, error, words, code } => {
                effects.push(Effect::TurnAway { socket, error, words, code });
            }
            RoomOutput::CloseSocket { socket, code } => effects.push(Effect::CloseSocket { socket, code }),
            RoomOutput::Ended { peer, socket, code } => {
                let rest = self.find(peer).map(|at| self.sessions.remove(at).outbox).unwrap_or_default();
                self.bytes -= rest.bytes();
                effects.push(Effect::Ended { peer, socket, code, rest });
            }
            RoomOutput::Fact(fact) => {
                let Some(epoch) = self.epoch else { return };
                let id = FactId { epoch, position: self.position, index: self.facts };
                self.facts += 1;
                effects.push(Effect::Fact { id, fact });
            }
        }
    }

    /// Makes or aligns the session's outbox; the number before what follows.
    fn welcome(&mut self, command: &Command, greeting: &Greeting) -> u64 {
        let at = self.find(greeting.peer).unwrap_or_else(|| {
            self.sessions.reserve_exact(1);
            self.sessions.push(PeerOutbox { peer: greeting.peer, outbox: SessionOutbox::default() });
            self.sessions.len() - 1
        });
        let outbox = &mut self.sessions[at].outbox;
        match (&greeting.resumed, command) {
            (Resumed::Exact, Command::Resume { received, .. }) => {
                self.bytes -= outbox.acknowledge(*received);
                *received
            }
            _ => {
                self.bytes -= outbox.let_go();
                outbox.last()
            }
        }
    }

    fn keep_bounds(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let Bounds { session_messages, session_bytes, room_bytes } = self.bounds;
        let PeerOutbox { outbox, .. } = &self.sessions[at];
        if outbox.len() > session_messages || outbox.bytes() > session_bytes {
            self.overrun(at, effects);
        }
        while self.bytes > room_bytes {
            // The one who is furthest behind, and of equals the first.
            let worst = self.sessions.iter().enumerate().max_by_key(|(at, s)| (s.outbox.bytes(), usize::MAX - at));
            let Some((worst, _)) = worst.filter(|(_, s)| !s.outbox.is_empty()) else { return };
            self.overrun(worst, effects);
        }
    }

    fn overrun(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let PeerOutbox { peer, outbox } = &mut self.sessions[at];
        self.bytes -= outbox.let_go();
        effects.push(Effect::Overrun(*peer));
    }
}
