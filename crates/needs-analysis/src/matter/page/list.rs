//! The lists: of what lies with the reader, of what went up, and for those who have levels below of what lies there.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::page::{self, Field, Live, Pager, Select};
use sanbao_platform::problem::Problem;

use super::{areas, choices, clock, lies_with, state, styles, t, title, words};
use crate::App;
use crate::area::{Area, Level};
use crate::matter::api;
use crate::matter::input::MatterQuery;
use crate::matter::policy::may;
use crate::matter::state::MatterStepName;
use crate::matter::view::MatterView;
use crate::policy::Action;
use crate::request::sla::SlaStatus;
use crate::texts::{self, TEXTS};

/// Matters of a page.
const ROWS: u32 = 30;
/// Clocks run out by themselves; the list is read so often, in seconds.
const REREAD_SECONDS: u32 = 60;
/// The lists that one may ask for, the first being the page as it opens.
const LISTS: &[&str] = &["mine", "sent", "below", "ended"];

pub(super) async fn matters(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    query: Result<Query<MatterQuery>, Problem>,
) -> Response {
    answer(&app, &ctx, query.map(|Query(query)| query)).await
}

/// The same list by what was filled in.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(query): Form<MatterQuery>,
) -> Response {
    answer(&app, &ctx, Ok(query)).await
}

