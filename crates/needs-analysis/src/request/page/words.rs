//! States, times and clocks in words, for the pages.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use maud::{Markup, html};
use sanbao_platform::lang::Lang;

use crate::texts::{self, TEXTS};
use crate::ZONE;
use crate::request::sla::{Sla, SlaStage, SlaStatus};
use crate::request::state::RequestStateName;

const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

/// A moment as people say it: 11月23日 周一 14:30.
pub(super) fn moment(lang: Lang, at: DateTime<Utc>) -> Markup {
    let local = at.with_timezone(&ZONE);
    let text = match lang {
        Lang::Zh => format!(
            "{}月{}日 {} {:02}:{:02}",
            local.month(),
            local.day(),
            WEEKDAYS[local.weekday().num_days_from_monday() as usize],
            local.hour(),
            local.minute()
        ),
        Lang::En => local.format("%a %-d %b %H:%M").to_string(),
    };
    html! { time datetime=(at.to_rfc3339()) { (text) } }
}

/// A state as a badge: word and sign, never colour alone.
pub(super) fn state(lang: Lang, state: RequestStateName) -> Markup {
    use RequestStateName as S;
    let kind = match state {
        S::Done | S::FollowedUp | S::Closed => "badge ok",
        S::Dispatched | S::NoShow | S::Reopened => "badge warn",
        S::Rejected | S::Escalated => "badge bad",
        S::Cancelled | S::Merged => "badge",
        S::Received | S::Triaged | S::Accepted | S::Scheduled | S::InService => "badge info",
    };
    html! { span class=(kind) { (texts::state(lang, state)) } }
}

/// How long, in the largest unit that fits.
fn span(lang: Lang, minutes: i64) -> String {
    let (key, n) = match minutes {
        ..120 => ("minutes", minutes),
        120..2880 => ("hours", minutes / 60),
        _ => ("days", minutes / 1440),
    };
    TEXTS.with(lang, key, &[("n", &n.to_string())])
}

/// The running clock as a badge.
pub(super) fn clock(lang: Lang, sla: Option<Sla>, now: DateTime<Utc>) -> Markup {
    let Some(sla) = sla else { return html! { (TEXTS.get(lang, "due-none")) } };
    let (kind, key) = match sla.status {
        SlaStatus::OnTrack => ("badge ok", "due-on-track"),
        SlaStatus::AtRisk => ("badge warn", "due-at-risk"),
        SlaStatus::Breached => ("badge bad", "due-breached"),
    };
    let time = span(lang, (sla.due_at - now).num_minutes().abs());
    let stage = match sla.stage {
        SlaStage::Accept => "due-accept",
        SlaStage::Serve => "due-serve",
        SlaStage::FollowUp => "due-follow_up",
    };
    html! {
        span class=(kind) title=(TEXTS.get(lang, stage)) { (TEXTS.with(lang, key, &[("time", &time)])) }
    }
}
