//! The requests of one person as a part of another service's page, under this service's own permission.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::words;
use crate::App;
use crate::request::api;
use crate::request::list::ListQuery;
use crate::request::view::RequestView;
use crate::texts::{self, TEXTS};

/// Rows of the part.
const ROWS: u32 = 20;

/// Whose requests.
#[derive(Debug, Deserialize)]
pub(super) struct OfPerson {
    person: Uuid,
}

pub(super) async fn part(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Query(of): Query<OfPerson>) -> Response {
    draw(&app, &ctx, of.person).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, person: Uuid) -> Result<Markup, Problem> {
    let query = ListQuery { person: Some(person), limit: Some(ROWS), ..ListQuery::default() };
    let found = api::listed(app, ctx, &query).await?;
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    Ok(html! {
        @if found.items.is_empty() { p.faint { (t("part-none")) } }
        ul.plain-list { @for request in &found.items { li { (line(ctx, request)) } } }
        @if found.next.is_some() { p { a href="/requests" { (t("part-more")) } } }
    })
}

fn line(ctx: &Ctx, r: &RequestView) -> Markup {
    html! {
        a href=(format!("/requests/{}", r.id)) { (texts::category(ctx.lang, r.category)) }
        " " (words::moment(ctx, r.received_at)) " " (words::state(ctx.lang, r.state)) " "
        (words::clock(ctx.lang, r.sla, ctx.now()))
    }
}
