//! A stream as a backup carries it: read beside those who write, and written into a place that holds nothing.
//!
//! The number of a message is what its readers know it by, so a restored one stands under the same. Numbers that had gone stand
//! for nothing there either: before the first message the stream is told where to begin, and between two messages fillers are
//! written and taken out again. A stream that is being filled says so in its description, so that nobody takes half of one for a
//! whole, and one that was given up is begun again.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::datetime::DateTime;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{self, RawMessageErrorKind};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Nats, NatsError};

/// Messages that a consumer is asked for at a time: however large each is, fewer bytes than a server lets wait for a slow line.
const READ_BATCH_MAX: usize = 32;
/// How long it has for them.
const READ_WAIT_MS_MAX: u64 = 5_000;
/// How long the server keeps a consumer whose reader is gone.
const CONSUMER_IDLE_MS_MAX: u64 = 30_000;
/// Messages that are written before the first of them must be acknowledged.
const WRITES_IN_FLIGHT_MAX: usize = 256;
/// Bytes of them.
const BYTES_IN_FLIGHT_MAX: usize = 8 * 1024 * 1024;
/// Fillers that stand in a stream before they are taken out.
const FILLERS_MAX: u64 = 100_000;
/// The beginning of headers by which a writer says what it expects to stand before a message: the place had it then.
const EXPECTATION: &str = "nats-expected-";
/// The last part of a filler's subject.
const FILLER: &str = "filler";
/// The description of a stream that is being filled.
const FILLING: &str = "Being filled by a restore";
/// The description of one that is whole and in which the erased of a list still stand.
const HELD: &str = "Filled by a restore, with people who were erased since";
/// The description of one that is whole and that nobody has used yet.
const FILLED: &str = "Filled by a restore, and not used yet";

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Its number in the stream.
    pub sequence: u64,
    /// Its subject behind the network's prefix: `room.7b0c…`.
    pub subject: String,
    /// Its headers by name, without those that were only for the writing of it.
    pub headers: Vec<(String, Vec<String>)>,
    pub payload: Vec<u8>,
}

impl Carried {
    fn of(prefix: &str, sequence: u64, subject: &str, headers: &HeaderMap, payload: &[u8]) -> Self {
        let behind = subject.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.'));
        let mut kept: Vec<(String, Vec<String>)> = headers
            .iter()
            .map(|(name, values)| (name.to_string(), values.iter().map(ToString::to_string).collect()))
            .filter(|(name, _): &(String, _)| !name.to_ascii_lowercase().starts_with(EXPECTATION))
            .collect();
        kept.sort();
        Self { sequence, subject: behind.unwrap_or(subject).to_owned(), headers: kept, payload: payload.to_vec() }
    }
}

/// How many messages, and a hash over all of them in their order.
#[derive(Clone, Debug, Default)]
struct Sum {
    messages: u64,
    hash: Sha256,
}

impl Sum {
    fn take(&mut self, message: &Carried) {
        let mut field = |bytes: &[u8]| {
            self.hash.update((bytes.len() as u64).to_be_bytes());
            self.hash.update(bytes);
        };
        field(&message.sequence.to_be_bytes());
        field(message.subject.as_bytes());
        for (name, values) in &message.headers {
            field(name.as_bytes());
            field(&(values.len() as u64).to_be_bytes());
            for value in values {
                field(value.as_bytes());
            }
        }
        field(&message.payload);
        self.messages += 1;
    }
}

fn failed(name: &str, cause: impl std::fmt::Display) -> NatsError {
    NatsError::Stream { name: name.to_owned(), cause: cause.to_string() }
}

/// The stream as its leader knows it; `None` where there is none.
async fn info(nats: &Nats, name: &str) -> Result<Option<stream::Info>, NatsError> {
    let answer = nats.jetstream().request(format!("STREAM.INFO.{name}"), &json!({})).await;
    match answer.map_err(|e| failed(name, e))? {
        Response::Ok(info) => Ok(Some(info)),
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
        Response::Err { error } => Err(failed(name, error)),
    }
}

fn is_described(info: &stream::Info, descriptions: &[&str]) -> bool {
    info.config.description.as_deref().is_some_and(|said| descriptions.contains(&said))
}

