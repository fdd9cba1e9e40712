//! One database handle over two engines: a statement is written once and runs on both.
//!
//! [`Conn`] is what a repository function takes. [`Db::read`] lends one for reading,
//! [`Db::begin`] opens a [`Tx`], which dereferences to a `Conn` and must be committed.
//! The macro [`on!`](crate::on) picks the engine and monomorphises one body for both:
//!
//! ```text
//! const FIND: &str = "select id, name from organisation where id = $1";
//! async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Row>, DbError> {
//!     Ok(on!(conn, |c| sqlx::query_as::<_, Row>(FIND).bind(id).fetch_optional(c).await)?)
//! }
//! ```
//!
//! **Invariant.** On `SQLite` there is one writer connection, and nothing but SQL is awaited
//! between [`Db::begin`] and [`Tx::commit`]: a task that waits for anything else stops every writer.

mod belonging;
mod compact;
pub mod copy;
mod many;
mod migrate;
mod open;
mod readers;
mod ready;
mod size;
mod sqlite;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, SqliteConnection};
use tokio::sync::broadcast;

use crate::auth::ended::{Ended, Ending};

pub use belonging::{Holding, KeyMarks};
pub use many::many_rows;
#[doc(hidden)]
pub use migrate::ascends;
pub use migrate::{Migrations, Script};
use readers::LentReader;
use ready::Writable;
use sqlite::{SqliteDb, WriterGuard};

/// How many pooled connections one service may hold on `PostgreSQL`.
pub const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// How many read-only connections one service holds on `SQLite`.
pub const SQLITE_READERS_MAX: u32 = 8;
/// How long a request waits for a connection before it is told to come back.
pub const ACQUIRE_WAIT_SECONDS_MAX: u64 = 5;
/// How many changes a slow follower may be behind before it must read everything anew.
pub const CHANGES_BUFFERED_MAX: usize = 1024;

/// Why the database did not answer. The text is for the log, never for a caller.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The engine refused or failed.
    #[error("database: {0}")]
    Engine(#[from] sqlx::Error),
    /// A migration failed or a file was changed after it ran.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The commit that held this transaction failed for the whole group.
    #[error("group commit failed: {0}")]
    Commit(String),
    /// A guarded statement touched another number of rows than its author promised.
    #[error("{statement} touched {actual} rows, expected {expected}")]
    RowCount {
        statement: &'static str,
        /// How many rows it had to touch.
        expected: u64,
        /// How many it touched.
        actual: u64,
    },
    /// The server cannot be reached, or lets this account in nowhere.
    #[error("no connection to PostgreSQL at {place}: {cause}")]
    NotConnected {
        /// Host, port and database, without the account.
        place: String,
        cause: sqlx::Error,
    },
    /// The file of an embedded database, or the folder that it lies in, takes no writes.
    #[error(
        "the file {0} cannot be written: give it and its folder to the user that this program runs as, and look whether the disk is mounted read-only"
    )]
    ReadOnly(String),
    /// A program of a later version has written here.
    #[error(
        "written by a newer Sanbao (schema {schema}; this one knows up to {known}): install that version, or restore \
         the backup made before the upgrade"
    )]
    Newer {
        /// The newest migration that was applied and is not known.
        schema: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A stored value that the code cannot read: table, column and row, never the value.
    #[error("bad row: {table}.{column} of {row}: {cause}")]
    BadRow {
        table: &'static str,
        column: &'static str,
        row: String,
        /// The fault.
        cause: String,
    },
}

impl DbError {
    /// Whether a unique index or primary key refused the row (both engines report this alike).
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Engine(sqlx::Error::Database(e)) if e.is_unique_violation())
    }
    /// Whether the same work may well succeed later: the engine is away, full or busy, or two transactions collided.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Commit(_) => true,
            Self::Engine(e) | Self::NotConnected { cause: e, .. } => may_pass(e),
            Self::Migration(_)
            | Self::Newer { .. }
            | Self::RowCount { .. }
            | Self::BadRow { .. }
            | Self::ReadOnly(_) => false,
        }
    }
    /// Whether a foreign key refused the row: an id that names nothing.
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Self::Engine(sqlx::Error::Database(e)) if e.is_foreign_key_violation())
    }
}

fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(e) => e.code().is_some_and(|code| is_transient_code(&code)),
        e => matches!(
            e,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ),
    }
}

