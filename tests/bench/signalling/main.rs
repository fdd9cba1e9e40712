//! The cost of signalling, beside a bare forwarder: `cargo bench --profile release --bench signalling -- [scenario…] [--jetstream]
//! [--peers] [--only NAME,…] [--runs N] [--percent N]`.
//!
//! Each server runs as a process of its own, a fresh one for each run, so that its CPU and memory are measured alone;
//! runs of all contestants alternate, each round beginning with another of them. The tables are Markdown on standard
//! output. `tests/bench/README.md` says what is measured and what came out; `tests/bench/all` measures every bar.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tables and progress are what it is for")]

mod client;
mod contestants;
mod dialect;
mod floor;
mod machine;
mod nats;
mod report;
mod role;
mod scenarios;
mod server;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use contestants::{Contestant, EMBEDDED, FLOOR, OWN};
use report::{Row, Table};
use scenarios::{Measured, Run, Scenario};

/// A failure in a benchmark is told and ends that run.
type Failure = Box<dyn std::error::Error>;

/// How many rounds may be discarded for each that counts.
const ROUNDS_DISCARDED_MAX: usize = 5;

/// The cost of signalling.
#[derive(Debug, clap::Parser)]
struct Arguments {
    /// Which scenarios: setup, paced, saturated, pingpong, idle, lost, slow; all when none is named.
    scenarios: Vec<String>,
    /// Compare the relay with its room log in `JetStream` too.
    #[arg(long)]
    jetstream: bool,
    /// Compare other signalling servers too.
    #[arg(long)]
    peers: bool,
    /// Only these contestants, beside the floor: any of all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many runs instead of each scenario's own number.
    #[arg(long)]
    runs: Option<usize>,
    /// How much of each load, to try the benchmark itself; figures count at 100.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    percent: u32,
    /// The flag that cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let done = match std::env::var(role::ROLE) {
        Ok(role) => role::play(&role).map(|()| true),
        Err(_) => compare(&Arguments::parse()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a run of this repository's relay failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every run of this repository's relay could be measured.
fn compare(arguments: &Arguments) -> Result<bool, Failure> {
    if let Some(strange) = arguments.scenarios.iter().find(|n| scenarios::ALL.iter().all(|s| s.name != **n)) {
        return Err(format!("no scenario {strange}").into());
    }
    let mut contestants = chosen(arguments)?;
    println!("{}.", machine::about());
    println!("Open files of a process: {}.", machine::raise_open_files());
    println!("Lengths are without WebSocket framing. Nobody waits in a lobby: tickets say `lobby: false`.");
    if arguments.percent < 100 {
        println!("Only {} % of each load: not for comparison.", arguments.percent);
    }
    println!();
    for contestant in &contestants {
        println!("- {}: {}", contestant.name(), contestant.about());
    }
    let mut whole = true;
    contestants.retain(|contestant| match contestant.missing() {
        Some(missing) => {
            println!("- {} is left out: {missing}", contestant.name());
            whole &= !OWN.contains(&contestant.name());
            false
        }
        None => true,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for scenario in scenarios::ALL {
        if arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|n| n == scenario.name) {
            let rows = measure(&runtime, scenario, &contestants, arguments);
            println!("{}", Table { title: scenario.title, columns: scenario.columns, rows: &rows }.text());
            let failed = |row: &Row| row.runs.is_empty() || row.runs.iter().any(Option::is_none);
            whole &= !rows.iter().any(|row| OWN.contains(&row.name) && failed(row));
        }
    }
    Ok(whole)
}

/// The contestants that were asked for, the floor first.
fn chosen(arguments: &Arguments) -> Result<Vec<Box<dyn Contestant>>, Failure> {
    let mut all = contestants::all()?;
    if let Some(strange) = arguments.only.iter().find(|n| all.iter().all(|c| c.name() != **n)) {
        let names: Vec<_> = all.iter().map(|c| c.name()).collect();
        return Err(format!("no contestant {strange}; there are {}", names.join(", ")).into());
    }
    all.retain(|contestant| match contestant.name() {
        FLOOR => true,
        name if !arguments.only.is_empty() => arguments.only.iter().any(|only| only == name),
        EMBEDDED => true,
        name if OWN.contains(&name) => arguments.jetstream,
        _ => arguments.peers,
    });
    Ok(all)
}

/// All runs of a scenario: each round every contestant, beginning with another one.
fn measure(
    runtime: &tokio::runtime::Runtime,
    scenario: &Scenario,
    contestants: &[Box<dyn Contestant>],
    arguments: &Arguments,
) -> Vec<Row> {
    let runs = arguments.runs.unwrap_or(scenario.runs);
    let row = |c: &dyn Contestant| Row { name: c.name(), runs: Vec::new(), notes: Vec::new() };
    let mut rows: Vec<Row> = contestants.iter().map(|c| row(c.as_ref())).collect();
    let (mut counted, mut discarded) = (0, 0);
    while counted < runs && discarded <= runs * ROUNDS_DISCARDED_MAX {
        let mut round: Vec<Option<Measured>> = contestants.iter().map(|_| None).collect();
        for place in 0..contestants.len() {
            let place = (place + counted + discarded) % contestants.len();
            let contestant = contestants[place].as_ref();
            eprintln!("{}: run {} of {runs}, {}", scenario.name, counted + 1, contestant.name());
            round[place] = Some(once(runtime, scenario, contestant, arguments.percent));
        }
        if matches!(&round[0], Some(Ok((values, _))) if (scenario.too_noisy)(values)) {
            discarded += 1;
            continue;
        }
        counted += 1;
        for (row, measured) in rows.iter_mut().zip(round.into_iter().flatten()) {
            let (run, notes) = match measured {
                Ok((values, notes)) => (Some(values), notes),
                Err(error) => (None, vec![format!("failed: {error}")]),
            };
            row.runs.push(run);
            let new: Vec<String> = notes.into_iter().filter(|n| !row.notes.contains(n)).collect();
            row.notes.extend(new);
        }
    }
    rows[0].notes.push(format!("{counted} rounds counted, {discarded} were discarded"));
    rows
}

/// One run against a fresh server.
fn once(runtime: &tokio::runtime::Runtime, scenario: &Scenario, contestant: &dyn Contestant, percent: u32) -> Measured {
    let server = contestant.start()?;
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(async {
        if server.stands_on_nats() {
            scenarios::first_room(contestant, &server).await?;
        }
        (scenario.run)(Run { contestant, server: &server, percent }).await
    }))
}
