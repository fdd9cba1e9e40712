//! The list: filters, states, clocks, and a button for each step that needs no words.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::words;
use crate::texts::{self, TEXTS};
use crate::App;
use crate::area::{Level, tree};
use crate::policy::{self, Action, Relation};
use crate::request::category::Category;
use crate::request::api;
use crate::request::list::ListQuery;
use crate::request::sla::SlaStatus;
use crate::request::state::RequestStateName;
use crate::request::step::RequestStepName;
use crate::request::view::RequestView;

/// Rows of a page: a screen and a half of a desktop.
const ROWS: u32 = 30;

pub(super) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    query: Result<Query<ListQuery>, Problem>,
) -> Response {
    let drawn = match query {
        Ok(Query(query)) => draw(&app, &ctx, query).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, maud::Markup::into_response)
}

/// Whether the actor may do something within its own scope.
pub(super) fn may(ctx: &Ctx, action: Action) -> bool {
    !ctx.actor.areas.is_empty() && policy::allows(&ctx.actor, action, Relation::InScope) == Decision::Allow
}

async fn draw(app: &App, ctx: &Ctx, mut query: ListQuery) -> Result<Markup, Problem> {
    query.limit = Some(ROWS);
    query.open.get_or_insert_with(|| "true".to_owned());
    let rows = api::listed(app, ctx, &query).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let communities = communities(app, ctx).await?;
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
        div #requests data-live="/v1/requests/events" { (table(ctx, &query, &rows)) }
    };
    let scripts = ["/static/requests.js", "/static/live.js"];
    Ok(app.deps.frame.page(lang, &t("requests-title"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The communities of the actor's scope, for the filter.
async fn communities(app: &App, ctx: &Ctx) -> Result<Vec<tree::Area>, Problem> {
    if ctx.actor.areas.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = app.deps.db.read().await?;
    let scope = tree::scope_codes(&mut conn, &ctx.actor, crate::local_day(ctx.now())).await?;
    let all = tree::list(&mut conn, Some(Level::Community), "", 200).await?;
    Ok(all.into_iter().filter(|a| scope.contains(&a.code)).collect())
}

/// A choice of one, with a way to choose none.
fn select(lang: Lang, name: &str, label: &str, chosen: Option<&String>, options: &[(String, String)]) -> Markup {
    html! {
        div.field {
            label for=(name) { (TEXTS.get(lang, label)) }
            select id=(name) name=(name) {
                option value="" { (TEXTS.get(lang, "filter-all")) }
                @for (value, words) in options {
                    option value=(value) selected[chosen == Some(value)] { (words) }
                }
            }
        }
    }
}

fn filters(lang: Lang, query: &ListQuery, communities: &[tree::Area]) -> Markup {
    let word = |zh: &str, en: &str| lang.pick(zh, en).to_owned();
    let states: Vec<_> = RequestStateName::ALL.iter().map(|s| (s.as_str().to_owned(), texts::state(lang, *s))).collect();
    let categories: Vec<_> = Category::ALL.iter().map(|c| (c.as_str().to_owned(), word(c.zh(), c.en()))).collect();
    let name = |a: &tree::Area| a.name_en.clone().filter(|_| lang == Lang::En).unwrap_or_else(|| a.name_zh.clone());
    let areas: Vec<_> = communities.iter().map(|a| (a.code.to_string(), name(a))).collect();
    let open = query.open.as_deref() == Some("true");
    html! {
        form.toolbar method="get" action="/requests" role="search" {
            div.field {
                label for="q" { (TEXTS.get(lang, "filter-search")) }
                input #q type="search" name="q" maxlength="60" value=(query.q.as_deref().unwrap_or_default());
            }
            (select(lang, "state", "filter-state", query.state.as_ref(), &states))
            (select(lang, "category", "filter-category", query.category.as_ref(), &categories))
            @if !areas.is_empty() { (select(lang, "area", "filter-area", query.area.as_ref(), &areas)) }
            div.field {
                label for="open" { (TEXTS.get(lang, "filter-open")) }
                select #open name="open" {
                    option value="true" selected[open] { (TEXTS.get(lang, "filter-open-only")) }
                    option value="false" selected[!open] { (TEXTS.get(lang, "filter-all")) }
                }
            }
            button.button type="submit" { (TEXTS.get(lang, "filter-apply")) }
        }
    }
}

fn table(ctx: &Ctx, query: &ListQuery, rows: &Page<RequestView>) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    if rows.items.is_empty() {
        let next = if may(ctx, Action::RequestCreate) { "no-requests-next" } else { "no-requests-agency" };
        return html! { div.empty { p.strong { (t("no-requests")) } p { (t(next)) } } };
    }
    let heads = ["head-received", "head-elder", "head-place", "head-need", "head-state", "head-due", "head-do"];
    html! {
        @if rows.items.iter().any(|r| r.masked) { p.faint { (t("masked")) } }
        div.scroll {
            table.table {
                thead { tr { @for head in heads { th scope="col" { (t(head)) } } } }
                tbody { @for r in &rows.items { (row(ctx, r)) } }
            }
        }
        nav.toolbar {
            @if query.after.as_deref().is_some_and(|a| !a.is_empty()) {
                a.button href=(link(query, None)) { (t("first-page")) }
            }
            @if let Some(next) = &rows.next { a.button rel="next" href=(link(query, Some(next))) { (t("next-page")) } }
        }
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
            td data-label=(t("head-received")) { (words::moment(lang, r.received_at)) }
            td data-label=(t("head-elder")) {
                a href=(format!("/requests/{}", r.id)) { (r.elder_name) }
                @if let Some(phone) = &r.phone { br; span.number { (phone) } }
            }
            td data-label=(t("head-place")) {
                (r.area_name)
                @if let Some(address) = &r.address { br; span.faint { (address) } }
            }
            td data-label=(t("head-need")) {
                (lang.pick(r.category.zh(), r.category.en()))
                @if r.urgency != crate::request::Urgency::Normal {
                    " " span.badge.warn { (lang.pick(r.urgency.zh(), r.urgency.en())) }
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
                    button.button.primary type="button" id=(format!("{}-{}", step.as_str(), r.id))
                        data-step=(format!("/v1/requests/{}/{}", r.id, step.as_str())) data-version=(r.version)
                        data-done=(t("done-step")) { (texts::step(lang, step.as_str())) }
                    " "
                }
                a.button href=(format!("/requests/{}", r.id)) { (t("open-request")) }
            }
        }
    }
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

/// The same list, from another row on.
fn link(query: &ListQuery, after: Option<&str>) -> String {
    let fields = [
        ("state", query.state.as_deref()),
        ("category", query.category.as_deref()),
        ("area", query.area.as_deref()),
        ("open", query.open.as_deref()),
        ("q", query.q.as_deref()),
        ("after", after),
    ];
    let set = fields.iter().filter_map(|(name, value)| value.filter(|v| !v.is_empty()).map(|v| (name, v)));
    let pairs: Vec<String> = set.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/requests?{}", pairs.join("&"))
}

/// A value as it stands in a query (RFC 3986 §2.1).
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}
