//! Matters of the logged-in person alone: the PIN.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::PageCtx;
use sanbao_platform::page::{Errors, Field, Send, form};

use super::TEXTS;
use crate::App;

pub(super) async fn my_account(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Markup {
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
        div.narrow { div.card {
            h1 { (t("me-title")) }
            p { (t("me-what")) }
            (form(ctx.lang, None, "stack", send, &fields))
            p { a href="/login" { (t("me-other")) } }
        } }
    };
    app.deps.frame.page(ctx.lang, &t("me-title"), Some(&ctx.actor), "/me", &["/static/send.js"], &body)
}
