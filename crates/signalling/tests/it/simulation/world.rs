//! The world: virtual time, a network that loses, repeats and reorders, and everybody in it.

use std::collections::BTreeMap;
use std::rc::Rc;

use sanbao_signalling::cluster::driver::{EntryKind, LogInput};
use sanbao_signalling::id::{ConsultId, Epoch, NodeId};
use sanbao_signalling::log::Position;
use sanbao_signalling::room::{Command, ENTRY_VERSION, Entry, Past, RoomLimits};
use uuid::Uuid;

use super::chance::Chance;
use super::checks::{Checks, Kind};
use super::client::{Client, Phase};
use super::log::{Log, Stored};
use super::node::{Bytes, Conn, Mutation, Node, Now, Wish};
use super::script;

/// For how long things go wrong, in milliseconds.
const TROUBLE_MS: u64 = 12_000;
/// For how long everybody may take to be well again after that.
const RECOVERY_MS_MAX: u64 = 60_000;
/// A node that was not heard for so long is taken for gone.
const SILENT_MS_MAX: u64 = 3_000;

/// The event at a moment.
pub enum Event {
    ToNode {
        conn: Conn,
        text: String,
    },
    ToClient {
        conn: Conn,
        text: String,
    },
    /// The client learns that its connection is closed.
    Closed {
        conn: Conn,
        code: Option<u16>,
    },
    /// The node learns it.
    Gone {
        conn: Conn,
    },
    Connect {
        who: usize,
    },
    Opened {
        conn: Conn,
    },
    NoWelcome {
        conn: Conn,
    },
    AckDue {
        conn: Conn,
    },
    NodeAckDue {
        conn: Conn,
    },
    Append {
        node: usize,
        life: u64,
        expected: Position,
        entry: Stored,
        heard: bool,
    },
    Read {
        node: usize,
        life: u64,
        after: Position,
    },
    FromLog {
        node: usize,
        life: u64,
        input: LogInput<Bytes>,
    },
    NodeTick {
        node: usize,
    },
    Act {
        who: usize,
    },
    Fault,
    Start {
        node: usize,
    },
    Heal {
        node: usize,
    },
    LogBack,
}

/// A connection between a client and a node.
#[expect(clippy::struct_excessive_bools, reason = "what the two sides believe, and what is true")]
pub struct Line {
    pub who: usize,
    pub node: usize,
    pub node_id: NodeId,
    pub client_open: bool,
    pub node_open: bool,
    /// Nothing passes any more, whatever the two sides believe.
    pub broken: bool,
    to_node_ms: u64,
    to_client_ms: u64,
    ack_listed: bool,
}

/// Somebody with a client.
pub struct Person {
    pub client: Client,
    pub id: String,
    pub conn: Option<Conn>,
    /// Told not to come again.
    pub stopped: bool,
    pub said: u64,
}

pub struct World {
    pub chance: Chance,
    pub now: u64,
    pub queue: BTreeMap<(u64, u64), Event>,
    order: u64,
    pub log: Log,
    pub log_down: bool,
    pub nodes: Vec<Node>,
    pub lives: Vec<u64>,
    pub lines: BTreeMap<Conn, Line>,
    conns: Conn,
    pub people: Vec<Person>,
    /// Whose session each was.
    pub sessions: BTreeMap<String, String>,
    /// Since when a node was not heard.
    pub silent: BTreeMap<NodeId, u64>,
    pub checks: Checks,
    pub trouble: bool,
}

impl World {
    pub fn new(seed: u64, mutation: Option<Mutation>) -> Self {
        let mut chance = Chance::new(seed);
        let consult = ConsultId(Uuid::from_u128(1));
        let (tickets, people) = script::cast();
        let mut nodes: Vec<Node> =
            (0..3).map(|n| Node::new(n, consult, Rc::clone(&tickets), Chance::new(chance.next()))).collect();
        for node in &mut nodes {
            node.mutation = mutation;
        }
        let mut world = Self {
            chance,
            now: 0,
            queue: BTreeMap::new(),
            order: 0,
            log: Log::default(),
            log_down: false,
            nodes,
            lives: vec![0; 3],
            lines: BTreeMap::new(),
            conns: 0,
            people,
            sessions: BTreeMap::new(),
            silent: BTreeMap::new(),
            checks: Checks::new(consult),
            trouble: true,
        };
        for person in &mut world.people {
            person.client.acts_on_repeats = mutation == Some(Mutation::ActOnRepeats);
        }
        world.begin();
        world
    }

