//! The database handle: what is acknowledged is there, what is dropped is not, on both engines.
use std::collections::BTreeSet;
use std::time::Duration;

use sanbao_platform::db::{Db, DbError, Migrations, Script};
use sanbao_platform::on;
use sanbao_platform::testing::on_both;

const PAIR: Migrations = Migrations {
    sqlite: &[Script {
        version: 100,
        name: "pair",
        sql: "create table pair (id integer not null, half integer not null, primary key (id, half)) strict;",
    }],
    postgres: &[Script {
        version: 100,
        name: "pair",
        sql: "create table pair (id bigint not null, half bigint not null, primary key (id, half));",
    }],
};
const INSERT: &str = "insert into pair (id, half) values ($1, $2)";
const ALL: &str = "select id, half from pair order by id, half";

/// Writes both halves of `id` in one transaction, yielding between them.
async fn write(db: &Db, id: i64) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for half in 0..2_i64 {
        on!(tx, |c| sqlx::query(INSERT).bind(id).bind(half).execute(c).await.map(drop))?;
        tokio::task::yield_now().await;
    }
    tx.commit().await
}

async fn stored(db: &Db) -> Vec<(i64, i64)> {
    let mut conn = db.read().await.unwrap();
    on!(conn, |c| sqlx::query_as(ALL).fetch_all(c).await).unwrap()
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_its_neighbours_stand() {
    on_both(|engine| async move {
        let db = engine.database("pairs", &PAIR).await;
        write(&db, 1).await.unwrap();
        let mut dropped = db.begin().await.unwrap();
        on!(dropped, |c| sqlx::query(INSERT).bind(2_i64).bind(0_i64).execute(c).await.map(drop)).unwrap();
        drop(dropped);
        write(&db, 3).await.unwrap();
        assert_eq!(stored(&db).await, [(1, 0), (1, 1), (3, 0), (3, 1)], "{}", engine.name());
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_undoes_only_its_own_transaction() {
    on_both(|engine| async move {
        let db = engine.database("pairs", &PAIR).await;
        write(&db, 1).await.unwrap();
        let error = write(&db, 1).await.unwrap_err();
        assert!(error.is_unique_violation(), "{}: {error}", engine.name());
        write(&db, 2).await.unwrap();
        assert_eq!(stored(&db).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_connection_for_reading_cannot_write_on_sqlite() {
    let engine = sanbao_platform::testing::sqlite();
    let db = engine.database("pairs", &PAIR).await;
    let mut conn = db.read().await.unwrap();
    assert!(on!(conn, |c| sqlx::query(INSERT).bind(1_i64).bind(0_i64).execute(c).await.map(drop)).is_err());
}

/// Writers whose callers go away at any point: every acknowledged pair is stored, every stored pair
/// is whole, and the database still takes writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelled_callers_lose_nothing_that_was_acknowledged() {
    on_both(|engine| async move {
        let db = engine.database("pairs", &PAIR).await;
        let mut writers = Vec::new();
        for id in 0..300_i64 {
            let db = db.clone();
            let writer = tokio::spawn(async move { write(&db, id).await.map(|()| id) });
            if id % 3 == 0 {
                let abort = writer.abort_handle();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_micros(u64::try_from(id).unwrap() * 37 % 4_000)).await;
                    abort.abort();
                });
            }
            writers.push(writer);
        }
        let mut acknowledged = BTreeSet::new();
        for writer in writers {
            if let Ok(done) = writer.await {
                acknowledged.insert(done.unwrap());
            }
        }
        write(&db, 1_000).await.unwrap();
        let rows = stored(&db).await;
        let whole: BTreeSet<i64> = rows.iter().filter(|(_, half)| *half == 1).map(|(id, _)| *id).collect();
        assert_eq!(rows.len(), whole.len() * 2, "{}: a half pair is stored", engine.name());
        assert!(acknowledged.is_subset(&whole), "{}: acknowledged pairs are lost", engine.name());
        assert!(acknowledged.len() >= 200, "{}: {} acknowledged", engine.name(), acknowledged.len());
    })
    .await;
}

/// A connection that goes back inside a transaction undoes what is asked on it next.
#[tokio::test]
async fn callers_who_go_away_while_a_transaction_opens_leave_none_open() {
    const OPEN: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'";
    let Some(engine) = sanbao_platform::testing::postgres().await else { return };
    let db = engine.database("pairs", &PAIR).await;
    // The pool has several connections, so that the one which counts is not all that there is.
    let open = futures_util::future::join_all((0..8).map(|_| db.begin())).await;
    assert!(open.iter().all(Result::is_ok));
    drop(open);
    for polls in 1..40 {
        let mut opening: Vec<_> = (0..8).map(|_| db.begin()).collect();
        for _ in 0..polls {
            for begin in &mut opening {
                // One that has its answer is not asked again: then there is nothing left to break off.
                if let std::task::Poll::Ready(begun) = futures_util::poll!(&mut *begin) {
                    drop(begun);
                    *begin = Box::pin(std::future::pending());
                }
            }
            tokio::task::yield_now().await;
        }
    }
    let left = async || {
        let mut conn = db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar::<_, i64>(OPEN).fetch_one(c).await).unwrap()
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        while left().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "a transaction is open that nobody will end");
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    on_both(|engine| async move {
        let db = engine.database("pairs", &PAIR).await;
        write(&db, 7).await.unwrap();
        db.close().await;
        assert!(db.begin().await.is_err(), "closed");
        let again = engine.database("pairs", &PAIR).await;
        assert_eq!(stored(&again).await, [(7, 0), (7, 1)]);
    })
    .await;
}

#[tokio::test]
async fn followers_hear_of_a_change_only_after_its_commit() {
    on_both(|engine| async move {
        let db = engine.database("pairs", &PAIR).await;
        let mut changes = db.changes();
        let key = uuid::Uuid::nil();
        let mut undone = db.begin().await.unwrap();
        undone.touch("undone", key);
        drop(undone);
        let mut tx = db.begin().await.unwrap();
        tx.touch("done", key);
        tx.touch("done", key);
        assert!(changes.try_recv().is_err());
        tx.commit().await.unwrap();
        assert_eq!(changes.try_recv().unwrap().topic, "done");
        assert!(changes.try_recv().is_err(), "said once");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("booking.db");
    let url = format!("sqlite:{}", path.display());
    Db::open(&url, "booking").await.unwrap().close().await;
    let error = Db::open(&format!("{url}?mode=ro"), "booking").await.unwrap_err();
    assert!(matches!(&error, DbError::ReadOnly(named) if named.contains("booking.db")), "{error}");
    assert!(!error.is_transient());
}
