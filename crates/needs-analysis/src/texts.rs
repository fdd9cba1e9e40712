//! The words of this service for people, in both languages: the one home of them.

use std::sync::LazyLock;

use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

use crate::area::Level;
use crate::door::model::RoundReason;
use crate::door::state::{DoorStateName, DoorStepName};
use crate::door::steps::SOURCE_DOOR;
use crate::matter::model::MatterKind;
use crate::matter::state::{MatterStateName, MatterStepName};
use crate::request::category::{Category, Urgency};
use crate::request::queue::Queue;
use crate::request::state::RequestStateName;
use crate::request::step::Satisfaction;

/// All texts: of requests, of imports, of areas, and of counts.
pub(crate) static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(
        concat!(
            include_str!("../texts/request.zh-CN.ftl"),
            "\n",
            include_str!("../texts/import.zh-CN.ftl"),
            "\n",
            include_str!("../texts/area.zh-CN.ftl"),
            "\n",
            include_str!("../texts/rollup.zh-CN.ftl"),
            "\n",
            include_str!("../texts/intake.zh-CN.ftl"),
            "\n",
            include_str!("../texts/door.zh-CN.ftl"),
            "\n",
            include_str!("../texts/queue.zh-CN.ftl"),
            "\n",
            include_str!("../texts/matter.zh-CN.ftl"),
            "\n",
            include_str!("../texts/ask.zh-CN.ftl")
        ),
        concat!(
            include_str!("../texts/request.en.ftl"),
            "\n",
            include_str!("../texts/import.en.ftl"),
            "\n",
            include_str!("../texts/area.en.ftl"),
            "\n",
            include_str!("../texts/rollup.en.ftl"),
            "\n",
            include_str!("../texts/intake.en.ftl"),
            "\n",
            include_str!("../texts/door.en.ftl"),
            "\n",
            include_str!("../texts/queue.en.ftl"),
            "\n",
            include_str!("../texts/matter.en.ftl"),
            "\n",
            include_str!("../texts/ask.en.ftl")
        ),
    )
});

/// A state in words.
pub(crate) fn state(lang: Lang, state: RequestStateName) -> String {
    TEXTS.get(lang, &format!("state-{state}"))
}

/// Whether an elder was content, in words.
pub(crate) fn satisfaction(lang: Lang, said: Satisfaction) -> String {
    TEXTS.get(lang, &format!("satisfaction-{said}"))
}

/// A queue of the desk in words.
pub(crate) fn queue(lang: Lang, queue: Queue) -> String {
    TEXTS.get(lang, &format!("queue-{queue}"))
}

/// The requests that a queue holds, in a sentence.
pub(crate) fn queue_help(lang: Lang, queue: Queue) -> String {
    TEXTS.get(lang, &format!("queue-help-{queue}"))
}

/// The system or the channel that a request came from in words; of another office's system its own name.
pub(crate) fn source(lang: Lang, source: &str) -> String {
    let known = SOURCES.contains(&source);
    if known { TEXTS.get(lang, &format!("source-{source}")) } else { source.to_owned() }
}

/// A step in words, by its name in the history.
pub(crate) fn step(lang: Lang, step: &str) -> String {
    TEXTS.get(lang, &format!("step-{step}"))
}

/// The sources that have words of their own: those of this service.
const SOURCES: [&str; 7] = ["hotline", "walk_in", "app", "home_visit", "alarm", SOURCE_DOOR, "demo"];

/// The columns of the file of counts, as the keys of their heads name them.
const COUNTS_HEAD: [&str; 8] =
    ["area-code", "area", "period", "category-code", "category", "state-code", "state", "count"];

/// The heads of the columns of the file of counts.
pub(crate) fn counts_head(lang: Lang) -> [String; 8] {
    COUNTS_HEAD.map(|head| TEXTS.get(lang, &format!("csv-{head}")))
}

/// A category in words.
pub(crate) fn category(lang: Lang, category: Category) -> String {
    TEXTS.get(lang, &format!("category-{category}"))
}

