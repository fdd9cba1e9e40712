//! The way from a room to one connection: a bounded queue, and a cut for who reads too slowly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::protocol::CloseCode;

/// What waits for a connection.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A text frame.
    Text(Utf8Bytes),
    /// Close after what was queued before.
    Close(CloseCode),
}

/// The room's end.
#[derive(Clone, Debug)]
pub(super) struct Link {
    queue: mpsc::Sender<Outgoing>,
    queued_bytes: Arc<AtomicUsize>,
    queued_bytes_max: usize,
    cut: CancellationToken,
}

/// The connection's end.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: mpsc::Receiver<Outgoing>,
    queued_bytes: Arc<AtomicUsize>,
    /// Cancelled when the queue ran over.
    pub(super) cut: CancellationToken,
}

/// A queue of at most so many messages and bytes.
pub(super) fn link(messages_max: usize, bytes_max: usize) -> (Link, Inbox) {
    let (sender, receiver) = mpsc::channel(messages_max);
    let (queued_bytes, cut) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let link =
        Link { queue: sender, queued_bytes: Arc::clone(&queued_bytes), queued_bytes_max: bytes_max, cut: cut.clone() };
    (link, Inbox { queue: receiver, queued_bytes, cut })
}

impl Link {
    /// Queues a frame; a queue that runs over cuts the connection off.
    pub(super) fn send(&self, text: String) {
        let len = text.len();
        let before = self.queued_bytes.fetch_add(len, Ordering::Relaxed);
        if before + len > self.queued_bytes_max || self.queue.try_send(Outgoing::Text(text.into())).is_err() {
            self.cut.cancel();
        }
    }

    /// Queues the end.
    pub(super) fn close(&self, code: CloseCode) {
        if self.queue.try_send(Outgoing::Close(code)).is_err() {
            self.cut.cancel();
        }
    }
}

impl Inbox {
    /// The next thing to write; `None` when the room has forgotten the connection.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        let next = self.queue.recv().await;
        if let Some(Outgoing::Text(text)) = &next {
            self.queued_bytes.fetch_sub(text.len(), Ordering::Relaxed);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_runs_over_in_messages_or_bytes_cuts_off() {
        let (by_count, inbox) = link(2, 1000);
        by_count.send("a".to_owned());
        by_count.send("b".to_owned());
        assert!(!inbox.cut.is_cancelled());
        by_count.send("c".to_owned());
        assert!(inbox.cut.is_cancelled());
        let (by_bytes, inbox) = link(100, 10);
        by_bytes.send("123456".to_owned());
        assert!(!inbox.cut.is_cancelled());
        by_bytes.send("12345".to_owned());
        assert!(inbox.cut.is_cancelled());
    }

    #[tokio::test]
    async fn what_was_read_makes_room() {
        let (link, mut inbox) = link(2, 10);
        for _ in 0..100 {
            link.send("12345678".to_owned());
            assert!(matches!(inbox.next().await, Some(Outgoing::Text(_))));
        }
        assert!(!inbox.cut.is_cancelled());
    }
}
