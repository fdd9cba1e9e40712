//! How long bytes may be waited for: so long for silence, and slow ones use it up.

use std::time::Duration;

use tokio::time::Instant;

use super::bounds::BYTES_PER_SECOND_MIN;

/// Patience that waiting uses up and bytes give back, so that a byte now and then keeps nothing open.
#[derive(Debug)]
pub(super) struct Pace {
    wait: Duration,
    left: Duration,
    since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, left: wait, since: None }
    }

    /// Bytes are waited for; when that ends.
    pub(super) fn waiting(&mut self, now: Instant) -> Instant {
        *self.since.get_or_insert(now) + self.left
    }

    /// So many bytes came.
    pub(super) fn came(&mut self, now: Instant, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(now - since);
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = self.wait.min(self.left + Duration::from_secs(1) * bytes / BYTES_PER_SECOND_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many pieces of `bytes`, one every `every`, there is no patience left; `None` after a thousand.
    fn lasts(every: Duration, bytes: usize) -> Option<usize> {
        let (mut pace, mut now) = (Pace::new(Duration::from_secs(20)), Instant::now());
        (0..1000).find(|_| {
            let ends = pace.waiting(now);
            now += every;
            pace.came(now, bytes);
            now > ends
        })
    }

    #[test]
    fn silence_and_single_bytes_end_and_a_slow_line_does_not() {
        let second = Duration::from_secs(1);
        assert_eq!(lasts(21 * second, 1_000_000), Some(0), "too long a silence");
        assert_eq!(lasts(12 * second, 1), Some(1), "a byte now and then");
        assert_eq!(lasts(second, 100), Some(22), "a tenth of the least");
        assert_eq!(lasts(19 * second, 64 * 1024), None, "a line with gaps");
        assert_eq!(lasts(second, 1024), None, "just the least");
    }
}