/// Refuses a stream that holds something, or has held something: its numbers are of another time. What a restore has left that
/// came to no end holds nothing.
pub async fn refuse_full(nats: &Nats, name: &str) -> Result<(), NatsError> {
    match info(nats, name).await? {
        Some(info) if info.state.last_sequence > 0 && !is_described(&info, &[FILLING, HELD, FILLED]) => {
            Err(NatsError::Holds { name: name.to_owned(), messages: info.state.messages })
        }
        _ => Ok(()),
    }
}

/// Refuses a stream that a restore is filling, or has left before it was ready to be used.
pub async fn refuse_unfinished(nats: &Nats, name: &str) -> Result<(), NatsError> {
    match info(nats, name).await? {
        Some(info) if is_described(&info, &[FILLING]) => Err(NatsError::Unfinished { name: name.to_owned() }),
        Some(info) if is_described(&info, &[HELD]) => Err(NatsError::Held { name: name.to_owned() }),
        _ => Ok(()),
    }
}

/// Takes out what stands under these subjects, which are given behind the prefix, and lets a stream be used that was held for
/// that; how many messages, `None` where there is no stream.
pub async fn take_out(nats: &Nats, config: stream::Config, subjects: &[String]) -> Result<Option<u64>, NatsError> {
    let name = config.name.clone();
    let Some(info) = info(nats, &name).await? else { return Ok(None) };
    if is_described(&info, &[FILLING]) {
        return Err(NatsError::Unfinished { name });
    }
    let stream = nats.jetstream().get_stream_no_info(&name).await.map_err(|e| failed(&name, e))?;
    let mut messages = 0;
    for subject in subjects {
        let subject = format!("{}.{subject}", nats.prefix());
        messages += stream.purge().filter(subject).await.map_err(|e| failed(&name, e))?.purged;
    }
    if is_described(&info, &[HELD]) {
        nats.ensure_stream(described(config, FILLED)).await?;
    }
    Ok(Some(messages))
}

/// A stream that keeps what it is given, however old and long, and says what it is.
fn described(config: stream::Config, description: &str) -> stream::Config {
    stream::Config { description: Some(description.to_owned()), max_age: Duration::ZERO, max_bytes: -1, ..config }
}

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

/// A stream that is being filled.
#[derive(Debug)]
pub struct StreamFill {
    nats: Nats,
    stream: stream::Stream<()>,
    config: stream::Config,
    filler: String,
    /// Fillers that stand in it.
    fillers: u64,
    last: u64,
    written: Sum,
    in_flight: VecDeque<(u64, PublishAckFuture)>,
    bytes_in_flight: usize,
}

impl StreamFill {
    /// Makes the stream anew, which must hold nothing. Until it is used it keeps what it is given, however old and long.
    pub async fn begin(nats: &Nats, config: stream::Config) -> Result<Self, NatsError> {
        let name = config.name.clone();
        refuse_full(nats, &name).await?;
        if info(nats, &name).await?.is_some() {
            nats.jetstream().delete_stream(&name).await.map_err(|e| failed(&name, e))?;
        }
        let filler = config.subjects.first().map(|subject| subject.replace(['*', '>'], FILLER)).unwrap_or_default();
        let config = described(config, FILLING);
        nats.ensure_stream(config.clone()).await?;
        let stream = nats.jetstream().get_stream_no_info(&name).await.map_err(|e| failed(&name, e))?;
        let (nats, written, in_flight) = (nats.clone(), Sum::default(), VecDeque::new());
        Ok(Self { nats, stream, config, filler, fillers: 0, last: 0, written, in_flight, bytes_in_flight: 0 })
    }

    fn failed(&self, cause: impl std::fmt::Display) -> NatsError {
        failed(&self.config.name, cause)
    }

    /// Writes a message under its number; numbers grow.
    pub async fn write(&mut self, message: &Carried) -> Result<(), NatsError> {
        if message.sequence <= self.last {
            return Err(self.failed(format!("message {} stands behind {}", message.sequence, self.last)));
        }
        self.reach(message.sequence - 1).await?;
        let mut headers = HeaderMap::new();
        for (name, values) in &message.headers {
            for value in values {
                headers.append(name.as_str(), value.as_str());
            }
        }
        let subject = format!("{}.{}", self.nats.prefix(), message.subject);
        self.publish(subject, headers, message.payload.clone()).await?;
        self.written.take(message);
        Ok(())
    }

