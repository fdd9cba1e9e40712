//! Rebuilding the counts from the requests themselves: to compare, to repair, and after a move in the past.
//!
//! One statement rebuilds a month's cells and compares them with the stored ones, so both sides are of
//! one snapshot and a running service gives no false alarm. Repairing adds the differences by the same
//! way as any change, while the tree is held alone.

use chrono::{Months, NaiveDate};
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::on;
use serde::Serialize;

use super::cell::{Cell, Deltas, Grain};
use super::{TREE_ALONE_POSTGRES, lock_tree};

/// A cell whose stored count is not what the requests say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct Difference {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub cell: Cell,
    /// The stored number; zero for a missing row.
    pub stored: i64,
    /// The number that the requests give.
    pub rebuilt: i64,
}

/// The differences that a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How many months were compared.
    pub months: u64,
    /// How many cells are stored.
    pub cells: u64,
    /// Where the two differ; none expected.
    pub differences: Vec<Difference>,
}

const SPAN: &str = "select min(day) as first, max(day) as last from (
    select min(received_on) as day from request union all select max(received_on) from request
    union all select min(starts_on) from rollup union all select max(starts_on) from rollup) as days";
const CELLS: &str = "select count(*) from rollup";
const DIFFERENCES: &str = "with recursive leaf (area_code, starts_on, category, state, n) as (
        select area_code, received_on, category, state, count(*) from request
        where received_on >= $1 and received_on < $2 group by area_code, received_on, category, state),
    lineage (leaf, on_day, area_code) as (
        select distinct area_code, starts_on, area_code from leaf
        union
        select l.leaf, l.on_day, p.parent from lineage l join area_parent p on p.child = l.area_code
        where p.valid_from <= l.on_day and (p.valid_to is null or p.valid_to > l.on_day)),
    days (area_code, starts_on, category, state, n) as (
        select l.area_code, c.starts_on, c.category, c.state, sum(c.n)
        from leaf c join lineage l on l.leaf = c.area_code and l.on_day = c.starts_on
        group by l.area_code, c.starts_on, c.category, c.state),
    rebuilt (area_code, grain, starts_on, category, state, n) as (
        select area_code, 'day', starts_on, category, state, n from days
        union all
        select area_code, 'month', $1, category, state, sum(n) from days group by area_code, category, state),
    both_sides (area_code, grain, starts_on, category, state, stored, rebuilt) as (
        select area_code, grain, starts_on, category, state, n, 0 from rollup
        where starts_on >= $1 and starts_on < $2
        union all
        select area_code, grain, starts_on, category, state, 0, n from rebuilt)
    select area_code, grain, starts_on, category, state,
        cast(sum(stored) as bigint) as stored, cast(sum(rebuilt) as bigint) as rebuilt
    from both_sides group by area_code, grain, starts_on, category, state
    having sum(stored) <> sum(rebuilt)
    order by 1, 2, 3, 4, 5";

/// Compares every stored cell with the requests; `progress` hears (months done, months in all).
pub async fn verify(db: &Db, mut progress: impl FnMut(u64, u64)) -> Result<Comparison, DbError> {
    let mut conn = db.read().await?;
    let cells: i64 = on!(conn, |c| sqlx::query_scalar(CELLS).fetch_one(c).await)?;
    let months = months(&mut conn).await?;
    let mut report = Comparison { cells: cells.unsigned_abs(), ..Comparison::default() };
    for month in &months {
        report.differences.extend(differences(&mut conn, *month).await?);
        report.months += 1;
        progress(report.months, months.len() as u64);
    }
    Ok(report)
}

/// Makes the stored cells what the requests say, a month a transaction; reports what it mended.
pub async fn repair(db: &Db, mut progress: impl FnMut(u64, u64)) -> Result<Comparison, DbError> {
    let months = months(&mut db.read().await?).await?;
    let mut report = Comparison::default();
    for month in &months {
        let mut tx = db.begin().await?;
        lock_tree(&mut tx, TREE_ALONE_POSTGRES).await?;
        report.differences.extend(mend(&mut tx, *month).await?);
        tx.commit().await?;
        report.months += 1;
        progress(report.months, months.len() as u64);
    }
    Ok(report)
}

/// After areas were moved: counts the days from `from` on anew, in the transaction of the move and
/// after it has written the parentage. A move from a coming day finds nothing to do.
pub async fn reparented(tx: &mut Tx, from: NaiveDate) -> Result<(), DbError> {
    lock_tree(tx, TREE_ALONE_POSTGRES).await?;
    let from = Grain::Month.start(from);
    for month in months(tx).await?.into_iter().filter(|m| *m >= from) {
        mend(tx, month).await?;
    }
    Ok(())
}

/// The first days of the months in which there is anything.
async fn months(conn: &mut Conn) -> Result<Vec<NaiveDate>, DbError> {
    let span: (Option<NaiveDate>, Option<NaiveDate>) = on!(conn, |c| sqlx::query_as(SPAN).fetch_one(c).await)?;
    let (Some(first), Some(last)) = span else { return Ok(Vec::new()) };
    let next = |m: &NaiveDate| m.checked_add_months(Months::new(1));
    Ok(std::iter::successors(Some(Grain::Month.start(first)), next).take_while(|m| *m <= last).collect())
}

async fn differences(conn: &mut Conn, month: NaiveDate) -> Result<Vec<Difference>, DbError> {
    let end = month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
    Ok(on!(conn, |c| sqlx::query_as(DIFFERENCES).bind(month).bind(end).fetch_all(c).await)?)
}

async fn mend(tx: &mut Tx, month: NaiveDate) -> Result<Vec<Difference>, DbError> {
    let found = differences(tx, month).await?;
    let mut deltas = Deltas::default();
    for d in &found {
        deltas.add(d.cell.clone(), d.rebuilt - d.stored);
    }
    deltas.store(tx).await?;
    Ok(found)
}
