//! Reading a stream beside those who write it.

use std::time::Duration;

use async_nats::datetime::DateTime;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::stream::RawMessageErrorKind;
use futures_util::StreamExt as _;

use super::{Carried, failed, info};
use crate::nats::{Nats, NatsError};

/// Messages that a consumer is asked for at a time: however large each is, fewer bytes than a server lets wait for a slow line.
const READ_BATCH_MAX: usize = 32;
/// How long it has for them.
const READ_WAIT_MS_MAX: u64 = 5_000;
/// How long the server keeps a consumer whose reader is gone.
const CONSUMER_IDLE_MS_MAX: u64 = 30_000;

/// Reads a stream from its first message on, to where it ends at each call.
#[derive(Debug)]
pub struct StreamReader {
    nats: Nats,
    name: String,
    created: Option<DateTime>,
    /// The first number that was not asked for yet.
    next: u64,
}

impl StreamReader {
    /// From the beginning of the stream of that name, which need not be there yet.
    pub fn new(nats: &Nats, name: &str) -> Self {
        Self { nats: nats.clone(), name: name.to_owned(), created: None, next: 1 }
    }

    /// Whether the stream was there at a reading.
    pub fn is_there(&self) -> bool {
        self.created.is_some()
    }

    /// The number behind which nothing was read.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// Gives out all messages up to the one that is the last when this is called. Says whether none was missing between them
    /// and what was read before: one that is had gone meanwhile.
    pub async fn read_on<E: From<NatsError>>(
        &mut self,
        mut each: impl AsyncFnMut(Carried) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(info) = info(&self.nats, &self.name).await? else { return Ok(true) };
        if self.created.is_some_and(|created| created != info.created) {
            return Err(failed(&self.name, "it was made anew meanwhile").into());
        }
        self.created = Some(info.created);
        let (last, mut is_whole) = (info.state.last_sequence, true);
        let subject = info.config.subjects.first().cloned().unwrap_or_else(|| ">".to_owned());
        if info.state.messages > 0 && self.next <= last {
            is_whole &= self.read_many(last, &subject, &mut each).await?;
        }
        // The server that keeps the consumer may lag.
        is_whole &= self.read_up_to(last, &subject, &mut each).await?;
        Ok(is_whole)
    }

    /// Reads one by one of the stream's leader, which neither lags nor loses anything on the way, to the number `last`.
    async fn read_up_to<E: From<NatsError>>(
        &mut self,
        last: u64,
        subject: &str,
        each: &mut impl AsyncFnMut(Carried) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut is_whole = true;
        while self.next <= last {
            let Some(message) = self.next_of_leader(subject).await?.filter(|m| m.sequence <= last) else {
                (self.next, is_whole) = (last + 1, false);
                break;
            };
            is_whole &= message.sequence == self.next;
            self.give(message, each).await?;
        }
        Ok(is_whole)
    }

    /// Reads by a consumer as far as it comes, at most to the number `last`.
    async fn read_many<E: From<NatsError>>(
        &mut self,
        last: u64,
        subject: &str,
        each: &mut impl AsyncFnMut(Carried) -> Result<(), E>,
    ) -> Result<bool, E> {
        let name = self.name.clone();
        let failed = |e: &dyn std::fmt::Display| failed(&name, e);
        let stream = self.nats.jetstream().get_stream_no_info(&name).await.map_err(|e| failed(&e))?;
        let consumer: Consumer<pull::Config> = stream.create_consumer(self.config()).await.map_err(|e| failed(&e))?;
        let (mut wanted, mut is_whole) = (consumer.cached_info().num_pending, true);
        while wanted > 0 && self.next <= last {
            let at_once = READ_BATCH_MAX.min(usize::try_from(wanted).unwrap_or(READ_BATCH_MAX));
            let wait = Duration::from_millis(READ_WAIT_MS_MAX);
            let fetch = consumer.fetch().max_messages(at_once).expires(wait);
            let mut messages = fetch.messages().await.map_err(|e| failed(&e))?;
            let before = self.next;
            while let Some(message) = messages.next().await {
                let message = message.map_err(|e| failed(&e))?;
                let info = message.info().map_err(|e| failed(&e))?;
                wanted = info.pending;
                let sequence = info.stream_sequence;
                if sequence > last {
                    break;
                }
                let headers = message.headers.clone().unwrap_or_default();
                let prefix = self.nats.prefix();
                let carried = Carried::of(prefix, sequence, &message.subject, &headers, &message.payload);
                // Nothing is acknowledged, so what was lost on the way looks like what has gone.
                is_whole &= self.read_up_to(sequence - 1, subject, each).await?;
                self.give(carried, each).await?;
            }
            if self.next == before {
                break;
            }
        }
        if let Err(error) = stream.delete_consumer(&consumer.cached_info().name).await {
            tracing::debug!(%error, "a consumer stays until the server finds it idle");
        }
        Ok(is_whole)
    }

    fn config(&self) -> pull::Config {
        pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.next },
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_millis(CONSUMER_IDLE_MS_MAX),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        }
    }

    /// The next message that the stream's leader has.
    async fn next_of_leader(&self, subject: &str) -> Result<Option<Carried>, NatsError> {
        let name = &self.name;
        let stream = self.nats.jetstream().get_stream_no_info(name).await.map_err(|e| failed(name, e))?;
        let asked = stream.raw_message_builder().sequence(self.next).next_by_subject(subject.to_owned());
        match asked.send().await {
            Ok(m) => Ok(Some(Carried::of(self.nats.prefix(), m.sequence, &m.subject, &m.headers, &m.payload))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(failed(name, error)),
        }
    }

    async fn give<E>(
        &mut self,
        message: Carried,
        each: &mut impl AsyncFnMut(Carried) -> Result<(), E>,
    ) -> Result<(), E> {
        self.next = message.sequence + 1;
        each(message).await
    }
}
