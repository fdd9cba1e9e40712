//! How one node takes part in one room's shared log: the decisions only, with no task, clock or network.
//!
//! Proposed commands gather while an append is under way, and go out as one entry; there is never more
//! than one append in flight for a room. An entry counts only once it was *heard* from the log as the next
//! one, for the node that wrote it as for every other.
//!
//! **The chain decides, not the server's answer.** An entry names the one it was written after. It is valid
//! when that is the last valid one, and void otherwise, which every reader finds alike. The server's check
//! of the expected sequence keeps void entries rare, but correctness does not hang on it: with three replicas
//! nats-server 2.9 makes that check before an append is replicated, so two that expect the same can both be
//! stored. For the same reason a repeated append is harmless: at most one copy is valid.

mod chain;
mod io;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use chain::{Chain, Step};
pub use chain::{EntryKind, LoggedEntry};
pub use io::{Full, LogInput, LogOutput};

use super::limits::DriverLimits;
use crate::log::Position;

/// One node's part in one room's log. `C` is a command; what an entry holds is the caller's.
#[derive(Clone, Debug)]
pub struct LogDriver<C> {
    limits: DriverLimits,
    chain: Chain,
    waiting: VecDeque<WaitingCommand<C>>,
    waiting_bytes: usize,
    flight: Option<Flight<C>>,
    reading: Reading,
    batches: u64,
    failures: u32,
    looked_ms: u64,
    wrote_last: bool,
    snapshot_at: u64,
}

#[derive(Clone, Debug)]
struct WaitingCommand<C> {
    command: C,
    bytes: usize,
    since_ms: u64,
}

#[derive(Clone, Debug)]
struct Flight<C> {
    batch: u64,
    /// None for a snapshot.
    commands: Vec<WaitingCommand<C>>,
    snapshot: bool,
    expected: Position,
    stage: Stage,
    /// An answer to this batch was missing once: the first copy may be stored, also when a later one is refused.
    doubtful: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On its way.
    Sent,
    /// Stored at this place; listened for until then, and read after that.
    Stored { position: Position, until_ms: u64 },
    /// Somebody else was first; their entry is listened for until then, and read after that.
    Outrun { until_ms: u64 },
    /// Perhaps stored: a read tells.
    Doubtful,
    /// Not in the log; sent again then.
    Again { at_ms: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    /// Under way, and whether another must follow.
    Now {
        again: bool,
    },
    /// Tried again then.
    Later {
        at_ms: u64,
    },
}

impl<C: Clone> LogDriver<C> {
    /// Begins to follow a room of which this node knows everything up to `last`; [`Position::START`] when it knows
    /// nothing. Its batches have numbers after `batches`, so that a node that follows a room again is not taken in by
    /// an append of the first time. The output is the first read.
    pub fn follow<B>(limits: DriverLimits, last: Position, batches: u64, now_ms: u64) -> (Self, Vec<LogOutput<C, B>>) {
        let mut driver = Self {
            limits,
            chain: Chain::new(last),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flight: None,
            reading: Reading::No,
            batches,
            failures: 0,
            looked_ms: now_ms,
            wrote_last: false,
            snapshot_at: limits.snapshot_entries,
        };
        let mut outputs = Vec::new();
        driver.read(&mut outputs);
        (driver, outputs)
    }

    /// The last valid entry that was given out.
    pub fn last(&self) -> Position {
        self.chain.last()
    }

    /// Whether nothing waits, is in flight or is being read.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.flight.is_none() && self.reading == Reading::No
    }

    /// Whether the end of the log was reached once, and what follows is known.
    pub fn is_open(&self) -> bool {
        self.chain.last() != Position::START && self.reading == Reading::No
    }

