//! The chain of the audit log, on both engines: what was written is found whole, and any row that is removed, altered or swapped
//! is found; a chain goes on where it was, whatever ends its task.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao_platform::audit::chain::{
    ChainFault, Chainer, Checkpoint, Pruned, Pruner, PruningKey, Since, Verified, verify,
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

pub const ROWS: i64 = 40;
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

/// One service's audit log with its tasks.
pub struct House {
    pub db: Db,
    chainer: Chainer,
    pub pruner: Pruner,
    pub clock: Clock,
}

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn key() -> PruningKey {
    RootSecret::from_bytes([42; 32]).pruning_key()
}

pub fn going() -> CancellationToken {
    CancellationToken::new()
}

impl House {
    pub async fn on(engine: &TestEngine, name: &'static str) -> Self {
        let db = engine.database(name, &NONE).await;
        let (service, clock) = ("speaker", Clock::manual(start()));
        let pruner = Pruner { service, db: db.clone(), clock: clock.clone(), key: key(), days_min: 200 };
        Self { chainer: Chainer { service, db: db.clone(), clock: clock.clone() }, db, pruner, clock }
    }

    pub async fn write(&self, rows: i64) {
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

    pub async fn link(&self) -> u64 {
        self.chainer.link(&going()).await.unwrap()
    }

    pub async fn pruned(&self) -> Pruned {
        self.pruner.prune(&going()).await.unwrap()
    }

    pub async fn verified(&self, checkpoints: &[Checkpoint]) -> Verified {
        verify(&self.db, "speaker", checkpoints, &key(), |_, _| {}).await.unwrap()
    }

    pub async fn checkpoint(&self) -> Checkpoint {
        self.chainer.checkpoint().await.unwrap().unwrap()
    }

    pub async fn change(&self, statements: &[&'static str], position: Option<i64>) {
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

pub async fn record(tx: &mut Tx, at: DateTime<Utc>, action: &str) {
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
async fn a_chain_is_held_against_the_checkpoint_that_went_out_last() {
    on_both(|engine| async move {
        let house = House::on(&engine, "since").await;
        let since = async |last: Option<&Checkpoint>| house.chainer.since(last).await.unwrap();
        assert_eq!(since(None).await, None);
        house.write(3).await;
        house.link().await;
        let (first, nothing) = (house.checkpoint().await, Some(Since::Rows { rows: 0, oldest: None }));
        assert_eq!(since(Some(&first)).await, nothing);
        house.write(2).await;
        house.link().await;
        let Some(Since::Rows { rows: 2, oldest: Some(oldest) }) = since(Some(&first)).await else { panic!() };
        assert!(oldest >= start(), "{oldest}");
        assert!(matches!(since(None).await, Some(Since::Rows { rows: 5, .. })));
        let last = house.checkpoint().await;
        house.change(&["delete from audit where position > 3"], None).await;
        assert_eq!(since(Some(&last)).await, nothing, "the end of the chain stays where retention takes rows away");
        // Made anew with as many rows, with more, with fewer, and not at all.
        house
            .change(&["update audit set position = null, link = null, action = 'x'", "delete from audit_head"], None)
            .await;
        assert_eq!(since(Some(&first)).await, Some(Since::CutShort { end: 0 }));
        house.link().await;
        assert_eq!(since(Some(&first)).await, Some(Since::Rewritten));
        assert_eq!(since(Some(&last)).await, Some(Since::CutShort { end: 3 }));
        house.write(1).await;
        house.link().await;
        assert_eq!(since(Some(&first)).await, Some(Since::Rewritten));
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
                // The next round links the rest on a busy machine.
                if let Ok(Err(error)) = task.await {
                    assert!(error.is_transient(), "{error}");
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
