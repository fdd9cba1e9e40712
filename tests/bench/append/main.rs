//! How long an append to a room's log takes, on one `nats-server` and on three that replicate:
//! `cargo bench --profile release -p sanbao-signalling --bench append`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made has failed")]
#![expect(clippy::print_stdout, reason = "what was measured is the result")]

#[path = "../../../crates/signalling/tests/support/nats.rs"]
mod nats;
#[path = "../../../crates/signalling/tests/support/rooms_log.rs"]
mod rooms_log;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use nats::NatsServers;
use rooms_log::{entry, open, room};
use sanbao_signalling::log::{JetStreamLimits, RoomLog as _};
use tokio::time::timeout;

/// Nothing takes longer; a wait that does has failed.
const LONG: Duration = Duration::from_secs(90);

/// The median and the 99th percentile, in milliseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1000.0;
    (at(50), at(99))
}

/// One append after the other in one room of 1 KB each: until it is heard again; then twenty rooms at once.
async fn measure(servers: usize) {
    let Some(servers_up) = NatsServers::start(servers) else { return };
    let log = open(&servers_up, JetStreamLimits::default()).await;
    let (kilobyte, mut times) = (Bytes::from(vec![7; 1024]), Vec::new());
    let mut watch = log.watch(room(1)).await.unwrap();
    let opened = async {
        loop {
            if let Ok(position) = log.open_first(room(1), entry(0)).await {
                return position;
            }
        }
    };
    let mut last = timeout(LONG, opened).await.unwrap();
    while timeout(LONG, watch.next()).await.unwrap().unwrap().position != last {}
    for _ in 0..1_000 {
        let begun = std::time::Instant::now();
        last = log.append(room(1), last, kilobyte.clone()).await.unwrap();
        while timeout(LONG, watch.next()).await.unwrap().unwrap().position != last {}
        times.push(begun.elapsed());
    }
    let (p50, p99) = percentiles(times);
    let begun = std::time::Instant::now();
    let rooms = (100..120).map(|n| {
        let (log, kilobyte) = (log.clone(), kilobyte.clone());
        tokio::spawn(async move {
            let mut last = log.open_first(room(n), entry(0)).await.unwrap();
            for _ in 0..500 {
                last = log.append(room(n), last, kilobyte.clone()).await.unwrap();
            }
        })
    });
    for room in rooms.collect::<Vec<_>>() {
        room.await.unwrap();
    }
    let per_s = 20.0 * 500.0 / begun.elapsed().as_secs_f64();
    println!("{servers} nats-server: append and hear p50 {p50:.2} ms, p99 {p99:.2} ms; 20 rooms: {per_s:.0} appends/s");
}

#[tokio::main]
async fn main() {
    measure(1).await;
    measure(3).await;
}
