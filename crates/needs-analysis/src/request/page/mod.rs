//! The dispatcher's pages: the list, one request, a new one, an import. They show what the API shows.

mod detail;
mod forms;
mod list;
mod words;

use std::sync::LazyLock;

use axum::Router;
use axum::routing::get;
use sanbao_platform::i18n::Texts;
use sanbao_platform::web;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(include_str!("../../../texts/request.zh-CN.ftl"), include_str!("../../../texts/request.en.ftl"))
});

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[(&str, &str, &[u8])] = &[
    ("/static/needs-analysis/requests.js", JS, include_bytes!("../../../assets/requests.js")),
    ("/static/needs-analysis/import.js", JS, include_bytes!("../../../assets/import.js")),
];

/// The pages; they stand beside the API and not in its description.
pub fn routes() -> OpenApiRouter<App> {
    let pages: Router<App> = Router::new()
        .route("/requests", get(list::page).post(list::found))
        .route("/requests/new", get(forms::new_request))
        .route("/requests/import", get(forms::import))
        .route("/requests/{id}", get(detail::page));
    OpenApiRouter::from(web::assets(pages, FILES))
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
