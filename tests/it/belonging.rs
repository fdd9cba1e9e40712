//! Databases, secrets and programs that do not belong together: each is refused at the start by its name, and what can be
//! brought into step is.

use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao::compose::{self, ComposeError, Found, Parts, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::{RootSecret, Secret};
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{self, TestEngine, forget_settings, on_both, port};
use serde_json::json;

use crate::common::process::Process;
use crate::common::{self, Served};

/// The copies of each database that were taken on the way.
const AGES: usize = 5;
/// Mixtures that the suite tries on each engine; `SANBAO_TEST_MIXTURES` asks for more.
const MIXTURES: usize = 10;

const NEWER: &str = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
    values (9999, 'later', true, $1, 1)";

/// A network that was served once and stopped; its folder.
async fn network(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    assert!(serve(&data).await.terminate().await.success());
    data
}

fn command(data: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    command.args(["serve", "--no-turn", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(data);
    command
}

async fn serve(data: &Path) -> Process {
    let port = port();
    Process::ready(command(data, port), format!("http://127.0.0.1:{port}")).await
}

/// The words of a start that is refused.
fn refused(mut command: Command) -> String {
    forget_settings(&mut command);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it is refused: {said}");
    said
}

fn names(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    // The journals of an open database come and go.
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    names
}

#[tokio::test]
async fn a_missing_database_is_named_and_no_new_one_stands_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let data = network(folder.path()).await;
    for name in ["booking.db", "signalling.db", "needs-analysis.db"] {
        let aside = folder.path().join(name);
        std::fs::rename(data.join(name), &aside).unwrap();
        let before = names(&data);
        let said = refused(command(&data, port()));
        assert!(said.contains(name) && said.contains("missing"), "{said}");
        assert_eq!(names(&data), before, "nothing was made");
        std::fs::rename(&aside, data.join(name)).unwrap();
    }
    assert!(serve(&data).await.terminate().await.success());
}

#[tokio::test]
async fn a_command_on_a_wrong_folder_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    for words in [&["setup-link"][..], &["account", "recover", "admin"], &["reseal"], &["needs-analysis", "verify"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        command.args(words).arg("--data-dir").arg(&nowhere);
        let said = refused(command);
        assert!(said.contains("no network here") && said.contains("--data-dir"), "{words:?}: {said}");
        assert!(!nowhere.exists() || names(&nowhere).iter().all(|name| name == "lock"), "{words:?}");
    }
}

#[tokio::test]
async fn a_lost_secret_is_not_made_anew_and_another_ones_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = network(folder.path()).await;
    let (secret, aside) = (data.join("secret.json"), folder.path().join("secret.json"));
    std::fs::rename(&secret, &aside).unwrap();
    let said = refused(command(&data, port()));
    assert!(said.contains("secret.json is missing"), "{said}");
    assert!(!secret.exists(), "none was made");
    RootSecret::load_or_create_at(&secret).unwrap();
    let said = refused(command(&data, port()));
    assert!(said.contains("another root secret") && said.contains("booking"), "{said}");
    std::fs::rename(&aside, &secret).unwrap();
    assert!(serve(&data).await.terminate().await.success());
}

#[tokio::test]
async fn a_copy_of_the_secret_from_before_a_new_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = network(folder.path()).await;
    let (secret, old) = (data.join("secret.json"), folder.path().join("old.json"));
    std::fs::copy(&secret, &old).unwrap();
    let mut reseal = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut reseal);
    assert!(reseal.arg("reseal").arg("--data-dir").arg(&data).status().unwrap().success());
    std::fs::copy(&old, &secret).unwrap();
    let said = refused(command(&data, port()));
    assert!(said.contains("no key 1") && said.contains("reseal"), "{said}");
}

