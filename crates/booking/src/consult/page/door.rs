//! How late a consult is, and the way into its room.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone, Words};

use super::{TEXTS, t};
use crate::consult::model::Consult;
use crate::consult::state::Appointment;
use crate::consult::ticket;

/// How much later than agreed it will begin.
pub(super) fn late_by(lang: Lang, minutes: i32) -> Markup {
    page::badge(Tone::Warn, &TEXTS.with(lang, "late-by", &[("minutes", &minutes.to_string())]))
}

/// When it will begin: `预计 14:45 开始（晚 15 分钟）`, with the time as it is said there.
pub(super) fn expected(words: Words, appointment: &Appointment, time: &Markup) -> Markup {
    words.around("expected-late", &[("minutes", &appointment.delay_minutes.to_string())], "time", time)
}

/// The way into the room for a person who may enter: a button, or the conditions that are not met yet.
pub(super) fn door(lang: Lang, consult: &Consult, now: DateTime<Utc>, label: &str) -> Markup {
    html! {
        @if !consult.has_consent {
            a.button.primary.large href=(format!("/consults/{}#consent", consult.id)) { (t(lang, "record-consent-first")) }
        } @else if ticket::is_open(&consult.state, now) {
            a.button.primary.large href=(format!("/room?consult={}", consult.id)) { (t(lang, label)) }
        } @else {
            p.faint { (TEXTS.with(lang, "room-opens", &[("minutes", &ticket::OPENS_BEFORE_MINUTES.to_string())])) }
        }
    }
}
