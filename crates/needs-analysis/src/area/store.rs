//! The statements of the tree: finding, climbing, expanding, adding, moving.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::on;

use super::events;
use super::id::AreaCode;
use super::model::{Area, Level, Placement};

const FIND: &str = "select code, level, name_zh, name_en from area where code = $1";
const OF_LEVEL: &str = "select code, level, name_zh, name_en from area
    where level = $1 and code > $2 order by code limit $3";
const ALL: &str = "select code, level, name_zh, name_en from area where code > $1 order by code limit $2";
const CHILDREN: &str = "select a.code, a.level, a.name_zh, a.name_en from area_parent p join area a on a.code = p.child
    where p.parent = $1 and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) order by a.code";
const ANCESTORS: &str = "with recursive up (code, height) as (
        select p.parent, 1 from area_parent p
        where p.child = $1 and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)
        union all
        select p.parent, up.height + 1 from up join area_parent p on p.child = up.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and up.height < 5)
    select a.code, a.level, a.name_zh, a.name_en from up join area a on a.code = up.code order by up.height";
const DESCENDANTS: &str = "with recursive down (code, depth) as (
        select a.code, 0 from area a where a.code = $1
        union all
        select p.child, down.depth + 1 from down join area_parent p on p.parent = down.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and down.depth < 5)
    select code from down";
const INSERT: &str = "insert into area (code, level, name_zh, name_en, created_at, announced_at)
    values ($1, $2, $3, $4, $5, $5) on conflict do nothing";
const PLACE: &str = "insert into area_parent (child, parent, valid_from) values ($1, $2, $3)";
const LATEST_PLACEMENT: &str = "select parent, valid_from, valid_to from area_parent
    where child = $1 order by valid_from desc limit 1";
const END_PLACEMENT: &str =
    "update area_parent set valid_to = $3 where child = $1 and valid_from = $2 and valid_to is null";
const VERSION: &str = "select version from area where code = $1";
const RENAME: &str = "update area set name_zh = $2, name_en = $3, version = version + 1 where code = $1";
const CHILD_COUNTS: &str = "select p.parent as code, count(*) as n from area_parent p
    join area_parent q on q.child = p.parent and q.parent = $1
    where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)
      and q.valid_from <= $2 and (q.valid_to is null or q.valid_to > $2) group by p.parent";
const BELOW: &str = "select code from area where code like $1";

/// The area of a code.
pub async fn find(conn: &mut Conn, code: &AreaCode) -> Result<Option<Area>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(code).fetch_optional(c).await)?)
}

/// Areas in the order of their codes, of one level or of all.
pub async fn list(conn: &mut Conn, level: Option<Level>, after: &str, limit: i64) -> Result<Vec<Area>, DbError> {
    Ok(match level {
        Some(level) => on!(conn, |c| sqlx::query_as(OF_LEVEL).bind(level).bind(after).bind(limit).fetch_all(c).await)?,
        None => on!(conn, |c| sqlx::query_as(ALL).bind(after).bind(limit).fetch_all(c).await)?,
    })
}

/// The areas that lie directly in an area on a day.
pub async fn children(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<Vec<Area>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(CHILDREN).bind(code).bind(on).fetch_all(c).await)?)
}

/// In what an area lies on a day: its parent first, the whole last. Empty for the whole itself.
pub async fn ancestors(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<Vec<Area>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(ANCESTORS).bind(code).bind(on).fetch_all(c).await)?)
}

/// An area's code and those of everything below it on a day; empty for an unknown code.
pub async fn descendants(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<Vec<AreaCode>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(DESCENDANTS).bind(code).bind(on).fetch_all(c).await)?)
}

/// Whether an actor's area scope covers an area on a day: one of its codes is the area or lies above it.
pub async fn scope(conn: &mut Conn, actor: &Actor, code: &AreaCode, on: NaiveDate) -> Result<bool, DbError> {
    let covers = |c: &AreaCode| actor.areas.iter().any(|a| a == c.as_str());
    if actor.areas.is_empty() {
        return Ok(false);
    }
    if covers(code) {
        return Ok(true);
    }
    Ok(ancestors(conn, code, on).await?.iter().any(|area| covers(&area.code)))
}

