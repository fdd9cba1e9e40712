//! Log-in by password and by PIN; both work without script.

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::Visitor;
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;
use sanbao_platform::web::local_path;

use super::TEXTS;
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::Next;

pub(super) async fn log_in_form(visitor: Visitor, AppState(app): AppState<App>, Query(query): Query<Next>) -> Markup {
    draw(&app, &visitor, "", query.next.as_deref(), &Errors::default())
}

/// The page again after a refusal, with what was typed but the password, and the refusal's status.
pub(in crate::account) fn again(
    app: &App,
    visitor: &Visitor,
    login: &str,
    next: Option<&str>,
    problem: &Problem,
) -> Response {
    refused(problem, visitor, &draw(app, visitor, login, next, &Errors::of(problem, visitor.lang)))
}

/// A page under the status and headers of a refusal.
pub(super) fn refused(problem: &Problem, visitor: &Visitor, page: &Markup) -> Response {
    let headers = problem.render(visitor.lang, "").headers().clone();
    let mut response = (problem.status(), page.clone()).into_response();
    if let Some(wait) = headers.get(axum::http::header::RETRY_AFTER) {
        response.headers_mut().insert(axum::http::header::RETRY_AFTER, wait.clone());
    }
    response
}

fn draw(app: &App, visitor: &Visitor, login: &str, next: Option<&str>, errors: &Errors) -> Markup {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let (name, secret) = (t("login-name"), t("login-password"));
    let login = Field {
        name: "login",
        label: &name,
        value: login,
        required: true,
        autocomplete: "username",
        ..Field::default()
    };
    let password = Field {
        name: "password",
        label: &secret,
        kind: "password",
        required: true,
        autocomplete: "current-password",
        chars_max: 256,
        ..Field::default()
    };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("login-title")) }
            (errors.summary())
            form.stack method="post" action="/session" {
                input type="hidden" name="next" value=(local_path(next));
                (login.draw(lang, errors))
                (password.draw(lang, errors))
                button.button.primary type="submit" { (t("login-submit")) }
            }
            p.help { (t("login-forgotten")) }
            p { a href="/session/pin" { (t("login-by-pin")) } }
        } }
    };
    app.deps.frame.page(lang, &t("login-title"), None, "/login", &[], &body)
}

/// The page of those who may log in here by PIN.
pub(in crate::account) fn pin(
    app: &App,
    visitor: &Visitor,
    people: &[(AccountId, String)],
    next: Option<&str>,
    refusal: Option<(&Problem, AccountId)>,
) -> Response {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let errors = refusal.map(|(problem, _)| Errors::of(problem, lang)).unwrap_or_default();
    let chosen = refusal.map(|(_, account)| account).or(people.first().map(|(id, _)| *id));
    let (label, help) = (t("pin-number"), t("pin-number-help"));
    let field = Field {
        name: "pin",
        label: &label,
        help: Some(&help),
        kind: "password",
        required: true,
        inputmode: Some("numeric"),
        chars_max: 8,
        ..Field::default()
    };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("pin-title")) }
            (errors.summary())
            form.stack method="post" action="/session/pin" {
                input type="hidden" name="next" value=(local_path(next));
                fieldset {
                    legend { (t("pin-who")) }
                    @for (id, name) in people {
                        label.choice {
                            input type="radio" name="account" value=(id) required checked[chosen == Some(*id)];
                            span { (name) }
                        }
                    }
                }
                (field.draw(lang, &errors))
                button.button.primary type="submit" { (t("login-submit")) }
            }
            p { a href=(super::with_next("/login", &local_path(next))) { (t("pin-by-password")) } }
        } }
    };
    let page = app.deps.frame.page(lang, &t("pin-title"), None, "/session/pin", &[], &body);
    match refusal {
        Some((problem, _)) => refused(problem, visitor, &page),
        None => page.into_response(),
    }
}

/// The page that asks for the code after the password.
pub(in crate::account) fn code(
    app: &App,
    visitor: &Visitor,
    next: Option<&str>,
    refusal: Option<&Problem>,
) -> Response {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let errors = refusal.map(|problem| Errors::of(problem, lang)).unwrap_or_default();
    let (label, help) = (t("code-number"), t("code-number-help"));
    let field = Field { first: true, ..Field::one_time_code(&label, &help) };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("code-title")) }
            (errors.summary())
            form.stack method="post" action="/session/second-factor" {
                input type="hidden" name="next" value=(local_path(next));
                (field.draw(lang, &errors))
                button.button.primary type="submit" { (t("login-submit")) }
            }
            p.help { (t("code-lost")) }
            p { a href="/login" { (t("code-again")) } }
        } }
    };
    let page = app.deps.frame.page(lang, &t("code-title"), None, "/session/second-factor", &[], &body);
    match refusal {
        Some(problem) => refused(problem, visitor, &page),
        None => page.into_response(),
    }
}
