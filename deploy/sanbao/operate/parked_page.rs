//! The page of a service's parked events: what each is, why it stopped, and the two things that can be done with it.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_needs_analysis::ZONE;
use sanbao_platform::bus::{self, ParkedEvent};
use sanbao_platform::http::{Ctx, Page, PageCtx, Paging};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Pager, Send, Tone, Words, area, count, empty, form, head, notice, pager, press};
use sanbao_platform::problem::Problem;

use super::input::REASON_CHARS_MAX;
use super::{Operated, operates, page, parked};
use crate::role::Role;
use crate::texts::TEXTS;

/// Rows of a page.
const ROWS: u32 = 50;
const FORM: &str = "parked-page";

pub(super) async fn page(PageCtx(ctx): PageCtx, AppState(app): AppState<Operated>) -> Response {
    answer(&app, &ctx, Paging::default()).await
}

/// A later page.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<Operated>,
    Form(paging): Form<Paging>,
) -> Response {
    answer(&app, &ctx, paging).await
}

async fn answer(app: &Operated, ctx: &Ctx, paging: Paging) -> Response {
    draw(app, ctx, paging).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &Operated, ctx: &Ctx, paging: Paging) -> Result<Markup, Problem> {
    operates(ctx)?;
    let paging = Paging { limit: Some(ROWS), ..paging };
    let rows = bus::parked(&app.deps.db, &paging, app.noted_since()).await?;
    let (lang, here) = (ctx.lang, parked::page_of(app.role));
    let t = |key: &str| TEXTS.get(lang, key);
    let body = html! {
        p { a href=(page::PATH) { "← " (t("state-title")) } }
        h1 { (t("parked-title")) }
        p { (t("parked-what")) }
        nav.toolbar aria-label=(t("parked-places")) {
            @for role in Role::ALL {
                @let path = parked::page_of(*role);
                a.button href=(path) aria-current=[(path == here).then_some("page")] { (t(name_of(*role))) }
            }
        }
        form id=(FORM) method="post" action=(here) {}
        @if rows.items.is_empty() { (empty(&t("parked-none"), None)) }
        @else {
            (table(app, lang, &rows))
            (count(lang, rows.items.len(), rows.next.is_some()))
        }
        (pager(lang, Pager { form: FORM, later: paging.after.is_some(), next: rows.next.as_deref() }))
    };
    let scripts = ["/static/send.js"];
    Ok(app.deps.frame.page(lang, &t("parked-title"), Some(&ctx.actor), page::PATH, &scripts, &body))
}

/// The key of a service's name.
pub(super) const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Booking => "service-booking",
        Role::Signalling => "service-signalling",
        Role::NeedsAnalysis => "service-needs-analysis",
    }
}

const HEADS: [&str; 5] = ["parked-event", "parked-when", "parked-cause", "parked-attempts", "parked-do"];

fn table(app: &Operated, lang: Lang, rows: &Page<ParkedEvent>) -> Markup {
    let heads = HEADS.map(|key| TEXTS.get(lang, key));
    html! {
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody { @for (at, event) in rows.items.iter().enumerate() { (row(app, lang, at, event, &heads)) } }
        } }
    }
}

fn row(app: &Operated, lang: Lang, at: usize, parked: &ParkedEvent, heads: &[String; 5]) -> Markup {
    let role = app.role;
    let words = Words::new(&TEXTS, lang, ZONE);
    let [event, when, cause, attempts, what] = heads;
    html! {
        tr {
            td data-label=(event) {
                code { (parked.kind) } br;
                span.faint { (words.t("parked-subject")) " " code { (parked.subject) } br; (words.t("parked-consumer")) " " code { (parked.consumer) } }
            }
            td data-label=(when) {
                (words.time(parked.occurred_at)) br; span.faint { (words.t("parked-since")) " " (words.time(parked.parked_at)) }
            }
            td data-label=(cause) {
                code { (parked.cause) }
                @match parked.later {
                    Some(0) => {}
                    Some(later) => { (notice(Tone::Warn, &words.with("parked-later", &[("count", &later.to_string())]))) }
                    None => { (notice(Tone::Warn, &words.t("parked-later-unknown"))) }
                }
            }
            td data-label=(attempts) { (parked.attempts) }
            td data-label=(what) {
                @if app.consumer(&parked.consumer).is_ok() { (again(role, lang, at, parked)) }
                @else { p { (words.t("parked-no-reader")) } }
                (gone(role, lang, at, parked))
            }
        }
    }
}

/// The button that tries again; where later events of the subject have taken effect, or may have, only with a tick.
fn again(role: Role, lang: Lang, at: usize, parked: &ParkedEvent) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (call, done) = (format!("POST {}/{}/retry", parked::path_of(role), parked.id), t("parked-retried"));
    let send = Send { done: Some(&done), ..Send::to(&call) };
    if parked.later == Some(0) {
        return press(&format!("retry-{at}"), "button", send, &t("parked-retry"));
    }
    let fields = html! {
        label.choice { input type="checkbox" name="although_later"; span { (t("parked-although")) } }
        button.button type="submit" { (t("parked-retry")) }
    };
    form(lang, None, "stack", send, &fields)
}

fn gone(role: Role, lang: Lang, at: usize, parked: &ParkedEvent) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (call, ask, done) =
        (format!("POST {}/{}/drop", parked::path_of(role), parked.id), t("parked-ask-drop"), t("parked-dropped"));
    let (label, id) = (t("parked-reason"), format!("reason-{at}"));
    let reason =
        sanbao_platform::page::Field { id: &id, required: true, ..area("reason", &label, 2, REASON_CHARS_MAX) };
    let fields = html! {
        (reason.draw(lang, &Errors::default()))
        button.button type="submit" { (t("parked-drop")) }
    };
    let send = Send { confirm: Some(&ask), done: Some(&done), ..Send::to(&call) };
    html! { details { summary { (t("parked-drop")) } (form(lang, None, "stack", send, &fields)) } }
}