/// `SQLSTATE` classes (`PostgreSQL` appendix A) of lost connections, rollbacks by the engine, exhausted resources
/// and an operator's interventions; `SQLite` primary result codes `BUSY`, `LOCKED`, `NOMEM`, `IOERR`, `FULL`, `CANTOPEN`.
fn is_transient_code(code: &str) -> bool {
    // A SQLSTATE has five characters, a result code of SQLite fewer.
    if code.len() == 5 {
        return matches!(code, "55P03" | "25006")
            || ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14))
}

/// Which engine a thing belongs to; the body of [`on!`](crate::on) is written once for both.
#[derive(Debug)]
pub enum Engine<S, P> {
    /// Embedded.
    Sqlite(S),
    /// Server.
    Postgres(P),
}

/// Runs one body on whichever engine `$conn` stands on, with `$c` bound to the engine's own
/// `&mut` connection. A body that is left before its end leaves the connection unsettled.
#[macro_export]
macro_rules! on {
    ($conn:expr, |$c:ident| $body:expr) => {{
        let answer = match $conn.engine() {
            $crate::db::Engine::Sqlite($c) => $body,
            $crate::db::Engine::Postgres($c) => $body,
        };
        $conn.settle();
        answer
    }};
}

/// A time as sqlx writes it into `SQLite`, for statements that take rows out of JSON; `PostgreSQL` reads it too.
pub fn as_text(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

/// The tables every service's database has: outbox, inbox, audit, idempotency, history.
pub const PLATFORM: Migrations = crate::migrations!("platform":
    1 "0001_platform",
    2 "0002_retention",
    3 "0003_history",
    4 "0004_write_probe",
    5 "0005_answered_version",
    6 "0006_ended_session",
    7 "0007_reads",
    8 "0008_belonging",
    9 "0009_audit_chain",
    12 "0012_kept_backup",
    14 "0014_parked_order",
    16 "0016_outbox_subject",
    18 "0018_retention_run",
    20 "0020_outbox_traceparent",
);

/// A topic that a committed transaction touched, with the people whom it concerns: for live lists.
/// It carries no data, so a follower reads what it is allowed to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveNotice {
    /// The kind of thing that changed, such as `consults`.
    pub topic: &'static str,
    /// The organisation or person it concerns.
    pub key: uuid::Uuid,
}

/// A service's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    engine: Inner,
    changes: broadcast::Sender<LiveNotice>,
    ended: Ended,
    writable: Writable,
}

#[derive(Clone, Debug)]
enum Inner {
    Sqlite(SqliteDb),
    Postgres(PgPool),
}

/// A connection for statements: read-only when it came from [`Db::read`].
#[derive(Debug)]
pub struct Conn(ConnInner);

#[derive(Debug)]
enum ConnInner {
    SqliteReader(LentReader),
    SqliteWriter(WriterGuard),
    PostgresReader(PoolConnection<Postgres>),
    PostgresTx(sqlx::Transaction<'static, Postgres>),
}

impl Conn {
    /// The engine's own connection, for [`on!`](crate::on).
    pub fn engine(&mut self) -> Engine<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            ConnInner::SqliteReader(c) => Engine::Sqlite(c.asked()),
            ConnInner::SqliteWriter(g) => Engine::Sqlite(g.connection()),
            ConnInner::PostgresReader(c) => Engine::Postgres(c),
            ConnInner::PostgresTx(t) => Engine::Postgres(t),
        }
    }

    /// The last statement was waited for to its end, and answered: [`on!`](crate::on) says so. A connection of which nobody says
    /// it is looked at before it is lent again.
    pub fn settle(&mut self) {
        if let ConnInner::SqliteReader(reader) = &mut self.0 {
            reader.settle();
        }
    }
}

/// A transaction. Dropping it undoes everything; [`Tx::commit`] returns when it is durable.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is undone"]
pub struct Tx {
    conn: Conn,
    changed: Vec<LiveNotice>,
    changes: broadcast::Sender<LiveNotice>,
    endings: Vec<(Ending, chrono::DateTime<chrono::Utc>)>,
    ended: Ended,
    writable: Writable,
}

