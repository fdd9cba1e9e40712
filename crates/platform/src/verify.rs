//! Promises that a database keeps in two places, held against each other: each check is one statement, so that it sees one moment of a running network.

use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::on;

/// Rows of a check that are named; that there are more is told.
pub const NAMED_MAX: usize = 50;
const READ: i64 = 51;

/// One check and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The promise, for the operator.
    pub promise: &'static str,
    /// The ids of rows that do not keep it, at most one more than are named.
    pub broken: Vec<Uuid>,
}

/// Runs a statement that selects the ids of rows which do not keep `promise`, at most `$1` of them.
pub async fn check(db: &Db, promise: &'static str, statement: &'static str) -> Result<Checked, DbError> {
    let mut conn = db.read().await?;
    let broken = on!(conn, |c| sqlx::query_scalar::<_, Uuid>(statement).bind(READ).fetch_all(c).await)?;
    Ok(Checked { promise, broken })
}
