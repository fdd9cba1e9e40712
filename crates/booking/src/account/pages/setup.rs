//! The form behind the one-time link.

use axum::response::{IntoResponse, Response};
use maud::html;
use sanbao_platform::http::Visitor;
use sanbao_platform::problem::Problem;

use super::TEXTS;
use super::form::{Errors, Field};
use super::login::refused;
use crate::App;
use crate::account::setup::Setup;

/// The form, empty or with what was typed and what was wrong with it.
pub(in crate::account) fn form(
    app: &App,
    visitor: &Visitor,
    token: &str,
    typed: Option<(&Setup, &Problem)>,
) -> Response {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let errors = typed.map(|(_, problem)| Errors::of(problem, lang)).unwrap_or_default();
    let was = |pick: fn(&Setup) -> &str| typed.map(|(setup, _)| pick(setup)).unwrap_or_default();
    let field = |name, label, value, required| Field { name, label, value, required, help: true, ..Field::default() };
    let area = was(|s| s.area_code.as_deref().unwrap_or_default());
    let password = Field {
        kind: "password",
        autocomplete: "new-password",
        chars_max: 256,
        ..field("password", "new-password", "", true)
    };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("setup-title")) }
            p { (t("setup-what")) }
            (errors.summary())
            form.stack method="post" action="/setup" {
                input type="hidden" name="token" value=(token);
                h2 { (t("setup-organisation")) }
                (field("name_zh", "organisation-name-zh", was(|s| &s.name_zh), true).draw(lang, &errors))
                (field("name_en", "organisation-name-en", was(|s| &s.name_en), true).draw(lang, &errors))
                (field("area_code", "area-code", area, false).draw(lang, &errors))
                h2 { (t("setup-administrator")) }
                (field("display_name", "display-name", was(|s| &s.display_name), true).draw(lang, &errors))
                (Field { autocomplete: "username", ..field("login", "new-login", was(|s| &s.login), true) }.draw(lang, &errors))
                (password.draw(lang, &errors))
                button.button.primary type="submit" { (t("setup-submit")) }
            }
        } }
    };
    let page = app.deps.frame.page(lang, &t("setup-title"), None, "/setup", &[], &body);
    match typed {
        Some((_, problem)) => refused(problem, visitor, &page),
        None => page.into_response(),
    }
}
