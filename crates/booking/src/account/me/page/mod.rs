//! The pages of one's own account: what there is, password, PIN, second factor, log-ins.

mod factor;
mod log_ins;
mod organisations;

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Routes, StaticFile};
use sanbao_platform::page::{Errors, Field, Send, Tone, badge, form, notice};
use sanbao_platform::problem::Problem;

use super::api::{self, OwnAccount};
use crate::App;
use crate::account::page::lacking;
use crate::texts::ACCOUNT as TEXTS;

pub(in crate::account) use log_ins::line as log_in_line;

const SEND: &str = "/static/send.js";
const FILES: &[StaticFile] = &[(
    "/static/booking/second-factor.js",
    "text/javascript; charset=utf-8",
    include_bytes!("../../../../assets/second-factor.js"),
)];

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/me", get(overview))
        .page("/me/password", get(password))
        .page("/me/pin", get(pin))
        .page("/me/second-factor", get(factor::show))
        .page("/me/sessions", get(log_ins::show))
        .page("/me/organisations", get(organisations::show))
        .files(FILES)
}

/// A page of one's own account; every one but the first leads back to that.
fn page(app: &App, ctx: &Ctx, key: &str, scripts: &[&str], body: &Markup) -> Markup {
    page_with(app, ctx, key, scripts, body, &Markup::default())
}

/// The same with a part below that is printed alone.
fn page_with(app: &App, ctx: &Ctx, key: &str, scripts: &[&str], body: &Markup, below: &Markup) -> Markup {
    let title = TEXTS.get(ctx.lang, key);
    let first = key == "me-title";
    let body = html! {
        div.narrow {
            @if !first { p { a href="/me" { (TEXTS.get(ctx.lang, "me-back")) } } }
            div.card {
                h1 { (title) }
                (body)
            }
        }
        (below)
    };
    app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/me", scripts, &body)
}

async fn overview(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    match own(&app, &ctx).await {
        Ok(own) => draw(&app, &ctx, &own).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn own(app: &App, ctx: &Ctx) -> Result<OwnAccount, Problem> {
    api::own(app, &mut app.deps.db.read().await?, ctx).await
}

fn draw(app: &App, ctx: &Ctx, own: &OwnAccount) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let state =
        |is: bool, yes: &str, no: &str| badge(if is { Tone::Ok } else { Tone::Plain }, &t(if is { yes } else { no }));
    let lines = [
        ("/me/password", "me-password", None),
        ("/me/pin", "me-pin", Some(state(own.pin_set, "me-set", "me-not-set"))),
        ("/me/second-factor", "me-factor", Some(state(own.second_factor, "me-on", "me-off"))),
        ("/me/sessions", "me-log-ins", None),
        ("/me/organisations", "me-organisations", None),
    ];
    let body = html! {
        @if let Some(key) = lacking(&ctx.actor) { (notice(Tone::Warn, &t(key))) }
        p { strong { (own.display_name) } " · " (t("login-name")) " " code { (own.login) } }
        ul.plain-list {
            @for (path, key, state) in lines {
                li.spread {
                    a href=(path) { (t(key)) }
                    @if let Some(state) = state { (state) }
                }
            }
        }
    };
    page(app, ctx, "me-title", &[], &body)
}

async fn password(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let (current, new, help, changed) =
        (t("me-current"), t("me-new-password"), t("chosen-password-help"), t("me-changed"));
    let secret = Field { kind: "password", required: true, chars_max: 256, ..Field::default() };
    let current = Field { name: "current", label: &current, autocomplete: "current-password", ..secret };
    let new = Field { name: "password", label: &new, help: Some(&help), autocomplete: "new-password", ..secret };
    let send = Send { done: Some(&changed), then: Some("stay"), ..Send::to("PUT /v1/me/password") };
    let fields = html! {
        (current.draw(ctx.lang, &Errors::default()))
        (new.draw(ctx.lang, &Errors::default()))
        button.button.primary type="submit" { (t("me-password-save")) }
    };
    let body = html! {
        p { (t("me-password-what")) }
        (form(ctx.lang, None, "stack", send, &fields))
    };
    page(&app, &ctx, "me-password", &[SEND], &body)
}

async fn pin(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let (label, help, saved) = (t("me-new-pin"), t("me-new-pin-help"), t("me-saved"));
    let pin = Field {
        name: "pin",
        label: &label,
        help: Some(&help),
        kind: "password",
        required: true,
        autocomplete: "off",
        inputmode: Some("numeric"),
        chars_max: 8,
        ..Field::default()
    };
    let send = Send { done: Some(&saved), then: Some("stay"), ..Send::to("PUT /v1/me/pin") };
    let fields = html! {
        (pin.draw(ctx.lang, &Errors::default()))
        button.button.primary type="submit" { (t("me-save")) }
    };
    let body = html! {
        p { (t("me-what")) }
        (form(ctx.lang, None, "stack", send, &fields))
        p { a href="/login" { (t("me-other")) } }
    };
    page(&app, &ctx, "me-pin", &[SEND], &body)
}
