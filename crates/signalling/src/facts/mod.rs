//! The facts of a visit that must be kept: rows and outbox events in one transaction, each fact once however many nodes
//! saw it.
//!
//! The relay's hot path never waits for the database: a room puts facts into a queue, and one task writes
//! them, many to a transaction. While more wait than the queue is meant for, nobody is read from, so nothing
//! is dropped and the queue stays small.

mod past;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sanbao_platform::db::{Db, DbError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::id::ConsultId;
use crate::precheck::store::Checked;
use crate::quality::store::Segment;
use crate::replica::FactId;
use crate::room::Fact;
use crate::{precheck, quality};
pub(crate) use past::past;

/// How many facts share a transaction at most.
const BATCH_MAX: usize = 256;
/// How long facts are gathered before they are written together.
const GATHER_MS: u64 = 100;
/// How long the writer waits before it tries a failed transaction again, at most.
const RETRY_WAIT_MS_MAX: u64 = 5_000;
/// How long the writer waits for the last facts once the process is told to end.
const DRAIN_WAIT_MS_MAX: u64 = 1_000;
/// After so long without another fact none is expected any more.
const QUIET_MS: u64 = 100;

/// Something to write.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// A fact of a room's log.
    Fact(Record),
    /// The segment that a connection added up of its line.
    Quality(Box<Segment>),
    /// The outcome of somebody's check.
    Precheck(Box<Checked>),
}

/// A fact, its name and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: FactId,
    pub(crate) consult: ConsultId,
    pub(crate) fact: Fact,
}

/// The way to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Item>,
    counts: Arc<Counts>,
    facts_queue_max: u64,
}

/// How many there were so far.
#[derive(Debug, Default)]
struct Counts {
    pushed: AtomicU64,
    written: AtomicU64,
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct FactReceiver {
    receiver: mpsc::UnboundedReceiver<Item>,
    counts: Arc<Counts>,
}

/// A queue that is crowded when more facts wait than this.
pub(crate) fn queue(facts_queue_max: usize) -> (Queue, FactReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let counts = Arc::<Counts>::default();
    let facts_queue_max = u64::try_from(facts_queue_max).unwrap_or(u64::MAX);
    (Queue { sender, counts: Arc::clone(&counts), facts_queue_max }, FactReceiver { receiver, counts })
}

impl Queue {
    /// Adds a fact.
    pub(crate) fn push(&self, item: Item) {
        self.counts.pushed.fetch_add(1, Ordering::SeqCst);
        if self.sender.send(item).is_err() {
            tracing::error!("a fact of a visit found no writer: it has ended");
        }
    }

    /// How many facts there were so far.
    pub(crate) fn pushed(&self) -> u64 {
        self.counts.pushed.load(Ordering::SeqCst)
    }

    /// Whether as many are written: those that had been added when [`Queue::pushed`] gave that number are among them,
    /// for the writer takes them in order.
    pub(crate) fn is_written(&self, pushed: u64) -> bool {
        self.counts.written.load(Ordering::SeqCst) >= pushed
    }

    /// Whether nothing that can give facts should be taken now.
    pub(crate) fn is_crowded(&self) -> bool {
        let Counts { pushed, written } = &*self.counts;
        // First what was written: it is never more than what was added.
        let written = written.load(Ordering::Relaxed);
        pushed.load(Ordering::Relaxed).saturating_sub(written) > self.facts_queue_max
    }
}

impl FactReceiver {
    async fn take(&mut self, batch: &mut Vec<Item>) -> usize {
        self.receiver.recv_many(batch, BATCH_MAX).await
    }

    /// The items that are there without waiting, up to a batch.
    fn take_more(&mut self, batch: &mut Vec<Item>) {
        while batch.len() < BATCH_MAX
            && let Ok(item) = self.receiver.try_recv()
        {
            batch.push(item);
        }
    }

