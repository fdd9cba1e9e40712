//! The form behind the one-time link.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use sanbao_platform::http::{SameSite, Visitor};
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use super::account_link::passwords;
use super::link_code::LinkForm;
use super::login::refused;
use crate::App;
use crate::account::input::{FormOrJson, Setup};
use crate::account::problems::LINK_SPENT;
use crate::account::setup;

/// The link by which a network is set up.
pub(super) struct SetupLinkForm;

impl LinkForm for SetupLinkForm {
    const OPEN: &str = "/setup/open";

    async fn opened(app: &App, visitor: &Visitor, code: &str) -> Result<Response, Problem> {
        let now = app.deps.clock.now();
        let attempt = app.guesses.attempt("setup-link", visitor.address, now)?;
        if !setup::is_open(&mut app.deps.db.read().await?, code, now).await? {
            return Err(Problem::new(&LINK_SPENT));
        }
        attempt.right();
        Ok(form(app, visitor, code, None))
    }
}

/// Takes the form.
pub(super) async fn submit(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    typed: FormOrJson<Setup>,
) -> Result<Response, Problem> {
    let FormOrJson { body, form: plain } = typed;
    match setup::create(&app, &visitor, &body).await {
        Ok(()) if plain => Ok(Redirect::to("/login?next=/admin").into_response()),
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(problem) if plain && problem.kind() != &LINK_SPENT => {
            Ok(form(&app, &visitor, &body.token, Some((&body, &problem))))
        }
        Err(problem) => Err(problem),
    }
}

/// The form, empty or with what was typed and what was wrong with it.
fn form(app: &App, visitor: &Visitor, token: &str, typed: Option<(&Setup, &Problem)>) -> Response {
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
    let body = html! {
        div.narrow { div.card {
            h1 { (t("setup-title")) }
            p { (t("setup-what")) }
            (errors.summary())
            form.stack method="post" action="/setup" {
                input type="hidden" name="token" value=(token);
                h2 { (t("setup-organisation")) }
                (field("name_zh", "organisation-name-zh", was(|s| &s.name_zh), must))
                (field("name_en", "organisation-name-en", was(|s| &s.name_en), Field::default()))
                (field("area_code", "area-code", area, Field::default()))
                h2 { (t("setup-administrator")) }
                (field("display_name", "display-name", was(|s| &s.display_name), must))
                (field("login", "new-login", was(|s| &s.login), Field { autocomplete: "username", ..must }))
                (passwords(lang, "chosen-password", &errors))
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
