//! The doors of the reader's own areas, as a telephone shows them: what was seen in three presses.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Live, Pager, Select, Send, Tone};
use sanbao_platform::problem::Problem;

use super::{cells, days, heads, reason, state, styles, t, words};
use crate::App;
use crate::door::api;
use crate::door::input::DoorQuery;
use crate::door::policy::may;
use crate::door::state::{DoorStateName, DoorStepName};
use crate::door::view::{DoorView, RoundView};
use crate::local_day;
use crate::policy::Action;
use crate::request::Urgency;
use crate::texts::{self, TEXTS};

/// Doors of a page.
const ROWS: u32 = 30;
/// A press can be taken back for a while only; the list is read so often.
const REREAD_SECONDS: u32 = 60;

pub(super) async fn doors(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    query: Result<Query<DoorQuery>, Problem>,
) -> Response {
    answer(&app, &ctx, query.map(|Query(query)| query)).await
}

/// The same list by what was filled in.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(query): Form<DoorQuery>,
) -> Response {
    answer(&app, &ctx, Ok(query)).await
}

async fn answer(app: &App, ctx: &Ctx, query: Result<DoorQuery, Problem>) -> Response {
    let drawn = match query {
        Ok(query) => draw(app, ctx, query).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, mut query: DoorQuery) -> Result<Markup, Problem> {
    query.limit = Some(ROWS);
    let rounds = api::overview(app, ctx).await?;
    let answers = may(ctx, Action::DoorAnswer);
    let rows = if answers { Some(api::listed(app, ctx, &query).await?) } else { None };
    let lang = ctx.lang;
    let after = query.after.as_deref().filter(|after| !after.is_empty());
    let form = answers.then_some("filters");
    let live = Live { events: "/v1/doors/events", form, after, seconds: Some(REREAD_SECONDS), ..Live::default() };
    let makes = may(ctx, Action::RoundMake);
    let part = html! {
        // Those who make rounds want to know how far they are; the one who knocks, where to go.
        @if makes || !answers { (progress(ctx, &rounds)) }
        @if let Some(rows) = &rows { (list(ctx, &query, rows)) }
        @if !makes && answers { (progress(ctx, &rounds)) }
    };
    let body = html! {
        (styles())
        div.spread {
            h1 { (t(lang, "doors-title")) }
            @if makes { a.button.primary href="/doors/new" { (t(lang, "round-new")) } }
        }
        @if may(ctx, Action::MatterRead) { p { a href="/matters" { (t(lang, "matters-title")) } } }
        @if answers { (filters(ctx, &query, &rounds)) }
        (page::live("doors", live, &part))
    };
    let scripts = ["/static/live.js", "/static/send.js"];
    Ok(app.deps.frame.page(lang, &t(lang, "doors-title"), Some(&ctx.actor), "/doors", &scripts, &body))
}

fn filters(ctx: &Ctx, query: &DoorQuery, rounds: &[RoundView]) -> Markup {
    let lang = ctx.lang;
    let [today, all, round, seen] =
        ["doors-of-today", "doors-all", "doors-round", "doors-state"].map(|key| t(lang, key));
    let chosen = |of: &Option<String>, value: &str| of.as_deref() == Some(value);
    let of = |r: &RoundView| {
        let words = format!("{} · {}", r.title, days(lang, r));
        page::pick(r.id, words, chosen(&query.round, &r.id.to_string()))
    };
    let state = |s: &DoorStateName| page::pick(s, texts::door_state(lang, *s), chosen(&query.state, s.as_str()));
    let select = |name, label, none| Select { name, label, none: Some(none), ..Select::default() };
    let fields = html! {
        (select("round", &round, &today).draw(&rounds.iter().map(of).collect::<Vec<_>>()))
        (select("state", &seen, &all).draw(&DoorStateName::ALL.iter().map(state).collect::<Vec<_>>()))
    };
    page::filters("filters", "/doors", &t(lang, "filter-apply"), &fields)
}

/// How far the rounds have come that are on; those that are over are reached by the choice above.
fn progress(ctx: &Ctx, rounds: &[RoundView]) -> Markup {
    let lang = ctx.lang;
    let today = local_day(ctx.now());
    let first = t(lang, "doors-round");
    html! {
        section aria-labelledby="rounds" {
            h2 #rounds { (t(lang, "rounds-title")) }
            @if rounds.is_empty() {
                @let add = t(lang, "round-new");
                (page::empty(&t(lang, "rounds-none"), may(ctx, Action::RoundMake).then_some(("/doors/new", add.as_str()))))
            } @else {
                div.scroll {
                    table.table {
                        thead { tr {
                            th scope="col" { (first) }
                            @for head in heads(lang) { th.number scope="col" { (head) } }
                        } }
                        tbody { @for r in rounds {
                            tr {
                                td data-label=(first) {
                                    a href=(format!("/doors/rounds/{}", r.id)) { (r.title) } " " (reason(lang, r.reason))
                                    @if r.ends_on < today { " " (page::badge(Tone::Plain, &t(lang, "round-over"))) }
                                    br; span.faint { (days(lang, r)) }
                                }
                                (cells(lang, r.counts))
                            }
                        } }
                    }
                }
            }
        }
    }
}

fn list(ctx: &Ctx, query: &DoorQuery, rows: &Page<DoorView>) -> Markup {
    let lang = ctx.lang;
    let later = query.after.as_deref().is_some_and(|after| !after.is_empty());
    let at = Pager { form: "filters", later, next: rows.next.as_deref() };
    html! {
        section aria-labelledby="list" {
            h2 #list { (t(lang, "doors-list")) }
            @if rows.items.is_empty() { (page::empty(&t(lang, "doors-none"), None)) }
            @else {
                ul.plain-list.doors { @for door in &rows.items { (card(ctx, door)) } }
                (page::count_of_page(lang, rows.items.len(), at))
                (page::pager(lang, at))
            }
        }
    }
}

fn card(ctx: &Ctx, d: &DoorView) -> Markup {
    let lang = ctx.lang;
    let name = if d.elder_name.is_empty() { d.address.as_deref().unwrap_or_default() } else { &d.elder_name };
    html! {
        li.card.late[d.raised] {
            div.spread {
                h3 { (name) }
                span { (state(lang, d.state, d.raised)) " " (reason(lang, d.reason)) }
            }
            p { (d.area_name) @if let Some(address) = d.address.as_deref().filter(|a| *a != name) { " · " (address) } }
            @if let Some(phone) = &d.phone { p { a.phone href=(phone_link(phone)) { (phone) } } }
            @if let Some(remark) = &d.remark { p.strong { (remark) } }
            @if d.state != DoorStateName::Open { p.faint { (words(lang).near(d.state_since, ctx.now())) } }
            @if d.raised { (page::notice(Tone::Bad, &TEXTS.with(lang, "door-raised", &[("count", &d.missed.to_string())]))) }
            @if let Some(request) = d.request_state {
                p { (TEXTS.with(lang, "door-request", &[("state", &texts::state(lang, request))])) }
            }
            div.door-do { (presses(lang, d)) }
            @if d.state == DoorStateName::Help && may(ctx, Action::MatterRaise) {
                p { a href=(format!("/matters/new?door={}", d.id)) { (t(lang, "door-matter")) } }
            }
        }
    }
}

/// The large buttons.
fn presses(lang: Lang, d: &DoorView) -> Markup {
    let done = t(lang, "door-done");
    let press = |step: DoorStepName| {
        let call = format!("POST /v1/doors/{}/{step}", d.id);
        let send = Send { done: Some(&done), then: Some("stay"), ..Send::step(&call, d.version) };
        page::press(&format!("{step}-{}", d.id), "button", send, &texts::door_step(lang, step))
    };
    html! {
        @for step in [DoorStepName::Well, DoorStepName::NotMet] {
            @if d.legal.contains(&step) { (press(step)) }
        }
        @if d.legal.contains(&DoorStepName::Help) { (help(lang, d)) }
        @if d.undo_until.is_some() { (press(DoorStepName::Undo)) }
    }
}

fn help(lang: Lang, d: &DoorView) -> Markup {
    let call = format!("POST /v1/doors/{}/help", d.id);
    let done = t(lang, "door-asked");
    let send = Send { done: Some(&done), then: Some("stay"), ..Send::step(&call, d.version) };
    let (label, id) = (t(lang, "door-note"), format!("note-{}", d.id));
    let note = page::Field { id: &id, ..page::area("note", &label, 2, 500) };
    let fields = html! {
        fieldset.field {
            legend { (t(lang, "field-urgency")) }
            @for urgency in Urgency::ALL.iter().rev() {
                label.choice {
                    input id=(format!("{urgency}-{}", d.id)) type="radio" name="urgency" value=(urgency.as_str()) checked[*urgency == Urgency::Urgent];
                    (texts::urgency(lang, *urgency))
                }
            }
        }
        (note.draw(lang, &page::Errors::default()))
        button.button type="submit" { (t(lang, "door-ask")) }
    };
    html! {
        details id=(format!("help-{}", d.id)) {
            summary { (texts::door_step(lang, DoorStepName::Help)) }
            (page::form(lang, None, "stack", send, &fields))
        }
    }
}
