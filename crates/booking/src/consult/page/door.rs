//! When a consult begins, and the way into its room.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone};

use super::{TEXTS, t};
use crate::consult::model::Consult;
use crate::consult::state::{Appointment, ConsultState};
use crate::consult::ticket;

/// When a consult is expected to begin.
pub(super) fn expected(appointment: &Appointment) -> DateTime<Utc> {
    appointment.expected_at()
}

/// How much later than agreed it will begin.
pub(super) fn late_by(lang: Lang, minutes: i32) -> Markup {
    page::badge(Tone::Warn, &TEXTS.with(lang, "late-by", &[("minutes", &minutes.to_string())]))
}

/// Whether the room's door is open now.
pub(super) fn is_open(consult: &Consult, now: DateTime<Utc>) -> bool {
    match &consult.state {
        ConsultState::Scheduled(a) | ConsultState::InSession { appointment: a, .. } => {
            let (opens, closes) = ticket::window(a);
            opens <= now && now < closes
        }
        _ => false,
    }
}

/// The way into the room for a person who may enter: a button, or the conditions that are not met yet.
pub(super) fn door(lang: Lang, consult: &Consult, now: DateTime<Utc>, label: &str) -> Markup {
    html! {
        @if !consult.has_consent {
            a.button.primary.large href=(format!("/consults/{}#consent", consult.id)) { (t(lang, "record-consent-first")) }
        } @else if is_open(consult, now) {
            a.button.primary.large href=(format!("/room?consult={}", consult.id)) { (t(lang, label)) }
        } @else {
            p.faint { (TEXTS.with(lang, "room-opens", &[("minutes", &ticket::OPENS_BEFORE_MINUTES.to_string())])) }
        }
    }
}
