//! The words of this service for people, in both languages: the one home of them.

use std::sync::LazyLock;

use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

use crate::request::state::RequestStateName;

/// All texts: of requests, and of counts.
pub(crate) static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(
        concat!(include_str!("../texts/request.zh-CN.ftl"), "\n", include_str!("../texts/rollup.zh-CN.ftl")),
        concat!(include_str!("../texts/request.en.ftl"), "\n", include_str!("../texts/rollup.en.ftl")),
    )
});

/// A state in words.
pub(crate) fn state(lang: Lang, state: RequestStateName) -> String {
    TEXTS.get(lang, &format!("state-{state}"))
}

/// A step in words, by its name in the history.
pub(crate) fn step(lang: Lang, step: &str) -> String {
    TEXTS.get(lang, &format!("step-{step}"))
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::Lifecycle as _;

    use super::*;
    use crate::request::model::Request;
    use crate::request::step::RequestStepName;

    #[test]
    fn every_text_stands_in_both_languages() {
        assert_eq!(TEXTS.missing(), Vec::<&str>::new());
    }

    #[test]
    fn every_state_and_every_step_has_its_words() {
        let steps = RequestStepName::ALL.iter().map(|step| step.as_str()).chain([Request::CREATED]);
        let keys = steps.map(|s| format!("step-{s}")).chain(RequestStateName::ALL.iter().map(|s| format!("state-{s}")));
        let lacking: Vec<String> = keys.filter(|key| !TEXTS.has(key)).collect();
        assert_eq!(lacking, Vec::<String>::new());
    }
}
