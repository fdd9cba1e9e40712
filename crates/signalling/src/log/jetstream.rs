//! The rooms' logs in one stream of NATS `JetStream`, a subject each.
//!
//! The server refuses an append whose expected last sequence of the subject is not the last one
//! (`Nats-Expected-Last-Subject-Sequence`), and republishes every entry that it stored on a plain subject,
//! with its sequence and that of the entry before it: so a node follows each of its rooms by a plain
//! subscription, without a consumer on the server. Works with nats-server 2.9.0 and newer; an older one
//! than 2.10 makes the check before it replicates, so that with several replicas two appends that expect the
//! same can both be stored. Readers must be able to tell which of them holds; see [`crate::cluster::driver`].

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DirectGetErrorKind, DiscardPolicy, Republish, RetentionPolicy, StorageType};
use async_nats::jetstream::{self};
use async_nats::{HeaderMap, Message, header};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sanbao_platform::nats::{Nats, NatsError, carry};

use super::{AppendError, Commits, Committed, LogError, Position, RoomLog};
use crate::id::ConsultId;

/// Entries that are asked for one by one, before a consumer is made for the rest.
const SINGLE_READS_MAX: usize = 32;
/// Entries that a consumer is asked for at a time.
const READ_BATCH_MAX: usize = 256;
/// How long the server keeps a consumer whose reader is gone.
const CONSUMER_IDLE_MS_MAX: u64 = 5_000;

/// Bounds of the rooms' stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JetStreamLimits {
    /// How long an entry is kept, in hours; a room that was silent for so long is forgotten.
    pub keep_hours_max: u64,
    /// Bytes of all rooms' entries; appends beyond are refused until older ones have gone.
    pub stream_bytes_max: u64,
    /// How long an append may wait for its answer.
    pub append_wait_ms_max: u64,
    /// How long one answer to a read may take.
    pub read_wait_ms_max: u64,
}

impl Default for JetStreamLimits {
    fn default() -> Self {
        Self {
            keep_hours_max: 72,
            stream_bytes_max: 1024 * 1024 * 1024,
            append_wait_ms_max: 1_000,
            read_wait_ms_max: 1_000,
        }
    }
}

/// The log.
#[derive(Clone, Debug)]
pub struct JetStreamLog {
    nats: Nats,
    stream: stream::Stream<()>,
    limits: JetStreamLimits,
}

impl JetStreamLog {
    /// Makes sure that the stream is there and as it must be.
    pub async fn open(nats: Nats, limits: JetStreamLimits) -> Result<Self, NatsError> {
        let config = config(nats.prefix(), nats.replicas(), limits);
        let name = config.name.clone();
        carry::refuse_unfinished(&nats, &name).await?;
        nats.ensure_stream(config).await?;
        let stream = nats.jetstream().get_stream_no_info(&name).await;
        let stream = stream.map_err(|e| NatsError::Stream { name, cause: e.to_string() })?;
        Ok(Self { nats, stream, limits })
    }

    /// The stream as it is made, for those who carry it from one network to another.
    pub fn stream(nats: &Nats) -> stream::Config {
        config(nats.prefix(), nats.replicas(), JetStreamLimits::default())
    }

    /// The last parts of a room's subject there.
    pub fn subject_of(room: ConsultId) -> String {
        format!("room.{room}")
    }

    /// How often the connection was made: an entry may have been announced while it was not there.
    pub fn connections(&self) -> u64 {
        self.nats.client().statistics().connects.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn subject(&self, room: ConsultId) -> String {
        format!("{}.{}", self.nats.prefix(), Self::subject_of(room))
    }

    fn committed_subject(&self, room: ConsultId) -> String {
        format!("{}.room_committed.{room}", self.nats.prefix())
    }

    async fn publish(&self, room: ConsultId, message: PublishMessage) -> Result<Position, AppendError> {
        if !self.nats.is_connected() {
            // A message handed to a client without a connection would be sent later, long after it was given up.
            return Err(AppendError::Unavailable("no connection to NATS".to_owned()));
        }
        let wait = Duration::from_millis(self.limits.append_wait_ms_max);
        let sent = async { self.nats.jetstream().send_publish(self.subject(room), message).await?.await };
        match tokio::time::timeout(wait, sent).await {
            Ok(Ok(ack)) => Ok(Position(ack.sequence)),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(AppendError::Unknown(format!("no answer within {} ms", self.limits.append_wait_ms_max))),
        }
    }

    /// The first entry after a place, if the server that answers knows one.
    async fn next(&self, room: ConsultId, after: Position) -> Result<Option<Committed>, LogError> {
        let wait = Duration::from_millis(self.limits.read_wait_ms_max);
        let next = self.stream.direct_get_next_for_subject(self.subject(room), Some(after.0 + 1));
        match tokio::time::timeout(wait, next).await {
            Err(_) => Err(LogError(format!("no answer within {} ms", self.limits.read_wait_ms_max))),
            Ok(Err(error)) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Ok(Err(error)) => Err(LogError(error.to_string())),
            Ok(Ok(message)) => {
                let position = Position(message.sequence);
                Ok(Some(Committed { position, previous: after, entry: message.payload }))
            }
        }
    }

    /// All entries after a place, by a consumer that goes when it is done.
    async fn rest(&self, room: ConsultId, after: Position) -> Result<Vec<Committed>, LogError> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.0 + 1 },
            ack_policy: AckPolicy::None,
            filter_subject: self.subject(room),
            inactive_threshold: Duration::from_millis(CONSUMER_IDLE_MS_MAX),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let failed = |e: &dyn std::fmt::Display| LogError(e.to_string());
        let consumer = self.stream.create_consumer(config).await.map_err(|e| failed(&e))?;
        let mut wanted = consumer.cached_info().num_pending;
        let (mut entries, mut previous) = (Vec::new(), after);
        while wanted > 0 {
            let wait = Duration::from_millis(self.limits.read_wait_ms_max);
            let fetch = consumer.fetch().max_messages(READ_BATCH_MAX).expires(wait);
            let mut messages = fetch.messages().await.map_err(|e| failed(&e))?;
            let before = entries.len();
            while let Some(message) = messages.next().await {
                let message = message.map_err(|e| failed(&e))?;
                let info = message.info().map_err(|e| failed(&e))?;
                let position = Position(info.stream_sequence);
                wanted = info.pending;
                entries.push(Committed { position, previous, entry: message.payload.clone() });
                previous = position;
            }
            if entries.len() == before {
                // Trimmed meanwhile: a snapshot stands for what is gone, and comes or came.
                let left = consumer.get_info().await.map_err(|e| failed(&e))?.num_pending;
                if left == wanted {
                    return Err(LogError(format!("{wanted} entries did not come")));
                }
                wanted = left;
            }
        }
        let name = &consumer.cached_info().name;
        if let Err(error) = self.stream.delete_consumer(name).await {
            tracing::debug!(%error, "a consumer stays until the server finds it idle");
        }
        Ok(entries)
    }
}

