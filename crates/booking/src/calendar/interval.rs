//! A half-open stretch of time.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::Serialize;

/// The longest interval, in hours: nothing that is booked lasts longer than a day.
pub const INTERVAL_HOURS_MAX: i64 = 24;

/// `[starts_at, ends_at)`: not empty, at most [`INTERVAL_HOURS_MAX`] long, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Interval {
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

/// Two times that make no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInterval {
    /// It ends before it starts, or at once.
    #[error("the end is not after the start")]
    Empty,
    /// It is longer than [`INTERVAL_HOURS_MAX`].
    #[error("longer than a day")]
    TooLong,
}

impl Interval {
    /// The interval from `starts_at` up to, and without, `ends_at`.
    pub fn new(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Result<Self, InvalidInterval> {
        let (starts_at, ends_at) = (starts_at.trunc_subsecs(6), ends_at.trunc_subsecs(6));
        match ends_at - starts_at {
            length if length <= Duration::zero() => Err(InvalidInterval::Empty),
            length if length > Duration::hours(INTERVAL_HOURS_MAX) => Err(InvalidInterval::TooLong),
            _ => Ok(Self { starts_at, ends_at }),
        }
    }

    /// The interval of `minutes` from `starts_at`.
    pub fn of_minutes(starts_at: DateTime<Utc>, minutes: i64) -> Result<Self, InvalidInterval> {
        let length = Duration::try_minutes(minutes).ok_or(InvalidInterval::TooLong)?;
        Self::new(starts_at, starts_at.checked_add_signed(length).ok_or(InvalidInterval::TooLong)?)
    }

    /// The first hour of the epoch: for where any interval will do.
    pub(crate) fn example() -> Self {
        Self { starts_at: DateTime::UNIX_EPOCH, ends_at: DateTime::UNIX_EPOCH + Duration::hours(1) }
    }

    /// Its first moment.
    pub fn starts_at(&self) -> DateTime<Utc> {
        self.starts_at
    }

    /// The first moment after it.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.ends_at
    }

    /// Whether the two share a moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.starts_at < other.ends_at && other.starts_at < self.ends_at
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    #[test]
    fn neighbours_do_not_overlap_and_nonsense_is_refused() {
        let one = Interval::new(at(0), at(30)).unwrap();
        let next = Interval::of_minutes(at(30), 30).unwrap();
        assert!(!one.overlaps(&next));
        assert!(one.overlaps(&Interval::new(at(29), at(31)).unwrap()));
        assert_eq!(Interval::new(at(5), at(5)), Err(InvalidInterval::Empty));
        assert_eq!(Interval::new(at(5), at(4)), Err(InvalidInterval::Empty));
        assert_eq!(Interval::new(at(0), at(24 * 60 + 1)), Err(InvalidInterval::TooLong));
        assert_eq!(Interval::of_minutes(at(0), i64::MAX), Err(InvalidInterval::TooLong));
    }
}
