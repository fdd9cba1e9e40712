//! The command line on the real binary: a file of requests beside a running server, the counts verified,
//! the configuration shown without its secrets, and folders that are not what a command wants.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::testing::{PATIENCE, forget_settings, port, until};
use serde_json::json;

use crate::common::process::Process;

const ROWS: usize = 10_000;
/// Every so many rows one is broken, each time in another way.
const BROKEN_EVERY: usize = 500;

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs a command of the binary without the settings of the shell that runs the tests.
fn sanbao(args: &[&str], env: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    let output = command.args(args).envs(env.iter().copied()).output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Ten thousand requests of the past days; the number of rows that are taken and of those that are not. An id that cannot be
/// read costs no row.
fn file(path: &Path) -> (usize, usize) {
    let today = Clock::system().now().date_naive();
    let mut text =
        "external_id,received_at,area_code,category,urgency,elder_name,phone,national_id,address,note\n".to_owned();
    let (mut broken, mut odd) = (0, 0);
    for n in 0..ROWS {
        let day = today - chrono::Duration::days(1 + i64::try_from(n % 60).unwrap());
        if n % BROKEN_EVERY == BROKEN_EVERY - 1 {
            odd += 1;
            broken += usize::from(odd % 4 != 2);
            let row = match odd % 4 {
                0 => format!("c{n},{day} 09:00,330299999999,meal,normal,林某,19900000001,,,"),
                1 => format!("c{n},someday,330211001001,meal,normal,林某,19900000001,,,"),
                2 => format!("c{n},{day} 09:00,330211001001,meal,normal,林某,,110105194912310021,,"),
                _ => format!("c{n},{day} 09:00,330211001001,meal"),
            };
            let _ = writeln!(text, "{row}");
        } else {
            let _ = writeln!(text, "c{n},{day} 09:00,330211001001,meal,normal,林某{n},199{n:08},,某路{n}号,午饭");
        }
    }
    std::fs::write(path, text).unwrap();
    (ROWS - broken, broken)
}

#[tokio::test]
async fn a_file_is_imported_beside_a_running_server_and_the_counts_hold() {
    let folder = tempfile::tempdir().unwrap();
    let (data, requests) = (folder.path().join("demo"), folder.path().join("requests.csv"));
    let (good, bad) = file(&requests);
    let running = Process::demo(&data).await;
    let (data, requests) = (data.to_str().unwrap(), requests.to_str().unwrap());
    let analyst = running.client().demo("analyst").await;
    let counted = async || {
        let counts = analyst.get("/v1/needs/counts?area=330211001001&by=total&category=meal").await.expect(200);
        counts["total"].as_i64().unwrap_or_else(|| panic!("no total: {counts}"))
    };
    let before = counted().await;
    let import = |more: &[&str]| {
        let fixed = ["needs-analysis", "import", requests, "--source", "file", "--data-dir", data];
        sanbao(&[&fixed, more].concat(), &[])
    };
    let tried = import(&["--dry-run"]);
    assert_eq!(tried.code, 1, "{}{}", tried.out, tried.err);
    assert!(tried.out.contains(&format!("tried {ROWS} rows: {good} new")), "{}", tried.out);
    assert_eq!(counted().await, before, "a dry run writes nothing");
    let done = import(&[]);
    assert!(done.out.contains(&format!("{good} new, 0 updated, 0 unchanged, {bad} bad")), "{}{}", done.out, done.err);
    assert!(!done.out.contains("110105194912310021"), "a national id is masked");
    let again = import(&[]);
    assert!(again.out.contains(&format!("0 new, 0 updated, {good} unchanged")), "{}", again.out);
    assert_eq!(counted().await, before + i64::try_from(good).unwrap());
    let verified = sanbao(&["needs-analysis", "verify", "--data-dir", data], &[]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    assert!(verified.out.contains(": 0 differences"), "{}", verified.out);
    assert!(running.terminate().await.success());
}

#[tokio::test]
async fn an_import_says_for_which_of_several_street_offices_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, requests) = (folder.path().join("demo"), folder.path().join("requests.csv"));
    let day = Clock::system().now().date_naive() - chrono::Duration::days(1);
    let head = "external_id,received_at,area_code,category,elder_name";
    let rows = format!("{head}\nA-1,{day} 09:00,330211001001,meal,林某\nA-2,{day} 09:00,330211001007,meal,林某\n");
    std::fs::write(&requests, rows).unwrap();
    let running = Process::demo(&data).await;
    let admin = running.client().demo("admin").await;
    let office =
        json!({ "kind": "street_office", "name_zh": "城东办事处", "name_en": "East", "area_code": "330211001001" });
    let office = admin.post("/v1/organisations", &office).await.expect(201);
    let (data, requests) = (data.to_str().unwrap(), requests.to_str().unwrap());
    let import = |more: &[&str]| {
        let fixed = ["needs-analysis", "import", requests, "--source", "excel", "--data-dir", data];
        sanbao(&[&fixed, more].concat(), &[])
    };
    until("the second office is known", async || import(&["--dry-run"]).err.contains("--organisation")).await;
    let refused = import(&[]);
    let id = office["id"].as_str().unwrap();
    assert!(refused.code != 0 && refused.err.contains(id) && refused.err.contains("招宝山街道"), "{}", refused.err);
    let unknown = import(&["--organisation", "某街道"]);
    assert!(unknown.code != 0 && unknown.err.contains(id), "{}", unknown.err);
    // Of the same file each office takes the rows that lie in its own area, under the same source and numbers.
    let first = "招宝山街道办事处（演示）";
    for (office, taken) in [
        (first, "2 new, 0 updated, 0 unchanged, 0 bad"),
        (id, "1 new, 0 updated, 0 unchanged, 1 bad"),
        ("城东办事处", "0 new, 0 updated, 1 unchanged, 1 bad"),
        (first, "0 new, 0 updated, 2 unchanged, 0 bad"),
    ] {
        let done = import(&["--organisation", office]);
        assert!(done.out.contains(taken), "{}{}", done.out, done.err);
    }
    assert!(running.terminate().await.success());
}

