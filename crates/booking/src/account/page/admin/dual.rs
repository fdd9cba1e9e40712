//! Dual control on an organisation's page: whether it is on, and what waits for a second administrator.

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{Send, Words, press};
use sanbao_platform::problem::Problem;

use super::super::TEXTS;
use crate::account::member::dual::{self, StandingOrder};
use crate::account::organisation::Organisation;

/// The orders that wait for a yes. They stand above the accounts, so that nobody has to look for what needs them.
pub(super) async fn waiting(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let orders = dual::list(conn, own.id, ctx.now()).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
    Ok(html! {
        @if !orders.is_empty() {
            section.card #dual-waiting aria-labelledby="dual-waiting-title" {
                h2 #dual-waiting-title { (words.t("dual-waiting")) }
                ul.plain-list { @for order in &orders { (line(ctx, words, own, order)) } }
            }
        }
    })
}

fn line(ctx: &Ctx, words: Words, own: &Organisation, order: &StandingOrder) -> Markup {
    let given = order.given_by == ctx.actor.subject.into();
    let another = !given && !order.is_about(ctx.actor.subject);
    let call = format!("/v1/organisations/{}/dual-control/{}", own.id, order.id);
    let what = words.with(&format!("dual-{}", order.kind.as_str()), &[("name", &order.name)]);
    let (yes, no) = (format!("POST {call}/confirm"), format!("DELETE {call}"));
    let ask = words.with("dual-ask-confirm", &[("what", &what)]);
    let confirm = Send { confirm: Some(&ask), ..Send::to(&yes) };
    let ask = words.with(if given { "dual-ask-withdraw" } else { "dual-ask-refuse" }, &[("what", &what)]);
    let refuse = Send { confirm: Some(&ask), ..Send::to(&no) };
    let label = words.t(if given { "dual-withdraw" } else { "dual-refuse" });
    html! {
        li {
            strong { (what) }
            p.faint { (words.with("dual-by", &[("name", &order.by)])) " · " (words.t("dual-until")) " " (words.near(order.expires_at, ctx.now())) }
            div.toolbar {
                @if another { (press(&format!("confirm-{}", order.id), "button primary", confirm, &words.t("dual-confirm"))) }
                (press(&format!("refuse-{}", order.id), "button", refuse, &label))
            }
        }
    }
}

/// Whether it is on, and the button that begins or ends it.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let on = dual::is_on(conn, own.id).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
    let key = if on { "dual-end" } else { "dual-begin" };
    let call = format!("{} /v1/organisations/{}/dual-control", if on { "DELETE" } else { "PUT" }, own.id);
    let ask = words.t(&format!("{key}-ask"));
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    Ok(html! {
        section.card #dual aria-labelledby="dual-title" {
            h2 #dual-title { (words.t("dual-title")) }
            p { (words.t(if on { "dual-is-on" } else { "dual-is-off" })) }
            (press(key, "button", send, &words.t(key)))
        }
    })
}
