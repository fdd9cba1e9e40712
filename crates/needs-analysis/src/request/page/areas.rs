//! The areas that what is typed may mean, as choices of a list.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::list::require;
use crate::App;
use crate::area::Level;
use crate::area::search::{PlacedArea, fitting, in_scope};
use crate::local_day;
use crate::policy::Action;

/// Areas that one answer offers at most.
const FOUND_MAX: usize = 12;
/// Areas that the page offers before anything is typed.
const FIRST_MAX: usize = 60;

/// The text that is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AreaTyped {
    q: String,
}

pub(super) async fn areas(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(typed): Form<AreaTyped>,
) -> Response {
    draw(&app, &ctx, &typed.q).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, typed: &str) -> Result<Markup, Problem> {
    require(ctx, Action::RequestCreate)?;
    let all = in_scope(&mut app.deps.db.read().await?, &ctx.actor, local_day(ctx.now())).await?;
    let choices = fitting(all, typed, FOUND_MAX).into_iter().map(|placed| choice(ctx.lang, &placed));
    Ok(html! { select { @for c in choices { option value=(c.value) { (c.words) } } } })
}

/// The areas that the page has before anything is typed: the communities; where there is one alone, its compounds too.
pub(super) async fn first(app: &App, ctx: &Ctx) -> Result<Vec<Choice>, Problem> {
    let mut all = in_scope(&mut app.deps.db.read().await?, &ctx.actor, local_day(ctx.now())).await?;
    let communities = all.iter().filter(|placed| placed.area.level == Level::Community).count();
    let smallest = if communities > 1 { Level::Community } else { Level::Compound };
    let highest = all.iter().map(|placed| placed.area.level).max();
    all.retain(|placed| placed.area.level >= smallest || Some(placed.area.level) == highest);
    all.truncate(FIRST_MAX);
    Ok(all.iter().map(|placed| choice(ctx.lang, placed)).collect())
}

/// An area with the one that it lies in, where its own name may be that of many.
fn choice(lang: Lang, placed: &PlacedArea) -> Choice {
    let name =
        |zh: &str, en: Option<&String>| en.filter(|_| lang == Lang::En).map_or_else(|| zh.to_owned(), Clone::clone);
    let own = name(&placed.area.name_zh, placed.area.name_en.as_ref());
    let small = placed.area.level < Level::Community;
    let within = placed.within_zh.as_deref().filter(|_| small).map(|zh| name(zh, placed.within_en.as_ref()));
    let words = within.map_or_else(|| own.clone(), |within| format!("{own} · {within}"));
    page::pick(&placed.area.code, words, false)
}
