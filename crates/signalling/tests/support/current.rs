//! When a cluster of `nats-server`s has got over the loss of one.

use std::time::{Duration, Instant};

use super::nats::NatsServers;

/// Nothing takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until every server has all of a stream: only then may another one be killed.
pub async fn until_current(servers: &NatsServers, stream: &str) {
    let nats = servers.connect().await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let info = nats.jetstream().get_stream(stream).await;
        let cluster = info.ok().and_then(|stream| stream.cached_info().cluster.clone());
        let is_current = cluster.is_some_and(|cluster| {
            let all = cluster.replicas.len() + 1 == servers.urls().len();
            cluster.leader.is_some() && all && cluster.replicas.iter().all(|peer| peer.current && !peer.offline)
        });
        if is_current {
            return nats.close().await;
        }
        assert!(Instant::now() < deadline, "the servers do not catch up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
