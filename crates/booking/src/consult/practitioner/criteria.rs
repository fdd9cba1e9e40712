//! The wishes for a time, beside that it is free: how long, in which part of the day, on which weekdays.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::Tz;
use sanbao_platform::text_enum;

use crate::calendar::Interval;

text_enum! {
    /// A half of the local day.
    pub enum PartOfDay {
        /// It begins before noon.
        Am = "am",
        /// It begins at noon or later.
        Pm = "pm",
    }
}

/// Days of the week: a bit for each, Monday first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

/// A text that names no weekdays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of weekdays")]
pub struct NotWeekdays;

impl FromStr for Weekdays {
    type Err = NotWeekdays;

    /// Numbers by ISO 8601 with commas, such as `1,3,5`; Monday is 1.
    fn from_str(text: &str) -> Result<Self, NotWeekdays> {
        text.split(',').try_fold(Self(0), |days, day| match day.trim().parse() {
            Ok(day @ 1..=7) => Ok(Self(days.0 | 1 << (day - 1_u8))),
            _ => Err(NotWeekdays),
        })
    }
}

/// The part of the day and the weekday that the clocks of a zone show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    part: PartOfDay,
    /// The bit of [`Weekdays`].
    day: u8,
}

impl Local {
    /// Those at a moment.
    pub fn of(at: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        let part = if local.hour() < 12 { PartOfDay::Am } else { PartOfDay::Pm };
        Self { part, day: 1 << local.weekday().num_days_from_monday() }
    }
}

/// The wishes for a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotCriteria {
    /// At least so long.
    pub minutes: Option<i64>,
    pub part: Option<PartOfDay>,
    pub weekdays: Option<Weekdays>,
    /// The zone of the part of the day and of the weekdays; `None` is the hospital's.
    pub zone: Option<Tz>,
}

impl SlotCriteria {
    /// Whether a time of a hospital in `zone` is like that.
    pub fn takes(&self, slot: Interval, zone: Tz) -> bool {
        self.fits(slot, Local::of(slot.starts_at(), zone))
    }

    /// Whether a time is like that; `local` is its beginning where the hospital is.
    pub fn fits(&self, slot: Interval, local: Local) -> bool {
        if self.minutes.is_some_and(|least| (slot.ends_at() - slot.starts_at()).num_minutes() < least) {
            return false;
        }
        if self.part.is_none() && self.weekdays.is_none() {
            return true;
        }
        let local = self.zone.map_or(local, |zone| Local::of(slot.starts_at(), zone));
        self.part.is_none_or(|wanted| wanted == local.part) && self.weekdays.is_none_or(|days| days.0 & local.day != 0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_time_is_long_enough_and_of_the_part_of_the_day_and_the_weekdays_where_they_are_asked_for() {
        let slot = Interval::of_minutes("2026-11-23T03:30:00Z".parse().unwrap(), 30).unwrap();
        let (shanghai, berlin) = (chrono_tz::Asia::Shanghai, chrono_tz::Europe::Berlin);
        let all = SlotCriteria::default();
        assert!(all.takes(slot, shanghai));
        for (minutes, taken) in [(20, true), (30, true), (31, false)] {
            assert_eq!(SlotCriteria { minutes: Some(minutes), ..all }.takes(slot, shanghai), taken, "{minutes}");
        }
        let tokyo = chrono_tz::Asia::Tokyo;
        for (part, zone, taken) in [
            (PartOfDay::Am, None, true),
            (PartOfDay::Pm, None, false),
            (PartOfDay::Pm, Some(tokyo), true),
            (PartOfDay::Am, Some(berlin), true),
        ] {
            assert_eq!(SlotCriteria { part: Some(part), zone, ..all }.takes(slot, shanghai), taken, "{part} {zone:?}");
        }
        for (days, taken) in [("1", true), ("2,3,4,5,6,7", false), ("7, 1", true)] {
            let weekdays = Some(days.parse().unwrap());
            assert_eq!(SlotCriteria { weekdays, ..all }.takes(slot, shanghai), taken, "{days}");
        }
        for wrong in ["", "0", "8", "1,", "mon", "1;2", "-1"] {
            assert_eq!(wrong.parse::<Weekdays>(), Err(NotWeekdays), "{wrong}");
        }
    }
}
