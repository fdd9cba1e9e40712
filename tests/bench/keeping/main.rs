//! The cost of keeping a network at the size of years: `tests/run --release -p sanbao --bench keeping`
//!
//! A network is filled with steps of histories and with events that were taken until its files are of a gigabyte; another size may be
//! given in megabytes: `-- 200`. Then, on real processes:
//!
//! - **The move to a server** beside the floor of the same rows written by `COPY` alone into a migrated database.
//! - **A backup beside 64 writers**, each of which registers a person twice a second: the time of a registration without a backup and
//!   beside one, round by round, on both engines. The backup is restored at the end, and what is restored is verified.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::testing::{self, PATIENCE, TestEngine, forget_settings, port, until};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const MEGABYTES: u64 = 1_000;
const ROUNDS: usize = 5;
const WRITERS: usize = 64;
const EVERY: Duration = Duration::from_millis(500);
/// How long the writers write without a backup, in a round.
const ALONE: Duration = Duration::from_secs(20);
const BAR_MOVE: f64 = 3.0;
const BAR_WRITERS: f64 = 1.5;
const PASSPHRASE: &str = "three boats on the river";
/// Rows of one statement of the filling.
const ROWS: u32 = 50_000;

const STEPS: &str = "with recursive n (i) as (select $1 union all select i + 1 from n where i + 1 < $2)
    insert into history (aggregate, id, version, at, actor, actor_name, step, from_state, to_state, note)
    select 'filler', unhex(printf('%032x', i)), 1, strftime('%Y-%m-%dT%H:%M:%S+00:00', 1700000000 + i, 'unixepoch'), unhex(printf('%032x', i % 997)),
        '林晓月', 'complete', 'in_progress', 'completed', printf('%0200x', i * 2654435761) from n";
const TAKEN: &str = "with recursive n (i) as (select $1 union all select i + 1 from n where i + 1 < $2)
    insert into inbox (consumer, event_id, handled_at)
    select 'filler', unhex(printf('%032x', i * 2654435761)), strftime('%Y-%m-%dT%H:%M:%S+00:00', 1700000000 + i, 'unixepoch') from n";
const TABLES: &str = "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
    where table_schema in ('booking', 'signalling', 'needs_analysis') and table_type = 'BASE TABLE'
    and table_name not like '\\_%' order by 1";

fn sanbao(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command.args(arguments).env("SANBAO_PASSPHRASE", PASSPHRASE);
    command
}

fn done(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn seconds(of: impl FnOnce()) -> f64 {
    let began = Instant::now();
    of();
    began.elapsed().as_secs_f64()
}

/// A network that is served by a process of its own.
struct Served {
    child: Child,
    base: String,
}

impl Served {
    async fn start(mut command: Command, base: String) -> Self {
        let child = command.stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let ready = format!("{base}/readyz");
        let client = client();
        until("it is ready", async || client.get(&ready).send().await.is_ok_and(|a| a.status() == 200)).await;
        Self { child, base }
    }

    async fn of(place: &[String]) -> Self {
        let (listen, turn) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));
        let mut command = sanbao(&["serve", "--listen", &listen, "--turn-listen", &turn, "--log", "error"]);
        command.args(place);
        Self::start(command, format!("http://{listen}")).await
    }

    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap()
}

fn megabytes(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    files.sum::<u64>() / 1_000_000
}

/// The same network before it was filled.
fn small(dir: &Path) -> PathBuf {
    dir.with_file_name("small")
}

/// The demo's people, with years of rows behind them.
async fn filled(dir: &Path, wanted: u64) {
    let (port, turn) = (port().to_string(), port().to_string());
    let demo = ["demo", "--data-dir", text(dir), "--port", &port, "--turn-port", &turn, "--log", "error"];
    Served::start(sanbao(&demo), format!("http://127.0.0.1:{port}")).await.stop();
    std::fs::remove_file(dir.join("this-is-a-demo")).unwrap();
    std::fs::create_dir(small(dir)).unwrap();
    for file in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), small(dir).join(file.file_name())).unwrap();
        }
    }
    let mut at = 0;
    while megabytes(dir) < wanted {
        for (file, statement) in [("booking.db", STEPS), ("needs-analysis.db", TAKEN)] {
            let mut conn = SqliteConnection::connect(&format!("sqlite://{}", dir.join(file).display())).await.unwrap();
            sqlx::query(statement).bind(at).bind(at + ROWS).execute(&mut conn).await.unwrap();
            sqlx::raw_sql("pragma wal_checkpoint(truncate)").execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        }
        at += ROWS;
    }
    println!("a network of {} MB, {} rows of filling", megabytes(dir), 2 * at);
}

async fn on_server() -> String {
    match testing::postgres().await {
        Some(TestEngine::Postgres(url)) => url,
        other => panic!("a server is needed: {other:?}"),
    }
}

