//! Any sequence of holds, invitations with and without a shared device, answers, bookings, moves, exchanges, closed days, rooms that take more or fewer and time that goes on leaves the
//! calendar as a simple model of it says; and then some steps at once, in an order that nobody knows, leave every promise kept.

mod model;
mod run;
mod seats;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use sanbao_platform::clock::Clock;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{TestEngine, postgres, sqlite};

use model::{Brought, MINUTES_OF_DAY, ROOMS, SLOT_MINUTES, Step, Wish};
use run::Run;

/// Sequences that are tried on each engine, unless `SANBAO_TEST_SEQUENCES` says how many.
const SEQUENCES: u32 = 12;
const STEPS: std::ops::Range<usize> = 20..60;
/// Steps that are taken all at once behind a sequence; fewer than connections, so that none waits for one.
const AT_ONCE_MAX: usize = 13;
const DAYS: i64 = 2;
/// The first slots of each day, so that many want the same.
const SLOTS: i64 = 4;

/// A slot of a doctor, now and then the beginning of none.
fn wish() -> impl Strategy<Value = Wish> {
    let late = prop_oneof![9 => Just(0_i64), 1 => Just(10)];
    let parts = (0..2_usize, prop::option::of(0..ROOMS), 0..DAYS, 0..SLOTS, late);
    parts.prop_map(|(doctor, room, day, slot, late)| {
        let from = day * MINUTES_OF_DAY + slot * SLOT_MINUTES[doctor] + late;
        Wish { doctor, room, from }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let (some, nurse, doctor) = (|| 0..64_usize, || 0..3_usize, || 0..2_usize);
    let brought = || (0..2_usize, any::<bool>()).prop_map(|(resident, device)| Brought { resident, device });
    let hold = (nurse(), brought(), wish());
    let invite = (nurse(), brought(), prop::option::weighted(0.7, wish()), 60..5 * MINUTES_OF_DAY);
    let minutes = prop_oneof![4 => 1..15_i64, 1 => 60..1000_i64];
    prop_oneof![
        4 => hold.prop_map(|(nurse, brought, wish)| Step::Hold { nurse, brought, wish }),
        1 => nurse().prop_map(|nurse| Step::GiveBack { nurse }),
        7 => invite.prop_map(|(nurse, brought, wish, minutes)| Step::Invite { nurse, brought, wish, minutes }),
        6 => (some(), doctor()).prop_map(|(consult, doctor)| Step::Accept { consult, doctor }),
        2 => (some(), prop::sample::select(&["return", "return", "reject"][..]))
            .prop_map(|(consult, step)| Step::Answer { consult, step }),
        2 => (some(), nurse()).prop_map(|(consult, nurse)| Step::Submit { consult, nurse }),
        7 => (some(), wish()).prop_map(|(consult, wish)| Step::Book { consult, wish }),
        5 => (some(), wish()).prop_map(|(consult, wish)| Step::Overbook { consult, wish }),
        4 => (some(), some()).prop_map(|(consult, with)| Step::Exchange { consult, with }),
        2 => (some(), prop::sample::select(&["cancel", "no-show"][..]))
            .prop_map(|(consult, step)| Step::End { consult, step }),
        1 => (doctor(), 0..DAYS).prop_map(|(doctor, day)| Step::Close { doctor, day }),
        1 => (doctor(), 0..DAYS).prop_map(|(doctor, day)| Step::Open { doctor, day }),
        2 => (0..ROOMS, 1..4_usize).prop_map(|(room, capacity)| Step::Resize { room, capacity }),
        1 => any::<bool>().prop_map(|at_once| Step::Agree { at_once }),
        1 => Just(Step::Sweep),
        3 => minutes.prop_map(|minutes| Step::Pass { minutes }),
    ]
}

fn number(variable: &str) -> Option<u32> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Tries sequences on one engine; the seed of one that goes wrong is told, and `SANBAO_TEST_SEED` has it tried again.
fn try_on(runtime: &tokio::runtime::Runtime, engine: &TestEngine) {
    let [.., a, b, c, d] = uuid_v7(Clock::system().now()).into_bytes();
    let seed = number("SANBAO_TEST_SEED").unwrap_or(u32::from_le_bytes([a, b, c, d]));
    let cases = number("SANBAO_TEST_SEQUENCES").unwrap_or(SEQUENCES);
    let config =
        ProptestConfig { cases, max_shrink_iters: 256, failure_persistence: None, ..ProptestConfig::default() };
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let run = std::sync::Arc::new(tokio::sync::Mutex::new(runtime.block_on(Run::on(engine))));
    let steps = (prop::collection::vec(step(), STEPS), prop::collection::vec(step(), 0..AT_ONCE_MAX));
    let tried = runner.run(&steps, |(steps, at_once)| {
        let outcome = runtime.block_on(async {
            let mut run = run.lock().await;
            let model = run.sequence(&steps).await?;
            run.at_once(&model, &at_once).await
        });
        outcome.map_err(TestCaseError::fail)
    });
    match tried {
        Ok(()) => eprintln!("{}: {}", engine.name(), runtime.block_on(run.lock()).told()),
        Err(TestError::Fail(why, steps)) => panic!("{} SANBAO_TEST_SEED={seed}: {why}\n{steps:#?}", engine.name()),
        Err(TestError::Abort(why)) => panic!("{} SANBAO_TEST_SEED={seed}: {why}", engine.name()),
    }
}

#[test]
fn any_sequence_of_steps_leaves_the_calendar_as_its_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    try_on(&runtime, &sqlite());
    if let Some(engine) = runtime.block_on(postgres()) {
        try_on(&runtime, &engine);
    }
}
