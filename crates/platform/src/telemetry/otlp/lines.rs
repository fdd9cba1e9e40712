//! The lines of the log on their way to a collector: a layer beside the one that writes them to standard error, behind the same
//! filter.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{QUEUE, Told};
use crate::telemetry::trace::{self, TraceContext};

/// The field that is the line's text.
const MESSAGE: &str = "message";

tokio::task_local! {
    static SILENT: ();
}

/// Does work whose lines are not sent: else what the sending says would have to be sent, without an end.
pub(super) async fn silent<T>(work: impl Future<Output = T>) -> T {
    SILENT.scope((), work).await
}

/// A line of the log.
#[derive(Debug)]
pub(super) struct LogLine {
    pub(super) at: DateTime<Utc>,
    pub(super) level: Level,
    pub(super) message: String,
    /// Its own fields, and those of the work that it was said in.
    pub(super) fields: Vec<(&'static str, Value)>,
    pub(super) context: Option<TraceContext>,
}

/// The fields of a span of the log.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.push((field.name(), value));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

/// The layer.
#[derive(Debug)]
pub(in crate::telemetry) struct Lines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(queue) = QUEUE.get().filter(|_| SILENT.try_with(|()| ()).is_err()) else { return };
        let mut said = Fields::default();
        event.record(&mut said);
        let message = said.0.iter().position(|(name, _)| *name == MESSAGE).map(|at| said.0.swap_remove(at).1);
        let message = message.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                said.0.extend(fields.0.iter().cloned());
            }
        }
        let (at, level) = (queue.clock.now(), *event.metadata().level());
        said.0.push(("target", json!(event.metadata().target())));
        queue.put(Told::Line(LogLine { at, level, message, fields: said.0, context: trace::current() }));
    }
}
