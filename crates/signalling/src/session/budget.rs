//! How much one connection may send: two token buckets, messages and bytes. Pure; time is a parameter.

use std::time::Duration;

use super::frame::WsFrame;
use crate::protocol::ClientLimits;

/// One bucket that fills at `per_second` up to `burst`.
#[derive(Clone, Copy, Debug)]
struct ClientBucket {
    level: f64,
    per_second: f64,
    burst: f64,
}

impl ClientBucket {
    fn new(per_second: u32, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { level: burst, per_second: f64::from(per_second), burst }
    }

    fn fill(&mut self, elapsed: Duration) {
        self.level = (self.level + elapsed.as_secs_f64() * self.per_second).min(self.burst);
    }

    fn take(&mut self, amount: f64) -> bool {
        let enough = self.level >= amount;
        if enough {
            self.level -= amount;
        }
        enough
    }
}

/// The budget of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    messages: ClientBucket,
    bytes: ClientBucket,
    filled_at: Duration,
    /// Bytes of a message in parts that were taken as they came.
    parts_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: ClientLimits, now: Duration) -> Self {
        Self {
            messages: ClientBucket::new(limits.messages_per_s_max, limits.messages_burst_max),
            bytes: ClientBucket::new(limits.bytes_per_s_max, limits.bytes_burst_max),
            filled_at: now,
            parts_bytes: 0,
        }
    }

    /// Takes a frame at `now`, a time since some beginning; `false` when it is too much. Each part of a message is
    /// a message of its own here, and its bytes count when they come: what never becomes whole is not free.
    pub(super) fn take_frame(&mut self, now: Duration, frame: WsFrame<'_>) -> bool {
        let len = match frame {
            WsFrame::Text(text) => text.len().saturating_sub(std::mem::take(&mut self.parts_bytes)),
            WsFrame::Part(len) => {
                self.parts_bytes += len;
                len
            }
            WsFrame::Ping(payload) => payload.len(),
            WsFrame::Pong | WsFrame::Binary | WsFrame::Close => 0,
        };
        self.take(now, len)
    }

    fn take(&mut self, now: Duration, len: usize) -> bool {
        let elapsed = now.saturating_sub(self.filled_at);
        self.filled_at = now;
        self.messages.fill(elapsed);
        self.bytes.fill(elapsed);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.messages.take(1.0) && self.bytes.take(f64::from(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ClientLimits = ClientLimits {
        message_bytes_max: 1000,
        messages_per_s_max: 10,
        messages_burst_max: 20,
        bytes_per_s_max: 1000,
        bytes_burst_max: 5000,
    };

    #[test]
    fn a_burst_passes_and_what_is_over_it_does_not() {
        let mut budget = Budget::new(LIMITS, Duration::ZERO);
        assert!((0..20).all(|_| budget.take(Duration::ZERO, 1)));
        assert!(!budget.take(Duration::ZERO, 1));
        assert!(budget.take(Duration::from_millis(100), 1), "a tenth of a second later there is one more");
        assert!(!budget.take(Duration::from_millis(100), 1));
    }

    #[test]
    fn bytes_count_too() {
        let mut budget = Budget::new(LIMITS, Duration::ZERO);
        assert!((0..5).all(|_| budget.take(Duration::ZERO, 1000)));
        assert!(!budget.take(Duration::ZERO, 1));
    }

    #[test]
    fn a_message_in_parts_is_taken_as_they_come_and_its_bytes_once() {
        let mut budget = Budget::new(LIMITS, Duration::ZERO);
        let whole = "x".repeat(3000);
        assert!(budget.take_frame(Duration::ZERO, WsFrame::Part(1000)));
        assert!(budget.take_frame(Duration::ZERO, WsFrame::Ping(b"")));
        assert!(budget.take_frame(Duration::ZERO, WsFrame::Part(1000)));
        assert!(budget.take_frame(Duration::ZERO, WsFrame::Text(&whole)));
        assert!(budget.take_frame(Duration::ZERO, WsFrame::Text(&whole[..2000])), "5000 bytes in all");
        assert!((0..15).all(|_| budget.take_frame(Duration::ZERO, WsFrame::Part(0))));
        assert!(!budget.take_frame(Duration::ZERO, WsFrame::Part(0)), "20 messages in all");
    }

    #[test]
    fn idling_saves_up_no_more_than_a_burst() {
        let mut budget = Budget::new(LIMITS, Duration::ZERO);
        let later = Duration::from_hours(1);
        assert!((0..20).all(|_| budget.take(later, 1)));
        assert!(!budget.take(later, 1));
    }
}