#[tokio::test]
async fn fields_are_sealed_under_a_new_key_and_people_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let id = "11010519491231002X";
    let running = Process::demo(&data).await;
    let nurse = running.client().demo("nurse").await;
    let made = nurse.post("/v1/persons", &json!({ "name": "陈阿婆", "national_id": id })).await.expect(201);
    let path = data.to_str().unwrap();
    let reseal = || sanbao(&["reseal", "--data-dir", path], &[]);
    let refused = reseal();
    assert!(refused.code != 0 && refused.err.contains("another sanbao runs"), "{}", refused.err);
    assert!(running.terminate().await.success());

    // Broken off after the key was made: nothing else works until it has come to its end.
    let secret = data.join("secret.json");
    let first = RootSecret::load_at(&secret).unwrap();
    let begun = RootSecret::begin_reseal(&secret).unwrap();
    let import = sanbao(&["needs-analysis", "verify", "--data-dir", path], &[]);
    assert!(import.code != 0 && import.err.contains("sanbao reseal"), "{}", import.err);
    let done = reseal();
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert!(done.out.contains(" 0 cannot be read, 0 indexes of no known value"), "{}", done.out);

    let now = RootSecret::load_at(&secret).unwrap();
    let index = |secret: &RootSecret| secret.fields().blind_index("national_id", id);
    assert_eq!(index(&now), index(&begun), "it went on with the key of before");
    assert_ne!(index(&now), index(&first));
    let running = Process::demo(&data).await;
    let nurse = running.client().demo("nurse").await;
    let found = nurse.get(&format!("/v1/persons?q={id}")).await.expect(200);
    assert_eq!(found["items"][0]["id"], made["id"], "{found}");
    let whole = nurse.get(&format!("/v1/persons/{}/national-id", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(whole["national_id"], id);
    assert!(running.terminate().await.success());
    let again = reseal();
    assert_eq!(again.code, 0, "another key: {}{}", again.out, again.err);
}

#[tokio::test]
async fn an_administrator_comes_back_in_by_the_machine_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let running = Process::demo(&data).await;
    let admin = running.client().demo("admin").await;
    admin.get("/v1/me").await.expect(200);
    let recover = |login: &str| {
        let site = ["--public-url", "https://sanbao.test/"];
        sanbao(&[&["account", "recover", login, "--data-dir", data.to_str().unwrap()], &site[..]].concat(), &[])
    };
    let nobody = recover("nobody");
    assert!(nobody.code != 0 && nobody.err.contains("nobody"), "{}", nobody.err);
    let said = recover("admin");
    assert_eq!(said.code, 0, "{}", said.err);
    until("the log-in has ended", async || admin.get("/v1/me").await.status == 401).await;
    let (_, rest) = said.out.split_once("https://sanbao.test/setup/account#").unwrap();
    let chosen = json!({ "token": rest.split_whitespace().next().unwrap(), "password": "three boats on the river" });
    running.client().post("/setup/account", &chosen).await.expect(204);
    running.client().log_in("admin", "three boats on the river").await.get("/v1/me").await.expect(200);
    assert!(running.terminate().await.success());
}

#[tokio::test]
async fn a_demo_folder_serves_no_network_and_a_network_no_demo() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    assert!(Process::demo(&demo).await.terminate().await.success());
    let demo = demo.to_str().unwrap();
    let refused = sanbao(&["serve", "--data-dir", demo, "--listen", "127.0.0.1:0", "--no-turn"], &[]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("demo"), "{}", refused.err);
    let real = folder.path().join("real");
    let real = real.to_str().unwrap();
    std::fs::create_dir(real).unwrap();
    std::fs::write(folder.path().join("real/booking.db"), "").unwrap();
    let refused = sanbao(&["demo", "--data-dir", real, "--port", "0"], &[]);
    assert_ne!(refused.code, 0, "{}", refused.out);
    assert!(refused.err.contains("--data-dir"), "{}", refused.err);
    let nothing =
        sanbao(&["needs-analysis", "verify", "--data-dir", folder.path().join("none").to_str().unwrap()], &[]);
    assert_ne!(nothing.code, 0);
    assert!(nothing.err.contains("--data-dir"), "{}", nothing.err);
}

