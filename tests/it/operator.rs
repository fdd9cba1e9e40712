//! The process as its operator and its supervisor meet it: what it says as it starts, what it refuses and why, what its log
//! tells of a request, and signals.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sanbao::around;
use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::telemetry::{self, MeasureKind};
use sanbao_platform::testing::{PATIENCE, forget_settings, port, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::process::Process;

/// A network of files that is served with its log in a file.
struct Logged {
    folder: TempDir,
    running: Process,
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command
}

/// Starts `command` with `args`, waits for its end, and returns whether it went well and what it said on standard error.
fn ended(command: &mut Command, args: &[&str]) -> (bool, String) {
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

impl Logged {
    /// Serves an empty folder with `env` and the log's filter in a file of its own.
    async fn serve(filter: &str, env: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = format!("localhost:{}", port());
        std::fs::write(folder.path().join("filter"), filter).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        command.arg("serve").arg("--data-dir").arg(folder.path().join("data")).args(["--no-turn", "--listen", &at]);
        command.arg("--log").arg(format!("@{}", folder.path().join("filter").display()));
        command.stderr(File::create(folder.path().join("log")).unwrap());
        // `ready` takes the settings of the shell away, and with them what is given here: a shell in between keeps them.
        let mut shell = Command::new("env");
        shell.args(env.iter().map(|(name, value)| format!("{name}={}", value.display())));
        shell.arg(command.get_program()).args(command.get_args());
        shell.stderr(File::create(folder.path().join("log")).unwrap());
        Self { running: Process::ready(shell, format!("http://{at}").replace("localhost", "127.0.0.1")).await, folder }
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        // The last one may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn filter(&self) -> PathBuf {
        self.folder.path().join("filter")
    }

    fn hang_up(&self) {
        let asked = Command::new("kill").args(["-HUP", &self.running.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    async fn said(&self, what: &str, is_said: impl Fn(&Value) -> bool) -> Value {
        until(what, async || self.lines().iter().any(&is_said)).await;
        self.lines().into_iter().find(is_said).unwrap()
    }
}

/// The fields of the span of a request in which a line was said.
fn request(line: &Value) -> &Value {
    let spans = line["spans"].as_array().unwrap_or_else(|| panic!("no request: {line}"));
    spans.iter().find(|span| span["name"] == "request").unwrap()
}

#[tokio::test]
async fn the_log_tells_who_asked_from_where_once_and_nothing_of_files() {
    let logged = Logged::serve("info", &[]).await;
    let starting = logged.said("what it starts with", |line| line["message"] == "starting").await;
    assert_eq!(starting["version"], env!("CARGO_PKG_VERSION"));
    let settings: Value = serde_json::from_str(starting["settings"].as_str().unwrap()).unwrap();
    assert_eq!(settings["storage"]["engine"], "sqlite");
    let client = logged.running.client();
    client.request("get", "/static/sanbao.css").send().await.unwrap();
    client.request("get", "/static/none.css").send().await.unwrap();
    for method in ["BREW", "WHEN", "PROPFIND"] {
        client.request(method, "/readyz").send().await.unwrap();
    }
    let login = json!({ "login": "nobody", "password": "not this one" });
    client.post("/v1/tokens", &login).await.expect(401);
    let refused = logged.said("the log-in", |line| line["message"] == "a log-in was refused").await;
    assert_eq!(refused["why"], "invalid-credentials");
    assert_eq!(request(&refused)["client"], "127.0.0.1", "{refused}");
    let is_of = |line: &Value, route: &str| line["spans"][0]["route"] == route && line["message"] == "answered";
    let answered = logged.said("the answer", |line| is_of(line, "/v1/tokens")).await;
    assert_eq!((&answered["status"], &answered["span"]), (&401.into(), &Value::Null), "once: {answered}");
    let lines = logged.lines();
    let of_files: Vec<&Value> = lines
        .iter()
        .filter(|line| line["spans"][0]["route"].as_str().is_some_and(|r| r.starts_with("/static")))
        .collect();
    assert!(of_files.iter().all(|line| line["status"] == 404), "{of_files:?}");
    let metrics = client.request("get", "/metrics").send().await.unwrap().text().await.unwrap();
    let methods: Vec<&str> = metrics.lines().filter(|l| l.contains("http_requests_total{")).collect();
    assert!(methods.iter().any(|l| l.contains("method=\"other\"")), "{methods:?}");
    assert!(!metrics.contains("BREW") && !metrics.contains("PROPFIND"), "{methods:?}");
}

#[tokio::test]
async fn the_account_that_asked_stands_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    let (at, turn) = (port(), port());
    command.arg("demo").arg("--data-dir").arg(folder.path().join("demo")).args(["--log", "info"]);
    command.args(["--port", &at.to_string(), "--turn-port", &turn.to_string()]);
    command.stderr(File::create(folder.path().join("log")).unwrap());
    let running = Process::ready(command, format!("http://127.0.0.1:{at}")).await;
    let nurse = running.client().demo("nurse").await;
    let id = nurse.get("/v1/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let wrong = json!({ "login": "nurse", "password": "not this one" });
    running.client().post("/v1/tokens", &wrong).await.expect(401);
    let said = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    let account = format!("account={id}");
    until("the answer with its account", async || {
        said().lines().any(|line| line.contains("/v1/me") && line.contains(&account))
    })
    .await;
    until("the refusal with its account", async || {
        said().lines().any(|line| line.contains("a log-in was refused") && line.contains(&account))
    })
    .await;
    assert!(!said().contains("not this one"));
}

#[tokio::test]
async fn a_hang_up_has_the_filter_read_again_and_ends_nothing() {
    let logged = Logged::serve("info", &[]).await;
    let client = logged.running.client();
    let is_debug = |line: &Value| line["level"] == "DEBUG" && line["message"] == "answered";
    std::fs::write(logged.filter(), "loud\n").unwrap();
    logged.hang_up();
    logged.said("the bad filter", |line| line["level"] == "ERROR" && line["error"].to_string().contains("loud")).await;
    client.get("/healthz").await.expect(200);
    assert!(!logged.lines().iter().any(is_debug), "the old filter goes on");
    std::fs::write(logged.filter(), "sanbao_platform=debug,info\n").unwrap();
    logged.hang_up();
    logged.said("the new filter", |line| line["message"] == "another filter of the log is used").await;
    client.get("/healthz").await.expect(200);
    logged.said("a line at debug", is_debug).await;
    assert!(logged.running.terminate().await.success());
}

/// The next message to the supervisor that says one of `words`; others in between are passed over.
async fn told(supervisor: &tokio::net::UnixDatagram, words: &str) {
    let heard = async {
        let mut message = [0; 4096];
        loop {
            let length = supervisor.recv(&mut message).await.unwrap();
            if std::str::from_utf8(&message[..length]).unwrap().lines().any(|line| line.starts_with(words)) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("the supervisor was not told {words}"));
}

#[tokio::test]
async fn a_supervisor_is_told_of_ready_alive_reloading_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_nonblocking(true).unwrap();
    let supervisor = tokio::net::UnixDatagram::from_std(supervisor).unwrap();
    // Microseconds. A socket that is not read holds few messages, and the sender of one more waits.
    let every = PathBuf::from("4000000");
    let logged = Logged::serve("info", &[("NOTIFY_SOCKET", &socket), ("WATCHDOG_USEC", &every)]).await;
    for words in ["READY=1", "WATCHDOG=1"] {
        told(&supervisor, words).await;
    }
    logged.hang_up();
    for words in ["RELOADING=1", "READY=1"] {
        told(&supervisor, words).await;
    }
    let at = logged.running.base.strip_prefix("http://").unwrap();
    let data = logged.folder.path().join("data");
    let health = ["health", "--no-turn", "--data-dir", data.to_str().unwrap(), "--listen", at];
    assert_eq!(ended(&mut binary(), &health), (true, String::new()));
    let (folder, running) = (logged.folder, logged.running);
    let base = running.base.clone();
    let ((), stopped) = tokio::join!(told(&supervisor, "STOPPING=1"), running.terminate());
    assert!(stopped.success());
    let health = ["health", "--no-turn", "--data-dir", "unused", "--listen", base.strip_prefix("http://").unwrap()];
    let (well, said) = ended(&mut binary(), &health);
    assert!(!well && said.contains("nothing answers at"), "{said}");
    drop(folder);
}

#[test]
fn a_start_that_cannot_come_to_anything_says_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let few = "ulimit -n 128; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    forget_settings(&mut shell);
    shell.args(["-c", few, env!("CARGO_BIN_EXE_sanbao")]);
    let (well, said) = ended(&mut shell, &["serve", "--data-dir", data, "--no-turn", "--listen", "127.0.0.1:0"]);
    assert!(!well && said.contains("only 128 files") && said.contains("ulimit"), "{said}");

    let url = format!("postgres://sanbao:northwind@127.0.0.1:{}/street", port());
    let secret = folder.path().join("secret.json");
    let verify = ["needs-analysis", "verify", "--database-url", &url, "--secret-file", secret.to_str().unwrap()];
    let (well, said) = ended(&mut binary(), &verify);
    assert!(!well && said.contains("127.0.0.1:") && said.contains("/street") && said.contains("refused"), "{said}");
    assert!(!said.contains("northwind"), "{said}");

    let (well, said) = ended(&mut binary(), &["serve", "--data-dir", data, "--log", "inof"]);
    assert!(!well && said.contains("inof") && said.contains("debug"), "{said}");

    let (well, said) = ended(binary().env("SANBAO_LISTN", "x"), &["config", "--data-dir", data]);
    assert!(well && said.contains("SANBAO_LISTN") && said.contains("SANBAO_LISTEN"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_with_its_place_while_it_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let [url, secret, log] = ["url", "secret.json", "log"].map(|name| folder.path().join(name));
    std::fs::write(&url, format!("postgres://sanbao:northwind@127.0.0.1:{}/street\n", port())).unwrap();
    let mut command = binary();
    command.arg("serve").arg("--database-url").arg(format!("@{}", url.display())).arg("--secret-file").arg(&secret);
    command.args(["--no-turn", "--listen", "127.0.0.1:0"]).stdout(Stdio::null());
    let mut waiting = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    until("it says what it waits for", async || said().contains("trying again")).await;
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let line = said().lines().find(|line| line.contains("trying again")).unwrap().to_owned();
    assert!(line.contains("127.0.0.1:") && line.contains("/street") && line.contains("refused"), "{line}");
    assert!(!said().contains("northwind"), "{}", said());
    assert!(!secret.exists(), "nothing was made");
}

/// The names in a text that are made as metrics are.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sanbao_")).collect()
}

#[test]
fn the_board_and_the_alerts_speak_of_metrics_that_there_are() {
    let (board, alerts) = (
        include_str!("../../deploy/observability/grafana.json"),
        include_str!("../../deploy/observability/alerts.yaml"),
    );
    let all = [telemetry::MEASURES, around::MEASURES, sanbao_signalling::measures::MEASURES].concat();
    let known: BTreeSet<String> = all
        .iter()
        .flat_map(|measure| match measure.kind {
            MeasureKind::Histogram => {
                ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", measure.name)).to_vec()
            }
            MeasureKind::Counter | MeasureKind::Gauge => vec![measure.name.to_owned()],
        })
        .collect();
    for (file, text) in [("grafana.json", board), ("alerts.yaml", alerts)] {
        let named = names(text);
        assert!(named.len() > 8, "{file}: {named:?}");
        let strange: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
        assert!(strange.is_empty(), "{file} speaks of what is not there: {strange:?}");
    }
    let board: Value = serde_json::from_str(board).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let shown: BTreeSet<_> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|t| t["expr"].as_str().unwrap())
        .collect();
    let told = shown.into_iter().flat_map(names).chain(names(alerts)).collect::<BTreeSet<_>>();
    let silent: Vec<_> =
        all.iter().filter(|m| !told.iter().any(|name| name.starts_with(m.name))).map(|m| m.name).collect();
    assert!(silent.is_empty(), "on no panel and in no alert: {silent:?}");
}

/// The databases of a release that did not have the newest migration of booking yet; its number.
async fn behind(storage: &Storage, secret: &Path) -> i64 {
    let found = Found::open(storage, Role::ALL, Purpose::Serve).await.unwrap();
    let root = found.secret(secret).unwrap();
    let (mut newest, now) = (0, Clock::system().now());
    for (role, db) in found.databases() {
        let mut known = db.known(role.migrations());
        if role == Role::Booking {
            newest = known.pop().unwrap();
        }
        db.migrate_to(role.migrations(), &known).await.unwrap();
        db.mark(&root.marks(), now).await.unwrap();
    }
    found.close().await;
    newest
}

#[tokio::test]
async fn a_start_that_may_not_migrate_refuses_databases_that_are_behind_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, at) = (folder.path().join("data"), format!("127.0.0.1:{}", port()));
    let flags = ["--data-dir", data.to_str().unwrap(), "--no-turn", "--listen", &at, "--no-migrate"];
    let refused = |flags: &[&str]| ended(binary().arg("serve"), flags);
    let (well, said) = refused(&flags);
    assert!(!well && said.contains("no network here"), "{said}");
    let newest = behind(&Storage::Files(data.clone()), &data.join("secret.json")).await;
    let (well, said) = refused(&flags);
    assert!(!well && said.contains("sanbao migrate") && said.contains(&format!("booking ({newest:04}_")), "{said}");
    assert!(ended(&mut binary(), &["migrate", "--data-dir", data.to_str().unwrap()]).0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    command.arg("serve").args(flags);
    let running = Process::ready(command, format!("http://{at}")).await;
    assert!(running.terminate().await.success());
}

#[tokio::test]
async fn an_upgrade_is_told_before_it_is_done_and_done_apart_from_serving() {
    let folder = tempfile::tempdir().unwrap();
    let (data, secret) = (folder.path().join("data"), folder.path().join("data/secret.json"));
    let (of, storage) = (["--data-dir", data.to_str().unwrap()], Storage::Files(data.clone()));
    let migrate = |more: &[&str]| {
        let output = binary().arg("migrate").args(of).args(more).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (well, _, said) = migrate(&[]);
    assert!(!well && said.contains("no network here"), "{said}");
    let newest = behind(&storage, &secret).await;
    let number = format!("{newest:04}_");
    let (well, told, said) = migrate(&["--dry-run"]);
    assert!(well && told.contains("booking: 1 to run") && told.contains(&number), "{told}{said}");
    assert!(told.contains("needs-analysis: nothing to do"), "{told}");
    let (well, told, said) = migrate(&[]);
    assert!(well && told.contains("1 have run"), "{told}{said}");
    let (well, told, said) = migrate(&["--dry-run"]);
    assert!(well && told.contains("booking: nothing to do"), "{told}{said}");
}

#[tokio::test]
async fn a_check_measures_and_says_what_to_do() {
    let (folder, turn, at) = (tempfile::tempdir().unwrap(), port(), port());
    let data = folder.path().join("data");
    let flags = [
        "--data-dir".to_owned(),
        data.display().to_string(),
        "--listen".to_owned(),
        format!("127.0.0.1:{at}"),
        "--turn-listen".to_owned(),
        format!("127.0.0.1:{turn}"),
    ];
    // Nobody tells the time there: that is unknown, which is neither good nor bad.
    let check = || {
        let output = binary().arg("check").args(&flags).args(["--ntp", "127.0.0.1:9"]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (well, said) = check();
    assert!(!well && said.contains("no network here") && said.contains("[不行 bad] 音视频中继"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    command.arg("serve").args(&flags);
    let running = Process::ready(command, format!("http://127.0.0.1:{at}")).await;
    until("TURN answers", async || check().1.contains(&format!("[好 good] 音视频中继 UDP 127.0.0.1:{turn}"))).await;
    let (well, said) = check();
    assert!(
        !well
            && said.contains("[不行 bad] 备份：从来没有做过\n    backup: none was ever made\n    → 运行 sanbao backup"),
        "{said}"
    );
    for good in [
        "[好 good] 数据库：SQLite",
        "databases: SQLite, booking, signalling, needs-analysis",
        "disk: ",
        "TURN TCP",
        "[不知 unknown] 时钟",
        "[不知 unknown] 操作记录的检查点",
    ] {
        assert!(said.contains(good), "{good}: {said}");
    }
    let (file, words) = (folder.path().join("backup"), folder.path().join("passphrase"));
    std::fs::write(&words, "three boats on the river").unwrap();
    let mut backup = binary();
    backup.arg("backup").arg(&file).arg("--passphrase-file").arg(&words).args(["--data-dir", data.to_str().unwrap()]);
    assert!(ended(&mut backup, &[]).0);
    let (well, said) = check();
    assert!(well && said.contains("[好 good] 备份："), "{said}");
    assert!(running.terminate().await.success());
    let (well, said) = ended(&mut binary(), &["check", "--turn", &format!("127.0.0.1:{turn}")]);
    assert!(!well, "nothing is there any more: {said}");
}
