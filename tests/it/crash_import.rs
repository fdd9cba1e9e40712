//! `sanbao serve` is killed (SIGKILL) while a file comes in parts, again and again while it is imported, and while it is taken back:
//! what had come is there, each row of the file is one request at the end with its history, audit and counts, and an import that is
//! taken back leaves nothing.
//!
//! One round on each engine; `SANBAO_TEST_MINUTES` makes rounds for so many minutes, as `tests/long/imports` does.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, postgres, sqlite, until};
use serde_json::{Value, json};

use crate::common::place::Place;
use crate::common::process::Process;
use crate::common::{Client, flow};

const UPLOADS: &str = "/v1/imports/uploads";
const PART: usize = 1024 * 1024;
const ROWS: usize = 3_000;
/// Times that the process is killed in one import.
const KILLS: usize = 2;
/// Every that many rows one is bad.
const BAD_EVERY: usize = 100;

/// Requests of a source whose first step, audit row or number is not there exactly once.
const HALF: &str = "select count(*) from request r where r.source = $1 and (1 <>
        (select count(*) from history h where h.aggregate = 'request' and h.id = r.id)
    or 1 <> (select count(*) from audit a where a.resource_kind = 'request' and a.resource_id = r.id and a.outcome = 'done'))";
const MADE: &str = "select count(*) from request where source = $1";
const TWICE: &str = "select count(*) - count(distinct external_id) from request where source = $1";
/// Steps of requests that are not there.
const ORPHANS: &str = "select count(*) from history h where h.aggregate = 'request' and h.reason like 'import %'
    and not exists (select 1 from request r where r.id = h.id)";
/// The requests by the counts of days, and how many there are.
const COUNTED: &str =
    "select cast(coalesce(sum(n), 0) as bigint) from rollup where area_code = '330211001' and grain = 'day'";
const THERE: &str = "select count(*) from request where area_code like '330211001%'";
const PARTS: &str = "select count(*) from _import_part";

/// A file of two parts and a bit.
fn file(round: usize) -> Vec<u8> {
    let mut text = "编号,受理时间,区域编码,类别,姓名,备注\n".to_owned();
    let note = "软".repeat(250);
    let day = (Clock::system().now() - TimeDelta::days(3)).date_naive();
    for n in 0..ROWS {
        let at = if n % BAD_EVERY == 0 { "昨天".to_owned() } else { format!("{day} 08:{:02}", n % 60) };
        let _ = writeln!(text, "k{round}-{n},{at},330211001001,助餐,林某{n},{note}");
    }
    text.into_bytes()
}

/// A network, and the process that serves it.
struct Site<'a> {
    place: &'a Place,
    process: Process,
    desk: Client,
}

impl<'a> Site<'a> {
    async fn of(place: &'a Place) -> Self {
        let process = place.serve().await;
        let desk = process.client().demo("desk").await;
        Self { place, process, desk }
    }

    /// The same after a kill.
    async fn killed(self) -> Self {
        self.process.kill();
        Self::of(self.place).await
    }

    async fn put(&self, upload: &Value, part: usize, bytes: &[u8]) -> Value {
        let path = format!("{UPLOADS}/{}/parts/{part}", flow::text(upload, "/id"));
        let request = self.desk.request("put", &path).header("content-type", "application/octet-stream");
        self.desk.send(request.body(bytes.to_vec())).await.expect(200)
    }

    async fn report(&self, id: &str) -> Value {
        self.desk.get(&format!("/v1/imports/{id}")).await.expect(200)
    }

    /// Waits until so many rows are done, or all is.
    async fn done(&self, id: &str, rows: usize) -> bool {
        let mut has_ended = false;
        until("the import goes on", async || {
            let report = self.report(id).await;
            has_ended = report["state"] == "finished";
            has_ended || report["done"].as_u64().unwrap() >= rows as u64
        })
        .await;
        has_ended
    }
}

async fn count(db: &Db, statement: &'static str, source: Option<&str>) -> i64 {
    let mut conn = db.read().await.unwrap();
    on!(conn, |c| match source {
        Some(source) => sqlx::query_scalar(statement).bind(source).fetch_one(c).await,
        None => sqlx::query_scalar(statement).fetch_one(c).await,
    })
    .unwrap()
}

/// Looks at the database itself, while nobody serves it.
async fn held(place: &Place, what: &str, source: &str, rows: i64) {
    let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
    let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::NeedsAnalysis).unwrap();
    assert_eq!(count(&db, MADE, Some(source)).await, rows, "{what}: requests");
    assert_eq!(count(&db, TWICE, Some(source)).await, 0, "{what}: requests that are there twice");
    assert_eq!(count(&db, HALF, Some(source)).await, 0, "{what}: requests that are half there");
    assert_eq!(count(&db, ORPHANS, None).await, 0, "{what}: steps of nothing");
    assert_eq!(count(&db, COUNTED, None).await, count(&db, THERE, None).await, "{what}: counts");
    found.close().await;
}

