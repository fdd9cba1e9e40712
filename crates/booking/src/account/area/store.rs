//! The mirror in the database.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::on;

/// The end of days that have none: SQL compares it like any other.
const NEVER: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day");

/// Whether an area is one of the caller's, which are `$2` with commas between, or lies in one of them on the day `$3`.
macro_rules! in_areas {
    ($code:expr) => {
        concat!(
            "(replace(',' || $2 || ',', ',' || ",
            $code,
            " || ',', '') <> ',' || $2 || ',' or exists (select 1 from area_within w where w.code = ",
            $code,
            " and w.valid_from <= $3 and w.valid_until > $3
                and replace(',' || $2 || ',', ',' || w.ancestor || ',', '') <> ',' || $2 || ','))"
        )
    };
}

pub(crate) use in_areas;

const INSERT: &str = "insert into area (code, level, name_zh, name_en) values ($1, $2, $3, $4)
    on conflict (code) do update set level = excluded.level, name_zh = excluded.name_zh, name_en = excluded.name_en";
const LAY: &str = "insert into area_parent (child, parent, valid_from) values ($1, $2, $3)
    on conflict (child, valid_from) do update set parent = excluded.parent";
const CLEAR: &str = "delete from area_within where code = $1";
/// The day on which `p`, who was laid into whom, ends: that of the next laying, or none.
macro_rules! until {
    () => {
        "coalesce((select min(n.valid_from) from area_parent n where n.child = p.child and n.valid_from > p.valid_from), $2)"
    };
}
/// The days on which an area lies in each of those above it, out of who was laid into whom. It reads the ways up alone.
const PLACE: &str = concat!(
    "insert into area_within (code, ancestor, height, valid_from, valid_until)
    with recursive up (code, ancestor, height, valid_from, valid_until) as (
        select p.child, p.parent, 1, p.valid_from, ",
    until!(),
    " from area_parent p where p.child = $1
        union all
        select up.code, p.parent, up.height + 1,
            case when p.valid_from > up.valid_from then p.valid_from else up.valid_from end,
            case when ",
    until!(),
    " < up.valid_until then ",
    until!(),
    " else up.valid_until end
        from up join area_parent p on p.child = up.ancestor and p.valid_from < up.valid_until and ",
    until!(),
    " > up.valid_from
        where up.height < 5)
    select code, ancestor, height, valid_from, valid_until from up where true on conflict do nothing"
);
/// The layings of which the table of ways knows nothing: a process of a release before has written them.
const UNPLACED: &str = "select distinct p.child from area_parent p where not exists (select 1 from area_within w
        where w.code = p.child and w.ancestor = p.parent and w.height = 1 and w.valid_from = p.valid_from)
    order by p.child limit 1000";
/// Areas that one look finds at most: the limit of that statement.
pub(super) const UNPLACED_MAX: usize = 1000;
const BELOW: &str = "select distinct code from area_within where ancestor = $1 order by code";
const LIES_IN: &str = "select case when exists (select 1 from area_within w where w.code = $1 and w.ancestor = $2
    and w.valid_from <= $3 and w.valid_until > $3) then 1 else 0 end";
const PLACED: &str = "select count(*) from area_parent where child = $1 and valid_from <= $2";

/// Whether the area `code` is `top` or lies under it on a day. An area that is not known yet lies under nothing.
pub async fn lies_in(conn: &mut Conn, code: &str, top: &str, on: NaiveDate) -> Result<bool, DbError> {
    if code == top {
        return Ok(true);
    }
    let found: i32 = on!(conn, |c| sqlx::query_scalar(LIES_IN).bind(code).bind(top).bind(on).fetch_one(c).await)?;
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

/// Stores that an area lies in another from a day on, with all that lies in it. Told twice, it changes nothing.
pub async fn lay(tx: &mut Tx, child: &str, parent: &str, from: NaiveDate) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(LAY).bind(child).bind(parent).bind(from).execute(c).await.map(drop))?;
    place_all(tx, child).await
}

async fn place_all(tx: &mut Tx, child: &str) -> Result<(), DbError> {
    place(tx, child).await?;
    let below: Vec<String> = on!(tx, |c| sqlx::query_scalar(BELOW).bind(child).fetch_all(c).await)?;
    for code in &below {
        place(tx, code).await?;
    }
    Ok(())
}

/// Works out the ways of areas that another process has laid without them; how many.
pub(super) async fn place_unplaced(tx: &mut Tx) -> Result<usize, DbError> {
    let unplaced: Vec<String> = on!(tx, |c| sqlx::query_scalar(UNPLACED).fetch_all(c).await)?;
    for code in &unplaced {
        place_all(tx, code).await?;
    }
    Ok(unplaced.len())
}

/// Works out anew under what an area lies.
async fn place(tx: &mut Tx, code: &str) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(CLEAR).bind(code).execute(c).await.map(drop))?;
    Ok(on!(tx, |c| sqlx::query(PLACE).bind(code).bind(NEVER).execute(c).await.map(drop))?)
}
