//! States, times and clocks in words, for the pages.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone, Words};

use crate::ZONE;
use crate::request::sla::{Sla, SlaStage, SlaStatus};
use crate::request::state::RequestStateName;
use crate::request::view::RequestView;
use crate::texts::{self, TEXTS};

/// The words of a page: in the street's zone.
pub(super) fn words(lang: Lang) -> Words {
    Words::new(&TEXTS, lang, ZONE)
}

/// A moment as people say it: 今天 14:30, 11月20日 周五 14:30.
pub(super) fn moment(ctx: &Ctx, at: DateTime<Utc>) -> Markup {
    words(ctx.lang).near(at, ctx.now())
}

/// A state as a badge: word and sign, never colour alone.
pub(super) fn state(lang: Lang, state: RequestStateName) -> Markup {
    let tone = match state {
        RequestStateName::Done | RequestStateName::FollowedUp | RequestStateName::Closed => Tone::Ok,
        RequestStateName::Dispatched | RequestStateName::NoShow | RequestStateName::Reopened => Tone::Warn,
        RequestStateName::Rejected | RequestStateName::Escalated => Tone::Bad,
        RequestStateName::Cancelled | RequestStateName::Merged => Tone::Plain,
        RequestStateName::Received
        | RequestStateName::Triaged
        | RequestStateName::Accepted
        | RequestStateName::Scheduled
        | RequestStateName::InService => Tone::Info,
    };
    page::badge(tone, &texts::state(lang, state))
}

/// That the person has died or left, as a badge; nothing of others.
pub(super) fn departed(lang: Lang, request: &RequestView) -> Markup {
    html! {
        @if let Some(departed) = &request.departed {
            " "
            (page::badge(Tone::Bad, &TEXTS.with(lang, &format!("departed-{}", departed.kind), &[("day", &words(lang).day(departed.on))])))
        }
    }
}

/// The running clock as a badge.
pub(super) fn clock(lang: Lang, sla: Option<Sla>, now: DateTime<Utc>) -> Markup {
    let Some(sla) = sla else { return html! { (TEXTS.get(lang, "due-none")) } };
    if let Some(until) = sla.paused_until {
        let until = words(lang).near(until, now);
        return html! { span.badge { (TEXTS.get(lang, "due-paused")) " " (until) } };
    }
    let (kind, key) = match sla.status {
        SlaStatus::Paused => ("badge", "due-paused"),
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

#[cfg(test)]
mod tests {
    use super::TEXTS;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        assert_eq!(TEXTS.lacking(["died", "left"].map(|kind| format!("departed-{kind}"))), [""; 0]);
    }
}
