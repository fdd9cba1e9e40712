//! One node: its replica, its part in the log, and its sockets. Its decisions are the relay's own code; only the way
//! from there to sockets is rewritten here, over connections that are numbers.

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_signalling::cluster::DriverLimits;
use sanbao_signalling::cluster::driver::{EntryKind, LogDriver, LogInput, LogOutput};
use sanbao_signalling::id::{ConsultId, Digest, NodeId, PeerId, Socket};
use sanbao_signalling::log::Position;
use sanbao_signalling::protocol::{self, ClientMessage, CloseCode, Hello, ServerMessage};
use sanbao_signalling::replica::{Effect, Replica};
use sanbao_signalling::room::{Command, ENTRY_VERSION, Entrant, Entry, Greeting, Profile, RoomRequest};

use super::cell::{Cell, Link};
use super::chance::Chance;
use super::checks::{Checks, Kind};

pub type Bytes = Rc<Vec<u8>>;
pub type Conn = u64;

/// A command's place in the log's bounds; the true size does not matter here.
const COMMAND_BYTES: usize = 256;
/// Messages after which other nodes are told of an acknowledgement.
const ACKED_MESSAGES_MIN: usize = 12;

/// A deliberate fault, to see that the checks see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Acknowledges what was read, before it is in the log.
    AckEarly,
    /// Clients act on what they had already.
    ActOnRepeats,
    /// Tickets do not say that somebody waits.
    AdmitAll,
    /// Each person who joins consents.
    ForgeConsent,
    /// One node applies the commands of an entry backwards.
    ReverseEntries,
    /// The messages that a client missed are sent without the first of them.
    SkipOne,
    /// Words that an older socket had still to say count as if they were said on the present one.
    OldSocketsSpeak,
    /// A resume that comes through late takes the session for good from where the client has gone on.
    TakeLateResumes,
}

/// The wish of a node.
#[derive(Debug)]
pub enum Wish {
    Send {
        conn: Conn,
        text: String,
    },
    Close {
        conn: Conn,
        code: CloseCode,
    },
    Append {
        expected: Position,
        previous: Position,
        batch: u64,
        kind: EntryKind,
        body: Bytes,
    },
    Read {
        after: Position,
    },
    Trim {
        before: Position,
    },
    /// Ask again in a moment whether an acknowledgement is due.
    AckLater(Conn),
}

/// A ticket, as it stands behind its text.
pub type Tickets = Rc<BTreeMap<String, (uuid::Uuid, Profile)>>;

pub struct Node {
    pub index: usize,
    pub id: NodeId,
    pub up: bool,
    /// Cannot reach the log.
    pub cut: bool,
    pub skew_ms: i64,
    pub mutation: Option<Mutation>,
    pub cell: Option<Cell>,
    tickets: Tickets,
    consult: ConsultId,
    sockets: u64,
    lives: u64,
    chance: Chance,
}

/// The time in the world, and as a node sees it.
#[derive(Clone, Copy, Debug)]
pub struct Now(pub u64);

impl Now {
    fn at(self, skew_ms: i64) -> DateTime<Utc> {
        let ms = i64::try_from(self.0).unwrap_or(0) + skew_ms;
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(ms)
    }
}

impl Node {
    pub fn new(index: usize, consult: ConsultId, tickets: Tickets, chance: Chance) -> Self {
        Self {
            index,
            id: NodeId(0),
            up: false,
            cut: false,
            skew_ms: 0,
            mutation: None,
            cell: None,
            tickets,
            consult,
            sockets: 0,
            lives: 0,
            chance,
        }
    }

    /// The process starts.
    pub fn start(&mut self) {
        (self.up, self.cut, self.id) = (true, false, NodeId(self.chance.next()));
    }

    /// The process is killed.
    pub fn kill(&mut self) {
        (self.up, self.cell) = (false, None);
    }

    /// Begins to follow the room.
    pub fn follow(&mut self, now: Now, checks: &mut Checks) -> Vec<Wish> {
        let limits = DriverLimits { snapshot_entries: 40, tail_check_ms: 3_000, ..DriverLimits::default() };
        self.lives += 1;
        let (driver, outputs) = LogDriver::follow(limits, Position::START, self.lives << 32, now.0);
        self.cell = Some(Cell::new(Replica::new(self.consult), driver));
        let mut wishes = Vec::new();
        self.carry_out(now, outputs, checks, &mut wishes);
        wishes
    }

