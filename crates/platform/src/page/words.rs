//! How a page speaks: its texts, its language, its zone; days, times and distances as people say them.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::i18n::Texts;
use crate::lang::Lang;
use crate::moment;

/// The platform's own words, for the parts of the kit that need no others.
pub(crate) static OWN: LazyLock<Texts> = LazyLock::new(|| Texts::new("", ""));

/// A text of the platform.
pub(super) fn own(lang: Lang, key: &str) -> String {
    OWN.get(lang, key)
}

/// A text of the platform with its variables.
pub(super) fn own_with(lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
    OWN.with(lang, key, args)
}

/// The purpose of a distance in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// 3 分钟前
    Ago,
    /// 已等 2 小时
    Waited,
    /// 还有 12 分钟, and after it 晚 5 分钟.
    Left,
    /// 迟到 15 分钟
    Overdue,
}

/// The texts of a service in one language, and the zone in which its moments are told.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    texts: &'static Texts,
    /// The language of the page.
    pub lang: Lang,
    /// The zone of the times on it.
    pub zone: Tz,
}

impl Words {
    /// Words over a service's texts.
    pub fn new(texts: &'static Texts, lang: Lang, zone: Tz) -> Self {
        Self { texts, lang, zone }
    }

    /// A text.
    pub fn t(self, key: &str) -> String {
        self.texts.get(self.lang, key)
    }

    /// A text with its variables.
    pub fn with(self, key: &str, args: &[(&str, &str)]) -> String {
        self.texts.with(self.lang, key, args)
    }

    /// `11月23日 周一`
    pub fn day(self, day: NaiveDate) -> String {
        let weekday = own(self.lang, &format!("weekday-{}", day.weekday().number_from_monday()));
        let month = own(self.lang, &format!("month-{}", day.month()));
        own_with(self.lang, "day", &[("month", &month), ("day", &day.day().to_string()), ("weekday", &weekday)])
    }

