//! A week of hours that somebody paints: stretches of weekdays, each while it is valid. Doctors have one, and caregivers.
//!
//! Hours are minutes of the local day.

mod input;
pub(crate) mod page;

use chrono::{DateTime, Datelike as _, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{GapInfo, Tz};
use sanbao_platform::crypto::sha256_hex;

use super::Interval;
pub use input::{HOURS_LINES_MAX, WeekStretch, clock, painted, stretch};

/// Minutes of a local day.
pub const MINUTES_OF_DAY: i32 = 24 * 60;
/// Days that a time is looked for in hours at most; no visit lasts so long.
const DAYS_MAX: usize = 8;

/// The weekday of the line that stands for a painted week without any stretch.
const NO_WEEKDAY: i32 = 0;

/// One stretch of one weekday, while it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeeklyHours {
    /// ISO 8601: Monday is 1. 0 where the line only says that there are no hours.
    pub weekday: i32,
    /// Local minutes since midnight.
    pub start_minute: i32,
    /// Local minutes since midnight, up to 1440.
    pub end_minute: i32,
    /// The length of one slot; 0 where a day is not divided.
    pub slot_minutes: i32,
    /// The first day it holds.
    pub valid_from: NaiveDate,
    /// Last day, itself included.
    pub valid_to: Option<NaiveDate>,
}

impl WeeklyHours {
    /// The line of a week without any stretch.
    pub fn none((valid_from, valid_to): (NaiveDate, Option<NaiveDate>)) -> Self {
        let (start_minute, end_minute) = (0, MINUTES_OF_DAY);
        Self { weekday: NO_WEEKDAY, start_minute, end_minute, slot_minutes: 0, valid_from, valid_to }
    }

    /// Whether it is a stretch of time.
    pub fn is_stretch(&self) -> bool {
        self.weekday != NO_WEEKDAY
    }
}

/// The lines that hold on a day.
pub fn of_day(hours: &[WeeklyHours], day: NaiveDate) -> impl Iterator<Item = &WeeklyHours> {
    of_weekday(hours, day, i32::try_from(day.weekday().number_from_monday()).unwrap_or(0))
}

/// The lines that hold on a day that is worked as this weekday.
pub fn of_weekday(hours: &[WeeklyHours], day: NaiveDate, weekday: i32) -> impl Iterator<Item = &WeeklyHours> {
    hours
        .iter()
        .filter(move |h| h.weekday == weekday && h.valid_from <= day && h.valid_to.is_none_or(|last| day <= last))
}

/// The first moment at which the clocks of a zone show this minute of a day; where they leave it out, the first one behind
/// that. Minutes from 1440 on are those of later days.
pub fn moment(zone: Tz, day: NaiveDate, minute: i32) -> Option<DateTime<Utc>> {
    let local = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(i64::from(minute)))?;
    let at = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
        LocalResult::None => GapInfo::new(&local, &zone)?.end,
    };
    at.map(|at| at.with_timezone(&Utc))
}

/// Whether a time lies within stretches, from minute to minute: on the whole, not in each of them. Their minutes are those
/// that the clocks show since the midnight before it begins, so that a stretch over a change of the clocks is as long as it is.
pub fn covers(stretches: Vec<(i32, i32)>, zone: Tz, time: Interval) -> bool {
    let day = time.starts_at().with_timezone(&zone).date_naive();
    let at = |minute| moment(zone, day, minute);
    let mut stretches: Vec<_> = stretches.into_iter().filter_map(|(from, to)| Some((at(from)?, at(to)?))).collect();
    stretches.sort_unstable();
    let start = time.starts_at();
    let covered =
        stretches.iter().fold(start, |covered, (from, to)| if *from <= covered { covered.max(*to) } else { covered });
    covered >= time.ends_at() && stretches.iter().any(|(from, to)| *from <= start && start < *to)
}

/// Whether a time lies within weekly hours, over midnight too: a stretch up to 24:00 goes on in one from 0:00.
pub fn holds(hours: &[WeeklyHours], zone: Tz, time: Interval) -> bool {
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let (first, last) = (day(time.starts_at()), day(time.ends_at()));
    let days = first.iter_days().take_while(|day| *day <= last).take(DAYS_MAX);
    let of = |(day, shift): (NaiveDate, i32)| {
        of_day(hours, day).map(move |line| (line.start_minute + shift, line.end_minute + shift))
    };
    covers(days.zip((0..).map(|n| n * MINUTES_OF_DAY)).flat_map(of).collect(), zone, time)
}

/// Whether a time lies outside weekly hours, where somebody has painted a week for the day that it begins on.
pub fn misses(hours: &[WeeklyHours], zone: Tz, time: Interval) -> bool {
    let day = time.starts_at().with_timezone(&zone).date_naive();
    let known = hours.iter().any(|line| line.valid_from <= day && line.valid_to.is_none_or(|last| day <= last));
    known && !holds(hours, zone, time)
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The painted hours of a Monday.
    fn week(start_minute: i32, from: &str, to: Option<&str>) -> WeeklyHours {
        let (valid_from, valid_to) = (date(from), to.map(date));
        WeeklyHours { weekday: 1, start_minute, end_minute: 12 * 60, slot_minutes: 30, valid_from, valid_to }
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
