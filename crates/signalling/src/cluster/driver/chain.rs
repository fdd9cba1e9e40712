//! Which entries of a room's log are valid, and what is missing.

use crate::log::Position;

/// The kind of an entry, as far as the chain cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A room's first entry.
    Opening,
    /// Commands.
    Batch,
    /// The whole replica.
    Snapshot,
}

/// An entry that came from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEntry<B> {
    /// Its place in the log.
    pub position: Position,
    /// The room's entry before it in the log, valid or void.
    pub before: Position,
    /// The last valid entry when it was written, as its writer knew it.
    pub previous: Position,
    /// Which of this node's batches it is, when this node wrote it.
    pub own: Option<u64>,
    pub kind: EntryKind,
    pub body: B,
}

/// The meaning of an entry for a node that follows the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was logged before.
    Repeat,
    /// It is the next valid one.
    Next,
    /// A snapshot from which to go on, although entries before it are unknown.
    Leap,
    /// It was outrun by another: nobody applies it.
    Void,
    /// Entries before it are unknown.
    Gap,
}

/// A room's entries up to a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    last: Position,
    seen: Position,
    entries: u64,
}

impl Chain {
    pub(super) fn new(last: Position) -> Self {
        Self { last, seen: last, entries: 0 }
    }

    /// The last valid entry.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// The last entry, valid or void, before which none is unknown.
    pub(super) fn seen(&self) -> Position {
        self.seen
    }

    /// Valid entries since the last snapshot.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Judges an entry that may lie anywhere.
    pub(super) fn judge_announced<B>(&self, logged: &LoggedEntry<B>) -> Step {
        if logged.position <= self.seen {
            Step::Repeat
        } else if logged.before == self.seen {
            self.judge_read(logged)
        } else {
            Step::Gap
        }
    }

    /// Judges the entry that follows the last seen one in the log.
    pub(super) fn judge_read<B>(&self, logged: &LoggedEntry<B>) -> Step {
        if logged.position <= self.seen {
            Step::Repeat
        } else if logged.previous == self.last && self.begins(logged) {
            Step::Next
        } else if logged.kind == EntryKind::Snapshot && logged.previous > self.last {
            Step::Leap
        } else if logged.previous < self.last {
            Step::Void
        } else {
            Step::Gap
        }
    }

    fn begins<B>(&self, logged: &LoggedEntry<B>) -> bool {
        (self.last == Position::START) == (logged.kind == EntryKind::Opening)
    }

    /// Takes note of an entry that was judged.
    pub(super) fn pass<B>(&mut self, step: Step, logged: &LoggedEntry<B>) {
        match step {
            Step::Repeat | Step::Gap => {}
            Step::Void => self.seen = logged.position,
            Step::Next | Step::Leap => {
                (self.last, self.seen) = (logged.position, logged.position);
                self.entries = if logged.kind == EntryKind::Snapshot { 0 } else { self.entries + 1 };
            }
        }
    }
}
