//! The properties that must hold, judged against one replica that sees every entry once, in the order in which they
//! were first applied anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sanbao_signalling::id::{ConsultId, PeerId};
use sanbao_signalling::log::Position;
use sanbao_signalling::replica::{Effect, FactId, Replica, SessionOutbox};
use sanbao_signalling::room::{Command, Entry, Fact, RoomRequest};

use super::client::Client;

/// The broken property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An acknowledged message is not in the log, or what is in it did not arrive.
    Lost,
    /// Something arrived twice.
    Twice,
    /// Two saw different things under the same number, or entries in different orders.
    Order,
    /// Numbers were left out.
    Gap,
    /// Somebody was inside without admission.
    Admission,
    /// Something was recorded without consent.
    Consent,
    /// After everything is well again, somebody is still waiting.
    Stuck,
    /// A client that only ever resumed was told that its session goes on elsewhere.
    ThrownOut,
    /// Somebody does not follow the document.
    Protocol,
}

/// Something that must not happen, happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: Kind,
    pub words: String,
}

/// The onlooker.
#[derive(Debug)]
pub struct Checks {
    replica: Replica,
    entries: Vec<(Position, Rc<Vec<u8>>)>,
    /// The text under each number of each client, as far as it counted.
    said: BTreeMap<(PeerId, u64), String>,
    /// The text under each number to each client.
    bodies: BTreeMap<(PeerId, u64), String>,
    known: BTreeMap<PeerId, u64>,
    facts: BTreeMap<FactId, Fact>,
    delivered: BTreeSet<(PeerId, u64)>,
    /// Persons whom staff have ever asked to let in.
    pub admitted: BTreeSet<String>,
    pub violations: Vec<Violation>,
    pub counts: Counts,
}

/// How much a run has seen, so that nobody takes an empty one for a good one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub entries: u64,
    pub delivered: u64,
    pub acknowledged: u64,
    pub resumes: u64,
    pub snapshots: u64,
    pub restores: u64,
    pub captures: u64,
    pub crashes: u64,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.delivered += other.delivered;
        self.acknowledged += other.acknowledged;
        self.resumes += other.resumes;
        self.snapshots += other.snapshots;
        self.restores += other.restores;
        self.captures += other.captures;
        self.crashes += other.crashes;
    }
}

