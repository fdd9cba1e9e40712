//! The ways up of areas that a process of the release before has laid: it writes who lies in whom, and not the ways.

use sanbao_platform::db::{Db, DbError};
use sanbao_platform::service::{Task, hourly};

use super::store;
use crate::App;

/// The task of a start, and of every hour after it.
pub(in crate::account) fn task(app: &App) -> Task {
    let db = app.deps.db.clone();
    hourly("the ways up of areas are worked out", move || {
        let db = db.clone();
        async move { place_unplaced(&db).await }
    })
}

/// Works out the ways that are missing; of how many areas.
pub async fn place_unplaced(db: &Db) -> Result<usize, DbError> {
    let mut all = 0;
    loop {
        let mut tx = db.begin().await?;
        let placed = store::place_unplaced(&mut tx).await?;
        tx.commit().await?;
        all += placed;
        if placed < store::UNPLACED_MAX {
            return Ok(all);
        }
    }
}