fn config(prefix: &str, replicas: usize, limits: JetStreamLimits) -> stream::Config {
    stream::Config {
        name: format!("{}_ROOMS", prefix.to_uppercase()),
        description: Some("What happened in each room, in order".to_owned()),
        subjects: vec![format!("{prefix}.room.*")],
        storage: StorageType::File,
        num_replicas: replicas,
        retention: RetentionPolicy::Limits,
        // A full log refuses: what a living room stands on is never pushed out by another one.
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(limits.stream_bytes_max).unwrap_or(i64::MAX),
        max_age: Duration::from_secs(limits.keep_hours_max.saturating_mul(3600)),
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        allow_direct: true,
        republish: Some(Republish {
            source: format!("{prefix}.room.*"),
            destination: format!("{prefix}.room_committed.{{{{wildcard(1)}}}}"),
            headers_only: false,
        }),
        ..stream::Config::default()
    }
}

/// The place of the entry that a failed append tells of.
fn refusal(error: &PublishError) -> AppendError {
    match error.kind() {
        PublishErrorKind::WrongLastSequence => AppendError::Behind,
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => AppendError::Unknown(error.to_string()),
        // An error that the server states; any other answer may hide an entry that was stored.
        PublishErrorKind::Other
            if std::error::Error::source(error).is_none_or(|cause| !cause.is::<jetstream::Error>()) =>
        {
            AppendError::Unknown(error.to_string())
        }
        PublishErrorKind::Other
        | PublishErrorKind::StreamNotFound
        | PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::MaxPayloadExceeded => AppendError::Unavailable(error.to_string()),
    }
}

/// An entry as the server republishes it.
fn announced(message: Message) -> Option<Committed> {
    let number = |headers: &HeaderMap, name| headers.get(name)?.as_str().parse().ok().map(Position);
    let headers = message.headers.as_ref()?;
    let position = number(headers, header::NATS_SEQUENCE)?;
    let previous = number(headers, header::NATS_LAST_SEQUENCE)?;
    Some(Committed { position, previous, entry: message.payload })
}

#[async_trait]
impl RoomLog for JetStreamLog {
    async fn read(&self, room: ConsultId, after: Position) -> Result<Vec<Committed>, LogError> {
        let (mut entries, mut last) = (Vec::new(), after);
        for _ in 0..SINGLE_READS_MAX {
            let Some(entry) = self.next(room, last).await? else { return Ok(entries) };
            last = entry.position;
            entries.push(entry);
        }
        entries.extend(self.rest(room, last).await?);
        Ok(entries)
    }

    async fn append(&self, room: ConsultId, expected: Position, entry: Bytes) -> Result<Position, AppendError> {
        let message = PublishMessage::build().payload(entry).expected_last_subject_sequence(expected.0);
        self.publish(room, message).await
    }

    /// Expects nothing: of two openings the first is the valid one for every reader, and a server that
    /// compares with zero before it replicates is never asked to.
    async fn open_first(&self, room: ConsultId, entry: Bytes) -> Result<Position, AppendError> {
        self.publish(room, PublishMessage::build().payload(entry)).await
    }

    async fn watch(&self, room: ConsultId) -> Result<Commits, LogError> {
        let subscription = self.nats.client().subscribe(self.committed_subject(room)).await;
        let subscription = subscription.map_err(|e| LogError(e.to_string()))?;
        Ok(subscription.filter_map(|message| std::future::ready(announced(message))).boxed())
    }

    async fn bytes(&self) -> Result<u64, LogError> {
        let info = self.stream.get_info().await.map_err(|e| LogError(e.to_string()))?;
        Ok(info.state.bytes)
    }

    async fn trim(&self, room: ConsultId, before: Position) -> Result<(), LogError> {
        let purged = self.stream.purge().filter(self.subject(room)).sequence(before.0).await;
        purged.map(|_| ()).map_err(|e| LogError(e.to_string()))
    }
}
