//! A seeded simulation of clients, a room, nodes and their log in virtual time: connections break, frames come twice,
//! nodes are killed and cut off, clocks are wrong, the log does not answer or stores what it should refuse.
//!
//! `SANBAO_SIM_SEEDS=5000 cargo test -p sanbao-signalling --test it simulation::seeds` runs so many seeds;
//! `SANBAO_SIM_SEED=1234` runs that one, exactly as it was, and says what it saw.

mod cell;
mod chance;
mod checks;
mod client;
mod events;
mod log;
mod node;
mod script;
mod world;

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use checks::{Counts, Kind, Violation};
use node::Mutation;
use world::World;

/// How many seeds every run of the tests takes.
const SEEDS: u64 = 300;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(seed: u64, mutation: Option<Mutation>) -> (Counts, Vec<Violation>) {
    let mut world = World::new(seed, mutation);
    world.run();
    (world.checks.counts, world.checks.violations)
}

/// Runs seeds on all processors; the first in order that goes wrong, and the sum of the others.
fn run_all(seeds: &RangeInclusive<u64>) -> (Counts, Option<(u64, Vec<Violation>)>) {
    let (next, sum, wrong) = (AtomicU64::new(*seeds.start()), Mutex::new(Counts::default()), Mutex::new(None));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > *seeds.end() {
            return;
        }
        let (counts, violations) = run(seed, None);
        sum.lock().unwrap().add(counts);
        if !violations.is_empty() {
            next.fetch_max(*seeds.end() + 1, Ordering::Relaxed);
            let mut wrong = wrong.lock().unwrap();
            *wrong = wrong.take().filter(|(first, _)| *first < seed).or(Some((seed, violations)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    (sum.into_inner().unwrap(), wrong.into_inner().unwrap())
}

#[test]
fn seeds() {
    let seeds = match number("SANBAO_SIM_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SANBAO_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (sum, wrong) = run_all(&seeds);
    if let Some((seed, violations)) = wrong {
        let again = format!("SANBAO_SIM_SEED={seed} cargo test -p sanbao-signalling --test it simulation::seeds");
        panic!("seed {seed}: {violations:#?}\nagain: {again}");
    }
    // Enough has happened for the silence of the checks to mean something.
    let runs = seeds.end() - seeds.start() + 1;
    if number("SANBAO_SIM_SEED").is_some() || number("SANBAO_SIM_SEEDS").is_some() {
        eprintln!("{runs} seeds: {sum:?}");
    }
    assert!(sum.delivered > 100 * runs && sum.acknowledged > 50 * runs, "{sum:?}");
    if runs >= SEEDS {
        assert!(sum.resumes > runs && sum.snapshots > runs && sum.crashes > runs, "{sum:?}");
        assert!(sum.restores > 0 && sum.captures > runs / 2, "{sum:?}");
    }
}

#[test]
fn a_seed_runs_the_same_again() {
    for seed in [3, 77] {
        assert_eq!(run(seed, None), run(seed, None));
    }
}

/// The fault that the checks find when something is wrong on purpose.
fn found(mutation: Mutation) -> Kind {
    let found = (1..=200).find_map(|seed| run(seed, Some(mutation)).1.first().map(|violation| violation.kind));
    found.unwrap_or_else(|| panic!("{mutation:?} is not noticed"))
}

#[test]
fn the_checks_see_what_is_wrong() {
    assert_eq!(found(Mutation::AckEarly), Kind::Lost);
    assert_eq!(found(Mutation::ActOnRepeats), Kind::Twice);
    assert_eq!(found(Mutation::AdmitAll), Kind::Admission);
    assert_eq!(found(Mutation::ForgeConsent), Kind::Consent);
    assert_eq!(found(Mutation::SkipOne), Kind::Gap);
    let order = found(Mutation::ReverseEntries);
    assert!(matches!(order, Kind::Order | Kind::Lost | Kind::Gap), "{order:?}");
    assert_eq!(found(Mutation::OldSocketsSpeak), Kind::Lost);
    assert_eq!(found(Mutation::TakeLateResumes), Kind::ThrownOut);
}
