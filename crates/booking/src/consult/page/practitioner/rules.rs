//! The form with the rules of a calendar.

use maud::{Markup, html};
use sanbao_platform::page::{self, Errors, Field, Send, Words};

use crate::consult::practitioner::rules::{APART_MINUTES_MAX, COUNT_MAX, CalendarRule, NOTICE_HOURS_MAX};

/// The section of a rule with its version; `house` is what holds where a doctor's own says nothing.
pub(super) fn section(
    words: Words,
    call: &str,
    (own, version): (CalendarRule, i64),
    house: Option<CalendarRule>,
) -> Markup {
    let done = words.t("rules-saved");
    let send = Send { done: Some(&done), ..Send::step(call, version) };
    let farther = house.unwrap_or_default();
    let parts = [
        ("before_minutes", own.before_minutes, farther.before_minutes, 0, APART_MINUTES_MAX),
        ("after_minutes", own.after_minutes, farther.after_minutes, 0, APART_MINUTES_MAX),
        ("notice_hours", own.notice_hours, farther.notice_hours, 0, NOTICE_HOURS_MAX),
        ("day_max", own.day_max, farther.day_max, 1, COUNT_MAX),
        ("session_max", own.session_max, farther.session_max, 1, COUNT_MAX),
    ];
    let fields = html! {
        @for (name, value, farther, least, most) in parts { (field(words, name, (value, farther), (least, most))) }
        button.button type="submit" { (words.t("rules-save")) }
    };
    html! {
        section.card aria-labelledby="rules-title" {
            h2 #rules-title { (words.t("rules-title")) }
            p { (words.t(if house.is_some() { "rules-about" } else { "rules-about-all" })) }
            (page::form(words.lang, Some("rules-form"), "stack", send, &fields))
        }
    }
}

fn field(words: Words, name: &str, (value, farther): (Option<i32>, Option<i32>), (least, most): (i32, i32)) -> Markup {
    let label = words.t(&format!("rules-{name}"));
    let value = value.map(|value| value.to_string()).unwrap_or_default();
    let bounds = words.with("rules-bounds", &[("least", &least.to_string()), ("most", &most.to_string())]);
    let help = match farther {
        Some(farther) => format!("{bounds} {}", words.with("rules-farther", &[("value", &farther.to_string())])),
        None => bounds,
    };
    let field = Field {
        name,
        label: &label,
        help: Some(&help),
        kind: "number",
        value: &value,
        inputmode: Some("numeric"),
        ..Field::default()
    };
    field.draw(words.lang, &Errors::default())
}
