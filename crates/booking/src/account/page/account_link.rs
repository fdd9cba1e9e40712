//! The page behind the one-time link of an account, where its owner chooses the password; and the part of the
//! administrator's page that shows such a link once.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Json, SameSite, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use super::link_code::LinkForm;
use super::login::refused;
use crate::App;
use crate::account::input::{AccountStart, FormOrJson};
use crate::account::member::{self, Account};
use crate::account::problems::LINK_SPENT;
use crate::account::qr::{self, Drawing};

/// The link by which the owner of an account chooses a password.
pub(super) struct AccountLinkForm;

impl LinkForm for AccountLinkForm {
    const OPEN: &str = "/setup/account/open";

    async fn opened(app: &App, visitor: &Visitor, code: &str) -> Result<Response, Problem> {
        let now = app.deps.clock.now();
        let attempt = app.guesses.attempt("account-link", visitor.address, now)?;
        let account = member::open_link(&mut app.deps.db.read().await?, code, now).await?;
        let account = account.ok_or_else(|| Problem::new(&LINK_SPENT))?;
        attempt.right();
        Ok(form(app, visitor, code, &account, &Errors::default()).into_response())
    }
}

/// Takes the password that was chosen.
pub(super) async fn choose(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    typed: FormOrJson<AccountStart>,
) -> Result<Response, Problem> {
    let FormOrJson { body, form: plain } = typed;
    let problem = match member::take_link(&app, &visitor, &body).await {
        Ok(()) if plain => return Ok(Redirect::to("/login").into_response()),
        Ok(()) => return Ok(StatusCode::NO_CONTENT.into_response()),
        Err(problem) => problem,
    };
    let account = member::open_link(&mut app.deps.db.read().await?, &body.token, app.deps.clock.now()).await?;
    match account {
        Some(account) if plain => {
            let errors = Errors::of(&problem, visitor.lang);
            Ok(refused(&problem, &visitor, &form(&app, &visitor, &body.token, &account, &errors)))
        }
        _ => Err(problem),
    }
}

fn form(app: &App, visitor: &Visitor, token: &str, account: &Account, errors: &Errors) -> Markup {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let body = html! {
        div.narrow { div.card {
            h1 { (t("start-title")) }
            p { (TEXTS.with(lang, "start-what", &[("name", &account.display_name), ("login", &account.login)])) }
            (errors.summary())
            form.stack method="post" action="/setup/account" {
                input type="hidden" name="token" value=(token);
                input type="text" name="username" value=(account.login) autocomplete="username" hidden;
                (passwords(lang, "chosen-password", errors))
                button.button.primary type="submit" { (t("start-submit")) }
            }
        } }
    };
    app.deps.frame.page(lang, &t("start-title"), None, "/setup/account", &[], &body)
}

/// A password that is chosen: typed twice, and shown on demand where a script runs.
pub(super) fn passwords(lang: Lang, key: &str, errors: &Errors) -> Markup {
    let field = |name, key: &str| {
        let (label, help) = (TEXTS.get(lang, key), TEXTS.get(lang, &format!("{key}-help")));
        let field = Field {
            name,
            label: &label,
            help: Some(&help),
            kind: "password",
            required: true,
            autocomplete: "new-password",
            chars_max: 256,
            ..Field::default()
        };
        field.draw(lang, errors)
    };
    html! {
        (field("password", key))
        (field("again", "password-again"))
        button.button type="button" data-action="show" data-target="password" aria-pressed="false" hidden {
            (TEXTS.get(lang, "password-show"))
        }
    }
}

/// Where the administrator's page shows a new link: as text to copy and as a QR code to print.
pub(super) fn shown_once(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        section.card.handed #account-link aria-labelledby="link-title" hidden tabindex="-1" {
            h2 #link-title { (t("link-title")) }
            p #link-what data-offer=(t("link-what-offer")) { (t("link-what")) }
            p #link-name.strong {}
            input #link-url.wide readonly aria-label=(t("link-url"));
            svg #link-qr.qr role="img" aria-label=(t("link-qr")) shape-rendering="crispEdges" { path fill="#000" {} }
            div.toolbar {
                button.button.primary type="button" data-action="copy" data-target="link-url" { (t("link-copy")) }
                button.button type="button" data-action="print" { (t("link-print")) }
                button.button type="button" data-action="reload" { (t("link-done")) }
            }
        }
    }
}

/// A text to be drawn.
#[derive(Deserialize)]
pub(super) struct Drawn {
    text: String,
}

/// Draws a text as a QR code. Nothing is kept.
pub(super) async fn draw(_: Ctx, Json(what): Json<Drawn>) -> Result<axum::Json<Drawing>, Problem> {
    let unfit = || Problem::field("/text", "无法生成二维码", "Not drawable as a QR code");
    qr::draw(&what.text).map(axum::Json).ok_or_else(unfit)
}
