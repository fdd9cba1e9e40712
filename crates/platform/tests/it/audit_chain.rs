//! The chain of the audit log, on both engines: what was written is found whole, and any row that is removed, altered or swapped
//! is found; a chain goes on where it was, whatever ends its task; what is pruned leaves a signed point.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao_platform::audit::chain::{
    ChainFault, Chainer, Checkpoint, Held, Pruned, Pruner, PruningKey, Verified, verify,
};
use sanbao_platform::audit::record_as;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, on_both};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::speaker::NONE;

const ROWS: i64 = 40;
const KEEP: &[&str] = &[
    "create table kept as select * from audit",
    "create table kept_head as select * from audit_head",
    "create table kept_shown as select * from audit_shown",
];
const BRING_BACK: &[&str] = &[
    "delete from audit",
    "insert into audit select * from kept",
    "delete from audit_head",
    "insert into audit_head select * from kept_head",
    "delete from audit_shown",
    "insert into audit_shown select * from kept_shown",
];
const SET: &str = "insert into audit_shown (shown, kind, id) values ($1, 'person', $2), ($1, 'person', $3)";
const SHOW: &str = "update audit set shown = $1 where action = 'test.0'";

/// Each changes the row at a place, or the two at a place and before it; and the fault that is first then, by its distance from
/// the place.
const CHANGES: &[(&str, &[&str], Option<i64>)] = &[
    ("removed", &["delete from audit where position = $1"], Some(0)),
    ("of another action", &["update audit set action = action || 'x' where position = $1"], Some(0)),
    ("of another kind", &["update audit set resource_kind = 'x' where position = $1"], Some(0)),
    ("of another outcome", &["update audit set outcome = 'failed' where position = $1"], Some(0)),
    ("from elsewhere", &["update audit set address = '192.0.2.1' where position = $1"], Some(0)),
    ("from nowhere", &["update audit set address = '' where position = $1"], Some(0)),
    ("counted otherwise", &["update audit set times = times + 1 where position = $1"], Some(0)),
    ("of another request", &["update audit set request_id = '' where position = $1"], Some(0)),
    ("of somebody", &["update audit set actor = id where position = $1"], Some(0)),
    ("of an organisation", &["update audit set organisation = id where position = $1"], Some(0)),
    ("of another thing", &["update audit set resource_id = id where position = $1"], Some(0)),
    (
        "of another time",
        &[
            "update audit set occurred_at = (select b.occurred_at from audit b where b.position = $1 - 1) where position = $1",
        ],
        Some(0),
    ),
    (
        "with letters moved",
        &[
            "update audit set request_id = request_id || substr(outcome, 1, 1), outcome = substr(outcome, 2) where position = $1",
        ],
        Some(0),
    ),
    (
        "with another's link",
        &["update audit set link = (select b.link from audit b where b.position = $1 - 1) where position = $1"],
        Some(0),
    ),
    ("without a link", &["update audit set link = null where position = $1"], Some(0)),
    (
        "with what another says",
        &["update audit set action = (select b.action from audit b where b.position = $1 - 1) where position = $1"],
        Some(0),
    ),
    ("out of the chain", &["update audit set position = null where position = $1"], Some(0)),
    ("elsewhere", &["update audit set position = position + 1000 where position = $1"], Some(0)),
    (
        "swapped with its links",
        &[
            "update audit set position = -position where position in ($1, $1 - 1)",
            "update audit set position = 2 * $1 - 1 + position where position < 0",
        ],
        Some(-1),
    ),
    (
        "swapped without",
        &[
            "create table other as select position, link from audit where position in ($1, $1 - 1)",
            "update audit set position = -position where position in ($1, $1 - 1)",
            "update audit set position = 2 * $1 - 1 + position where position < 0",
            "update audit set link = (select o.link from other o where o.position = audit.position) where position in ($1, $1 - 1)",
            "drop table other",
        ],
        Some(-1),
    ),
    ("showing others", &["update audit_shown set kind = 'x' where $1 > 0"], None),
    (
        "showing more",
        &["insert into audit_shown (shown, kind, id) select shown, 'x', id from audit_shown where $1 > 0"],
        None,
    ),
    ("showing nobody", &["delete from audit_shown where $1 > 0"], None),
];
/// Changes that only the embedded engine can hold.
const CHANGES_SQLITE: &[(&str, &str)] = &[
    ("at no time", "update audit set occurred_at = 'some day' where position = $1"),
    ("of no id", "update audit set actor = x'00' where position = $1"),
    ("with half a link", "update audit set link = substr(link, 1, 16) where position = $1"),
];

