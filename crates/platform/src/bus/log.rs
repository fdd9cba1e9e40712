//! A publisher's log as its followers see it, whichever way it is carried.

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::Event;
use crate::db::{DbError, LiveNotice};

/// Why a log cannot be followed now.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A database failed: the publisher's, or the follower's own.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The follower's work waits for something that is down.
    #[error("{0}")]
    Unavailable(String),
    /// The server that carries the log failed or did not answer.
    #[error("the event stream of {publisher}: {cause}")]
    Stream {
        publisher: &'static str,
        /// The failure, as the client library tells it.
        cause: String,
    },
    /// The follower was away for longer than the stream keeps events. Nothing is passed over: an operator
    /// deletes the stream, and its publisher fills a new one from its outbox.
    #[error(
        "events {wanted} to {oldest} of {publisher} are no longer in their stream: delete the stream, and its \
         publisher fills it again from its outbox"
    )]
    Gap {
        publisher: &'static str,
        /// The first position that is missing.
        wanted: i64,
        /// The oldest position that is there.
        oldest: i64,
    },
    /// The publisher's database no longer has what the reader has not heard.
    #[error(
        "events {wanted} to {last} of {publisher} are gone from its outbox, and {reader} has not heard them: the reader's \
         database is of a backup older than events are kept; restore the databases of one backup"
    )]
    Forgotten {
        publisher: &'static str,
        /// The reader's name.
        reader: &'static str,
        /// The first position that is missing.
        wanted: i64,
        /// The last position that is missing.
        last: i64,
    },
    /// The reader has heard another log than this one: its database and the publisher's are of different times or of
    /// different networks. Nothing is read, because something would be lost or taken twice without a word.
    #[error(
        "{reader} and {publisher} are out of step: {cause}. Their databases or streams are of different times: restore \
         those of one backup"
    )]
    OutOfStep {
        publisher: &'static str,
        /// The reader's name, or the stream.
        reader: &'static str,
        /// The two things that contradict each other.
        cause: String,
    },
    /// A stream ends before what the reader has heard. Its publisher may have yet to fill it, as after a move from one process to
    /// several; if that lasts, the publisher's database is older than the reader's.
    #[error(
        "the event stream of {publisher} ends with event {last}, and {reader} has heard event {heard}: it waits until the \
         publisher has filled the stream. If that lasts, their databases are of different times: restore those of one backup"
    )]
    Behind {
        publisher: &'static str,
        /// The reader's name.
        reader: &'static str,
        /// The last event of the stream.
        last: i64,
        /// The last event that was heard.
        heard: i64,
    },
    /// Somebody else wrote into the stream.
    #[error("message {sequence} in the event stream of {publisher} is none of its events: {cause}")]
    Foreign {
        publisher: &'static str,
        /// The message's number in the stream.
        sequence: u64,
        /// The unexpected value.
        cause: String,
    },
}

impl LogError {
    /// Whether no waiting mends it: a person must see to it.
    pub fn wants_a_person(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::Forgotten { .. } | Self::OutOfStep { .. } | Self::Foreign { .. })
    }
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// With this event.
    At { position: i64, event_id: Uuid },
    /// Before its first event: nothing was ever told.
    Empty,
    /// Nobody can say: a stream whose events have all aged out, or which its publisher has yet to fill.
    Unknown,
}

/// A publisher's events in the order of their positions, which count up by one.
///
/// A position names the same event in every implementation, so that a follower may go on by another way than
/// it began.
#[async_trait::async_trait]
pub trait EventLog: std::fmt::Debug + Send + Sync {
    /// Up to `limit` events after `position`, in order.
    async fn read(&self, position: i64, limit: i64) -> Result<Vec<Event>, LogError>;

    /// The position of the newest event; 0 when there is none.
    async fn last(&self) -> Result<i64, LogError>;

    /// Whether it is a copy, which its publisher fills by and by.
    fn is_copy(&self) -> bool {
        false
    }

    /// The newest event.
    async fn end(&self) -> Result<LogEnd, LogError>;

    /// News of the log's growth from now on.
    async fn growth(&self) -> Result<Growth, LogError>;
}

/// Tells that a log has grown. It may tell too often, and after a lost connection too seldom, so a reader that waits
/// for it also looks from time to time.
#[derive(Debug)]
pub enum Growth {
    /// The changes that committed transactions of this process report.
    Changes(broadcast::Receiver<LiveNotice>),
    /// The hints of publishers elsewhere.
    Hints(Box<async_nats::Subscriber>),
}

impl Growth {
    /// Resolves when the log has grown since the last call.
    pub async fn grown(&mut self) {
        match self {
            Self::Changes(changes) => loop {
                match changes.recv().await {
                    Ok(change) if change.topic != super::outbox::TOPIC => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
                }
            },
            Self::Hints(hints) => {
                if hints.next().await.is_none() {
                    return std::future::pending().await;
                }
                // Many hints are one piece of news.
                while let Some(Some(_)) = hints.next().now_or_never() {}
            }
        }
    }
}
