//! Which times a doctor offers: weekly hours and exceptions of the local calendar, as moments.
//!
//! Hours are minutes of the local day; the clock's changes are taken as they come. A local time that
//! does not exist is not offered, one that exists twice is offered the first time.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::workday::{WorksAs, kept_weekday};
use crate::calendar::Interval;
use crate::calendar::week::{self, WeeklyHours};

/// A day on which the weekly hours do not hold, or not alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// No weekly hours on that day.
    Closed(NaiveDate),
    /// Hours beside the weekly ones (or in their place, if the day is closed too).
    Extra {
        /// The day, in the hospital's zone.
        on: NaiveDate,
        /// Local minutes since midnight.
        start_minute: i32,
        /// Local minutes since midnight.
        end_minute: i32,
        /// The length of one slot.
        slot_minutes: i32,
    },
    /// The institution's word about a day, for all of its doctors. It goes before the public holidays.
    House {
        /// The day, in the hospital's zone.
        on: NaiveDate,
        works_as: WorksAs,
    },
}

impl Exception {
    /// The day that it is about.
    pub fn on(&self) -> NaiveDate {
        let (Self::Closed(on) | Self::Extra { on, .. } | Self::House { on, .. }) = self;
        *on
    }
}

/// All slots that begin in `[from, to)`, in order, none over another.
pub fn offered(
    hours: &[WeeklyHours],
    exceptions: &[Exception],
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<Interval> {
    let last = to.with_timezone(&zone).date_naive();
    let mut slots = Vec::new();
    let mut day = from.with_timezone(&zone).date_naive();
    while day <= last {
        for (start, end, length) in stretches(hours, exceptions, zone, day) {
            let starts = (0..).map(|n| start + n * length).take_while(|s| *s + length <= end);
            let Some(end) = week::moment(zone, day, end) else { continue };
            let slots_of_day = starts.filter_map(|minute| slot(zone, day, minute, length));
            // Where the clocks go forward, a stretch ends sooner than its minutes say.
            slots.extend(slots_of_day.filter(|slot| slot.ends_at() <= end));
        }
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    slots.sort_unstable();
    let mut free_from = DateTime::<Utc>::MIN_UTC;
    slots.retain(|s| {
        let fits = s.starts_at() >= free_from;
        if fits {
            free_from = s.ends_at();
        }
        fits
    });
    // Behind the line above: which of two that overlap is offered does not depend on who asks from when.
    slots.retain(|s| s.starts_at() >= from && s.starts_at() < to);
    slots
}

fn stretches(hours: &[WeeklyHours], exceptions: &[Exception], zone: Tz, day: NaiveDate) -> Vec<(i32, i32, i32)> {
    let closed = exceptions.contains(&Exception::Closed(day));
    let weekday = kept_weekday(exceptions, zone, day).filter(|_| !closed);
    let weekly = weekday.into_iter().flat_map(|weekday| week::of_weekday(hours, day, weekday));
    let weekly = weekly.map(|h| (h.start_minute, h.end_minute, h.slot_minutes));
    let extra = exceptions.iter().filter_map(|e| match *e {
        Exception::Extra { on, start_minute, end_minute, slot_minutes } if on == day => {
            Some((start_minute, end_minute, slot_minutes))
        }
        _ => None,
    });
    weekly.chain(extra).filter(|(.., length)| *length > 0).collect()
}

/// Whether a booked time lies within the hours of its day: on the whole, not slot by slot.
pub fn holds(hours: &[WeeklyHours], exceptions: &[Exception], zone: Tz, booked: Interval) -> bool {
    let day = booked.starts_at().with_timezone(&zone).date_naive();
    let stretches = stretches(hours, exceptions, zone, day).into_iter().map(|(from, to, _)| (from, to)).collect();
    week::covers(stretches, zone, booked)
}

/// The stretch of hours that a time is of, from when to when.
pub fn session_of(
    hours: &[WeeklyHours],
    exceptions: &[Exception],
    zone: Tz,
    time: Interval,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let day = time.starts_at().with_timezone(&zone).date_naive();
    let ends = |(from, to, _)| Some((week::moment(zone, day, from)?, week::moment(zone, day, to)?));
    let mut all = stretches(hours, exceptions, zone, day).into_iter().filter_map(ends);
    all.find(|(from, to)| *from <= time.starts_at() && time.ends_at() <= *to)
}

fn slot(zone: Tz, day: NaiveDate, minute: i32, length: i32) -> Option<Interval> {
    let seconds = u32::try_from(minute).ok()? * 60;
    let local = day.and_time(NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)?);
    let starts_at = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
        LocalResult::None => return None,
    };
    Interval::of_minutes(starts_at.with_timezone(&Utc), i64::from(length)).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn hours(weekday: i32, start_minute: i32, end_minute: i32) -> WeeklyHours {
        let (valid_from, valid_to) = (date("2026-01-01"), Some(date("2026-12-31")));
        WeeklyHours { weekday, start_minute, end_minute, slot_minutes: 30, valid_from, valid_to }
    }

    fn starts(hours: &[WeeklyHours], exceptions: &[Exception], zone: Tz, day: &str) -> Vec<String> {
        let day = date(day);
        let midnight =
            |d: NaiveDate| zone.from_local_datetime(&d.and_time(NaiveTime::MIN)).unwrap().with_timezone(&Utc);
        offered(hours, exceptions, zone, midnight(day), midnight(day.succ_opt().unwrap()))
            .iter()
            .map(|s| s.starts_at().format("%H:%M").to_string())
            .collect()
    }

    #[test]
    fn weekly_hours_hold_on_their_weekday_while_valid() {
        let zone = chrono_tz::Asia::Shanghai;
        let monday = [hours(1, 8 * 60, 9 * 60 + 40)];
        assert_eq!(starts(&monday, &[], zone, "2026-11-23"), ["00:00", "00:30", "01:00"], "a remainder is no slot");
        assert!(starts(&monday, &[], zone, "2026-11-24").is_empty(), "Tuesday");
        assert!(starts(&monday, &[], zone, "2027-01-04").is_empty(), "after the last day");
        assert_eq!(starts(&[hours(1, 23 * 60, 1440)], &[], zone, "2026-11-23"), ["15:00", "15:30"], "up to midnight");
    }

    #[test]
    fn a_closed_day_offers_nothing_but_its_extra_hours() {
        let zone = chrono_tz::Asia::Shanghai;
        let monday = [hours(1, 8 * 60, 9 * 60)];
        let day = date("2026-11-23");
        let extra = Exception::Extra { on: day, start_minute: 14 * 60, end_minute: 15 * 60, slot_minutes: 60 };
        assert!(starts(&monday, &[Exception::Closed(day)], zone, "2026-11-23").is_empty());
        assert_eq!(starts(&monday, &[Exception::Closed(day), extra], zone, "2026-11-23"), ["06:00"]);
        assert_eq!(starts(&monday, &[extra], zone, "2026-11-23"), ["00:00", "00:30", "06:00"]);
        assert_eq!(starts(&monday, &[Exception::Closed(day)], zone, "2026-11-30").len(), 2, "a week later");
    }

    #[test]
    fn overlapping_hours_offer_each_moment_once() {
        let zone = chrono_tz::Asia::Shanghai;
        let twice = [hours(1, 8 * 60, 9 * 60), hours(1, 8 * 60 + 15, 10 * 60)];
        assert_eq!(starts(&twice, &[], zone, "2026-11-23"), ["00:00", "00:30", "01:15"]);
    }

    #[test]
    fn when_the_clocks_change_no_time_is_offered_twice_or_from_nowhere() {
        let zone = chrono_tz::Europe::Berlin;
        let nights = [hours(7, 60, 4 * 60)];
        // 2026-03-29: 02:00 to 03:00 do not exist; the day's 01:00 is 00:00 UTC, 03:00 is 01:00 UTC.
        assert_eq!(starts(&nights, &[], zone, "2026-03-29"), ["00:00", "00:30", "01:00", "01:30"]);
        // 2026-10-25: 02:00 to 03:00 come twice and are offered the first time.
        assert_eq!(starts(&nights, &[], zone, "2026-10-25"), ["23:00", "23:30", "00:00", "00:30", "02:00", "02:30"]);
        // An office hour stays at its local time on both sides of the change.
        let office = [hours(1, 9 * 60, 9 * 60 + 30)];
        assert_eq!(starts(&office, &[], zone, "2026-03-23"), ["08:00"]);
        assert_eq!(starts(&office, &[], zone, "2026-03-30"), ["07:00"]);
    }

    #[test]
    fn a_booked_time_lies_within_the_hours_of_its_day_or_not() {
        let zone = chrono_tz::Asia::Shanghai;
        let monday = [hours(1, 8 * 60, 9 * 60), hours(1, 9 * 60, 10 * 60)];
        let booked = |from: &str, minutes| Interval::of_minutes(from.parse().unwrap(), minutes).unwrap();
        for (from, minutes, inside) in [
            ("2026-11-23T00:00:00Z", 30, true),
            ("2026-11-23T00:45:00Z", 60, true),
            ("2026-11-23T01:45:00Z", 30, false),
            ("2026-11-22T23:45:00Z", 30, false),
            ("2026-11-23T02:00:00Z", 15, false),
            ("2026-11-24T00:00:00Z", 30, false),
        ] {
            assert_eq!(holds(&monday, &[], zone, booked(from, minutes)), inside, "{from}");
        }
        let closed = [Exception::Closed(date("2026-11-23"))];
        assert!(!holds(&monday, &closed, zone, booked("2026-11-23T00:00:00Z", 30)));
    }
}
