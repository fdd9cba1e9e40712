//! The cells of the table and the one way in which they change: by adding deltas.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::{on, text_enum};
use serde::Serialize;
use sqlx::types::Json;

use crate::area::AreaCode;
use crate::request::category::Category;
use crate::request::state::RequestStateName;

text_enum! {
    /// How long a cell's time is.
    pub enum Grain {
        Day = "day",
        /// One month, named by its first day.
        Month = "month",
    }
}

impl Grain {
    /// Where the cell that holds `day` starts.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }
}

/// The key of one count. The order is that in which rows are locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, sqlx_macros::FromRow)]
pub struct Cell {
    /// The area, of any level.
    pub area_code: AreaCode,
    /// Day or month.
    pub grain: Grain,
    /// The first day of the cell's time.
    pub starts_on: NaiveDate,
    /// The kind of help asked for.
    pub category: Category,
    /// Where the work order stands.
    pub state: RequestStateName,
}

/// The numbers to add to cells; those that cancel out are left away.
#[derive(Clone, Debug, Default)]
pub struct Deltas(BTreeMap<Cell, i64>);

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    cell: &'a Cell,
    n: i64,
}

/// How many cells one statement takes; the order of the cells goes on over its statements.
const CELLS_MAX: usize = 4096;

// One parameter for any number of rows: one statement to prepare and one round trip. The
// rows come in the order of the cells and are locked in it, so no two writers wait for each other.
const ADD_POSTGRES: &str = "insert into rollup as r (area_code, grain, starts_on, category, state, n)
    select d.area_code, d.grain, d.starts_on, d.category, d.state, d.n
    from rows from (jsonb_to_recordset($1) as
        (area_code text, grain text, starts_on date, category text, state text, n bigint))
        with ordinality as d (area_code, grain, starts_on, category, state, n, place)
    order by d.place
    on conflict (area_code, grain, starts_on, category, state) do update set n = r.n + excluded.n
    returning n";
const ADD_SQLITE: &str = "insert into rollup (area_code, grain, starts_on, category, state, n)
    select value ->> 'area_code', value ->> 'grain', value ->> 'starts_on', value ->> 'category', value ->> 'state',
        value ->> 'n'
    from json_each($1) where true
    on conflict (area_code, grain, starts_on, category, state) do update set n = n + excluded.n
    returning n";
const PRUNE_POSTGRES: &str = "delete from rollup where n = 0 and (area_code, grain, starts_on, category, state) in (
    select d.area_code, d.grain, d.starts_on, d.category, d.state
    from jsonb_to_recordset($1) as d (area_code text, grain text, starts_on date, category text, state text))";
const PRUNE_SQLITE: &str = "delete from rollup where n = 0 and (area_code, grain, starts_on, category, state) in (
    select value ->> 'area_code', value ->> 'grain', value ->> 'starts_on', value ->> 'category', value ->> 'state'
    from json_each($1))";

impl Deltas {
    /// Adds `n` to what is to be added to `cell`.
    pub fn add(&mut self, cell: Cell, n: i64) {
        *self.0.entry(cell).or_default() += n;
    }

    /// Adds them to the stored cells and deletes of these cells the ones that are now zero: this
    /// transaction holds their locks, so nobody can be adding to them.
    pub async fn store(self, tx: &mut Tx) -> Result<(), DbError> {
        let rows: Vec<Row<'_>> = self.0.iter().filter(|(_, n)| **n != 0).map(|(cell, n)| Row { cell, n: *n }).collect();
        let (add, prune) = match tx.engine() {
            Engine::Sqlite(_) => (ADD_SQLITE, PRUNE_SQLITE),
            Engine::Postgres(_) => (ADD_POSTGRES, PRUNE_POSTGRES),
        };
        for rows in rows.chunks(CELLS_MAX) {
            let rows = Json(rows);
            let left: Vec<i64> = on!(tx, |c| sqlx::query_scalar(add).bind(rows).fetch_all(c).await)?;
            if left.contains(&0) {
                on!(tx, |c| sqlx::query(prune).bind(rows).execute(c).await.map(drop))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_month_is_named_by_its_first_day() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        assert_eq!(Grain::Month.start(day).to_string(), "2024-02-01");
        assert_eq!(Grain::Day.start(day), day);
    }
}
