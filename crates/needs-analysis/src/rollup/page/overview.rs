//! The needs overview: one area over a period, as charts, as tables, as a file.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{PageCtx, Query};
use sanbao_platform::page::{self, Choice, Errors, Field, Select};
use sanbao_platform::problem::Problem;

use super::tables::{self, Row};
use super::words::{Sort, View};
use crate::area::{self, Area, AreaCode};
use crate::policy::{self, Action, Relation};
use crate::request::category::Category;
use crate::request::state::RequestStateName;
use crate::rollup::api::{CountsQuery, name_of};
use crate::rollup::chart::{self, Bar, Point, Words};
use crate::rollup::period::{By, DAYS_BY_DAY_MAX};
use crate::rollup::read::{self, Overview, Question};
use crate::texts::{self, TEXTS};
use crate::{App, local_day};

/// Up to so many days the line has a point a day, beyond that a point a month.
const DAILY_POINTS_MAX: i64 = 62;
const _: () = assert!(DAILY_POINTS_MAX <= DAYS_BY_DAY_MAX);

pub(super) async fn overview(
    AppState(app): AppState<App>,
    PageCtx(ctx): PageCtx,
    Query(query): Query<CountsQuery>,
    Query(sort): Query<Sort>,
) -> Result<Response, Problem> {
    policy::allows(&ctx.actor, Action::NeedsRead, Relation::InScope).require()?;
    let today = local_day(ctx.now());
    let whole = |body: &Markup| {
        let title = TEXTS.get(ctx.lang, "rollup-title");
        app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/needs", &[], body)
    };
    let mut conn = app.deps.db.read().await?;
    let own = known_of(&mut conn, &ctx.actor.areas).await?;
    let Some(code) = query.area.clone().or(own) else {
        let body = html! {
            h1 { (TEXTS.get(ctx.lang, "rollup-title")) }
            (page::empty(&TEXTS.get(ctx.lang, "rollup-no-area"), None))
        };
        return Ok(whole(&body).into_response());
    };
    let area = read::visible(&mut conn, &ctx.actor, &code, today).await?;
    let view = View { lang: ctx.lang, actor: &ctx.actor, today, query: &query, area: &area, sort: &sort };
    let (from, to) = query.days(today);
    let by = if (to - from).num_days() < DAILY_POINTS_MAX { By::Day } else { By::Month };
    let body = match query.question(code, by, today) {
        Ok(q) => {
            let found = read::overview(&mut conn, area.clone(), &q, today).await?;
            html! { (head(&view, &found.above)) (form(&view, None)) (content(&view, &q, &found)) }
        }
        Err(problem) => html! { (head(&view, &[])) (form(&view, Some(&problem))) },
    };
    let shown = whole(&html! { (body) p.faint { (view.t("rollup-internal")) } });
    Ok(shown.into_response())
}

