//! A publisher's log in a `JetStream` stream, as followers in other processes read it.
//!
//! The follower's cursor stays in its own database and is a position of the publisher's outbox; the server keeps
//! nothing of it. Positions and the stream's own sequence numbers both count up by one, so their difference is
//! one number for as long as the stream stands; it is read off the newest message.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::datetime::DateTime;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{self, DirectGetErrorKind, RetentionPolicy, StorageType};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::{Event, EventLog, Growth, LogEnd, LogError, cloudevent};
use crate::nats::{Nats, NatsError};

/// Messages that are asked for at the same time.
const READS_IN_FLIGHT_MAX: usize = 32;

/// How long and how much a stream keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Older events leave the stream.
    pub age_days_max: u32,
    /// The oldest events leave a stream that would grow larger.
    pub bytes_max: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { age_days_max: 30, bytes_max: 1024 * 1024 * 1024 }
    }
}

/// The stream of one publisher.
#[derive(Debug)]
pub struct StreamLog {
    publisher: &'static str,
    nats: Nats,
    anchor: Mutex<Option<Anchor>>,
}

/// The pair that turns a position into a sequence number, for one life of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    created: DateTime,
    /// `position - sequence`.
    offset: i64,
}

/// The range that the stream holds: sequence numbers, 0 when it has never held anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) empty: bool,
    created: DateTime,
}

impl StreamLog {
    /// The log of `publisher` on the server.
    pub fn new(publisher: &'static str, nats: Nats) -> Self {
        Self { publisher, nats, anchor: Mutex::new(None) }
    }

    pub(super) fn nats(&self) -> &Nats {
        &self.nats
    }

    /// The name of the stream: `sanbao-events-booking`.
    pub fn stream_name(&self) -> String {
        format!("{}-events-{}", self.nats.prefix(), self.publisher)
    }

    /// The subject of events of `kind`: `sanbao.events.booking.booking.consult.signed`.
    pub(super) fn subject(&self, kind: &str) -> String {
        format!("{}.events.{}.{kind}", self.nats.prefix(), self.publisher)
    }

    /// Where publishers say that the log has grown; outside the stream.
    pub(super) fn hint_subject(&self) -> String {
        format!("{}.grown.{}", self.nats.prefix(), self.publisher)
    }

    /// Makes the stream, or gives the standing one these limits; for the publisher.
    pub(super) async fn open(&self, limits: StreamLimits) -> Result<(), NatsError> {
        let config = stream::Config {
            name: self.stream_name(),
            subjects: vec![self.subject(">")],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            num_replicas: self.nats.replicas(),
            max_age: Duration::from_secs(u64::from(limits.age_days_max) * 24 * 3600),
            max_bytes: i64::try_from(limits.bytes_max).unwrap_or(i64::MAX),
            max_messages: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            allow_direct: true,
            ..stream::Config::default()
        };
        self.nats.ensure_stream(config).await.map(drop)
    }

    pub(super) fn failed(&self, cause: impl std::fmt::Display) -> LogError {
        LogError::Stream { publisher: self.publisher, cause: cause.to_string() }
    }

    /// The range that the stream holds; `None` while its publisher has not made it.
    pub(super) async fn extent(&self) -> Result<Option<Extent>, LogError> {
        let question = format!("STREAM.INFO.{}", self.stream_name());
        let answer = self.nats.jetstream().request(question, &json!({})).await.map_err(|e| self.failed(e))?;
        let info: stream::Info = match answer {
            Response::Ok(info) => info,
            Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => return Ok(None),
            Response::Err { error } => return Err(self.failed(error)),
        };
        Ok(Some(Extent {
            first: info.state.first_sequence,
            last: info.state.last_sequence,
            empty: info.state.messages == 0,
            created: info.created,
        }))
    }

    async fn handle(&self) -> Result<stream::Stream<()>, LogError> {
        self.nats.jetstream().get_stream_no_info(self.stream_name()).await.map_err(|e| self.failed(e))
    }