impl std::ops::Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Tx {
    /// Makes the work durable. On `SQLite` it shares one commit with all tasks that wait beside it.
    pub fn commit(self) -> BoxFuture<'static, Result<(), DbError>> {
        Box::pin(self.committed())
    }

    async fn committed(self) -> Result<(), DbError> {
        let committed = match self.conn.0 {
            ConnInner::SqliteWriter(guard) => guard.commit().await,
            ConnInner::PostgresTx(tx) => tx.commit().await.map_err(DbError::from),
            ConnInner::SqliteReader(_) | ConnInner::PostgresReader(_) => Ok(()),
        };
        committed.inspect_err(|_| self.writable.doubt())?;
        self.ended.note(&self.endings);
        for change in self.changed {
            // Nobody listening is not an error.
            let _ = self.changes.send(change);
        }
        Ok(())
    }

    /// Takes `ending` into the list of this process once this transaction is durable.
    pub(crate) fn ends(&mut self, ending: Ending, at: chrono::DateTime<chrono::Utc>) {
        self.endings.push((ending, at));
    }

    /// Tells followers of `topic` and `key` once this transaction is durable.
    pub fn touch(&mut self, topic: &'static str, key: impl Into<uuid::Uuid>) {
        let change = LiveNotice { topic, key: key.into() };
        if !self.changed.contains(&change) {
            self.changed.push(change);
        }
    }
}

impl Db {
    fn of(engine: Inner) -> Self {
        let (changes, ended) = (broadcast::Sender::new(CHANGES_BUFFERED_MAX), Ended::default());
        Self { engine, changes, ended, writable: Writable::default() }
    }

    /// The engine's name as it stands in `migrations/` and in logs.
    pub fn engine_name(&self) -> &'static str {
        match self.engine {
            Inner::Sqlite(_) => "sqlite",
            Inner::Postgres(_) => "postgres",
        }
    }

    /// The changes that committed transactions report; for live pages and for the bus.
    pub fn changes(&self) -> broadcast::Receiver<LiveNotice> {
        self.changes.subscribe()
    }

    /// The log-ins that have ended, as far as this process knows.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }

    /// A connection for reading; on `SQLite` it cannot write.
    pub fn read(&self) -> BoxFuture<'_, Result<Conn, DbError>> {
        Box::pin(async move {
            Ok(Conn(match &self.engine {
                Inner::Sqlite(db) => ConnInner::SqliteReader(db.readers().lend().await?),
                Inner::Postgres(pool) => ConnInner::PostgresReader(pool.acquire().await?),
            }))
        })
    }

    /// Opens a transaction; on `SQLite` this waits for the one writer's turn.
    pub fn begin(&self) -> BoxFuture<'_, Result<Tx, DbError>> {
        Box::pin(self.begun())
    }

    async fn begun(&self) -> Result<Tx, DbError> {
        let conn = Conn(match &self.engine {
            Inner::Sqlite(db) => ConnInner::SqliteWriter(db.begin().await?),
            Inner::Postgres(pool) => ConnInner::PostgresTx(server_tx(pool.acquire().await?).await?),
        });
        let (changes, ended, writable) = (self.changes.clone(), self.ended.clone(), self.writable.clone());
        Ok(Tx { conn, changed: Vec::new(), changes, endings: Vec::new(), ended, writable })
    }

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), DbError> {
        let mut conn = self.read().await?;
        crate::on!(conn, |c| sqlx::query("select 1").execute(c).await.map(|_| ()))?;
        Ok(())
    }

    /// Waits for running statements, commits what is pending and closes.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match &self.engine {
                Inner::Sqlite(db) => db.close().await,
                Inner::Postgres(pool) => pool.close().await,
            }
        })
    }
}

/// Opens a transaction on a connection of the server's.
///
/// A caller that goes away between `begin` and its answer must not give back a connection on which a transaction is open and
/// nobody counts it: whatever was asked there next would stand in it, and be undone. So it runs to its end whatever becomes of
/// the caller, and is undone when nobody takes it.
async fn server_tx(lent: PoolConnection<Postgres>) -> Result<sqlx::Transaction<'static, Postgres>, DbError> {
    let opened = tokio::spawn(sqlx::Transaction::begin(lent, None)).await;
    Ok(opened.map_err(|e| DbError::Commit(e.to_string()))??)
}

/// Asserts that a guarded statement touched what it promised.
pub fn expect_rows(statement: &'static str, expected: u64, actual: u64) -> Result<(), DbError> {
    if expected == actual { Ok(()) } else { Err(DbError::RowCount { statement, expected, actual }) }
}

#[cfg(test)]
mod tests {
    use super::is_transient_code;

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        // Lost connection, deadlock, no disk, administrator's shutdown, lock not available, read-only; busy, extended
        // busy, read-only, full.
        for code in ["08006", "40P01", "53100", "57P01", "55P03", "25006", "5", "261", "8", "13"] {
            assert!(is_transient_code(code), "{code}");
        }
        // Unique and exclusion violations, undefined column; constraint, extended constraint, schema error.
        for code in ["23505", "23P01", "42703", "19", "2067", "1", ""] {
            assert!(!is_transient_code(code), "{code}");
        }
    }
}