    /// Something came from the log, or time went on.
    pub fn input(&mut self, now: Now, input: LogInput<Bytes>, checks: &mut Checks) -> Vec<Wish> {
        let mut wishes = Vec::new();
        if let Some(cell) = &mut self.cell {
            let outputs = cell.driver.handle(now.0, input);
            self.carry_out(now, outputs, checks, &mut wishes);
        }
        wishes
    }

    fn propose(&mut self, now: Now, command: Command, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let Some(cell) = &mut self.cell else { return };
        match cell.driver.propose(now.0, command, COMMAND_BYTES) {
            Ok(outputs) => self.carry_out(now, outputs, checks, wishes),
            Err(_full) => self.give_up(wishes),
        }
    }

    /// Closes the room here: clients try again, here or elsewhere.
    fn give_up(&mut self, wishes: &mut Vec<Wish>) {
        let links = self.cell.take().map(|cell| cell.links).unwrap_or_default();
        wishes.extend(links.iter().map(|link| Wish::Close { conn: link.conn, code: CloseCode::Unavailable }));
    }

    fn carry_out(
        &mut self,
        now: Now,
        outputs: Vec<LogOutput<Command, Bytes>>,
        checks: &mut Checks,
        wishes: &mut Vec<Wish>,
    ) {
        for output in outputs {
            let Some(cell) = &mut self.cell else { return };
            match output {
                LogOutput::Append { expected, previous, batch, commands } => {
                    let entry = Entry { v: ENTRY_VERSION, at: now.at(self.skew_ms), node: self.id, batch, commands };
                    let body = Rc::new(rmp_serde::to_vec_named(&entry).unwrap());
                    wishes.push(Wish::Append { expected, previous, batch, kind: EntryKind::Batch, body });
                }
                LogOutput::AppendSnapshot { expected, previous, batch } => {
                    let body = Rc::new(rmp_serde::to_vec_named(&cell.replica).unwrap());
                    wishes.push(Wish::Append { expected, previous, batch, kind: EntryKind::Snapshot, body });
                }
                LogOutput::Read { after } => wishes.push(Wish::Read { after }),
                LogOutput::Apply { position, body } => self.apply(now, position, &body, checks, wishes),
                LogOutput::Restore { position, body } => {
                    cell.replica = rmp_serde::from_slice(&body).unwrap();
                    cell.cursor = checks.restores(position);
                    cell.pump(self.mutation, wishes);
                }
                LogOutput::Trim { before } => wishes.push(Wish::Trim { before }),
                LogOutput::GiveUp | LogOutput::Lost => self.give_up(wishes),
            }
        }
    }

    fn apply(&mut self, now: Now, position: Position, body: &Bytes, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let Some(cell) = &mut self.cell else { return };
        let mut entry: Entry = rmp_serde::from_slice(body).unwrap();
        let room = cell.replica.room();
        for command in &mut entry.commands {
            match (self.mutation, command) {
                (Some(Mutation::OldSocketsSpeak), Command::Request { peer, socket, .. }) => {
                    *socket = room.socket(*peer).unwrap_or(*socket);
                }
                (Some(Mutation::TakeLateResumes), Command::Resume { peer, attached_times, .. }) => {
                    *attached_times = room.attached_times(*peer);
                }
                _ => {}
            }
        }
        checks.applies(&mut cell.cursor, position, body, &entry);
        if self.mutation == Some(Mutation::ReverseEntries) && self.index == 0 {
            entry.commands.reverse();
        }
        let mut effects = Vec::new();
        cell.replica.apply_entry(position, &entry, &mut effects);
        for effect in effects {
            self.effect(now, effect, checks, wishes);
        }
        if let Some(cell) = &mut self.cell {
            cell.pump(self.mutation, wishes);
        }
    }

