//! A painted week as callers send it, checked.

use chrono::{NaiveDate, NaiveTime, Timelike as _};
use sanbao_platform::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MINUTES_OF_DAY, WeeklyHours};

/// Lines of weekly hours at most.
pub const HOURS_LINES_MAX: usize = 50;
/// A stretch of a painted week.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Stretch)]
#[serde(deny_unknown_fields)]
pub struct WeekStretch {
    /// ISO 8601: Monday is 1, Sunday 7.
    pub weekday: i32,
    /// Local time, `HH:MM`.
    pub start: String,
    /// Local time, `HH:MM`; `24:00` is midnight.
    pub end: String,
}

/// A minute of a day as `08:30`; 1440 is `24:00`.
pub fn clock(minute: i32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(text: &str) -> Option<i32> {
    if text == "24:00" {
        return Some(MINUTES_OF_DAY);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    i32::try_from(time.num_seconds_from_midnight() / 60).ok()
}

/// Start and end in minutes, or what is wrong with them.
pub fn stretch(place: &str, start: &str, end: &str, errors: &mut Vec<FieldError>) -> (i32, i32) {
    let mut error = |field: &str, zh: &'static str, en: &'static str| {
        errors.push(FieldError::new(format!("{place}/{field}"), zh, en));
    };
    let (from, until) = (minute(start), minute(end));
    if from.is_none_or(|m| m == MINUTES_OF_DAY) {
        error("start", "时间写成 08:30 这样", "A time such as 08:30");
    }
    if until.is_none() {
        error("end", "时间写成 11:30 这样", "A time such as 11:30");
    } else if from.is_some() && until <= from {
        error("end", "结束要晚于开始", "The end must be after the start");
    }
    (from.unwrap_or(0), until.unwrap_or(0))
}

/// The lines of a painted week that holds from one day to another, or what is wrong with it.
pub fn painted(
    week: &[WeekStretch],
    (valid_from, valid_to): (NaiveDate, Option<NaiveDate>),
    slot_minutes: i32,
    errors: &mut Vec<FieldError>,
) -> Vec<WeeklyHours> {
    if week.len() > HOURS_LINES_MAX {
        errors.push(FieldError::new("/week", "时段太多，最多 50 段", "Too many stretches: at most 50"));
    }
    if valid_to.is_some_and(|last| last < valid_from) {
        errors.push(FieldError::new("/valid_to", "早于开始日期", "Before the first day"));
    }
    let mut hours = Vec::new();
    for (n, line) in week.iter().take(HOURS_LINES_MAX).enumerate() {
        let place = format!("/week/{n}");
        let (start_minute, end_minute) = stretch(&place, &line.start, &line.end, errors);
        if !(1..=7).contains(&line.weekday) {
            errors.push(FieldError::new(format!("{place}/weekday"), "星期为 1 到 7", "Weekdays are 1 to 7"));
        }
        hours.push(WeeklyHours { weekday: line.weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to });
    }
    hours
}
