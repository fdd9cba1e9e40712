//! The closing rate, the times and the share sent up of a month, with what each number is.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Select};
use sanbao_platform::problem::Problem;

use super::{areas, choices, styles, t, words};
use crate::App;
use crate::area::Level;
use crate::matter::api;
use crate::matter::figures::{MatterFigure, MatterFigures, MatterNumbers};
use crate::matter::input::FiguresQuery;
use crate::matter::policy::may;
use crate::policy::Action;
use crate::texts::{self, TEXTS};

/// The columns behind the first, as the keys of their heads name them, each with its definition below the table.
const COLUMNS: [&str; 7] = ["raised", "settled", "sent-up", "closing-rate", "share", "median", "p90"];

pub(super) async fn figures(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    query: Result<Query<FiguresQuery>, Problem>,
) -> Response {
    answer(&app, &ctx, query.map(|Query(query)| query)).await
}

/// The same by what was filled in.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(query): Form<FiguresQuery>,
) -> Response {
    answer(&app, &ctx, Ok(query)).await
}

async fn answer(app: &App, ctx: &Ctx, query: Result<FiguresQuery, Problem>) -> Response {
    let drawn = match query {
        Ok(query) => draw(app, ctx, &query).await,
        Err(problem) => Err(problem),
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, query: &FiguresQuery) -> Result<Markup, Problem> {
    let found = api::counted(app, ctx, query).await?;
    let lang = ctx.lang;
    let areas = areas(app, ctx, Level::Grid).await?;
    let [month, area] = ["figures-month", "figures-area"].map(|key| t(lang, key));
    let fields = html! {
        (Field { name: "month", label: &month, kind: "month", value: &found.month, required: true, ..Field::default() }
            .draw(lang, &Errors::default()))
        @if areas.len() > 1 {
            (Select { name: "area", label: &area, ..Select::default() }.draw(&choices(lang, &areas, Some(&found.area_code))))
        }
    };
    let file =
        page::address("/v1/matters/figures.csv", &[("month", Some(&found.month)), ("area", Some(&found.area_code))]);
    let (own, parts): (Vec<_>, Vec<_>) = found.items.iter().partition(|item| item.area_code == found.area_code);
    let parts: Vec<_> = parts.into_iter().filter(|item| item.level.is_none()).collect();
    let title = t(lang, "figures-title");
    let body = html! {
        (styles())
        @if may(ctx, Action::MatterRead) { (super::back(lang)) }
        div.spread {
            h1 { (title) " · " (found.area_name) }
            a.button href=(file) download { (t(lang, "figures-file")) }
        }
        (page::filters("filters", "/matters/figures", &t(lang, "filter-apply"), &fields))
        (section(lang, &found, "figures-by-level", "matters-level", &own, |item| html! { (level(lang, item)) }))
        @if !parts.is_empty() {
            (section(lang, &found, "figures-by-area", "matters-area", &parts, |item| part(&found, item)))
        }
        (definitions(lang))
    };
    let here = if may(ctx, Action::MatterRead) { "/matters" } else { "/matters/figures" };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), here, &[], &body))
}

fn level(lang: Lang, item: &MatterFigure) -> String {
    item.level.map_or_else(|| t(lang, "matter-levels-all"), |level| texts::level(lang, level))
}

/// A part of the area, which leads to its own figures.
fn part(of: &MatterFigures, item: &MatterFigure) -> Markup {
    let to = page::address("/matters/figures", &[("month", Some(&of.month)), ("area", Some(&item.area_code))]);
    html! { a href=(to) { (item.area_name) } }
}

fn section(
    lang: Lang,
    of: &MatterFigures,
    title: &str,
    first: &str,
    items: &[&MatterFigure],
    name: impl Fn(&MatterFigure) -> Markup,
) -> Markup {
    let first = t(lang, first);
    let heads = COLUMNS.map(|column| t(lang, &format!("figures-{column}")));
    html! {
        section aria-labelledby=(title) {
            h2 id=(title) { (t(lang, title)) span.faint { " · " (of.month) } }
            div.scroll role="region" aria-labelledby=(title) tabindex="0" {
                table.table {
                    thead { tr {
                        th scope="col" { (first) }
                        @for head in &heads { th.number scope="col" { (head) } }
                    } }
                    tbody { @for item in items {
                        tr {
                            th scope="row" data-label=(first) { (name(item)) }
                            @for (head, cell) in heads.iter().zip(cells(lang, item.numbers)) {
                                td.number data-label=(head) { (cell) }
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// The cells behind the first; what is too few for a rate says of how many it is.
fn cells(lang: Lang, n: MatterNumbers) -> [String; 7] {
    let rate = |percent: Option<i64>, part: i64, whole: i64| {
        let of = [("part", part.to_string()), ("whole", whole.to_string())];
        let of: Vec<(&str, &str)> = of.iter().map(|(name, n)| (*name, n.as_str())).collect();
        match percent {
            _ if whole == 0 => "—".to_owned(),
            Some(percent) => {
                let percent = percent.to_string();
                TEXTS.with(lang, "figures-rate", &[of.as_slice(), &[("percent", percent.as_str())]].concat())
            }
            None => TEXTS.with(lang, "figures-few", &of),
        }
    };
    let time = |minutes: Option<i64>| minutes.map_or_else(|| "—".to_owned(), |n| words(lang).duration(n));
    let share = match n.sent_up_percent {
        Some(percent) => TEXTS.with(lang, "figures-percent", &[("percent", &percent.to_string())]),
        None => "—".to_owned(),
    };
    [
        n.raised.to_string(),
        n.settled.to_string(),
        n.sent_up.to_string(),
        rate(n.closing_rate_percent, n.in_time, n.due),
        share,
        time(n.median_minutes),
        time(n.p90_minutes),
    ]
}

/// The definition of each column.
fn definitions(lang: Lang) -> Markup {
    html! {
        section aria-labelledby="definitions" {
            h2 #definitions { (t(lang, "figures-definitions")) }
            dl.facts.definitions {
                @for column in COLUMNS {
                    dt { (t(lang, &format!("figures-{column}"))) }
                    dd { (t(lang, &format!("figures-{column}-is"))) }
                }
            }
            p { (t(lang, "figures-note")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = COLUMNS.iter().flat_map(|column| [format!("figures-{column}"), format!("figures-{column}-is")]);
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }

    #[test]
    fn few_are_told_as_how_many_of_how_many() {
        let of = |in_time, due, percent| {
            let n = MatterNumbers { in_time, due, closing_rate_percent: percent, ..MatterNumbers::default() };
            cells(Lang::Zh, n)[3].clone()
        };
        assert_eq!([of(3, 4, None), of(9, 10, Some(90)), of(0, 0, None)], ["3／4", "90%（9／10）", "—"]);
    }
}
