//! How far a follower has read a publisher's log; kept in the follower's own database.

use uuid::Uuid;

use super::{EventLog, LogEnd, LogError};
use crate::db::{Conn, DbError, Tx};
use crate::on;

const CURSOR: &str = "select position, event_id from inbox_cursor where consumer = $1 and publisher = $2";
const MOVE: &str = "insert into inbox_cursor (consumer, publisher, position, event_id) values ($1, $2, $3, $5)
    on conflict (consumer, publisher) do update set position = excluded.position, event_id = excluded.event_id
    where inbox_cursor.position = $4";
// It changes nothing, and locks the row that a move touches first, also where none has been made yet.
const HOLD: &str = "insert into inbox_cursor (consumer, publisher, position) values ($1, $2, 0)
    on conflict (consumer, publisher) do update set position = inbox_cursor.position";

/// Whose cursor, in whose log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) consumer: &'static str,
    pub(super) publisher: &'static str,
}

/// How far a follower has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub(super) struct Heard {
    /// The position of the last event; 0 before the first.
    pub(super) position: i64,
    /// That event; `None` before the first, and for cursors from before this was noted.
    pub(super) event_id: Option<Uuid>,
}

impl Cursor {
    /// The last event that was read.
    pub(super) async fn read(self, conn: &mut Conn) -> Result<Heard, DbError> {
        let heard: Option<Heard> =
            on!(conn, |c| sqlx::query_as(CURSOR).bind(self.consumer).bind(self.publisher).fetch_optional(c).await)?;
        Ok(heard.unwrap_or_default())
    }

    /// Moves from `from` to `to`; `false` when another process has moved it meanwhile. Until the transaction ends,
    /// other processes that would move it wait, so that one at a time takes an event.
    pub(super) async fn advance(self, tx: &mut Tx, from: i64, to: Heard) -> Result<bool, DbError> {
        let moved = on!(tx, |c| {
            let row = sqlx::query(MOVE).bind(self.consumer).bind(self.publisher).bind(to.position).bind(from);
            row.bind(to.event_id).execute(c).await.map(|r| r.rows_affected())
        })?;
        Ok(moved == 1)
    }

    /// Keeps it where it is until the transaction ends: no event is taken meanwhile, and what was taken before is seen by the
    /// statements behind this one.
    pub(super) async fn hold(self, tx: &mut Tx) -> Result<(), DbError> {
        Ok(on!(tx, |c| sqlx::query(HOLD).bind(self.consumer).bind(self.publisher).execute(c).await.map(drop))?)
    }

    /// The refusal of a log that is not the one that was heard.
    pub(super) fn out_of_step(self, cause: String) -> LogError {
        LogError::OutOfStep { publisher: self.publisher, reader: self.consumer, cause }
    }

    /// Whether the log that ends here may be the one that was heard.
    pub(super) async fn fits(self, heard: Heard, log: &dyn EventLog) -> Result<(), LogError> {
        let Heard { position, event_id } = heard;
        if position == 0 {
            return Ok(());
        }
        match log.end().await? {
            LogEnd::At { position: last, .. } if last < position && log.is_copy() => {
                Err(LogError::Behind { publisher: self.publisher, reader: self.consumer, last, heard: position })
            }
            LogEnd::At { position: last, .. } if last < position => {
                Err(self.out_of_step(format!("event {position} was heard, and event {last} is the newest")))
            }
            LogEnd::At { position: last, event_id: newest }
                if last == position && event_id.is_some_and(|id| id != newest) =>
            {
                Err(self.out_of_step(format!("event {position} was heard, and is another one now")))
            }
            LogEnd::Empty => Err(self.out_of_step(format!("event {position} was heard, and none was ever told"))),
            LogEnd::At { .. } | LogEnd::Unknown => Ok(()),
        }
    }
}