    fn begin(&mut self) {
        let limits = RoomLimits { away_ms_max: 5_000, unread_messages_max: 150, ..RoomLimits::default() };
        let (epoch, past) = (Epoch(Uuid::from_u128(9)), Box::new(Past::default()));
        let commands = vec![Command::Open { epoch, past, limits: Box::new(limits) }];
        let (node, at) = (NodeId(0), chrono::DateTime::UNIX_EPOCH);
        let entry = Entry { v: ENTRY_VERSION, at, node, batch: 1, commands };
        let body = Rc::new(rmp_serde::to_vec_named(&entry).unwrap());
        let (position, before, previous) = (Position::START, Position::START, Position::START);
        let opening = Stored { position, before, previous, node, batch: 1, kind: EntryKind::Opening, body };
        self.log.append(&mut self.chance, Position::START, opening);
        for node in 0..self.nodes.len() {
            self.after(0, Event::Start { node });
        }
        for who in 0..self.people.len() {
            let wait = self.chance.between(50, 1_500);
            self.after(wait, Event::Connect { who });
            self.after(wait + 200, Event::Act { who });
        }
        self.after(1_500, Event::Fault);
    }

    /// Runs until everybody is well again, or cannot be.
    pub fn run(&mut self) {
        while self.checks.violations.is_empty() {
            let Some(((at, _), event)) = self.queue.pop_first() else { break };
            let before = self.now;
            self.now = at;
            if self.trouble && self.now >= TROUBLE_MS {
                self.calm();
            }
            self.happen(event);
            for person in &mut self.people {
                self.checks.look_at(&mut person.client, &person.id);
            }
            if !self.trouble && self.now / 250 > before / 250 && self.is_quiet() {
                return self.compare();
            }
            if self.now > TROUBLE_MS + RECOVERY_MS_MAX {
                return self.say_who_is_stuck();
            }
        }
    }

    fn is_quiet(&self) -> bool {
        let replica = self.checks.replica();
        // An announcement of the last moment may be lost: a node that did not hear it looks after a while.
        let last = self.nodes.iter().filter_map(|node| node.cell.as_ref()).map(|cell| cell.driver.last()).max();
        let nodes_quiet = self.nodes.iter().all(|node| {
            let cell = node.cell.as_ref().filter(|_| node.up);
            cell.is_some_and(|cell| {
                cell.driver.is_idle() && Some(cell.driver.last()) == last && cell.replica.room() == replica.room()
            })
        });
        let clients_quiet = self.people.iter().all(|person| {
            let session = person.client.session.as_ref().and_then(|session| session.peer.parse().ok());
            let last =
                session.and_then(|peer| replica.outbox(peer)).map(sanbao_signalling::replica::SessionOutbox::last);
            person.stopped || (person.client.is_quiet() && last == Some(person.client.taken))
        });
        nodes_quiet && clients_quiet
    }

    /// Everybody is well: now everybody must agree.
    fn compare(&mut self) {
        for person in &self.people {
            if !person.stopped {
                self.checks.everything_arrived(&person.client);
            }
            self.checks.counts.resumes += u64::from(person.client.seen.resumes);
            self.checks.counts.snapshots += u64::from(person.client.seen.snapshots);
        }
        let stored = |node: &Node| node.cell.as_ref().map(|cell| rmp_serde::to_vec_named(&cell.replica).unwrap());
        if self.nodes.windows(2).any(|pair| stored(&pair[0]) != stored(&pair[1])) {
            self.checks.violate(Kind::Order, "two nodes hold different rooms");
        }
    }

    fn say_who_is_stuck(&mut self) {
        let stuck = self.people.iter().filter(|person| !person.stopped && !person.client.is_quiet());
        let clients = stuck.map(|person| {
            let Client { index, phase, taken, .. } = &person.client;
            format!("client {index} {phase:?} {taken} with {} unsaid", person.client.unacknowledged())
        });
        let nodes = self.nodes.iter().map(|node| {
            let cell = node.cell.as_ref().map(|cell| (cell.driver.is_idle(), cell.driver.last()));
            format!("node {} {} {cell:?}", node.index, node.up)
        });
        let words: Vec<String> = clients.chain(nodes).collect();
        self.checks.violate(Kind::Stuck, words.join("; "));
    }

    pub fn after(&mut self, ms: u64, event: Event) {
        self.order += 1;
        self.queue.insert((self.now + ms, self.order), event);
    }

    /// How long something is on its way.
    pub fn delay(&mut self) -> u64 {
        if self.trouble && self.chance.per_mille(30) {
            self.chance.between(50, 400)
        } else {
            self.chance.between(1, 12)
        }
    }

    pub fn is_gone(&self, node: NodeId) -> bool {
        self.silent.get(&node).is_some_and(|since| self.now >= since + SILENT_MS_MAX)
    }

    // Between clients and nodes.

    pub fn connect(&mut self, who: usize) {
        if self.people[who].stopped || self.people[who].conn.is_some() {
            return;
        }
        let node = usize::try_from(self.chance.below(self.nodes.len() as u64)).unwrap_or(0);
        if !self.nodes[node].up {
            let wait = self.chance.between(50, 500);
            return self.after(wait, Event::Connect { who });
        }
        self.conns += 1;
        let conn = self.conns;
        let (node_id, now) = (self.nodes[node].id, self.now);
        let line = Line {
            who,
            node,
            node_id,
            client_open: true,
            node_open: true,
            broken: false,
            to_node_ms: now,
            to_client_ms: now,
            ack_listed: false,
        };
        self.lines.insert(conn, line);
        self.people[who].conn = Some(conn);
        let wait = self.delay();
        self.after(wait, Event::Opened { conn });
        self.after(wait + 3_000, Event::NoWelcome { conn });
    }

