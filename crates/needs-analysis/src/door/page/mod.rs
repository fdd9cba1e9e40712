//! The pages of door knocks: a telephone's list, and for those who make rounds how far they have come. They show what the API shows.

mod exported;
mod list;
mod round;

use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Routes, StaticFile};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone, Words};

use crate::door::model::RoundReason;
use crate::door::state::DoorStateName;
use crate::door::view::{DoorCounts, RoundView};
use crate::texts::{self, TEXTS};
use crate::{App, ZONE};

pub(crate) use exported::exported;

const STYLES: &str = "/static/needs-analysis/doors.css";
/// A file of doors to fill in.
const SAMPLE: &str = "/static/needs-analysis/doors-sample.csv";
const FILES: &[StaticFile] = &[
    (STYLES, "text/css; charset=utf-8", include_bytes!("../../../assets/doors.css")),
    (SAMPLE, "text/csv; charset=utf-8", include_bytes!("../../../data/doors-sample.csv")),
];

/// The pages; they stand beside the API and not in its description.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/doors", get(list::doors).post(list::found))
        .page("/doors/new", get(round::new))
        .page("/doors/rounds/{id}", get(round::show))
        .page("/doors/rounds/{id}/import", get(round::import))
        .files(FILES)
}

fn t(lang: Lang, key: &str) -> String {
    TEXTS.get(lang, key)
}

fn words(lang: Lang) -> Words {
    Words::new(&TEXTS, lang, ZONE)
}

fn styles() -> Markup {
    html! { link rel="stylesheet" href=(STYLES); }
}

/// A state as a badge: word and sign, never colour alone.
fn state(lang: Lang, state: DoorStateName, raised: bool) -> Markup {
    let tone = match state {
        DoorStateName::Open => Tone::Plain,
        DoorStateName::Well => Tone::Ok,
        DoorStateName::NotMet if raised => Tone::Bad,
        DoorStateName::NotMet | DoorStateName::Help => Tone::Warn,
    };
    page::badge(tone, &texts::door_state(lang, state))
}

/// Why doors are knocked on, as a badge; nothing of an ordinary round.
fn reason(lang: Lang, reason: RoundReason) -> Markup {
    html! { @if reason != RoundReason::Routine { (page::badge(Tone::Warn, &texts::round_reason(lang, reason))) } }
}

/// The days of a round: 11月23日 周一 – 11月29日 周日.
fn days(lang: Lang, of: &RoundView) -> String {
    let words = words(lang);
    if of.starts_on == of.ends_on {
        return words.day(of.starts_on);
    }
    TEXTS.with(lang, "round-days", &[("from", &words.day(of.starts_on)), ("until", &words.day(of.ends_on))])
}

/// The heads of a table of counts, behind that of its first column.
fn heads(lang: Lang) -> [String; 5] {
    ["doors-knocked", "doors-well", "doors-not-met", "doors-raised", "doors-help"].map(|key| t(lang, key))
}

/// The cells of a table of counts.
fn cells(lang: Lang, of: DoorCounts) -> Markup {
    let [knocked, well, not_met, raised, help] = heads(lang);
    let done = (of.doors - of.open).to_string();
    html! {
        td.number data-label=(knocked) { (TEXTS.with(lang, "doors-of", &[("done", &done), ("all", &of.doors.to_string())])) }
        td.number data-label=(well) { (of.well) }
        td.number data-label=(not_met) { (of.not_met) }
        td.number data-label=(raised) { @if of.raised > 0 { (page::badge(Tone::Bad, &of.raised.to_string())) } @else { "0" } }
        td.number data-label=(help) { (of.help) }
    }
}
