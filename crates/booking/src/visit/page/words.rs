//! Words of the pages: texts, days and times as people say them, badges.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

use crate::visit::model::Visit;
use crate::visit::state::VisitStateName;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(include_str!("../../../texts/visit.zh-CN.ftl"), include_str!("../../../texts/visit.en.ftl"))
});

/// The categories that have a name of their own.
const SERVICES: &[&str] = &[
    "meal",
    "clean",
    "bath",
    "mobility",
    "medical",
    "emergency",
    "shopping",
    "nursing",
    "visit",
    "comfort",
    "leisure",
    "adapt",
    "teleconsult",
    "info",
    "complaint",
];

/// How a page speaks: its language and the agency's zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) lang: Lang,
    pub(super) zone: Tz,
}

impl Words {
    /// A text.
    pub(super) fn t(self, key: &str) -> String {
        TEXTS.get(self.lang, key)
    }

    /// A text with its variables.
    pub(super) fn with(self, key: &str, args: &[(&str, &str)]) -> String {
        TEXTS.with(self.lang, key, args)
    }

    /// `11月23日 周一`.
    pub(super) fn day(self, day: NaiveDate) -> String {
        let i = day.weekday().num_days_from_monday() as usize;
        match self.lang {
            Lang::Zh => format!("{}月{}日 周{}", day.month(), day.day(), ["一", "二", "三", "四", "五", "六", "日"][i]),
            Lang::En => format!("{}", day.format("%a %-d %b")),
        }
    }

    /// `14:30`.
    pub(super) fn clock(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    /// `11月23日 周一 14:30`.
    pub(super) fn moment(self, at: DateTime<Utc>) -> String {
        format!("{} {}", self.day(at.with_timezone(&self.zone).date_naive()), self.clock(at))
    }

    /// `14:30–15:30`.
    pub(super) fn span(self, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        format!("{}–{}", self.clock(from), self.clock(until))
    }

    /// The name of a service.
    pub(super) fn service(self, code: &str) -> String {
        let known = if SERVICES.contains(&code) { code } else { "other" };
        self.t(&format!("service-{known}"))
    }

    /// When it is wanted.
    pub(super) fn wanted(self, visit: &Visit) -> String {
        let (from, until) = (visit.wanted_from.map(|t| self.moment(t)), visit.wanted_until.map(|t| self.moment(t)));
        match (&from, &until) {
            (None, None) => self.t("wanted-any"),
            (Some(from), None) => self.with("wanted-from", &[("from", from)]),
            (None, Some(until)) => self.with("wanted-until", &[("until", until)]),
            (Some(from), Some(until)) => self.with("wanted-between", &[("from", from), ("until", until)]),
        }
    }

    /// A state as a badge: a word and a sign, never colour alone.
    pub(super) fn badge(self, state: VisitStateName) -> Markup {
        let kind = match state {
            VisitStateName::Requested => "warn",
            VisitStateName::Scheduled => "",
            VisitStateName::InService => "info",
            VisitStateName::Completed => "ok",
            VisitStateName::Cancelled | VisitStateName::NoShow => "bad",
        };
        html! { span class=(format!("badge {kind}")) { (self.t(&format!("state-{}", state.as_str()))) } }
    }

    /// Buttons that put an often used reason into the field `target`.
    pub(super) fn reasons(self, target: &str, keys: &[&str]) -> Markup {
        html! {
            div.toolbar {
                @for key in keys {
                    button.button type="button" data-fill=(target) { (self.t(key)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_text_exists_in_both_languages() {
        assert_eq!(TEXTS.missing(), Vec::<&str>::new());
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let at: DateTime<Utc> = "2026-11-23T06:30:00Z".parse().unwrap();
        let words = |lang| Words { lang, zone: chrono_tz::Asia::Shanghai };
        assert_eq!(words(Lang::Zh).moment(at), "11月23日 周一 14:30");
        assert_eq!(words(Lang::En).moment(at), "Mon 23 Nov 14:30");
        assert_eq!(words(Lang::Zh).service("bath"), "助浴");
        assert_eq!(words(Lang::Zh).service("<script>"), "其他");
    }
}
