//! One node's decisions step by step, and several nodes over a log that misbehaves by a seed.

use super::*;

type D = LogDriver<u32>;
type Out = Vec<LogOutput<u32, Vec<u32>>>;

const LIMITS: DriverLimits = DriverLimits {
    entry_commands_max: 4,
    entry_bytes_max: 100,
    waiting_commands_max: 8,
    waiting_bytes_max: 1_000,
    commit_wait_ms_max: 5_000,
    hear_wait_ms_max: 20,
    retry_wait_ms_max: 800,
    tail_check_ms: 15_000,
    snapshot_entries: 1_000_000,
};

fn heard(position: u64, previous: u64, own: Option<u64>, body: &[u32]) -> LoggedEntry<Vec<u32>> {
    let kind = if previous == 0 { EntryKind::Opening } else { EntryKind::Batch };
    let (position, previous) = (Position(position), Position(previous));
    LoggedEntry { position, before: previous, previous, own, kind, body: body.to_vec() }
}

fn apply(position: u64, body: &[u32]) -> LogOutput<u32, Vec<u32>> {
    LogOutput::Apply { position: Position(position), body: body.to_vec() }
}

fn append(expected: u64, batch: u64, commands: &[u32]) -> LogOutput<u32, Vec<u32>> {
    let (expected, commands) = (Position(expected), commands.to_vec());
    LogOutput::Append { expected, previous: expected, batch, commands }
}

fn read(after: u64) -> LogOutput<u32, Vec<u32>> {
    LogOutput::Read { after: Position(after) }
}

/// A node that has read a room's opening at 10.
fn following(limits: DriverLimits) -> D {
    let (mut driver, first): (D, Out) = LogDriver::follow(limits, Position::START, 0, 0);
    assert_eq!(first, [read(0)]);
    assert_eq!(driver.handle(0, LogInput::Read(vec![heard(10, 0, None, &[0])])), [apply(10, &[0])]);
    driver
}

fn propose(driver: &mut D, command: u32) -> Out {
    driver.propose(0, command, 10).unwrap_or_else(|Full| panic!("full at {command}"))
}

#[test]
fn what_is_proposed_while_an_append_is_under_way_goes_out_as_one_entry() {
    let mut driver = following(LIMITS);
    assert_eq!(propose(&mut driver, 1), [append(10, 1, &[1])]);
    assert!(propose(&mut driver, 2).is_empty());
    assert!(propose(&mut driver, 3).is_empty());
    // The announcement comes before the answer, or after it; either way the entry counts once.
    let next = driver.handle(1, LogInput::Announced(heard(11, 10, Some(1), &[1])));
    assert_eq!(next, [apply(11, &[1]), append(11, 2, &[2, 3])]);
    let none: Out = driver.handle(1, LogInput::Appended(1, Position(11)));
    assert!(none.is_empty());
    let none: Out = driver.handle(2, LogInput::Appended(2, Position(14)));
    assert!(none.is_empty(), "stored, but not heard");
    assert_eq!(driver.handle(2, LogInput::Announced(heard(14, 11, Some(2), &[2, 3]))), [apply(14, &[2, 3])]);
    assert!(driver.is_idle());
}

#[test]
fn an_entry_has_a_bound_and_so_has_what_waits() {
    let mut driver = following(LIMITS);
    propose(&mut driver, 0);
    for command in 1..=8 {
        propose(&mut driver, command);
    }
    assert_eq!(driver.propose::<Vec<u32>>(0, 9, 10), Err(Full));
    let next = driver.handle(1, LogInput::Announced(heard(11, 10, Some(1), &[0])));
    assert_eq!(next[1], append(11, 2, &[1, 2, 3, 4]), "four commands an entry");
    let mut by_bytes = following(LIMITS);
    propose(&mut by_bytes, 0);
    let _: Out = by_bytes.propose(0, 1, 60).unwrap_or_default();
    let _: Out = by_bytes.propose(0, 2, 60).unwrap_or_default();
    assert_eq!(by_bytes.propose::<Vec<u32>>(0, 3, 1_000 - 119), Err(Full));
    let next = by_bytes.handle(1, LogInput::Announced(heard(11, 10, Some(1), &[0])));
    assert_eq!(next[1], append(11, 2, &[1]), "a hundred bytes an entry");
}

