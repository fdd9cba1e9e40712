//! The week: what holds now and later, and the form by which somebody paints it. Its rows say all; `week.js` lays a grid
//! over them that is painted by mouse, finger or keyboard.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::StaticFile;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Send, Words};

use super::{MINUTES_OF_DAY, WeeklyHours, clock, version};
use crate::texts::WEEK as TEXTS;

/// Empty rows of a weekday beside those that are filled in.
const ROWS_FREE: usize = 1;

/// The days of one validity.
type Period = (NaiveDate, Option<NaiveDate>);

/// Whose week it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeekOf<'a> {
    /// The end of the keys of the words that are about these people: `doctor`.
    pub(crate) people: &'static str,
    /// The call that paints it.
    pub(crate) call: &'a str,
    /// The page that it stands on.
    pub(crate) page: &'a str,
    /// The length of a slot that a form without one begins with; none where days are not divided.
    pub(crate) slot_minutes: Option<i32>,
}

impl WeekOf<'_> {
    /// A word that is about these people.
    fn t(&self, words: Words, key: &str) -> String {
        words.t(&format!("{key}-{}", self.people))
    }
}

/// The files of scripts that the week needs.
pub(crate) const FILES: &[StaticFile] =
    &[("/static/booking/week.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/week.js"))];

/// The words of the week for its readers.
pub(crate) fn words(lang: Lang, zone: Tz) -> Words {
    Words::new(&TEXTS, lang, zone)
}

/// The week: what holds, and for those who write it the form that begins with what holds on the day `from`.
pub(crate) fn section(
    words: Words,
    of: WeekOf<'_>,
    weekly: &[WeeklyHours],
    from: NaiveDate,
    today: NaiveDate,
    writes: bool,
) -> Markup {
    let mut periods: Vec<Period> = weekly.iter().map(|line| (line.valid_from, line.valid_to)).collect();
    periods.sort_unstable();
    periods.dedup();
    periods.retain(|(_, last)| last.is_none_or(|last| last >= today));
    html! {
        section.card aria-labelledby="week-title" {
            h2 #week-title { (of.t(words, "week-title")) }
            @if periods.is_empty() { p { (of.t(words, "week-none")) } }
            @else {
                ul.plain-list { @for period in &periods { (summary(words, of.page, weekly, (*period, today), writes)) } }
            }
            @if writes {
                h3 { (words.t("week-paint")) }
                p { (of.t(words, "week-paint-what")) }
                (form(words, of, weekly, from))
            }
        }
    }
}

/// A day, with its year where that is not this one.
fn said(words: Words, day: NaiveDate, today: NaiveDate) -> String {
    if day.year() == today.year() {
        return words.day(day);
    }
    words.with("week-day-of-year", &[("year", &day.year().to_string()), ("day", &words.day(day))])
}

/// The hours of a period in words, and the way to change them.
fn summary(
    words: Words,
    page: &str,
    weekly: &[WeeklyHours],
    (period, today): (Period, NaiveDate),
    writes: bool,
) -> Markup {
    let lines: Vec<_> = weekly.iter().filter(|line| (line.valid_from, line.valid_to) == period).collect();
    let on = |weekday: i32| {
        let day = lines.iter().filter(move |line| line.weekday == weekday);
        let said: Vec<_> = day.map(|line| format!("{}–{}", clock(line.start_minute), clock(line.end_minute))).collect();
        said.join(" · ")
    };
    let (from, last) = period;
    let now = from <= today;
    let day = |day: NaiveDate| said(words, day, today);
    let until = last.map_or_else(|| words.t("week-open"), |last| words.with("week-until", &[("day", &day(last))]));
    let key = if now { "week-now" } else { "week-later" };
    html! {
        li {
            p.strong { (words.with(key, &[("from", &day(from)), ("until", &until)])) }
            @if !lines.iter().any(|line| line.is_stretch()) { p { (words.t("week-without")) } }
            dl.facts {
                @for weekday in (1..=7).filter(|weekday| !on(*weekday).is_empty()) {
                    dt { (words.t(&format!("week-day-{weekday}"))) }
                    dd { (on(weekday)) }
                }
            }
            @if !now && writes { p { a href=(format!("{page}?from={from}#week")) { (words.t("week-change")) } } }
        }
    }
}

