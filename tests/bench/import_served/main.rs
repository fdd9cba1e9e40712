//! A file of a million requests sent in parts to `sanbao serve`, and what others feel of it:
//! `tests/run --release -p sanbao --bench import_served` (`-- --rows 20000`, `-- sqlite`, `-- postgres`)
//!
//! The process serves a demo's network. Somebody at the desk opens the queue and takes a request down, twenty times a second in turn: first
//! alone, then while the file comes and is imported. The bars: 5 × the time of a bare connection that writes rows of the
//! same shape into the same tables, 200 MB resident in all (`VmHWM`), and a p99 of others of 3 × what it is without.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

#[path = "../import/bare.rs"]
mod bare;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::clock::Clock;
use sanbao_platform::cn::ResidentId;
use sanbao_platform::testing::{self, PATIENCE, TestEngine, forget_settings, port, until};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep};

const ROWS: usize = 1_000_000;
const PART: usize = 1024 * 1024;
const HEADER: &str = "编号,受理时间,区域编码,类别,紧急程度,姓名,电话,身份证号,地址,备注\n";
const WORDS: [&str; 4] = ["助餐", "助浴", "助洁", "遛狗"];
const EVERY: Duration = Duration::from_millis(50);
/// Calls that are measured without an import.
const ALONE: usize = 600;
const BAR: f64 = 5.0;
const BAR_OTHERS: f64 = 3.0;
const BAR_MB: u64 = 200;
const PASSPHRASE: &str = "three boats on the river";

/// A row; all have the same bytes.
fn row(text: &mut String, n: usize, day: chrono::NaiveDate) {
    let born = chrono::NaiveDate::from_ymd_opt(1940, 1, 1 + u32::try_from(n % 28).unwrap()).unwrap();
    let paper = ResidentId::compose("339999", born, u16::try_from(n % 999).unwrap()).unwrap();
    let (area, word, paper) = (bare::AREAS[n % 3], WORDS[n % 4], paper.as_str());
    let (hour, minute, phone) = (8 + n / 60 % 2, n % 60, n % 100_000_000);
    let at = format!("{day} {hour:02}:{minute:02}");
    let _ = writeln!(
        text,
        "r{n:07},{at},{area},{word},普通,林某{n:07},199{phone:08},{paper},\"某路{n:07}号,东\",送午饭，软些"
    );
}

/// The file, made as it is sent.
struct File {
    day: chrono::NaiveDate,
    rows: usize,
    next: usize,
    /// Bytes that were made and not yet sent.
    made: Vec<u8>,
}

impl File {
    fn of(rows: usize) -> Self {
        let day = (Clock::system().now() - chrono::TimeDelta::days(2)).date_naive();
        Self { day, rows, next: 0, made: HEADER.into() }
    }

    fn bytes(&self) -> usize {
        let mut one = String::new();
        row(&mut one, 0, self.day);
        HEADER.len() + self.rows * one.len()
    }

    fn part(&mut self) -> Vec<u8> {
        while self.made.len() < PART && self.next < self.rows {
            let mut text = String::new();
            row(&mut text, self.next, self.day);
            self.made.extend_from_slice(text.as_bytes());
            self.next += 1;
        }
        let rest = self.made.split_off(self.made.len().min(PART));
        std::mem::replace(&mut self.made, rest)
    }
}

fn sanbao(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command.args(arguments).env("SANBAO_PASSPHRASE", PASSPHRASE).stdout(Stdio::null()).stdin(Stdio::null());
    command
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap()
}

/// A process that serves, and somebody at the desk.
struct Served {
    child: Child,
    base: String,
    token: String,
}

