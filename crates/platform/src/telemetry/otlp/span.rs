//! A piece of work as a collector gets it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::telemetry::trace::TraceContext;

/// The side of a span, as OTLP numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A request is answered.
    Server = 2,
    /// An event is taken.
    Consumer = 5,
}

/// A piece of work that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its own place.
    pub context: TraceContext,
    /// The place of its cause.
    pub parent: Option<TraceContext>,
    /// Another place that it has to do with, perhaps in another trace.
    pub link: Option<TraceContext>,
    pub kind: SpanKind,
    /// The operation: few different ones, and nothing that somebody typed.
    pub name: String,
    pub began: DateTime<Utc>,
    pub lasted: Duration,
    /// More about it, under the names of `OpenTelemetry`'s semantic conventions; nothing about anybody.
    pub attributes: Vec<(&'static str, Value)>,
    /// Whether it came to nothing through a fault of this side.
    pub failed: bool,
}
