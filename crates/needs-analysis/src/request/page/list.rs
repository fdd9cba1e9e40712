//! The desk's list: the queues with what waits in each, a search, and for each request by when and what comes next.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Live, Pager, Select, Send, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;

use super::{STYLES, alarm, bulk, next, words};
use crate::App;
use crate::area::{Area, Level, store};
use crate::policy::{self, Action, Relation};
use crate::request::api;
use crate::request::category::Category;
use crate::request::list::ListQuery;
use crate::request::queue::{COUNT_MAX, Queue, QueueCounts};
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

/// The choice that shows all requests, the ended ones too.
const ALL: &str = "all";

/// The queue that is asked for: what is open where nothing is said, none for all.
fn asked(query: &ListQuery) -> (Option<String>, Option<Queue>) {
    let said = query.queue.as_deref().filter(|queue| !queue.is_empty());
    let ended = query.state.as_deref().and_then(RequestStateName::from_text).is_some_and(|state| !state.is_open());
    match said {
        Some(ALL) => (None, None),
        Some(name) => (Some(name.to_owned()), Queue::from_text(name)),
        None if ended || query.open.as_deref() == Some("false") => (None, None),
        None => (Some(Queue::Open.as_str().to_owned()), Some(Queue::Open)),
    }
}

async fn draw(app: &App, ctx: &Ctx, mut query: ListQuery) -> Result<Markup, Problem> {
    query.limit = Some(ROWS);
    let (said, queue) = asked(&query);
    query.queue = said;
    let rows = api::listed(app, ctx, &query).await?;
    let counts = api::counted(app, ctx).await?;
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
    let searched = query.q.as_deref().is_some_and(|q| !q.trim().is_empty());
    let list = html! {
        (tabs(lang, queue.filter(|_| !searched), searched, &counts))
        (alarm::waiting(app, ctx).await?)
        @if searched { p.faint { (t("found-in-all")) } }
        (table(ctx, &query, &rows))
    };
    let body = html! {
        link rel="stylesheet" href=(STYLES);
        div.spread {
            h1 { (t("requests-title")) }
            div.toolbar {
                @if may(ctx, Action::Import) { a.button href="/requests/import" { (t("request-import")) } }
                @if may(ctx, Action::RequestCreate) {
                    a.button.primary #new-request href="/requests/new" accesskey="n" { (t("request-new")) }
                }
            }
        }
        (alarm::sound(ctx))
        (filters(lang, &query, queue, &communities))
        @if may(ctx, Action::RequestHandle) { (bulk::bar(app, ctx).await?) }
        (page::live("requests", live, &list))
    };
    let scripts = ["/static/live.js", "/static/send.js", "/static/needs-analysis/requests.js", alarm::SCRIPT];
    Ok(app.deps.frame.page(lang, &t("requests-title"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The queues with how much waits in each, and all requests beside them.
fn tabs(lang: Lang, shown: Option<Queue>, searched: bool, counts: &QueueCounts) -> Markup {
    let tab = |queue: &Queue| {
        let n = counts.of(*queue);
        let alert = n > 0 && matches!(queue, Queue::Urgent | Queue::Overdue);
        let words = if n >= COUNT_MAX {
            TEXTS.with(lang, "queue-many", &[("count", &COUNT_MAX.to_string())])
        } else {
            n.to_string()
        };
        html! {
            a href=(format!("/requests?queue={queue}")) aria-current=[(shown == Some(*queue)).then_some("page")]
                class=[alert.then_some("alert")] title=(texts::queue_help(lang, *queue)) {
                (texts::queue(lang, *queue)) " " span.count { (words) }
            }
        }
    };
    let all = shown.is_none() && !searched;
    html! {
        nav.queues aria-label=(TEXTS.get(lang, "queues")) {
            @for queue in Queue::ALL { (tab(queue)) }
            a href="/requests?queue=all" aria-current=[all.then_some("page")] { (TEXTS.get(lang, "queue-all")) }
        }
    }
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

fn filters(lang: Lang, query: &ListQuery, queue: Option<Queue>, communities: &[Area]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let chosen = |of: &Option<String>, value: &str| of.as_deref() == Some(value);
    let state = |s: &RequestStateName| page::pick(s, texts::state(lang, *s), chosen(&query.state, s.as_str()));
    let category =
        |c: &Category| page::pick(c.as_str(), texts::category(lang, *c), chosen(&query.category, c.as_str()));
    let area = |a: &Area| {
        let name = a.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&a.name_zh);
        page::pick(&a.code, name, chosen(&query.area, &a.code.to_string()))
    };
    let [all, search, states, categories, areas] =
        ["filter-all", "filter-search", "filter-state", "filter-category", "filter-area"].map(t);
    let q = query.q.as_deref().unwrap_or_default();
    let select = |name, label| Select { name, label, none: Some(&all), ..Select::default() };
    let fields = html! {
        input type="hidden" name="queue" value=(queue.map_or(ALL, |queue| queue.as_str()));
        (Field { name: "q", label: &search, kind: "search", value: q, chars_max: 60, ..Field::default() }.draw(lang, &Errors::default()))
        (select("state", &states).draw(&RequestStateName::ALL.iter().map(state).collect::<Vec<_>>()))
        (select("category", &categories).draw(&Category::ALL.iter().map(category).collect::<Vec<_>>()))
        @if !communities.is_empty() { (select("area", &areas).draw(&communities.iter().map(area).collect::<Vec<_>>())) }
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
    let handles = may(ctx, Action::RequestHandle);
    let heads = ["head-due", "head-elder", "head-place", "head-need", "head-state", "head-do"].map(t);
    let heads = heads.each_ref().map(String::as_str);
    let pick = t("head-pick");
    let later = query.after.as_deref().is_some_and(|a| !a.is_empty());
    let at = Pager { form: "filters", later, next: rows.next.as_deref() };
    html! {
        @if rows.items.iter().any(|r| r.masked) { p.faint { (t("masked")) } }
        div.scroll {
            table.table.work {
                @if handles { (page::head(&[&[pick.as_str()], heads.as_slice()].concat())) } @else { (page::head(&heads)) }
                tbody { @for r in &rows.items { (row(ctx, r, handles)) } }
            }
        }
        (page::count_of_page(lang, rows.items.len(), at))
        (page::pager(lang, at))
    }
}

fn row(ctx: &Ctx, r: &RequestView, handles: bool) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let late = r.sla.is_some_and(|s| s.status == SlaStatus::Breached);
    let number = r.number.as_deref().unwrap_or_default();
    let main = next::main(r).filter(|step| next::needs_no_words(*step));
    html! {
        tr class=[late.then_some("late")] {
            @if handles {
                td.pick {
                    @if !r.masked && r.state.is_open() {
                        label.hit { input type="checkbox" name="picked" value=(r.id) data-version=(r.version)
                            aria-label=(TEXTS.with(lang, "pick-one", &[("number", number)])); }
                    }
                }
            }
            td data-label=(t("head-due")) {
                (words::clock(lang, r.sla, ctx.now()))
                br; span.faint { (words::moment(ctx, r.received_at)) }
            }
            td data-label=(t("head-elder")) {
                a href=(format!("/requests/{}", r.id)) { (r.elder_name) }
                (words::departed(lang, r))
                @if let Some(phone) = &r.phone { br; span.number { (phone) } }
                br; span.faint.number { (number) }
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
                @if let Some(assignee) = &r.assignee { br; span.faint { (TEXTS.with(lang, "in-hand", &[("name", &assignee.name)])) } }
            }
            td data-label=(t("head-do")) {
                @if let Some(step) = main { (press(lang, r, step)) " " }
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
