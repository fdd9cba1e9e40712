//! The mirrored tree as people choose from it: areas by their names.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::lang::Lang;
use sanbao_platform::on;

/// An area, and the one that it lies in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Named {
    pub code: String,
    /// The area that it lies in, within what was asked for.
    pub parent: Option<String>,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English, if it has one.
    pub name_en: Option<String>,
}

impl Named {
    /// Its name in the reader's language.
    pub fn name(&self, lang: Lang) -> &str {
        lang.pick(&self.name_zh, self.name_en.as_deref().unwrap_or_default())
    }
}

/// Down to communities: what is smaller is given by the one who runs the tree.
const UNDER: &str = "with recursive down (code, parent, depth) as (
        select cast($1 as text), cast(null as text), 0
        union all
        select p.child, p.parent, down.depth + 1 from down join area_parent p on p.parent = down.code
        where down.depth < 3 and p.valid_from =
            (select max(q.valid_from) from area_parent q where q.child = p.child and q.valid_from <= $2))
    select a.code, down.parent, a.name_zh, a.name_en from down join area a on a.code = down.code
    where down.depth = 0 or a.level not in ('compound', 'grid', 'building')
    order by down.depth, a.code limit 300";
const NAMED: &str = "select code, cast(null as text) as parent, name_zh, name_en from area where code = $1";

/// An area, and those within it down to communities, the larger ones first. Empty: the tree does not know it yet.
pub async fn under(conn: &mut Conn, top: &str, on: NaiveDate) -> Result<Vec<Named>, DbError> {
    let found: Vec<Named> = on!(conn, |c| sqlx::query_as(UNDER).bind(top).bind(on).fetch_all(c).await)?;
    // Without its own name the rest would hang in the air.
    Ok(if found.first().is_some_and(|first| first.code == top) { found } else { Vec::new() })
}

/// One area by its code.
pub async fn named(conn: &mut Conn, code: &str) -> Result<Option<Named>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(NAMED).bind(code).fetch_optional(c).await)?)
}