    fn effect(&mut self, now: Now, effect: Effect, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let (id, mutation) = (self.id, self.mutation);
        let Some(cell) = &mut self.cell else { return };
        match effect {
            Effect::Welcome { greeting, seq } if greeting.socket.node == id => {
                self.welcome(now, &greeting, seq, checks, wishes);
            }
            Effect::TurnAway { socket, error, words, code } if socket.node == id => {
                if let Some(link) = cell.take_link(|link| link.socket == socket.number) {
                    let text = ServerMessage::error(error, words, None).to_text();
                    wishes.push(Wish::Send { conn: link.conn, text });
                    wishes.push(Wish::Close { conn: link.conn, code });
                }
            }
            Effect::CloseSocket { socket, code } if socket.node == id => {
                if let Some(link) = cell.take_link(|link| link.socket == socket.number) {
                    wishes.push(Wish::Close { conn: link.conn, code });
                }
            }
            Effect::Ended { peer, code, rest, .. } => {
                if let Some(mut link) = cell.take_link(|link| link.peer == Some(peer)) {
                    link.write(&rest, 0, mutation, wishes);
                    wishes.push(Wish::Close { conn: link.conn, code });
                }
            }
            Effect::Overrun(peer) => {
                if let Some(link) = cell.take_link(|link| link.peer == Some(peer)) {
                    wishes.push(Wish::Close { conn: link.conn, code: CloseCode::TooSlow });
                }
            }
            Effect::Fact { id, fact } => checks.fact(id, &fact),
            _ => {}
        }
    }

    fn welcome(&mut self, now: Now, greeting: &Greeting, seq: u64, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let welcomed = self.cell.as_mut().is_some_and(|cell| cell.welcome(greeting, seq, wishes));
        if !welcomed {
            // The socket went while the log was asked.
            let Greeting { peer, socket, .. } = *greeting;
            self.propose(now, Command::Away { peer, socket }, checks, wishes);
        }
    }

