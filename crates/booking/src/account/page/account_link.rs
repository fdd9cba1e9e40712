//! The page behind the one-time link of an account, where its owner chooses the password; and the part of the
//! administrator's page that shows such a link once.

use axum::extract::{Query, State as AppState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};
use sanbao_platform::http::{Ctx, Json, SameSite, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};

use super::TEXTS;
use super::login::refused;
use super::setup::SetupLink;
use crate::App;
use crate::account::input::{AccountStart, FormOrJson};
use crate::account::member::{self, Account};
use crate::account::problems::LINK_SPENT;

/// The longest text that is drawn as a QR code: an address of this site.
const DRAWN_BYTES_MAX: usize = 512;

/// The form, as long as the link is good.
pub(super) async fn choose_form(
    visitor: Visitor,
    AppState(app): AppState<App>,
    Query(link): Query<SetupLink>,
) -> Result<Response, Problem> {
    let now = app.deps.clock.now();
    let attempt = app.guesses.attempt("account-link", visitor.address, now)?;
    let account = member::open_link(&mut app.deps.db.read().await?, &link.token, now).await?;
    let account = account.ok_or_else(|| Problem::new(&LINK_SPENT))?;
    attempt.right();
    Ok(form(&app, &visitor, &link.token, &account, &Errors::default()).into_response())
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
    let (label, help) = (t("chosen-password"), t("chosen-password-help"));
    let password = Field {
        name: "password",
        label: &label,
        help: Some(&help),
        kind: "password",
        required: true,
        autocomplete: "new-password",
        chars_max: 256,
        ..Field::default()
    };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("start-title")) }
            p { (TEXTS.with(lang, "start-what", &[("name", &account.display_name), ("login", &account.login)])) }
            (errors.summary())
            form.stack method="post" action="/setup/account" {
                input type="hidden" name="token" value=(token);
                input type="text" name="username" value=(account.login) autocomplete="username" hidden;
                (password.draw(lang, errors))
                button.button.primary type="submit" { (t("start-submit")) }
            }
        } }
    };
    app.deps.frame.page(lang, &t("start-title"), None, "/setup/account", &[], &body)
}

/// Where the administrator's page shows a new link: as text to copy and as a QR code to print.
pub(super) fn shown_once(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        section.card.handed #account-link aria-labelledby="link-title" hidden tabindex="-1" {
            h2 #link-title { (t("link-title")) }
            p { (t("link-what")) }
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

/// A QR code: its side in modules, the quiet zone included, and its dark modules as the path of an SVG.
#[derive(Serialize)]
pub(super) struct Drawing {
    side: usize,
    path: String,
}

/// Draws a text as a QR code (ISO/IEC 18004). Nothing is kept.
pub(super) async fn draw(_: Ctx, Json(what): Json<Drawn>) -> Result<axum::Json<Drawing>, Problem> {
    let unfit = || Problem::field("/text", "无法生成二维码", "Not drawable as a QR code");
    if what.text.len() > DRAWN_BYTES_MAX {
        return Err(unfit());
    }
    let code = QrCode::with_error_correction_level(what.text.as_bytes(), EcLevel::M).map_err(|_| unfit())?;
    Ok(axum::Json(drawing(&code)))
}

/// The quiet zone that the standard asks for, in modules.
const QUIET: usize = 4;

fn drawing(code: &QrCode) -> Drawing {
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let squares: Vec<String> =
        dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET)).collect();
    let path = squares.concat();
    Drawing { side: width + 2 * QUIET, path }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_drawing_has_the_finders_of_a_code_within_its_quiet_zone() {
        let code = QrCode::new("https://sanbao.test/setup/account?token=x").unwrap();
        let drawing = drawing(&code);
        let last = drawing.side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(drawing.path.contains(&format!("M{x} {y}h1v1h-1z")), "{x} {y}");
        }
        assert!(!drawing.path.contains(&format!("M{} ", QUIET - 1)));
    }
}
