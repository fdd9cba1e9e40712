//! The statements that a thread sends to its database, as they are sent.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A subscriber that is told the text of each statement, on the thread that sends it.
#[derive(Debug)]
pub struct StatementListener<F>(pub F);

/// The two fields in which sqlx tells a statement: a long one stands in the second alone.
#[derive(Default)]
struct StatementText {
    summary: String,
    whole: String,
}

impl Visit for StatementText {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl<F: Fn(String) + Send + Sync + 'static> Subscriber for StatementListener<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = StatementText::default();
        event.record(&mut text);
        let whole = if text.whole.is_empty() { text.summary } else { text.whole };
        self.0(whole.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
