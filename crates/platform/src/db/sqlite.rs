//! The embedded engine: read-only connections beside **one** writer with group commit.
//!
//! A transaction is a SAVEPOINT on the writer. A transaction that has released its savepoint leaves a reply channel in
//! the group and gives the writer on; a committer task, which queues for the writer *behind* all who wait at that
//! moment, issues one COMMIT for the group and answers all of it. Tokio's mutex is first come, first served, so a group
//! is exactly the writers that were waiting, and a lone writer is committed at once. A dropped transaction cannot run
//! SQL in `drop`; it leaves a mark and the next holder of the writer rolls its savepoint back first.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, oneshot};

use super::readers::FileReaders;
use super::{ACQUIRE_WAIT_SECONDS_MAX, DbError, Script, migrate};

/// Waits for nobody: a file into which another process writes at this moment takes writes.
const TRY_TO_WRITE: &str =
    "pragma busy_timeout = 0; begin immediate; create table write_trial (id integer) strict; rollback";

/// Rows that wait for their reader.
const ROWS_BUFFERED_MAX: usize = 512;

type CommitReply = oneshot::Sender<Result<(), String>>;

#[derive(Debug)]
struct Writer {
    /// `None` once closed.
    connection: Option<SqliteConnection>,
    /// Whether a BEGIN without its COMMIT stands.
    open: bool,
    /// Whether the last savepoint was left without release: its owner was dropped.
    abandoned: bool,
    /// The transactions that wait for the next COMMIT.
    group: Vec<CommitReply>,
}

impl Writer {
    fn conn(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.connection.as_mut().ok_or(DbError::Engine(sqlx::Error::PoolClosed))
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), DbError> {
        sqlx::query(sql).execute(self.conn()?).await?;
        Ok(())
    }

    /// Opens a savepoint, in the transaction that is open or in a new one.
    async fn open(&mut self) -> Result<(), DbError> {
        if self.open {
            return self.run("savepoint request").await;
        }
        if let Err(error) = self.run("begin immediate; savepoint request").await {
            // Of the two the first may have gone well.
            let _ = self.run("rollback").await;
            return Err(error);
        }
        self.open = true;
        Ok(())
    }

    /// Rolls the savepoint back whose owner was dropped. Where the engine has undone the whole transaction by itself, as
    /// it may when the disk is full, all of the group are told that theirs is undone too, and nothing is open any more.
    async fn undo_abandoned(&mut self) {
        if !std::mem::take(&mut self.abandoned) {
            return;
        }
        let mut undone = self.run("rollback to request").await;
        if undone.is_ok() {
            undone = self.run("release request").await;
        }
        if let Err(error) = undone {
            self.give_up(&error).await;
        }
    }

    /// Undoes the open transaction and tells all tasks that wait for its commit why.
    async fn give_up(&mut self, error: &DbError) {
        let _ = self.run("rollback").await;
        self.open = false;
        self.answer(&Err(error.to_string()));
    }

    fn answer(&mut self, outcome: &Result<(), String>) {
        for reply in self.group.drain(..) {
            let _ = reply.send(outcome.clone());
        }
    }

    /// One COMMIT for all tasks that wait; on failure all of them are told and all of it is undone.
    async fn commit_group(&mut self) {
        self.undo_abandoned().await;
        if !self.open {
            return;
        }
        match self.run("commit").await {
            Ok(()) => {
                self.open = false;
                self.answer(&Ok(()));
            }
            Err(error) => self.give_up(&error).await,
        }
    }
}

/// Reader pool and writer of one file.
#[derive(Clone, Debug)]
pub(super) struct SqliteDb {
    readers: Arc<FileReaders>,
    writer: Arc<Mutex<Writer>>,
    released: Arc<Notify>,
}

/// The writer's turn: one SAVEPOINT.
#[derive(Debug)]
pub(super) struct WriterGuard {
    /// `None` only after commit took it.
    writer: Option<OwnedMutexGuard<Writer>>,
    released: Arc<Notify>,
}

/// The primary result code of an error of the engine.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// `READONLY` and `CANTOPEN` are told as what they are.
fn refused(path: &str, error: sqlx::Error) -> DbError {
    match primary_code(&error) {
        Some(8 | 14) => DbError::ReadOnly(path.to_owned()),
        _ => error.into(),
    }
}

