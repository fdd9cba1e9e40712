//! Idle: people sit in their rooms and nothing is said.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Measured, Scenario, room};
use crate::contestants::Contestant;
use crate::server::Server;

/// How many rooms, two connections each, beside the one that comes first.
const ROOMS: u64 = 4_999;
/// How many are opened at a time.
const OPENING_MAX: usize = 32;
/// How long after the last has come what is held counts as steady.
const SETTLE: Duration = Duration::from_secs(20);
/// How long CPU is watched.
const WATCH: Duration = Duration::from_secs(30);

pub const SCENARIO: Scenario = Scenario {
    name: "idle",
    title: "idle: 10,000 connections in 5,000 rooms, joined",
    columns: &["PSS bytes per connection", "RSS bytes per connection", "CPU s in 30 s"],
    runs: 1,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    let _first = room(contestant, server, 0).await?;
    let before = server.memory()?;
    let opened = stream::iter(1..=ROOMS).map(|number| room(contestant, server, number));
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
