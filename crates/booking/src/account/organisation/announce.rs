//! Organisations from before their areas were told are told to the other services once more.

use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::on;
use sanbao_platform::service::{Task, until_done};

use super::model::Organisation;
use super::store;
use crate::App;

const SILENT: &str =
    "select id, kind, name_zh, name_en, time_zone, phone, area_code, made_by, state, version, created_at
    from organisation where announced_at is null order by id limit $1";
const MARK: &str = "update organisation set announced_at = $2 where id = $1 and announced_at is null";
/// How many are told in one transaction.
const AT_ONCE_MAX: i64 = 200;

/// The task of a start: it ends when everything is told.
pub(in crate::account) fn task(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    until_done("the organisations are told with their areas", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move { announce(&db, &clock).await }
    })
}

/// Tells every organisation that was never told with its area; the number of them.
pub async fn announce(db: &Db, clock: &Clock) -> Result<usize, DbError> {
    let mut told = 0;
    loop {
        let mut tx = db.begin().await?;
        let silent: Vec<Organisation> = on!(tx, |c| sqlx::query_as(SILENT).bind(AT_ONCE_MAX).fetch_all(c).await)?;
        if silent.is_empty() {
            return Ok(told);
        }
        for organisation in &silent {
            let now = clock.now();
            let marked = on!(tx, |c| {
                sqlx::query(MARK).bind(organisation.id).bind(now).execute(c).await.map(|done| done.rows_affected())
            })?;
            if marked == 1 {
                told += 1;
                store::tell(&mut tx, organisation, now).await?;
            }
        }
        tx.commit().await?;
    }
}