/// The first of the actor's areas that the tree knows.
async fn known_of(conn: &mut Conn, areas: &[String]) -> Result<Option<AreaCode>, Problem> {
    for code in areas.iter().filter_map(|text| AreaCode::parse(text).ok()) {
        if area::find(conn, &code).await?.is_some() {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

/// The path down to the area, and its name.
fn head(view: &View<'_>, above: &[Area]) -> Markup {
    // Areas above the actor's own are named but lead nowhere.
    let own = above.iter().rposition(|a| view.actor.areas.iter().any(|c| c == a.code.as_str()));
    html! {
        @if !above.is_empty() { nav aria-label=(view.t("rollup-path")) {
            @for (i, area) in above.iter().enumerate().rev() {
                @if own.is_some_and(|top| i <= top) {
                    a href=(view.address("/needs", &area.code, view.days())) { (name_of(area, view.lang)) }
                } @else { span.faint { (name_of(area, view.lang)) } }
                span.faint aria-hidden="true" { " › " }
            }
            span aria-current="page" { (name_of(view.area, view.lang)) }
        } }
        h1 {
            (view.t("rollup-title")) " · " (name_of(view.area, view.lang)) " "
            span.badge { (texts::level(view.lang, view.area.level)) }
        }
    }
}

/// Periods one picks more often than types.
fn presets(today: NaiveDate) -> [(&'static str, NaiveDate, NaiveDate); 4] {
    let month = today.with_day(1).unwrap_or(today);
    let back = |n| month.checked_sub_months(Months::new(n)).unwrap_or(month);
    [
        ("rollup-this-month", month, today),
        ("rollup-last-month", back(1), month - Days::new(1)),
        ("rollup-three-months", back(2), today),
        ("rollup-twelve-months", back(11), today),
    ]
}

fn form(view: &View<'_>, problem: Option<&Problem>) -> Markup {
    let (from, to) = view.days();
    let errors = problem.map(|p| Errors::of(p, view.lang)).unwrap_or_default();
    let [begin, end, all] = ["rollup-from", "rollup-to", "rollup-all"].map(|key| view.t(key));
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let day = |name, label, value| {
        let field = Field { name, label, value, kind: "date", required: true, ..Field::default() };
        field.draw(view.lang, &errors)
    };
    let category = |c: &Category| page::pick(c.as_str(), view.category(*c), view.query.category == Some(*c));
    let state = |s: &RequestStateName| page::pick(s, texts::state(view.lang, *s), view.query.state == Some(*s));
    let choice = |name, key: &str, choices: Vec<Choice>| {
        Select { name, label: &view.t(key), none: Some(&all), ..Select::default() }.draw(&choices)
    };
    html! {
        (errors.summary())
        nav aria-label=(view.t("rollup-period")) {
            p {
                @for (key, first, last) in presets(view.today) {
                    @let here = ((first, last) == (from, to)).then_some("true");
                    a.button href=(view.address("/needs", &view.area.code, (first, last))) aria-current=[here] { @if here.is_some() { span aria-hidden="true" { "✓" } } (view.t(key)) }
                    " "
                }
            }
        }
        form.toolbar method="get" action="/needs" {
            input type="hidden" name="area" value=(view.area.code);
            (day("from", &begin, &from_text))
            (day("to", &end, &to_text))
            (choice("category", "rollup-category", Category::ALL.iter().map(category).collect()))
            (choice("state", "rollup-state", RequestStateName::ALL.iter().map(state).collect()))
            button.button.primary type="submit" { (view.t("rollup-show")) }
        }
    }
}

fn content(view: &View<'_>, q: &Question, found: &Overview) -> Markup {
    let total = found.counts.total();
    let days = (q.period.from, q.period.to);
    html! {
        section.card.spread aria-label=(view.t("rollup-sum")) {
            div {
                span.big { (total) } " " (view.t("rollup-unit"))
                br;
                span.faint { (view.with("rollup-received-between", &[("from", &days.0.to_string()), ("to", &days.1.to_string())])) }
            }
            a.button href=(format!("{}&by=month", view.address("/v1/needs/counts.csv", &q.area, days))) download { (view.t("rollup-csv")) }
        }
        @if total == 0 {
            (page::empty(&view.t("rollup-empty"), None))
        } @else {
            div.grid {
                (by_category(view, found, total))
                (by_area(view, found, total))
                (by_state(view, found, total))
            }
            (over_time(view, q, found))
        }
        @if !found.children.is_empty() { (tables::areas(view, found, view.sort, days)) }
    }
}

fn by_category(view: &View<'_>, found: &Overview, total: i64) -> Markup {
    let rows = found.counts.by_category().into_iter().map(|(c, n)| (view.category(c), n)).collect();
    ranked(view, "categories", "rollup-by-category", "rollup-category", rows, total)
}

fn by_area(view: &View<'_>, found: &Overview, total: i64) -> Markup {
    if found.children.is_empty() {
        return html! {};
    }
    let own = (view.t("rollup-own"), found.own.total());
    let children = found.children.iter().map(|c| (name_of(&c.area, view.lang).to_owned(), c.counts.total()));
    let rows = children.chain((own.1 != 0).then_some(own)).collect();
    ranked(view, "areas", "rollup-by-area", "rollup-area", rows, total)
}

fn by_state(view: &View<'_>, found: &Overview, total: i64) -> Markup {
    let rows = found.counts.by_state().into_iter().map(|(s, n)| (texts::state(view.lang, s), n)).collect();
    ranked(view, "states", "rollup-by-state", "rollup-state", rows, total)
}

/// Bars from the most to the least, with their table one click away.
fn ranked(view: &View<'_>, id: &str, title: &str, column: &str, mut rows: Vec<(String, i64)>, total: i64) -> Markup {
    rows.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let top = rows.first().map_or((String::new(), 0), Clone::clone);
    let desc =
        view.with("rollup-bars-desc", &[("total", &total.to_string()), ("top", &top.0), ("n", &top.1.to_string())]);
    let bars: Vec<Bar> = rows.iter().map(|(label, value)| Bar { label: label.clone(), value: *value }).collect();
    let title = view.t(title);
    let table: Vec<Row> = rows
        .into_iter()
        .map(|(label, n)| Row { label, n, share: Some(format!("{}%", (200 * n + total) / (2 * total.max(1)))) })
        .collect();
    html! {
        figure.card {
            h2 { (title) }
            (chart::bars(&Words { id, title: &title, desc: &desc }, &bars))
            (tables::behind(view, &title, &view.t(column), &table))
        }
    }
}

fn over_time(view: &View<'_>, q: &Question, found: &Overview) -> Markup {
    let sums = found.counts.by_slot();
    let slots = q.period.slots(q.by);
    let value = |slot: &NaiveDate| sums.get(slot).copied().unwrap_or(0);
    let tick = |slot: &NaiveDate| slot.format(if q.by == By::Day { "%m-%d" } else { "%Y-%m" }).to_string();
    let points: Vec<Point> = slots.iter().map(|s| Point { label: tick(s), value: value(s) }).collect();
    let table: Vec<Row> =
        slots.iter().map(|s| Row { label: q.period.label(q.by, *s), n: value(s), share: None }).collect();
    let title = view.t(if q.by == By::Day { "rollup-by-day" } else { "rollup-by-month" });
    let top = points.iter().max_by_key(|p| p.value).map_or((String::new(), 0), |p| (p.label.clone(), p.value));
    let desc = view.with("rollup-line-desc", &[("top", &top.0), ("n", &top.1.to_string())]);
    html! {
        figure.card {
            h2 { (title) }
            (chart::line(&Words { id: "time", title: &title, desc: &desc }, &points))
            (tables::behind(view, &title, &view.t("rollup-period"), &table))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn presets_are_whole_months_up_to_today() {
        let days = presets("2026-03-31".parse().unwrap()).map(|(_, from, to)| format!("{from} {to}"));
        assert_eq!(
            days,
            ["2026-03-01 2026-03-31", "2026-02-01 2026-02-28", "2026-01-01 2026-03-31", "2025-04-01 2026-03-31"]
        );
    }
}
