//! The words of this service for people, in both languages: the one home of them.

use std::sync::LazyLock;

use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

use crate::consult::Title;

/// The words of the pages of accounts and people.
pub(crate) static ACCOUNT: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/account.zh-CN.ftl"), include_str!("../texts/account.en.ftl")));
/// The words of the pages of consults.
pub(crate) static CONSULT: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/consult.zh-CN.ftl"), include_str!("../texts/consult.en.ftl")));
/// The words of the pages of break-glass.
pub(crate) static EMERGENCY: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(include_str!("../texts/emergency.zh-CN.ftl"), include_str!("../texts/emergency.en.ftl"))
});
/// The words of the file of all that is kept of a person.
pub(crate) static EXPORT: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/export.zh-CN.ftl"), include_str!("../texts/export.en.ftl")));
/// The words of the documents of a consult, and of the page that verifies one.
pub(crate) static PAPER: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/paper.zh-CN.ftl"), include_str!("../texts/paper.en.ftl")));
/// The words of the pages of visits.
pub(crate) static VISIT: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/visit.zh-CN.ftl"), include_str!("../texts/visit.en.ftl")));
/// The words of a week that one paints.
pub(crate) static WEEK: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(include_str!("../texts/week.zh-CN.ftl"), include_str!("../texts/week.en.ftl")));

/// A doctor's rank in words, as it stands under a signature.
pub(crate) fn title(lang: Lang, title: Title) -> String {
    CONSULT.get(lang, &format!("title-{title}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_stands_in_both_languages() {
        for texts in [&ACCOUNT, &CONSULT, &EMERGENCY, &EXPORT, &PAPER, &VISIT, &WEEK] {
            assert_eq!(texts.lacking([]), [""; 0]);
        }
    }
}
