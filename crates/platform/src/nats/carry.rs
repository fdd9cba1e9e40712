//! A stream as a backup carries it: read beside those who write, and written into a place that holds nothing.
//!
//! The number of a message is what its readers know it by, so a restored one stands under the same. Numbers that had gone stand
//! for nothing there either: before the first message the stream is told where to begin, and between two messages fillers are
//! written and taken out again. A stream that is being filled says so in its description, so that nobody takes half of one for a
//! whole, and one that was given up is begun again.

mod read;

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub use read::StreamReader;

use super::{Nats, NatsError};

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
/// The description of one that is whole and of which something is to be taken out before it is used.
const HELD: &str = "Filled by a restore, and held back until it has ended";
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
