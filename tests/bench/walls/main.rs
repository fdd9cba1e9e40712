//! A nurse's page while a stranger does their worst, and the memory that it takes: `cargo bench --profile release --bench walls`
//!
//! The nurse opens her list of consults twenty times a second: first on an idle machine, then beside wrong log-ins by
//! fifty connections, beside requests for packed answers, beside the import of the largest file, and beside two
//! thousand connections that say nothing. Strangers come from many addresses of this machine, so that no bound by
//! address ends the load. Each load has a process of its own, `sanbao demo` on an empty folder, and is measured beside
//! the idle figure of that same process. Memory is resident memory in all, as the kernel has it.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::testing::{PATIENCE, forget_settings, port, until};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// The pages that are opened for one figure, and how often.
const PAGES: usize = 200;
const EVERY: Duration = Duration::from_millis(50);
/// A page beside a load may take so many times what it takes without.
const TIMES_IDLE_MAX: f64 = 3.0;
const LOG_IN_CONNECTIONS: u16 = 50;
const LOG_INS: u64 = 1_000;
const PACKED_PER_S: u64 = 200;
const SILENT: u16 = 2_000;
/// The rows of a file of 31 MB.
const ROWS: usize = 199_000;
const LOG_INS_MIB_MAX: u64 = 130;
const IMPORT_MIB_MAX: u64 = 200;

/// A demo of its own, with a nurse who is logged in.
struct House {
    child: Child,
    base: String,
    _folder: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, turn) = (port(), port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        forget_settings(&mut command);
        command.arg("demo").arg("--data-dir").arg(folder.path().join("demo"));
        command.args(["--port", &port.to_string(), "--turn-port", &turn.to_string(), "--log", "error"]);
        let child = command.stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let ready = format!("{base}/readyz");
        let client = client(None);
        until("the demo is ready", async || client.get(&ready).send().await.is_ok_and(|a| a.status() == 200)).await;
        Self { child, base, _folder: folder }
    }

    async fn token(&self, login: &str) -> String {
        let body = json!({ "login": login, "password": PASSWORD });
        let answer = client(None).post(format!("{}/v1/tokens", self.base)).json(&body).send().await.unwrap();
        let tokens: Value = answer.json().await.unwrap();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// A line of the kernel's account of the process, in MiB.
    fn mib(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status"));
        let status = status.unwrap();
        let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
        found.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
    }

    /// The time of the nurse's page in milliseconds: the 95th of a hundred, and the middle one.
    async fn page(&self, nurse: &str) -> Times {
        let (client, url) = (client(None), format!("{}/consults", self.base));
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = Vec::new();
        for _ in 0..PAGES {
            ticks.tick().await;
            let asked = Instant::now();
            let answer = client.get(&url).bearer_auth(nurse).header("accept", "text/html").send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
            times.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Times { median: times[PAGES / 2], p95: times[PAGES * 95 / 100], most: times[PAGES - 1] }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
struct Times {
    median: f64,
    p95: f64,
    most: f64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} ms (median {:.1}, most {:.1})", self.p95, self.median, self.most)
    }
}

fn client(from: Option<IpAddr>) -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).no_proxy().local_address(from).build().unwrap()
}

/// An address of this machine; `n` may be any number.
fn stranger(n: u16) -> IpAddr {
    IpAddr::from([127, 0, 7, u8::try_from(n % 200).unwrap_or_default() + 1])
}

/// The work that goes on beside the nurse until it is told to stop, and how often it was done.
#[derive(Clone, Default)]
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn count(&self) -> u64 {
        self.done.fetch_add(1, Ordering::Relaxed)
    }
}