impl Checks {
    pub fn new(consult: ConsultId) -> Self {
        Self {
            replica: Replica::new(consult),
            entries: Vec::new(),
            said: BTreeMap::new(),
            bodies: BTreeMap::new(),
            known: BTreeMap::new(),
            facts: BTreeMap::new(),
            delivered: BTreeSet::new(),
            admitted: BTreeSet::new(),
            violations: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub fn violate(&mut self, kind: Kind, words: impl Into<String>) {
        self.violations.push(Violation { kind, words: words.into() });
    }

    /// A node applies an entry as its next; `cursor` says how many it has applied.
    pub fn applies(&mut self, cursor: &mut usize, position: Position, bytes: &Rc<Vec<u8>>, entry: &Entry) {
        match self.entries.get(*cursor) {
            Some((known, same)) if *known == position && same == bytes => {}
            Some((known, _)) => {
                let words = format!("a node applies {position:?} where another has applied {known:?}");
                self.violate(Kind::Order, words);
            }
            None => {
                self.entries.push((position, Rc::clone(bytes)));
                self.counts.entries += 1;
                for command in &entry.commands {
                    self.apply(entry, command);
                }
            }
        }
        *cursor += 1;
    }

    /// A node goes on from a snapshot at `position`.
    pub fn restores(&mut self, position: Position) -> usize {
        self.counts.restores += 1;
        self.entries.partition_point(|(applied, _)| *applied <= position)
    }

    pub fn fact(&mut self, id: FactId, fact: &Fact) {
        self.counts.captures += u64::from(matches!(fact, Fact::Captured { on: true, .. }));
        if *self.facts.entry(id).or_insert_with(|| fact.clone()) != *fact {
            self.violate(Kind::Order, format!("two facts of one name: {fact:?}"));
        }
    }

    /// How the room stands, as far as the log says.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    fn apply(&mut self, entry: &Entry, command: &Command) {
        let received = |replica: &Replica, peer| replica.room().received(peer);
        let before = if let Command::Request { peer, .. } = command { received(&self.replica, *peer) } else { None };
        let mut effects = Vec::new();
        self.replica.apply_next(entry.at, command, &mut effects);
        if let Command::Request { peer, seq, id, request, .. } = command
            && before.is_some_and(|before| *seq == before + 1)
        {
            let gone = matches!(request, RoomRequest::Leave | RoomRequest::Finish | RoomRequest::Kick(_));
            if gone || received(&self.replica, *peer) == Some(*seq) {
                self.said.insert((*peer, *seq), id.as_deref().unwrap_or_default().to_owned());
            }
        }
        for effect in effects {
            match effect {
                Effect::Deliver(peer) => {
                    let outbox = self.replica.outbox(peer).cloned().unwrap_or_default();
                    self.note(peer, &outbox);
                }
                Effect::Ended { peer, rest, .. } => self.note(peer, &rest),
                _ => {}
            }
        }
    }

    fn note(&mut self, peer: PeerId, outbox: &SessionOutbox) {
        let known = self.known.entry(peer).or_default();
        for (number, body) in outbox.after(*known) {
            self.bodies.insert((peer, number), body.as_str().to_owned());
        }
        *known = outbox.last();
    }

    /// Looks at what a client has done and seen since the last time.
    pub fn look_at(&mut self, client: &mut Client, person: &str) {
        self.violations.append(&mut client.seen.violations);
        for (peer, number, text) in std::mem::take(&mut client.seen.taken) {
            self.arrived(&peer, number, &text);
        }
        for (peer, number, id) in std::mem::take(&mut client.seen.acknowledged) {
            self.counts.acknowledged += 1;
            let Ok(peer) = peer.parse::<PeerId>() else { continue };
            if self.said.get(&(peer, number)) != Some(&id) {
                let words = format!("{id} was acknowledged as {number}, which is {:?}", self.said.get(&(peer, number)));
                self.violate(Kind::Lost, words);
            }
        }
        for (peer, from, to) in std::mem::take(&mut client.seen.skipped) {
            let Ok(peer) = peer.parse::<PeerId>() else { continue };
            self.delivered.extend((from..=to).map(|number| (peer, number)));
        }
        if std::mem::take(&mut client.seen.joined) && client.waits_by_ticket && !self.admitted.contains(person) {
            self.violate(Kind::Admission, format!("client {} is inside and nobody let them in", client.index));
        }
    }

    fn arrived(&mut self, peer: &str, number: u64, text: &str) {
        let Ok(peer) = peer.parse::<PeerId>() else { return };
        self.counts.delivered += 1;
        if !self.delivered.insert((peer, number)) {
            self.violate(Kind::Twice, format!("number {number} of {peer}: {text}"));
        }
        // As it was written: the numbers in front, then the body without its brace.
        let mut body = text;
        for name in ["{\"seq\":", "\"ack\":"] {
            if let Some(rest) = body.strip_prefix(name) {
                body = rest.split_once(',').map_or("", |(_, rest)| rest);
            }
        }
        let meant = self.bodies.get(&(peer, number)).map(|meant| &meant[1..]);
        if meant != Some(body) {
            self.violate(Kind::Order, format!("number {number} of {peer} is {meant:?}, and {body:?} arrived"));
        }
    }

    /// In the end: all that was meant for a session that goes on has arrived.
    pub fn everything_arrived(&mut self, client: &Client) {
        let Some(peer) = client.session.as_ref().and_then(|session| session.peer.parse::<PeerId>().ok()) else {
            return;
        };
        let Some(outbox) = self.replica.outbox(peer) else {
            return self.violate(Kind::Stuck, format!("client {} is connected to no session", client.index));
        };
        if outbox.last() != client.taken {
            let words = format!("client {} has {} of {}", client.index, client.taken, outbox.last());
            self.violate(Kind::Lost, words);
        }
        let meant = self.bodies.range((peer, 0)..=(peer, u64::MAX)).map(|(key, _)| *key);
        let missing: Vec<u64> = meant.filter(|key| !self.delivered.contains(key)).map(|(_, number)| number).collect();
        if !missing.is_empty() {
            self.violate(Kind::Lost, format!("client {} never got {missing:?}", client.index));
        }
    }
}
