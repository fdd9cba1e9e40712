//! `sanbao audit verify` on the real binary, on both engines: beside a running network, against checkpoints that went out, and
//! after somebody changed the database.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::audit::chain::{Chainer, CheckpointFile};
use sanbao_platform::audit::log::told;
use sanbao_platform::clock::Clock;
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, forget_settings, on_both, until};
use tokio_util::sync::CancellationToken;

use crate::common::{self, Served};

/// A network of the test's own, with its secret in a file.
struct House<'a> {
    engine: &'a TestEngine,
    folder: &'a Path,
}

impl House<'_> {
    fn checkpoints(&self) -> CheckpointFile {
        CheckpointFile(self.folder.join("checkpoints"))
    }

    async fn served(&self) -> Served {
        let mut parts = common::demo_parts(self.engine, Clock::manual(common::morning())).await;
        common::root().save_new(&self.folder.join("secret.json")).unwrap();
        parts.audit.checkpoints = Some(self.checkpoints());
        Served::of(self.engine.clone(), parts).await
    }

    /// The exit code of a verification, and what it said. The network runs in this process: it must not stand still meanwhile.
    async fn verified(&self, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        forget_settings(&mut command);
        command.args(["audit", "verify"]).args(more);
        match common::storage(self.engine) {
            Storage::Files(dir) => command.arg("--data-dir").arg(dir),
            Storage::Postgres(url) => command.args(["--database-url", &url.0]),
        };
        command.arg("--secret-file").arg(self.folder.join("secret.json"));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), said)
    }

    /// As somebody with the database does.
    async fn change(&self, statements: &[&'static str], make_anew: bool) {
        let found = Found::open(&common::storage(self.engine), &[Role::Booking], Purpose::Work).await.unwrap();
        let (_, db) = found.databases().remove(0);
        let mut tx = db.begin().await.unwrap();
        for statement in statements {
            on!(tx, |c| sqlx::query(*statement).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        if make_anew {
            let chainer = Chainer { service: "booking", db, clock: Clock::manual(common::morning()) };
            assert!(chainer.link(&CancellationToken::new()).await.unwrap() > 0);
        }
        found.close().await;
    }
}

#[tokio::test]
async fn a_network_verifies_its_audit_logs_and_finds_what_was_changed() {
    on_both(|engine| async move {
        let folder = tempfile::tempdir().unwrap();
        let house = House { engine: &engine, folder: folder.path() };
        let served = house.served().await;
        // Beside the running network, once its rows have their places.
        until("the rows are linked", async || {
            let (code, said) = house.verified(&[]).await;
            assert_eq!(code, 0, "{said}");
            let rows = |service: &str| !said.contains(&format!("{service}: 0 rows"));
            rows("booking") && rows("needs-analysis") && said.contains("signalling: ")
        })
        .await;
        served.nobody().demo("desk").await.get("/v1/requests").await.expect(200);
        let admin = served.nobody().demo("admin").await;
        // Each service shows its own rows, with the address that the request came from.
        for (log, action) in [("/v1/audit-events", "account.log_in"), ("/v1/needs/audit-events", "GET /v1/requests")] {
            let events = admin.get(&format!("{log}?action={}", action.replace(' ', "%20"))).await.expect(200);
            let newest = &events["items"][0];
            assert_eq!(
                (newest["action"].as_str(), newest["address"].as_str()),
                (Some(action), Some("127.0.0.1")),
                "{events}"
            );
        }
        served.stop().await;
        let file = house.checkpoints().0;
        let file = file.to_str().unwrap();
        let (code, said) = house.verified(&["--checkpoints", file]).await;
        assert!(code == 0 && said.contains("up to 2026-11-23T") && said.contains(": the chain holds"), "{said}");
        // Before and at the end; a third where a task came in between.
        for service in ["booking: ", "needs-analysis: "] {
            let line = said.lines().find(|line| line.starts_with(service)).unwrap();
            let (_, rest) = line.split_once("held against ").unwrap();
            assert!(rest.split(' ').next().unwrap().parse::<u32>().unwrap() >= 2, "{said}");
        }

        house.change(&["delete from audit where position = 3"], false).await;
        let (code, said) = house.verified(&["booking"]).await;
        assert!(
            code == 1 && said.contains("booking: ") && said.contains("the first at position 3: the row is missing"),
            "{said}"
        );
        assert!(!said.contains("needs-analysis"), "{said}");
        let anew = ["update audit set position = null, link = null", "delete from audit_head"];
        house.change(&anew, true).await;
        let (code, said) = house.verified(&["booking"]).await;
        assert!(code == 0, "of a chain that was made anew nobody knows without a checkpoint: {said}");
        let (code, said) = house.verified(&["--checkpoints", file]).await;
        assert!(code == 1 && said.contains("the chain is not the one of which a checkpoint went out"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_verification_that_would_say_nothing_is_refused() {
    let engine = sanbao_platform::testing::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let house = House { engine: &engine, folder: folder.path() };
    house.served().await.stop().await;
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let (code, said) = house.verified(&["--checkpoints", empty.to_str().unwrap()]).await;
    assert!(code != 0 && said.contains("there is no checkpoint in it"), "{said}");
    let secret = folder.path().join("secret.json");
    std::fs::remove_file(&secret).unwrap();
    sanbao_platform::config::RootSecret::from_bytes([1; 32]).save_new(&secret).unwrap();
    let (code, said) = house.verified(&[]).await;
    assert!(code != 0 && said.contains("written under another root secret"), "{said}");
}

/// Every text of the crates' own code.
fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The literals of a text, without their marks.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Whether a literal is made as an action of the audit log is: `consult.guest_link.revoke`.
fn is_action(literal: &str) -> bool {
    let mut parts = literal.split('.');
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    literal.contains('.') && parts.all(word)
}

#[test]
fn what_was_done_has_words_in_both_languages() {
    let mut all = Vec::new();
    for crate_ in ["platform", "booking", "signalling", "needs-analysis"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(crate_).join("src"), &mut all);
    }
    let (mut actions, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for text in &all {
        // An action is the first literal of its kind behind the call that writes it down.
        for call in ["audit::record", "audited(", ".audit(", "log("] {
            let calls =
                text.match_indices(call).map(|(at, _)| text[at..].lines().take(5).collect::<Vec<_>>().join("\n"));
            actions.extend(calls.filter_map(|call| literals(&call).find(|l| is_action(l)).map(str::to_owned)));
        }
        // The step of a life cycle is written down under its name.
        for (at, _) in text.match_indices("StepName {\n") {
            let body = text[at..].split("\n    }").next().unwrap();
            steps.extend(
                body.lines().filter(|l| l.contains(" = \"")).flat_map(literals).map(|step| step.replace('-', "_")),
            );
        }
    }
    actions.remove("test.test");
    assert!(actions.len() > 50 && steps.len() > 20, "{actions:?} {steps:?}");
    let parts = actions.iter().flat_map(|action| action.split('.')).map(str::to_owned).filter(|part| part != "test");
    let silent: BTreeSet<String> =
        parts.chain(steps).filter(|part| [Lang::Zh, Lang::En].iter().any(|lang| told(*lang, part).is_none())).collect();
    assert!(silent.is_empty(), "no words (audit-did-…) for {silent:?}");
    assert_eq!(told(Lang::Zh, "consult.guest_link.revoke").as_deref(), Some("会诊 · 家属链接 · 作废"));
    // The end of an agreement is no person's.
    assert_eq!(told(Lang::Zh, "affiliation.end").as_deref(), Some("合作协议 · 终止"));
    assert_eq!(told(Lang::Zh, "GET /v1/consults/{id}"), None);
}