#[test]
fn the_configuration_is_shown_without_its_secrets_and_refused_with_the_flag_to_change() {
    let secrets = [("SANBAO_TURN_URLS", "turn:turn.example:3478"), ("SANBAO_TURN_SECRET", "s3cr3t-of-turn")];
    let shown = sanbao(&["config"], &secrets);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("turn.example") && shown.out.contains("***"), "{}", shown.out);
    assert!(!shown.out.contains("s3cr3t-of-turn"));
    let url = sanbao(&["config", "--database-url", "postgres://sanbao:p4ssw0rd@db/sanbao"], &[]);
    assert!(!url.out.contains("p4ssw0rd") && !url.err.contains("p4ssw0rd"), "{}{}", url.out, url.err);
    for (args, flag) in [
        (&["config", "--listen", "0.0.0.0:8080"][..], "--tls-cert"),
        (&["config", "--tls-cert", "chain.pem"], "--tls-key"),
        (&["config", "--turn-ports", "9-1"], "--turn-ports"),
    ] {
        let refused = sanbao(args, &[]);
        assert_ne!(refused.code, 0, "{args:?}: {}", refused.out);
        assert!(refused.err.contains(flag), "{args:?}: {}", refused.err);
    }
}

/// A certificate for this machine in two files of a folder.
fn certificate(folder: &Path, name: &str) -> [PathBuf; 2] {
    let pair = rcgen::KeyPair::generate().unwrap();
    let signed = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
    let files = ["cert", "key"].map(|what| folder.join(format!("{name}-{what}.pem")));
    std::fs::write(&files[0], signed.pem()).unwrap();
    std::fs::write(&files[1], pair.serialize_pem()).unwrap();
    files
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let ([good, key], [_, other]) = (certificate(folder.path(), "a"), certificate(folder.path(), "b"));
    let [rubbish, none] = ["rubbish.pem", "none.pem"].map(|name| folder.path().join(name));
    std::fs::write(&rubbish, "no certificate").unwrap();
    let data = folder.path().join("data");
    for (certificate, key, words) in [
        (&none, &key, "the certificate"),
        (&rubbish, &key, "the certificate"),
        (&good, &none, "the private key"),
        (&good, &rubbish, "the private key"),
        (&good, &other, "is not that of the certificate"),
    ] {
        let files = [&data, certificate, key].map(|path| path.to_str().unwrap());
        let listen = ["--listen", "127.0.0.1:0", "--turn-listen", "127.0.0.1:0"];
        let refused = [&["serve", "--data-dir", files[0], "--tls-cert", files[1], "--tls-key", files[2]], &listen[..]];
        let refused = sanbao(&refused.concat(), &[]);
        assert_ne!(refused.code, 0, "{files:?}: {}", refused.out);
        assert!(refused.err.contains("--tls-cert") && refused.err.contains(words), "{files:?}: {}", refused.err);
        assert_eq!(refused.out, "", "it does not say that it listens");
        assert!(!data.exists(), "nothing was made");
    }
}

#[test]
fn a_taken_port_of_turn_over_tls_keeps_nothing_else_from_being_served_and_others_do() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = certificate(folder.path(), "a").map(|path| path.to_str().unwrap().to_owned());
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_at = taken.local_addr().unwrap().to_string();
    let [site, turn] = [port(), port()].map(|port| format!("127.0.0.1:{port}"));
    let serve = |turn: &str, turn_tls: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        forget_settings(&mut command);
        command.args(["serve", "--data-dir", &data, "--tls-cert", &certificate, "--tls-key", &key, "--listen", &site]);
        command.args(["--turn-listen", turn, "--turn-tls-listen", turn_tls]);
        command
    };
    // An address of documentation: this machine does not have it.
    for (turn, tls, flag) in [(&*taken_at, "127.0.0.1:0", "--turn-listen"), (&turn, "192.0.2.1:0", "--turn-tls-listen")]
    {
        let refused = serve(turn, tls).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains(flag), "{said}");
    }
    let mut serving = serve(&turn, &taken_at).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first = said.next().map(Result::unwrap);
    // The relay opens its ports on its own, beside the rest.
    let answers = [&site, &turn].map(|at| {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(at).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        TcpStream::connect(at).is_ok()
    });
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(first.as_ref().is_some_and(|line| line.contains("listens on")), "{first:?}");
    assert_eq!(answers, [true, true], "the site, and TURN over TCP");
}
