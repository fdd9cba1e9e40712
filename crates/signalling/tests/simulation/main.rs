//! A seeded simulation of clients, a room, nodes and their log in virtual time: connections break, frames come twice,
//! nodes are killed and cut off, clocks are wrong, the log does not answer or stores what it should refuse.
//!
//! `SANBAO_SIM_SEEDS=5000 cargo test -p sanbao-signalling --test simulation seeds` runs so many seeds;
//! `SANBAO_SIM_SEED=1234` runs that one, exactly as it was, and says what it saw.

#![expect(clippy::unwrap_used, reason = "tests")]

mod chance;
mod checks;
mod client;
mod events;
mod log;
mod node;
mod script;
mod world;

use checks::{Counts, Kind, Violation};
use node::Mutation;
use world::World;

/// How many seeds every run of the tests takes.
const SEEDS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(seed: u64, mutation: Option<Mutation>) -> (Counts, Vec<Violation>) {
    let mut world = World::new(seed, mutation);
    world.run();
    (world.checks.counts, world.checks.violations)
}

#[test]
fn seeds() {
    let seeds = match number("SANBAO_SIM_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SANBAO_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut sum = Counts::default();
    for seed in seeds.clone() {
        let (counts, violations) = run(seed, None);
        assert!(
            violations.is_empty(),
            "seed {seed}: {violations:#?}\nagain: SANBAO_SIM_SEED={seed} cargo test -p sanbao-signalling --test simulation seeds"
        );
        sum.add(counts);
    }
    // Enough has happened for the silence of the checks to mean something.
    let runs = seeds.count() as u64;
    assert!(sum.delivered > 200 * runs && sum.acknowledged > 100 * runs, "{sum:?}");
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

/// What the checks find when something is wrong on purpose.
fn found(mutation: Mutation) -> Kind {
    let found = (1..=40).find_map(|seed| run(seed, Some(mutation)).1.first().map(|violation| violation.kind));
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
}
