//! Logs, metrics and traces.
//!
//! The law of logging: the message is for reading, the fields for querying; never a name, a
//! telephone number, a national id, a postal address, a text somebody typed, a token, a path or a query.
//! A request's lines carry the network address that it came from and the id of the account that asked.
//! An error is logged once, where it is handled. A span follows the same law, and names neither address nor account.
//!
//! The law of metrics: each is declared by [`measures!`](crate::measures) with what it says, its name begins with
//! `sanbao_`, and a label has a bounded number of values.

mod logs;
pub mod otlp;
pub mod trace;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio_util::sync::CancellationToken;

pub use logs::{LogFilter, LogFilterError, Logs, start_logs};

/// How often recorded values are counted into their histograms. Until then each is kept by itself.
const UPKEEP_SECONDS: u64 = 5;
/// Upper bounds of histograms, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How a measure's values are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureKind {
    /// It only grows.
    Counter,
    /// It stands somewhere now.
    Gauge,
    /// How values are spread.
    Histogram,
}

/// A metric: how it is called, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The name, `sanbao_` in front, the unit or `_total` behind.
    pub name: &'static str,
    /// How its values are to be read.
    pub kind: MeasureKind,
    /// The help text, for `# HELP`.
    pub help: &'static str,
}

/// Declares the metrics of a crate, each a constant with its name, and the list [`MEASURES`] that describes them.
#[macro_export]
macro_rules! measures {
    ($($constant:ident = $kind:ident $name:literal $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: &str = concat!("sanbao_", $name);)+
        /// Every metric declared here.
        pub const MEASURES: &[$crate::telemetry::Measure] = &[$($crate::telemetry::Measure {
            name: $constant,
            kind: $crate::telemetry::MeasureKind::$kind,
            help: $help,
        }),+];
    };
}

measures! {
    BUILD_INFO = Gauge "build_info" "Always 1; the labels say which version runs.";
    HTTP_REQUESTS = Counter "http_requests_total" "Requests that were answered, by method, route and status.";
    HTTP_CONNECTIONS = Gauge "http_connections" "Connections of HTTP that are open, WebSockets among them.";
    HTTP_CONNECTIONS_DISPLACED = Counter "http_connections_displaced_total" "Silent connections that were closed because another needed the place.";
    HTTP_CONNECTIONS_REFUSED = Counter "http_connections_refused_total" "Connections that were refused because every place was in use.";
    OTLP_DROPPED = Counter "otlp_dropped_total" "Spans and lines of the log that no collector took, by signal.";
    OTLP_FAILED = Counter "otlp_failed_calls_total" "Calls to the collector of traces and logs that came to nothing, by signal.";
    HTTP_SECONDS = Histogram "http_request_seconds" "Seconds from a request's head to the head of its answer, by route.";
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    Ok(PrometheusBuilder::new().set_buckets(BUCKETS)?.build_recorder())
}

/// Tells the recorder in use what the metrics say.
fn describe(measures: &[Measure]) {
    for measure in measures {
        match measure.kind {
            MeasureKind::Counter => metrics::describe_counter!(measure.name, measure.help),
            MeasureKind::Gauge => metrics::describe_gauge!(measure.name, measure.help),
            MeasureKind::Histogram => metrics::describe_histogram!(measure.name, measure.help),
        }
    }
}

/// Starts collecting metrics for this process, the platform's and those of `more`; `version` is that of the binary.
/// A second call changes nothing.
pub fn start_metrics(version: &'static str, more: &[&[Measure]]) {
    METRICS.get_or_init(|| {
        let recorder = recorder().ok()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe(MEASURES);
        for measures in more {
            describe(measures);
        }
        metrics::gauge!(BUILD_INFO, "version" => version).set(1.0);
        Some(handle)
    });
}

/// Counts recorded values into their histograms from time to time until `stop`: whether anybody reads the metrics or
/// not, they do not grow.
pub async fn keep_metrics(stop: CancellationToken) {
    if let Some(handle) = METRICS.get().and_then(Option::as_ref) {
        upkeep(handle, Duration::from_secs(UPKEEP_SECONDS), &stop).await;
    }
}

async fn upkeep(handle: &PrometheusHandle, every: Duration, stop: &CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        handle.run_upkeep();
    }
}

/// The metrics as Prometheus text.
pub fn render_metrics() -> String {
    METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn histograms_are_drained_although_nobody_reads_them() {
        let recorder = recorder().unwrap();
        let (handle, stop) = (recorder.handle(), CancellationToken::new());
        metrics::with_local_recorder(&recorder, || metrics::histogram!(HTTP_SECONDS, "route" => "/x").record(0.003));
        // The recorder shows in its debug text what it has counted; reading the metrics would count by itself.
        let counted = |handle: &PrometheusHandle| format!("{handle:?}").contains("Histogram(");
        assert!(!counted(&handle), "not counted by itself: {handle:?}");
        let (of_task, told) = (handle.clone(), stop.clone());
        let task = tokio::spawn(async move { upkeep(&of_task, Duration::from_millis(5), &told).await });
        tokio::time::timeout(Duration::from_secs(30), async {
            while !counted(&handle) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("counted by the task");
        stop.cancel();
        task.await.unwrap();
    }
}
