//! The tables of the needs overview: the sortable one of areas, and those behind the charts.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::words::{Sort, View};
use crate::area::AreaCode;
use crate::request::category::Category;
use crate::rollup::api::name_of;
use crate::rollup::read::{Counts, Overview};

/// A row of a table behind a chart.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) n: i64,
    pub(super) share: Option<String>,
}

/// The column that the rows are sorted by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Area,
    Category(Category),
    Total,
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Category(category) => category.as_str(),
            Self::Total => "total",
        }
    }
}

struct Line<'a> {
    code: &'a AreaCode,
    name: String,
    /// Whether it can be opened; the area's own requests lie nowhere deeper.
    leads: bool,
    counts: &'a Counts,
}

impl Line<'_> {
    fn value(&self, column: Column) -> i64 {
        match column {
            Column::Area => 0,
            Column::Category(category) => self.counts.by_category().get(&category).copied().unwrap_or(0),
            Column::Total => self.counts.total(),
        }
    }
}

/// Which column, and whether the largest comes first. Anything unknown is the order of the codes.
fn order(sort: &Sort, columns: &[Column]) -> (Column, bool) {
    let column = columns.iter().copied().find(|c| sort.sort.as_deref() == Some(c.name())).unwrap_or(Column::Area);
    (column, sort.order.as_deref() == Some("descending"))
}

fn sorted(mut lines: Vec<Line<'_>>, (column, descending): (Column, bool)) -> Vec<Line<'_>> {
    match (column, descending) {
        (Column::Area, false) => {}
        (Column::Area, true) => lines.reverse(),
        (column, false) => lines.sort_by_key(|l| l.value(column)),
        (column, true) => lines.sort_by_key(|l| Reverse(l.value(column))),
    }
    lines
}

/// The parts of the area by category.
pub(super) fn areas(view: &View<'_>, found: &Overview, sort: &Sort, days: (NaiveDate, NaiveDate)) -> Markup {
    let categories: BTreeSet<Category> = found.counts.by_category().into_keys().collect();
    let columns: Vec<Column> =
        [Column::Area].into_iter().chain(categories.into_iter().map(Column::Category)).chain([Column::Total]).collect();
    let order = order(sort, &columns);
    let children = found.children.iter().map(|c| Line {
        code: &c.area.code,
        name: name_of(&c.area, view.lang).to_owned(),
        leads: true,
        counts: &c.counts,
    });
    let own = Line { code: &found.area.code, name: view.t("rollup-own"), leads: false, counts: &found.own };
    let lines = children.chain((found.own.total() != 0).then_some(own)).collect();
    let whole = Line { code: &found.area.code, name: view.t("rollup-whole"), leads: false, counts: &found.counts };
    html! {
        section #table {
            h2 { (view.t("rollup-table")) }
            div.scroll role="region" aria-label=(view.t("rollup-table")) tabindex="0" {
                table.table.keep {
                    caption.visually-hidden { (view.t("rollup-table-caption")) }
                    thead { tr { @for column in &columns { (heading(view, *column, order, days)) } } }
                    tbody {
                        @for line in sorted(lines, order) { (row(view, &line, &columns, days)) }
                        (row(view, &whole, &columns, days))
                    }
                }
            }
        }
    }
}

fn label(view: &View<'_>, column: Column) -> String {
    match column {
        Column::Area => view.t("rollup-area"),
        Column::Category(category) => view.category(category),
        Column::Total => view.t("rollup-total"),
    }
}

fn heading(view: &View<'_>, column: Column, order: (Column, bool), days: (NaiveDate, NaiveDate)) -> Markup {
    let here = order.0 == column;
    // A first click on a number asks for the largest, on the names for their order.
    let next = if here { !order.1 } else { column != Column::Area };
    let (word, arrow) = if order.1 { ("descending", " ↓") } else { ("ascending", " ↑") };
    let next = if next { "descending" } else { "ascending" };
    let href = format!("{}&sort={}&order={next}#table", view.address("/needs", &view.area.code, days), column.name());
    html! {
        th scope="col" class=[(column != Column::Area).then_some("number")] aria-sort=[here.then_some(word)] {
            a href=(href) { (label(view, column)) }
            @if here { span aria-hidden="true" { (arrow) } }
        }
    }
}

fn row(view: &View<'_>, line: &Line<'_>, columns: &[Column], days: (NaiveDate, NaiveDate)) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if line.leads { a href=(view.address("/needs", line.code, days)) { (line.name) } }
                @else { (line.name) }
            }
            @for column in columns.iter().filter(|c| **c != Column::Area) {
                td.number { (line.value(*column)) }
            }
        }
    }
}

/// The numbers of a chart, one click away.
pub(super) fn behind(view: &View<'_>, title: &str, column: &str, rows: &[Row]) -> Markup {
    let shares = rows.iter().any(|r| r.share.is_some());
    html! {
        details {
            summary { (view.t("rollup-as-table")) }
            table.table.keep {
                caption.visually-hidden { (title) }
                thead { tr {
                    th scope="col" { (column) }
                    th.number scope="col" { (view.t("rollup-count")) }
                    @if shares { th.number scope="col" { (view.t("rollup-share")) } }
                } }
                tbody {
                    @for r in rows {
                        tr {
                            th scope="row" { (r.label) }
                            td.number { (r.n) }
                            @if shares { td.number { (r.share.as_deref().unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}
