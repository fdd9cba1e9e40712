//! Backup, restore and the move to a server, on the real binary: everything of one moment, whole, on either engine, and nothing
//! half done when it is killed.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::bus::{self, Outbox};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::db::copy::{CopyError, Digest, Snapshot};
use sanbao_platform::on;
use sanbao_platform::testing::{self, TestEngine, forget_settings, on_both, until};
use serde_json::json;
use uuid::Uuid;

use crate::common::place::{PASSPHRASE, Place};
use crate::common::{self, Served};

impl Place {
    /// The sums of all tables.
    async fn sums(&self) -> Vec<(String, Digest)> {
        sums(&self.storage).await
    }
}

/// The sums of all tables, by kinds of values that both engines agree about.
async fn sums(storage: &Storage) -> Vec<(String, Digest)> {
    let found = Found::open(storage, Role::ALL, Purpose::Work).await.unwrap();
    let dbs: Vec<_> = found.databases().into_iter().map(|(_, db)| db).collect();
    let mut all = Vec::new();
    for (role, snapshot) in Role::ALL.iter().zip(&mut Snapshot::of(&dbs).await.unwrap()) {
        // When a backup was made is written down behind it, so it is of no moment that is kept.
        let tables = snapshot.tables().await.unwrap().into_iter().filter(|table| table.name != "kept_backup");
        for table in tables {
            // Every number and text of these is compared as it stands; JSON and moments by what they mean.
            let mut digest = Digest::default();
            let alike = alike(&table);
            let each = async |row: Vec<_>| {
                digest.take(&alike, &row);
                Ok::<_, CopyError>(())
            };
            snapshot.rows(&table, each).await.unwrap();
            all.push((format!("{}.{}", role.schema(), table.name), digest));
        }
    }
    found.close().await;
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A table with the kinds that `PostgreSQL` has for its columns, as far as their names tell: where a text of `SQLite` is JSON or a moment,
/// it is compared as one.
fn alike(table: &sanbao_platform::db::copy::Table) -> sanbao_platform::db::copy::Table {
    use sanbao_platform::db::copy::CellKind;
    let mut alike = table.clone();
    for column in &mut alike.columns {
        column.kind = if column.name.ends_with("_at") || column.name.ends_with("_until") || column.name == "at" {
            CellKind::Moment
        } else {
            CellKind::Json
        };
    }
    alike
}

fn succeeded(output: &Output) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// The demo's network on `engine`, as it is at the tests' morning.
async fn filled(engine: &TestEngine, place: &Place) -> Served {
    place.filled(engine, Clock::manual(common::morning())).await
}

#[tokio::test]
async fn a_backup_beside_writers_becomes_the_network_of_one_moment_on_either_engine() {
    on_both(|engine| async move {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&engine, folder.path());
        let served = filled(&engine, &place).await;
        let file = folder.path().join("backup");
        let stop = Arc::new(AtomicBool::new(false));
        let admin = served.nobody().demo("admin").await;
        let writer = tokio::spawn({
            let (stop, admin) = (Arc::clone(&stop), admin.clone());
            async move {
                let mut n = 0;
                while !stop.load(Ordering::SeqCst) {
                    let new =
                        json!({ "kind": "home_care_agency", "name_zh": format!("机构{n}"), "name_en": "An agency" });
                    admin.post("/v1/organisations", &new).await.expect(201);
                    n += 1;
                }
                n
            }
        });
        let backup = tokio::task::spawn_blocking({
            let mut command = place.command("backup", &file);
            move || command.output().unwrap()
        });
        let said = succeeded(&backup.await.unwrap());
        stop.store(true, Ordering::SeqCst);
        assert!(writer.await.unwrap() > 0, "{said}");
        served.stop().await;
        let bytes = std::fs::read(&file).unwrap();
        for text in ["机构", "陈桂香", "demo", "outbox"] {
            assert!(!bytes.windows(text.len()).any(|w| w == text.as_bytes()), "{text} is readable");
        }

        for other in [Some(testing::sqlite()), testing::postgres().await].into_iter().flatten() {
            let place = Place::of(&other, &folder.path().join(other.name()));
            succeeded(&place.command("restore", &file).output().unwrap());
            assert!(place.secret.exists());
            let clock = Clock::manual(common::morning());
            let restored = Served::of(other.clone(), common::parts_at(&place.storage, clock).await).await;
            common::in_step(&restored).await;
            restored.nobody().demo("nurse").await.get("/v1/persons").await.expect(200);
            let new = json!({ "kind": "home_care_agency", "name_zh": "恢复之后", "name_en": "After" });
            restored.nobody().demo("admin").await.post("/v1/organisations", &new).await.expect(201);
            common::in_step(&restored).await;
            restored.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_row_comes_to_the_other_engine_and_back() {
    let Some(server) = testing::postgres().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (first, back) = (Place::files(&folder.path().join("first")), Place::files(&folder.path().join("back")));
    let served = filled(&testing::sqlite(), &first).await;
    common::in_step(&served).await;
    served.stop().await;
    let (to, from) = (folder.path().join("to"), folder.path().join("from"));
    succeeded(&first.command("backup", &to).output().unwrap());
    let on_server = Place::of(&server, folder.path());
    succeeded(&on_server.command("restore", &to).output().unwrap());
    succeeded(&on_server.command("backup", &from).output().unwrap());
    succeeded(&back.command("restore", &from).output().unwrap());
    let before = first.sums().await;
    assert!(before.iter().filter(|(_, sum)| sum.rows > 0).count() > 30, "most tables have rows");
    for place in [&first, &on_server, &back] {
        let said = place.verified();
        assert!(said.0 && said.1.contains("booking: a consult with a time holds"), "{}", said.1);
    }
    for place in [on_server, back] {
        for (a, b) in before.iter().zip(place.sums().await) {
            assert_eq!(*a, b);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_kept_or_brought_back_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::files(&folder.path().join("network"));
    filled(&testing::sqlite(), &place).await.stop().await;
    let (file, kept) = (folder.path().join("backup"), place.sums().await);
    let mut short = place.command("backup", &file);
    short.env("SANBAO_PASSPHRASE", "short");
    assert!(refused(short).contains("fewer than 12"), "a short passphrase");
    let mut none = place.command("backup", &file);
    none.env_remove("SANBAO_PASSPHRASE");
    assert!(refused(none).contains("--passphrase-file"), "no passphrase");
    assert!(!file.exists());
    let words = folder.path().join("passphrase");
    std::fs::write(&words, format!("{PASSPHRASE}\n")).unwrap();
    let mut by_file = place.command("backup", &file);
    by_file.env_remove("SANBAO_PASSPHRASE").arg("--passphrase-file").arg(&words);
    succeeded(&by_file.output().unwrap());
    assert!(refused(place.command("backup", &file)).contains("there already"), "a file is not overwritten");
    assert!(refused(place.command("restore", &file)).contains("holds something"), "a network is not overwritten");

    let other = Place::files(&folder.path().join("other"));
    let mut wrong = other.command("restore", &file);
    wrong.env("SANBAO_PASSPHRASE", "four boats on the river");
    assert!(refused(wrong).contains("passphrase"), "a wrong passphrase");
    let bytes = std::fs::read(&file).unwrap();
    let cut = folder.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    assert!(refused(other.command("restore", &cut)).contains("cut off or was changed"), "half a file");
    let Storage::Files(dir) = &other.storage else { unreachable!() };
    assert!(!dir.exists(), "nothing is there that could be served");
    let mut killed = other.command("restore", &file).spawn().unwrap();
    let filling = folder.path().join("other.filling");
    until("it has begun", async || filling.exists() || dir.exists()).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    if !dir.exists() {
        succeeded(&other.command("restore", &file).output().unwrap());
    }
    assert_eq!(other.sums().await, kept);
    assert!(!filling.exists(), "what the killed one left is gone");
    let demo = folder.path().join("demo");
    std::fs::create_dir(&demo).unwrap();
    std::fs::write(demo.join("this-is-a-demo"), "").unwrap();
    let said = refused(Place::files(&demo).command("backup", &folder.path().join("of-demo")));
    assert!(said.contains("demo"), "{said}");
}

#[tokio::test]
async fn a_network_of_files_moves_to_a_server_also_after_it_was_killed_on_the_way() {
    let Some(server) = testing::postgres().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = Place::files(&folder.path().join("network"));
    filled(&testing::sqlite(), &place).await.stop().await;
    let before = place.sums().await;
    let on_server = Place::of(&server, folder.path());
    let Storage::Postgres(Secret(url)) = &on_server.storage else { unreachable!() };
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        forget_settings(&mut command);
        let Storage::Files(dir) = &place.storage else { unreachable!() };
        command.arg("move-to-postgres").arg("--data-dir").arg(dir).args(["--database-url", url]);
        command
    };
    let (mut killed, mut wait) = (0, Duration::from_millis(20));
    loop {
        let mut child = command().spawn().unwrap();
        tokio::time::sleep(wait).await;
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let found = Found::open(&on_server.storage, Role::ALL, Purpose::Serve).await.unwrap();
        let whole = found.is_used();
        found.close().await;
        if whole {
            // It was killed behind its commit.
            break;
        }
        wait = wait * 3 / 2;
    }
    assert!(killed > 1, "it was killed on the way");
    assert_eq!(on_server.sums().await, before);
    assert_eq!(place.sums().await, before, "the folder stays as it was");
    let said = refused(command());
    assert!(said.contains("holds something"), "{said}");
}

#[tokio::test]
async fn a_backup_waits_for_nobody_who_writes() {
    use sqlx::Connection as _;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::files(&folder.path().join("network"));
    filled(&testing::sqlite(), &place).await.stop().await;
    let Storage::Files(dir) = &place.storage else { unreachable!() };
    let mut writer =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", dir.join("booking.db").display())).await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut writer).await.unwrap();
    let file = folder.path().join("backup");
    let mut command = place.command("backup", &file);
    let backup = tokio::task::spawn_blocking(move || command.output().unwrap());
    until("the backup is whole", async || file.exists()).await;
    sqlx::raw_sql("commit").execute(&mut writer).await.unwrap();
    let said = succeeded(&backup.await.unwrap());
    assert!(!said.contains("will not know"), "{said}");
}

const UNPLACED: &str = "select count(*) from outbox where position is null";

#[tokio::test]
async fn an_event_that_had_no_place_yet_has_one_wherever_it_is_brought_back() {
    let Some(server) = testing::postgres().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = Place::of(&server, folder.path());
    let served = filled(&server, &place).await;
    common::in_step(&served).await;
    served.stop().await;
    // On a server an event gets its place behind its commit, and a backup may fall between the two.
    let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
    let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::Booking).unwrap();
    let mut tx = db.begin().await.unwrap();
    bus::publish(&mut tx, common::morning(), "booking.late", Uuid::from_u128(9), &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    found.close().await;
    let file = folder.path().join("backup");
    succeeded(&place.command("backup", &file).output().unwrap());
    let mut last = Vec::new();
    for other in [testing::sqlite(), testing::postgres().await.unwrap()] {
        let place = Place::of(&other, &folder.path().join(other.name()));
        succeeded(&place.command("restore", &file).output().unwrap());
        let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
        let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::Booking).unwrap();
        last.push(Outbox::new("booking", db.clone()).last().await.unwrap());
        let mut conn = db.read().await.unwrap();
        let unplaced: i64 = on!(conn, |c| sqlx::query_scalar(UNPLACED).fetch_one(c).await).unwrap();
        assert_eq!(unplaced, 0, "{}", other.name());
        drop(conn);
        found.close().await;
    }
    assert_eq!(last[0], last[1], "both engines have the same log");
}

const LOSE_A_PLACE: &str =
    "delete from occupancy where id in (select min(id) from occupancy where holder_kind = 'visit')";
const FORGET_A_STEP: &str = "delete from history where aggregate = 'consult' and id in
    (select min(id) from consult where state = 'scheduled')";

#[tokio::test]
async fn what_does_not_fit_any_more_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::files(&folder.path().join("network"));
    filled(&testing::sqlite(), &place).await.stop().await;
    assert!(place.verified().0, "{}", place.verified().1);
    for (statement, promise) in [
        (LOSE_A_PLACE, "NOT KEPT: a visit with a time holds its caregiver and its person; 1 rows"),
        (FORGET_A_STEP, "NOT KEPT: a consult stands as its history says; 1 rows"),
    ] {
        let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
        let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::Booking).unwrap();
        let mut tx = db.begin().await.unwrap();
        let rows = on!(tx, |c| sqlx::query(statement).execute(c).await.map(|done| done.rows_affected())).unwrap();
        assert!(rows > 0, "{statement}");
        tx.commit().await.unwrap();
        found.close().await;
        let (well, said) = place.verified();
        assert!(!well && said.contains(promise), "{said}");
    }
}
