//! Set-up storm: consults begin and end all the time.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{Measured, Scenario, body, room};
use crate::Failure;
use crate::contestants::Contestant;
use crate::dialect::Kind;
use crate::server::Server;

/// How many rooms.
const ROOMS: u32 = 1_000;
/// How many begin in a second.
const ROOMS_PER_S: u32 = 50;
/// Length of a session description.
const SDP_BYTES: usize = 2_500;
/// Candidates each way, and the length of each.
const CANDIDATES: u32 = 12;
const CANDIDATE_BYTES: usize = 110;

pub const SCENARIO: Scenario = Scenario {
    name: "setup",
    title: "setup: 50 rooms/s, two connect, join, offer/answer of 2.5 KB, 12 candidates each way, leave",
    columns: &["server CPU s per 1k set-ups", "of it in user space"],
    runs: 5,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    // The first room pays for what is made once.
    consult(contestant, server, 0).await?;
    let before = server.cpu()?;
    let started = Instant::now();
    let rooms = (1..=ROOMS).map(|number| async move {
        let due = started + Duration::from_secs(1) * number / ROOMS_PER_S;
        tokio::time::sleep_until(due.into()).await;
        consult(contestant, server, number).await
    });
    try_join_all(rooms).await?;
    let spent = server.cpu()?.since(before, f64::from(ROOMS) / 1_000.0);
    Ok((spent.to_vec(), Vec::new()))
}

async fn consult(contestant: &dyn Contestant, server: &Server, number: u32) -> Result<(), Failure> {
    let [host, clinician] = room(contestant, server, number.into()).await?;
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
