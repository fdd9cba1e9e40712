//! Reading counts: one area over a period, with what lies directly in it.
//!
//! A child counts to the area on the days on which it lay in it, so children and the area's own
//! requests together are always the area's total, whatever has moved meanwhile.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::period::{By, Period, Segment};
use crate::area::{self, Area, AreaCode};
use crate::policy::{self, Action, Relation};
use crate::request::category::Category;
use crate::request::state::RequestStateName;

/// The question.
#[derive(Clone, Debug)]
pub struct Question {
    pub area: AreaCode,
    pub period: Period,
    /// How the days are split.
    pub by: By,
    pub category: Option<Category>,
    pub state: Option<RequestStateName>,
}

/// Counts by part of the period, category and state; no zero among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<(NaiveDate, Category, RequestStateName), i64>);

/// An area lying directly in another at some time of the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub area: Area,
    /// The numbers that it counts.
    pub counts: Counts,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Overview {
    pub area: Area,
    /// The areas that it lies in today: its parent first.
    pub above: Vec<Area>,
    /// All of its requests.
    pub counts: Counts,
    /// The areas that lie directly in it, in the order of the codes.
    pub children: Vec<Child>,
    /// Its requests that name no smaller area.
    pub own: Counts,
}

impl Counts {
    fn add(&mut self, key: (NaiveDate, Category, RequestStateName), n: i64) {
        let sum = self.0.entry(key).or_default();
        *sum += n;
        if *sum == 0 {
            self.0.remove(&key);
        }
    }

    fn minus(&self, parts: &[Child]) -> Self {
        let mut rest = self.clone();
        for (key, n) in parts.iter().flat_map(|c| &c.counts.0) {
            rest.add(*key, -n);
        }
        rest
    }

    /// The cells: part of the period, category, state, count.
    pub fn cells(&self) -> impl Iterator<Item = (NaiveDate, Category, RequestStateName, i64)> {
        self.0.iter().map(|((slot, category, state), n)| (*slot, *category, *state, *n))
    }

    /// All of it.
    pub fn total(&self) -> i64 {
        self.0.values().sum()
    }

    fn by<K: Ord>(&self, key: impl Fn(&(NaiveDate, Category, RequestStateName)) -> K) -> BTreeMap<K, i64> {
        self.0.iter().fold(BTreeMap::new(), |mut sums, (k, n)| {
            *sums.entry(key(k)).or_default() += n;
            sums
        })
    }

    /// By category.
    pub fn by_category(&self) -> BTreeMap<Category, i64> {
        self.by(|k| k.1)
    }

    /// By state.
    pub fn by_state(&self) -> BTreeMap<RequestStateName, i64> {
        self.by(|k| k.2)
    }

    /// By part of the period.
    pub fn by_slot(&self) -> BTreeMap<NaiveDate, i64> {
        self.by(|k| k.0)
    }
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    area_code: AreaCode,
    starts_on: NaiveDate,
    category: Category,
    state: RequestStateName,
    n: i64,
}

// $5 says whether the parts of the period are wanted; without them the rows of years are summed here.
const OF_AREA: &str = "select r.area_code, case when $5 then r.starts_on else $3 end as starts_on,
        r.category, r.state, cast(sum(r.n) as bigint) as n
    from rollup r
    where r.area_code = $1 and r.grain = $2 and r.starts_on >= $3 and r.starts_on <= $4
        and ($6 is null or r.category = $6) and ($7 is null or r.state = $7)
    group by 1, 2, 3, 4";
const OF_CHILDREN: &str = "select r.area_code, case when $5 then r.starts_on else $3 end as starts_on,
        r.category, r.state, cast(sum(r.n) as bigint) as n
    from area_parent p join rollup r on r.area_code = p.child
    where p.parent = $1 and r.grain = $2 and r.starts_on >= $3 and r.starts_on <= $4
        and r.starts_on >= p.valid_from and (p.valid_to is null or r.starts_on < p.valid_to)
        and ($6 is null or r.category = $6) and ($7 is null or r.state = $7)
    group by 1, 2, 3, 4";
const CHILDREN: &str = "select a.code, a.level, a.name_zh, a.name_en from area a
    where a.code in (select p.child from area_parent p
        where p.parent = $1 and p.valid_from <= $3 and (p.valid_to is null or p.valid_to > $2))
    order by a.code";
/// How often a child came or went within the period: then a month's row may be only partly the area's.
const MOVES: &str = "select count(*) from area_parent
    where parent = $1 and ((valid_from > $2 and valid_from <= $3) or (valid_to > $2 and valid_to <= $3))";

/// The area, if the actor may read its counts today; else 404.
pub async fn visible(conn: &mut Conn, actor: &Actor, code: &AreaCode, today: NaiveDate) -> Result<Area, Problem> {
    let inside = area::scope(conn, actor, code, today).await?;
    let relation = if inside { Relation::InScope } else { Relation::Outside };
    policy::allows(actor, Action::NeedsRead, relation).require()?;
    area::find(conn, code).await?.ok_or_else(Problem::not_found)
}

/// Reads the answer for an area that the caller may see.
pub async fn overview(conn: &mut Conn, area: Area, q: &Question, today: NaiveDate) -> Result<Overview, DbError> {
    let (code, Period { from, to }) = (&area.code, q.period);
    let moves: i64 = on!(conn, |c| sqlx::query_scalar(MOVES).bind(code).bind(from).bind(to).fetch_one(c).await)?;
    let mut counts = Counts::default();
    for row in rows(conn, OF_AREA, q, true).await? {
        counts.add((q.period.slot(q.by, row.starts_on), row.category, row.state), row.n);
    }
    let mut by_child: BTreeMap<AreaCode, Counts> = BTreeMap::new();
    for row in rows(conn, OF_CHILDREN, q, moves == 0).await? {
        let key = (q.period.slot(q.by, row.starts_on), row.category, row.state);
        by_child.entry(row.area_code).or_default().add(key, row.n);
    }
    let areas: Vec<Area> = on!(conn, |c| sqlx::query_as(CHILDREN).bind(code).bind(from).bind(to).fetch_all(c).await)?;
    let children: Vec<Child> =
        areas.into_iter().map(|area| Child { counts: by_child.remove(&area.code).unwrap_or_default(), area }).collect();
    let above = area::ancestors(conn, code, today).await?;
    let own = counts.minus(&children);
    Ok(Overview { area, above, counts, children, own })
}

async fn rows(conn: &mut Conn, statement: &'static str, q: &Question, months: bool) -> Result<Vec<Row>, DbError> {
    let mut rows: Vec<Row> = Vec::new();
    for Segment { grain, from, to } in q.period.segments(q.by, months) {
        let part: Vec<Row> = on!(conn, |c| {
            let row = sqlx::query_as(statement).bind(&q.area).bind(grain).bind(from).bind(to);
            row.bind(q.by != By::Total).bind(q.category).bind(q.state).fetch_all(c).await
        })?;
        rows.extend(part);
    }
    Ok(rows)
}
