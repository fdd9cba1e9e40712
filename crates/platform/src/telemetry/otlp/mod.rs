//! Spans and log lines to a collector, by OTLP over HTTP in JSON (<https://opentelemetry.io/docs/specs/otlp/>): told to a
//! bounded queue that nobody waits for, and sent by a task beside the work.
//!
//! A span says the operation, never whom it was about: the method and the pattern of a path, or the kind of an event.

mod config;
mod encode;
mod lines;
mod post;
mod send;
mod span;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use config::{OtlpConfig, OtlpError};
pub(super) use lines::Lines;
pub use span::{Span, SpanKind};

use crate::clock::Clock;
use crate::telemetry::OTLP_DROPPED;
use encode::Signal;

/// Spans and lines that wait to be sent; more are dropped and counted.
const QUEUE_MAX: usize = 4096;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// A thing to be sent.
#[derive(Debug)]
enum Told {
    Span(Span),
    Line(lines::LogLine),
}

impl Told {
    fn signal(&self) -> Signal {
        match self {
            Self::Span(_) => Signal::Traces,
            Self::Line(_) => Signal::Logs,
        }
    }
}

/// The way in.
#[derive(Debug)]
struct Queue {
    sender: mpsc::Sender<Told>,
    clock: Clock,
}

impl Queue {
    fn put(&self, told: Told) {
        let signal = told.signal();
        if self.sender.try_send(told).is_err() {
            dropped(signal, 1);
        }
    }
}

fn dropped(signal: Signal, count: usize) {
    if count > 0 {
        metrics::counter!(OTLP_DROPPED, "signal" => signal.name()).increment(count as u64);
    }
}

/// Whether anything is sent.
pub(super) fn is_on() -> bool {
    QUEUE.get().is_some()
}

/// Tells a span that has ended; without a collector it is not even made.
pub fn tell(span: impl FnOnce() -> Span) {
    if let Some(queue) = QUEUE.get() {
        queue.put(Told::Span(span()));
    }
}

/// The task that sends, started.
#[derive(Debug)]
pub struct Exporter {
    stop: CancellationToken,
    /// How long the end may take, said before it is to stop.
    end_wait: Arc<OnceLock<Duration>>,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Sends what waits, as far as that is done within `wait`, and ends.
    pub async fn stop(self, wait: Duration) {
        self.end_wait.get_or_init(|| wait);
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that sends traces and logs failed");
        }
    }
}

/// Starts to send to a collector all that this process tells from now on, as that of `service`. In a process that
/// sends already, nothing is changed.
///
/// # Errors
/// The file of an authority cannot be read.
pub fn start(config: &OtlpConfig, service: &str, version: &str, clock: Clock) -> Result<Option<Exporter>, OtlpError> {
    let (sender, queue) = mpsc::channel(QUEUE_MAX);
    let target = post::Collector::of(config)?;
    if QUEUE.set(Queue { sender, clock }).is_err() {
        return Ok(None);
    }
    let (stop, end_wait) = (CancellationToken::new(), Arc::<OnceLock<Duration>>::default());
    let ending = (stop.clone(), Arc::clone(&end_wait));
    let sending = send::Sending::new(queue, target, encode::resource(service, version), ending);
    Ok(Some(Exporter { stop, end_wait, task: tokio::spawn(lines::silent(sending.run())) }))
}
