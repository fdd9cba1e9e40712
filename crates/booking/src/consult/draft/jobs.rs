//! The end of drafts that nobody goes on with.

use chrono::Duration;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};

use super::store;

/// A draft is discarded so many days after the last letter.
pub(in crate::consult) const KEEP_DAYS: i64 = 14;

/// Discards what nobody has gone on with; the number of drafts.
pub async fn forget(db: &Db, clock: &Clock) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    let gone = store::forget(&mut tx, clock.now() - Duration::days(KEEP_DAYS)).await?;
    tx.commit().await?;
    Ok(gone)
}