    /// `14:30`
    pub fn clock(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    /// `11月23日 周一 14:30`
    pub fn when(self, at: DateTime<Utc>) -> String {
        format!("{} {}", self.day(at.with_timezone(&self.zone).date_naive()), self.clock(at))
    }

    /// The same with its machine-readable form.
    pub fn time(self, at: DateTime<Utc>) -> Markup {
        html! { time datetime=(at.to_rfc3339()) { (self.when(at)) } }
    }

    /// The same of a record that may be years old: `2025年11月23日 周日 14:30` where it is not of the year of `now`.
    pub fn dated(self, at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
        html! { time datetime=(at.to_rfc3339()) { (self.dated_text(at, now)) } }
    }

    fn dated_text(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let year = at.with_timezone(&self.zone).year();
        if year == now.with_timezone(&self.zone).year() {
            return self.when(at);
        }
        own_with(self.lang, "day-of-year", &[("year", &year.to_string()), ("when", &self.when(at))])
    }

    /// `今天 14:30`, `明天 09:00`, `昨天 16:00`; any other day as [`Words::dated`] says it. `ages.js` keeps the word true while the
    /// page is open over midnight.
    pub fn near(self, at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
        let day = at.with_timezone(&self.zone).date_naive();
        self.near_or(day, at, now, &self.clock(at), &self.dated_text(at, now))
    }

    /// The same without markup, for what is no part of an open page: an answer, the title of a choice.
    pub fn near_text(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let day = at.with_timezone(&self.zone).date_naive();
        self.near_word(day, now, &self.clock(at)).unwrap_or_else(|| self.dated_text(at, now))
    }

    /// `今天 11月23日 周一`, kept true over midnight; any other day without a word before it.
    pub fn near_day(self, day: NaiveDate, now: DateTime<Utc>) -> Markup {
        let text = self.day(day);
        let begin = moment::begins(day, self.zone).unwrap_or(now);
        self.near_or(day, begin, now, &text, &text)
    }

    fn near_or(self, day: NaiveDate, at: DateTime<Utc>, now: DateTime<Utc>, rest: &str, whole: &str) -> Markup {
        let text = self.near_word(day, now, rest).unwrap_or_else(|| whole.to_owned());
        html! { time datetime=(at.to_rfc3339()) data-near=(self.zone.name()) data-rest=(rest) title=(whole) { (text) } }
    }

    /// The word for a day beside today, with what stands behind it.
    fn near_word(self, day: NaiveDate, now: DateTime<Utc>, rest: &str) -> Option<String> {
        let today = now.with_timezone(&self.zone).date_naive();
        let key = match (day - today).num_days() {
            -1 => "script-near-yesterday",
            0 => "script-near-today",
            1 => "script-near-tomorrow",
            _ => return None,
        };
        Some(own_with(self.lang, key, &[("rest", rest)]))
    }

    /// A text of which one variable is markup, such as a time that ages.
    pub fn around(self, key: &str, args: &[(&str, &str)], variable: &str, part: &Markup) -> Markup {
        const HERE: &str = "\u{1}";
        let args: Vec<_> = args.iter().copied().chain([(variable, HERE)]).collect();
        let text = self.with(key, &args);
        let (before, after) = text.split_once(HERE).unwrap_or((&text, ""));
        html! { (before) (part) (after) }
    }

    /// `14:30–15:30`
    pub fn span(self, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        format!("{}–{}", self.clock(from), self.clock(until))
    }

    /// How long, in the largest unit that fits.
    pub fn duration(self, minutes: i64) -> String {
        let (key, n) = match minutes {
            ..120 => ("minutes", minutes),
            120..2880 => ("hours", minutes / 60),
            _ => ("days", minutes / 1440),
        };
        own_with(self.lang, &format!("script-{key}"), &[("n", &n.to_string())])
    }

    /// A moment by its distance, which `ages.js` keeps up to date; pointing at it tells the moment itself.
    pub fn age(self, age: Age, at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
        let minutes = (now - at).num_minutes();
        let (kind, key) = match age {
            Age::Ago => ("ago", if minutes < 1 { "script-age-ago-now" } else { "script-age-ago" }),
            Age::Waited => ("waited", if minutes < 1 { "script-age-waited-now" } else { "script-age-waited" }),
            Age::Overdue => ("overdue", if minutes < 1 { "script-age-overdue-now" } else { "script-age-overdue" }),
            Age::Left => ("left", if minutes > 0 { "script-age-late" } else { "script-age-left" }),
        };
        let text = own_with(self.lang, key, &[("time", &self.duration(minutes.abs()))]);
        html! { time datetime=(at.to_rfc3339()) data-age=(kind) title=(self.when(at)) { (text) } }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::Duration;

    use super::*;

    fn words(lang: Lang) -> Words {
        Words::new(&OWN, lang, chrono_tz::Asia::Shanghai)
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let at: DateTime<Utc> = "2026-11-23T06:30:00Z".parse().unwrap();
        assert_eq!(words(Lang::Zh).when(at), "11月23日 周一 14:30");
        assert_eq!(words(Lang::En).when(at), "Mon 23 Nov 14:30");
        assert_eq!(words(Lang::Zh).span(at, at + Duration::hours(1)), "14:30–15:30");
    }

    #[test]
    fn another_year_is_said() {
        let at: DateTime<Utc> = "2025-12-31T16:30:00Z".parse().unwrap();
        let said = |lang, at, now: &str| words(lang).dated(at, now.parse().unwrap()).into_string();
        assert!(said(Lang::Zh, at, "2026-11-23T00:00:00Z").contains(">1月1日 周四 00:30<"));
        assert!(said(Lang::Zh, at, "2027-01-01T00:00:00Z").contains(">2026年1月1日 周四 00:30<"));
        assert!(said(Lang::En, at, "2027-01-01T00:00:00Z").contains(">2026, Thu 1 Jan 00:30<"));
    }

    #[test]
    fn a_day_beside_today_is_said_by_its_word_in_the_zone_of_the_page() {
        // 00:30 of 24 November in Shanghai, still the 23rd in London.
        let now: DateTime<Utc> = "2026-11-23T16:30:00Z".parse().unwrap();
        for (at, zh, en) in [
            ("2026-11-22T15:59:00Z", "11月22日 周日 23:59", "Sun 22 Nov 23:59"),
            ("2026-11-23T15:59:00Z", "昨天 23:59", "Yesterday 23:59"),
            ("2026-11-23T16:00:00Z", "今天 00:00", "Today 00:00"),
            ("2026-11-24T15:59:00Z", "今天 23:59", "Today 23:59"),
            ("2026-11-24T16:00:00Z", "明天 00:00", "Tomorrow 00:00"),
            ("2026-11-25T16:00:00Z", "11月26日 周四 00:00", "Thu 26 Nov 00:00"),
            ("2027-01-01T00:00:00Z", "2027年1月1日 周五 08:00", "2027, Fri 1 Jan 08:00"),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(
                (words(Lang::Zh).near_text(at, now).as_str(), words(Lang::En).near_text(at, now).as_str()),
                (zh, en)
            );
            assert!(words(Lang::Zh).near(at, now).into_string().contains(&format!(">{zh}<")), "{zh}");
        }
        let at = "2026-11-24T06:30:00Z".parse().unwrap();
        let said = words(Lang::Zh).near(at, now).into_string();
        let kept = "data-near=\"Asia/Shanghai\" data-rest=\"14:30\" title=\"11月24日 周二 14:30\">今天 14:30<";
        assert!(said.contains(kept), "the script needs zone, rest and the whole: {said}");
    }

    #[test]
    fn a_near_day_has_its_word_before_it_and_begins_at_its_midnight() {
        let now: DateTime<Utc> = "2026-11-23T16:30:00Z".parse().unwrap();
        let said = |day: &str| words(Lang::Zh).near_day(day.parse().unwrap(), now).into_string();
        assert!(
            said("2026-11-24").contains(">今天 11月24日 周二<") && said("2026-11-25").contains(">明天 11月25日 周三<")
        );
        assert!(said("2026-11-26").contains(">11月26日 周四<"));
        assert!(said("2026-11-25").contains("datetime=\"2026-11-24T16:00:00+00:00\""), "{}", said("2026-11-25"));
    }

    #[test]
    fn a_time_that_ages_stands_within_a_text() {
        let time = html! { time { "14:30" } };
        let said = words(Lang::Zh).around("day-of-year", &[("year", "2026")], "when", &time).into_string();
        assert_eq!(said, "2026年<time>14:30</time>");
    }

    #[test]
    fn distances_are_told_in_the_unit_that_fits() {
        let at: DateTime<Utc> = "2026-11-23T06:30:00Z".parse().unwrap();
        let said = |age, minutes| words(Lang::Zh).age(age, at, at + Duration::minutes(minutes)).into_string();
        for (age, minutes, text) in [
            (Age::Waited, 0, "刚开始等"),
            (Age::Waited, 125, "已等 2 小时"),
            (Age::Left, -12, "还有 12 分钟"),
            (Age::Left, 5, "晚 5 分钟"),
            (Age::Ago, 3 * 1440, "3 天前"),
        ] {
            assert!(said(age, minutes).contains(text), "{minutes}: {}", said(age, minutes));
        }
    }

    #[test]
    fn scripts_are_given_texts_with_their_variables_to_fill_in() {
        let words = OWN.starting_with(Lang::Zh, "script-age-");
        assert_eq!(words.get("script-age-waited").map(String::as_str), Some("已等 {$time}"));
        assert!(words.keys().all(|key| key.starts_with("script-age-")));
    }

    #[test]
    fn every_text_exists_in_both_languages() {
        assert_eq!(OWN.lacking([]), [""; 0]);
    }
}