/// Sends a file, of which the process dies before the last part has come.
async fn sent<'a>(site: Site<'a>, bytes: &[u8]) -> (Site<'a>, String) {
    let parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    let announced = json!({ "bytes": bytes.len(), "file_name": "kill.csv" });
    let upload = site.desk.post(UPLOADS, &announced).await.expect(201);
    let (last, first) = parts.split_last().unwrap();
    for (part, bytes) in (1..).zip(first) {
        site.put(&upload, part, bytes).await;
    }
    let site = site.killed().await;
    let id = flow::text(&upload, "/id");
    let told = site.desk.get(&format!("{UPLOADS}/{id}")).await.expect(200);
    assert_eq!(told["next"], json!(parts.len()), "what had come is there: {told}");
    let told = site.put(&upload, parts.len(), last).await;
    assert_eq!(told["next"], Value::Null);
    (site, id)
}

async fn one_round(mut site: Site<'_>, round: usize) -> Site<'_> {
    let (bytes, source, place) = (file(round), format!("kill-{round}"), site.place);
    let bad = ROWS.div_ceil(BAD_EVERY);
    let good = i64::try_from(ROWS - bad).unwrap();
    let id;
    (site, id) = sent(site, &bytes).await;
    let path = format!("/v1/imports?dry_run=false&source={source}&upload={id}");
    let begun = site.desk.request("post", &path).header("prefer", "respond-async");
    site.desk.send(begun).await.expect(202);
    let mut kills = 0;
    for kill in 1..=KILLS {
        // Somewhere within the file, elsewhere in each round.
        if site.done(&id, ROWS * kill / (KILLS + 2) + round * 37 % 300).await {
            break;
        }
        site = site.killed().await;
        kills += 1;
    }
    until("the import has ended", async || site.report(&id).await["state"] == "finished").await;
    let report = site.report(&id).await;
    let outcomes = ["total", "done", "created", "updated", "unchanged", "ended", "failed", "skipped"];
    let outcomes = outcomes.map(|name| report[name].as_i64().unwrap());
    let (all, bad) = (i64::try_from(ROWS).unwrap(), i64::try_from(bad).unwrap());
    assert_eq!(outcomes, [all, all, good, 0, 0, 0, bad, 0], "after {kills} kills: {report}");
    until("the rows to mend are there", async || site.report(&id).await["mend"].is_string()).await;
    let mend = flow::text(&site.report(&id).await, "/mend");
    assert_eq!(mend.matches("昨天").count(), usize::try_from(bad).unwrap(), "the bad rows of all lives are to mend");
    site.process.kill();
    held(place, "imported", &source, good).await;

    let site = Site::of(place).await;
    let undo = format!("/v1/imports/{id}/undo");
    let desk = site.desk.clone();
    let asked = tokio::spawn(async move { desk.request("post", &undo).send().await.is_ok() });
    until("it is being taken back", async || {
        matches!(site.report(&id).await["state"].as_str(), Some("undoing" | "undone"))
    })
    .await;
    let site = site.killed().await;
    asked.await.unwrap();
    until("it is taken back", async || site.report(&id).await["state"] == "undone").await;
    let report = site.report(&id).await;
    assert_eq!((&report["undo"]["taken_back"], &report["undo"]["kept"]), (&json!(good), &json!(0)));
    site.process.kill();
    held(place, "taken back", &source, 0).await;
    Site::of(place).await
}

async fn killed_while_a_file_is_imported(engine: TestEngine) {
    let minutes: u64 = std::env::var("SANBAO_TEST_MINUTES").map_or(0, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let place = Place::of(&engine, folder.path());
    place.filled(&engine, Clock::system()).await.stop().await;
    let (since, mut site) = (Instant::now(), Site::of(&place).await);
    for round in 0.. {
        site = one_round(site, round).await;
        if since.elapsed() >= Duration::from_mins(minutes) {
            eprintln!("{}: {} rounds", engine.name(), round + 1);
            break;
        }
    }
    assert!(site.process.terminate().await.success());
    let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
    let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::NeedsAnalysis).unwrap();
    let left = count(&db, PARTS, None).await;
    found.close().await;
    assert!(left <= 1, "of a file that is imported at most the rows to mend are kept: {left}");
    let (well, said) = place.verified();
    assert!(well, "{}: {said}", engine.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_served_take_each_row_once() {
    killed_while_a_file_is_imported(sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_database_takes_each_row_once() {
    if let Some(engine) = postgres().await {
        killed_while_a_file_is_imported(engine).await;
    }
}
