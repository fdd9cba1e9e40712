//! The time that a reading covers, and the rows that cover it with the fewest cells.

use chrono::{Datelike as _, Days, Months, NaiveDate};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cell::Grain;

/// A reading covers at most so many years.
pub const YEARS_MAX: u32 = 5;
/// A reading day by day covers at most so many days.
pub const DAYS_BY_DAY_MAX: i64 = 366;
/// No request is of an earlier year.
const YEAR_MIN: i32 = 2000;
const YEAR_MAX: i32 = 2100;

/// How a reading splits its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A number for each day.
    Day,
    /// A number for each month, cut at the ends of the period.
    Month,
    /// One number for the whole period.
    #[default]
    Total,
}

/// Days from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day, included.
    pub from: NaiveDate,
    /// The last day, included.
    pub to: NaiveDate,
}

/// Rows of one grain that start within `[from, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) grain: Grain,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

impl Period {
    /// Checks what a caller asked for.
    pub fn parse(from: NaiveDate, to: NaiveDate, by: By) -> Result<Self, Problem> {
        for (name, day) in [("?from", from), ("?to", to)] {
            if !(YEAR_MIN..=YEAR_MAX).contains(&day.year()) {
                return Err(Problem::field(
                    name,
                    "日期应在 2000 年到 2100 年之间",
                    "The date must be between the years 2000 and 2100",
                ));
            }
        }
        if to < from {
            return Err(Problem::field(
                "?to",
                "结束日期早于开始日期，请调换",
                "The last day is before the first; swap them",
            ));
        }
        if from.checked_add_months(Months::new(12 * YEARS_MAX)).is_some_and(|end| to >= end) {
            return Err(Problem::field("?to", "一次最多查询五年", "At most five years at a time"));
        }
        if by == By::Day && (to - from).num_days() >= DAYS_BY_DAY_MAX {
            return Err(Problem::field(
                "?by",
                "按日最多查询 366 天，更长请按月",
                "At most 366 days day by day; take months for more",
            ));
        }
        Ok(Self { from, to })
    }

    /// The rows that cover the period: whole months where they may be used, days at the ends.
    pub(super) fn segments(self, by: By, months_allowed: bool) -> Vec<Segment> {
        let days = |from, to| Segment { grain: Grain::Day, from, to };
        let first = Grain::Month.start(self.from);
        let start = if first == self.from { first } else { first + Months::new(1) };
        let after = self.to + Days::new(1);
        let end = Grain::Month.start(after);
        if by == By::Day || !months_allowed || start >= end {
            return vec![days(self.from, self.to)];
        }
        let mut segments = vec![Segment { grain: Grain::Month, from: start, to: end - Days::new(1) }];
        if self.from < start {
            segments.push(days(self.from, start - Days::new(1)));
        }
        if end < after {
            segments.push(days(end, self.to));
        }
        segments
    }

    /// Where the part of the period that holds `day` starts, when split so.
    pub(super) fn slot(self, by: By, day: NaiveDate) -> NaiveDate {
        match by {
            By::Day => day,
            By::Month => Grain::Month.start(day),
            By::Total => self.from,
        }
    }

    /// Every part of the period, in order.
    pub fn slots(self, by: By) -> Vec<NaiveDate> {
        let next = |day: &NaiveDate| match by {
            By::Day => day.succ_opt(),
            By::Month => day.checked_add_months(Months::new(1)),
            By::Total => None,
        };
        std::iter::successors(Some(self.slot(by, self.from)), next).take_while(|day| *day <= self.to).collect()
    }

    /// The name of the part that starts at `slot`: `2026-11-03`, `2026-11`, or an ISO 8601 interval.
    pub fn label(self, by: By, slot: NaiveDate) -> String {
        match by {
            By::Day => slot.to_string(),
            By::Month => slot.format("%Y-%m").to_string(),
            By::Total => format!("{}/{}", self.from, self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: day(from), to: day(to) }
    }

    #[test]
    fn bounds_are_named_where_they_are_broken() {
        let check = |from: &str, to: &str, by: By| match Period::parse(day(from), day(to), by) {
            Ok(_) => String::new(),
            Err(p) => p.body(sanbao_platform::lang::Lang::En, "")["errors"][0]["pointer"].as_str().unwrap().to_owned(),
        };
        for (from, to, by, expected) in [
            ("2026-01-01", "2026-01-01", By::Day, ""),
            ("2026-01-02", "2026-01-01", By::Day, "?to"),
            ("2024-01-01", "2024-12-31", By::Day, ""),
            ("2024-01-01", "2025-01-01", By::Day, "?by"),
            ("2021-01-01", "2025-12-31", By::Month, ""),
            ("2021-01-01", "2026-01-01", By::Month, "?to"),
            ("1999-12-31", "2000-01-01", By::Total, "?from"),
            ("2100-01-01", "2101-01-01", By::Total, "?to"),
        ] {
            assert_eq!(check(from, to, by), expected, "{from} {to} {by:?}");
        }
    }

    #[test]
    fn segments_cover_each_day_once() {
        let starts = [day("2025-12-01"), day("2025-12-31"), day("2026-01-01"), day("2026-01-15"), day("2026-02-28")];
        for from in starts {
            for length in [0, 1, 15, 27, 28, 30, 31, 32, 58, 59, 60, 90, 400] {
                let period = Period { from, to: from + Days::new(length) };
                for (by, months) in [(By::Total, true), (By::Total, false), (By::Month, true), (By::Day, true)] {
                    let mut covered = Vec::new();
                    for segment in period.segments(by, months) {
                        let days = segment.from.iter_days().take_while(|d| *d <= segment.to);
                        covered.extend(days);
                        if segment.grain == Grain::Month {
                            assert_eq!(segment.from.day(), 1);
                            assert_eq!((segment.to + Days::new(1)).day(), 1);
                        }
                    }
                    covered.sort_unstable();
                    let expected: Vec<_> = period.from.iter_days().take_while(|d| *d <= period.to).collect();
                    assert_eq!(covered, expected, "{period:?} {by:?}");
                }
            }
        }
    }

    #[test]
    fn whole_months_are_read_as_months() {
        let year = period("2025-01-01", "2025-12-31").segments(By::Total, true);
        assert_eq!(year, [Segment { grain: Grain::Month, from: day("2025-01-01"), to: day("2025-12-31") }]);
        assert_eq!(period("2025-01-02", "2025-02-27").segments(By::Total, true).len(), 1);
        assert_eq!(period("2025-01-02", "2025-03-02").segments(By::Total, true).len(), 3);
    }

    #[test]
    fn slots_are_complete_and_named() {
        let p = period("2025-12-30", "2026-02-01");
        let names = |by| p.slots(by).into_iter().map(|s| p.label(by, s)).collect::<Vec<_>>();
        assert_eq!(names(By::Month), ["2025-12", "2026-01", "2026-02"]);
        assert_eq!(names(By::Total), ["2025-12-30/2026-02-01"]);
        assert_eq!(names(By::Day).len(), 34);
    }
}