    pub fn client_sends(&mut self, conn: Conn, text: String) {
        let (delay, twice) = (self.delay(), self.trouble && self.chance.per_mille(10));
        let now = self.now;
        let Some(line) = self.lines.get_mut(&conn).filter(|line| line.client_open) else { return };
        line.to_node_ms = line.to_node_ms.max(now + delay);
        let wait = line.to_node_ms - now;
        if twice && !text.contains(r#""type":"hello""#) {
            self.after(wait, Event::ToNode { conn, text: text.clone() });
        }
        self.after(wait, Event::ToNode { conn, text });
    }

    /// The client closes, or finds its connection dead.
    pub fn client_closes(&mut self, conn: Conn) {
        let wait = if self.chance.per_mille(300) { self.chance.between(500, 4_000) } else { self.delay() };
        let Some(line) = self.lines.get_mut(&conn).filter(|line| line.client_open) else { return };
        line.client_open = false;
        let who = line.who;
        if self.people[who].conn == Some(conn) {
            self.people[who].conn = None;
            self.people[who].client.closed();
        }
        self.after(wait, Event::Gone { conn });
    }

    pub fn now(&self) -> Now {
        Now(self.now)
    }

    /// Carries out what a node wants.
    pub fn grant(&mut self, node: usize, wishes: Vec<Wish>) {
        for wish in wishes {
            match wish {
                Wish::Send { conn, text } => self.node_sends(conn, text),
                Wish::Close { conn, code } => {
                    let now = self.now;
                    let delay = self.delay();
                    let Some(line) = self.lines.get_mut(&conn) else { continue };
                    line.node_open = false;
                    let wait = line.to_client_ms.max(now + delay) - now;
                    self.after(wait, Event::Closed { conn, code: Some(code.number()) });
                }
                Wish::AckLater(conn) => self.after(40, Event::NodeAckDue { conn }),
                Wish::Trim { before } => self.log.trim(before),
                Wish::Append { expected, previous, batch, kind, body } => {
                    let (node_id, before, position) = (self.nodes[node].id, Position::START, Position::START);
                    let entry = Stored { position, before, previous, node: node_id, batch, kind, body };
                    self.send_append(node, expected, entry);
                }
                Wish::Read { after } => {
                    let (wait, life) = (self.delay(), self.lives[node]);
                    self.after(wait, Event::Read { node, life, after });
                }
            }
        }
    }

    fn node_sends(&mut self, conn: Conn, text: String) {
        let (delay, twice) = (self.delay(), self.trouble && self.chance.per_mille(10));
        let now = self.now;
        let Some(line) = self.lines.get_mut(&conn).filter(|line| line.node_open) else { return };
        line.to_client_ms = line.to_client_ms.max(now + delay);
        let wait = line.to_client_ms - now;
        if twice && !text.contains(r#""type":"welcome""#) {
            self.after(wait, Event::ToClient { conn, text: text.clone() });
        }
        self.after(wait, Event::ToClient { conn, text });
    }

    fn send_append(&mut self, node: usize, expected: Position, entry: Stored) {
        let (life, batch) = (self.lives[node], entry.batch);
        let unreachable = self.nodes[node].cut || self.log_down;
        let lost = unreachable || (self.trouble && self.chance.per_mille(30));
        let wait = self.delay();
        if !lost {
            return self.after(wait, Event::Append { node, life, expected, entry, heard: true });
        }
        // It may be stored at once, late, even after it was given up, or never; nobody hears.
        if self.chance.per_mille(if unreachable { 200 } else { 700 }) {
            let late = self.chance.between(1, 1_500);
            self.after(late, Event::Append { node, life, expected, entry, heard: false });
        }
        self.after(300, Event::FromLog { node, life, input: LogInput::Unknown(batch) });
    }

    pub fn client_received(&mut self, conn: Conn, text: &str) {
        let Some(line) = self.lines.get_mut(&conn).filter(|line| line.client_open && !line.broken) else { return };
        let (who, listed) = (line.who, line.ack_listed);
        if self.people[who].conn != Some(conn) {
            return;
        }
        line.ack_listed = true;
        let answers = self.people[who].client.received(text);
        let person = &self.people[who];
        if let Some(session) = person.client.session.as_ref().filter(|_| person.client.phase == Phase::Up) {
            self.sessions.insert(session.peer.clone(), person.id.clone());
        }
        for answer in answers {
            self.client_sends(conn, answer);
        }
        if !listed {
            self.after(40, Event::AckDue { conn });
        }
        if text.starts_with(r#"{"type":"move""#) {
            self.client_closes(conn);
            let wait = self.chance.between(10, 1_000);
            self.after(wait, Event::Connect { who });
        }
    }

    pub fn ack_due(&mut self, conn: Conn) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.ack_listed = false;
        let who = line.who;
        if self.people[who].conn == Some(conn)
            && let Some(text) = self.people[who].client.acknowledge()
        {
            self.client_sends(conn, text);
        }
    }
}
