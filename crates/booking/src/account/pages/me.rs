//! What concerns the logged-in person alone: the PIN.

use axum::extract::State;
use maud::{Markup, html};
use sanbao_platform::http::PageCtx;

use super::TEXTS;
use super::form::{Errors, Field};
use crate::App;

pub(super) async fn page(PageCtx(ctx): PageCtx, State(app): State<App>) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let pin = Field {
        name: "pin",
        label: "me-new-pin",
        help: true,
        kind: "password",
        required: true,
        autocomplete: "off",
        inputmode: Some("numeric"),
        chars_max: 8,
        ..Field::default()
    };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("me-title")) }
            p { (t("me-what")) }
            form.stack data-send="PUT /v1/me/pin" data-done=(t("me-saved")) novalidate {
                (pin.draw(ctx.lang, &Errors::default()))
                button.button.primary type="submit" { (t("me-save")) }
            }
            p { a href="/login" { (t("me-other")) } }
        } }
    };
    app.deps.frame.page(ctx.lang, &t("me-title"), Some(&ctx.actor), "/me", &["/static/form.js"], &body)
}