#[test]
fn who_is_outrun_hears_the_other_and_goes_behind_it() {
    let mut driver = following(LIMITS);
    propose(&mut driver, 1);
    let none: Out = driver.handle(1, LogInput::Behind(1));
    assert!(none.is_empty(), "the other's entry is on its way");
    let next = driver.handle(2, LogInput::Announced(heard(12, 10, None, &[7])));
    assert_eq!(next, [apply(12, &[7]), append(12, 2, &[1])]);
    // And when its announcement was lost, it is read.
    let none: Out = driver.handle(3, LogInput::Behind(2));
    assert!(none.is_empty());
    assert_eq!(driver.next_deadline_ms(), 23);
    assert_eq!(driver.handle::<Vec<u32>>(23, LogInput::Tick), [read(12)]);
    let next = driver.handle(24, LogInput::Read(vec![heard(13, 12, None, &[8])]));
    assert_eq!(next, [apply(13, &[8]), append(13, 3, &[1])]);
}

#[test]
fn an_unanswered_append_is_looked_for_before_it_is_repeated() {
    let mut driver = following(LIMITS);
    propose(&mut driver, 1);
    assert_eq!(driver.handle::<Vec<u32>>(1, LogInput::Unknown(1)), [read(10)]);
    let found = driver.clone().handle(2, LogInput::Read(vec![heard(11, 10, Some(1), &[1])]));
    assert_eq!(found, [apply(11, &[1])]);
    assert_eq!(driver.handle::<Vec<u32>>(2, LogInput::Read(vec![])), [append(10, 1, &[1])], "the same batch");
    // The first copy comes late: the second is void, and nothing is applied twice.
    assert_eq!(driver.handle(3, LogInput::Announced(heard(11, 10, Some(1), &[1]))), [apply(11, &[1])]);
    let none: Out = driver.handle(3, LogInput::Appended(1, Position(12)));
    assert!(none.is_empty());
    let second = LoggedEntry { before: Position(11), ..heard(12, 10, Some(1), &[1]) };
    assert!(driver.handle(4, LogInput::Announced(second)).is_empty(), "void");
    let (expected, previous) = (Position(12), Position(11));
    assert_eq!(propose(&mut driver, 2), [LogOutput::Append { expected, previous, batch: 2, commands: vec![2] }]);
}

#[test]
fn of_two_entries_after_the_same_one_the_first_is_valid_for_everybody() {
    let mut driver = following(LIMITS);
    propose(&mut driver, 1);
    // Both were stored. The announcement of the first is lost, and what is said of the second does not fit.
    let none: Out = driver.handle(1, LogInput::Appended(1, Position(12)));
    assert!(none.is_empty());
    let second = LoggedEntry { before: Position(11), ..heard(12, 10, Some(1), &[1]) };
    assert_eq!(driver.handle(1, LogInput::Announced(second.clone())), [read(10)]);
    let next = driver.handle(2, LogInput::Read(vec![heard(11, 10, None, &[7]), second]));
    let (expected, previous) = (Position(12), Position(11));
    let again = LogOutput::Append { expected, previous, batch: 2, commands: vec![1] };
    assert_eq!(next, [apply(11, &[7]), again], "its own was void, and goes again after the other");
}

#[test]
fn a_lost_announcement_is_seen_by_the_next_by_a_new_connection_and_in_the_end_by_looking() {
    let mut driver = following(LIMITS);
    assert_eq!(driver.handle(1, LogInput::Announced(heard(12, 11, None, &[2]))), [read(10)]);
    let both = vec![heard(11, 10, None, &[1]), heard(12, 11, None, &[2])];
    assert_eq!(driver.handle(2, LogInput::Read(both)), [apply(11, &[1]), apply(12, &[2])]);
    assert_eq!(driver.handle::<Vec<u32>>(3, LogInput::Missed), [read(12)]);
    assert!(driver.handle(4, LogInput::Read(vec![heard(13, 12, None, &[3])])).len() == 1);
    assert_eq!(driver.next_deadline_ms(), 15_004);
    assert_eq!(driver.handle::<Vec<u32>>(15_004, LogInput::Tick), [read(13)]);
}

