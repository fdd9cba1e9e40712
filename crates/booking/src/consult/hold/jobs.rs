//! The end of holds by time alone. What has ended is in nobody's way before it is taken out.

use chrono::Duration;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};

use super::store;
use crate::calendar;

/// Rows of the calendar that one transaction takes out at most.
const BATCH_MAX: i64 = 500;

/// Takes out what has ended by itself; the number of rows of the calendar.
pub async fn forget(db: &Db, clock: &Clock) -> Result<u64, DbError> {
    let now = clock.now();
    let mut forgotten = 0;
    loop {
        let mut tx = db.begin().await?;
        let rows = calendar::forget_all_expired(&mut tx, now, BATCH_MAX).await?;
        tx.commit().await?;
        forgotten += rows;
        if rows < BATCH_MAX.unsigned_abs() {
            break;
        }
    }
    let mut tx = db.begin().await?;
    store::forget(&mut tx, now, now - Duration::hours(1)).await?;
    tx.commit().await?;
    Ok(forgotten)
}
