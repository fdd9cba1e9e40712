//! Doctor, room and time of a consult.

use chrono::{DateTime, Duration, Utc};

use crate::account::{AccountId, LocationId};
use crate::calendar::Interval;

/// Doctor, room and time of a consult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// The doctor who is booked.
    pub doctor: AccountId,
    /// The room on the inviting side.
    pub room: LocationId,
    /// The half-open time, in UTC.
    pub interval: Interval,
    /// How much later it will be, as somebody said.
    pub delay_minutes: i32,
    /// Whether the doctor was booked for it on purpose beside another one, or beyond the own rules (加号).
    pub overbooked: bool,
    /// Whether it was booked without waiting for the hospital's answer: until it begins, that may return it.
    pub at_once: bool,
}

impl Appointment {
    fn delay(&self) -> Duration {
        Duration::minutes(i64::from(self.delay_minutes))
    }

    /// When it is expected to begin: the booked start, and the delay that was announced.
    pub fn expected_at(&self) -> DateTime<Utc> {
        self.interval.starts_at() + self.delay()
    }

    /// When it is expected to be over.
    pub fn expected_end(&self) -> DateTime<Utc> {
        self.interval.ends_at() + self.delay()
    }
}