#[tokio::test]
async fn a_server_keeps_to_its_secret_as_a_file_does() {
    let Some(engine) = testing::postgres().await else { return };
    let TestEngine::Postgres(url) = &engine else { unreachable!() };
    let storage = Storage::Postgres(Secret(url.clone()));
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.json");
    let found = async || Found::open(&storage, Role::ALL, Purpose::Serve).await.unwrap();
    let first = found().await;
    let root = first.secret(&secret).unwrap();
    first.migrate(&root.marks(), common::morning()).await.unwrap().close().await;
    std::fs::remove_file(&secret).unwrap();
    let lost = found().await.secret(&secret).unwrap_err();
    assert!(matches!(lost, ComposeError::SecretLost { .. }), "{lost}");
    assert!(!secret.exists());
    RootSecret::load_or_create_at(&secret).unwrap();
    let other = found().await.secret(&secret).unwrap_err();
    assert!(matches!(other, ComposeError::OtherSecret { database: "booking", .. }), "{other}");
    let db = Db::open(url, "needs_analysis").await.unwrap();
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| sqlx::raw_sql("drop schema needs_analysis cascade").execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    let missing = Found::open(&storage, Role::ALL, Purpose::Serve).await.unwrap_err();
    assert!(missing.to_string().contains("the schema needs_analysis is missing"), "{missing}");
}

