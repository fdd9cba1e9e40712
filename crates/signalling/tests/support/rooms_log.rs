//! The rooms' log on `nats-server`s of the test's own, with rooms and entries by their numbers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sanbao_signalling::id::ConsultId;
use sanbao_signalling::log::{JetStreamLimits, JetStreamLog};

use super::nats::NatsServers;

/// Nothing takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(90);

pub fn room(n: u128) -> ConsultId {
    ConsultId(uuid::Uuid::from_u128(n))
}

pub fn entry(n: usize) -> Bytes {
    Bytes::from(format!("entry {n}"))
}

/// The log, once it can be opened.
pub async fn open(servers: &NatsServers, limits: JetStreamLimits) -> JetStreamLog {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match JetStreamLog::open(servers.connect().await, limits).await {
            Ok(log) => return log,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}
