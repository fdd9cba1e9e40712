//! Which times a doctor offers: weekly hours and exceptions of the local calendar, as moments.
//!
//! Hours are minutes of the local day; the clock's changes are taken as they come. A local time that
//! does not exist is not offered, one that exists twice is offered the first time.

use chrono::{DateTime, Datelike as _, Days, LocalResult, NaiveDate, NaiveTime, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use sanbao_platform::crypto::sha256_hex;

use crate::calendar::Interval;

/// Minutes of a local day.
pub const MINUTES_OF_DAY: i32 = 24 * 60;

/// One stretch of one weekday, while it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeeklyHours {
    /// ISO 8601: Monday is 1.
    pub weekday: i32,
    /// Local minutes since midnight.
    pub start_minute: i32,
    /// Local minutes since midnight, up to 1440.
    pub end_minute: i32,
    /// The length of one slot.
    pub slot_minutes: i32,
    /// The first day it holds.
    pub valid_from: NaiveDate,
    /// Last day, itself included.
    pub valid_to: Option<NaiveDate>,
}

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
        for (start, end, length) in stretches(hours, exceptions, day) {
            let starts = (0..).map(|n| start + n * length).take_while(|s| *s + length <= end);
            slots.extend(starts.filter_map(|minute| slot(zone, day, minute, length)));
        }
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    slots.retain(|s| s.starts_at() >= from && s.starts_at() < to);
    slots.sort_unstable();
    let mut free_from = DateTime::<Utc>::MIN_UTC;
    slots.retain(|s| {
        let fits = s.starts_at() >= free_from;
        if fits {
            free_from = s.ends_at();
        }
        fits
    });
    slots
}

fn stretches(hours: &[WeeklyHours], exceptions: &[Exception], day: NaiveDate) -> Vec<(i32, i32, i32)> {
    let closed = exceptions.contains(&Exception::Closed(day));
    let weekday = i32::try_from(day.weekday().number_from_monday()).unwrap_or(0);
    let weekly = hours.iter().filter(|h| {
        !closed && h.weekday == weekday && h.valid_from <= day && h.valid_to.is_none_or(|last| day <= last)
    });
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
    let local = booked.starts_at().with_timezone(&zone);
    let start = i32::try_from(local.num_seconds_from_midnight() / 60).unwrap_or(MINUTES_OF_DAY);
    let length = (booked.ends_at() - booked.starts_at()).num_minutes();
    let end = start.saturating_add(i32::try_from(length).unwrap_or(MINUTES_OF_DAY));
    let mut stretches = stretches(hours, exceptions, local.date_naive());
    stretches.sort_unstable();
    let covered = stretches.iter().fold(
        start,
        |covered, (from, to, _)| {
            if *from <= covered { covered.max(*to) } else { covered }
        },
    );
    covered >= end && stretches.iter().any(|(from, to, _)| *from <= start && start < *to)
}

/// The weekly hours after a week was painted for the days from `from` to `to`: on these the painted ones hold and no
/// others, on all other days what held before. What has ended is left out.
pub fn repaint(
    hours: &[WeeklyHours],
    painted: &[WeeklyHours],
    (from, to): (NaiveDate, Option<NaiveDate>),
    today: NaiveDate,
) -> Vec<WeeklyHours> {
    let before = from.pred_opt().unwrap_or(NaiveDate::MIN);
    let mut kept: Vec<WeeklyHours> = Vec::new();
    for line in hours {
        if line.valid_from <= before {
            let last = line.valid_to.map_or(before, |last| last.min(before));
            kept.push(WeeklyHours { valid_to: Some(last), ..*line });
        }
        if let Some(after) = to.and_then(|to| to.succ_opt())
            && line.valid_to.is_none_or(|last| last >= after)
        {
            kept.push(WeeklyHours { valid_from: line.valid_from.max(after), ..*line });
        }
    }
    kept.extend_from_slice(painted);
    kept.retain(|line| line.valid_to.is_none_or(|last| last >= today));
    kept.sort_unstable_by_key(|line| (line.valid_from, line.weekday, line.start_minute));
    kept
}

/// The version of weekly hours: it is another as soon as any of them is.
pub fn version(hours: &[WeeklyHours]) -> i64 {
    let mut lines: Vec<String> = hours.iter().map(|line| format!("{line:?}")).collect();
    lines.sort_unstable();
    version_of(&lines.concat())
}

/// A number that stands for a text, for what counts no changes of its own.
pub fn version_of(text: &str) -> i64 {
    let hash = sha256_hex(text.as_bytes());
    hash.get(..15).and_then(|hex| i64::from_str_radix(hex, 16).ok()).unwrap_or_default()
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

    /// The painted hours of a Monday.
    fn week(start_minute: i32, from: &str, to: Option<&str>) -> WeeklyHours {
        let (valid_from, valid_to) = (date(from), to.map(date));
        WeeklyHours { valid_from, valid_to, ..hours(1, start_minute, 12 * 60) }
    }

    #[test]
    fn a_painted_week_holds_in_its_days_and_nothing_else_changes() {
        let before = [week(480, "2026-01-01", None), week(540, "2026-12-01", Some("2026-12-31"))];
        let painted = [week(600, "2026-12-10", Some("2026-12-20"))];
        let days = (date("2026-12-10"), Some(date("2026-12-20")));
        let after = repaint(&before, &painted, days, date("2026-11-23"));
        let on = |hours: &[WeeklyHours], day: NaiveDate| {
            let holds = |h: &&WeeklyHours| h.valid_from <= day && h.valid_to.is_none_or(|last| day <= last);
            let mut starts: Vec<_> = hours.iter().filter(holds).map(|h| h.start_minute).collect();
            starts.sort_unstable();
            starts
        };
        for day in date("2026-11-23").iter_days().take(60) {
            let inside = days.0 <= day && days.1.is_some_and(|last| day <= last);
            assert_eq!(on(&after, day), if inside { vec![600] } else { on(&before, day) }, "{day}");
        }
        let shut = repaint(&after, &[], (date("2026-11-23"), None), date("2026-11-23"));
        assert_eq!(shut, [], "an empty week without an end");
    }

    #[test]
    fn what_has_ended_is_left_out_so_that_lines_do_not_pile_up() {
        let (today, mut hours) = (date("2026-11-23"), Vec::new());
        for day in today.iter_days().take(200) {
            let painted = WeeklyHours { valid_from: day, ..week(480, "2026-01-01", None) };
            hours = repaint(&hours, &[painted], (day, None), day);
            assert!(hours.len() <= 2, "{hours:?}");
        }
    }

    #[test]
    fn the_version_is_of_the_hours_and_not_of_their_order() {
        let (one, two) = (week(480, "2026-01-01", None), week(540, "2026-01-01", None));
        assert_eq!(version(&[one, two]), version(&[two, one]));
        assert_ne!(version(&[one]), version(&[one, two]));
        assert!(version(&[]) >= 0);
    }
}
