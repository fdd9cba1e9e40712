//! The log service: one room's subject in a stream that misbehaves as a real one may. It sometimes stores what it
//! should refuse, answers reads from a replica that lags, and forgets what it was told to trim.

use std::rc::Rc;

use sanbao_signalling::cluster::driver::{EntryKind, LoggedEntry};
use sanbao_signalling::id::NodeId;
use sanbao_signalling::log::Position;

use super::chance::Chance;

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub position: Position,
    pub before: Position,
    pub previous: Position,
    pub node: NodeId,
    pub batch: u64,
    pub kind: EntryKind,
    pub body: Rc<Vec<u8>>,
}

impl Stored {
    /// As a node hears it.
    pub fn logged(&self, node: NodeId) -> LoggedEntry<Rc<Vec<u8>>> {
        LoggedEntry {
            position: self.position,
            before: self.before,
            previous: self.previous,
            own: (self.node == node).then_some(self.batch),
            kind: self.kind,
            body: Rc::clone(&self.body),
        }
    }
}

/// The room's subject.
#[derive(Debug, Default)]
pub struct Log {
    entries: Vec<Stored>,
    last: Position,
}

impl Log {
    /// Stores an entry if the last one is the expected one, and now and then although it is not.
    pub fn append(&mut self, chance: &mut Chance, expected: Position, entry: Stored) -> Option<Stored> {
        (self.last == expected || chance.per_mille(80)).then(|| self.store(chance, entry))
    }

    /// Stores an entry if the last one is the expected one.
    pub fn append_strictly(&mut self, chance: &mut Chance, expected: Position, entry: Stored) -> Option<Stored> {
        (self.last == expected).then(|| self.store(chance, entry))
    }

    fn store(&mut self, chance: &mut Chance, mut entry: Stored) -> Stored {
        (entry.before, entry.position) = (self.last, Position(self.last.0 + 1 + chance.below(3)));
        self.last = entry.position;
        self.entries.push(entry.clone());
        entry
    }

    /// The entries after a place, perhaps without the last few.
    pub fn read(&self, chance: &mut Chance, after: Position, lags: bool) -> Vec<Stored> {
        let lag = if lags && chance.per_mille(100) { usize::try_from(chance.below(3)).unwrap_or(0) } else { 0 };
        let known = self.entries.len().saturating_sub(lag);
        self.entries[..known].iter().filter(|entry| entry.position > after).cloned().collect()
    }

    pub fn trim(&mut self, before: Position) {
        self.entries.retain(|entry| entry.position >= before);
    }
}