fn wrong_log_ins(house: &House, load: &Load, tasks: &mut JoinSet<()>) {
    for connection in 0..LOG_IN_CONNECTIONS {
        let (load, url) = (load.clone(), format!("{}/v1/tokens", house.base));
        tasks.spawn(async move {
            let mut from = connection;
            let mut http = client(Some(stranger(from)));
            while load.goes_on() {
                let n = load.count();
                let body = json!({ "login": format!("nobody{n}"), "password": "wrong wrong wrong" });
                let answer = http.post(&url).json(&body).send().await.unwrap();
                if answer.status() == 429 {
                    // This address is throttled; the next one is not yet.
                    from = from.wrapping_add(LOG_IN_CONNECTIONS);
                    http = client(Some(stranger(from)));
                    sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
}

fn packed_answers(house: &House, load: &Load, tasks: &mut JoinSet<()>) {
    let (load, url) = (load.clone(), format!("{}/openapi.json", house.base));
    tasks.spawn(async move {
        let http = client(None);
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(PACKED_PER_S).unwrap_or(1));
        let mut open = JoinSet::new();
        while load.goes_on() {
            ticks.tick().await;
            let request = http.get(&url).header("accept-encoding", "gzip");
            let load = load.clone();
            open.spawn(async move {
                let answer = request.send().await.unwrap();
                answer.bytes().await.unwrap();
                load.count();
            });
        }
        open.join_all().await;
    });
}

/// A file of the largest size whose rows are all taken.
fn largest_file() -> String {
    let mut file = "external_id,received_at,area_code,category,elder_name,note\n".to_owned();
    for n in 0..ROWS {
        let _ = writeln!(file, "n{n},2026-11-01T08:00:00+08:00,330211001001,meal,林某,{}", "x".repeat(95));
    }
    file
}

async fn import(house: &House, load: &Load, tasks: &mut JoinSet<()>) {
    let (load, desk) = (load.clone(), house.token("desk").await);
    let url = format!("{}/v1/imports?dry_run=false", house.base);
    tasks.spawn(async move {
        let file = largest_file();
        println!("(a file of {} MB)", file.len() / 1_000_000);
        let request = client(None).post(&url).timeout(PATIENCE * 4).bearer_auth(&desk);
        let answer = request.header("content-type", "text/csv").body(file).send().await.unwrap();
        let status = answer.status();
        let said = answer.text().await.unwrap();
        println!("(import: {status} {})", said.chars().take(160).collect::<String>());
        load.count();
    });
}

async fn silent_connections(house: &House, load: &Load) -> Vec<TcpStream> {
    let to: SocketAddr = house.base.trim_start_matches("http://").parse().unwrap();
    let mut open = Vec::new();
    for n in 0..SILENT {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(stranger(n), 0)).unwrap();
        if let Ok(connection) = socket.connect(to).await {
            open.push(connection);
            load.count();
        }
    }
    open
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    LogIns,
    Packed,
    Import,
    Silent,
}

async fn measure(kind: Kind) -> String {
    let house = House::open().await;
    let nurse = house.token("nurse").await;
    house.page(&nurse).await; // warm
    let (before, idle) = (house.mib("VmRSS"), house.page(&nurse).await);
    let (load, mut tasks, mut kept) = (Load::default(), JoinSet::new(), Vec::new());
    let (name, bound) = match kind {
        Kind::LogIns => {
            wrong_log_ins(&house, &load, &mut tasks);
            ("wrong log-ins, 50 connections", Some(LOG_INS_MIB_MAX))
        }
        Kind::Packed => {
            packed_answers(&house, &load, &mut tasks);
            ("200 packed answers a second", None)
        }
        Kind::Import => {
            import(&house, &load, &mut tasks).await;
            ("an import of the largest file", Some(IMPORT_MIB_MAX))
        }
        Kind::Silent => {
            kept = silent_connections(&house, &load).await;
            ("2,000 silent connections", None)
        }
    };
    sleep(Duration::from_secs(1)).await;
    let beside = house.page(&nurse).await;
    if kind == Kind::LogIns {
        until("so many log-ins were tried", async || load.done.load(Ordering::Relaxed) >= LOG_INS).await;
    }
    load.stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    let (most, done) = (house.mib("VmHWM"), load.done.load(Ordering::Relaxed));
    drop(kept);
    sleep(Duration::from_secs(2)).await;
    let after = house.mib("VmRSS");
    let times = beside.p95 / idle.p95;
    let verdict = |met: bool| if met { "met" } else { "missed" };
    let memory =
        bound.map_or_else(String::new, |bound| format!(", bar {bound}: {}", verdict(most.max(after) <= bound)));
    format!(
        "| {name} ({done} done) | {idle} | {beside} | {times:.1} ×: {} | {before}, at most {most}, after {after} MiB{memory} |",
        verdict(times <= TIMES_IDLE_MAX)
    )
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("| beside | page idle, p95 | page beside it, p95 | bar ≤ {TIMES_IDLE_MAX} × | resident memory |");
    println!("|---|---|---|---|---|");
    for kind in [Kind::LogIns, Kind::Packed, Kind::Silent, Kind::Import] {
        println!("{}", measure(kind).await);
    }
}