/// The rows of one database written into another by `COPY` and nothing else; seconds of the writing.
async fn copied(from: &str, to: &str, scratch: &Path) -> f64 {
    let (mut source, mut sink) = (PgConnection::connect(from).await.unwrap(), PgConnection::connect(to).await.unwrap());
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut source).await.unwrap();
    sqlx::raw_sql("begin; set constraints all deferred; set session_replication_role = replica")
        .execute(&mut sink)
        .await
        .unwrap();
    let mut took = 0.0;
    for table in tables {
        let clear = format!("delete from {table}");
        sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut sink).await.unwrap();
        let mut out = source.copy_out_raw(&format!("copy {table} to stdout")).await.unwrap();
        let mut kept = std::io::BufWriter::new(std::fs::File::create(scratch).unwrap());
        while let Some(part) = out.try_next().await.unwrap() {
            std::io::Write::write_all(&mut kept, &part).unwrap();
        }
        drop((out, kept));
        let began = Instant::now();
        let mut copy = sink.copy_in_raw(&format!("copy {table} from stdin")).await.unwrap();
        let mut file = std::fs::File::open(scratch).unwrap();
        loop {
            let mut part = vec![0; 4 * 1024 * 1024];
            let read = std::io::Read::read(&mut file, &mut part).unwrap();
            part.truncate(read);
            if read == 0 {
                break;
            }
            copy.send(part).await.unwrap();
        }
        copy.finish().await.unwrap();
        took += began.elapsed().as_secs_f64();
    }
    let began = Instant::now();
    sqlx::raw_sql("commit").execute(&mut sink).await.unwrap();
    took + began.elapsed().as_secs_f64()
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// The time of the move beside that of `COPY`; where the network stands then.
async fn moved(dir: &Path, scratch: &Path) -> String {
    let (mut ratios, mut last) = (Vec::new(), String::new());
    for round in 1..=3 {
        let (url, floor) = (on_server().await, on_server().await);
        let took = seconds(|| {
            done(sanbao(&["move-to-postgres", "--data-dir", text(dir), "--database-url", &url]));
        });
        done(sanbao(&["move-to-postgres", "--data-dir", text(&small(dir)), "--database-url", &floor]));
        let copy = copied(&url, &floor, &scratch.join("rows")).await;
        println!("| move {round} | {took:.1} s | COPY {copy:.1} s | {:.2} × |", took / copy);
        ratios.push(took / copy);
        last = url;
    }
    ratios.sort_by(f64::total_cmp);
    println!("move to a server: {:.2} × (bar {BAR_MOVE} ×): {}", ratios[1], verdict(ratios[1] <= BAR_MOVE));
    last
}

/// Registrations by all writers until they are told to stop; their times in milliseconds.
async fn writers(base: &str, token: &str, stop: Arc<AtomicBool>) -> Vec<f64> {
    let mut all = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, url) = (client(), format!("{base}/v1/persons"));
        let (token, stop) = (token.to_owned(), Arc::clone(&stop));
        all.spawn(async move {
            tokio::time::sleep(EVERY * u32::try_from(writer).unwrap() / u32::try_from(WRITERS).unwrap()).await;
            let (mut ticks, mut times) = (interval(EVERY), Vec::new());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !stop.load(Ordering::Relaxed) {
                ticks.tick().await;
                let asked = Instant::now();
                let body = json!({ "name": "许桂兰", "phone": "13812345678" });
                let answer = client.post(&url).bearer_auth(&token).json(&body).send().await.unwrap();
                assert_eq!(answer.status(), 201);
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            times
        });
    }
    all.join_all().await.concat()
}

fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// The writers of one engine without and beside a backup; the last backup is restored and verified.
async fn backed_up(name: &str, place: &[String], scratch: &Path) {
    let served = Served::of(place).await;
    let log_in = json!({ "login": "nurse", "password": PASSWORD });
    let file = scratch.join(format!("{name}.backup"));
    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let tokens = client().post(format!("{}/v1/tokens", served.base)).json(&log_in).send().await.unwrap();
        let token: Value = tokens.json().await.unwrap();
        let token = token["access_token"].as_str().unwrap().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let alone = tokio::spawn({
            let (base, token, stop) = (served.base.clone(), token.clone(), Arc::clone(&stop));
            async move { writers(&base, &token, stop).await }
        });
        tokio::time::sleep(ALONE).await;
        stop.store(true, Ordering::Relaxed);
        let mut without = alone.await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let beside = tokio::spawn({
            let (base, stop) = (served.base.clone(), Arc::clone(&stop));
            async move { writers(&base, &token, stop).await }
        });
        let _ = std::fs::remove_file(&file);
        let mut backup = sanbao(&["backup", text(&file)]);
        backup.args(place);
        let began = Instant::now();
        tokio::task::spawn_blocking(move || done(backup)).await.unwrap();
        let took = began.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        let mut with = beside.await.unwrap();
        let (without, with) = (p99(&mut without), p99(&mut with));
        // The first round fills the caches.
        if round > 0 {
            println!(
                "| {name} {round} | p99 {without:.1} ms | beside a backup of {took:.1} s {with:.1} ms | {:.2} × |",
                with / without
            );
            ratios.push(with / without);
        }
    }
    served.stop();
    ratios.sort_by(f64::total_cmp);
    let (low, median, high) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
    let is_met = verdict(median <= BAR_WRITERS);
    println!(
        "{name}: writers beside a backup: {median:.2} × (of {low:.2} to {high:.2}; bar {BAR_WRITERS} ×): {is_met}"
    );
    let restored = scratch.join(format!("{name}-restored"));
    let took = seconds(|| drop(done(sanbao(&["restore", text(&file), "--data-dir", text(&restored)]))));
    done(sanbao(&["verify", "--data-dir", text(&restored)]));
    println!("{name}: {} MB restored in {took:.1} s and verified", megabytes(&restored));
}

#[tokio::main]
async fn main() {
    let wanted = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(MEGABYTES);
    let scratch = tempfile::tempdir().unwrap();
    let dir: PathBuf = scratch.path().join("network");
    filled(&dir, wanted).await;
    let url = moved(&dir, scratch.path()).await;
    let files = ["--data-dir".to_owned(), text(&dir).to_owned()];
    backed_up("sqlite", &files, scratch.path()).await;
    let server =
        ["--database-url".to_owned(), url, "--secret-file".to_owned(), text(&dir.join("secret.json")).to_owned()];
    backed_up("postgres", &server, scratch.path()).await;
}
