//! Events between services: a transactional outbox, a cursor per consumer, an inbox that drops repeats.
//!
//! The outbox *is* the log. A consumer keeps, in its own database, how far it has read each
//! publisher; it takes effect of an event and moves its cursor in one transaction. So an event takes
//! effect once, in the order it was written, and a consumer that was stopped reads on where it was.
//! An event that fails again and again is parked where an operator sees it, and the next one goes on.
//!
//! Where publisher and consumer share a process, the consumer reads the [`Outbox`]. Where they do not, the
//! publisher's [`Forwarder`] copies the outbox to a stream of `JetStream` and the consumer reads that
//! [`StreamLog`]. A cursor is a position of the outbox either way.

mod catalogue;
mod cloudevent;
mod consumer;
mod cursor;
mod emptied;
mod faults;
mod forwarder;
mod log;
mod outbox;
mod parked;
mod retention;
mod stream;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use catalogue::{Described, EventField, EventKind, Published, Reads, holds, is_optional, reads, unkept};
pub use consumer::{ConsumeError, Consumer, ConsumerStatus, Handler};
pub use emptied::{empty, forget_parked, is_one_of};
pub use faults::Faults;
pub use forwarder::Forwarder;
pub use log::{EventLog, Growth, LogEnd, LogError};
#[cfg(feature = "testing")]
pub use outbox::publish;
#[cfg(test)]
pub(crate) use outbox::{APPEND_ALL_POSTGRES, APPEND_ALL_SQLITE};
pub use outbox::{NewEvent, Outbox, emit, publish_all};
pub(crate) use outbox::{OutboxLine, PLACE, grown};
pub use parked::{ParkedEvent, ParkedId, Retried, drop_parked, parked};
pub use retention::{Cleaned, Cleaner, Readers, Retention};
pub use stream::{StreamLimits, StreamLog};

/// An event as it lies in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx_macros::FromRow)]
pub struct Event {
    /// Its place in the publisher's log.
    pub position: i64,
    /// Its id: a repeat has the same.
    pub event_id: Uuid,
    /// The event's kind: `booking.consult.signed`.
    pub kind: String,
    /// The id of the event before it in the log, by which a reader knows that nothing else has come between; `None` for
    /// the first, and where the one before is no longer kept.
    #[serde(default)]
    pub previous: Option<Uuid>,
    /// The aggregate it happened to; events of one subject are in order.
    pub subject: Uuid,
    /// The moment of the change, by the publisher's clock.
    pub occurred_at: DateTime<Utc>,
    /// The publisher's data; a consumer reads only the fields it declares.
    #[sqlx(json)]
    pub data: Value,
    /// The place in a trace of what caused it (`CloudEvents` Distributed Tracing extension).
    #[serde(default)]
    pub traceparent: Option<String>,
}

impl Event {
    /// The data as the consumer's own type, which declares just the fields it reads.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, ConsumeError> {
        serde_json::from_value(self.data.clone())
            .map_err(|e| ConsumeError::Reject(format!("{}: {}", self.kind, parked::without_values(&e.to_string()))))
    }
}
