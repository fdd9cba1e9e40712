//! What signalling costs, beside a bare forwarder: `cargo bench --bench signalling -- [scenario…] [--peers] [--runs N]`.
//!
//! Each server runs as a process of its own, a fresh one for each run, so that its CPU and memory are measured alone;
//! runs of all contestants alternate. The tables are Markdown on standard output. `README.md` beside this file says
//! what is measured and what came out.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tables and progress are what it is for")]

mod client;
mod contestants;
mod dialect;
mod floor;
mod report;
mod role;
mod scenarios;
mod server;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use contestants::Contestant;
use report::{Row, Table};
use scenarios::{Measured, Scenario};

/// What goes wrong in a benchmark is told and ends that run.
type Failure = Box<dyn std::error::Error>;

/// How many rounds may be discarded for each that counts.
const ROUNDS_DISCARDED_MAX: usize = 5;

/// What signalling costs.
#[derive(Debug, clap::Parser)]
struct Arguments {
    /// Which scenarios: setup, paced, saturated, pingpong, idle, lost, slow; all when none is named.
    scenarios: Vec<String>,
    /// Compare other signalling servers too.
    #[arg(long)]
    peers: bool,
    /// Only these contestants, beside the floor.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many runs instead of each scenario's own number.
    #[arg(long)]
    runs: Option<usize>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let done = match std::env::var(role::ROLE) {
        Ok(role) => role::play(&role),
        Err(_) => compare(&Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(strange) = arguments.scenarios.iter().find(|n| scenarios::ALL.iter().all(|s| s.name != **n)) {
        return Err(format!("no scenario {strange}").into());
    }
    let mut contestants = contestants::all(arguments.peers)?;
    let wanted = |name: &str| name == "floor" || arguments.only.is_empty() || arguments.only.iter().any(|o| o == name);
    contestants.retain(|c| wanted(c.name()));
    println!("Limits raised for this load:");
    for contestant in &contestants {
        println!("- {}: {}", contestant.name(), contestant.raised());
    }
    contestants.retain(|contestant| match contestant.missing() {
        Some(missing) => {
            println!("- {} is left out: {missing}", contestant.name());
            false
        }
        None => true,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for scenario in scenarios::ALL {
        if arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|n| n == scenario.name) {
            let runs = arguments.runs.unwrap_or(scenario.runs);
            println!("{}", measure(&runtime, scenario, &contestants, runs));
        }
    }
    Ok(())
}

/// All runs of a scenario, the contestants in turn.
fn measure(
    runtime: &tokio::runtime::Runtime,
    scenario: &Scenario,
    contestants: &[Box<dyn Contestant>],
    runs: usize,
) -> String {
    let row = |c: &dyn Contestant| Row { name: c.name(), runs: Vec::new(), notes: Vec::new() };
    let mut rows: Vec<Row> = contestants.iter().map(|c| row(c.as_ref())).collect();
    let (mut counted, mut discarded) = (0, 0);
    while counted < runs && discarded <= runs * ROUNDS_DISCARDED_MAX {
        let mut round = Vec::new();
        for contestant in contestants {
            eprintln!("{}: run {} of {runs}, {}", scenario.name, counted + 1, contestant.name());
            round.push(once(runtime, scenario, contestant.as_ref()));
        }
        if matches!(&round[0], Ok((values, _)) if (scenario.too_noisy)(values)) {
            discarded += 1;
            continue;
        }
        counted += 1;
        for (row, measured) in rows.iter_mut().zip(round) {
            let (run, notes) = match measured {
                Ok((values, notes)) => (Some(values), notes),
                Err(error) => (None, vec![format!("failed: {error}")]),
            };
            row.runs.push(run);
            let new: Vec<String> = notes.into_iter().filter(|n| !row.notes.contains(n)).collect();
            row.notes.extend(new);
        }
    }
    if discarded > 0 {
        rows[0].notes.push(format!("{discarded} rounds were discarded, {counted} counted"));
    }
    Table { title: scenario.title, columns: scenario.columns, rows: &rows }.text()
}

/// One run against a fresh server.
fn once(runtime: &tokio::runtime::Runtime, scenario: &Scenario, contestant: &dyn Contestant) -> Measured {
    let server = contestant.start()?;
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until((scenario.run)(contestant, &server)))
}
