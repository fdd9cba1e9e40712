//! Copies a publisher's outbox to its stream, in order, for followers in other processes.
//!
//! Each append names the sequence number that must stand before it, so that several processes of one publisher may
//! forward at once: a late one is refused, looks at what stands there and goes on behind it. The stream's content is
//! the truth, not the noted position: a stream that lost its end is completed, one that was deleted is filled again
//! with all that the outbox still has.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use tokio_util::sync::CancellationToken;

use super::cursor::{Cursor, Heard};
use super::{Event, Faults, Growth, LogError, Outbox, StreamLimits, StreamLog, cloudevent};
use crate::db::DbError;
use crate::nats::Nats;

/// Under which name the forwarder's own cursor is kept.
pub(super) const NAME: &str = "nats";
/// The name of a stream among readers.
const STREAM: &str = "the event stream";
/// Events that are appended before the first of them must be acknowledged.
const BATCH_MAX: i64 = 100;
/// How long a quiet forwarder waits before it compares outbox and stream again.
const POLL_MS: u64 = 1_000;
/// The first wait after a failure; it doubles up to [`BACKOFF_MS_MAX`].
const BACKOFF_MS_MIN: u64 = 50;
const BACKOFF_MS_MAX: u64 = 2_000;

/// The end of the stream: what stands there, and as which number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tail {
    sequence: u64,
    /// `event_id` is known where something stands.
    heard: Heard,
}

/// One publisher's outbox on its way to the stream.
#[derive(Debug)]
pub struct Forwarder {
    outbox: Outbox,
    log: StreamLog,
    limits: StreamLimits,
    cursor: Cursor,
}

impl Forwarder {
    /// From `outbox` to its publisher's stream on the server.
    pub fn new(outbox: Outbox, nats: Nats, limits: StreamLimits) -> Self {
        let cursor = Cursor { consumer: NAME, publisher: outbox.publisher };
        Self { log: StreamLog::new(outbox.publisher, nats), outbox, limits, cursor }
    }