/// Every code an actor's area scope covers on a day.
pub async fn scope_codes(conn: &mut Conn, actor: &Actor, on: NaiveDate) -> Result<BTreeSet<AreaCode>, DbError> {
    let mut codes = BTreeSet::new();
    for code in actor.areas.iter().filter_map(|text| AreaCode::parse(text).ok()) {
        codes.extend(descendants(conn, &code, on).await?);
    }
    Ok(codes)
}

/// Adds an area, with the place that it has from a day on, and tells the other services; `false` when the code is
/// taken.
pub async fn add(
    tx: &mut Tx,
    now: DateTime<Utc>,
    area: &Area,
    first: Option<(&AreaCode, NaiveDate)>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(&area.code).bind(area.level).bind(&area.name_zh).bind(&area.name_en);
        row.bind(now).execute(c).await.map(|r| r.rows_affected())
    })?;
    if rows == 0 {
        return Ok(false);
    }
    if let Some((parent, from)) = first {
        lay(tx, &area.code, parent, from).await?;
    }
    events::added(tx, now, area, first).await?;
    Ok(true)
}

/// Lays `child` into `parent` from a day on and tells the other services; the caller has checked levels and periods,
/// the database refuses an overlap.
pub async fn place(
    tx: &mut Tx,
    now: DateTime<Utc>,
    child: &AreaCode,
    parent: &AreaCode,
    from: NaiveDate,
) -> Result<(), DbError> {
    lay(tx, child, parent, from).await?;
    events::moved(tx, now, child, parent, from).await
}

async fn lay(tx: &mut Tx, child: &AreaCode, parent: &AreaCode, from: NaiveDate) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(PLACE).bind(child).bind(parent).bind(from).execute(c).await.map(drop))?;
    Ok(())
}

/// Where an area was laid last.
pub async fn latest_placement(conn: &mut Conn, code: &AreaCode) -> Result<Option<Placement>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LATEST_PLACEMENT).bind(code).fetch_optional(c).await)?)
}

/// Ends the running placement and begins another on the same day.
pub async fn relocate(
    tx: &mut Tx,
    now: DateTime<Utc>,
    code: &AreaCode,
    running: &Placement,
    parent: &AreaCode,
    from: NaiveDate,
) -> Result<(), DbError> {
    let ended = on!(tx, |c| {
        let row = sqlx::query(END_PLACEMENT).bind(code).bind(running.valid_from).bind(from);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("end placement", 1, ended)?;
    place(tx, now, code, parent, from).await
}

/// How often an area's names were written; none for an unknown code.
pub async fn version(conn: &mut Conn, code: &AreaCode) -> Result<Option<i64>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(VERSION).bind(code).fetch_optional(c).await)?)
}

/// Gives an area its names and tells the other services.
pub async fn rename(tx: &mut Tx, now: DateTime<Utc>, area: &Area) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(RENAME).bind(&area.code).bind(&area.name_zh).bind(&area.name_en);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("rename area", 1, rows)?;
    events::renamed(tx, now, area).await
}

/// How many areas lie directly in each child of an area on a day; a child without any is left out.
pub async fn child_counts(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<HashMap<AreaCode, i64>, DbError> {
    let rows: Vec<(AreaCode, i64)> =
        on!(conn, |c| sqlx::query_as(CHILD_COUNTS).bind(code).bind(on).fetch_all(c).await)?;
    Ok(rows.into_iter().collect())
}

/// The codes that begin with an area's and a hyphen: what a new local code must differ from.
pub async fn codes_below(conn: &mut Conn, code: &AreaCode) -> Result<Vec<String>, DbError> {
    let like = format!("{code}-%");
    Ok(on!(conn, |c| sqlx::query_scalar(BELOW).bind(&like).fetch_all(c).await)?)
}