fn form(words: Words, of: WeekOf<'_>, weekly: &[WeeklyHours], from: NaiveDate) -> Markup {
    let holds = |line: &&WeeklyHours| line.valid_from <= from && line.valid_to.is_none_or(|last| from <= last);
    let lines: Vec<&WeeklyHours> = weekly.iter().filter(holds).collect();
    let slot = of.slot_minutes.map(|new| lines.first().map_or(new, |line| line.slot_minutes).to_string());
    let last = lines.iter().filter_map(|line| line.valid_to).min().map(|day| day.to_string()).unwrap_or_default();
    let [label_from, label_to, help_to, label_slot, help_slot] =
        ["week-from", "week-to", "week-to-help", "week-slot", "week-slot-help"].map(|key| words.t(key));
    let day = Field { kind: "date", ..Field::default() };
    let from = from.to_string();
    let (lang, none) = (words.lang, Errors::default());
    let fields = html! {
        div.pair {
            (Field { name: "valid_from", label: &label_from, value: &from, required: true, ..day }.draw(lang, &none))
            (Field { name: "valid_to", label: &label_to, help: Some(&help_to), value: &last, ..day }.draw(lang, &none))
        }
        @if let Some(slot) = &slot {
            (Field { name: "slot_minutes", label: &label_slot, help: Some(&help_slot), kind: "number", value: slot, required: true,
                inputmode: Some("numeric"), ..Field::default() }.draw(lang, &none))
        }
        div #grid data-help=(words.t("week-grid-help")) data-label=(of.t(words, "week-grid")) data-earlier=(words.t("week-earlier"))
            data-later=(words.t("week-later-hours")) data-time=(words.t("week-time")) {}
        details #rows open {
            summary { (words.t("week-rows")) }
            @for weekday in 1..=7 { (rows(words, weekday, &lines)) }
        }
        button.button.primary type="submit" { (of.t(words, "week-save")) }
    };
    let send = Send { then: Some(of.page), ..Send::step(of.call, version(weekly)) };
    let ask = words.with(&format!("week-ask-{}", of.people), &[("count", "{count}")]);
    html! { div #week data-question=(ask) { (page::form(lang, Some("week-form"), "stack", send, &fields)) } }
}

/// The stretches of a weekday, from and to, with room for another.
fn rows(words: Words, weekday: i32, lines: &[&WeeklyHours]) -> Markup {
    let day = words.t(&format!("week-day-{weekday}"));
    let known = lines.iter().filter(|line| line.weekday == weekday);
    // A field of time knows no 24:00; as an end 00:00 says the same.
    let said = |minute: i32| clock(minute % MINUTES_OF_DAY);
    let known = known.map(|line| (said(line.start_minute), said(line.end_minute)));
    let rows: Vec<_> = known.chain((0..ROWS_FREE).map(|_| (String::new(), String::new()))).collect();
    let label = |key: &str, n: usize| format!("{day} {} {}", n + 1, words.t(key));
    html! {
        fieldset.week-day data-weekday=(weekday) data-name=(day) {
            legend { (day) }
            @for (n, (from, to)) in rows.iter().enumerate() {
                div.field.toolbar.week-row {
                    input type="time" data-end="from" value=(from) step="300" aria-label=(label("week-row-from", n));
                    span aria-hidden="true" { "–" }
                    input type="time" data-end="to" value=(to) step="300" aria-label=(label("week-row-to", n));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let own = ["week-title", "week-none", "week-paint-what", "week-grid", "week-save", "week-ask"];
        let people = ["doctor", "caregiver"].iter().flat_map(|people| own.map(|key| format!("{key}-{people}")));
        let keys = people.chain((1..=7).map(|weekday| format!("week-day-{weekday}")));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
