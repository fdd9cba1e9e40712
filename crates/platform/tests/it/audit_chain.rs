//! The chain of the audit log, on both engines: what was written is found whole, and any row that is removed, altered or swapped
//! is found.
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao_platform::audit::chain::{Chainer, Checkpoint, Fault, Report, verify};
use sanbao_platform::audit::record_as;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, on_both};

use crate::speaker::NONE;

const ROWS: i64 = 60;
/// Each changes the row at a place, or the two at a place and behind it.
const CHANGES: &[(&str, &str)] = &[
    ("removed", "delete from audit where position = $1"),
    ("of another action", "update audit set action = action || 'x' where position = $1"),
    ("of another outcome", "update audit set outcome = 'failed' where position = $1"),
    ("counted otherwise", "update audit set times = times + 1 where position = $1"),
    ("of nobody", "update audit set request_id = '' where position = $1"),
    ("with another's link", "update audit set link = (select b.link from audit b where b.position = $1 - 1) where position = $1"),
    ("swapped", "update audit set action = (select b.action from audit b where b.position = $1 - 1) where position = $1"),
    ("out of the chain", "update audit set position = null where position = $1"),
    ("elsewhere", "update audit set position = position + 1000 where position = $1"),
];

struct House {
    db: Db,
    chainer: Chainer,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

impl House {
    async fn on(engine: &TestEngine, name: &'static str) -> Self {
        let db = engine.database(name, &NONE).await;
        let clock = Clock::manual(start());
        Self { chainer: Chainer { service: "speaker", db: db.clone(), clock }, db }
    }

    async fn write(&self, rows: i64) {
        let mut tx = self.db.begin().await.unwrap();
        for n in 0..rows {
            let (at, action) = (start() + TimeDelta::milliseconds(n), format!("test.{n}"));
            record_as(&mut tx, at, None, &action, "test", None, "request", "done").await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn verified(&self, checkpoints: &[Checkpoint]) -> Report {
        verify(&self.db, "speaker", checkpoints, |_, _| {}).await.unwrap()
    }

    async fn change(&self, statement: &'static str, position: i64) {
        let mut tx = self.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(statement).bind(position).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_written_is_linked_in_order_and_found_whole() {
    on_both(|engine| async move {
        let house = House::on(&engine, "whole").await;
        assert_eq!(house.chainer.checkpoint().await.unwrap(), None);
        house.write(1_200).await;
        assert_eq!(house.verified(&[]).await, Report { unlinked: 1_200, ..Report::default() });
        assert_eq!(house.chainer.link().await.unwrap(), 1_200);
        assert_eq!(house.chainer.link().await.unwrap(), 0);
        let checkpoint = house.chainer.checkpoint().await.unwrap().unwrap();
        assert_eq!(checkpoint.position, 1_200);
        house.write(10).await;
        house.chainer.link().await.unwrap();
        let report = house.verified(std::slice::from_ref(&checkpoint)).await;
        assert_eq!(report, Report { rows: 1_210, ..Report::default() });
        // The chain of another service is not this one's.
        let other = verify(&house.db, "another", &[], |_, _| {}).await.unwrap();
        assert_eq!(other.faults, [Fault::Altered { position: 1 }]);
        // Rows that were cut off behind it are missed by the checkpoint alone.
        house.change("delete from audit where position >= $1", 1_200).await;
        assert_eq!(house.verified(&[]).await.faults_count, 0);
        assert_eq!(house.verified(&[checkpoint]).await.faults, [Fault::Checkpoint { position: 1_200 }]);
    })
    .await;
}

#[tokio::test]
async fn any_row_that_is_removed_altered_or_swapped_is_found() {
    on_both(|engine| async move {
        let mut rng = StdRng::seed_from_u64(20_261_129);
        for (n, (what, statement)) in CHANGES.iter().enumerate() {
            let names = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
            let house = House::on(&engine, names[n]).await;
            house.write(ROWS).await;
            house.chainer.link().await.unwrap();
            let checkpoint = house.chainer.checkpoint().await.unwrap().unwrap();
            let position = rng.random_range(2..ROWS);
            house.change(statement, position).await;
            let report = house.verified(&[checkpoint]).await;
            assert!(report.faults_count > 0, "{what} at {position} on {}", engine.name());
        }
    })
    .await;
}
