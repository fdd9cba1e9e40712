//! The office's list: what waits for its review, and what was reviewed.

use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page};
use sanbao_platform::page::{Errors, Field, Send, Words, area, count, empty, form, head};

use super::super::input::WORDS_CHARS_MAX;
use super::super::view::EmergencyAccessView;
use super::{reviewed, state};

/// Both lists: all that wait, and of the newest openings those that were reviewed.
pub(super) fn lists(
    words: Words,
    ctx: &Ctx,
    waiting: &Page<EmergencyAccessView>,
    all: &Page<EmergencyAccessView>,
) -> Markup {
    let done: Vec<&EmergencyAccessView> = all.items.iter().filter(|access| access.reviewed_at.is_some()).collect();
    html! {
        h2 { (words.t("to-review")) }
        @if waiting.items.is_empty() { (empty(&words.t("to-review-none"), None)) }
        @else {
            (count(words.lang, waiting.items.len(), waiting.next.is_some()))
            div.grid { @for access in &waiting.items { (card(words, ctx, access)) } }
        }
        @if !done.is_empty() {
            details #reviewed {
                summary { (words.t("done")) }
                (count(words.lang, done.len(), all.next.is_some()))
                (table(words, ctx, &done))
            }
        }
    }
}

/// By whom, whose record, by which number and why.
fn facts(words: Words, ctx: &Ctx, access: &EmergencyAccessView) -> Markup {
    html! {
        dl.facts {
            dt { (words.t("by")) } dd { (access.account_name) " · " (words.lang.pick(&access.organisation.name_zh, &access.organisation.name_en)) }
            dt { (words.t("opened-at")) } dd { (words.near(access.opened_at, ctx.now())) }
            dt { (words.t("whose")) } dd { (access.person_name.as_deref().unwrap_or("—")) " · " (words.t(&format!("sign-{}", access.sign))) }
            dt { (words.t("reason")) } dd { (access.reason) }
        }
    }
}

fn card(words: Words, ctx: &Ctx, access: &EmergencyAccessView) -> Markup {
    let (call, id) = (format!("POST /v1/emergency-accesses/{}/review", access.id), format!("remark-{}", access.id));
    let (remark, help, done) = (words.t("remark"), words.t("remark-help"), words.t("remark-done"));
    let wide = Field { id: &id, help: Some(&help), required: true, ..area("remark", &remark, 2, WORDS_CHARS_MAX) };
    let fields = html! {
        (wide.draw(words.lang, &Errors::default()))
        button.button type="submit" { (words.t("remark-save")) }
    };
    html! {
        article.card {
            p { (state(words, ctx, access)) }
            (facts(words, ctx, access))
            @if access.may_review {
                (form(words.lang, None, "stack", Send { done: Some(&done), ..Send::step(&call, access.version) }, &fields))
            }
        }
    }
}

fn table(words: Words, ctx: &Ctx, done: &[&EmergencyAccessView]) -> Markup {
    let heads = ["opened-at", "by", "whose", "reason", "state", "review"].map(|key| words.t(key));
    html! {
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for access in done {
                    tr {
                        th scope="row" { (words.near(access.opened_at, ctx.now())) }
                        td data-label=(words.t("by")) { (access.account_name) }
                        td data-label=(words.t("whose")) { (access.person_name.as_deref().unwrap_or("—")) }
                        td data-label=(words.t("reason")) { (access.reason) }
                        td data-label=(words.t("state")) { (state(words, ctx, access)) }
                        td data-label=(words.t("review")) { (reviewed(words, ctx, access)) }
                    }
                }
            }
        } }
    }
}
