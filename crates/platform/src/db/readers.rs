//! The read-only connections of one `SQLite` file.
//!
//! A pool of sqlx asks a connection whether it is still there when it is lent and again when it comes back. Over a file that is
//! two ways to the connection's thread and back for nothing, as long as a short statement takes: so they are kept here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ACQUIRE_WAIT_SECONDS_MAX, DbError, SQLITE_READERS_MAX};

/// How long one is kept that nobody wants.
const IDLE_MAX: Duration = Duration::from_mins(10);

/// Connections that are made when they are wanted first, and kept.
#[derive(Debug)]
pub(super) struct FileReaders {
    options: SqliteConnectOptions,
    /// One for each connection that may be lent.
    permits: Arc<Semaphore>,
    /// With when each came back. The one that came back last is lent first: what it read is in its cache still.
    idle: Mutex<Vec<(SqliteConnection, Instant)>>,
}

/// A connection that is lent; it goes back when this is dropped.
#[derive(Debug)]
pub(super) struct LentReader {
    /// `None` only while it goes back.
    connection: Option<SqliteConnection>,
    home: Arc<FileReaders>,
    permit: Option<OwnedSemaphorePermit>,
    /// A statement was begun, and nobody has said that it was answered.
    is_asked: bool,
}

impl FileReaders {
    pub(super) fn new(options: SqliteConnectOptions) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(SQLITE_READERS_MAX as usize));
        Arc::new(Self { options, permits, idle: Mutex::default() })
    }

    /// Lends a connection, or says after a wait that all are lent.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<LentReader, DbError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(Duration::from_secs(ACQUIRE_WAIT_SECONDS_MAX), permit).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some((connection, _)) => connection,
            None => self.options.connect().await?,
        };
        Ok(LentReader { connection: Some(connection), home: Arc::clone(self), permit: Some(permit), is_asked: false })
    }

    /// A connection of its own for long work, beside those that are lent.
    pub(super) async fn apart(&self) -> Result<SqliteConnection, DbError> {
        Ok(self.options.connect().await?)
    }

    fn take_back(&self, connection: SqliteConnection) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, now));
        // A busy hour has more than a quiet one needs, and each has a cache.
        if idle.first().is_some_and(|(_, since)| now.duration_since(*since) >= IDLE_MAX) {
            idle.remove(0);
        }
    }

    /// Waits for what is lent, and closes all.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(SQLITE_READERS_MAX).await;
        self.permits.close();
        drop(all);
        let kept = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for (connection, _) in kept {
            let _ = connection.close().await;
        }
    }
}

impl LentReader {
    /// The connection, for a statement.
    #[expect(clippy::expect_used, reason = "it is there until it goes back")]
    pub(super) fn asked(&mut self) -> &mut SqliteConnection {
        self.is_asked = true;
        self.connection.as_mut().expect("a connection that is lent")
    }

    /// The statement was answered.
    pub(super) fn settle(&mut self) {
        self.is_asked = false;
    }
}

impl Drop for LentReader {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if !self.is_asked {
            return self.home.take_back(connection);
        }
        // Nobody waits for the statement any more, but its connection works on it still; or it has failed, and is gone perhaps. It
        // is lent again when it answers.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (home, permit) = (Arc::clone(&self.home), self.permit.take());
        runtime.spawn(async move {
            if connection.ping().await.is_ok() {
                home.take_back(connection);
            }
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::*;

    async fn made(connection: &mut SqliteConnection) -> i64 {
        sqlx::query_scalar("select count(*) from sqlite_temp_master").fetch_one(connection).await.unwrap()
    }

    #[tokio::test]
    async fn the_last_one_waits_until_another_comes_back_and_nobody_gets_one_after_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("readers.db");
        let readers = FileReaders::new(SqliteConnectOptions::new().filename(file).create_if_missing(true));
        let mut lent = join_all((0..SQLITE_READERS_MAX).map(|_| readers.lend())).await;
        let mut first = lent.swap_remove(0).unwrap();
        sqlx::raw_sql("create temp table mark (id integer)").execute(first.asked()).await.unwrap();
        first.settle();
        let mut waits = Box::pin(readers.lend());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(first);
        // It is the one that came back, and not a new one.
        let mut last = waits.await.unwrap();
        assert_eq!(made(last.asked()).await, 1);
        last.settle();
        let mut end = Box::pin(readers.close());
        assert!(end.as_mut().now_or_never().is_none());
        drop((last, lent));
        end.await;
        assert!(matches!(readers.lend().await, Err(DbError::Engine(sqlx::Error::PoolClosed))));
    }

    #[tokio::test]
    async fn a_connection_that_works_still_for_nobody_is_not_lent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("readers.db");
        let readers = FileReaders::new(SqliteConnectOptions::new().filename(file).create_if_missing(true));
        let mut reader = readers.lend().await.unwrap();
        sqlx::raw_sql("create temp table mark (id integer)").execute(reader.asked()).await.unwrap();
        let long =
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000000) select count(*) from n";
        let asked = sqlx::query_scalar::<_, i64>(long).fetch_one(reader.asked()).now_or_never();
        assert!(asked.is_none());
        drop(reader);
        // Another one answers, although that one came back last.
        let mut other = readers.lend().await.unwrap();
        assert_eq!(made(other.asked()).await, 0);
        other.settle();
        drop(other);
        // In the end it is lent again.
        loop {
            let mut all = join_all((0..SQLITE_READERS_MAX).map(|_| readers.lend())).await;
            for reader in all.iter_mut().map(|reader| reader.as_mut().unwrap()) {
                if made(reader.asked()).await == 1 {
                    return;
                }
                reader.settle();
            }
        }
    }

    #[tokio::test]
    async fn a_connection_whose_statement_failed_is_looked_at_and_lent_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("readers.db");
        let readers = FileReaders::new(SqliteConnectOptions::new().filename(file).create_if_missing(true));
        for _ in 0..3 * SQLITE_READERS_MAX {
            let mut reader = readers.lend().await.unwrap();
            assert!(sqlx::raw_sql("select nothing").execute(reader.asked()).await.is_err());
        }
        assert_eq!(made(readers.lend().await.unwrap().asked()).await, 0);
    }
}
