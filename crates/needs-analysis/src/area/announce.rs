//! Areas that were in the tree before it was published are told to the other services once.

use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::on;
use sanbao_platform::service::{Task, until_done};

use super::events;
use super::id::AreaCode;
use super::model::{Area, Placement};
use crate::App;

const SILENT: &str = "select code, level, name_zh, name_en from area where announced_at is null order by code limit $1";
const MARK: &str = "update area set announced_at = $2 where code = $1 and announced_at is null";
const PLACEMENTS: &str = "select parent, valid_from, valid_to from area_parent where child = $1 order by valid_from";
/// How many areas are told in one transaction.
const AT_ONCE_MAX: i64 = 200;

/// The task of a start: it ends when everything is told.
pub fn task(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    until_done("the areas are told", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move { announce(&db, &clock).await }
    })
}

/// Tells every area that was never told, with all its places; the number of areas.
pub async fn announce(db: &Db, clock: &Clock) -> Result<usize, DbError> {
    let mut told = 0;
    loop {
        let mut tx = db.begin().await?;
        let silent: Vec<Area> = on!(tx, |c| sqlx::query_as(SILENT).bind(AT_ONCE_MAX).fetch_all(c).await)?;
        if silent.is_empty() {
            return Ok(told);
        }
        for area in &silent {
            let now = clock.now();
            let marked = on!(tx, |c| {
                sqlx::query(MARK).bind(&area.code).bind(now).execute(c).await.map(|done| done.rows_affected())
            })?;
            if marked == 0 {
                continue;
            }
            told += 1;
            let placed: Vec<Placement> = on!(tx, |c| sqlx::query_as(PLACEMENTS).bind(&area.code).fetch_all(c).await)?;
            let first: Option<(&AreaCode, _)> = placed.first().map(|p| (&p.parent, p.valid_from));
            events::added(&mut tx, now, area, first).await?;
            for later in placed.iter().skip(1) {
                events::moved(&mut tx, now, &area.code, &later.parent, later.valid_from).await?;
            }
        }
        tx.commit().await?;
    }
}
