//! One more than there is time for (加号): the dialog that says with whom a time is shared and asks why, and the badge.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Select, Tone, Words};

use super::sheet::{ROOMS_SHOWN_MAX, Sheet};
use super::{TEXTS, name_or_erased, t, words};
use crate::consult::input::OVERBOOK_REASON_CHARS_MAX;
use crate::consult::overbook::TimeBeside;
use crate::consult::state::Appointment;

/// 加号, at a time that was given on purpose beside another one, or beyond the doctor's rules.
pub(super) fn overbooked(lang: Lang, appointment: Option<&Appointment>) -> Markup {
    html! { @if appointment.is_some_and(|a| a.overbooked) { " " (page::badge(Tone::Warn, &t(lang, "overbooked"))) } }
}

/// The id of the dialog of a step.
pub(super) fn dialog_id(step: &str) -> String {
    format!("overbook-{step}")
}

/// The button and its dialog; nothing for those who may not.
pub(super) fn offer(lang: Lang, sheet: &Sheet, step: &str) -> Markup {
    let Some(beside) = &sheet.beside else { return html! {} };
    let words = words(lang, sheet.consult.zone_of(&sheet.ctx.actor));
    let times: Vec<_> =
        beside.times.iter().map(|time| page::pick(value(time), said(words, sheet, time), false)).collect();
    let id = dialog_id(step);
    let body = html! {
        p { (t(lang, "overbook-help")) }
        @if times.is_empty() { p.faint data-none { (t(lang, "overbook-none")) } }
        (form(lang, sheet, step, &times))
        @if beside.more { p.faint { (TEXTS.with(lang, "overbook-more", &[("count", &beside.times.len().to_string())])) } }
    };
    html! {
        p { button.button type="button" data-action="open" data-target=(id) { (t(lang, "do-overbook")) } }
        (page::dialog(&id, &t(lang, "overbook-title"), &body))
    }
}

fn form(lang: Lang, sheet: &Sheet, step: &str, times: &[page::Choice]) -> Markup {
    let (time_id, room_id, reason_id) =
        (format!("slot-{step}-beside"), format!("room-{step}-beside"), format!("reason-{step}-beside"));
    let (time_label, room_label, reason_label) = (t(lang, "time"), t(lang, "room"), t(lang, "overbook-reason"));
    let time = Select { name: "starts_at", id: &time_id, label: &time_label, required: true, ..Select::default() };
    let any = page::pick("", t(lang, "any-room"), false);
    let room = sheet.consult.state.appointment().map(|a| a.room);
    let rooms = std::iter::once(any)
        .chain(sheet.rooms.iter().take(ROOMS_SHOWN_MAX).map(|(id, name)| page::pick(id, name, room == Some(*id))));
    let rooms: Vec<_> = rooms.collect();
    let reason = page::area("overbook.reason", &reason_label, 2, OVERBOOK_REASON_CHARS_MAX);
    let reason = Field { id: &reason_id, required: true, ..reason };
    html! {
        form.stack method="post" novalidate data-schedule data-overbook data-taken=(t(lang, "taken-choose"))
            data-send=(sheet.call("POST", &format!("/{step}"))) data-version=(sheet.consult.version) {
            noscript { (page::notice(Tone::Warn, &t(lang, "needs-script"))) }
            (time.draw(times))
            p.faint data-chosen aria-live="polite" { @if let Some(first) = times.first() { (first.words) } }
            (Select { name: "room_id", id: &room_id, label: &room_label, ..Select::default() }.draw(&rooms))
            (reason.draw(lang, &Errors::default()))
            div.toolbar {
                button.button.primary type="submit" disabled[times.is_empty()] { (t(lang, "send-overbook")) }
                button.button type="button" data-action="close" { (t(lang, "close-overbook")) }
            }
        }
    }
}

/// `doctor|start`
fn value(time: &TimeBeside) -> String {
    format!("{}|{}", time.doctor, time.interval.starts_at().to_rfc3339())
}

/// 11月23日 周一 10:00–10:30 · 与陈奶奶（招宝山颐养院）同时
fn said(words: Words, sheet: &Sheet, time: &TimeBeside) -> String {
    let (from, to) = (time.interval.starts_at(), time.interval.ends_at());
    let when = format!("{} {}", words.day(from.with_timezone(&words.zone).date_naive()), words.span(from, to));
    let mut with: Vec<String> = time
        .with
        .iter()
        .map(|other| {
            let name = name_or_erased(words.lang, &other.about(&sheet.ctx.shows).name);
            let parts = [("name", name.as_str()), ("home", other.inviting.name(words.lang))];
            TEXTS.with(words.lang, "overbook-with", &parts)
        })
        .collect();
    if time.others {
        with.push(t(words.lang, "overbook-with-other"));
    }
    if with.is_empty() {
        with.push(t(words.lang, "overbook-beyond-rules"));
    }
    std::iter::once(when).chain(with).collect::<Vec<_>>().join(" · ")
}