#[tokio::test]
async fn on_an_empty_server_nothing_is_made_where_only_what_is_there_is_asked_for() {
    let Some(engine) = testing::postgres().await else { return };
    let TestEngine::Postgres(url) = &engine else { unreachable!() };
    for purpose in [Purpose::ServeAsItIs, Purpose::Work] {
        let refused = Found::open(&common::storage(&engine), Role::ALL, purpose).await.unwrap_err();
        assert!(matches!(&refused, ComposeError::NoNetwork(place) if place == "the schema booking"), "{refused}");
    }
    for role in Role::ALL {
        assert!(Db::open_existing(url, role.schema()).await.unwrap().is_none(), "{role:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_by_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let data = network(folder.path()).await;
    let db = Db::open(&format!("sqlite:{}", data.join("booking.db").display()), "booking").await.unwrap();
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(NEWER).bind(&b"x"[..]).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let said = refused(command(&data, port()));
    assert!(said.contains("newer Sanbao (schema 9999; this one knows up to"), "{said}");
    assert!(said.contains("restore the backup made before the upgrade"), "{said}");
}

/// Where a network lies that can be copied as a whole, one database at a time.
struct Copies {
    engine: TestEngine,
    folder: tempfile::TempDir,
}

impl Copies {
    fn copy(&self, age: usize, role: Role) -> PathBuf {
        self.folder.path().join(format!("{age}-{}", role.name()))
    }

    fn tool(&self, name: &str, args: &[&str]) {
        let TestEngine::Postgres(url) = &self.engine else { unreachable!() };
        let output = Command::new(name).arg("--dbname").arg(url).args(args).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Takes a copy of every database of the stopped network.
    fn take(&self, age: usize) {
        for role in Role::ALL.iter().copied() {
            let to = self.copy(age, role);
            match &self.engine {
                TestEngine::Sqlite(dir) => {
                    std::fs::copy(dir.path().join(format!("{}.db", role.name())), to).unwrap();
                }
                TestEngine::Postgres(_) => {
                    let to = to.to_str().unwrap();
                    self.tool("pg_dump", &["--no-owner", "--schema", role.schema(), "--file", to]);
                }
            }
        }
    }

    /// Puts copies of these ages in place of what is there.
    fn put(&self, ages: [usize; 3]) {
        for (role, age) in Role::ALL.iter().copied().zip(ages) {
            let from = self.copy(age, role);
            match &self.engine {
                TestEngine::Sqlite(dir) => {
                    for tail in ["-wal", "-shm"] {
                        let _ = std::fs::remove_file(dir.path().join(format!("{}.db{tail}", role.name())));
                    }
                    std::fs::copy(from, dir.path().join(format!("{}.db", role.name()))).unwrap();
                }
                TestEngine::Postgres(_) => {
                    let drop = format!("drop schema if exists {} cascade", role.schema());
                    self.tool("psql", &["--quiet", "--command", &drop]);
                    self.tool("psql", &["--quiet", "--file", from.to_str().unwrap()]);
                }
            }
        }
    }

    async fn parts(&self) -> Parts {
        common::parts(&self.engine, Clock::manual(common::morning())).await
    }
}

/// A network whose two sides tell each other something between one copy and the next: sometimes the one, sometimes the
/// other, sometimes more than the other has heard when it is stopped.
async fn history(copies: &Copies, rng: &mut StdRng) {
    let mut served = Served::of(copies.engine.clone(), copies.parts().await).await;
    let office = json!({ "token": served.setup_link().await, "name_zh": "街道办", "name_en": "Office",
        "area_code": "330211001", "login": "chief", "display_name": "主任", "password": "three boats on the river" });
    served.nobody().post("/setup", &office).await.expect(204);
    let street = json!({ "code": "330211001", "level": "street", "name_zh": "街道" });
    let admin = served.nobody().log_in("chief", "three boats on the river").await;
    admin.post("/v1/areas", &street).await.expect(201);
    for age in 0..AGES {
        let admin = served.nobody().log_in("chief", "three boats on the river").await;
        let (agencies, areas) = (rng.random_range(0..3), rng.random_range(0..3));
        for n in 0..agencies {
            let new = json!({ "kind": "home_care_agency", "name_zh": format!("机构{age}{n}"), "name_en": "An agency" });
            admin.post("/v1/organisations", &new).await.expect(201);
        }
        for n in 0..areas {
            let new = json!({ "code": format!("330211001-C{age}{n}"), "level": "compound", "name_zh": "小区",
                "parent": "330211001" });
            admin.post("/v1/areas", &new).await.expect(201);
        }
        if rng.random_bool(0.7) {
            common::in_step(&served).await;
        }
        served.stop().await;
        copies.take(age);
        served = Served::of(copies.engine.clone(), copies.parts().await).await;
    }
    served.stop().await;
}

/// Starts mixtures of the copies. Each is refused by name or comes into step; how many of each.
async fn mixtures(engine: TestEngine, seed: u64) -> [usize; 2] {
    let copies = Copies { engine, folder: tempfile::tempdir().unwrap() };
    let mut rng = StdRng::seed_from_u64(seed);
    history(&copies, &mut rng).await;
    let wanted = std::env::var("SANBAO_TEST_MIXTURES").ok().and_then(|n| n.parse().ok()).unwrap_or(MIXTURES);
    let mut outcomes = [0, 0];
    for n in 0..wanted {
        let mut ages = if n == 0 { [AGES - 1; 3] } else { std::array::from_fn(|_| rng.random_range(0..AGES)) };
        if rng.random_bool(0.5) {
            // The two that tell each other most.
            ages[2] = ages[0];
        }
        copies.put(ages);
        let parts = copies.parts().await;
        let stores = parts.stores.clone();
        match compose::start(parts).await {
            Err(ComposeError::OutOfStep(error)) => {
                assert!(ages.iter().any(|age| *age != ages[0]), "copies of one time fit: {error}");
                assert!(error.to_string().contains("backup"), "{error}");
                stores.close().await;
                outcomes[0] += 1;
            }
            Err(error) => panic!("{ages:?}: {error}"),
            Ok(network) => {
                let served = Served::around(copies.engine.clone(), network);
                common::in_step(&served).await;
                served.stop().await;
                outcomes[1] += 1;
            }
        }
    }
    outcomes
}

#[tokio::test]
async fn databases_of_different_times_are_refused_or_come_into_step() {
    on_both(|engine| async move {
        let name = engine.name();
        let [refused, served] = mixtures(engine, 20_261_129).await;
        assert!(refused > 0 && served > 1, "{name}: {refused} refused, {served} served");
        eprintln!("{name}: {refused} refused by name, {served} brought into step");
    })
    .await;
}
