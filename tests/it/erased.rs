//! Somebody who was erased does not come back by a backup from before: the list is applied to what is restored, on the real binary,
//! and no byte of the files names them.

use std::path::Path;
use std::process::{Command, Output};

use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{self, TestEngine, everything, forget_settings, on_both};
use serde_json::json;

use crate::common::flow::text;
use crate::common::{self, Served};

const PASSPHRASE: &str = "three boats on the river";
const NUMBER: &str = "11010519491231002X";
/// By what somebody would be known again.
const TRACES: &[&str] = &["谌独名", "13812345678", "丙弄 3 号", "谌小妹", "chenduming"];

/// A network's place, with the flags that name it.
fn place_of(engine: &TestEngine, folder: &Path, name: &str) -> (Storage, Vec<String>) {
    let (dir, secret) = (folder.join(name), folder.join(format!("{name}.json")).display().to_string());
    match engine {
        TestEngine::Sqlite(_) => {
            let flags = ["--data-dir".to_owned(), dir.display().to_string(), "--secret-file".to_owned(), secret];
            (Storage::Files(dir), flags.to_vec())
        }
        TestEngine::Postgres(url) => {
            let flags = ["--database-url".to_owned(), url.clone(), "--secret-file".to_owned(), secret];
            (Storage::Postgres(sanbao_platform::config::Secret(url.clone())), flags.to_vec())
        }
    }
}

/// Runs the binary beside what this process serves.
async fn run(arguments: &[&str], file: &Path, flags: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command.args(arguments).arg(file).args(flags).env("SANBAO_PASSPHRASE", PASSPHRASE);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn succeeded(output: &Output) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

/// The traces in all values of a network, and in all bytes of its files.
async fn traces_in(storage: &Storage) -> Vec<String> {
    let found = Found::open(storage, Role::ALL, Purpose::Work).await.unwrap();
    let mut text = String::new();
    for (_, db) in found.databases() {
        text += &everything(&db).await;
    }
    found.close().await;
    let mut seen: Vec<String> = TRACES.iter().filter(|t| text.contains(**t)).map(|t| format!("row: {t}")).collect();
    if let Storage::Files(dir) = storage {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            // The engine takes the log beside a file away when its last connection ends.
            let bytes = match std::fs::read(&path) {
                Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => continue,
                bytes => bytes.unwrap(),
            };
            let text = String::from_utf8_lossy(&bytes);
            let seen_here = TRACES.iter().filter(|trace| text.contains(**trace));
            seen.extend(seen_here.map(|trace| format!("{}: {trace}", path.display())));
        }
    }
    seen
}

/// The demo's network as one that is nobody's demo, with an elder whom it knows of; the elder's path.
async fn network(engine: &TestEngine, storage: &Storage, secret: &Path) -> (Served, String) {
    let parts = common::parts_at(storage, Clock::manual(common::morning())).await;
    sanbao::demo::fill(&parts).await.unwrap();
    common::root().save_new(secret).unwrap();
    let served = Served::of(engine.clone(), parts).await;
    let dispatcher = served.nobody().demo("dispatcher").await;
    let elder = json!({ "name": "谌独名", "national_id": NUMBER, "phone": "13812345678", "address": "丙弄 3 号",
        "area_code": "330211001001", "guardian_name": "谌小妹" });
    let path = format!("/v1/persons/{}", text(&dispatcher.post("/v1/persons", &elder).await.expect(201), "/id"));
    common::in_step(&served).await;
    (served, path)
}

#[tokio::test]
async fn somebody_who_was_erased_does_not_come_back_by_an_older_backup() {
    on_both(|engine| async move {
        let folder = tempfile::tempdir().unwrap();
        let (storage, flags) = place_of(&engine, folder.path(), "network");
        let (served, path) = network(&engine, &storage, &folder.path().join("network.json")).await;
        let (backup, list) = (folder.path().join("backup"), folder.path().join("list"));
        succeeded(&run(&["backup"], &backup, &flags).await);
        let (dispatcher, admin) = (served.nobody().demo("dispatcher").await, served.nobody().demo("admin").await);
        let left = json!({ "kind": "left", "on": "2026-11-20" });
        dispatcher.post(&format!("{path}/end"), &left).await.expect(200);
        let proof = admin.post(&format!("{path}/erase"), &json!({ "cause": "demand" })).await.expect(200);
        common::in_step(&served).await;
        let said = succeeded(&run(&["erasures", "export"], &list, &flags).await);
        assert!(said.starts_with("1 erased people"), "{said}");
        served.stop().await;
        let lines = std::fs::read_to_string(&list).unwrap();
        assert!(lines.contains(proof["hash"].as_str().unwrap()) && !TRACES.iter().any(|trace| lines.contains(trace)));

        // The network itself: nothing in its rows, and nothing in its bytes once it is written anew.
        succeeded(&run(&["erasures", "apply"], &list, &flags).await);
        assert_eq!(traces_in(&storage).await, [""; 0]);

        let other = match engine {
            TestEngine::Sqlite(_) => testing::sqlite(),
            TestEngine::Postgres(_) => testing::postgres().await.unwrap(),
        };
        let (restored, flags) = place_of(&other, folder.path(), "restored");
        let with = [flags, vec!["--erasures".to_owned(), list.display().to_string()]].concat();
        let said = succeeded(&run(&["restore"], &backup, &with).await);
        assert!(said.contains("1 people who were erased"), "{said}");
        assert_eq!(traces_in(&restored).await, [""; 0]);
        let parts = common::parts_at(&restored, Clock::manual(common::morning())).await;
        let served = Served::of(other.clone(), parts).await;
        common::in_step(&served).await;
        served.nobody().demo("dispatcher").await.get(&path).await.refused(404, "not-found");
        let proofs = served.nobody().demo("admin").await.get("/v1/erasures").await.expect(200);
        assert_eq!(proofs, json!([proof]));
        served.stop().await;
        // Without the list the backup has them: it is the list that keeps them out.
        if matches!(engine, TestEngine::Sqlite(_)) {
            let (without, flags) = place_of(&testing::sqlite(), folder.path(), "without");
            succeeded(&run(&["restore"], &backup, &flags).await);
            assert!(!traces_in(&without).await.is_empty());
        }
        // A list that was changed is refused, and nothing is restored.
        std::fs::write(&list, lines.replace("demand", "order")).unwrap();
        let (_, flags) = place_of(&testing::sqlite(), folder.path(), "changed");
        let with = [flags, vec!["--erasures".to_owned(), list.display().to_string()]].concat();
        let refused = run(&["restore"], &backup, &with).await;
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("line 1"), "{refused:?}");
        assert!(!folder.path().join("changed").exists());
    })
    .await;
}