    /// Forwards until `stop`, whatever fails on the way.
    pub async fn run(self: Arc<Self>, faults: Faults, stop: CancellationToken) {
        let mut growth = Growth::Changes(self.outbox.db.changes());
        let mut wait_ms = BACKOFF_MS_MIN;
        while !stop.is_cancelled() {
            let forwarded = self.forward().await;
            faults.note(STREAM, self.outbox.publisher, &forwarded);
            let well = match forwarded {
                Ok(_) => true,
                Err(error) => {
                    tracing::warn!(publisher = self.outbox.publisher, %error, "events wait in the outbox");
                    false
                }
            };
            wait_ms = if well { BACKOFF_MS_MIN } else { (wait_ms * 2).min(BACKOFF_MS_MAX) };
            let jitter = rand::random_range(0..=wait_ms / 2);
            let pause = Duration::from_millis(if well { POLL_MS } else { wait_ms + jitter });
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = growth.grown(), if well => {}
            }
        }
    }

    /// Forwards everything there is; how many events were appended.
    pub async fn forward(&self) -> Result<u64, LogError> {
        let mut tail = self.tail().await?;
        self.is_of_this_outbox(tail.heard).await?;
        let mut forwarded = 0;
        loop {
            let events = self.outbox.read(tail.heard.position, BATCH_MAX).await?;
            self.note(tail.heard).await?;
            if events.is_empty() {
                return Ok(forwarded);
            }
            for event in &events {
                // Retention takes only the oldest, and only what the stream has had.
                let wanted = tail.heard.position + 1;
                if event.position != wanted && wanted != 1 {
                    let publisher = self.outbox.publisher;
                    return Err(LogError::Gap { publisher, wanted, oldest: event.position });
                }
                tail.heard = Heard { position: event.position, event_id: Some(event.event_id) };
            }
            tail.sequence = self.append(tail.sequence, &events).await?;
            forwarded += events.len() as u64;
            // Only a hint: a reader that misses it looks by itself.
            let _ = self.log.nats().client().publish(self.log.hint_subject(), "".into()).await;
        }
    }

    /// How many events of the outbox the stream does not have, as far as this publisher knows.
    pub async fn behind(&self) -> Result<i64, DbError> {
        let last = self.outbox.last().await?;
        Ok((last - self.noted().await?.position).max(0))
    }

    /// Whose outbox.
    pub fn publisher(&self) -> &'static str {
        self.outbox.publisher
    }

    /// Where the stream ends; makes the stream when it is not there.
    async fn tail(&self) -> Result<Tail, LogError> {
        let Some(extent) = self.log.extent().await? else {
            self.log.open(self.limits).await.map_err(|e| self.log.failed(e))?;
            return Ok(Tail { sequence: 0, heard: Heard::default() });
        };
        if !extent.empty {
            let Event { position, event_id, .. } = self.log.newest(extent).await?;
            return Ok(Tail { sequence: extent.last, heard: Heard { position, event_id: Some(event_id) } });
        }
        // Empty from age: only the note knows what stood there. Empty from the start: everything is to come.
        let heard = if extent.last == 0 { Heard::default() } else { self.noted().await? };
        Ok(Tail { sequence: extent.last, heard })
    }

    async fn noted(&self) -> Result<Heard, DbError> {
        self.cursor.read(&mut self.outbox.db.read().await?).await
    }

    /// Whether the end of the stream was told by this outbox: an older database beside a newer stream would give out
    /// positions that readers have already had.
    async fn is_of_this_outbox(&self, tail: Heard) -> Result<(), LogError> {
        let Some(told) = tail.event_id else { return Ok(()) };
        let (publisher, reader, position) = (self.outbox.publisher, STREAM, tail.position);
        let cause = match self.outbox.stands(position).await? {
            Some(stands) if stands == told => return Ok(()),
            Some(_) => format!("event {position} of the stream is another one in the outbox"),
            None => match self.outbox.last().await? {
                last if last < position => {
                    format!("the stream ends with event {position}, and event {last} is the newest of the outbox")
                }
                // It was taken away by age; what is missing behind it is told as a gap.
                _ => return Ok(()),
            },
        };
        Err(LogError::OutOfStep { publisher, reader, cause })
    }

    /// Appends a batch behind `sequence`; the new last number.
    async fn append(&self, sequence: u64, events: &[Event]) -> Result<u64, LogError> {
        let mut acknowledgements = Vec::with_capacity(events.len());
        for (before, event) in (sequence..).zip(events) {
            let text = cloudevent::encode(self.outbox.publisher, event).map_err(|e| self.log.failed(e))?;
            let message = PublishMessage::build()
                .payload(text.into())
                .header("Content-Type", cloudevent::CONTENT_TYPE)
                .message_id(event.event_id.to_string())
                .expected_last_sequence(before);
            let sent = self.log.nats().jetstream().send_publish(self.log.subject(&event.kind), message).await;
            acknowledgements.push((before + 1, sent.map_err(|e| self.log.failed(e))?));
        }
        for (expected, acknowledgement) in acknowledgements {
            let stands = acknowledgement.await.map_err(|e| self.log.failed(e))?.sequence;
            if stands != expected {
                return Err(self.log.failed(format!("message {stands} where {expected} was to stand")));
            }
        }
        Ok(sequence + events.len() as u64)
    }

    /// Keeps in the publisher's database how far the stream has it; retention goes by it.
    async fn note(&self, heard: Heard) -> Result<(), DbError> {
        let noted = self.noted().await?;
        if noted == heard {
            return Ok(());
        }
        let mut tx = self.outbox.db.begin().await?;
        // Another process of this publisher may have noted something newer: then that stands.
        self.cursor.advance(&mut tx, noted.position, heard).await?;
        tx.commit().await
    }
}
