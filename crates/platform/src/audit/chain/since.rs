//! The fate of a chain since its end went out last.

use chrono::{DateTime, Utc};

use super::{Chainer, Checkpoint, head};
use crate::crypto::hex;
use crate::db::DbError;
use crate::on;

const LINK_AT: &str = "select link from audit where position = $1";
const OLDEST_BEHIND: &str = "select occurred_at from audit where position > $1 order by position limit 1";

/// A chain beside the last checkpoint of it. Only its end and the row of the checkpoint are looked at;
/// [`verify`](super::verify) looks at all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It has gone on from there.
    Rows {
        /// How many rows were linked since.
        rows: i64,
        /// When the oldest of them was written.
        oldest: Option<DateTime<Utc>>,
    },
    /// It ends before that place: rows are gone.
    CutShort { end: i64 },
    /// Another row stands at that place.
    Rewritten,
}

impl Chainer {
    /// How the chain stands beside `last`, which went out before; `None` while there is neither.
    pub async fn since(&self, last: Option<&Checkpoint>) -> Result<Option<Since>, DbError> {
        let mut conn = self.db.read().await?;
        let head = head(&mut conn).await?;
        let (Some(head), position) = (head, last.map_or(0, |last| last.position)) else {
            return Ok(last.map(|_| Since::CutShort { end: 0 }));
        };
        if head.position < position {
            return Ok(Some(Since::CutShort { end: head.position }));
        }
        if let Some(last) = last {
            let row: Option<Option<Vec<u8>>> =
                on!(conn, |c| sqlx::query_scalar(LINK_AT).bind(position).fetch_optional(c).await)?;
            // Retention may have taken the row away; the end of the chain stays.
            let end = (head.position == position).then(|| head.link.to_string());
            let links = row.map(|link| hex(&link.unwrap_or_default())).into_iter().chain(end);
            if links.into_iter().any(|link| link != last.link) {
                return Ok(Some(Since::Rewritten));
            }
        }
        let oldest = on!(conn, |c| sqlx::query_scalar(OLDEST_BEHIND).bind(position).fetch_optional(c).await)?;
        Ok(Some(Since::Rows { rows: head.position - position, oldest }))
    }
}
