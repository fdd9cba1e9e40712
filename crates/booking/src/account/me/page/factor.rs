//! The page of the second factor: set up in two steps, then its codes for recovery. An account that must have one is led here.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, LoggedInPage};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Send, Tone, form, notice, press};

use super::{SEND, TEXTS, own, page_with};
use crate::App;
use crate::account::me::api::OwnAccount;

pub(super) async fn show(LoggedInPage(ctx): LoggedInPage, AppState(app): AppState<App>) -> Response {
    match own(&app, &ctx).await {
        Ok(own) => draw(&app, &ctx, &own).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn draw(app: &App, ctx: &Ctx, own: &OwnAccount) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let body = html! {
        @if own.second_factor {
            (notice(Tone::Ok, &t("factor-on")))
            p { (TEXTS.with(ctx.lang, "factor-left", &[("count", &own.recovery_codes_left.to_string())])) }
            (press("renew-codes", "button", Send::to("POST /v1/me/recovery-codes"), &t("factor-renew")))
            @if own.second_factor_needed { p.help { (t("factor-must-stay")) } } @else { (give_up(ctx.lang)) }
        } @else {
            @if own.second_factor_needed { (notice(Tone::Warn, &t("factor-needed"))) }
            p { (t("factor-what")) }
            (press("begin-factor", "button primary", Send::to("POST /v1/me/second-factor"), &t("factor-begin")))
            (set_up(ctx.lang))
        }
    };
    page_with(app, ctx, "me-factor", &[SEND, "/static/booking/second-factor.js"], &body, &codes(ctx.lang))
}

fn give_up(lang: Lang) -> Markup {
    let ask = TEXTS.get(lang, "factor-ask-off");
    let send = Send { confirm: Some(&ask), ..Send::to("DELETE /v1/me/second-factor") };
    press("drop-factor", "button", send, &TEXTS.get(lang, "factor-turn-off"))
}

/// Shown when there is a secret: the picture, the text, and the first code.
fn set_up(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (label, help) = (t("factor-code"), t("factor-code-help"));
    let code = Field { chars_max: 12, ..Field::one_time_code(&label, &help) };
    let fields = html! {
        (code.draw(lang, &Errors::default()))
        button.button.primary type="submit" { (t("factor-confirm")) }
    };
    html! {
        section #factor-secret hidden tabindex="-1" {
            h2 { (t("factor-scan")) }
            svg #factor-qr.qr role="img" aria-label=(t("factor-qr")) shape-rendering="crispEdges" { path fill="#000" {} }
            p { a #factor-address href="#" { (t("factor-open")) } }
            p.help { (t("factor-by-hand")) }
            p { code #factor-text {} }
            h2 { (t("factor-then")) }
            (form(lang, Some("confirm-factor"), "stack", Send::to("POST /v1/me/second-factor/confirm"), &fields))
        }
    }
}

/// Shown when there are new codes for recovery.
fn codes(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        section.card.narrow.handed #recovery hidden tabindex="-1" aria-labelledby="recovery-title" {
            h2 #recovery-title { (t("recovery-title")) }
            p { (t("recovery-what")) }
            ol #recovery-codes {}
            div.toolbar {
                button.button type="button" data-action="print" { (t("recovery-print")) }
                a.button.primary href="/" { (t("recovery-done")) }
            }
        }
    }
}