struct House {
    db: Db,
    chainer: Chainer,
    pruner: Pruner,
    clock: Clock,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn key() -> PruningKey {
    RootSecret::from_bytes([42; 32]).pruning_key()
}

fn going() -> CancellationToken {
    CancellationToken::new()
}

impl House {
    async fn on(engine: &TestEngine, name: &'static str) -> Self {
        let db = engine.database(name, &NONE).await;
        let (service, clock) = ("speaker", Clock::manual(start()));
        let pruner = Pruner { service, db: db.clone(), clock: clock.clone(), key: key(), days_min: 200 };
        Self { chainer: Chainer { service, db: db.clone(), clock: clock.clone() }, db, pruner, clock }
    }

    async fn write(&self, rows: i64) {
        let mut tx = self.db.begin().await.unwrap();
        for n in 0..rows {
            record(&mut tx, self.clock.now() + TimeDelta::milliseconds(n), &format!("test.{n}")).await;
        }
        tx.commit().await.unwrap();
    }

    /// Makes the first row one of an answer that has shown two people.
    async fn show(&self) {
        let people = [1, 2].map(Uuid::from_u128);
        let lines = people.map(|id| format!("person {id}")).join("\n");
        let name: Uuid = sha256_hex(lines.as_bytes())[..32].parse().unwrap();
        let mut tx = self.db.begin().await.unwrap();
        on!(tx, |c| {
            let set = sqlx::query(SET).bind(name).bind(people[0]).bind(people[1]);
            set.execute(&mut *c).await.map(drop).and(sqlx::query(SHOW).bind(name).execute(c).await.map(drop))
        })
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn link(&self) -> u64 {
        self.chainer.link(&going()).await.unwrap()
    }

    async fn pruned(&self) -> Pruned {
        self.pruner.prune(&going()).await.unwrap()
    }

    async fn verified(&self, checkpoints: &[Checkpoint]) -> Verified {
        verify(&self.db, "speaker", checkpoints, &key(), |_, _| {}).await.unwrap()
    }

    async fn checkpoint(&self) -> Checkpoint {
        self.chainer.checkpoint().await.unwrap().unwrap()
    }

    async fn change(&self, statements: &[&'static str], position: Option<i64>) {
        let mut tx = self.db.begin().await.unwrap();
        for statement in statements {
            // A statement that makes a table takes no parameter.
            let with = position.filter(|_| statement.contains("$1") && !statement.starts_with("create"));
            let text = match position {
                Some(position) if with.is_none() => statement.replace("$1", &position.to_string()),
                _ => (*statement).to_owned(),
            };
            on!(tx, |c| {
                let query = sqlx::query(sqlx::AssertSqlSafe(text));
                match with {
                    Some(position) => query.bind(position).execute(c).await.map(drop),
                    None => query.execute(c).await.map(drop),
                }
            })
            .unwrap_or_else(|e| panic!("{statement}: {e}"));
        }
        tx.commit().await.unwrap();
    }
}

async fn record(tx: &mut Tx, at: DateTime<Utc>, action: &str) {
    record_as(tx, at, None, action, "test", None, "request", "done").await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_linked_and_found_whole() {
    on_both(|engine| async move {
        let house = House::on(&engine, "whole").await;
        assert_eq!(house.chainer.checkpoint().await.unwrap(), None);
        assert_eq!(house.verified(&[]).await, Verified::default());
        house.write(1_200).await;
        assert_eq!(house.verified(&[]).await, Verified { unlinked: 1_200, ..Verified::default() });
        assert_eq!((house.link().await, house.link().await), (1_200, 0));
        let checkpoint = house.checkpoint().await;
        assert_eq!(checkpoint.position, 1_200);
        house.write(10).await;
        house.link().await;
        let found = house.verified(std::slice::from_ref(&checkpoint)).await;
        let until = found.until;
        assert!(until > Some(start()));
        assert_eq!(found, Verified { rows: 1_210, checkpoints: 1, until, ..Verified::default() });
        // The chain of another service is not this one's.
        let other = verify(&house.db, "another", &[], &key(), |_, _| {}).await.unwrap();
        assert_eq!(other.faults, [ChainFault::Altered { position: 1 }]);
    })
    .await;
}

#[tokio::test]
async fn any_row_that_is_removed_altered_or_swapped_is_found() {
    on_both(|engine| async move {
        let mut rng = StdRng::seed_from_u64(20_261_129);
        let house = House::on(&engine, "changed").await;
        house.write(ROWS).await;
        house.show().await;
        house.link().await;
        house.change(KEEP, None).await;
        let whole = house.verified(&[]).await;
        assert_eq!(whole.faults_count, 0, "{whole:?}");
        let sqlite = CHANGES_SQLITE.iter().filter(|_| engine.name() == "sqlite").map(|c| (c.0, vec![c.1], Some(0)));
        let changes = CHANGES.iter().map(|c| (c.0, c.1.to_vec(), c.2));
        for (what, statements, distance) in changes.chain(sqlite) {
            let inner = rng.random_range(3..ROWS);
            for position in [2, inner, ROWS] {
                house.change(&statements, Some(position)).await;
                let found = house.verified(&[]).await;
                let first = found.first().unwrap_or_else(|| panic!("{what} at {position}: nothing is found"));
                match distance {
                    Some(distance) => assert_eq!(first.position(), Some(position + distance), "{what}: {found:?}"),
                    None => assert!(matches!(first, ChainFault::Set { .. }), "{what}: {found:?}"),
                }
                house.change(BRING_BACK, None).await;
            }
        }
        assert_eq!(house.verified(&[]).await, whole, "all of it was brought back");
    })
    .await;
}

#[tokio::test]
async fn a_chain_that_was_made_anew_is_missed_by_its_checkpoint_alone() {
    on_both(|engine| async move {
        let house = House::on(&engine, "anew").await;
        house.write(ROWS).await;
        house.link().await;
        let checkpoint = house.checkpoint().await;
        // Somebody with the database removes a row, forgets the chain, and has it made anew.
        house.change(&["delete from audit where position = $1"], Some(7)).await;
        house.change(&["update audit set position = null, link = null", "delete from audit_head"], None).await;
        house.link().await;
        assert_eq!(house.verified(&[]).await.faults_count, 0);
        let found = house.verified(std::slice::from_ref(&checkpoint)).await;
        assert_eq!(found.faults, [ChainFault::Checkpoint { position: ROWS }]);
        house.write(1).await;
        house.link().await;
        assert_eq!(
            house.verified(std::slice::from_ref(&checkpoint)).await.faults,
            [ChainFault::Checkpoint { position: ROWS }]
        );
        let others = Checkpoint { service: "another".to_owned(), ..checkpoint };
        assert_eq!(house.verified(&[others]).await.checkpoints, 0);
    })
    .await;
}

#[tokio::test]
async fn rows_stand_in_the_order_of_their_commits() {
    on_both(|engine| async move {
        if engine.name() != "postgres" {
            // One writer: no transaction begins before the other has ended.
            return;
        }
        let house = House::on(&engine, "commits").await;
        let mut early = house.db.begin().await.unwrap();
        record(&mut early, start(), "test.early").await;
        house.write(1).await;
        assert_eq!(house.link().await, 1, "what is not committed is not waited for");
        early.commit().await.unwrap();
        assert_eq!(house.link().await, 1);
        let mut conn = house.db.read().await.unwrap();
        let statement = "select action from audit order by position";
        let order: Vec<String> = on!(conn, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap();
        assert_eq!(order, ["test.0", "test.early"]);
        assert_eq!(house.verified(&[]).await.faults_count, 0);
    })
    .await;
}

#[tokio::test]
async fn tasks_that_are_killed_and_many_at_once_leave_one_chain() {
    on_both(|engine| async move {
        let mut rng = StdRng::seed_from_u64(7);
        let house = House::on(&engine, "killed").await;
        let mut written = 0;
        for round in 0..12 {
            house.write(150).await;
            written += 150;
            // As several processes of one service do on a server.
            let other = match engine.name() {
                "postgres" => engine.database("killed", &NONE).await,
                _ => house.db.clone(),
            };
            let tasks = [house.db.clone(), other].map(|db| {
                let chainer = Chainer { db, ..house.chainer.clone() };
                tokio::spawn(async move { chainer.link(&going()).await })
            });
            for _ in 0..rng.random_range(0..30) {
                tokio::task::yield_now().await;
            }
            if round % 3 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(rng.random_range(0..8))).await;
            }
            for task in tasks {
                if round % 4 != 3 {
                    task.abort();
                }
                if let Ok(linked) = task.await {
                    linked.unwrap();
                }
            }
        }
        while house.verified(&[]).await.unlinked > 0 {
            house.link().await;
        }
        let found = house.verified(&[]).await;
        assert_eq!((found.rows, found.faults_count), (written, 0), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_row_that_counts_is_linked_when_it_counts_no_more() {
    on_both(|engine| async move {
        let house = House::on(&engine, "counting").await;
        let mut tx = house.db.begin().await.unwrap();
        record_as(&mut tx, start(), None, "refused", "account", None, "request", "refused_often").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(house.link().await, 0);
        house.clock.advance(std::time::Duration::from_mins(3));
        assert_eq!(house.link().await, 1);
    })
    .await;
}

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
