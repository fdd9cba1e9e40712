//! Slow: one reads nothing for a while, and the other sends on.

use std::time::{Duration, Instant};

use super::paced::body_bytes;
use super::{Measured, Run, Scenario, audit, body, in_silence};
use crate::client::connect;
use crate::contestants::{EMBEDDED, OWN};
use crate::dialect::Kind;
use crate::report::{Bar, Column};

const MESSAGES_PER_S: u32 = 5_000;
/// How long nothing is read.
const STOPPED: Duration = Duration::from_secs(20);
/// The bytes that may wait in the sender's own hands before it stops sending, as a browser's `bufferedAmount` would
/// tell it.
const OUTBOUND_BYTES_MAX: usize = 64 * 1024;
/// How long what is late is waited for.
const LATE: Duration = Duration::from_secs(5);

pub const SCENARIO: Scenario = Scenario {
    name: "slow",
    title: "slow: a reader stops for 20 s while messages of 1,000 bytes, envelope included, come at 5,000/s",
    columns: &[
        Column::barred("RSS MB above idle, greatest", &[(&[EMBEDDED], Bar::EachAtMost(8.0))]),
        Column::plain("sent"),
        Column::plain("lost"),
        Column::barred("lost in silence", &[(OWN, Bar::EachAtMost(0.0))]),
    ],
    runs: 3,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

async fn measure(run: Run<'_>) -> Measured {
    let server = run.server;
    let stopped = STOPPED * run.percent / 100;
    let [talks, stops] = run.room(0).await?;
    let len = body_bytes(&talks);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = server.memory()?.rss;
    stops.pause(true);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (started, mut sent, mut most, mut looked) = (Instant::now(), 0_u32, idle, Duration::ZERO);
    while started.elapsed() < stopped && talks.ended().is_none() {
        ticks.tick().await;
        let elapsed = started.elapsed();
        let due = elapsed.as_secs_f64() * f64::from(MESSAGES_PER_S);
        while f64::from(sent) <= due && talks.outbound() < OUTBOUND_BYTES_MAX {
            talks.say(Kind::Offer, &body(sent, len));
            sent += 1;
        }
        if elapsed.saturating_sub(looked) > Duration::from_millis(250) {
            most = most.max(server.memory()?.rss);
            looked = elapsed;
        }
    }
    stops.pause(false);
    tokio::time::sleep(LATE).await;
    let mut received = stops.take_received();
    let mut told = stops.told_loss();
    let mut notes: Vec<String> =
        stops.ended().map(|code| format!("the reader was closed with {code}")).into_iter().collect();
    if stops.ended().is_some() {
        let back = connect(server.address(1), stops.reset().await?).await?;
        tokio::time::sleep(LATE).await;
        received.extend(back.take_received());
        told |= back.told_loss();
    }
    if let Some(code) = talks.ended() {
        notes.push(format!("the sender was closed with {code}"));
    }
    notes.push(format!("{} messages were refused to their sender", talks.refused()));
    most = most.max(server.memory()?.rss);
    let (missing, _, _) = audit(sent, &received);
    told |= talks.told_loss();
    let silent = in_silence(missing, told, talks.refused());
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let [missing, silent] = [missing as f64, silent as f64];
    Ok((vec![(most - idle) / 1e6, f64::from(sent), missing, silent], notes))
}
