//! How long a look-up takes over 100,000 people with 64 clients: `tests/run --release -p sanbao-booking --bench lookup`
//!
//! The people are elders at home in 40 communities of one street, and a caller of the whole street asks as dispatchers
//! type: the last four of a telephone, a part in its middle, a family name alone, a whole name, initials, the beginning of
//! the pinyin, a part of an address. Booking is asked through its router, and each answer is written to the audit. Both
//! engines. Another number of people may be given: `-- 10000`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use sanbao_booking::account::area::lay;
use sanbao_booking::account::person::lookup::fill;
use sanbao_booking::{Config, MIGRATIONS, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Tx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::page::encode;
use sanbao_platform::testing::{self, Person, Site, TestEngine};

const PEOPLE: usize = 100_000;
const CLIENTS: usize = 64;
/// Look-ups of each client.
const ROUNDS: usize = 20;
const BAR_MS: f64 = 50.0;
const STREET: &str = "330211001";

const FAMILY: [&str; 16] =
    ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "单"];
const GIVEN: [&str; 24] = [
    "桂", "香", "秀", "英", "建", "国", "玉", "兰", "凤", "珍", "淑", "华", "德", "明", "福", "海", "梅", "芳", "生",
    "根", "宝", "林", "荣", "贞",
];

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, area_code, created_at)
    values ($1, 'street_office', '甲', 'A', 'Asia/Shanghai', $2, $3)";
const PERSON: &str = "insert into person (id, name, sex, phone, address, area_code, created_at, version)
    values ($1, $2, 'unknown', $3, $4, $5, $6, 1)";

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

fn name(n: usize) -> String {
    format!("{}{}{}", FAMILY[n % 16], GIVEN[n / 16 % 24], GIVEN[n / 384 % 24])
}

fn phone(n: usize) -> String {
    format!("13{:09}", n * 7_919 % 1_000_000_000)
}

fn community(n: usize) -> String {
    format!("{STREET}{:03}", n % 40)
}

fn address(n: usize) -> String {
    format!("{}{}弄{}号{}室", GIVEN[n / 7 % 24], n % 97, n / 97 % 40 + 1, 100 * (n % 6 + 1) + n % 4)
}

/// A text that one types for the person of a number.
fn typed(n: usize, how: usize) -> String {
    let phone = phone(n);
    match how % 7 {
        0 => phone[7..].to_owned(),
        1 => phone[3..7].to_owned(),
        2 => FAMILY[n % 16].to_owned(),
        3 => name(n),
        4 => "wgx".to_owned(),
        5 => "chenxiu".to_owned(),
        _ => format!("{}弄{}号", n % 97, n / 97 % 40 + 1),
    }
}

async fn people(tx: &mut Tx, from: usize, until: usize) {
    for n in from..until {
        let (id, name, phone, address, area) = (uuid_v7(now()), name(n), phone(n), address(n), community(n));
        on!(tx, |c| {
            let row = sqlx::query(PERSON).bind(id).bind(&name).bind(&phone).bind(&address).bind(&area);
            row.bind(now()).execute(c).await.map(drop)
        })
        .unwrap();
    }
}

async fn measure(engine: &TestEngine, count: usize) {
    let deps = engine.deps("booking", &MIGRATIONS, Clock::manual(now())).await;
    let office = OrganisationId::new(now());
    let mut tx = deps.db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(ORGANISATION).bind(office).bind(STREET).bind(now()).execute(c).await.map(drop)).unwrap();
    for n in 0..40 {
        lay(&mut tx, &community(n), STREET, now().date_naive()).await.unwrap();
    }
    tx.commit().await.unwrap();
    for from in (0..count).step_by(5_000) {
        let mut tx = deps.db.begin().await.unwrap();
        people(&mut tx, from, count.min(from + 5_000)).await;
        tx.commit().await.unwrap();
    }
    let begun = Instant::now();
    assert_eq!(fill(&deps.db, &deps.fields).await.unwrap(), count);
    println!("{}: {count} people keyed in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
    let desk = Person::new(uuid_v7(now()), office, &["dispatcher"], "调度").of_a("street_office").in_areas(&[STREET]);
    let site = Site::of(build(Config::default(), deps.clone()), &deps);
    let site = Arc::new(site);
    let client = |client: usize| {
        let (site, desk) = (Arc::clone(&site), desk.clone());
        // Each on a task of its own, as connections are: on one task all would share a core.
        tokio::spawn(async move { asked(&site, &desk, client, count).await })
    };
    let answers = join_all((0..CLIENTS).map(client)).await;
    let mut times: Vec<f64> = answers.into_iter().flat_map(Result::unwrap).collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let met = if at(99) <= BAR_MS { "met" } else { "missed" };
    println!("| {} | {count} | {CLIENTS} | {:.1} | {:.1} | {met} |", engine.name(), at(50), at(99));
}

/// Milliseconds of each look-up of one client.
async fn asked(site: &Site, desk: &Person, client: usize, count: usize) -> Vec<f64> {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let n = (client * 7_907 + round * 104_729) % count;
        let path = format!("/v1/persons/lookup?q={}", encode(&typed(n, client + round)));
        let begun = Instant::now();
        let found = site.get(desk, &path).await.expect(200);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(client + round == 4 || !found["items"].is_null());
    }
    times
}

#[tokio::main]
async fn main() {
    let count = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(PEOPLE);
    println!("| engine | people | clients | p50 ms | p99 ms | bar p99 ≤ {BAR_MS} ms |");
    println!("|---|---|---|---|---|---|");
    measure(&testing::sqlite(), count).await;
    if let Some(engine) = testing::postgres().await {
        measure(&engine, count).await;
    }
}
