//! Whether a database takes writes, for `/readyz`: found out by a small real write, and believed for a while, so that
//! questions in quick succession cost nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Db, DbError};

/// How long a write that succeeded is believed.
const GOOD_SECONDS: u64 = 10;
/// How long a failure stands before the next write is tried.
const BAD_SECONDS: u64 = 2;
/// More than a page of either engine takes, so that the database has to find room for it.
const FILLER_BYTES: usize = 8 * 1024;

// The row is gone with the transaction that wrote it: nothing grows.
const WRITE: &str = "insert into write_probe (id, filler) values ($1, $2) on conflict (id) do update
    set filler = excluded.filler";
const UNDO: &str = "delete from write_probe where id = $1";
const ROW: i64 = 1;

/// The outcome of the last try; `Ok` for one that was written.
type Outcome = Result<(), Arc<DbError>>;

/// The last try, shared by all handles of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Writable(Arc<Mutex<Option<(Instant, Outcome)>>>);

fn still_stands(tried: Instant, outcome: &Outcome, now: Instant) -> bool {
    let seconds = if outcome.is_ok() { GOOD_SECONDS } else { BAD_SECONDS };
    now.saturating_duration_since(tried) < Duration::from_secs(seconds)
}

impl Writable {
    /// A commit has failed: what was known no longer holds.
    pub(super) fn doubt(&self) {
        // Somebody who holds it is trying right now.
        if let Ok(mut last) = self.0.try_lock() {
            last.take_if(|(_, outcome)| outcome.is_ok());
        }
    }

    /// The last try's outcome while it stands; a new one's else. Those who ask meanwhile wait for the same try.
    async fn outcome(&self, db: &Db) -> Outcome {
        let mut last = self.0.lock().await;
        if let Some((tried, outcome)) = last.as_ref()
            && still_stands(*tried, outcome, Instant::now())
        {
            return outcome.clone();
        }
        let outcome = try_to_write(db).await.map_err(Arc::new);
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

async fn try_to_write(db: &Db) -> Result<(), DbError> {
    let filler = vec![0_u8; FILLER_BYTES];
    let mut tx = db.begin().await?;
    crate::on!(tx, |c| sqlx::query(WRITE).bind(ROW).bind(&filler).execute(c).await.map(drop))?;
    crate::on!(tx, |c| sqlx::query(UNDO).bind(ROW).execute(c).await.map(drop))?;
    tx.commit().await
}

impl Db {
    /// Whether the database answers and takes writes; for `/readyz`. A write is tried every 10 s at most, and every
    /// 2 s while it fails.
    pub async fn ready(&self) -> Result<(), Arc<DbError>> {
        self.ping().await?;
        self.writable.outcome(self).await
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::db::{Engine, Migrations, Tx};
    use crate::testing::{self, TestEngine};

    const NOTHING: Migrations = Migrations { sqlite: &[], postgres: &[] };

    #[test]
    fn a_success_is_believed_longer_than_a_failure() {
        let at = Instant::now();
        let failure: Outcome = Err(Arc::new(DbError::Commit("full".into())));
        let later = |seconds| at + Duration::from_secs(seconds);
        assert_eq!([still_stands(at, &Ok(()), later(9)), still_stands(at, &Ok(()), later(10))], [true, false]);
        assert_eq!([still_stands(at, &failure, later(1)), still_stands(at, &failure, later(2))], [true, false]);
    }

    /// `pragma` of the connection that writes.
    async fn on_writer(tx: &mut Tx, pragma: &'static str) {
        let Engine::Sqlite(c) = tx.engine() else { panic!("SQLite alone") };
        sqlx::raw_sql(pragma).execute(c).await.unwrap();
    }

    async fn fill(db: &Db) -> DbError {
        for id in 1_000_i64.. {
            let mut tx = db.begin().await.unwrap();
            let row =
                crate::on!(tx, |c| { sqlx::query(WRITE).bind(id).bind(vec![7_u8; 500]).execute(c).await.map(drop) });
            if let Err(error) = row {
                return error.into();
            }
            tx.commit().await.unwrap();
        }
        unreachable!("a file has a bound")
    }

    #[tokio::test]
    async fn a_full_file_is_not_ready_and_one_with_room_again_is() {
        let engine = testing::sqlite();
        let db = engine.database("full", &NOTHING).await;
        db.ready().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        on_writer(&mut tx, "pragma max_page_count = 100").await;
        tx.commit().await.unwrap();
        let full = fill(&db).await;
        assert!(full.is_transient(), "{full}");
        db.ready().await.expect("what was written a moment ago is believed");
        assert!(try_to_write(&db).await.unwrap_err().is_transient());
        *db.writable.0.lock().await = None;
        db.ready().await.unwrap_err();
        let mut tx = db.begin().await.unwrap();
        on_writer(&mut tx, "pragma max_page_count = 10000").await;
        tx.commit().await.unwrap();
        db.ready().await.expect_err("a failure stands for a moment");
        *db.writable.0.lock().await = None;
        db.ready().await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_takes_no_writes_is_not_ready() {
        let Some(engine) = testing::postgres().await else { return };
        let db = engine.database("read_only", &NOTHING).await;
        db.ready().await.unwrap();
        let TestEngine::Postgres(url) = &engine else { unreachable!() };
        let (_, name) = url.rsplit_once('/').unwrap();
        testing::read_only(name, true).await;
        let failure = try_to_write(&db).await.unwrap_err();
        assert!(failure.is_transient(), "{failure}");
        *db.writable.0.lock().await = None;
        db.ready().await.unwrap_err();
        testing::read_only(name, false).await;
        // The connections that were just used are ended too: each is met once.
        testing::until("the server takes writes again", async || {
            *db.writable.0.lock().await = None;
            db.ready().await.is_ok()
        })
        .await;
    }

    #[tokio::test]
    async fn a_failed_commit_throws_doubt_on_what_was_known() {
        let engine = testing::sqlite();
        let db = engine.database("doubt", &NOTHING).await;
        db.ready().await.unwrap();
        db.writable.doubt();
        assert!(db.writable.0.lock().await.is_none());
    }
}
