//! The messages that were said to one session and are not known to have arrived, by number. It is the send queue too.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::Body;

/// Room that an outbox keeps for its next messages when all have arrived, so that a quiet session costs little.
const SPARE_MESSAGES_MAX: usize = 4;

/// Numbered messages to one session. It is the same on every node that holds the room, because what
/// goes in and what goes out are both decided by the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOutbox {
    /// The number of the last message there ever was.
    last: u64,
    /// The messages up to `last`, without a gap.
    kept: VecDeque<Body>,
    bytes: usize,
}

impl SessionOutbox {
    /// The number of the last message there ever was; 0 when there was none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Messages kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether everything has arrived, or was let go.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a message; its number.
    pub fn push(&mut self, body: Body) -> u64 {
        self.bytes += body.len();
        self.kept.push_back(body);
        self.last += 1;
        self.last
    }

    /// Whether everything after `seq` is still here. A number that was never given out is no place to go on from.
    pub fn covers(&self, seq: u64) -> bool {
        seq <= self.last && self.last - seq <= self.kept.len() as u64
    }

    /// The messages after `seq`, with numbers; what was let go is not among it.
    pub fn after(&self, seq: u64) -> impl Iterator<Item = (u64, &Body)> {
        let before = self.last - self.kept.len() as u64;
        let skip = usize::try_from(seq.saturating_sub(before)).unwrap_or(usize::MAX);
        (before + 1..).zip(&self.kept).skip(skip)
    }

    /// How many messages an acknowledgement of `seq` would let go of.
    pub fn up_to(&self, seq: u64) -> usize {
        let left = self.last.saturating_sub(seq);
        self.kept.len().saturating_sub(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// How many bytes it would let go of.
    pub fn bytes_up_to(&self, seq: u64) -> usize {
        self.kept.iter().take(self.up_to(seq)).map(Body::len).sum()
    }

    /// Everything up to `seq` has arrived; the bytes that this frees. A number from the future does nothing.
    pub fn acknowledge(&mut self, seq: u64) -> usize {
        if seq > self.last {
            return 0;
        }
        let mut freed = 0;
        while self.last - seq < self.kept.len() as u64 {
            freed += self.kept.pop_front().map_or(0, |body| body.len());
        }
        self.bytes -= freed;
        if self.kept.is_empty() && self.kept.capacity() > SPARE_MESSAGES_MAX {
            self.kept.shrink_to(SPARE_MESSAGES_MAX);
        }
        freed
    }

    /// Lets everything go; the bytes that this frees. Numbers go on.
    pub fn let_go(&mut self) -> usize {
        self.kept = VecDeque::new();
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(count: usize) -> SessionOutbox {
        let mut outbox = SessionOutbox::default();
        for n in 1..=count {
            assert_eq!(outbox.push(Body::render(&n)), n as u64);
        }
        outbox
    }

    fn numbers(outbox: &SessionOutbox, after: u64) -> Vec<(u64, &str)> {
        outbox.after(after).map(|(n, body)| (n, body.as_str())).collect()
    }

    #[test]
    fn what_has_not_arrived_is_there_with_its_number() {
        let mut outbox = outbox(5);
        assert_eq!(outbox.acknowledge(2), 2);
        assert_eq!(numbers(&outbox, 2), [(3, "3"), (4, "4"), (5, "5")]);
        assert_eq!(numbers(&outbox, 4), [(5, "5")]);
        assert_eq!(numbers(&outbox, 5), []);
        assert_eq!((outbox.len(), outbox.bytes(), outbox.last()), (3, 3, 5));
        assert_eq!(outbox.push(Body::render(&6)), 6);
    }

    #[test]
    fn an_acknowledgement_repeated_late_or_from_the_future_does_no_harm() {
        let mut outbox = outbox(5);
        outbox.acknowledge(4);
        for seq in [4, 1, 0, 6, u64::MAX] {
            assert_eq!(outbox.acknowledge(seq), 0);
        }
        assert_eq!(numbers(&outbox, 4), [(5, "5")]);
        assert_eq!(outbox.acknowledge(5), 1);
        assert!(outbox.is_empty());
    }

    #[test]
    fn it_knows_what_an_acknowledgement_would_free() {
        let outbox = outbox(12);
        for (seq, messages, bytes) in [(0, 0, 0), (9, 9, 9), (10, 10, 11), (12, 12, 15), (13, 12, 15)] {
            assert_eq!((outbox.up_to(seq), outbox.bytes_up_to(seq)), (messages, bytes), "{seq}");
        }
    }

    #[test]
    fn it_knows_from_where_one_can_go_on() {
        let mut outbox = outbox(5);
        outbox.acknowledge(2);
        let covered: Vec<u64> = (0..8).chain([u64::MAX]).filter(|seq| outbox.covers(*seq)).collect();
        assert_eq!(covered, [2, 3, 4, 5]);
        assert_eq!(outbox.let_go(), 3);
        assert_eq!((0..8).filter(|seq| outbox.covers(*seq)).collect::<Vec<_>>(), [5]);
        assert_eq!(numbers(&outbox, 0), []);
        assert_eq!(outbox.push(Body::render(&6)), 6, "numbers go on");
    }
}