#[test]
fn a_log_that_does_not_answer_is_asked_less_often_and_given_up_after_a_bounded_wait() {
    let mut driver = following(LIMITS);
    propose(&mut driver, 1);
    let (mut now_ms, mut tries) = (0, 0);
    loop {
        let none: Out = driver.handle(now_ms, LogInput::Unavailable(1 + tries));
        assert!(none.is_empty() || none == [LogOutput::GiveUp], "{none:?}");
        now_ms = driver.next_deadline_ms();
        match &driver.handle::<Vec<u32>>(now_ms, LogInput::Tick)[..] {
            [LogOutput::Append { .. }] => tries += 1,
            [LogOutput::GiveUp] => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(now_ms, LIMITS.commit_wait_ms_max);
    assert!((5..12).contains(&tries), "{tries} tries");
    assert!(driver.is_idle());
    let late: Out = driver.handle(now_ms, LogInput::Announced(heard(11, 10, Some(1), &[1])));
    assert_eq!(late, [apply(11, &[1])], "what got in after all counts");
}

#[test]
fn a_snapshot_stands_for_what_was_trimmed_and_a_hole_is_said() {
    let snapshot = |position, previous, own| {
        let (position, previous) = (Position(position), Position(previous));
        LoggedEntry { position, before: previous, previous, own, kind: EntryKind::Snapshot, body: vec![9] }
    };
    let (mut newcomer, _): (D, Out) = LogDriver::follow(LIMITS, Position::START, 0, 0);
    let outputs = newcomer.handle(0, LogInput::Read(vec![snapshot(20, 19, None), heard(21, 20, None, &[1])]));
    assert_eq!(outputs, [LogOutput::Restore { position: Position(20), body: vec![9] }, apply(21, &[1])]);
    let mut behind = following(LIMITS);
    assert_eq!(behind.handle(0, LogInput::Announced(snapshot(20, 19, None))), [read(10)]);
    let outputs = behind.handle(0, LogInput::Read(vec![snapshot(20, 19, None)]));
    assert_eq!(outputs, [LogOutput::Restore { position: Position(20), body: vec![9] }]);
    let mut lost = following(LIMITS);
    assert_eq!(lost.handle(0, LogInput::Announced(heard(13, 12, None, &[1]))), [read(10)]);
    assert_eq!(lost.handle(0, LogInput::Read(vec![heard(13, 12, None, &[1])])), [LogOutput::Lost]);
}

#[test]
fn the_writer_of_the_last_entry_snapshots_and_trims() {
    let mut driver = following(DriverLimits { snapshot_entries: 2, ..LIMITS });
    propose(&mut driver, 1);
    let next = driver.handle(0, LogInput::Announced(heard(11, 10, Some(1), &[1])));
    let snapshot = |at, batch| LogOutput::AppendSnapshot { expected: Position(at), previous: Position(at), batch };
    assert_eq!(next, [apply(11, &[1]), snapshot(11, 2)]);
    assert!(propose(&mut driver, 2).is_empty());
    let own = LoggedEntry { kind: EntryKind::Snapshot, ..heard(12, 11, Some(2), &[]) };
    assert_eq!(
        driver.handle(0, LogInput::Announced(own)),
        [LogOutput::Trim { before: Position(12) }, append(12, 3, &[2])]
    );
    // One that cannot be written is no haste.
    let next = driver.handle(0, LogInput::Announced(heard(13, 12, Some(3), &[2])));
    assert_eq!(next, [apply(13, &[2])]);
    propose(&mut driver, 3);
    let next = driver.handle(0, LogInput::Announced(heard(14, 13, Some(4), &[3])));
    assert_eq!(next[1], snapshot(14, 5));
    let none: Out = driver.handle(0, LogInput::Unavailable(5));
    assert!(none.is_empty() && driver.is_idle());
}

/// A log that stores what it should refuse, loses announcements and answers, and reads from a lagging replica.
struct BadLog {
    rng: u64,
    entries: Vec<Stored>,
}

#[derive(Clone)]
struct Stored {
    position: u64,
    previous: u64,
    node: usize,
    batch: u64,
    body: Vec<u32>,
}

impl BadLog {
    fn chance(&mut self, percent: u64) -> bool {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.rng % 100 < percent
    }

    fn below(&mut self, n: usize) -> usize {
        self.chance(0);
        usize::try_from(self.rng >> 8).unwrap_or(0) % n
    }

    fn store(&mut self, node: usize, (expected, previous): (u64, u64), batch: u64, body: Vec<u32>) -> Option<u64> {
        let last = self.entries.last().map_or(0, |e| e.position);
        if last != expected && !self.chance(30) {
            return None;
        }
        let position = last + 1 + self.rng % 3;
        self.entries.push(Stored { position, previous, node, batch, body });
        Some(position)
    }

    fn shown_to(&self, node: usize, at: usize) -> LoggedEntry<Vec<u32>> {
        let Stored { position, previous, node: by, batch, body } = self.entries[at].clone();
        let before = Position(at.checked_sub(1).map_or(0, |at| self.entries[at].position));
        let own = (by == node).then_some(batch);
        let kind = if at == 0 { EntryKind::Opening } else { EntryKind::Batch };
        LoggedEntry { position: Position(position), before, previous: Position(previous), own, kind, body }
    }
}

/// A message on its way to or from a node.
enum Way {
    Append { after: (u64, u64), batch: u64, body: Vec<u32> },
    Read { after: u64 },
    Back(LogInput<Vec<u32>>),
}

struct Nodes {
    log: BadLog,
    drivers: Vec<D>,
    ways: Vec<(usize, Way)>,
    applied: Vec<Vec<u32>>,
    now_ms: u64,
}

impl Nodes {
    fn new(seed: u64) -> Self {
        let opening = Stored { position: 5, previous: 0, node: 9, batch: 1, body: vec![] };
        let log = BadLog { rng: seed | 1, entries: vec![opening] };
        let mut nodes = Self { log, drivers: vec![], ways: vec![], applied: vec![vec![]; 3], now_ms: 0 };
        for node in 0..3 {
            let limits = DriverLimits { waiting_commands_max: 1_000, commit_wait_ms_max: u64::MAX / 2, ..LIMITS };
            let (driver, outputs) = LogDriver::follow(limits, Position::START, 0, 0);
            nodes.drivers.push(driver);
            nodes.carry_out(node, outputs);
        }
        nodes
    }

    fn carry_out(&mut self, node: usize, outputs: Out) {
        for output in outputs {
            match output {
                LogOutput::Append { expected, previous, batch, commands } => {
                    let after = (expected.0, previous.0);
                    self.ways.push((node, Way::Append { after, batch, body: commands }));
                }
                LogOutput::Read { after } => self.ways.push((node, Way::Read { after: after.0 })),
                LogOutput::Apply { body, .. } => self.applied[node].extend(body),
                other => panic!("{other:?}"),
            }
        }
    }

    fn hand(&mut self, node: usize, input: LogInput<Vec<u32>>) {
        let outputs = self.drivers[node].handle(self.now_ms, input);
        self.carry_out(node, outputs);
    }

    /// Something that is on its way arrives; what, and how well, is the seed's.
    fn step(&mut self, kind: bool) {
        if self.ways.is_empty() {
            self.now_ms = self.drivers.iter().map(LogDriver::next_deadline_ms).min().unwrap_or(0).max(self.now_ms);
            (0..3).for_each(|node| self.hand(node, LogInput::Tick));
            return;
        }
        self.now_ms += 1;
        let at = self.log.below(self.ways.len());
        let (node, way) = self.ways.swap_remove(at);
        match way {
            Way::Append { after, batch, body } => self.append(node, after, batch, &body, kind),
            Way::Read { after } => {
                let all = self.log.entries.len();
                let lag = if kind { 0 } else { self.log.below(3) };
                let known = (0..all.saturating_sub(lag)).filter(|at| self.log.entries[*at].position > after);
                let entries = known.map(|at| self.log.shown_to(node, at)).collect();
                let failed = !kind && self.log.chance(10);
                self.ways.push((node, Way::Back(if failed { LogInput::ReadFailed } else { LogInput::Read(entries) })));
            }
            Way::Back(input) => self.hand(node, input),
        }
    }

    fn append(&mut self, node: usize, after: (u64, u64), batch: u64, body: &[u32], kind: bool) {
        let lost = !kind && self.log.chance(10);
        let late = lost && self.log.chance(50);
        if late {
            // Nobody answers, and it arrives later.
            self.ways.push((node, Way::Append { after, batch, body: body.to_vec() }));
            return self.ways.push((node, Way::Back(LogInput::Unknown(batch))));
        }
        let stored = self.log.store(node, after, batch, body.to_vec());
        let answer = match stored {
            _ if lost => LogInput::Unknown(batch),
            Some(position) => LogInput::Appended(batch, Position(position)),
            None => LogInput::Behind(batch),
        };
        self.ways.push((node, Way::Back(answer)));
        if stored.is_some() {
            for to in 0..3 {
                if kind || self.log.chance(80) {
                    let heard = self.log.shown_to(to, self.log.entries.len() - 1);
                    self.ways.push((to, Way::Back(LogInput::Announced(heard))));
                }
            }
        }
    }
}

#[test]
fn over_a_log_that_misbehaves_all_nodes_apply_every_command_once_and_in_one_order() {
    for seed in 1..400_u64 {
        let mut nodes = Nodes::new(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        for n in 0..120_u32 {
            let node = nodes.log.below(3);
            let outputs = nodes.drivers[node].propose(nodes.now_ms, n, 1).unwrap_or_else(|Full| panic!("full"));
            nodes.carry_out(node, outputs);
            (0..nodes.log.below(8)).for_each(|_| nodes.step(false));
        }
        let mut steps = 0;
        while nodes.applied.iter().any(|applied| applied.len() < 120) || nodes.drivers.iter().any(|d| !d.is_idle()) {
            nodes.step(true);
            steps += 1;
            assert!(steps < 20_000, "seed {seed}: {:?}", nodes.applied);
        }
        assert_eq!(nodes.applied[0], nodes.applied[1], "seed {seed}");
        assert_eq!(nodes.applied[0], nodes.applied[2], "seed {seed}");
        let mut all = nodes.applied[0].clone();
        all.sort_unstable();
        assert_eq!(all, (0..120).collect::<Vec<_>>(), "seed {seed}: each once");
    }
}
