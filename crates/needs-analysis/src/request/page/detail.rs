//! One request: what is known, what was done, and a form for each step that the caller may take.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Send};
use sanbao_platform::problem::Problem;

use super::{forms, next, words};
use crate::App;
use crate::request::api;
use crate::request::id::RequestId;
use crate::request::step::RequestStepName;
use crate::request::view::{HistoryView, RequestDetail, RequestView};
use crate::texts::{self, TEXTS};

pub(super) async fn request(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    id: Result<Path<RequestId>, Problem>,
) -> Response {
    let drawn = match id {
        Ok(Path(id)) => draw(&app, &ctx, id).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, maud::Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: RequestId) -> Result<Markup, Problem> {
    let RequestDetail { request, history } = api::detail(app, ctx, id).await?;
    let choices = forms::Choices::of(app, ctx, &request).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let title = format!("{} · {}", request.elder_name, texts::category(lang, request.category));
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        div.spread {
            h1 { (title) " " (words::departed(lang, &request)) }
            p {
                @if let Some(number) = &request.number { strong.number { (number) } " " }
                (words::state(lang, request.state)) " " (words::clock(lang, request.sla, ctx.now()))
            }
        }
        div.columns {
            div {
                (facts(ctx, &request))
                (past(ctx, &history))
            }
            section.card.next aria-labelledby="actions" {
                h2 #actions { (t("actions-title")) }
                @if request.legal.is_empty() { p { (t("no-actions")) } }
                @for step in next::ordered(&request) { (action(lang, &request, step, &choices)) }
            }
        }
    };
    Ok(app.deps.frame.page(
        lang,
        &title,
        Some(&ctx.actor),
        "/requests",
        &["/static/send.js", "/static/needs-analysis/request.js"],
        &body,
    ))
}

fn facts(ctx: &Ctx, r: &RequestView) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let fact = |key: &str, value: Option<&str>| {
        html! { @if let Some(value) = value { dt { (t(key)) } dd { (value) } } }
    };
    let unreadable = r.national_id_unreadable.then(|| t("unreadable"));
    let source = texts::source(lang, &r.source);
    let category = texts::category(lang, r.category);
    let satisfied = r.satisfaction.map(|said| texts::satisfaction(lang, said));
    html! {
        section.card {
            @if r.masked { p.faint { (t("masked")) } }
            @if let Some(note) = &r.note { p.strong { (note) } }
            dl.facts {
                dt { (t("head-received")) } dd { (words::moment(ctx, r.received_at)) }
                @if let Some(phone) = &r.phone {
                    dt { (t("field-phone")) }
                    dd { @if r.masked { (phone) } @else { a href=(phone_link(phone)) { (phone) } } }
                }
                dt { (t("head-place")) } dd { (r.area_name) }
                (fact("field-address", r.address.as_deref()))
                dt { (t("field-category")) }
                dd {
                    @if let Some(raw) = &r.category_raw {
                        (TEXTS.with(lang, "category-told", &[("category", &category), ("raw", raw)]))
                    } @else { (category) }
                }
                dt { (t("field-urgency")) } dd { (texts::urgency(lang, r.urgency)) }
                @if r.wanted_from.is_some() || r.wanted_until.is_some() {
                    dt { (t("fact-wanted")) }
                    dd {
                        @if let Some(from) = r.wanted_from { (words::moment(ctx, from)) }
                        " – "
                        @if let Some(until) = r.wanted_until { (words::moment(ctx, until)) }
                    }
                }
                (fact("fact-national-id", r.national_id.as_deref().or(unreadable.as_deref())))
                (fact("fact-agency", r.agency_name.as_deref()))
                (fact("assignee", r.assignee.as_ref().map(|a| a.name.as_str())))
                (fact("fact-satisfied", satisfied.as_deref()))
                (fact("fact-source", Some(&source)))
                (fact("fact-external", r.external_id.as_deref()))
                @if let Some(into) = r.merged_into {
                    dt { (t("fact-merged")) } dd { a href=(format!("/requests/{into}")) { (t("open-request")) } }
                }
                (fact("fact-number", r.number.as_deref()))
            }
            @if r.legal.contains(&RequestStepName::Merge) {
                p { a href=(format!("/requests/{}/merge", r.id)) { (t("merge-look")) } }
            }
        }
    }
}

fn past(ctx: &Ctx, history: &[HistoryView]) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        section aria-labelledby="history" {
            h2 #history { (t("history-title")) }
            ol.stack {
                @for h in history {
                    li {
                        (words::moment(ctx, h.at)) " " strong { (texts::step(lang, &h.step)) }
                        @if h.actor.is_none() && h.step.starts_with("visit-") { span.faint { " · " (t("history-by-event")) } }
                        @if let Some(name) = &h.actor_name { span.faint { " · " (name) } }
                        @if let Some(reason) = &h.reason { br; (reason) }
                        @if let Some(note) = &h.note { @for line in note.lines() { br; (line) } }
                    }
                }
            }
        }
    }
}

/// A step's form: the one that comes next open and in front, the others folded.
fn action(lang: Lang, r: &RequestView, step: RequestStepName, choices: &forms::Choices) -> Markup {
    let name = texts::step(lang, step.as_str());
    let first = next::main(r) == Some(step);
    let kind = match (first, next::hurts(step)) {
        (_, true) => "button danger",
        (true, false) => "button primary",
        _ => "button",
    };
    let call = format!("POST /v1/requests/{}/{}", r.id, step.as_str());
    let fields = html! {
        (forms::fields(lang, r, step, choices))
        button class=(kind) type="submit" { (name) }
    };
    html! {
        details id=(format!("do-{}", step.as_str())) open[first] {
            summary { (name) }
            (page::form(lang, None, "", Send::step(&call, r.version), &fields))
        }
    }
}
