//! The code of a one-time link. The link carries it behind `#`, which no browser sends to a server: it stands in no log
//! of a proxy and in no `Referer`. The page's script hands it on by POST; without a script it is pasted into the field.

use axum::Form;
use axum::extract::{FromRequest, Query, Request, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{SameSite, StaticFile, Visitor};
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::{BAD_REQUEST, Problem};
use serde::Deserialize;

use super::TEXTS;
use crate::App;

const SCRIPT: &str = "/static/booking/link-code.js";
pub(super) const FILE: StaticFile =
    (SCRIPT, "text/javascript; charset=utf-8", include_bytes!("../../../assets/link-code.js"));

/// The query of a link that was made before codes stood behind `#`. Such a link is good until it expires.
#[derive(Deserialize)]
pub(super) struct OldLink {
    token: Option<String>,
}

/// The text that was handed on: the code alone, or the whole link where somebody has pasted that.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    code: String,
}

/// The code of a link, sent by this site's form.
pub(super) struct LinkCode(String);

impl<S: Send + Sync> FromRequest<S> for LinkCode {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        <SameSite as axum::extract::FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
        let form = Form::<Typed>::from_request(Request::from_parts(parts, body), state).await;
        let Form(typed) = form.map_err(|e| Problem::new(&BAD_REQUEST).because(e))?;
        Ok(Self(code_in(&typed.code).to_owned()))
    }
}

/// The code in what was typed: all of it, or what stands last in a link.
fn code_in(typed: &str) -> &str {
    typed.trim().rsplit(['#', '=']).next().unwrap_or_default()
}

/// A kind of one-time link: the place to which its code is handed on, and the form behind it.
pub(super) trait LinkForm {
    const OPEN: &str;

    /// The form for a code that is good.
    fn opened(app: &App, visitor: &Visitor, code: &str) -> impl Future<Output = Result<Response, Problem>> + Send;
}

/// The page of a link, which asks for its code; the form at once for a link that has it in its query.
pub(super) async fn page<F: LinkForm>(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Query(link): Query<OldLink>,
) -> Result<Response, Problem> {
    match link.token {
        Some(code) => F::opened(&app, &visitor, &code).await,
        None => Ok(ask(&app, &visitor, F::OPEN).into_response()),
    }
}

/// The form for the code that was handed on.
pub(super) async fn open<F: LinkForm>(
    visitor: Visitor,
    AppState(app): AppState<App>,
    LinkCode(code): LinkCode,
) -> Result<Response, Problem> {
    F::opened(&app, &visitor, &code).await
}

/// The page that hands the code on to `to`.
fn ask(app: &App, visitor: &Visitor, to: &str) -> Markup {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let (label, help) = (t("link-code"), t("link-code-help"));
    let field =
        Field { name: "code", label: &label, help: Some(&help), required: true, chars_max: 300, ..Field::default() };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("link-code-title")) }
            form.stack #link-code method="post" action=(to) {
                (field.draw(lang, &Errors::default()))
                button.button.primary type="submit" { (t("link-code-go")) }
            }
        } }
    };
    app.deps.frame.page(lang, &t("link-code-title"), None, to, &[SCRIPT], &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_pasted_with_its_whole_link() {
        for typed in ["ab-_9", " ab-_9 ", "https://sanbao.test/setup#ab-_9", "/setup/account?token=ab-_9", "#ab-_9"] {
            assert_eq!(code_in(typed), "ab-_9", "{typed}");
        }
        assert_eq!(code_in(""), "");
    }
}
