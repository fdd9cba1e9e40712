//! The reader's drafts: where each is gone on with, or discarded.

use maud::{Markup, html};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{Age, Send, press};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::{TEXTS, short, t, words};
use crate::consult::draft::{self, ConsultDraft, KEEP_DAYS};
use crate::consult::policy::may_invite;

/// The reader's drafts; nothing where there is none.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, keys: &FieldKeys, zone: chrono_tz::Tz) -> Result<Markup, Problem> {
    if Decision::over(crate::role::held(&ctx.actor), may_invite) != Decision::Allow {
        return Ok(html! {});
    }
    let drafts = draft::mine(conn, ctx, keys).await?;
    let lang = ctx.lang;
    Ok(html! {
        @if !drafts.is_empty() {
            section.stack #drafts aria-labelledby="drafts-title" {
                h2 #drafts-title { (t(lang, "drafts")) " " span.faint { (drafts.len()) } }
                p.help { (TEXTS.with(lang, "drafts-help", &[("days", &KEEP_DAYS.to_string())])) }
                ul.plain-list { @for draft in &drafts { (line(ctx, zone, draft)) } }
            }
        }
    })
}

fn line(ctx: &Ctx, zone: chrono_tz::Tz, draft: &ConsultDraft) -> Markup {
    let (lang, id) = (ctx.lang, draft.id);
    let told = draft.told.show(&ctx.shows, draft);
    let (parts, page) = (&told.parts, format!("/consults/new?draft={id}"));
    let written = [&parts.reason, &parts.purpose, &parts.case_summary].into_iter().find(|text| !text.is_empty());
    let (call, confirm) = (format!("DELETE /v1/consult-drafts/{id}"), t(lang, "draft-discard-confirm"));
    let send = Send { confirm: Some(&confirm), ..Send::to(&call) };
    html! {
        li.card {
            div.spread {
                a.strong href=(page) { @if let Some(name) = &told.resident_name { (name) } @else { (t(lang, "draft-of-nobody")) } }
                span.faint { (words(lang, zone).age(Age::Ago, draft.changed_at, ctx.now())) }
            }
            @if let Some(written) = written { p.faint { (short(written)) } }
            div.toolbar {
                a.button href=(page) { (t(lang, "draft-continue")) }
                (press(&format!("discard-{id}"), "button", send, &t(lang, "draft-discard")))
            }
        }
    }
}
