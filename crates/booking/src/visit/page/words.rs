//! Words of the pages of visits, over those of the page kit: services, wanted times, badges, reasons.

use chrono_tz::Tz;
use maud::Markup;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self as kit, Tone};

use crate::texts::VISIT as TEXTS;
use crate::visit::model::Visit;
use crate::visit::state::VisitStateName;

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

/// How a page speaks: the kit's words, and what only visits say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(kit::Words);

impl std::ops::Deref for Words {
    type Target = kit::Words;

    fn deref(&self) -> &kit::Words {
        &self.0
    }
}

impl Words {
    /// Words in a language, for a zone.
    pub(super) fn new(lang: Lang, zone: Tz) -> Self {
        Self(kit::Words::new(&TEXTS, lang, zone))
    }

    /// The name of a service.
    pub(super) fn service(self, code: &str) -> String {
        let known = if SERVICES.contains(&code) { code } else { "other" };
        self.t(&format!("service-{known}"))
    }

    /// When it is wanted.
    pub(super) fn wanted(self, visit: &Visit) -> String {
        let (from, until) =
            (visit.details.wanted_from.map(|t| self.when(t)), visit.details.wanted_until.map(|t| self.when(t)));
        match (&from, &until) {
            (None, None) => self.t("wanted-any"),
            (Some(from), None) => self.with("wanted-from", &[("from", from)]),
            (None, Some(until)) => self.with("wanted-until", &[("until", until)]),
            (Some(from), Some(until)) => self.with("wanted-between", &[("from", from), ("until", until)]),
        }
    }

    /// A state as a badge: a word and a sign, never colour alone.
    pub(super) fn badge(self, state: VisitStateName) -> Markup {
        let tone = match state {
            VisitStateName::Requested => Tone::Warn,
            VisitStateName::Scheduled => Tone::Plain,
            VisitStateName::InService => Tone::Info,
            VisitStateName::Completed => Tone::Ok,
            VisitStateName::Cancelled | VisitStateName::NoShow => Tone::Bad,
        };
        kit::badge(tone, &self.t(&format!("state-{}", state.as_str())))
    }

    /// Buttons that put an often used reason into the field `target`.
    pub(super) fn reasons(self, target: &str, keys: &[&str]) -> Markup {
        let texts: Vec<_> = keys.iter().map(|key| self.t(key)).collect();
        kit::fill(target, &texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let services = SERVICES.iter().chain(&["other"]).map(|s| format!("service-{s}"));
        let keys = services.chain(VisitStateName::ALL.iter().map(|s| format!("state-{s}")));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }

    #[test]
    fn a_service_that_nobody_knows_is_another() {
        let words = Words::new(Lang::Zh, chrono_tz::Asia::Shanghai);
        assert_eq!(words.service("bath"), "助浴");
        assert_eq!(words.service("<script>"), "其他");
    }
}
