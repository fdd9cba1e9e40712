//! The number of a request that people say and write down: the month, the day and a count (1129-0042).

use std::fmt;

use chrono::{Datelike as _, Days, NaiveDate};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use super::id::RequestId;

/// A number without its year is looked for in so many years: this one and those before.
pub const YEARS: i32 = 6;
/// Digits of the count at most.
const COUNT_DIGITS_MAX: usize = 9;
/// Digits of the count at least: it is written with noughts before it.
const COUNT_DIGITS_MIN: usize = 4;

const TAKE: &str = "insert into request_day (day, last) values ($1, $2)
    on conflict (day) do update set last = request_day.last + excluded.last returning last";
const FIND: &str = "select id from request where number_day = $1 and number = $2 and removed_at is null";

/// The number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestNumber {
    /// The local day on which it was taken down here.
    pub day: NaiveDate,
    /// Counts the requests of the day, from 1.
    pub count: i64,
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.day.format("%m%d"), self.count)
    }
}

/// A number as somebody says it: mostly without its year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaidNumber {
    year: Option<i32>,
    month: u32,
    day: u32,
    count: i64,
}

impl SaidNumber {
    /// Reads `1129-0042`, `11290042` and `20261129-0042`, in figures of any width; `None` for what is no number.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().map(plain).collect();
        let text = text.trim_start_matches(['#', '№']);
        let (head, count) = match text.split_once('-') {
            Some((head, count)) => (head, count.trim_start_matches('-')),
            None if text.is_ascii() && text.len() == 4 + COUNT_DIGITS_MIN => text.split_at(4),
            None => return None,
        };
        let figures = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let whole = figures(head) && figures(count);
        if !whole || count.len() < COUNT_DIGITS_MIN || count.len() > COUNT_DIGITS_MAX {
            return None;
        }
        let (year, day) = match head.len() {
            4 => (None, head),
            8 => (Some(head.get(..4)?.parse().ok()?), head.get(4..)?),
            _ => return None,
        };
        let (month, day) = (day.get(..2)?.parse().ok()?, day.get(2..)?.parse().ok()?);
        // The 29th of February is a day in some years.
        NaiveDate::from_ymd_opt(year.unwrap_or(2024), month, day)?;
        let count = count.parse().ok().filter(|count| *count > 0)?;
        Some(Self { year, month, day, count })
    }

    /// The number as it is said, without its year: what stays the same however it is written.
    pub fn spoken(self) -> String {
        format!("{:02}{:02}-{:04}", self.month, self.day, self.count)
    }

    /// The days on which it may have been given, the latest first; none lies ahead.
    pub fn days(self, today: NaiveDate) -> Vec<NaiveDate> {
        // A caller's midnight may be a little before the server's.
        let latest = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let years: Vec<i32> = match self.year {
            Some(year) => vec![year],
            None => (0..YEARS).map(|back| latest.year() - back).collect(),
        };
        let days = years.into_iter().filter_map(|year| NaiveDate::from_ymd_opt(year, self.month, self.day));
        days.filter(|day| *day <= latest).collect()
    }
}

/// A figure of any width as ASCII, and a minus for each of its signs and for a space.
fn plain(letter: char) -> char {
    match letter {
        '０'..='９' => char::from_u32(u32::from(letter) - u32::from('０') + u32::from('0')).unwrap_or(letter),
        ' ' | '\u{3000}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
        other => other,
    }
}

/// Takes the next numbers of a day, so many together; the first of them. Others of that day wait until the transaction ends.
pub(super) async fn take(conn: &mut Conn, day: NaiveDate, many: usize) -> Result<RequestNumber, DbError> {
    let many = i64::try_from(many).unwrap_or(i64::MAX);
    let last: i64 = on!(conn, |c| sqlx::query_scalar(TAKE).bind(day).bind(many).fetch_one(c).await)?;
    Ok(RequestNumber { day, count: last - many + 1 })
}

/// The requests of a number, the latest first: one a year.
pub async fn find(conn: &mut Conn, said: SaidNumber, today: NaiveDate) -> Result<Vec<RequestId>, DbError> {
    let mut found = Vec::new();
    for day in said.days(today) {
        let id: Option<RequestId> =
            on!(conn, |c| sqlx::query_scalar(FIND).bind(day).bind(said.count).fetch_optional(c).await)?;
        found.extend(id);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_written_as_it_is_said() {
        let number = |count| RequestNumber { day: date("2026-11-29"), count }.to_string();
        assert_eq!([number(42), number(12_345)], ["1129-0042", "1129-12345"]);
    }

    #[test]
    fn it_is_read_however_it_is_written() {
        let said = |text: &str| SaidNumber::parse(text).map(|n| (n.year, n.month, n.day, n.count));
        for text in ["1129-0042", "11290042", "１１２９－００４２", " 1129 0042 ", "#1129-0042", "1129—0042"]
        {
            assert_eq!(said(text), Some((None, 11, 29, 42)), "{text}");
            assert_eq!(SaidNumber::parse(text).unwrap().spoken(), "1129-0042", "{text}");
        }
        assert_eq!(said("20261129-0042"), Some((Some(2026), 11, 29, 42)));
        assert_eq!(said("1129-12345"), Some((None, 11, 29, 12_345)));
        for text in
            ["", "1129", "1129-42", "1329-0042", "1131-0042", "112-0042", "1129-0000", "13800000000", "1129-00x2"]
        {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_of_the_years_that_have_been() {
        let days = |text: &str, today: &str| SaidNumber::parse(text).unwrap().days(date(today));
        assert_eq!(days("1129-0001", "2026-11-29").first(), Some(&date("2026-11-29")));
        assert_eq!(days("1231-0001", "2026-11-29").first(), Some(&date("2025-12-31")));
        assert_eq!(days("1130-0001", "2026-11-29").first(), Some(&date("2026-11-30")));
        assert_eq!(days("0229-0001", "2026-11-29"), [date("2024-02-29")]);
        assert_eq!(days("20251129-0001", "2026-11-29"), [date("2025-11-29")]);
    }
}
