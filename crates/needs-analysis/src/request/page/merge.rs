//! Merging by looking: the open requests that one may be about, what they say beside what it says, and the way back.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::page::{self, Errors, Field, Send};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::desk::{self, DeskTyped, told};
use crate::App;
use crate::policy::Action;
use crate::request::id::RequestId;
use crate::request::list::ListQuery;
use crate::request::model::Request;
use crate::request::step::RequestStepName;
use crate::request::view::RequestView;
use crate::request::{api, merged};
use crate::texts::{self, TEXTS};

/// Rows that a search shows.
const ROWS: u32 = 20;

/// The text that another request is looked for by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MergeQuery {
    q: String,
}

pub(super) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    id: Result<Path<RequestId>, Problem>,
) -> Response {
    answer(&app, &ctx, id, "").await
}

/// The same by what was looked for: a name or a number stands in no address.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    id: Result<Path<RequestId>, Problem>,
    Form(query): Form<MergeQuery>,
) -> Response {
    answer(&app, &ctx, id, query.q.trim()).await
}

async fn answer(app: &App, ctx: &Ctx, id: Result<Path<RequestId>, Problem>, q: &str) -> Response {
    let drawn = match id {
        Ok(Path(id)) => draw(app, ctx, id, q).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: RequestId, q: &str) -> Result<Markup, Problem> {
    let request = one(app, ctx, id).await?;
    let others = if request.legal.contains(&RequestStepName::Merge) {
        candidates(app, ctx, &request, q).await?
    } else {
        Vec::new()
    };
    let inside = inside(app, ctx, id).await?;
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let title = format!("{} · {}", t("merge-title"), request.elder_name);
    let body = html! {
        p { a href=(format!("/requests/{id}")) { "← " (t("merge-back")) } }
        h1 { (title) }
        section.card.next { (told(ctx, &request)) (back(ctx, &request)) }
        @if request.legal.contains(&RequestStepName::Merge) {
            section aria-labelledby="others" {
                h2 #others { (t("merge-others")) }
                (search(ctx, id, q))
                @if others.is_empty() { p.faint { (t("merge-none")) } }
                ul.plain-list { @for other in &others { (candidate(ctx, &request, other)) } }
            }
        }
        @if !inside.is_empty() {
            section aria-labelledby="inside" {
                h2 #inside { (t("merge-inside")) }
                ul.plain-list { @for other in &inside { li.card { (told(ctx, other)) (back(ctx, other)) } } }
            }
        }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/requests", &["/static/send.js"], &body))
}

/// A request as the reader sees it who may handle it.
async fn one(app: &App, ctx: &Ctx, id: RequestId) -> Result<RequestView, Problem> {
    let mut conn = app.deps.db.read().await?;
    let request = Request::find(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let standing = request.stance(app, &mut conn, ctx).await?;
    Request::sees(ctx, &standing).require()?;
    standing.allows(ctx, Action::RequestHandle).require()?;
    Request::view(app, &mut conn, ctx, id).await
}

/// The open requests that it may be about, or those that were looked for.
async fn candidates(app: &App, ctx: &Ctx, r: &RequestView, q: &str) -> Result<Vec<RequestView>, Problem> {
    if q.is_empty() {
        let typed = DeskTyped {
            phone: r.phone.clone().unwrap_or_default(),
            elder_name: r.elder_name.clone(),
            area_code: r.area_code.clone(),
            ..DeskTyped::default()
        };
        return desk::like(app, ctx, r.id, &typed).await;
    }
    let query =
        ListQuery { open: Some("true".to_owned()), q: Some(q.to_owned()), limit: Some(ROWS), ..ListQuery::default() };
    let found = api::listed(app, ctx, &query).await?.items;
    Ok(found.into_iter().filter(|other| other.id != r.id).collect())
}

/// The requests that were merged into it.
async fn inside(app: &App, ctx: &Ctx, id: RequestId) -> Result<Vec<RequestView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let mut views = Vec::new();
    for id in merged::of(&mut conn, id).await? {
        let Some(request) = Request::find(&mut conn, id).await? else { continue };
        let standing = request.stance(app, &mut conn, ctx).await?;
        if Request::sees(ctx, &standing).require().is_ok() {
            views.push(Request::view(app, &mut conn, ctx, id).await?);
        }
    }
    Ok(views)
}

fn search(ctx: &Ctx, id: RequestId, q: &str) -> Markup {
    let [label, find] = ["filter-search", "filter-apply"].map(|key| TEXTS.get(ctx.lang, key));
    let field = Field { name: "q", label: &label, kind: "search", value: q, chars_max: 60, ..Field::default() };
    page::filters("look", &format!("/requests/{id}/merge"), &find, &field.draw(ctx.lang, &Errors::default()))
}

/// Another request with what it says, and the press by which this one goes on in it.
fn candidate(ctx: &Ctx, r: &RequestView, other: &RequestView) -> Markup {
    let lang = ctx.lang;
    let call = format!("POST /v1/requests/{}/merge", r.id);
    let (done, then) = (TEXTS.get(lang, "done-step"), format!("/requests/{}/merge", other.id));
    let send = Send { done: Some(&done), then: Some(&then), ..Send::step(&call, r.version) };
    let fields = html! {
        input type="hidden" name="into" value=(other.id);
        button.button type="submit" { (TEXTS.get(lang, "merge-into")) }
        " " a href=(format!("/requests/{}", other.id)) target="_blank" { (TEXTS.get(lang, "open-request")) }
    };
    html! { li.card { (told(ctx, other)) (page::form(lang, None, "", send, &fields)) } }
}

/// The way back of one that was merged.
fn back(ctx: &Ctx, r: &RequestView) -> Markup {
    let call = format!("POST /v1/requests/{}/separate", r.id);
    let send = Send::step(&call, r.version);
    html! {
        @if r.legal.contains(&RequestStepName::Separate) {
            p.faint { (TEXTS.get(ctx.lang, "merge-undo-help")) }
            (page::press(&format!("separate-{}", r.id), "button", send, &texts::step(ctx.lang, "separate")))
        }
    }
}
