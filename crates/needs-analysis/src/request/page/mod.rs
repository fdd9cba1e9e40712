//! The dispatcher's pages: the list, one request, a new one, an import. They show what the API shows.

mod detail;
mod forms;
mod list;
mod words;

use std::sync::LazyLock;

use axum::routing::get;
use sanbao_platform::http::{Routes, StaticFile};
use sanbao_platform::i18n::Texts;

use crate::App;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(include_str!("../../../texts/request.zh-CN.ftl"), include_str!("../../../texts/request.en.ftl"))
});

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/needs-analysis/requests.js", JS, include_bytes!("../../../assets/requests.js")),
    ("/static/needs-analysis/import.js", JS, include_bytes!("../../../assets/import.js")),
];

/// The pages; they stand beside the API and not in its description.
pub fn routes() -> Routes<App> {
    Routes::new()
        .page("/requests", get(list::page).post(list::found))
        .page("/requests/new", get(forms::new_request))
        .page("/requests/import", get(forms::import))
        .page("/requests/{id}", get(detail::page))
        .files(FILES)
}

#[cfg(test)]
mod tests {
    use super::TEXTS;
    use crate::request::state::TABLE;
    use sanbao_platform::lang::Lang;

    #[test]
    fn every_text_and_every_step_stands_in_both_languages() {
        assert_eq!(TEXTS.missing(), Vec::<&str>::new());
        for (step, ..) in TABLE {
            let key = format!("step-{}", step.path());
            assert_ne!(TEXTS.get(Lang::Zh, &key), key);
        }
    }
}
