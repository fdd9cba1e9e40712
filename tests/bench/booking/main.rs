//! The cost of one booking: `tests/run --release --bench booking`; to see only that it runs, `tests/run --bench booking -- --small`.
//!
//! A booking is `POST /v1/consults/{id}/schedule` with a token, an idempotency key, policy, audit and outbox, sent over HTTP to
//! `sanbao serve` in a process of its own. 500 doctors, and of ten bookings one wants a time that is taken. Other parts may be
//! chosen by their names, `-- postgres sqlite slot history`; `--years` lets the history grow to five million consults.
//!
//! - **postgres**: 8 and 64 clients, beside `pgbench -M prepared` with the statements of the service's own transaction, which are
//!   listened for in the process of this benchmark.
//! - **sqlite**: 8 and 64 clients, beside a bare connection that writes the same rows, a commit for each booking.
//! - **slot**: 64 clients who want one and the same time, on `PostgreSQL`.
//! - **history**: one client, with ever more consults behind the same doctors.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

mod bare;
mod load;
mod pgbench;
mod served;
mod town;

use std::time::Instant;

use sanbao_platform::testing;

use load::{Round, Spread};
use served::{Served, cpu_seconds};
use town::Town;

const BAR_8: f64 = 0.8;
const BAR_64: f64 = 1.2;
const BAR_SQLITE_64: f64 = 0.6;
const BAR_SQLITE_CPU_MS: f64 = 1.0;
const BAR_FSYNCS: f64 = 0.125;
const BAR_SLOT_MS: f64 = 100.0;
const BAR_HISTORY: f64 = 1.3;

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Bookings of one round.
    bookings: u64,
    /// Times that 64 want.
    slots: u64,
    /// Consults behind the doctors, step by step.
    history: [u64; 3],
}

const FULL: Size = Size { rounds: 5, bookings: 12_800, slots: 50, history: [10_000, 400_000, 0] };
const SMALL: Size = Size { rounds: 2, bookings: 128, slots: 2, history: [200, 400, 0] };

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// A round of the service and one of what it is held against, again and again; the one that begins changes.
async fn on_postgres(size: Size) {
    let Some(engine) = testing::postgres().await else { return };
    let mut town = Town::open(engine).await;
    let script = pgbench::Script::of_the_service(&town).await;
    println!("\nOn PostgreSQL; the transaction is of {} statements and its beginning.\n", script.statements);
    println!(
        "| clients | booked/s | pgbench/s | ratio, median (least to greatest) | p50 | p99 | CPU a booking | bar |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (clients, bar) in [(8, BAR_8), (64, BAR_64)] {
        let served = Served::start(&town).await;
        let per = size.bookings / clients;
        let warm = town.waiting(per * clients).await;
        load::book(&served, &town, clients, warm).await;
        let (mut ours, mut theirs, mut ratios, mut last) = (Vec::new(), Vec::new(), Vec::new(), None);
        let before = cpu_seconds(served.pid());
        let mut booked = 0;
        for round in 0..size.rounds {
            let mut floor = 0.0;
            if round % 2 == 0 {
                let first = town.waiting(per * clients).await;
                floor = script.run(&town, clients, first, per);
            }
            let first = town.waiting(per * clients).await;
            let got = load::book(&served, &town, clients, first).await;
            if round % 2 == 1 {
                let first = town.waiting(per * clients).await;
                floor = script.run(&town, clients, first, per);
            }
            booked += got.won + got.lost;
            ours.push(got.per_second());
            theirs.push(floor);
            ratios.push(got.per_second() / floor);
            last = Some(got);
        }
        let cpu = (cpu_seconds(served.pid()) - before) * 1e3 / f64::from(u32::try_from(booked).unwrap());
        let (ours, theirs, ratio) = (Spread::of(ours), Spread::of(theirs), Spread::of(ratios));
        let mut times = last.unwrap();
        println!(
            "| {clients} | {:.0} | {:.0} | {ratio} × | {:.1} ms | {:.1} ms | {cpu:.2} ms | ≥ {bar} ×: {} |",
            ours.median,
            theirs.median,
            times.ms(50),
            times.ms(99),
            verdict(ratio.median >= bar)
        );
    }
}

