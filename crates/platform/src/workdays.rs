//! Working days of China: public holidays (放假) and the weekend days on which people work instead (调休), as data with a source
//! and a year.
//!
//! The days are announced a year at a time (`facts/workdays-cn.txt`). Of a year whose notice is not there nothing is known, and
//! the answer says so.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{Datelike as _, NaiveDate, Weekday};
use chrono_tz::{Asia, PRC, Tz};

const DATA: &str = include_str!("../facts/workdays-cn.txt");

static NOTICES: LazyLock<BTreeMap<i32, HolidayNotice>> = LazyLock::new(|| read(DATA).unwrap_or_default());

/// A day as the notice of its year has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// A day from Monday to Friday on which people work.
    Workday,
    /// A Saturday or Sunday.
    Weekend,
    /// No work, because of the holiday that is named.
    Holiday(&'static str),
    /// A Saturday or Sunday on which people work, for the sake of the holiday that is named.
    MakeUp(&'static str),
}

impl DayKind {
    /// Whether people work on it.
    pub fn is_worked(self) -> bool {
        matches!(self, Self::Workday | Self::MakeUp(_))
    }
}

/// The notice of a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolidayNotice {
    /// 国办发明电〔2025〕7号
    pub number: &'static str,
    pub issued_on: NaiveDate,
    /// The days that are other than their weekday.
    pub days: BTreeMap<NaiveDate, DayKind>,
}

/// The notice of a year, if it is known.
pub fn notice(year: i32) -> Option<&'static HolidayNotice> {
    NOTICES.get(&year)
}

/// A day by the notice of its year; `None` where that is not known.
pub fn kind_of(day: NaiveDate) -> Option<DayKind> {
    let special = notice(day.year())?.days.get(&day).copied();
    Some(special.unwrap_or(match day.weekday() {
        Weekday::Sat | Weekday::Sun => DayKind::Weekend,
        _ => DayKind::Workday,
    }))
}

/// Whether these holidays are those of a zone.
pub fn is_of(zone: Tz) -> bool {
    [PRC, Asia::Shanghai, Asia::Urumqi, Asia::Chongqing, Asia::Chungking, Asia::Harbin, Asia::Kashgar].contains(&zone)
}

/// The notices of the data; `None` where a line cannot be read.
fn read(text: &'static str) -> Option<BTreeMap<i32, HolidayNotice>> {
    let (mut notices, mut year) = (BTreeMap::new(), 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&'static str> = line.split_whitespace().collect();
        match words[..] {
            ["notice", of, number, issued_on] => {
                year = of.parse().ok()?;
                let issued_on = issued_on.parse().ok()?;
                notices.insert(year, HolidayNotice { number, issued_on, days: BTreeMap::new() });
            }
            [kind @ ("off" | "work"), days, name] => {
                let (from, to) = days.split_once("..").unwrap_or((days, days));
                let (from, to): (NaiveDate, NaiveDate) = (from.parse().ok()?, to.parse().ok()?);
                let kind = if kind == "off" { DayKind::Holiday(name) } else { DayKind::MakeUp(name) };
                let notice: &mut HolidayNotice = notices.get_mut(&year)?;
                notice.days.extend(from.iter_days().take_while(|day| *day <= to).map(|day| (day, kind)));
            }
            _ => return None,
        }
    }
    Some(notices)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_line_of_the_data_is_read_and_each_day_is_of_the_year_of_its_notice() {
        let notices = read(DATA).unwrap();
        assert_eq!(notices.keys().copied().collect::<Vec<_>>(), [2024, 2025, 2026]);
        for (year, notice) in &notices {
            assert_eq!(notice.issued_on.year(), year - 1, "announced in the autumn before");
            assert!(notice.number.starts_with(&format!("国办发明电〔{}〕", year - 1)), "{}", notice.number);
            assert!(notice.days.keys().all(|day| day.year() == *year));
        }
        for wrong in ["off 2026-01-01 元旦", "notice 2026 号", "holiday 2026-01-01 元旦", "notice 2026 号 2025-13-01"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_year_has_as_many_free_weekdays_as_the_law_and_its_make_up_days_say() {
        // 全国年节及纪念日放假办法: 11 days, from 2025 on 13. One that falls on a weekend is had on a weekday.
        for (year, by_law) in [(2024, 11), (2025, 13), (2026, 13)] {
            let days = &notice(year).unwrap().days;
            let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            let free = days.iter().filter(|(day, kind)| !kind.is_worked() && !weekend(day)).count();
            let made_up: Vec<_> = days.iter().filter(|(_, kind)| kind.is_worked()).map(|(day, _)| day).collect();
            assert!(made_up.iter().all(|day| weekend(day)), "{year}: {made_up:?}");
            assert_eq!(free, by_law + made_up.len(), "{year}");
        }
    }

    #[test]
    fn days_are_as_the_notices_have_them() {
        for (day, kind) in [
            ("2024-01-01", DayKind::Holiday("元旦")),
            ("2024-02-09", DayKind::Workday),
            ("2024-02-18", DayKind::MakeUp("春节")),
            ("2024-06-09", DayKind::Weekend),
            ("2024-10-12", DayKind::MakeUp("国庆节")),
            ("2025-01-02", DayKind::Workday),
            ("2025-01-28", DayKind::Holiday("春节")),
            ("2025-10-08", DayKind::Holiday("国庆节、中秋节")),
            ("2025-10-11", DayKind::MakeUp("国庆节、中秋节")),
            ("2026-01-04", DayKind::MakeUp("元旦")),
            ("2026-02-23", DayKind::Holiday("春节")),
            ("2026-09-20", DayKind::MakeUp("国庆节")),
            ("2026-09-27", DayKind::Holiday("中秋节")),
            ("2026-09-28", DayKind::Workday),
            ("2026-10-07", DayKind::Holiday("国庆节")),
            ("2026-10-10", DayKind::MakeUp("国庆节")),
            ("2026-12-31", DayKind::Workday),
        ] {
            assert_eq!(kind_of(date(day)), Some(kind), "{day}");
        }
        for unknown in ["2023-12-31", "2027-01-01"] {
            assert_eq!(kind_of(date(unknown)), None, "{unknown}");
        }
    }

    #[test]
    fn they_are_the_holidays_of_the_mainland() {
        assert!(is_of(Asia::Shanghai) && is_of(Asia::Urumqi) && is_of(PRC));
        assert!(!is_of(Asia::Hong_Kong) && !is_of(chrono_tz::Europe::Berlin) && !is_of(Tz::UTC));
    }
}
