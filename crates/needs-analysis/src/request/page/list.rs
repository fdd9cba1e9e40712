//! The list: filters, states, clocks, and a button for each step that needs no words.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Live, Pager, Select, Send, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::words;
use crate::App;
use crate::area::{Area, Level, store};
use crate::policy::{self, Action, Relation};
use crate::request::api;
use crate::request::category::Category;
use crate::request::list::ListQuery;
use crate::request::sla::SlaStatus;
use crate::request::state::RequestStateName;
use crate::request::step::RequestStepName;
use crate::request::view::RequestView;
use crate::texts::{self, TEXTS};

/// Rows of a page: a screen and a half of a desktop.
const ROWS: u32 = 30;

/// A clock runs out without anybody telling; the list is read so often.
const REREAD_SECONDS: u32 = 60;

pub(super) async fn requests(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    query: Result<Query<ListQuery>, Problem>,
) -> Response {
    answer(&app, &ctx, query.map(|Query(query)| query)).await
}

/// The same list by what was filled in: a name or a telephone number stands in no address.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(query): Form<ListQuery>,
) -> Response {
    answer(&app, &ctx, Ok(query)).await
}

async fn answer(app: &App, ctx: &Ctx, query: Result<ListQuery, Problem>) -> Response {
    let drawn = match query {
        Ok(query) => draw(app, ctx, query).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

/// Whether the actor may do something within its own scope.
pub(super) fn may(ctx: &Ctx, action: Action) -> bool {
    !ctx.actor.areas.is_empty() && policy::allows(&ctx.actor, action, Relation::InScope) == Decision::Allow
}

/// Refuses as the API does: 403 to a person who could if the request were theirs, 404 to all others.
pub(super) fn require(ctx: &Ctx, action: Action) -> Result<(), Problem> {
    let relation = if may(ctx, action) { Relation::InScope } else { Relation::Outside };
    policy::allows(&ctx.actor, action, relation).require()
}

async fn draw(app: &App, ctx: &Ctx, mut query: ListQuery) -> Result<Markup, Problem> {
    query.limit = Some(ROWS);
    query.open.get_or_insert_with(|| "true".to_owned());
    let rows = api::listed(app, ctx, &query).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let communities = communities(app, ctx).await?;
    let after = query.after.as_deref().filter(|a| !a.is_empty());
    let live = Live {
        events: "/v1/requests/events",
        form: Some("filters"),
        after,
        seconds: Some(REREAD_SECONDS),
        ..Live::default()
    };
    let body = html! {
        div.spread {
            h1 { (t("requests-title")) }
            div.toolbar {
                @if may(ctx, Action::Import) { a.button href="/requests/import" { (t("request-import")) } }
                @if may(ctx, Action::RequestCreate) {
                    a.button.primary #new-request href="/requests/new" accesskey="n" { (t("request-new")) }
                }
            }
        }
        (filters(lang, &query, &communities))
        (page::live("requests", live, &table(ctx, &query, &rows)))
    };
    let scripts = ["/static/live.js", "/static/send.js", "/static/needs-analysis/requests.js"];
    Ok(app.deps.frame.page(lang, &t("requests-title"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The communities of the actor's scope, for the filter.
async fn communities(app: &App, ctx: &Ctx) -> Result<Vec<Area>, Problem> {
    if ctx.actor.areas.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = app.deps.db.read().await?;
    let scope = store::scope_codes(&mut conn, &ctx.actor, crate::local_day(ctx.now())).await?;
    let all = store::list(&mut conn, Some(Level::Community), "", 200).await?;
    Ok(all.into_iter().filter(|a| scope.contains(&a.code)).collect())
}

fn filters(lang: Lang, query: &ListQuery, communities: &[Area]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let chosen = |of: &Option<String>, value: &str| of.as_deref() == Some(value);
    let state = |s: &RequestStateName| page::pick(s, texts::state(lang, *s), chosen(&query.state, s.as_str()));
    let category =
        |c: &Category| page::pick(c.as_str(), texts::category(lang, *c), chosen(&query.category, c.as_str()));
    let area = |a: &Area| {
        let name = a.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&a.name_zh);
        page::pick(&a.code, name, chosen(&query.area, &a.code.to_string()))
    };
    let [all, search, states, categories, areas, scope] =
        ["filter-all", "filter-search", "filter-state", "filter-category", "filter-area", "filter-open"].map(t);
    let q = query.q.as_deref().unwrap_or_default();
    let open = query.open.as_deref() == Some("true");
    let scopes = [page::pick("true", t("filter-open-only"), open), page::pick("false", &all, !open)];
    let select = |name, label| Select { name, label, none: Some(&all), ..Select::default() };
    let fields = html! {
        (Field { name: "q", label: &search, kind: "search", value: q, chars_max: 60, ..Field::default() }.draw(lang, &Errors::default()))
        (select("state", &states).draw(&RequestStateName::ALL.iter().map(state).collect::<Vec<_>>()))
        (select("category", &categories).draw(&Category::ALL.iter().map(category).collect::<Vec<_>>()))
        @if !communities.is_empty() { (select("area", &areas).draw(&communities.iter().map(area).collect::<Vec<_>>())) }
        (Select { name: "open", label: &scope, ..Select::default() }.draw(&scopes))
    };
    page::filters("filters", "/requests", &t("filter-apply"), &fields)
}

fn table(ctx: &Ctx, query: &ListQuery, rows: &Page<RequestView>) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    if rows.items.is_empty() {
        let next = if may(ctx, Action::RequestCreate) { "no-requests-next" } else { "no-requests-agency" };
        let add = t("request-new");
        let link = may(ctx, Action::RequestCreate).then_some(("/requests/new", add.as_str()));
        return page::empty(&format!("{} {}", t("no-requests"), t(next)), link);
    }
    let heads = ["head-received", "head-elder", "head-place", "head-need", "head-state", "head-due", "head-do"].map(t);
    let later = query.after.as_deref().is_some_and(|a| !a.is_empty());
    let at = Pager { form: "filters", later, next: rows.next.as_deref() };
    html! {
        @if rows.items.iter().any(|r| r.masked) { p.faint { (t("masked")) } }
        div.scroll {
            table.table {
                (page::head(&heads.each_ref().map(String::as_str)))
                tbody { @for r in &rows.items { (row(ctx, r)) } }
            }
        }
        (page::count_of_page(lang, rows.items.len(), at))
        (page::pager(lang, at))
    }
}

fn row(ctx: &Ctx, r: &RequestView) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let late = r.sla.is_some_and(|s| s.status == SlaStatus::Breached);
    let direct = |s: &&RequestStepName| {
        matches!(s, RequestStepName::Accept | RequestStepName::FollowUp | RequestStepName::Close)
    };
    html! {
        tr class=[late.then_some("late")] {
            td data-label=(t("head-received")) { (words::moment(ctx, r.received_at)) }
            td data-label=(t("head-elder")) {
                a href=(format!("/requests/{}", r.id)) { (r.elder_name) }
                (words::departed(lang, r))
                @if let Some(phone) = &r.phone { br; span.number { (phone) } }
            }
            td data-label=(t("head-place")) {
                (r.area_name)
                @if let Some(address) = &r.address { br; span.faint { (address) } }
            }
            td data-label=(t("head-need")) {
                (texts::category(lang, r.category))
                @if r.urgency != crate::request::Urgency::Normal {
                    " " (page::badge(Tone::Warn, &texts::urgency(lang, r.urgency)))
                }
                @if let Some(note) = &r.note { br; span.faint { (short(note)) } }
            }
            td data-label=(t("head-state")) {
                (words::state(lang, r.state))
                @if let Some(agency) = &r.agency_name { br; span.faint { (agency) } }
            }
            td data-label=(t("head-due")) { (words::clock(lang, r.sla, ctx.now())) }
            td data-label=(t("head-do")) {
                @for step in r.legal.iter().filter(direct) {
                    (press(lang, r, *step))
                    " "
                }
                a.button href=(format!("/requests/{}", r.id)) { (t("open-request")) }
            }
        }
    }
}

/// A step that needs no words.
fn press(lang: Lang, r: &RequestView, step: RequestStepName) -> Markup {
    let call = format!("POST /v1/requests/{}/{}", r.id, step.as_str());
    let done = TEXTS.get(lang, "done-step");
    let send = Send { done: Some(&done), then: Some("stay"), ..Send::step(&call, r.version) };
    let id = format!("{}-{}", step.as_str(), r.id);
    page::press(&id, "button primary", send, &texts::step(lang, step.as_str()))
}

/// The first words of a note.
fn short(note: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut text: String = note.chars().take(CHARS_MAX).collect();
    if note.chars().count() > CHARS_MAX {
        text.push('…');
    }
    text
}
