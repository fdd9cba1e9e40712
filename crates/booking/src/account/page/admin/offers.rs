//! Offers on an organisation's page: to people who have an account elsewhere, as one-time links.

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{Errors, Field, Send, Words, form, press};
use sanbao_platform::problem::Problem;

use super::super::TEXTS;
use super::super::offers::role_names;
use super::areas::Areas;
use super::people::{accounts_of, member_fields};
use crate::account::member::offer::{self, StoredOffer};
use crate::account::organisation::Organisation;

/// The offers that wait for an answer, and the form for another.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let waiting = offer::list(conn, own.id, ctx.now()).await?;
    let areas = Areas::of(conn, own, own.day(ctx.now())).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
    let (label, help) = (words.t("offer-note"), words.t("offer-note-help"));
    let note =
        Field { name: "note", id: "offer-note", label: &label, help: Some(&help), chars_max: 40, ..Field::default() };
    let fields = html! {
        (member_fields(ctx.lang, own, &areas, (&[], &[])))
        (note.draw(ctx.lang, &Errors::default()))
        button.button type="submit" { (words.t("offer-make")) }
    };
    let (call, then) = (format!("POST /v1/organisations/{}/offers", own.id), accounts_of(own.id));
    let send = Send { then: Some(&then), ..Send::to(&call) };
    Ok(html! {
        section.card #offers aria-labelledby="offers-title" {
            h2 #offers-title { (words.t("offers-title")) }
            p { (words.t("offers-what")) }
            @if !waiting.is_empty() {
                h3 { (words.t("offers-waiting")) }
                ul.plain-list { @for offer in &waiting { (line(ctx, words, offer)) } }
            }
            details {
                summary { (words.t("offers-new")) }
                (form(ctx.lang, None, "stack", send, &fields))
            }
        }
    })
}

fn line(ctx: &Ctx, words: Words, offer: &StoredOffer) -> Markup {
    let call = format!("DELETE /v1/organisations/{}/offers/{}", offer.organisation_id, offer.id);
    let ask = words.t("offer-ask-revoke");
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    html! {
        li {
            div.spread {
                strong { (role_names(ctx.lang, offer)) @if let Some(note) = &offer.note { " · " (note) } }
                (press(&format!("revoke-{}", offer.id), "button", send, &words.t("offer-revoke")))
            }
            p.faint {
                (words.with("offer-by", &[("name", &offer.by)])) " · " (words.t("offer-until")) " " (words.near(offer.expires_at, ctx.now()))
            }
        }
    }
}