    /// A frame came.
    pub fn frame(&mut self, now: Now, conn: Conn, text: &str, checks: &mut Checks) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let link = self.cell.as_mut().and_then(|cell| cell.links.iter_mut().find(|link| link.conn == conn));
        match link {
            Some(Link { peer: Some(_), .. }) => self.said(now, conn, text, checks, &mut wishes),
            Some(_) => {}
            None => self.hello(now, conn, text, checks, &mut wishes),
        }
        wishes
    }

    fn hello(&mut self, now: Now, conn: Conn, text: &str, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let read = protocol::read(PeerId(uuid::Uuid::nil()), text);
        let Ok(protocol::ClientFrame { message: ClientMessage::Hello(hello), .. }) = read else {
            return; // what was on its way when the room was closed
        };
        if self.cell.as_ref().is_none_or(|cell| cell.driver.last() == Position::START) {
            return wishes.push(Wish::Close { conn, code: CloseCode::Unavailable });
        }
        self.sockets += 1;
        let (number, node) = (self.sockets, self.id);
        let (command, secret) = self.command_of(now, &hello, Socket { node, number });
        if let Some(cell) = &mut self.cell {
            cell.links.push(Link::new(conn, number, secret));
        }
        self.propose(now, command, checks, wishes);
    }

    fn command_of(&mut self, now: Now, hello: &Hello, socket: Socket) -> (Command, String) {
        let device = Digest::of(hello.device.as_bytes());
        let secret = format!("{:016x}{:016x}", self.chance.next(), self.chance.next());
        let (ticket, mut profile) = self.tickets[hello.ticket.as_deref().unwrap()].clone();
        profile.lobby &= self.mutation != Some(Mutation::AdmitAll);
        let entrant = Box::new(Entrant {
            peer: PeerId(self.uuid(now)),
            secret: Digest::of(secret.as_bytes()),
            device,
            ticket,
            issued_at: None,
            profile,
        });
        let mut command = match &hello.resume {
            None => Command::Enter { socket, entrant },
            Some(resume) => Command::resume(resume, socket, device, Some(entrant)),
        };
        if let Command::Resume { peer, attached_times, .. } = &mut command {
            *attached_times = self.cell.as_ref().and_then(|cell| cell.replica.room().attached_times(*peer));
        }
        (command, secret)
    }

    fn uuid(&mut self, now: Now) -> uuid::Uuid {
        let millis = u64::try_from(now.at(self.skew_ms).timestamp_millis()).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.chance.next().to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    fn said(&mut self, now: Now, conn: Conn, text: &str, checks: &mut Checks, wishes: &mut Vec<Wish>) {
        let id = self.id;
        let Some(cell) = &mut self.cell else { return };
        let Some(link) = cell.links.iter_mut().find(|link| link.conn == conn) else { return };
        let Some(peer) = link.peer else { return };
        let frame = match protocol::read(peer, text) {
            Ok(frame) => frame,
            Err(rejected) => return checks.violate(Kind::Protocol, format!("{text}: {rejected:?}")),
        };
        let ack = frame.ack.unwrap_or(0);
        if ack > link.written {
            return checks.violate(Kind::Protocol, format!("acknowledged {ack} of {}", link.written));
        }
        let ClientMessage::Request(mut request) = frame.message else {
            if cell.replica.outbox(peer).is_some_and(|outbox| outbox.up_to(ack) >= ACKED_MESSAGES_MIN) {
                self.propose(now, Command::Acked { peer, ack }, checks, wishes);
            }
            return;
        };
        let seq = frame.seq.unwrap_or(0);
        if seq <= link.heard {
            link.told = link.told.min(seq.saturating_sub(1));
            return cell.pump(self.mutation, wishes);
        }
        if seq != link.heard + 1 {
            return checks.violate(Kind::Protocol, format!("{seq} after {}", link.heard));
        }
        link.heard = seq;
        if let (Some(Mutation::ForgeConsent), RoomRequest::Join { consent, .. }) = (self.mutation, &mut request) {
            (consent.recording, consent.transcription) = (true, true);
        }
        let socket = Socket { node: id, number: link.socket };
        self.propose(now, Command::Request { peer, socket, seq, ack, id: frame.id, request }, checks, wishes);
        if let (Some(Mutation::AckEarly), Some(cell)) = (self.mutation, &mut self.cell) {
            cell.pump(self.mutation, wishes);
        }
    }

    /// A connection is gone.
    pub fn gone(&mut self, now: Now, conn: Conn, checks: &mut Checks) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let link = self.cell.as_mut().and_then(|cell| cell.take_link(|link| link.conn == conn));
        if let Some(Link { peer: Some(peer), socket, .. }) = link {
            let socket = Socket { node: self.id, number: socket };
            self.propose(now, Command::Away { peer, socket }, checks, &mut wishes);
        }
        wishes
    }

    /// An acknowledgement that rode on nothing is due.
    pub fn acknowledge(&mut self, conn: Conn) -> Vec<Wish> {
        let mut wishes = Vec::new();
        if let Some(cell) = &mut self.cell {
            cell.acknowledge(conn, &mut wishes);
        }
        wishes
    }

    /// Looks after waits, sessions whose socket went without a word, and sockets whose session is elsewhere.
    pub fn look_after(&mut self, now: Now, gone: &dyn Fn(NodeId) -> bool, checks: &mut Checks) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let (id, at) = (self.id, now.at(self.skew_ms));
        let Some(cell) = &mut self.cell else { return wishes };
        let mut commands = Vec::new();
        if cell.replica.room().next_deadline().is_some_and(|deadline| deadline <= at) {
            commands.push(Command::Tick);
        }
        for (peer, socket) in cell.replica.room().sessions() {
            let Some(socket) = socket else { continue };
            let lost = socket.node == id && !cell.links.iter().any(|link| link.socket == socket.number);
            if lost {
                commands.push(Command::Away { peer, socket });
            } else if gone(socket.node) && !commands.contains(&Command::NodeGone { node: socket.node }) {
                commands.push(Command::NodeGone { node: socket.node });
            }
        }
        let replica = &cell.replica;
        let elsewhere = |link: &Link| {
            let socket = Some(Socket { node: id, number: link.socket });
            link.peer.is_some_and(|peer| replica.room().socket(peer) != socket)
        };
        for link in cell.links.extract_if(.., |link| elsewhere(link)) {
            wishes.push(Wish::Close { conn: link.conn, code: CloseCode::Unavailable });
        }
        for command in commands {
            self.propose(now, command, checks, &mut wishes);
        }
        wishes
    }

    /// Every connection is told that this node is going.
    pub fn say_move(&self) -> Vec<Wish> {
        let text = ServerMessage::Move { within_ms: 1000 }.to_text();
        let links = self.cell.iter().flat_map(|cell| &cell.links);
        links.map(|link| Wish::Send { conn: link.conn, text: text.clone() }).collect()
    }
}
