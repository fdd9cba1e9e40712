//! States, times and clocks in words, for the pages.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone, Words};

use super::TEXTS;
use crate::ZONE;
use crate::request::sla::{Sla, SlaStage, SlaStatus};
use crate::request::state::State;

/// The words of a page: in the street's zone.
pub(super) fn words(lang: Lang) -> Words {
    Words::new(&TEXTS, lang, ZONE)
}

/// A moment as people say it: 11月23日 周一 14:30.
pub(super) fn moment(lang: Lang, at: DateTime<Utc>) -> Markup {
    words(lang).time(at)
}

/// A state as a badge: word and sign, never colour alone.
pub(super) fn state(lang: Lang, state: State) -> Markup {
    let tone = match state {
        State::Done | State::FollowedUp | State::Closed => Tone::Ok,
        State::Dispatched | State::NoShow | State::Reopened => Tone::Warn,
        State::Rejected | State::Escalated => Tone::Bad,
        State::Cancelled | State::Merged => Tone::Plain,
        _ => Tone::Info,
    };
    page::badge(tone, lang.pick(state.zh(), state.en()))
}

/// The running clock as a badge.
pub(super) fn clock(lang: Lang, sla: Option<Sla>, now: DateTime<Utc>) -> Markup {
    let Some(sla) = sla else { return html! { (TEXTS.get(lang, "due-none")) } };
    let (kind, key) = match sla.status {
        SlaStatus::OnTrack => ("badge ok", "due-on-track"),
        SlaStatus::AtRisk => ("badge warn", "due-at-risk"),
        SlaStatus::Breached => ("badge bad", "due-breached"),
    };
    let time = words(lang).duration((sla.due_at - now).num_minutes().abs());
    let stage = match sla.stage {
        SlaStage::Accept => "due-accept",
        SlaStage::Serve => "due-serve",
        SlaStage::FollowUp => "due-follow_up",
    };
    html! {
        span class=(kind) title=(TEXTS.get(lang, stage)) { (TEXTS.with(lang, key, &[("time", &time)])) }
    }
}
