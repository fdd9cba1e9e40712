//! The task that sends: in batches, again and again to a collector that is away, and once more at the end.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::encode::{Parcel, Signal, parcels};
use super::post::{Collector, CollectorAnswer};
use super::{Told, dropped};
use crate::telemetry::OTLP_FAILED;

/// Spans and lines that are sent at once.
const BATCH_MAX: usize = 512;
/// How long the first of a batch waits for others.
const BATCH_WAIT: Duration = Duration::from_secs(2);
/// The first wait for a collector that is away; it doubles up to [`AWAY_WAIT_MAX`].
const AWAY_WAIT_MIN: Duration = Duration::from_secs(1);
const AWAY_WAIT_MAX: Duration = Duration::from_secs(30);
/// A parcel that was not taken so often is dropped: the next may have nothing in it that the collector stumbles over.
const TRIES_MAX: u32 = 10;
/// How long the end may take, all in all, where nobody has said.
const END_WAIT: Duration = Duration::from_secs(2);

/// The outcome of a call.
enum Answered {
    /// All but so many.
    Taken(usize),
    /// It may be taken later.
    Later(String),
    /// It will never be taken.
    Never(String),
}

fn answered(answer: io::Result<CollectorAnswer>) -> Answered {
    match answer {
        Ok(CollectorAnswer { status: 200..=299, rejected }) => Answered::Taken(rejected),
        Ok(CollectorAnswer { status: status @ (429 | 502 | 503 | 504), .. }) => {
            Answered::Later(format!("it answered {status}"))
        }
        Ok(CollectorAnswer { status, .. }) => Answered::Never(format!("it answered {status}")),
        Err(error) => Answered::Later(error.to_string()),
    }
}

/// The sending side of the queue.
pub(super) struct Sending {
    queue: mpsc::Receiver<Told>,
    target: Collector,
    resource: Value,
    stop: CancellationToken,
    end_wait: Arc<OnceLock<Duration>>,
    waiting: VecDeque<Parcel>,
    wait: Duration,
    /// The signals of which the log has said that the collector does not take them.
    away: Vec<Signal>,
}

impl Sending {
    pub(super) fn new(
        queue: mpsc::Receiver<Told>,
        target: Collector,
        resource: Value,
        (stop, end_wait): (CancellationToken, Arc<OnceLock<Duration>>),
    ) -> Self {
        let (waiting, wait, away) = (VecDeque::new(), AWAY_WAIT_MIN, Vec::new());
        Self { queue, target, resource, stop, end_wait, waiting, wait, away }
    }

    /// Sends until it is to stop, and then what there is.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            if self.waiting.is_empty() {
                let batch = self.gather().await;
                self.waiting.extend(parcels(&self.resource, batch));
            } else if stop.run_until_cancelled(self.send_first()).await == Some(false) {
                let jitter = self.wait.mul_f64(rand::random_range(0.0..0.5));
                stop.run_until_cancelled(tokio::time::sleep(self.wait + jitter)).await;
                self.wait = (self.wait * 2).min(AWAY_WAIT_MAX);
            }
        }
        self.end().await;
    }

    /// The next batch: full, or all that came within a moment; what there is when it is to stop.
    async fn gather(&mut self) -> Vec<Told> {
        let (stop, mut batch) = (self.stop.clone(), Vec::new());
        stop.run_until_cancelled(self.queue.recv_many(&mut batch, BATCH_MAX)).await;
        let enough = tokio::time::sleep(BATCH_WAIT);
        tokio::pin!(enough);
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut enough => break,
                _ = self.queue.recv_many(&mut batch, room) => {}
            }
        }
        batch
    }

    /// Sends the first parcel; whether the next may follow at once.
    async fn send_first(&mut self) -> bool {
        let Some(parcel) = self.waiting.front_mut() else { return true };
        parcel.tries += 1;
        let gives_up = parcel.tries >= TRIES_MAX;
        let (signal, count) = (parcel.signal, parcel.count);
        match answered(self.target.post(parcel).await) {
            Answered::Taken(rejected) => {
                self.waiting.pop_front();
                dropped(signal, rejected.min(count));
                self.wait = AWAY_WAIT_MIN;
                if self.away.contains(&signal) {
                    self.away.retain(|away| *away != signal);
                    tracing::info!(
                        collector = self.target.place(),
                        signal = signal.name(),
                        "the collector takes them again"
                    );
                }
                true
            }
            Answered::Later(cause) => {
                if gives_up {
                    self.waiting.pop_front();
                    dropped(signal, count);
                }
                self.say(signal, &cause);
                false
            }
            Answered::Never(cause) => {
                self.waiting.pop_front();
                dropped(signal, count);
                self.say(signal, &cause);
                true
            }
        }
    }

    /// Counts a call that came to nothing, and says the first.
    fn say(&mut self, signal: Signal, cause: &str) {
        metrics::counter!(OTLP_FAILED, "signal" => signal.name()).increment(1);
        if !self.away.contains(&signal) {
            self.away.push(signal);
            let (collector, signal) = (self.target.place(), signal.name());
            tracing::warn!(
                collector,
                signal,
                cause,
                "the collector takes none of these: look whether it runs and takes OTLP over HTTP there, and what --otlp, \
                 --otlp-headers and --otlp-ca say. Requests go on without it; what the queue has no place for is dropped and counted"
            );
        }
    }

    /// Sends what there is, each parcel once.
    async fn end(&mut self) {
        let end_wait = self.end_wait.get().copied().unwrap_or(END_WAIT);
        let last = async {
            self.queue.close();
            loop {
                let mut batch = Vec::new();
                if self.waiting.is_empty() && self.queue.recv_many(&mut batch, BATCH_MAX).await == 0 {
                    return;
                }
                self.waiting.extend(parcels(&self.resource, batch));
                if !self.send_first().await {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(end_wait, last).await.is_ok();
        let mut unsent = 0;
        for parcel in self.waiting.drain(..) {
            dropped(parcel.signal, parcel.count);
            unsent += parcel.count;
        }
        while let Ok(told) = self.queue.try_recv() {
            dropped(told.signal(), 1);
            unsent += 1;
        }
        if unsent > 0 {
            tracing::warn!(
                unsent,
                in_time,
                "spans and lines of the log stay unsent: the collector did not take them at the end"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::super::config::OtlpConfig;
    use super::*;

    /// The sending side to a collector that answers each call with `answer` and reads nothing.
    async fn sending(answer: &'static str) -> Sending {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    stream.shutdown().await.unwrap();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                });
            }
        });
        let target = Collector::of(&OtlpConfig::new(&url, None, None).unwrap()).unwrap();
        let (_, queue) = mpsc::channel(1);
        Sending::new(queue, target, Value::Null, (CancellationToken::new(), Arc::default()))
    }

    #[tokio::test]
    async fn a_parcel_that_is_never_taken_makes_way_for_the_next() {
        let mut sending = sending("HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
        for count in [1, 2] {
            sending.waiting.push_back(Parcel::new(Signal::Traces, count, b"{}".to_vec()));
        }
        for _ in 1..TRIES_MAX {
            assert!(!sending.send_first().await);
        }
        assert_eq!(sending.waiting.len(), 2);
        assert!(!sending.send_first().await, "and the next waits its time");
        assert_eq!(sending.waiting.iter().map(|parcel| parcel.count).collect::<Vec<_>>(), [2]);
    }
}