async fn answer(app: &App, ctx: &Ctx, query: Result<MatterQuery, Problem>) -> Response {
    let drawn = match query {
        Ok(query) => draw(app, ctx, query).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

fn which(query: &MatterQuery) -> &str {
    query.which.as_deref().filter(|which| LISTS.contains(which)).unwrap_or("mine")
}

async fn draw(app: &App, ctx: &Ctx, mut query: MatterQuery) -> Result<Markup, Problem> {
    query.limit = Some(ROWS);
    let rows = api::listed(app, ctx, &query).await?;
    let first = which(&query) == "mine" && query.after.as_deref().is_none_or(str::is_empty);
    let sent = if first {
        let asked = MatterQuery { which: Some("sent".to_owned()), after: None, ..query.clone() };
        Some(api::listed(app, ctx, &asked).await?)
    } else {
        None
    };
    let lang = ctx.lang;
    let areas = areas(app, ctx, Level::Building).await?;
    let after = query.after.as_deref().filter(|after| !after.is_empty());
    let live = Live {
        events: "/v1/matters/events",
        form: Some("filters"),
        after,
        seconds: Some(REREAD_SECONDS),
        ..Live::default()
    };
    let part = html! {
        (section(ctx, &query, which(&query), &rows, true))
        @if let Some(sent) = &sent { (section(ctx, &query, "sent", sent, false)) }
    };
    let body = html! {
        (styles())
        div.spread {
            h1 { (t(lang, "matters-title")) }
            @if may(ctx, Action::MatterRaise) {
                a.button.primary.large href="/matters/new" { (t(lang, "matter-new")) }
            }
        }
        p.toolbar {
            a href="/doors" { (t(lang, "doors-title")) }
            @if may(ctx, Action::MatterFigures) { a href="/matters/figures" { (t(lang, "figures-title")) } }
        }
        (filters(ctx, &query, &areas))
        (page::live("matters", live, &part))
    };
    Ok(app.deps.frame.page(lang, &t(lang, "matters-title"), Some(&ctx.actor), "/matters", &["/static/live.js"], &body))
}

fn filters(ctx: &Ctx, query: &MatterQuery, areas: &[Area]) -> Markup {
    let lang = ctx.lang;
    let [show, level, area, month, all] =
        ["matters-show", "matters-level", "matters-area", "figures-month", "doors-all"].map(|key| t(lang, key));
    // Somebody with one stair has nothing below.
    let below = areas.len() > 1;
    let list = |name: &&&str| page::pick(name, t(lang, &format!("matters-{name}")), which(query) == **name);
    let lists = LISTS.iter().filter(|name| below || **name != "below");
    let chosen = query.level.as_deref().unwrap_or_default();
    let levels = Level::ALL.iter().map(|l| page::pick(l, texts::level(lang, *l), chosen == l.as_str()));
    let select = |name, label, none| Select { name, label, none, ..Select::default() };
    let month_value = query.month.as_deref().unwrap_or_default();
    let fields = &html! {
        (select("which", &show, None).draw(&lists.map(|name| list(&name)).collect::<Vec<_>>()))
        @if below {
            (select("level", &level, Some(all.as_str())).draw(&levels.collect::<Vec<_>>()))
            (select("area", &area, Some(all.as_str())).draw(&choices(lang, areas, query.area.as_deref())))
        }
        @if which(query) == "ended" {
            (Field { name: "month", label: &month, kind: "month", value: month_value, required: true, ..Field::default() }
                .draw(lang, &page::Errors::default()))
        }
    };
    let form = page::filters("filters", "/matters", &t(lang, "filter-apply"), fields);
    // Those of a stair or a grid have few: on their telephones the list comes first.
    if areas.iter().any(|area| area.level >= Level::Community) {
        return form;
    }
    let open =
        which(query) != "mine" || !chosen.is_empty() || query.area.as_deref().is_some_and(|area| !area.is_empty());
    html! { details #filter open[open] { summary { (t(lang, "matters-filter")) } (form) } }
}

fn section(ctx: &Ctx, query: &MatterQuery, name: &str, rows: &Page<MatterView>, paged: bool) -> Markup {
    let lang = ctx.lang;
    let later = query.after.as_deref().is_some_and(|after| !after.is_empty());
    let at = Pager { form: "filters", later, next: rows.next.as_deref() };
    html! {
        section aria-labelledby=(name) {
            h2 id=(name) { (t(lang, &format!("matters-{name}"))) }
            @if rows.items.is_empty() { (page::empty(&t(lang, &format!("matters-{name}-none")), None)) }
            @else {
                ul.plain-list.matters { @for matter in &rows.items { (card(ctx, matter)) } }
                @if paged {
                    (page::count_of_page(lang, rows.items.len(), at))
                    (page::pager(lang, at))
                } @else {
                    (page::count(lang, rows.items.len(), rows.next.is_some()))
                    @if rows.next.is_some() { p { (t(lang, "matters-sent-more")) } }
                }
            }
        }
    }
}

fn card(ctx: &Ctx, m: &MatterView) -> Markup {
    let lang = ctx.lang;
    let next = m.legal.iter().find(|step| **step != MatterStepName::TakeBack);
    html! {
        li.card.late[m.status == Some(SlaStatus::Breached)] {
            h3 { a href=(format!("/matters/{}", m.id)) { (title(lang, m)) } }
            p { (state(lang, m)) " " (clock(lang, m, ctx.now())) }
            p.faint { (texts::matter_kind(lang, m.kind)) " · " (m.area_name) " · " (words(lang).near(m.raised_at, ctx.now())) }
            p { (TEXTS.with(lang, "matter-lies-with", &[("place", &lies_with(lang, m))])) }
            @if let Some(said) = &m.said { p.said { (said) } }
            @if let Some(step) = next.filter(|step| **step != MatterStepName::Reopen) {
                p { a.button href=(format!("/matters/{}#do-{step}", m.id)) { (texts::matter_step(lang, *step)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        assert_eq!(
            TEXTS.lacking(LISTS.iter().flat_map(|name| [format!("matters-{name}"), format!("matters-{name}-none")])),
            [""; 0]
        );
    }

    #[test]
    fn a_page_opens_with_what_lies_with_the_reader() {
        assert_eq!(which(&MatterQuery::default()), "mine");
        assert_eq!(which(&MatterQuery { which: Some("ended".into()), ..MatterQuery::default() }), "ended");
    }
}
