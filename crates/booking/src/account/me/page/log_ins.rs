//! The page of one's own log-ins: where each is, which one this is, and how to end the others.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{Send, Tone, Words, badge, press};
use sanbao_platform::problem::Problem;

use super::{SEND, TEXTS, page};
use crate::App;
use crate::account::organisation;
use crate::account::session::{self, LogInView};

pub(super) async fn show(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    match draw(&app, &ctx).await {
        Ok(page) => page.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let zone = organisation::own(&mut conn, ctx).await?.zone();
    let log_ins = session::list(&mut conn, ctx).await?;
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let end = |log_in: &LogInView| (!log_in.this).then(|| format!("DELETE /v1/me/sessions/{}", log_in.id));
    let others = log_ins.iter().any(|log_in| !log_in.this);
    let ask = words.t("log-ins-ask-all");
    let send = Send { confirm: Some(&ask), ..Send::to("DELETE /v1/me/sessions") };
    let body = html! {
        p { (words.t("log-ins-what")) }
        ul.plain-list { @for log_in in &log_ins { (line(words, log_in, end(log_in).as_deref())) } }
        @if others { (press("end-others", "button primary", send, &words.t("log-ins-end-all"))) }
        @else { p.faint { (words.t("log-ins-only-this")) } }
    };
    Ok(page(app, ctx, "me-log-ins", &[SEND], &body))
}

/// A log-in, with the call that ends it if that may be.
pub(in crate::account) fn line(words: Words, log_in: &LogInView, end: Option<&str>) -> Markup {
    let agent = log_in.agent.clone().unwrap_or_else(|| words.t("log-ins-unknown"));
    let device =
        log_in.device.map_or_else(|| words.t("device-none"), |kind| words.t(&format!("device-{}", kind.as_str())));
    html! {
        li {
            div.spread {
                strong { (agent) }
                @if log_in.this { (badge(Tone::Ok, &words.t("log-ins-this"))) }
                @if let Some(call) = end {
                    (press(&format!("end-{}", log_in.id), "button", Send::to(call), &words.t("log-ins-end")))
                }
            }
            p.faint {
                (device) " · " (words.t("log-ins-since")) " " (words.time(log_in.created_at))
                @if let (Some(at), Some(from)) = (log_in.seen_at, &log_in.seen_from) {
                    br;
                    (words.t("log-ins-seen")) " " (words.time(at)) " · " (from)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TEXTS;
    use crate::account::session::DeviceKind;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = DeviceKind::ALL.iter().map(|k| format!("device-{}", k.as_str()));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
