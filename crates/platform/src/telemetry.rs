//! Logs and metrics.
//!
//! The law of logging: the message is for reading, the fields for querying; never a name, a
//! telephone number, a national id, an address, a text somebody typed, a token, a path or a query.
//! An error is logged once, where it is handled.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts logging to standard error: JSON lines, or plain lines when `plain`.
pub fn start_logs(filter: &str, plain: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests, leaves the first one standing.
    let _ = if plain {
        builder.compact().with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}

/// Starts collecting metrics for this process; a second call is the first one's.
pub fn start_metrics() {
    METRICS.get_or_init(|| {
        let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        PrometheusBuilder::new().set_buckets(&buckets).ok()?.install_recorder().ok()
    });
}

/// The metrics as Prometheus text.
pub fn render_metrics() -> String {
    METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}
