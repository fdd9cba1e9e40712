//! Spans and lines in the JSON of OTLP: its protobuf messages by the JSON mapping, ids in base 16.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tracing::Level;

use super::lines::LogLine;
use super::{Span, Told};
use crate::telemetry::trace::TraceContext;

/// A longer text of a line is cut: a backtrace has enough in it.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// The scope that everything is of.
const SCOPE: &str = "sanbao";
/// A status that says that the work failed.
const STATUS_ERROR: u8 = 2;

/// The two kinds of things that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

impl Signal {
    /// Its name, as a label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }

    /// The path that a collector takes it at.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
        }
    }
}

/// A call: everything of one signal that is sent at once.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) signal: Signal,
    /// How many spans or lines are in it.
    pub(super) count: usize,
    pub(super) body: Vec<u8>,
    /// How often it was sent and not taken.
    pub(super) tries: u32,
}

impl Parcel {
    pub(super) fn new(signal: Signal, count: usize, body: Vec<u8>) -> Self {
        Self { signal, count, body, tries: 0 }
    }
}

/// The process that tells.
pub(super) fn resource(service: &str, version: &str) -> Value {
    let instance = format!("{:032x}", rand::random::<u128>());
    let about = [("service.name", service), ("service.version", version), ("service.instance.id", &instance)];
    let about: Vec<_> = about.into_iter().map(|(key, value)| attribute(key, &json!(value))).collect();
    json!({ "attributes": about })
}

/// A batch as calls, one for each signal that is in it.
pub(super) fn parcels(resource: &Value, batch: Vec<Told>) -> Vec<Parcel> {
    let (mut spans, mut lines) = (Vec::new(), Vec::new());
    for told in batch {
        match told {
            Told::Span(told) => spans.push(span(&told)),
            Told::Line(told) => lines.push(line(&told)),
        }
    }
    let scope = json!({ "name": SCOPE });
    let of = |signal, told: Vec<Value>, all: &str, scoped: &str, each: &str| {
        let count = told.len();
        let body = json!({ all: [{ "resource": resource, scoped: [{ "scope": scope, each: told }] }] });
        (count > 0).then(|| Parcel::new(signal, count, body.to_string().into_bytes()))
    };
    let traces = of(Signal::Traces, spans, "resourceSpans", "scopeSpans", "spans");
    let logs = of(Signal::Logs, lines, "resourceLogs", "scopeLogs", "logRecords");
    traces.into_iter().chain(logs).collect()
}

fn nanos(at: DateTime<Utc>) -> i128 {
    i128::from(at.timestamp_micros()) * 1000
}

fn span_id(context: TraceContext) -> String {
    format!("{:016x}", context.span)
}

fn span(span: &Span) -> Value {
    let (began, lasted) = (nanos(span.began), i128::try_from(span.lasted.as_nanos()).unwrap_or_default());
    let mut told = json!({
        "traceId": span.context.trace_id(),
        "spanId": span_id(span.context),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": (began + lasted).to_string(),
        "attributes": attributes(&span.attributes),
    });
    if let Some(parent) = span.parent {
        told["parentSpanId"] = json!(span_id(parent));
    }
    if let Some(link) = span.link {
        told["links"] = json!([{ "traceId": link.trace_id(), "spanId": span_id(link) }]);
    }
    if span.failed {
        told["status"] = json!({ "code": STATUS_ERROR });
    }
    told
}

/// The number of a level (OTLP's data model of logs, severity).
fn severity(level: Level) -> u8 {
    match level {
        Level::TRACE => 1,
        Level::DEBUG => 5,
        Level::INFO => 9,
        Level::WARN => 13,
        Level::ERROR => 17,
    }
}

fn line(line: &LogLine) -> Value {
    let at = nanos(line.at).to_string();
    let mut told = json!({
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": severity(line.level),
        "severityText": line.level.as_str(),
        "body": any(&json!(line.message)),
        "attributes": attributes(&line.fields),
    });
    if let Some(context) = line.context {
        told["traceId"] = json!(context.trace_id());
        told["spanId"] = json!(span_id(context));
    }
    told
}

fn attributes(named: &[(&'static str, Value)]) -> Vec<Value> {
    named.iter().map(|(key, value)| attribute(key, value)).collect()
}

fn attribute(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": any(value) })
}

/// A value as `AnyValue`. A number of 64 bits is a text in the JSON of protobuf.
fn any(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!({ "intValue": whole.to_string() }),
            None => json!({ "doubleValue": number.as_f64() }),
        },
        Value::String(text) => json!({ "stringValue": &text[..text.floor_char_boundary(TEXT_BYTES_MAX)] }),
        other => json!({ "stringValue": other.to_string() }),
    }
}
