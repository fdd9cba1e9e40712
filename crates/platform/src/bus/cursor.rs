//! How far a follower has read a publisher's log; kept in the follower's own database.

use crate::db::{Conn, DbError, Tx};
use crate::on;

const CURSOR: &str = "select position from inbox_cursor where consumer = $1 and publisher = $2";
const MOVE: &str = "insert into inbox_cursor (consumer, publisher, position) values ($1, $2, $3)
    on conflict (consumer, publisher) do update set position = excluded.position where inbox_cursor.position = $4";

/// Whose cursor, in whose log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) consumer: &'static str,
    pub(super) publisher: &'static str,
}

impl Cursor {
    /// The last position that was read; 0 before the first.
    pub(super) async fn read(self, conn: &mut Conn) -> Result<i64, DbError> {
        let position: Option<i64> =
            on!(conn, |c| sqlx::query_scalar(CURSOR).bind(self.consumer).bind(self.publisher).fetch_optional(c).await)?;
        Ok(position.unwrap_or(0))
    }

    /// Moves from `from` to `to`; `false` when another process has moved it meanwhile. Until the transaction ends,
    /// other processes that would move it wait, so that one at a time takes an event.
    pub(super) async fn advance(self, tx: &mut Tx, from: i64, to: i64) -> Result<bool, DbError> {
        let moved = on!(tx, |c| {
            let row = sqlx::query(MOVE).bind(self.consumer).bind(self.publisher).bind(to).bind(from);
            row.execute(c).await.map(|r| r.rows_affected())
        })?;
        Ok(moved == 1)
    }
}
