//! Retention of the audit log, on both engines: what is pruned leaves a signed point; nothing that was changed goes unnoticed; and no
//! clock that was wrong for a while takes rows away too early, or keeps old ones for good.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::audit::chain::{ChainFault, Held, Pruned, PruningKey, verify};
use sanbao_platform::testing::on_both;

use crate::audit_chain::{House, ROWS, going, record, start};

#[tokio::test]
async fn what_is_pruned_leaves_a_signed_point_from_which_the_rest_is_verified() {
    on_both(|engine| async move {
        let house = House::on(&engine, "pruned").await;
        house.write(600).await;
        house.link().await;
        let old = house.checkpoint().await;
        house.clock.advance(std::time::Duration::from_hours(24 * 150));
        house.write(30).await;
        house.link().await;
        assert_eq!(house.pruned().await.rows, 0, "nothing is 200 days old");
        house.clock.advance(std::time::Duration::from_hours(24 * 51));
        assert_eq!(house.pruned().await, Pruned { rows: 600, held: None });
        house.link().await;
        let newer = house.checkpoint().await;
        let found = house.verified(&[old.clone(), newer]).await;
        // The thirty, and the row that says that it was pruned.
        assert_eq!((found.rows, found.pruned, found.faults_count), (31, 600, 0), "{found:?}");
        assert_eq!((found.checkpoints, found.checkpoints_pruned), (2, 0), "the point has the link of its row");
        let of_another = verify(&house.db, "speaker", &[], &PruningKey::from_seed(&[1; 32]), |_, _| {}).await.unwrap();
        assert_eq!(of_another.faults, [ChainFault::Pruning { position: 600 }]);
        house.change(&["delete from audit where position = $1"], Some(601)).await;
        assert_eq!(house.verified(&[]).await.faults, [ChainFault::Missing { from: 601, until: 602 }]);
        // Even a chain of which nothing is left goes on.
        house.change(&["delete from audit", "delete from audit_pruning", "delete from audit_head"], None).await;
        house.write(3).await;
        house.link().await;
        house.clock.advance(std::time::Duration::from_hours(24 * 201));
        assert_eq!(house.pruned().await.rows, 3);
        house.link().await;
        let found = house.verified(&[]).await;
        assert_eq!((found.rows, found.pruned, found.faults_count), (1, 3, 0), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_row_that_was_changed_is_not_pruned_away_with_its_trace() {
    on_both(|engine| async move {
        let house = House::on(&engine, "kept").await;
        house.write(ROWS).await;
        house.link().await;
        house.change(&["update audit set action = 'x' where position = $1"], Some(9)).await;
        house.clock.advance(std::time::Duration::from_hours(24 * 201));
        let refused = house.pruner.prune(&going()).await.unwrap_err().to_string();
        assert!(refused.contains("audit.link of 9"), "{refused}");
        let positions: BTreeSet<Option<i64>> =
            house.verified(&[]).await.faults.iter().map(ChainFault::position).collect();
        assert_eq!(positions, BTreeSet::from([Some(9)]));
    })
    .await;
}

/// Days from the start, as far as a clock that is wrong or right goes on.
fn day(n: i64) -> DateTime<Utc> {
    start() + TimeDelta::days(n)
}

impl House {
    /// Rows of a day, linked before anything else is written.
    async fn write_at(&self, at: DateTime<Utc>, rows: i64) {
        let mut tx = self.db.begin().await.unwrap();
        for n in 0..rows {
            record(&mut tx, at + TimeDelta::milliseconds(n), "test.at").await;
        }
        tx.commit().await.unwrap();
        assert_eq!(self.link().await, rows.unsigned_abs());
    }

    fn comes(&self, at: DateTime<Utc>) {
        self.clock.advance((at - self.clock.now()).to_std().unwrap());
    }
}

#[tokio::test]
async fn rows_of_a_time_that_has_not_come_keep_no_old_ones() {
    on_both(|engine| async move {
        let house = House::on(&engine, "ahead").await;
        house.write_at(day(0), 40).await;
        // For a while the clock is ten years ahead; more rows than one batch has.
        house.write_at(day(3_650), 600).await;
        house.write_at(day(1), 300).await;
        house.write_at(day(150), 200).await;
        house.comes(day(202));
        assert_eq!(house.pruned().await, Pruned { rows: 940, held: None }, "those of the first two days, and between");
        let found = house.verified(&[]).await;
        assert_eq!((found.pruned, found.faults_count), (940, 0), "{found:?}");
        house.comes(day(351));
        assert_eq!(house.pruned().await.rows, 200);
        assert_eq!(house.verified(&[]).await.faults_count, 0);
    })
    .await;
}

#[tokio::test]
async fn a_row_of_a_time_that_has_not_come_stays_as_long_as_those_behind_it_and_is_named() {
    on_both(|engine| async move {
        let house = House::on(&engine, "held").await;
        house.write_at(day(0), 40).await;
        house.write_at(day(3_650), 1).await;
        house.write_at(day(1), 20).await;
        house.write_at(day(190), 300).await;
        house.comes(day(202));
        let held = Some(Held { position: 41, occurred_at: day(3_650) });
        assert_eq!(house.pruned().await, Pruned { rows: 40, held }, "perhaps it is of day 190");
        assert_eq!(house.pruned().await, Pruned { rows: 0, held });
        house.comes(day(391));
        assert_eq!(house.pruned().await.rows, 1 + 20 + 300);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_years_behind_takes_no_row_away_too_early() {
    on_both(|engine| async move {
        let house = House::on(&engine, "behind").await;
        house.write_at(day(0), 300).await;
        // A machine without a battery: its clock begins anew until it is put right.
        house.write_at(day(-18_000), 400).await;
        house.write_at(day(1), 300).await;
        house.comes(day(150));
        assert_eq!(house.pruned().await.rows, 0, "what is before and behind it is young");
        house.comes(day(202));
        assert_eq!(house.pruned().await, Pruned { rows: 1_000, held: None });
    })
    .await;
}
