//! Requests against their history: what `sanbao verify` asks of needs-analysis beside its counts.

use sanbao_platform::db::{Db, DbError};
use sanbao_platform::verify::{Checked, check};

const REQUESTS_TOLD: &str = "select r.id from request r where r.state <> coalesce((select h.to_state from history h
        where h.aggregate = 'request' and h.id = r.id order by h.version desc limit 1), '')
    order by r.id limit $1";

/// Every promise of this database that is kept in two places, but for the counts (`rollup::verify`).
pub async fn verify(db: &Db) -> Result<Vec<Checked>, DbError> {
    Ok(vec![check(db, "a request stands as its history says", REQUESTS_TOLD).await?])
}
