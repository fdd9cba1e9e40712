//! Days and times in the forms that people and spreadsheets write: `2026年3月5日 下午2:30`, `2026.3.5`, `46086.6`.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};

use crate::cn::half_width;

/// The days that spreadsheets count from.
const SHEET_EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1899, 12, 30).expect("a date");
/// The numbers that are days of 1900 to 2199 there.
const SERIALS: std::ops::RangeInclusive<f64> = 367.0..=109_574.0;

/// The local day that a text names; a time behind it is left out.
pub fn day(text: &str) -> Option<NaiveDate> {
    time(text).map(|at| at.date())
}

/// The local time that a text names: midnight where it names the day alone.
pub fn time(text: &str) -> Option<NaiveDateTime> {
    let spaced = spaced(text);
    let (date, rest) = split(&spaced)?;
    let clock = rest.trim();
    if clock.is_empty() {
        return date.and_hms_opt(0, 0, 0);
    }
    clock_of(clock, date)
}

/// Half-width, with one sort of space, and Chinese words as signs.
fn spaced(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(half_width_with_hyphens).collect();
    words.join(" ").replace(['年', '月', '/', '.'], "-").replace(['日', '号'], " ")
}

/// The same as [`half_width`], which drops the hyphens that dates need.
fn half_width_with_hyphens(word: &str) -> String {
    word.split('-').map(half_width).collect::<Vec<_>>().join("-")
}

/// The day at the beginning of a text, and what follows.
fn split(text: &str) -> Option<(NaiveDate, &str)> {
    let (head, rest) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let parts: Vec<&str> = head.split('-').filter(|part| !part.is_empty()).collect();
    let number = |part: &&str| part.parse::<u32>().ok().filter(|_| part.len() <= 2);
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => {
            let date = NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, number(day)?)?;
            Some((date, rest))
        }
        [digits] if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some((NaiveDate::parse_from_str(digits, "%Y%m%d").ok()?, rest))
        }
        _ => None,
    }
}

/// `14:30`, `14:30:00-0`, `下午2:30`, `24:00`, `14时30分`.
fn clock_of(text: &str, date: NaiveDate) -> Option<NaiveDateTime> {
    let text = text.replace(['时', '点', '分'], ":").replace('秒', "");
    let (half, text) = half_of_day(text.trim());
    let text = without_fraction(&text).trim_end_matches(':');
    let mut parts = text.split(':').map(|part| part.trim().parse::<u32>());
    let hour = parts.next()?.ok()?;
    let (minute, second) = (parts.next().unwrap_or(Ok(0)).ok()?, parts.next().unwrap_or(Ok(0)).ok()?);
    if parts.next().is_some() {
        return None;
    }
    if (hour, minute, second) == (24, 0, 0) {
        return date.succ_opt()?.and_hms_opt(0, 0, 0);
    }
    let hour = match half {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    Some(date.and_time(NaiveTime::from_hms_opt(hour, minute, second)?))
}

/// A time to the second: what stands behind its point is left out.
fn without_fraction(text: &str) -> &str {
    let fraction = text
        .split_once('-')
        .filter(|(clock, fraction)| clock.matches(':').count() == 2 && fraction.bytes().all(|b| b.is_ascii_digit()));
    fraction.map_or(text, |(clock, _)| clock)
}

/// Whether a time says that it is of the afternoon, and the rest of it.
fn half_of_day(text: &str) -> (Option<bool>, String) {
    let halves = [("上午", false), ("凌晨", false), ("早上", false), ("中午", true), ("下午", true), ("晚上", true)];
    for (word, afternoon) in halves {
        if let Some(rest) = text.strip_prefix(word) {
            return (Some(afternoon), rest.trim().to_owned());
        }
    }
    let lower = text.to_lowercase();
    for (word, afternoon) in [("am", false), ("pm", true)] {
        if let Some(rest) = lower.strip_suffix(word) {
            return (Some(afternoon), rest.trim().to_owned());
        }
    }
    (None, text.to_owned())
}

/// Whether a text is a day whose year, month and day cannot be told apart: `3/5/26 14:30`, `05-03-2026`.
pub fn is_ambiguous(text: &str) -> bool {
    let spaced = spaced(text);
    let head = spaced.split(' ').next().unwrap_or_default();
    let parts: Vec<&str> = head.split('-').collect();
    let digits = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(digits) && parts[0].len() <= 2
}

/// Whether a text is a day as a spreadsheet counts it: it has lost its form on the way.
pub fn is_serial(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(|days| SERIALS.contains(&days))
}

/// The local time of the number by which a spreadsheet keeps it, to the second.
pub fn of_serial(days: f64) -> Option<NaiveDateTime> {
    if !(0.0..=*SERIALS.end()).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let seconds = (days * 86_400.0).round() as i64;
    SHEET_EPOCH.and_hms_opt(0, 0, 0)?.checked_add_signed(Duration::seconds(seconds))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_people_and_spreadsheets_write_is_understood() {
        for (text, expected) in [
            ("2026-03-05", "2026-03-05 00:00:00"),
            ("2026-3-5", "2026-03-05 00:00:00"),
            ("2026.3.5", "2026-03-05 00:00:00"),
            ("2026/3/5 14:30", "2026-03-05 14:30:00"),
            ("2026年3月5日 14:30", "2026-03-05 14:30:00"),
            ("2026年3月5日14时30分", "2026-03-05 14:30:00"),
            ("2026/3/5 下午2:30", "2026-03-05 14:30:00"),
            ("2026/3/5 上午12:05", "2026-03-05 00:05:00"),
            ("2026/3/5 2:30 PM", "2026-03-05 14:30:00"),
            ("2026-03-05 14:30:00.0", "2026-03-05 14:30:00"),
            ("20260305", "2026-03-05 00:00:00"),
            ("2026-03-05 １４：３０", "2026-03-05 14:30:00"),
            ("2026-03-05 24:00", "2026-03-06 00:00:00"),
            ("2026-03-05T14:30:05", "2026-03-05 14:30:05"),
            ("　2026-03-05　14:30 ", "2026-03-05 14:30:00"),
        ] {
            assert_eq!(time(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "昨天",
            "3/5/26 14:30",
            "2026-02-30",
            "26-03-05",
            "2026-03-05 25:00",
            "2026-03-05 14-30",
            "2026-03",
            "46086.6",
            "1",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
        let told_apart = ["2026/3/5", "3/5", "昨天", "138-0013-8000", "", "14:30"];
        assert!(["3/5/26 14:30", "05-03-2026", "26.3.5"].into_iter().all(is_ambiguous));
        assert!(!told_apart.into_iter().any(is_ambiguous));
        assert_eq!(day("1935.1.1").unwrap().to_string(), "1935-01-01");
        assert!(is_serial("46086.6") && is_serial("12785") && !is_serial("20260305") && !is_serial("3"));
        assert_eq!(of_serial(46_086.604_166_666_7).unwrap().to_string(), "2026-03-05 14:30:00");
    }
}