impl Served {
    async fn start(mut command: Command, base: String) -> Self {
        let child = command.spawn().unwrap();
        let (ready, client) = (format!("{base}/readyz"), client());
        until("it is ready", async || client.get(&ready).send().await.is_ok_and(|a| a.status() == 200)).await;
        let body = json!({ "login": "desk", "password": PASSWORD });
        let tokens = client.post(format!("{base}/v1/tokens")).json(&body).send().await.unwrap();
        let tokens: Value = tokens.json().await.unwrap();
        Self { child, base, token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    /// The demo's network on an engine, served as any other.
    async fn of(engine: &TestEngine, dir: &Path) -> Self {
        let (at, port, turn) = (dir.to_str().unwrap(), port().to_string(), testing::port().to_string());
        let demo = ["demo", "--data-dir", at, "--port", &port, "--turn-port", &turn, "--log", "error"];
        let mut demo = Self::start(sanbao(&demo), format!("http://127.0.0.1:{port}")).await;
        assert!(Command::new("kill").arg(demo.child.id().to_string()).status().unwrap().success());
        demo.child.wait().unwrap();
        std::fs::remove_file(dir.join("this-is-a-demo")).unwrap();
        let secret = dir.join("secret.json");
        let place = match engine {
            TestEngine::Sqlite(_) => vec!["--data-dir", at],
            TestEngine::Postgres(url) => {
                let moved = sanbao(&["move-to-postgres", "--data-dir", at, "--database-url", url]).status().unwrap();
                assert!(moved.success());
                vec!["--database-url", url, "--secret-file", secret.to_str().unwrap()]
            }
        };
        let listen = format!("127.0.0.1:{}", testing::port());
        let mut command =
            sanbao(&["serve", "--no-turn", "--second-factor", "nobody", "--listen", &listen, "--log", "error"]);
        command.args(place);
        Self::start(command, format!("http://{listen}")).await
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The most that the process has had resident, in MB.
    fn resident_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
    }

    /// Sends a file in parts, has it imported, and waits for the end; the seconds of both.
    async fn import(&self, rows: usize) -> (f64, f64) {
        let (client, mut file) = (client(), File::of(rows));
        let begun = Instant::now();
        let uploads = format!("{}/v1/imports/uploads", self.base);
        let upload = self.call(client.post(&uploads).json(&json!({ "bytes": file.bytes() }))).await;
        let id = upload["id"].as_str().unwrap();
        for part in 1..=upload["parts"].as_u64().unwrap() {
            let put = client.put(format!("{uploads}/{id}/parts/{part}")).body(file.part());
            self.call(put.header("content-type", "application/octet-stream")).await;
        }
        let sent = begun.elapsed().as_secs_f64();
        let path = format!("{}/v1/imports?dry_run=false&source=bench&upload={id}", self.base);
        self.call(client.post(path).header("prefer", "respond-async")).await;
        let path = format!("{}/v1/imports/{id}", self.base);
        loop {
            let report = self.call(client.get(&path)).await;
            if report["state"] == "finished" {
                assert_eq!(report["created"].as_u64(), Some(rows as u64), "{report}");
                return (sent, begun.elapsed().as_secs_f64() - sent);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// The times of the desk's calls in milliseconds, reading and writing, until there are so many or it is told to stop.
    async fn others(&self, most: usize, stop: &AtomicBool) -> [Vec<f64>; 2] {
        let client = client();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = [Vec::new(), Vec::new()];
        let new = json!({ "category": "meal", "area_code": "330211001001", "elder_name": "林某", "phone": "19900000001",
            "note": "送午饭" });
        for n in 0..most {
            ticks.tick().await;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let request = match n % 2 {
                0 => client.get(format!("{}/v1/requests?limit=30", self.base)),
                _ => client.post(format!("{}/v1/requests", self.base)).json(&new),
            };
            let asked = Instant::now();
            self.call(request).await;
            times[n % 2].push(asked.elapsed().as_secs_f64() * 1e3);
        }
        times
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

async fn measure(engine: TestEngine, other: TestEngine, rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let served = Arc::new(Served::of(&engine, &folder.path().join("network")).await);
    let stop = Arc::new(AtomicBool::new(false));
    served.others(ALONE / 4, &stop).await; // warm
    let mut idle = served.others(ALONE, &stop).await;
    let (desk, until) = (Arc::clone(&served), Arc::clone(&stop));
    let others = tokio::spawn(async move { desk.others(usize::MAX, &until).await });
    let (sent, took) = served.import(rows).await;
    stop.store(true, Ordering::Relaxed);
    let mut beside = others.await.unwrap();
    let most = served.resident_mb();
    let bare = bare::bare(&bare::opened(&other).await.db, rows).await.as_secs_f64();
    println!(
        "{}: {rows} rows sent in {sent:.1} s, imported in {took:.1} s, {bare:.1} s bare: {:.1} × (bar {BAR}), at most {most} MB resident (bar {BAR_MB})",
        engine.name(),
        took / bare
    );
    for (name, at) in [("queue", 0), ("a request taken down", 1)] {
        let (alone, with, calls) = (p99(&mut idle[at]), p99(&mut beside[at]), beside[at].len());
        let times = with / alone;
        println!(
            "  {name}: p99 {alone:.1} ms alone, {with:.1} ms beside ({calls} calls): {times:.1} × (bar {BAR_OTHERS})"
        );
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let rows =
        args.iter().position(|arg| arg == "--rows").and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(ROWS);
    if !has("postgres") {
        measure(testing::sqlite(), testing::sqlite(), rows).await;
    }
    if !has("sqlite")
        && let Some(engine) = testing::postgres().await
    {
        measure(engine, testing::postgres().await.unwrap(), rows).await;
    }
}
