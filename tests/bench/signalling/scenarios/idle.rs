//! Idle: people sit in their rooms and nothing is said.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Measured, Run, Scenario};
use crate::contestants::EMBEDDED;
use crate::report::{Bar, Column};

/// How many rooms, two connections each, beside the one that comes first.
const ROOMS: u32 = 4_999;
/// How many are opened at a time.
const OPENING_MAX: usize = 32;
/// How long after the last has come what is held counts as steady.
const SETTLE: Duration = Duration::from_secs(20);
/// How long CPU is watched.
const WATCH: Duration = Duration::from_secs(30);

pub const SCENARIO: Scenario = Scenario {
    name: "idle",
    title: "idle: 10,000 connections in 5,000 rooms, joined",
    columns: &[
        Column::barred("PSS bytes per connection", &[(&[EMBEDDED], Bar::AtMost(9_000.0))]),
        Column::barred("RSS bytes per connection", &[(&[EMBEDDED], Bar::AtMost(9_000.0))]),
        Column::barred("CPU s in 30 s", &[(&[EMBEDDED], Bar::AtMost(0.5))]),
    ],
    // A run takes more than a minute, and they are alike.
    runs: 2,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

async fn measure(run: Run<'_>) -> Measured {
    let server = run.server;
    let _first = run.room(0).await?;
    let before = server.memory()?;
    let opened = stream::iter(1..=u64::from(run.of(ROOMS))).map(|number| run.room(number));
    let rooms: Vec<_> = opened.buffer_unordered(OPENING_MAX).try_collect().await?;
    tokio::time::sleep(SETTLE).await;
    let after = server.memory()?;
    let before_watch = server.cpu()?;
    tokio::time::sleep(WATCH).await;
    let [cpu, _] = server.cpu()?.since(before_watch, 1.0);
    let connections = rooms.iter().flatten();
    let gone = connections.clone().filter(|client| client.ended().is_some()).count();
    if gone > 0 {
        return Err(format!("{gone} connections were closed").into());
    }
    let count = f64::from(u32::try_from(connections.count())?);
    Ok((vec![(after.pss - before.pss) / count, (after.rss - before.rss) / count, cpu], Vec::new()))
}