    fn written(&self, batch: &mut Vec<Item>) {
        self.counts.written.fetch_add(batch.len() as u64, Ordering::SeqCst);
        batch.clear();
    }
}

/// Writes facts until `stop`, after the last connection, then what is left.
pub(crate) async fn write_all(db: Db, mut queue: FactReceiver, on_several_nodes: bool, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        let taken = tokio::select! {
            taken = queue.take(&mut batch) => taken,
            () = stop.cancelled() => break,
        };
        if taken == 0 {
            return;
        }
        // One transaction for what happens in many rooms at about the same time.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(GATHER_MS)) => {}
            () = stop.cancelled() => {}
        }
        queue.take_more(&mut batch);
        write_until_done(&db, &batch, on_several_nodes).await;
        queue.written(&mut batch);
    }
    let last_words = write_the_rest(&db, &mut queue, &mut batch, on_several_nodes);
    if tokio::time::timeout(Duration::from_millis(DRAIN_WAIT_MS_MAX), last_words).await.is_err() {
        tracing::error!("the last facts of visits are not written: the database does not take them in time");
    }
}

/// The last connections have closed and told their facts; a quiet moment is the end.
async fn write_the_rest(db: &Db, queue: &mut FactReceiver, batch: &mut Vec<Item>, on_several_nodes: bool) {
    let quiet = Duration::from_millis(QUIET_MS);
    while let Ok(1..) = tokio::time::timeout(quiet, queue.take(batch)).await {
        write_until_done(db, batch, on_several_nodes).await;
        queue.written(batch);
    }
}

/// Tries until the database takes the batch: facts wait, they are not dropped. Only what it will never take is left
/// out, alone: it is found by halves, and what is behind it does not wait for ever.
async fn write_until_done(db: &Db, batch: &[Item], on_several_nodes: bool) {
    let mut wait_ms = 50;
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        let Err(error) = write(db, part, on_several_nodes).await else { continue };
        match part {
            [item] if is_about_the_data(&error) => refused(item, &error),
            _ if is_about_the_data(&error) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]); // in their order: the first is the next
            }
            _ => {
                tracing::error!(%error, waiting = batch.len(), "facts of visits are not written yet");
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = (wait_ms * 2).min(RETRY_WAIT_MS_MAX);
                parts.push(part);
            }
        }
    }
}

/// Whether the database says that it will not keep these values, ever: SQLSTATE classes of data exceptions, constraints
/// and program limits (`PostgreSQL` appendix A); `SQLite` `TOOBIG`, `CONSTRAINT`, `MISMATCH`; and what cannot be
/// read or written as its type. Anything else waits: a missing table is the operator's to mend, and a row that another
/// node wrote at the same moment is there the next time.
fn is_about_the_data(error: &DbError) -> bool {
    use sqlx::Error::{ColumnDecode, Database, Decode, Encode};
    match error {
        DbError::Engine(Database(error)) if error.is_unique_violation() => false,
        // A SQLSTATE has five characters, a result code of SQLite fewer.
        DbError::Engine(Database(error)) => error.code().is_some_and(|code| match code.len() {
            5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
            _ => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
        }),
        DbError::Engine(ColumnDecode { .. } | Decode(_) | Encode(_)) | DbError::BadRow { .. } => true,
        _ => false,
    }
}

/// Says what is left out, but not its words, nor the database's: those may be what somebody wrote.
fn refused(item: &Item, error: &DbError) {
    let code = match error {
        DbError::Engine(sqlx::Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
        _ => String::new(),
    };
    let (consult, kind) = match item {
        Item::Fact(record) => (record.consult, record::kind(&record.fact).0),
        Item::Quality(segment) => (segment.consult, "quality"),
        Item::Precheck(checked) => (checked.consult, "precheck"),
    };
    metrics::counter!(crate::measures::FACTS_REFUSED).increment(1);
    tracing::error!(%consult, kind, code, "the database does not take a fact of a visit: it is left out of the record");
}

async fn write(db: &Db, batch: &[Item], on_several_nodes: bool) -> Result<(), DbError> {
    // Other nodes write the same facts now: in one order, so that none waits for another in a circle.
    let mut batch: Vec<&Item> = batch.iter().collect();
    batch.sort_by_key(|item| match item {
        Item::Fact(record) => Some((record.consult, record.id)),
        Item::Quality(_) | Item::Precheck(_) => None,
    });
    let mut tx = db.begin().await?;
    let mut records = Vec::with_capacity(batch.len());
    for item in batch {
        match item {
            Item::Fact(record) => records.push(record),
            Item::Quality(segment) => quality::store::keep(&mut tx, segment).await?,
            Item::Precheck(checked) => precheck::store::keep(&mut tx, checked).await?,
        }
    }
    record::write_all(&mut tx, &records, on_several_nodes).await?;
    tx.commit().await
}
