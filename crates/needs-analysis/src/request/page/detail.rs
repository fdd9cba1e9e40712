//! One request: what is known, what was done, and a form for each step that the caller may take.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Errors, Field, Select, Send};
use sanbao_platform::problem::Problem;

use super::words;
use crate::request::api;
use crate::request::category::{Category, Urgency};
use crate::request::directory::{self, Organisation};
use crate::request::id::RequestId;
use crate::request::step::RequestStepName;
use crate::request::view::{HistoryView, RequestDetail, RequestView};
use crate::texts::{self, TEXTS};
use crate::{App, door};

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
    let mut agencies = Vec::new();
    if request.legal.contains(&RequestStepName::Dispatch) {
        let mut conn = app.deps.db.read().await?;
        agencies = directory::agencies(&mut conn).await?;
    }
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let title = format!("{} · {}", request.elder_name, texts::category(lang, request.category));
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        div.spread {
            h1 { (title) " " (words::departed(lang, &request)) }
            p { (words::state(lang, request.state)) " " (words::clock(lang, request.sla, ctx.now())) }
        }
        div.columns {
            div {
                (facts(ctx, &request))
                (past(ctx, &history))
            }
            section.card.next aria-labelledby="actions" {
                h2 #actions { (t("actions-title")) }
                @if request.legal.is_empty() { p { (t("no-actions")) } }
                @for (n, step) in request.legal.iter().enumerate() { (action(lang, &request, *step, n == 0, &agencies)) }
            }
        }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/requests", &["/static/send.js"], &body))
}

fn facts(ctx: &Ctx, r: &RequestView) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let fact = |key: &str, value: Option<&str>| {
        html! { @if let Some(value) = value { dt { (t(key)) } dd { (value) } } }
    };
    let unreadable = r.national_id_unreadable.then(|| t("unreadable"));
    let source = match r.source.as_str() {
        "hotline" => t("source-hotline"),
        "demo" => t("source-demo"),
        door::steps::SOURCE_DOOR => t("doors-title"),
        other => other.to_owned(),
    };
    let category = texts::category(lang, r.category);
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
                (fact("fact-source", Some(&source)))
                (fact("fact-external", r.external_id.as_deref()))
                (fact("fact-merged", r.merged_into.map(|id| id.to_string()).as_deref()))
                dt { (t("fact-number")) } dd { code { (r.id) } }
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
                        @if let Some(reason) = &h.reason { br; (reason) }
                        @if let Some(note) = &h.note { br; (note) }
                    }
                }
            }
        }
    }
}

/// A step's form: the first one open and in front, the others folded.
fn action(lang: Lang, r: &RequestView, step: RequestStepName, first: bool, agencies: &[Organisation]) -> Markup {
    let name = texts::step(lang, step.as_str());
    let hurts = matches!(step, RequestStepName::Cancel | RequestStepName::Reject | RequestStepName::Merge);
    let kind = match (first, hurts) {
        (_, true) => "button danger",
        (true, false) => "button primary",
        _ => "button",
    };
    let call = format!("POST /v1/requests/{}/{}", r.id, step.as_str());
    let fields = html! {
        (fields(lang, r, step, agencies))
        button class=(kind) type="submit" { (name) }
    };
    html! {
        details id=(format!("do-{}", step.as_str())) open[first] {
            summary { (name) }
            (page::form(lang, None, "", Send::step(&call, r.version), &fields))
        }
    }
}

fn fields(lang: Lang, r: &RequestView, step: RequestStepName, agencies: &[Organisation]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let id = |field: &str| format!("{}-{field}", step.as_str());
    let line = |name, label: &str, required| {
        let (id, label) = (id(name), t(label));
        let field = Field { name, id: &id, label: &label, required, chars_max: 2000, ..Field::default() };
        field.draw(lang, &Errors::default())
    };
    let select = |name: &str, field: &str, label: &str, choices: &[Choice]| {
        let (id, label) = (id(field), t(label));
        Select { name, id: &id, label: &label, required: true, ..Select::default() }.draw(choices)
    };
    let category = |c: &Category| page::pick(c.as_str(), texts::category(lang, *c), *c == r.category);
    let urgency = |u: &Urgency| page::pick(u.as_str(), texts::urgency(lang, *u), *u == r.urgency);
    let agency = |a: &Organisation| page::pick(a.id, lang.pick(&a.name_zh, &a.name_en), Some(a.id) == r.agency_id);
    html! {
        @match step {
            RequestStepName::Triage => {
                (select("category", "category", "field-category", &Category::ALL.iter().map(category).collect::<Vec<_>>()))
                (select("urgency", "urgency", "field-urgency", &Urgency::ALL.iter().map(urgency).collect::<Vec<_>>()))
            }
            RequestStepName::Dispatch => {
                @if agencies.is_empty() { p.help { (t("agency-none")) } }
                (select("agency_id", "agency", "agency", &agencies.iter().map(agency).collect::<Vec<_>>()))
            }
            RequestStepName::Merge => (line("into", "into", true)),
            _ => {}
        }
        @if step.needs_reason() { (line("reason", "reason", true)) } @else { (line("note", "note", false)) }
    }
}