/// An engine that may not write opens a file for reading and says so at the first write: that is here.
async fn takes_writes(connection: &mut SqliteConnection, path: &str) -> Result<(), DbError> {
    let tried = sqlx::raw_sql(TRY_TO_WRITE).execute(&mut *connection).await;
    let waits = format!("pragma busy_timeout = {}", ACQUIRE_WAIT_SECONDS_MAX * 1_000);
    sqlx::raw_sql(AssertSqlSafe(waits)).execute(connection).await?;
    match tried {
        // `BUSY`: somebody else writes.
        Err(error) if primary_code(&error) == Some(5) => Ok(()),
        tried => tried.map(drop).map_err(|e| refused(path, e)),
    }
}

impl SqliteDb {
    pub(super) async fn open(path: &str) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{path}"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged write survives power loss, not only a crash of the process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(ACQUIRE_WAIT_SECONDS_MAX))
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "memory");
        let mut connection = options.connect().await.map_err(|e| refused(path, e))?;
        takes_writes(&mut connection, path).await?;
        // Rows wait for their reader in the channel, and not the engine for each of them.
        let readers = FileReaders::new(options.pragma("query_only", "on").row_buffer_size(ROWS_BUFFERED_MAX));
        let writer = Arc::new(Mutex::new(Writer {
            connection: Some(connection),
            open: false,
            abandoned: false,
            group: Vec::new(),
        }));
        let released = Arc::new(Notify::new());
        tokio::spawn(committer(Arc::downgrade(&writer), Arc::clone(&released)));
        Ok(Self { readers, writer, released })
    }

    pub(super) fn readers(&self) -> &Arc<FileReaders> {
        &self.readers
    }

    pub(super) async fn migrate(&self, scripts: &[Script]) -> Result<(), DbError> {
        let mut writer = self.writer.lock().await;
        migrate::run_sqlite(writer.conn()?, scripts).await
    }

    /// Writes the whole file anew, so that no page keeps what was deleted, and empties the log beside it.
    pub(super) async fn compact(&self) -> Result<(), DbError> {
        let mut writer = self.writer.lock().await;
        let connection = writer.conn()?;
        sqlx::raw_sql("vacuum").execute(&mut *connection).await?;
        sqlx::raw_sql("pragma wal_checkpoint(truncate)").execute(connection).await?;
        Ok(())
    }

    pub(super) async fn begin(&self) -> Result<WriterGuard, DbError> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let released = Arc::clone(&self.released);
        // A caller that is dropped between these statements must not leave the writer half open,
        // so they run to their end whatever becomes of the caller.
        let opened = tokio::spawn(async move {
            let mut writer = writer;
            writer.undo_abandoned().await;
            writer.open().await?;
            Ok::<_, DbError>(WriterGuard { writer: Some(writer), released })
        });
        opened.await.map_err(|e| DbError::Commit(e.to_string()))?
    }

    pub(super) async fn close(&self) {
        let mut writer = self.writer.lock().await;
        writer.commit_group().await;
        if let Some(connection) = writer.connection.take() {
            let _ = connection.close().await;
        }
        drop(writer);
        self.readers.close().await;
    }
}

impl WriterGuard {
    #[expect(
        clippy::expect_used,
        reason = "the guard holds the writer until commit consumes it; begin opened the connection"
    )]
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.writer.as_mut().and_then(|w| w.connection.as_mut()).expect("an open transaction has its connection")
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        let released = Arc::clone(&self.released);
        let (reply, answer) = oneshot::channel();
        // In a task of its own for the same reason as in `begin`.
        let release = tokio::spawn(async move {
            match writer.run("release request").await {
                Ok(()) => writer.group.push(reply),
                Err(e) => {
                    writer.abandoned = true;
                    let _ = reply.send(Err(e.to_string()));
                }
            }
            drop(writer);
            released.notify_one();
        });
        release.await.map_err(|e| DbError::Commit(e.to_string()))?;
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(DbError::Commit(cause)),
            Err(_) => Err(DbError::Commit("the committer is gone".into())),
        }
    }
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.as_mut() {
            writer.abandoned = true;
            // The committer closes the group even if nobody else comes.
            self.released.notify_one();
        }
    }
}

async fn committer(writer: std::sync::Weak<Mutex<Writer>>, released: Arc<Notify>) {
    loop {
        // The timeout is only there to notice that the database itself is gone.
        let _ = tokio::time::timeout(Duration::from_secs(1), released.notified()).await;
        let Some(writer) = writer.upgrade() else { return };
        let mut writer = writer.lock().await;
        writer.commit_group().await;
    }
}
