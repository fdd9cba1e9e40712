//! Slow: one reads nothing for a while, and the other sends on.

use std::time::{Duration, Instant};

use super::paced::body_bytes;
use super::{Measured, Scenario, audit, body, room};
use crate::client::connect;
use crate::contestants::Contestant;
use crate::dialect::Kind;
use crate::server::Server;

const MESSAGES_PER_S: u32 = 5_000;
/// How long nothing is read.
const STOPPED: Duration = Duration::from_secs(20);
/// What may wait in the sender's own hands before it stops sending, as a browser's `bufferedAmount` would tell it.
const OUTBOUND_BYTES_MAX: usize = 64 * 1024;
/// How long what is late is waited for.
const LATE: Duration = Duration::from_secs(5);

pub const SCENARIO: Scenario = Scenario {
    name: "slow",
    title: "slow: a reader stops for 20 s while 1,000-byte messages come at 5,000/s",
    columns: &["RSS MB above idle, greatest", "sent", "lost", "told of it (1 yes)"],
    runs: 1,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    let [talks, stops] = room(contestant, server, 0).await?;
    let len = body_bytes(&talks);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = server.memory()?.rss;
    stops.pause(true);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (started, mut sent, mut most, mut looked) = (Instant::now(), 0_u32, idle, Duration::ZERO);
    while started.elapsed() < STOPPED && talks.ended().is_none() {
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
        let back = connect(server.address, stops.reset().await?).await?;
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
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let missing = missing as f64;
    told |= talks.told_loss();
    Ok((vec![(most - idle) / 1e6, f64::from(sent), missing, f64::from(u8::from(told))], notes))
}
