//! The form behind the one-time link.

use axum::response::{IntoResponse, Response};
use maud::html;
use sanbao_platform::http::Visitor;
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;

use super::TEXTS;
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
    let area = was(|s| s.area_code.as_deref().unwrap_or_default());
    let field = |name, key: &str, value: &str, more: Field<'_>| {
        let (label, help) = (t(key), t(&format!("{key}-help")));
        Field { name, label: &label, help: Some(&help), value, ..more }.draw(lang, &errors)
    };
    let must = Field { required: true, ..Field::default() };
    let password = Field { kind: "password", autocomplete: "new-password", chars_max: 256, ..must };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("setup-title")) }
            p { (t("setup-what")) }
            (errors.summary())
            form.stack method="post" action="/setup" {
                input type="hidden" name="token" value=(token);
                h2 { (t("setup-organisation")) }
                (field("name_zh", "organisation-name-zh", was(|s| &s.name_zh), must))
                (field("name_en", "organisation-name-en", was(|s| &s.name_en), must))
                (field("area_code", "area-code", area, Field::default()))
                h2 { (t("setup-administrator")) }
                (field("display_name", "display-name", was(|s| &s.display_name), must))
                (field("login", "new-login", was(|s| &s.login), Field { autocomplete: "username", ..must }))
                (field("password", "new-password", "", password))
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
