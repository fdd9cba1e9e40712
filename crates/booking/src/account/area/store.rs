//! The mirror in the database.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::on;

const INSERT: &str = "insert into area (code, level, name_zh, name_en) values ($1, $2, $3, $4)
    on conflict (code) do update set level = excluded.level, name_zh = excluded.name_zh, name_en = excluded.name_en";
const LAY: &str = "insert into area_parent (child, parent, valid_from) values ($1, $2, $3)
    on conflict (child, valid_from) do update set parent = excluded.parent";
const LIES_IN: &str = "with recursive up (code, height) as (
        select p.parent, 1 from area_parent p where p.child = $1 and p.valid_from =
            (select max(q.valid_from) from area_parent q where q.child = p.child and q.valid_from <= $2)
        union all
        select p.parent, up.height + 1 from up join area_parent p on p.child = up.code
        where up.height < 5 and p.valid_from =
            (select max(q.valid_from) from area_parent q where q.child = p.child and q.valid_from <= $2))
    select count(*) from up where code = $3";

const PLACED: &str = "select count(*) from area_parent where child = $1 and valid_from <= $2";

/// Whether the area `code` is `top` or lies under it on a day. An area that is not known yet lies under nothing.
pub async fn lies_in(conn: &mut Conn, code: &str, top: &str, on: NaiveDate) -> Result<bool, DbError> {
    if code == top {
        return Ok(true);
    }
    let found: i64 = on!(conn, |c| sqlx::query_scalar(LIES_IN).bind(code).bind(on).bind(top).fetch_one(c).await)?;
    Ok(found > 0)
}

/// Whether the tree says of an area that it lies in another on a day. Of an area that is not known yet it says nothing.
async fn is_placed(conn: &mut Conn, code: &str, on: NaiveDate) -> Result<bool, DbError> {
    let found: i64 = on!(conn, |c| sqlx::query_scalar(PLACED).bind(code).bind(on).fetch_one(c).await)?;
    Ok(found > 0)
}

/// Those of `areas` that still count for a member of an organisation whose own area is `top`: an area that has moved out
/// of it since it was given counts no more.
pub async fn still_held(
    conn: &mut Conn,
    areas: &[String],
    top: Option<&str>,
    on: NaiveDate,
) -> Result<Vec<String>, DbError> {
    let Some(top) = top else { return Ok(Vec::new()) };
    let mut held = Vec::new();
    for code in areas {
        if lies_in(conn, code, top, on).await? || !is_placed(conn, code, on).await? {
            held.push(code.clone());
        }
    }
    Ok(held)
}

/// Stores an area's names, in place of those it had.
pub async fn insert(tx: &mut Tx, code: &str, level: &str, name_zh: &str, name_en: Option<&str>) -> Result<(), DbError> {
    on!(tx, |c| { sqlx::query(INSERT).bind(code).bind(level).bind(name_zh).bind(name_en).execute(c).await.map(drop) })?;
    Ok(())
}

/// Stores that an area lies in another from a day on. Told twice, it changes nothing.
pub async fn lay(tx: &mut Tx, child: &str, parent: &str, from: NaiveDate) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(LAY).bind(child).bind(parent).bind(from).execute(c).await.map(drop))?;
    Ok(())
}
