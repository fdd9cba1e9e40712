//! Whether a document on paper says what is recorded, for anybody who holds it.

use axum::Form;
use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Query, SameSite, Visitor};
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::paper::{day, p};
use crate::App;
use crate::consult::paper::{self, GenuinePaper, PaperCode, PaperKind};
use crate::consult::state::ConsultStateName;
use crate::texts::PAPER;

/// The longest text that is read: a code with the address before it.
const TYPED_CHARS_MAX: usize = 200;

/// A code, if one was typed or scanned.
#[derive(Debug, Deserialize)]
pub(super) struct VerifyQuery {
    #[serde(default)]
    code: String,
}

/// `GET /verify`: the form; with a code, as a QR code leads here, its answer.
pub(super) async fn asked(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Query(query): Query<VerifyQuery>,
) -> Result<Response, Problem> {
    answer(&app, &visitor, &query).await
}

/// The answer to a code that was typed.
pub(super) async fn typed(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    Form(query): Form<VerifyQuery>,
) -> Result<Response, Problem> {
    answer(&app, &visitor, &query).await
}

/// No more than that a document is genuine, of which day and of which institutions. Wrong codes count as guesses.
async fn answer(app: &App, visitor: &Visitor, query: &VerifyQuery) -> Result<Response, Problem> {
    let typed: String = query.code.chars().take(TYPED_CHARS_MAX).collect();
    if typed.trim().is_empty() {
        return Ok(page(app, visitor, "", &Errors::default(), &html! {}).into_response());
    }
    let Some(code) = PaperCode::parse(&typed) else {
        let wrong = Problem::field("/code", "应为 18 位字母和数字", "It has 18 letters and digits");
        let errors = Errors::of(&wrong, visitor.lang);
        return Ok((wrong.status(), page(app, visitor, &typed, &errors, &html! {})).into_response());
    };
    let attempt = app.guesses.attempt("paper", visitor.address, app.deps.clock.now())?;
    let mut conn = app.deps.db.read().await?;
    let found = paper::verify(&mut conn, &app.deps.fields, &code).await?;
    let code = code.to_string();
    Ok(match found {
        Some(found) => {
            attempt.right();
            page(app, visitor, &code, &Errors::default(), &genuine(visitor, &found)).into_response()
        }
        None => {
            let page = page(app, visitor, &code, &Errors::default(), &not_genuine(visitor));
            (StatusCode::NOT_FOUND, page).into_response()
        }
    })
}

fn page(app: &App, visitor: &Visitor, typed: &str, errors: &Errors, told: &Markup) -> Markup {
    let lang = visitor.lang;
    let (label, help) = (p(lang, "verify-code"), p(lang, "verify-help"));
    let field =
        Field { name: "code", label: &label, help: Some(&help), value: typed, required: true, ..Field::default() };
    let body = html! {
        div.narrow { div.card {
            h1 { (p(lang, "verify")) }
            p { (p(lang, "verify-what")) }
            (told)
            (errors.summary())
            form.stack method="post" action="/verify" {
                (Field { chars_max: TYPED_CHARS_MAX, ..field }.draw(lang, errors))
                button.button.primary type="submit" { (p(lang, "verify-go")) }
            }
        } }
    };
    app.deps.frame.page(lang, &p(lang, "verify"), None, "/verify", &[], &body)
}

fn genuine(visitor: &Visitor, found: &GenuinePaper) -> Markup {
    let lang = visitor.lang;
    let (consult, zone, kind) = (&found.consult, found.consult.zones.0, found.kind);
    html! {
        div.notice.ok role="status" {
            strong { (p(lang, "genuine")) }
            p { (p(lang, "genuine-help")) }
        }
        dl.facts {
            dt { (p(lang, kind.as_str())) } dd { (paper::number(consult)) }
            dt { (p(lang, "inviting")) } dd { (consult.inviting.name(lang)) }
            dt { (p(lang, "invited")) } dd { (consult.invited.name(lang)) }
            @if let Some(at) = found.at { dt { (p(lang, &format!("at-{kind}"))) } dd { (day(lang, zone, at)) } }
        }
        @if let Some(over) = over(found) { p.notice.warn { (p(lang, &format!("over-{over}"))) } }
        @if found.at.is_none() { p { (p(lang, "for-signing")) } }
        @if let Some(at) = found.withdrawn_at {
            p.notice.warn { (PAPER.with(lang, "withdrawn", &[("at", &day(lang, zone, at))])) }
        }
    }
}

/// How a consult ended that never took place; an opinion stays what it is.
fn over(found: &GenuinePaper) -> Option<ConsultStateName> {
    let off =
        [ConsultStateName::Rejected, ConsultStateName::Cancelled, ConsultStateName::NoShow, ConsultStateName::Expired];
    Some(found.consult.state.name()).filter(|state| found.kind != PaperKind::Opinion && off.contains(state))
}

fn not_genuine(visitor: &Visitor) -> Markup {
    html! {
        div.notice.warn role="status" {
            strong { (p(visitor.lang, "not-genuine")) }
            p { (p(visitor.lang, "not-genuine-help")) }
        }
    }
}