async fn on_sqlite(size: Size) {
    let bookings = size.bookings / 4;
    let mut town = Town::open(testing::sqlite()).await;
    let mut bare = bare::Bare::open().await;
    println!("\nOn SQLite, durable, beside a bare connection that writes the same rows, one commit each.\n");
    println!(
        "| clients | booked/s | bare/s | ratio, median (least to greatest) | p99 | CPU a booking | bare CPU | bars |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for clients in [8, 64] {
        let served = Served::start(&town).await;
        let per = bookings / clients;
        let warm = town.waiting(per * clients).await;
        load::book(&served, &town, clients, warm).await;
        let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut cpus, mut floor_cpus, mut p99) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size.rounds {
            let (floor, floor_cpu) = bare.write(per * clients).await;
            let first = town.waiting(per * clients).await;
            let before = cpu_seconds(served.pid());
            let mut got = load::book(&served, &town, clients, first).await;
            cpus.push((cpu_seconds(served.pid()) - before) * 1e3 / got.count());
            ours.push(got.per_second());
            ratios.push(got.per_second() / floor);
            floors.push(floor);
            floor_cpus.push(floor_cpu);
            p99.push(got.ms(99));
        }
        let (ratio, cpu) = (Spread::of(ratios), Spread::of(cpus));
        // Of 8 clients the ratio is told and has no bar.
        let of_ratio = if clients == 64 {
            format!("≥ {BAR_SQLITE_64} ×: {}; ", verdict(ratio.median >= BAR_SQLITE_64))
        } else {
            String::new()
        };
        println!(
            "| {clients} | {:.0} | {:.0} | {ratio} × | {:.1} ms | {cpu} ms | {:.2} ms | {of_ratio}≤ {BAR_SQLITE_CPU_MS} ms: {} |",
            Spread::of(ours).median,
            Spread::of(floors).median,
            Spread::of(p99).median,
            Spread::of(floor_cpus).median,
            verdict(cpu.median <= BAR_SQLITE_CPU_MS),
        );
    }
    let first = town.waiting(bookings / 64 * 64).await;
    match served::counted_syncs(&town, async |served| load::book(served, &town, 64, first).await).await {
        Some((syncs, got)) => {
            let each = f64::from(syncs) / got.count();
            let met = verdict(each <= BAR_FSYNCS);
            println!("\n64 clients under strace: {each:.3} fsyncs a booking; bar ≤ {BAR_FSYNCS}: {met}");
        }
        None => println!("\nfsyncs are not counted: there is no strace"),
    }
}

/// 64 clients who want the same time of the same doctor, in the same room.
async fn one_slot(size: Size) {
    let Some(engine) = testing::postgres().await else { return };
    let mut town = Town::open(engine).await;
    let served = Served::start(&town).await;
    // As in the other parts: connections are open, and their statements prepared.
    let warm = town.waiting(size.bookings / 10).await;
    load::book(&served, &town, 64, warm).await;
    let before = town.deadlocks().await;
    let mut times = Vec::new();
    for slot in 0..size.slots {
        let first = town.waiting_for_one(64).await;
        let got = load::book_one(&served, &town, (first, 64), slot).await;
        assert_eq!((got.won, got.lost), (1, 63), "one wins");
        times.extend(got.times);
    }
    let mut all = Round { won: size.slots, lost: size.slots * 63, seconds: 1.0, times };
    let (p99, deadlocks) = (all.ms(99), town.deadlocks().await - before);
    println!("\n| 64 clients on one slot, {} times | p50 | p99 | worst | deadlocks | bar |", size.slots);
    println!("|---|---|---|---|---|---|");
    println!(
        "| losers are told other times | {:.1} ms | {p99:.1} ms | {:.1} ms | {deadlocks} | 0, p99 ≤ {BAR_SLOT_MS} ms: {} |",
        all.ms(50),
        all.ms(100),
        verdict(deadlocks == 0 && p99 <= BAR_SLOT_MS)
    );
}

async fn with_history(size: Size) {
    let mut engines = vec![testing::sqlite()];
    engines.extend(testing::postgres().await);
    println!(
        "\n| engine | consults behind | ms a booking | CPU of the service | beside the first | bar ≤ {BAR_HISTORY} × |"
    );
    println!("|---|---|---|---|---|---|");
    for engine in engines {
        let name = engine.name();
        let mut town = Town::open(engine).await;
        let mut first: Option<(f64, f64)> = None;
        for behind in size.history.into_iter().filter(|behind| *behind > 0) {
            let filling = Instant::now();
            town.grow_to(behind).await;
            eprintln!("{name}: {behind} consults behind after {:.0} s", filling.elapsed().as_secs_f64());
            let served = Served::start(&town).await;
            let warm = town.waiting(size.bookings / 8).await;
            load::book(&served, &town, 1, warm).await;
            let (mut times, mut cpus) = (Vec::new(), Vec::new());
            for _ in 0..size.rounds {
                let some = town.waiting(size.bookings / 8).await;
                let before = cpu_seconds(served.pid());
                let got = load::book(&served, &town, 1, some).await;
                cpus.push((cpu_seconds(served.pid()) - before) * 1e3 / got.count());
                times.push(got.seconds * 1e3 / got.count());
            }
            let (time, cpu) = (Spread::of(times), Spread::of(cpus));
            let (time_first, cpu_first) = *first.get_or_insert((time.median, cpu.median));
            let (by_time, by_cpu) = (time.median / time_first, cpu.median / cpu_first.max(0.001));
            let met = verdict(by_time <= BAR_HISTORY && by_cpu <= BAR_HISTORY);
            println!(
                "| {name} | {behind} | {time} | {cpu} ms | {by_time:.2} × of time, {by_cpu:.2} × of CPU | {met} |"
            );
        }
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let said = |word: &str| words.iter().any(|said| said == word);
    let mut size = if said("--small") { SMALL } else { FULL };
    if said("--years") {
        size.history[2] = 5_000_000;
    }
    let parts = ["postgres", "sqlite", "slot", "history"];
    let all = !parts.into_iter().any(said);
    if said("--small") {
        println!("not for comparison: small, and of whatever build this is");
    }
    if all || said("postgres") {
        on_postgres(size).await;
    }
    if all || said("sqlite") {
        on_sqlite(size).await;
    }
    if all || said("slot") {
        one_slot(size).await;
    }
    if all || said("history") {
        with_history(size).await;
    }
}
