//! Which consults were begun at a moment.

use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use crate::consult::id::ConsultId;

const BEGUN_BETWEEN: &str = "select id from consult where id between $1 and $2 order by id limit $3";

/// The ids that stand between two.
pub(super) async fn begun_between(
    conn: &mut Conn,
    first: ConsultId,
    last: ConsultId,
    limit: i64,
) -> Result<Vec<ConsultId>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_scalar(BEGUN_BETWEEN).bind(first).bind(last).bind(limit).fetch_all(c).await })?)
}