    /// Whether another command of so many bytes would be taken.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.waiting.len() < self.limits.waiting_commands_max
            && self.waiting_bytes.saturating_add(bytes) <= self.limits.waiting_bytes_max
    }

    /// Makes this node's next append a snapshot: what the log begins with is about to become too old to be kept.
    pub fn snapshot_soon(&mut self) {
        (self.wrote_last, self.snapshot_at) = (true, 0);
    }

    /// When [`LogInput::Tick`] is due.
    pub fn next_deadline_ms(&self) -> u64 {
        let patience = self.oldest_ms().map(|since_ms| since_ms + self.limits.commit_wait_ms_max);
        let stage = self.flight.as_ref().and_then(|flight| match flight.stage {
            Stage::Sent | Stage::Doubtful => None,
            Stage::Stored { until_ms, .. } | Stage::Outrun { until_ms } => {
                (self.reading == Reading::No).then_some(until_ms)
            }
            Stage::Again { at_ms } => Some(at_ms),
        });
        let reading = if let Reading::Later { at_ms } = self.reading { Some(at_ms) } else { None };
        let tail = Some(self.looked_ms + self.limits.tail_check_ms);
        [patience, stage, reading, tail].into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// Takes a command of this node, which is `bytes` long in the log.
    pub fn propose<B>(&mut self, now_ms: u64, command: C, bytes: usize) -> Result<Vec<LogOutput<C, B>>, Full> {
        if !self.has_room(bytes) {
            return Err(Full);
        }
        self.waiting_bytes += bytes;
        self.waiting.push_back(WaitingCommand { command, bytes, since_ms: now_ms });
        let mut outputs = Vec::new();
        self.append(&mut outputs);
        Ok(outputs)
    }

    /// Takes what happened.
    pub fn handle<B>(&mut self, now_ms: u64, input: LogInput<B>) -> Vec<LogOutput<C, B>> {
        let mut outputs = Vec::new();
        match input {
            LogInput::Appended(batch, position) => {
                self.failures = 0;
                let until_ms = now_ms + self.limits.hear_wait_ms_max;
                self.answered(batch, Stage::Stored { position, until_ms });
            }
            LogInput::Behind(batch) => {
                self.answered(batch, Stage::Outrun { until_ms: now_ms + self.limits.hear_wait_ms_max });
            }
            LogInput::Unknown(batch) => {
                self.answered(batch, Stage::Doubtful);
                self.read(&mut outputs);
            }
            LogInput::Unavailable(batch) => {
                let at_ms = now_ms + self.back_off_ms();
                self.answered(batch, Stage::Again { at_ms });
            }
            LogInput::Announced(logged) => self.announced(logged, &mut outputs),
            LogInput::Read(entries) => self.have_read(now_ms, entries, &mut outputs),
            LogInput::ReadFailed => self.reading = Reading::Later { at_ms: now_ms + self.back_off_ms() },
            LogInput::Missed => self.read(&mut outputs),
            LogInput::Tick => {}
        }
        self.look_at_the_time(now_ms, &mut outputs);
        self.append(&mut outputs);
        outputs
    }

    /// Notes the answer to an append, unless that was given up meanwhile or its entry came back already.
    fn answered(&mut self, batch: u64, stage: Stage) {
        let Some(flight) = self.flight.as_mut().filter(|f| f.batch == batch) else { return };
        flight.stage = stage;
        flight.doubtful |= stage == Stage::Doubtful;
        if flight.snapshot && !matches!(stage, Stage::Stored { .. } | Stage::Outrun { .. }) {
            // A snapshot is no haste: the next one says the same.
            self.flight = None;
            self.snapshot_at = self.chain.entries() + self.limits.snapshot_entries / 4 + 1;
        }
    }

    fn announced<B>(&mut self, logged: LoggedEntry<B>, outputs: &mut Vec<LogOutput<C, B>>) {
        match self.chain.judge_announced(&logged) {
            Step::Gap => self.read(outputs),
            step => self.take(step, logged, outputs),
        }
    }

    fn have_read<B>(&mut self, now_ms: u64, entries: Vec<LoggedEntry<B>>, outputs: &mut Vec<LogOutput<C, B>>) {
        let Reading::Now { again } = self.reading else { return };
        self.reading = Reading::No;
        (self.looked_ms, self.failures) = (now_ms, 0);
        for logged in entries {
            match self.chain.judge_read(&logged) {
                Step::Gap => return outputs.push(LogOutput::Lost),
                step => self.take(step, logged, outputs),
            }
        }
        if again {
            return self.read(outputs);
        }
        let at_ms = now_ms + self.limits.hear_wait_ms_max;
        if self.chain.last() == Position::START {
            // The server that answered has not heard of the room yet.
            self.reading = Reading::Later { at_ms };
        }
        match self.flight.as_mut().map(|flight| &mut flight.stage) {
            Some(stage @ Stage::Doubtful) => *stage = Stage::Again { at_ms: now_ms },
            // The server that answered has not caught up.
            Some(Stage::Stored { until_ms, .. } | Stage::Outrun { until_ms }) => *until_ms = at_ms,
            _ => {}
        }
    }

    fn take<B>(&mut self, step: Step, logged: LoggedEntry<B>, outputs: &mut Vec<LogOutput<C, B>>) {
        self.chain.pass(step, &logged);
        let LoggedEntry { position, own, kind, body, .. } = logged;
        if step != Step::Next && step != Step::Leap {
            return;
        }
        self.wrote_last = own.is_some();
        if own.is_some() && self.flight.as_ref().map(|flight| flight.batch) == own {
            self.flight = None;
        }
        match kind {
            EntryKind::Snapshot => {
                self.snapshot_at = self.limits.snapshot_entries;
                if step == Step::Leap {
                    outputs.push(LogOutput::Restore { position, body });
                } else if own.is_some() {
                    outputs.push(LogOutput::Trim { before: position });
                }
            }
            EntryKind::Opening | EntryKind::Batch => outputs.push(LogOutput::Apply { position, body }),
        }
    }

    fn look_at_the_time<B>(&mut self, now_ms: u64, outputs: &mut Vec<LogOutput<C, B>>) {
        if self.oldest_ms().is_some_and(|since_ms| now_ms >= since_ms + self.limits.commit_wait_ms_max) {
            self.waiting.clear();
            self.waiting_bytes = 0;
            self.flight = None;
            return outputs.push(LogOutput::GiveUp);
        }
        let seen = self.chain.seen();
        if let Some(flight) = &mut self.flight {
            match flight.stage {
                // It was passed, and was not valid.
                Stage::Stored { position, .. } if position <= seen => flight.stage = Stage::Again { at_ms: now_ms },
                Stage::Outrun { .. } if seen > flight.expected => flight.stage = Stage::Again { at_ms: now_ms },
                Stage::Stored { until_ms, .. } | Stage::Outrun { until_ms }
                    if now_ms >= until_ms && self.reading == Reading::No =>
                {
                    self.read(outputs);
                }
                _ => {}
            }
        }
        if let Some(Stage::Again { at_ms }) = self.flight.as_ref().map(|flight| flight.stage)
            && now_ms >= at_ms
        {
            self.again(outputs);
        }
        match self.reading {
            Reading::Later { at_ms } if now_ms >= at_ms => self.read(outputs),
            Reading::No if now_ms >= self.looked_ms + self.limits.tail_check_ms => self.read(outputs),
            _ => {}
        }
        if now_ms >= self.looked_ms + self.limits.tail_check_ms {
            self.looked_ms = now_ms;
        }
    }

    /// Brings an entry that did not become valid back on its way.
    fn again<B>(&mut self, outputs: &mut Vec<LogOutput<C, B>>) {
        let Some(mut flight) = self.flight.take() else { return };
        if flight.doubtful {
            // A copy may still be stored. The same batch again: only one of them can be valid.
            let (expected, previous, batch) = (self.chain.seen(), self.chain.last(), flight.batch);
            (flight.expected, flight.stage) = (expected, Stage::Sent);
            let commands = flight.commands.iter().map(|waiting| waiting.command.clone()).collect();
            outputs.push(LogOutput::Append { expected, previous, batch, commands });
            self.flight = Some(flight);
        } else {
            for waiting in flight.commands.into_iter().rev() {
                self.waiting_bytes += waiting.bytes;
                self.waiting.push_front(waiting);
            }
        }
    }

    fn read<B>(&mut self, outputs: &mut Vec<LogOutput<C, B>>) {
        self.reading = if let Reading::Now { .. } = self.reading {
            Reading::Now { again: true }
        } else {
            outputs.push(LogOutput::Read { after: self.chain.seen() });
            Reading::Now { again: false }
        };
    }

    /// Sends what waits, when nothing is in flight and the room's end is known.
    fn append<B>(&mut self, outputs: &mut Vec<LogOutput<C, B>>) {
        if self.flight.is_some() || self.reading != Reading::No || self.chain.last() == Position::START {
            return;
        }
        let (expected, previous) = (self.chain.seen(), self.chain.last());
        let snapshot = self.wrote_last && self.chain.entries() >= self.snapshot_at;
        if !snapshot && self.waiting.is_empty() {
            return;
        }
        self.batches += 1;
        let batch = self.batches;
        let commands = if snapshot { Vec::new() } else { self.gather() };
        outputs.push(if snapshot {
            LogOutput::AppendSnapshot { expected, previous, batch }
        } else {
            let commands = commands.iter().map(|waiting| waiting.command.clone()).collect();
            LogOutput::Append { expected, previous, batch, commands }
        });
        self.flight = Some(Flight { batch, commands, snapshot, expected, stage: Stage::Sent, doubtful: false });
    }

    fn gather(&mut self) -> Vec<WaitingCommand<C>> {
        let (mut commands, mut bytes) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            bytes += next.bytes;
            let full = commands.len() >= self.limits.entry_commands_max || bytes > self.limits.entry_bytes_max;
            if full && !commands.is_empty() {
                break;
            }
            self.waiting_bytes -= next.bytes;
            commands.extend(self.waiting.pop_front());
        }
        commands
    }

    fn oldest_ms(&self) -> Option<u64> {
        let in_flight = self.flight.as_ref().and_then(|flight| flight.commands.first());
        in_flight.or(self.waiting.front()).map(|waiting| waiting.since_ms)
    }

    fn back_off_ms(&mut self) -> u64 {
        let wait_ms = self.limits.retry_wait_ms_max >> 4_u32.saturating_sub(self.failures);
        self.failures = (self.failures + 1).min(4);
        wait_ms.max(1)
    }
}
