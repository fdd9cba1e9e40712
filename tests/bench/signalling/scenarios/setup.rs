//! Set-up storm: consults begin and end all the time.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{Measured, Run, Scenario, body};
use crate::Failure;
use crate::contestants::EMBEDDED;
use crate::dialect::Kind;
use crate::report::{Bar, Column};

/// How many rooms: so many that the kernel's ticks of 10 ms do not matter.
const ROOMS: u32 = 2_000;
/// How many begin in a second.
const ROOMS_PER_S: u32 = 50;
/// Length of a session description.
const SDP_BYTES: usize = 2_500;
/// Candidates each way, and the length of each.
const CANDIDATES: u32 = 12;
const CANDIDATE_BYTES: usize = 110;

pub const SCENARIO: Scenario = Scenario {
    name: "setup",
    title: "setup: 50 rooms/s, two connect, join, offer/answer of 2.5 KB and 12 candidates each way of 110 bytes, \
            envelopes not included, leave; 2,000 rooms",
    columns: &[
        Column::barred("server CPU s per 1k set-ups", &[(&[EMBEDDED], Bar::TimesFloor(3.0))]),
        Column::plain("of it in user space"),
    ],
    runs: 5,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

async fn measure(run: Run<'_>) -> Measured {
    let (server, rooms) = (run.server, run.of(ROOMS));
    // The first room pays for what is made once.
    consult(run, 0).await?;
    let before = server.cpu()?;
    let started = Instant::now();
    let consults = (1..=rooms).map(|number| async move {
        let due = started + Duration::from_secs(1) * number / ROOMS_PER_S;
        tokio::time::sleep_until(due.into()).await;
        consult(run, number).await
    });
    try_join_all(consults).await?;
    let spent = server.cpu()?.since(before, f64::from(rooms) / 1_000.0);
    Ok((spent.to_vec(), Vec::new()))
}

async fn consult(run: Run<'_>, number: u32) -> Result<(), Failure> {
    let [host, clinician] = run.room(number.into()).await?;
    let description = body(0, SDP_BYTES);
    clinician.say(Kind::Offer, &description);
    host.until("offer", |c| c.received() == 1).await?;
    host.say(Kind::Answer, &description);
    clinician.until("answer", |c| c.received() == 1).await?;
    for candidate in 1..=CANDIDATES {
        let candidate = body(candidate, CANDIDATE_BYTES);
        host.say(Kind::Candidate, &candidate);
        clinician.say(Kind::Candidate, &candidate);
    }
    for side in [&host, &clinician] {
        side.until("all candidates", |c| c.received() == 1 + CANDIDATES as usize).await?;
    }
    for side in [&host, &clinician] {
        side.leave();
    }
    for side in [&host, &clinician] {
        side.until("end", |c| c.ended().is_some()).await?;
    }
    Ok(())
}
