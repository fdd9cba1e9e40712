//! Moments and days that callers name: within the years in which anything here can lie, so that reckoning with them does
//! not leave what a calendar can hold.

use std::ops::Deref;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The first year that is taken: of somebody's birth.
const YEAR_MIN: i32 = 1900;
/// The last one.
const YEAR_MAX: i32 = 2199;

fn is_usual(year: i32) -> bool {
    (YEAR_MIN..=YEAR_MAX).contains(&year)
}

/// The first moment of a day in a zone. Where a clock was put forward over midnight, what comes next.
pub fn begins(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    let local = (0..=2).find_map(|hours| (midnight + TimeDelta::hours(hours)).and_local_timezone(zone).earliest());
    local.map(|local| local.with_timezone(&Utc))
}

/// A moment out of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// The moment, if it lies within the years that are taken.
    pub fn new(at: DateTime<Utc>) -> Option<Self> {
        is_usual(at.year()).then_some(Self(at))
    }

    /// A moment that this program found itself, by its clock.
    pub fn known(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// A day out of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Day(NaiveDate);

impl Day {
    /// The day, if it lies within the years that are taken.
    pub fn new(day: NaiveDate) -> Option<Self> {
        is_usual(day.year()).then_some(Self(day))
    }

    /// A day that this program found itself, by its clock.
    pub fn known(day: NaiveDate) -> Self {
        Self(day)
    }
}

impl Deref for Moment {
    type Target = DateTime<Utc>;

    fn deref(&self) -> &DateTime<Utc> {
        &self.0
    }
}

impl Deref for Day {
    type Target = NaiveDate;

    fn deref(&self) -> &NaiveDate {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let told = DateTime::<Utc>::deserialize(from)?;
        Self::new(told).ok_or_else(|| D::Error::custom("a moment of the years 1900 to 2199"))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let told = NaiveDate::deserialize(from)?;
        Self::new(told).ok_or_else(|| D::Error::custom("a day of the years 1900 to 2199"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_years_in_which_anything_lies_are_taken() {
        for (text, taken) in [
            ("\"1900-01-01T00:00:00Z\"", true),
            ("\"2026-11-23T09:00:00+08:00\"", true),
            ("\"2199-12-31T23:59:59Z\"", true),
            ("\"1899-12-31T23:59:59Z\"", false),
            ("\"2200-01-01T00:00:00Z\"", false),
            ("\"+262142-12-31T23:59:59Z\"", false),
            ("\"-262143-01-01T00:00:00Z\"", false),
        ] {
            assert_eq!(serde_json::from_str::<Moment>(text).is_ok(), taken, "{text}");
        }
        for (text, taken) in [("\"1900-01-01\"", true), ("\"+262142-12-31\"", false), ("\"-0001-01-01\"", false)] {
            assert_eq!(serde_json::from_str::<Day>(text).is_ok(), taken, "{text}");
        }
        let moment: Moment = serde_json::from_str("\"2026-11-23T09:00:00+08:00\"").unwrap();
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2026-11-23T01:00:00Z\"");
    }
}
