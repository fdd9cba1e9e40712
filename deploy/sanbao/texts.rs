//! The words of the root's own pages and of the navigation for people, in both languages: the one home of them.

use std::sync::LazyLock;

use sanbao_platform::i18n::Texts;

/// All texts: of the navigation, of the problem pages, and of the page from which the demo's authority is fetched.
pub(crate) static TEXTS: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("texts/zh-CN.ftl"), include_str!("texts/en.ftl")));

#[cfg(test)]
mod tests {
    use sanbao_platform::retention::RetentionClass;

    use super::*;
    use crate::{compose, help, lan_page};

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let steps = lan_page::SYSTEMS.iter().flat_map(|system| lan_page::keys(system));
        let links = compose::navigation().into_iter().map(|link| link.key.to_owned());
        let advice = |text: &str| text.split('"').filter(|key| key.starts_with("state-")).map(str::to_owned).collect();
        let measured: Vec<String> = [
            include_str!("check/mod.rs"),
            include_str!("check/certificate.rs"),
            include_str!("check/checkpoint.rs"),
            include_str!("check/clock.rs"),
            include_str!("check/kept.rs"),
            include_str!("check/running.rs"),
            include_str!("check/store.rs"),
            include_str!("check/turn.rs"),
        ]
        .into_iter()
        .flat_map(|text| -> Vec<String> { advice(text) })
        .collect();
        assert!(measured.len() > 50, "{measured:?}");
        let classes = RetentionClass::ALL.iter().map(|class| format!("kept-class-{}", class.as_str()));
        let guides = help::GUIDES.iter().flat_map(help::keys);
        assert_eq!(TEXTS.lacking(steps.chain(links).chain(guides).chain(classes).chain(measured)), [""; 0]);
    }
}
