//! A log in this process's memory: for several nodes in one process, and to show what a log must do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::{AppendError, Commits, Committed, LogError, Position, RoomLog};
use crate::id::ConsultId;

/// Entries that may wait for a follower; one that falls further behind misses some, and reads them.
const WATCH_QUEUE_MAX: usize = 256;

/// The log. All rooms share one numbering, as they do in a stream of a message broker.
#[derive(Debug, Default)]
pub struct MemoryLog {
    inner: Mutex<MemoryLogState>,
}

#[derive(Debug, Default)]
struct MemoryLogState {
    last: u64,
    rooms: HashMap<ConsultId, OneRoom>,
}

#[derive(Debug)]
struct OneRoom {
    entries: Vec<Committed>,
    last: Position,
    followers: broadcast::Sender<Committed>,
}

impl Default for OneRoom {
    fn default() -> Self {
        Self { entries: Vec::new(), last: Position::START, followers: broadcast::Sender::new(WATCH_QUEUE_MAX) }
    }
}

impl MemoryLog {
    fn with<T>(&self, room: ConsultId, f: impl FnOnce(&mut u64, &mut OneRoom) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let MemoryLogState { last, rooms } = &mut *inner;
        f(last, rooms.entry(room).or_default())
    }
}

#[async_trait]
impl RoomLog for MemoryLog {
    async fn read(&self, room: ConsultId, after: Position) -> Result<Vec<Committed>, LogError> {
        Ok(self.with(room, |_, log| log.entries.iter().filter(|e| e.position > after).cloned().collect()))
    }

    async fn append(&self, room: ConsultId, expected: Position, entry: Bytes) -> Result<Position, AppendError> {
        self.with(room, |last, log| {
            if log.last != expected {
                return Err(AppendError::Behind);
            }
            *last += 1;
            let committed = Committed { position: Position(*last), previous: log.last, entry };
            log.last = committed.position;
            log.entries.push(committed.clone());
            let _ = log.followers.send(committed); // nobody may be following
            Ok(log.last)
        })
    }

    async fn open_first(&self, room: ConsultId, entry: Bytes) -> Result<Position, AppendError> {
        self.append(room, Position::START, entry).await
    }

    async fn watch(&self, room: ConsultId) -> Result<Commits, LogError> {
        let follower = self.with(room, |_, log| log.followers.subscribe());
        Ok(BroadcastStream::new(follower).filter_map(|entry| std::future::ready(entry.ok())).boxed())
    }

    async fn bytes(&self) -> Result<u64, LogError> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(inner.rooms.values().flat_map(|room| &room.entries).map(|committed| committed.entry.len() as u64).sum())
    }

    async fn trim(&self, room: ConsultId, before: Position) -> Result<(), LogError> {
        self.with(room, |_, log| log.entries.retain(|e| e.position >= before));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::room;

    #[tokio::test]
    async fn an_append_that_expects_another_end_is_behind_and_changes_nothing() {
        let log = MemoryLog::default();
        let first = log.open_first(room(1), Bytes::from_static(b"a")).await.unwrap();
        let other = log.open_first(room(2), Bytes::from_static(b"x")).await.unwrap();
        assert!(other > first, "one numbering for all rooms");
        let second = log.append(room(1), first, Bytes::from_static(b"b")).await.unwrap();
        assert_eq!(log.append(room(1), first, Bytes::from_static(b"c")).await, Err(AppendError::Behind));
        assert_eq!(log.append(room(1), other, Bytes::from_static(b"c")).await, Err(AppendError::Behind));
        let all = log.read(room(1), Position::START).await.unwrap();
        assert_eq!(all.iter().map(|e| &e.entry[..]).collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!((all[1].position, all[1].previous), (second, first));
        assert_eq!(log.read(room(1), first).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_follower_sees_its_room_only_and_a_trimmed_log_goes_on() {
        let log = MemoryLog::default();
        let mut follower = log.watch(room(1)).await.unwrap();
        let first = log.open_first(room(1), Bytes::from_static(b"a")).await.unwrap();
        log.open_first(room(2), Bytes::from_static(b"x")).await.unwrap();
        let second = log.append(room(1), first, Bytes::from_static(b"b")).await.unwrap();
        assert_eq!(follower.next().await.unwrap().position, first);
        assert_eq!(follower.next().await.unwrap().position, second);
        log.trim(room(1), second).await.unwrap();
        assert_eq!(log.read(room(1), Position::START).await.unwrap().len(), 1);
        log.append(room(1), second, Bytes::from_static(b"c")).await.unwrap();
    }
}
