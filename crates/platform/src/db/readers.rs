//! The read-only connections of one `SQLite` file.
//!
//! A pool of sqlx asks a connection whether it is still there when it is lent and again when it comes back. Over a file that is
//! two ways to the connection's thread and back for nothing, as long as a short statement takes: so they are kept here.

use std::ops::{Deref, DerefMut};
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
pub(super) struct Readers {
    options: SqliteConnectOptions,
    /// One for each connection that may be lent.
    permits: Arc<Semaphore>,
    /// With when each came back. The one that came back last is lent first: what it read is in its cache still.
    idle: Mutex<Vec<(SqliteConnection, Instant)>>,
}

/// A connection that is lent; it goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    /// `None` only while it goes back.
    connection: Option<SqliteConnection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(SQLITE_READERS_MAX as usize));
        Arc::new(Self { options, permits, idle: Mutex::default() })
    }

    /// Lends a connection, or says after a wait that all are lent.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Reader, DbError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(Duration::from_secs(ACQUIRE_WAIT_SECONDS_MAX), permit).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some((connection, _)) => connection,
            None => self.options.connect().await?,
        };
        Ok(Reader { connection: Some(connection), home: Arc::clone(self), _permit: permit })
    }

    /// A connection of its own for long work, beside those that are lent.
    pub(super) async fn apart(&self) -> Result<SqliteConnection, DbError> {
        Ok(self.options.connect().await?)
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

impl Deref for Reader {
    type Target = SqliteConnection;

    #[expect(clippy::expect_used, reason = "it is there until it goes back")]
    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("a connection that is lent")
    }
}

impl DerefMut for Reader {
    #[expect(clippy::expect_used, reason = "it is there until it goes back")]
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a connection that is lent")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take().map(|connection| (connection, now)));
        // A busy hour has more than a quiet one needs, and each has a cache.
        if idle.first().is_some_and(|(_, since)| now.duration_since(*since) >= IDLE_MAX) {
            idle.remove(0);
        }
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
        let readers = Readers::new(SqliteConnectOptions::new().filename(file).create_if_missing(true));
        let mut lent = join_all((0..SQLITE_READERS_MAX).map(|_| readers.lend())).await;
        let mut first = lent.swap_remove(0).unwrap();
        sqlx::raw_sql("create temp table mark (id integer)").execute(&mut *first).await.unwrap();
        let mut waits = Box::pin(readers.lend());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(first);
        // It is the one that came back, and not a new one.
        let mut last = waits.await.unwrap();
        assert_eq!(made(&mut last).await, 1);
        let mut end = Box::pin(readers.close());
        assert!(end.as_mut().now_or_never().is_none());
        drop((last, lent));
        end.await;
        assert!(matches!(readers.lend().await, Err(DbError::Engine(sqlx::Error::PoolClosed))));
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_any_more_leaves_its_connection_whole() {
        let folder = tempfile::tempdir().unwrap();
        let readers =
            Readers::new(SqliteConnectOptions::new().filename(folder.path().join("a.db")).create_if_missing(true));
        for _ in 0..20 {
            let mut reader = readers.lend().await.unwrap();
            let long =
                "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) select i from n";
            let asked = sqlx::query_scalar::<_, i64>(long).fetch_all(&mut *reader).now_or_never();
            assert!(asked.is_none());
            drop(reader);
            let mut again = readers.lend().await.unwrap();
            assert_eq!(made(&mut again).await, 0);
        }
    }
}