    async fn publish(&mut self, subject: String, headers: HeaderMap, payload: Vec<u8>) -> Result<(), NatsError> {
        // What stands before it is not told: a server 2.9 that was told where to begin still compares with what it counted itself.
        self.bytes_in_flight += payload.len();
        let message = PublishMessage::build().headers(headers).payload(payload.into());
        let sent = self.nats.jetstream().send_publish(subject, message).await.map_err(|e| self.failed(e))?;
        self.last += 1;
        self.in_flight.push_back((self.last, sent));
        if self.in_flight.len() >= WRITES_IN_FLIGHT_MAX || self.bytes_in_flight >= BYTES_IN_FLIGHT_MAX {
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), NatsError> {
        self.bytes_in_flight = 0;
        while let Some((expected, sent)) = self.in_flight.pop_front() {
            let stands = sent.await.map_err(|e| self.failed(e))?.sequence;
            if stands != expected {
                return Err(self.failed(format!("message {stands} where {expected} was to stand")));
            }
        }
        Ok(())
    }

    /// Brings the stream's last number to `last`.
    async fn reach(&mut self, last: u64) -> Result<(), NatsError> {
        if self.last == 0 && last > 0 && self.begins_anywhere() {
            self.stream.purge().sequence(last + 1).await.map_err(|e| self.failed(e))?;
            let stands = self.stream.get_info().await.map_err(|e| self.failed(e))?.state.last_sequence;
            if stands != last {
                return Err(self.failed(format!("its numbers begin behind {stands}, and not behind {last}")));
            }
            self.last = last;
        }
        while self.last < last {
            self.publish(self.filler.clone(), HeaderMap::new(), Vec::new()).await?;
            self.fillers += 1;
            if self.fillers >= FILLERS_MAX {
                self.take_fillers_out().await?;
            }
        }
        Ok(())
    }

    /// Whether the server can be told where to begin. Before 2.10 its replicas do not agree about it (the number of the last message
    /// is also counted beside the store).
    fn begins_anywhere(&self) -> bool {
        self.config.num_replicas <= 1 || self.nats.client().is_server_compatible(2, 10, 0)
    }

    async fn take_fillers_out(&mut self) -> Result<(), NatsError> {
        self.settle().await?;
        if self.fillers > 0 {
            self.stream.purge().filter(&self.filler).await.map_err(|e| self.failed(e))?;
        }
        self.fillers = 0;
        Ok(())
    }

    /// Ends it at the number `last`, and reads all of it again; how many messages it has.
    pub async fn end(&mut self, last: u64) -> Result<u64, NatsError> {
        self.reach(last).await?;
        self.take_fillers_out().await?;
        let (mut reader, mut there) = (StreamReader::new(&self.nats, &self.config.name), Sum::default());
        let each = async |message| {
            there.take(&message);
            Ok::<_, NatsError>(())
        };
        reader.read_on(each).await?;
        let (copied, messages) = (there.messages, self.written.messages);
        if copied != messages || there.hash.finalize() != self.written.hash.clone().finalize() || reader.last() != last
        {
            return Err(NatsError::NotWhole { name: self.config.name.clone(), copied, messages });
        }
        Ok(messages)
    }

    /// Keeps it from being used until [`take_out`], whatever becomes of this process.
    pub async fn hold(&self) -> Result<(), NatsError> {
        self.nats.ensure_stream(described(self.config.clone(), HELD)).await.map(drop)
    }

    /// Lets it be used.
    pub async fn release(self) -> Result<(), NatsError> {
        self.nats.ensure_stream(described(self.config, FILLED)).await.map(drop)
    }

    /// Takes it away again.
    pub async fn give_up(self) -> Result<(), NatsError> {
        let deleted = self.nats.jetstream().delete_stream(&self.config.name).await;
        deleted.map(drop).map_err(|e| self.failed(e))
    }
}
