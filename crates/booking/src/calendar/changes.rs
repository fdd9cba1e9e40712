//! The changes of the calendar and of hours since somebody looked: the rows of `_calendar_change`, which triggers write.
//!
//! A mark says what was there when it was read: on `SQLite` all changes below a number, on `PostgreSQL` those of the transactions that
//! its snapshot saw. What was open then, or begins later, is told to a reader who goes on from it, once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::db::{Conn, Db, DbError, Engine};
use sanbao_platform::on;
use sanbao_platform::service::Task;
use sanbao_platform::text_enum;
use uuid::Uuid;

/// How long a row stays at least.
const KEPT: Duration = Duration::from_mins(10);
/// How long ago somebody may have looked who goes on from there. Shorter than rows stay.
pub const MARK_AGE_MAX: Duration = Duration::from_mins(5);

const SINCE_SQLITE: &str = "select (select coalesce(max(change), 0) + 1 from _calendar_change) as mark,
        null as snapshot, c.kind, c.resource_id, c.starts_at, c.ends_at
    from (select 1) left join _calendar_change c on c.change >= $1";
const SINCE_POSTGRES: &str = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as mark,
        pg_current_snapshot()::text as snapshot, c.kind, c.resource_id, c.starts_at, c.ends_at
    from (select 1) x left join _calendar_change c
      on c.change >= $1 and not pg_visible_in_snapshot(c.change::text::xid8, $2::pg_snapshot)";
const MARK_SQLITE: &str = "select coalesce(max(change), 0) + 1 as mark, null as snapshot from _calendar_change";
const MARK_POSTGRES: &str = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as mark,
        pg_current_snapshot()::text as snapshot";
// The newest one stays: the next one's number is behind it.
const FORGET_SQLITE: &str =
    "delete from _calendar_change where change < $1 and change < (select max(change) from _calendar_change)";
// No transaction has a number yet that is not below the next one: such a row was brought here from another server, whose
// numbers were further on, and would be told again and again.
const FORGET_POSTGRES: &str = "delete from _calendar_change
    where change < $1 or change >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

text_enum! {
    /// The kind of a change.
    pub enum ChangeKind {
        /// A resource is taken or given up.
        Busy = "busy",
        /// A doctor's account, posts or hours.
        Doctor = "doctor",
        /// An organisation's name, zone or state.
        Hospital = "hospital",
    }
}

/// How far somebody has followed the changes.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct ChangeMark {
    /// All that is below was there.
    #[sqlx(rename = "mark")]
    below: i64,
    /// `PostgreSQL`: of what is not below, what was there too.
    snapshot: Option<String>,
}

impl ChangeMark {
    /// Whether the database was put back to before another mark, so that its numbers begin again.
    pub fn is_before(&self, other: &Self) -> bool {
        self.below < other.below
    }
}

#[derive(sqlx_macros::FromRow)]
struct ChangeRow {
    #[sqlx(flatten)]
    mark: ChangeMark,
    kind: Option<ChangeKind>,
    resource_id: Option<Uuid>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// The resource, the account or the organisation.
    pub resource: Uuid,
    /// From when to when it was taken or given up.
    pub time: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// The mark of now.
pub async fn mark(conn: &mut Conn) -> Result<ChangeMark, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => MARK_SQLITE,
        Engine::Postgres(_) => MARK_POSTGRES,
    };
    Ok(on!(conn, |c| sqlx::query_as(statement).fetch_one(c).await)?)
}

/// The changes since a mark, in no order, and the mark of now.
pub async fn since(conn: &mut Conn, mark: &ChangeMark) -> Result<(ChangeMark, Vec<Change>), DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => SINCE_SQLITE,
        Engine::Postgres(_) => SINCE_POSTGRES,
    };
    let rows: Vec<ChangeRow> =
        on!(conn, |c| sqlx::query_as(statement).bind(mark.below).bind(&mark.snapshot).fetch_all(c).await)?;
    let mark = rows.first().map_or_else(|| mark.clone(), |row| row.mark.clone());
    let change = |row: ChangeRow| {
        Some(Change { kind: row.kind?, resource: row.resource_id?, time: row.starts_at.zip(row.ends_at) })
    };
    Ok((mark, rows.into_iter().filter_map(change).collect()))
}

/// Takes the changes away that are below a number, and those of another server.
pub async fn forget(db: &Db, below: i64) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let statement = match tx.engine() {
        Engine::Sqlite(_) => FORGET_SQLITE,
        Engine::Postgres(_) => FORGET_POSTGRES,
    };
    on!(tx, |c| sqlx::query(statement).bind(below).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Keeps the changes few: those that were there at one round are gone after the next.
pub fn forgetting(db: Db) -> Task {
    Box::new(move |stop| {
        async move {
            // Nothing is below this one: the first round takes only what came from elsewhere.
            let mut old = 0;
            while !stop.is_cancelled() {
                match round(&db, old).await {
                    Ok(mark) => old = mark,
                    Err(error) => tracing::error!(%error, "old changes of the calendar stay; it is tried again"),
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(KEPT) => {}
                }
            }
        }
        .boxed()
    })
}

async fn round(db: &Db, old: i64) -> Result<i64, DbError> {
    forget(db, old).await?;
    let mut conn = db.read().await?;
    Ok(mark(&mut conn).await?.below)
}
