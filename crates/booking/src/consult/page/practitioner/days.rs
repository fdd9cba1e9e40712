//! Days beside the week: closed ones, and extra hours.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use maud::{Markup, html};
use sanbao_platform::page::{self, Errors, Field, Send, Tone, Words};

use crate::account::AccountId;
use crate::consult::api::hours::{ExceptionLine, ExceptionView};
use crate::texts::WEEK;

pub(super) fn section(
    words: Words,
    id: AccountId,
    exceptions: &[ExceptionView],
    today: NaiveDate,
    booked: &[NaiveDate],
) -> Markup {
    let day = |line: &ExceptionLine| match line {
        ExceptionLine::Closed { date } | ExceptionLine::Extra { date, .. } => **date,
    };
    let coming: Vec<_> = exceptions.iter().filter(|exception| day(&exception.line) >= today).collect();
    html! {
        section.card aria-labelledby="days-title" {
            h2 #days-title { (words.t("days-title")) }
            @if coming.is_empty() { p.faint { (words.t("days-none")) } }
            @else {
                (page::count(words.lang, coming.len(), false))
                ul.plain-list { @for exception in coming { (line(words, id, exception, day(&exception.line))) } }
            }
            div.columns {
                (closed(words, id, today, booked))
                (extra(words, id, today))
            }
        }
    }
}

fn line(words: Words, id: AccountId, exception: &ExceptionView, day: NaiveDate) -> Markup {
    let said = words.day(day);
    let call = format!("DELETE /v1/practitioners/{id}/exceptions/{}", exception.id);
    let ask = words.with("days-ask-remove", &[("day", &said)]);
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    html! {
        li.spread {
            span {
                (said) " "
                @match &exception.line {
                    ExceptionLine::Closed { .. } => (page::badge(Tone::Warn, &words.t("days-closed"))),
                    ExceptionLine::Extra { start, end, .. } => {
                        (page::badge(Tone::Info, &words.t("days-extra"))) " " (start) "–" (end)
                    }
                }
            }
            (page::press(&format!("remove-{}", exception.id), "button", send, &words.t("days-remove")))
        }
    }
}

/// The form for a closed day. It knows on which days there are consults, so that nobody closes one unawares.
fn closed(words: Words, id: AccountId, today: NaiveDate, booked: &[NaiveDate]) -> Markup {
    let mut counts: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    for day in booked {
        *counts.entry(*day).or_default() += 1;
    }
    let counts = serde_json::to_string(&counts).unwrap_or_default();
    let (call, date, label) = (exceptions(id), today.to_string(), words.t("days-date"));
    let field = Field {
        name: "date",
        id: "closed-date",
        label: &label,
        kind: "date",
        value: &date,
        required: true,
        ..Field::default()
    };
    let fields = html! {
        h3 { (words.t("days-add-closed")) }
        input type="hidden" name="kind" value="closed";
        (field.draw(words.lang, &Errors::default()))
        button.button type="submit" { (words.t("days-close")) }
    };
    let ask = words.with("days-ask-booked", &[("count", "{count}")]);
    let form = page::form(words.lang, Some("closed-form"), "stack", Send::to(&call), &fields);
    html! { div #closed data-booked=(counts) data-question=(ask) { (form) } }
}

fn extra(words: Words, id: AccountId, today: NaiveDate) -> Markup {
    let (call, date) = (exceptions(id), today.to_string());
    let day = words.t("days-date");
    let [from, to, slot] = ["week-row-from", "week-row-to", "week-slot"].map(|key| WEEK.get(words.lang, key));
    let (lang, none) = (words.lang, Errors::default());
    let time = Field { kind: "time", required: true, ..Field::default() };
    let number = Field { kind: "number", inputmode: Some("numeric"), required: true, ..Field::default() };
    let fields = html! {
        h3 { (words.t("days-add-extra")) }
        input type="hidden" name="kind" value="extra";
        (Field { name: "date", id: "extra-date", label: &day, kind: "date", value: &date, required: true, ..Field::default() }.draw(lang, &none))
        div.pair {
            (Field { name: "start", id: "extra-start", label: &from, ..time }.draw(lang, &none))
            (Field { name: "end", id: "extra-end", label: &to, ..time }.draw(lang, &none))
        }
        (Field { name: "slot_minutes", id: "extra-slot", label: &slot, value: "30", ..number }.draw(lang, &none))
        button.button type="submit" { (words.t("days-open")) }
    };
    page::form(lang, Some("extra-form"), "stack", Send::to(&call), &fields)
}

fn exceptions(id: AccountId) -> String {
    format!("POST /v1/practitioners/{id}/exceptions")
}
