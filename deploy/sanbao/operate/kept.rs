//! How long records are kept, on the page of the installation: each class with its period, the oldest that is kept, the last run.

use maud::{Markup, html};
use sanbao_platform::page::{Tone, Words, badge, head};
use sanbao_platform::retention::{Outcome, Period};

use crate::check::KeptHere;

/// The words of a run's end.
const fn outcome_key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "kept-running",
        Outcome::Done => "kept-done",
        Outcome::Stopped => "kept-stopped",
        Outcome::Failed => "kept-failed",
        Outcome::Left => "kept-left",
    }
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Done => Tone::Ok,
        Outcome::Running => Tone::Plain,
        Outcome::Stopped | Outcome::Left => Tone::Warn,
        Outcome::Failed => Tone::Bad,
    }
}

fn period(words: &Words, period: Period) -> String {
    match period {
        Period::Years(years) => words.with("kept-years", &[("count", &years.to_string())]),
        Period::Days(days) => words.with("kept-days", &[("count", &days.to_string())]),
    }
}

/// The section.
pub(super) fn section(words: &Words, kept: &[KeptHere]) -> Markup {
    let heads = ["kept-class", "kept-period", "kept-oldest", "kept-last"].map(|key| words.t(key));
    let [class, time, oldest, last] = &heads;
    html! {
        h2 { (words.t("kept-title")) }
        p { (words.t("kept-how")) }
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody { @for KeptHere { service, kept } in kept { tr {
                th scope="row" data-label=(class) {
                    (words.t(&format!("kept-class-{}", kept.class.as_str()))) " " span.faint { (service) }
                }
                td data-label=(time) { (period(words, kept.period)) }
                td data-label=(oldest) {
                    @if let Some(at) = kept.oldest { (words.time(at)) } @else { (words.t("kept-nothing")) }
                }
                td data-label=(last) {
                    @if let Some(run) = &kept.last {
                        (words.time(run.started_at)) " "
                        (badge(tone(run.outcome), &words.t(outcome_key(run.outcome)))) " "
                        (words.with("kept-removed", &[("count", &run.removed.to_string())]))
                    } @else if let Some(at) = kept.last_done { (words.time(at)) }
                    @else { (words.t("kept-never")) }
                }
            } } }
        } }
    }
}