/// An urgency in words.
pub(crate) fn urgency(lang: Lang, urgency: Urgency) -> String {
    TEXTS.get(lang, &format!("urgency-{urgency}"))
}

/// A door's state in words.
pub(crate) fn door_state(lang: Lang, state: DoorStateName) -> String {
    TEXTS.get(lang, &format!("door-state-{state}"))
}

/// The words on a button of a door.
pub(crate) fn door_step(lang: Lang, step: DoorStepName) -> String {
    TEXTS.get(lang, &format!("door-step-{step}"))
}

/// Why doors are knocked on, in words.
pub(crate) fn round_reason(lang: Lang, reason: RoundReason) -> String {
    TEXTS.get(lang, &format!("round-reason-{reason}"))
}

/// The field of a matter in words.
pub(crate) fn matter_kind(lang: Lang, kind: MatterKind) -> String {
    TEXTS.get(lang, &format!("matter-kind-{kind}"))
}

/// A matter's state in words.
pub(crate) fn matter_state(lang: Lang, state: MatterStateName) -> String {
    TEXTS.get(lang, &format!("matter-state-{state}"))
}

/// The words on a button of a matter.
pub(crate) fn matter_step(lang: Lang, step: MatterStepName) -> String {
    matter_line(lang, step.as_str())
}

/// A line of a matter's history in words.
pub(crate) fn matter_line(lang: Lang, step: &str) -> String {
    TEXTS.get(lang, &format!("matter-step-{step}"))
}

/// The columns of the file of figures, as the keys of their heads name them.
const MATTER_HEADS: [&str; 13] = [
    "area-code",
    "area",
    "month",
    "level",
    "raised",
    "settled",
    "sent-up",
    "due",
    "in-time",
    "closing-rate",
    "share",
    "median",
    "p90",
];

/// The heads of the columns of the file of figures.
pub(crate) fn matter_heads(lang: Lang) -> [String; 13] {
    MATTER_HEADS.map(|head| TEXTS.get(lang, &format!("matter-head-{head}")))
}

/// A level of areas in words.
pub(crate) fn level(lang: Lang, level: Level) -> String {
    TEXTS.get(lang, &format!("level-{level}"))
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::Lifecycle as _;

    use super::*;
    use crate::matter::view::step_words;
    use crate::request::input::Channel;
    use crate::request::model::Request;
    use crate::request::step::RequestStepName;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let steps = RequestStepName::ALL.iter().map(|step| step.as_str()).chain([Request::CREATED]);
        let keys = (steps.map(|s| format!("step-{s}")))
            .chain(RequestStateName::ALL.iter().flat_map(|s| [format!("state-{s}"), format!("ask-state-{s}")]))
            .chain(Queue::ALL.iter().flat_map(|q| [format!("queue-{q}"), format!("queue-help-{q}")]))
            .chain(Satisfaction::ALL.iter().map(|said| format!("satisfaction-{said}")))
            .chain(Category::ALL.iter().map(|c| format!("category-{c}")))
            .chain(Urgency::ALL.iter().map(|u| format!("urgency-{u}")))
            .chain(DoorStateName::ALL.iter().map(|s| format!("door-state-{s}")))
            .chain(DoorStepName::ALL.iter().map(|s| format!("door-step-{s}")))
            .chain(RoundReason::ALL.iter().map(|r| format!("round-reason-{r}")))
            .chain(MatterKind::ALL.iter().map(|k| format!("matter-kind-{k}")))
            .chain(MatterStateName::ALL.iter().map(|s| format!("matter-state-{s}")))
            .chain(step_words().map(|s| format!("matter-step-{s}")))
            .chain(MATTER_HEADS.iter().map(|head| format!("matter-head-{head}")))
            .chain(Level::ALL.iter().map(|l| format!("level-{l}")))
            .chain(SOURCES.iter().map(|source| format!("source-{source}")))
            .chain(COUNTS_HEAD.iter().map(|head| format!("csv-{head}")));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
        assert!(Channel::ALL.iter().all(|channel| SOURCES.contains(&channel.as_str())));
    }
}
