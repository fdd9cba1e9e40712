//! The common parts of the needs overview: its area, its choice of counts, and its words.

use chrono::NaiveDate;
use sanbao_platform::auth::Actor;
use sanbao_platform::lang::Lang;
use sanbao_platform::page;
use serde::Deserialize;

use crate::area::{Area, AreaCode};
use crate::request::category::Category;
use crate::request::state::RequestStateName;
use crate::rollup::api::CountsQuery;
use crate::texts::{self, TEXTS};

/// How the table of areas is sorted: `area`, `total` or a category's code; `ascending` or `descending`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Sort {
    pub(super) sort: Option<String>,
    pub(super) order: Option<String>,
}

/// The common parts of the page.
pub(super) struct View<'a> {
    pub(super) lang: Lang,
    pub(super) actor: &'a Actor,
    pub(super) today: NaiveDate,
    pub(super) query: &'a CountsQuery,
    pub(super) area: &'a Area,
    pub(super) sort: &'a Sort,
}

impl View<'_> {
    pub(super) fn t(&self, key: &str) -> String {
        TEXTS.get(self.lang, key)
    }

    pub(super) fn with(&self, key: &str, args: &[(&str, &str)]) -> String {
        TEXTS.with(self.lang, key, args)
    }

    pub(super) fn category(&self, category: Category) -> String {
        texts::category(self.lang, category)
    }

    /// This page's address for another area and period, the filters kept.
    pub(super) fn address(&self, path: &str, area: &AreaCode, (from, to): (NaiveDate, NaiveDate)) -> String {
        let (area, from, to) = (area.to_string(), from.to_string(), to.to_string());
        let (category, state) =
            (self.query.category.map(Category::as_str), self.query.state.map(RequestStateName::as_str));
        let period = [("area", Some(area.as_str())), ("from", Some(&from)), ("to", Some(&to))];
        page::address(path, &[&period[..], &[("category", category), ("state", state)]].concat())
    }

    pub(super) fn days(&self) -> (NaiveDate, NaiveDate) {
        self.query.days(self.today)
    }
}