    /// The newest event, asked of the stream's leader.
    pub(super) async fn newest(&self, extent: Extent) -> Result<Event, LogError> {
        let message = self.handle().await?.get_raw_message(extent.last).await.map_err(|e| self.failed(e))?;
        self.decode(extent.last, &message.payload)
    }

    fn decode(&self, sequence: u64, payload: &[u8]) -> Result<Event, LogError> {
        cloudevent::decode(self.publisher, payload).map_err(|cause| LogError::Foreign {
            publisher: self.publisher,
            sequence,
            cause,
        })
    }

    /// `position - sequence` of the stream as it stands.
    async fn offset(&self, extent: Extent) -> Result<i64, LogError> {
        let known = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(anchor) = known.filter(|a| a.created == extent.created) {
            return Ok(anchor.offset);
        }
        let offset = self.newest(extent).await?.position - signed(extent.last);
        self.set_anchor(Some(Anchor { created: extent.created, offset }));
        Ok(offset)
    }

    /// One message by its number; `None` where the server that was asked does not have it yet.
    async fn message(&self, sequence: u64, position: i64) -> Result<Option<Event>, LogError> {
        let message = match self.handle().await?.direct_get(sequence).await {
            Ok(message) => message,
            Err(e) if e.kind() == DirectGetErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.failed(e)),
        };
        let event = self.decode(sequence, &message.payload)?;
        if event.position == position {
            return Ok(Some(event));
        }
        // The next reading takes its bearings anew.
        self.set_anchor(None);
        let cause = format!("position {} stands where {position} belongs", event.position);
        Err(LogError::Foreign { publisher: self.publisher, sequence, cause })
    }

    fn set_anchor(&self, anchor: Option<Anchor>) {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = anchor;
    }
}

#[async_trait::async_trait]
impl EventLog for StreamLog {
    async fn read(&self, position: i64, limit: i64) -> Result<Vec<Event>, LogError> {
        let Some(extent) = self.extent().await?.filter(|e| !e.empty) else { return Ok(Vec::new()) };
        let offset = self.offset(extent).await?;
        let (oldest, newest) = (signed(extent.first) + offset, signed(extent.last) + offset);
        let mut from = position + 1;
        if from < oldest {
            if position > 0 {
                return Err(LogError::Gap { publisher: self.publisher, wanted: from, oldest });
            }
            tracing::warn!(publisher = self.publisher, oldest, "a new follower begins at the oldest event there is");
            from = oldest;
        }
        let until = newest.min(from.saturating_add(limit - 1));
        let found = futures_util::stream::iter(from..=until)
            .map(|position| self.message((position - offset).unsigned_abs(), position))
            .buffered(READS_IN_FLIGHT_MAX);
        // A replica that lags has the first of them; the rest is read when it has caught up.
        found
            .try_take_while(|event| std::future::ready(Ok(event.is_some())))
            .try_filter_map(async |e| Ok(e))
            .try_collect()
            .await
    }

    async fn last(&self) -> Result<i64, LogError> {
        let Some(extent) = self.extent().await?.filter(|e| !e.empty) else { return Ok(0) };
        Ok(signed(extent.last) + self.offset(extent).await?)
    }

    fn is_copy(&self) -> bool {
        true
    }

    async fn end(&self) -> Result<LogEnd, LogError> {
        let Some(extent) = self.extent().await?.filter(|e| !e.empty) else { return Ok(LogEnd::Unknown) };
        let Event { position, event_id, .. } = self.newest(extent).await?;
        Ok(LogEnd::At { position, event_id })
    }

    async fn growth(&self) -> Result<Growth, LogError> {
        let hints = self.nats.client().subscribe(self.hint_subject()).await.map_err(|e| self.failed(e))?;
        Ok(Growth::Hints(Box::new(hints)))
    }
}

/// A sequence number as a position counts.
pub(super) fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
