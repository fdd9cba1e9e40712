//! The desk at a million requests: `tests/run --release --bench queue`
//!
//! A million requests of five years in all areas of a street, of which every tenth is open. The street's dispatcher, one of a single
//! grid and an agency open the page of each queue, go on to the next page, and look for somebody by number, telephone, name and
//! address. Each answer goes through the router with its audit rows. Both engines, or one: `-- sqlite`. Another number: `-- 100000`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use sanbao_needs_analysis::area::{self, AreaCode};
use sanbao_needs_analysis::request::model::Request;
use sanbao_needs_analysis::request::queue::Queue;
use sanbao_needs_analysis::request::state::{Engagement, Involvement, RequestState};
use sanbao_needs_analysis::request::{Category, RequestId, input, store};
use sanbao_needs_analysis::{Config, MIGRATIONS, SCHEMA, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Engine;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::page::encode;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{self, Person, Site, TestEngine};
use uuid::Uuid;

const REQUESTS: usize = 1_000_000;
const BATCH_ROWS: usize = 1_000;
/// Every so many-th is open.
const OPEN_EACH: usize = 10;
/// Elders whom the requests are of.
const ELDERS: usize = 40_000;
/// Pages of each kind.
const ROUNDS: usize = 100;
const BAR_MS: f64 = 50.0;
const BAR_KB: usize = 60;
const STREET: &str = "330211001";
const AGENCY: u128 = 200;

fn now() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

fn agency() -> OrganisationId {
    OrganisationId(Uuid::from_u128(AGENCY))
}

fn state(n: usize, at: DateTime<Utc>) -> RequestState {
    let order = Engagement { agency: agency(), accepted_at: at, visit: None };
    match (n % OPEN_EACH, n / OPEN_EACH % 10) {
        (0, 0..4) => RequestState::Received,
        (0, 4..7) => RequestState::Dispatched { agency: agency() },
        (0, 7..9) => RequestState::Accepted(order),
        (0, _) => RequestState::Done(Involvement::Engaged(order)),
        (1, _) => RequestState::Cancelled(Involvement::Nobody),
        _ => RequestState::Closed(Involvement::Engaged(order)),
    }
}

/// The n-th request: the open ones are of the last weeks, the others of five years.
fn request(n: usize, areas: &[AreaCode], deps: &Deps) -> Request {
    let back = if n.is_multiple_of(OPEN_EACH) { n / OPEN_EACH % 20_000 } else { n * 2 };
    let received_at = now() - Duration::minutes(i64::try_from(back).unwrap());
    let elder = n * 7 % ELDERS;
    let raw = input::NewRequest {
        received_at: Some(received_at.to_rfc3339()),
        area_code: Some(areas[n % areas.len()].to_string()),
        category: Some(Category::ALL[n % Category::ALL.len()].as_str().to_owned()),
        urgency: Some(if n.is_multiple_of(300) { "urgent" } else { "normal" }.to_owned()),
        elder_name: Some(format!("林某{elder}")),
        phone: Some(format!("199{elder:08}")),
        address: Some(format!("某路 {elder} 号")),
        note: Some("送午饭，要软些，下午两点以前".to_owned()),
        ..input::NewRequest::default()
    };
    let draft = input::parse(&raw, input::Rules { now: now(), own: None, file: false }).unwrap();
    let new = Request::from_draft(draft, OrganisationId(Uuid::from_u128(100)), "hotline", &deps.fields, received_at);
    Request { id: RequestId(uuid_v7(received_at)), state: state(n, received_at), ..new }
}

async fn filled(engine: &TestEngine, requests: usize) -> (Deps, String) {
    let deps = engine.deps(SCHEMA, &MIGRATIONS, Clock::manual(now())).await;
    let mut tx = deps.db.begin().await.unwrap();
    area::seed::zhaobaoshan(&mut tx, now()).await.unwrap();
    area::seed::demo_subdivision(&mut tx, now()).await.unwrap();
    tx.commit().await.unwrap();
    let street = AreaCode::parse(STREET).unwrap();
    let mut conn = deps.db.read().await.unwrap();
    let areas = area::store::descendants(&mut conn, &street, now().date_naive()).await.unwrap();
    drop(conn);
    for from in (0..requests).step_by(BATCH_ROWS) {
        let some: Vec<Request> = (from..requests.min(from + BATCH_ROWS)).map(|n| request(n, &areas, &deps)).collect();
        let mut tx = deps.db.begin().await.unwrap();
        store::write_new(&mut tx, &some.iter().collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
    }
    (deps, areas.last().unwrap().to_string())
}

fn at(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

async fn told(site: &Site, engine: &str, who: &str, person: &Person, page: &str) {
    let (mut times, mut bytes) = (Vec::with_capacity(ROUNDS), 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let answer = site.page(person, page).await;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        assert_eq!(answer.status, 200, "{}", answer.text);
        bytes = bytes.max(answer.text.len());
    }
    let (half, most) = (at(&mut times, 50), at(&mut times, 99));
    let met = if most <= BAR_MS && bytes <= BAR_KB * 1024 { "met" } else { "missed" };
    println!("| {engine} | {who} | {page} | {half:.1} | {most:.1} | {:.1} | {met} |", bytes_kb(bytes));
}

#[expect(clippy::cast_precision_loss, reason = "a page is far smaller")]
fn bytes_kb(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

async fn measure(engine: &TestEngine, requests: usize) {
    let begun = Instant::now();
    let (deps, grid) = filled(engine, requests).await;
    println!("{}: {requests} requests in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
    // A server does so by itself within a minute or two.
    if let Engine::Postgres(conn) = deps.db.read().await.unwrap().engine() {
        sqlx::query("vacuum analyze request").execute(conn).await.unwrap();
    }
    let site = Site::of(build(Config::default(), deps.clone()), &deps);
    let office = |n: u128, area: &'static str| {
        let organisation = OrganisationId(Uuid::from_u128(100));
        Person::new(Uuid::from_u128(n), organisation, &["dispatcher"], "值班").of_a("street_office").in_areas(&[area])
    };
    let (street, one) = (office(1, STREET), office(2, grid.leak()));
    let carer = Person::new(Uuid::from_u128(3), agency(), &["dispatcher"], "机构").of_a("home_care_agency");
    println!(
        "| engine | reader | page | p50 ms | p99 ms (bar {BAR_MS}) | KB (bar {BAR_KB}) | |\n|---|---|---|---|---|---|---|"
    );
    let queues = Queue::ALL.iter().map(|queue| format!("/requests?queue={queue}"));
    let searches = ["1123-0042", "19900012345", "2345", "某123", "林某", "路 3000", "nobody"];
    let searches = searches.map(|text| format!("/requests?q={}", encode(text)));
    let others = ["/requests?queue=all", "/requests?queue=all&state=cancelled&category=meal"].map(str::to_owned);
    let pages: Vec<String> = queues.chain(searches).chain(others).collect();
    for (who, person) in [("street", &street), ("grid", &one), ("agency", &carer)] {
        for page in &pages {
            told(&site, engine.name(), who, person, page).await;
        }
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let requests = args.iter().find_map(|text| text.parse().ok()).unwrap_or(REQUESTS);
    if !has("postgres") {
        measure(&testing::sqlite(), requests).await;
    }
    if !has("sqlite")
        && let Some(engine) = testing::postgres().await
    {
        measure(&engine, requests).await;
    }
}
