//! The cost of the audit log's chain, and of a verification: `tests/run --release -p sanbao-booking --bench audit`
//!
//! A booking is a visit that a dispatcher gives a caregiver and a time, through booking's router, by eight clients at once. Rounds
//! without and with the chain's task take turns, and the task links every second what a process links every ten. Then a log of a
//! million rows, of which every tenth has shown three people, is linked and verified. Both engines. Another number of rows may be
//! given: `-- 100000`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use sanbao_booking::{Config, MIGRATIONS, build, role};
use sanbao_platform::audit::chain::{Chainer, verify};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::{Db, Migrations, Tx};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::{self, Person, Site, TestEngine};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const ROWS: usize = 1_000_000;
const BAR_VERIFY_SECONDS: f64 = 5.0;
const BAR_COST: f64 = 1.02;
/// Rounds of each kind.
const ROUNDS: usize = 12;
const BOOKINGS: usize = 480;
const CLIENTS: usize = 8;
const CAREGIVERS: usize = 120;
const SET_MEMBERS: u128 = 3;
const SETS: usize = 10_000;
const STATEMENT_ROWS: usize = 1_000;
const NONE: Migrations = Migrations { sqlite: &[], postgres: &[] };

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, 'home_care_agency', '甲', 'A', 'Asia/Shanghai', $2)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, $2, '护理员', '-', 'active', 0, $3, 1)";
const MEMBERSHIP: &str = "insert into membership (account_id, organisation_id, role, created_at)
    values ($1, $2, $3, $4)";
const PERSON: &str = "insert into person (id, name, sex, phone, created_at, version)
    values ($1, '许桂兰', 'unknown', '13812345678', $2, 1)";
const VISIT: &str = "insert into visit (id, request_id, agency_id, person_id, service_type, name, phone, address,
        area_code, note, request_withdrawn, state, created_at, version)
    values ($1, $1, $2, $3, 'bath', '', '', '', '330211001001', '', $4, 'requested', $5, 1)";

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// An agency with its people, and how many visits it has booked.
struct Agency {
    site: Site,
    db: Db,
    id: OrganisationId,
    dispatcher: Person,
    caregivers: Vec<Uuid>,
    booked: usize,
}

async fn member(tx: &mut Tx, id: Uuid, agency: OrganisationId, role: &str) {
    on!(tx, |c| sqlx::query(ACCOUNT).bind(id).bind(id.to_string()).bind(now()).execute(c).await.map(drop)).unwrap();
    on!(tx, |c| {
        let row = sqlx::query(MEMBERSHIP).bind(id).bind(agency).bind(role);
        row.bind(now()).execute(c).await.map(drop)
    })
    .unwrap();
}

impl Agency {
    async fn open(engine: &TestEngine) -> Self {
        let deps = engine.deps("booking", &MIGRATIONS, Clock::manual(now())).await;
        let (id, desk) = (OrganisationId::new(now()), uuid_v7(now()));
        let caregivers: Vec<Uuid> = (0..CAREGIVERS).map(|_| uuid_v7(now())).collect();
        let mut tx = deps.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(ORGANISATION).bind(id).bind(now()).execute(c).await.map(drop)).unwrap();
        member(&mut tx, desk, id, role::DISPATCHER).await;
        for caregiver in &caregivers {
            member(&mut tx, *caregiver, id, role::CAREGIVER).await;
        }
        tx.commit().await.unwrap();
        let dispatcher = Person::new(desk, id, &[role::DISPATCHER], "调度").of_a("home_care_agency");
        let site = Site::of(build(Config::default(), deps.clone()), &deps);
        Self { site, db: deps.db, id, dispatcher, caregivers, booked: 0 }
    }

    /// Visits that wait for a time, each of a person of its own.
    async fn wait(&self, visits: usize) -> Vec<Uuid> {
        let mut tx = self.db.begin().await.unwrap();
        let mut all = Vec::new();
        for _ in 0..visits {
            let (visit, person) = (uuid_v7(now()), uuid_v7(now()));
            on!(tx, |c| sqlx::query(PERSON).bind(person).bind(now()).execute(c).await.map(drop)).unwrap();
            on!(tx, |c| {
                let row = sqlx::query(VISIT).bind(visit).bind(self.id).bind(person).bind(false);
                row.bind(now()).execute(c).await.map(drop)
            })
            .unwrap();
            all.push(visit);
        }
        tx.commit().await.unwrap();
        all
    }

    /// One round; seconds that it took.
    async fn round(&mut self) -> f64 {
        let visits = self.wait(BOOKINGS).await;
        let first = self.booked;
        self.booked += BOOKINGS;
        let client = async |client: usize| {
            for n in (client..BOOKINGS).step_by(CLIENTS) {
                let place = first + n;
                let starts_at = now() + TimeDelta::minutes(60 + 40 * i64::try_from(place / CAREGIVERS).unwrap());
                let ends_at = starts_at + TimeDelta::minutes(30);
                let slot = json!({ "caregiver": self.caregivers[place % CAREGIVERS], "starts_at": starts_at, "ends_at": ends_at });
                let path = format!("/v1/visits/{}/schedule", visits[n]);
                self.site.post(&self.dispatcher, &path, slot).await.expect(200);
            }
        };
        let begun = Instant::now();
        join_all((0..CLIENTS).map(client)).await;
        begun.elapsed().as_secs_f64()
    }
}

/// Links every second until it is aborted.
fn linking(chainer: Chainer) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            chainer.link(&CancellationToken::new()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

async fn cost(engine: &TestEngine) {
    let mut agency = Agency::open(engine).await;
    let chainer = Chainer { service: "booking", db: agency.db.clone(), clock: Clock::manual(now()) };
    agency.round().await;
    let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = agency.round().await;
        // What the round without it has left is not its cost.
        chainer.link(&CancellationToken::new()).await.unwrap();
        let task = linking(chainer.clone());
        let beside = agency.round().await;
        task.abort();
        let _ = task.await;
        chainer.link(&CancellationToken::new()).await.unwrap();
        without.push(alone);
        with.push(beside);
        ratios.push(beside / alone);
    }
    let ms = |seconds: f64| {
        seconds * 1e3 * f64::from(u32::try_from(CLIENTS).unwrap()) / f64::from(u32::try_from(BOOKINGS).unwrap())
    };
    let (without, with, ratio) = (ms(median(without)), ms(median(with)), median(ratios));
    let met = if ratio <= BAR_COST { "met" } else { "missed" };
    println!("| {} | {without:.2} ms | {with:.2} ms | {ratio:.3} | {met} |", engine.name());
}

/// The name of a set of people, as the log gives it.
fn set(n: usize) -> (Uuid, Vec<Uuid>) {
    let first = u128::try_from(n).unwrap() * SET_MEMBERS;
    let people: Vec<Uuid> = (first..first + SET_MEMBERS).map(Uuid::from_u128).collect();
    let lines: Vec<String> = people.iter().map(|id| format!("person {id}")).collect();
    (sha256_hex(lines.join("\n").as_bytes())[..32].parse().unwrap(), people)
}

async fn fill(db: &Db, rows: usize, sets: &[(Uuid, Vec<Uuid>)]) {
    for some in sets.chunks(STATEMENT_ROWS) {
        let members: Vec<(Uuid, Uuid)> =
            some.iter().flat_map(|(name, all)| all.iter().map(|id| (*name, *id))).collect();
        let mut tx = db.begin().await.unwrap();
        on!(tx, |c| {
            let mut insert = sqlx::QueryBuilder::new("insert into audit_shown (shown, kind, id) ");
            insert.push_values(members, |mut row, (name, id)| {
                row.push_bind(name).push_bind("person").push_bind(id);
            });
            insert.build().execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
    }
    let organisation = Uuid::from_u128(1);
    for from in (0..rows).step_by(STATEMENT_ROWS) {
        let mut tx = db.begin().await.unwrap();
        let some = from..rows.min(from + STATEMENT_ROWS);
        on!(tx, |c| {
            let mut insert = sqlx::QueryBuilder::new(
                "insert into audit (id, occurred_at, actor, organisation, action, resource_kind, resource_id,
                request_id, outcome, shown, address) ",
            );
            insert.push_values(some, |mut row, n| {
                let at = now() + TimeDelta::milliseconds(i64::try_from(n).unwrap());
                let (id, shown) = (uuid_v7(at), (n % 10 == 0).then(|| sets[n / 10 % sets.len()].0));
                row.push_bind(id).push_bind(at).push_bind(id).push_bind(organisation);
                row.push_bind("GET /v1/consults/{id}").push_bind("consult").push_bind(id);
                row.push_bind(id.to_string()).push_bind("done").push_bind(shown).push_bind("192.0.2.17");
            });
            insert.build().execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
    }
}

async fn verified(engine: &TestEngine, rows: usize) {
    let db = engine.database("verified", &NONE).await;
    let sets: Vec<_> = (0..SETS).map(set).collect();
    fill(&db, rows, &sets).await;
    let chainer = Chainer { service: "booking", db: db.clone(), clock: Clock::manual(now()) };
    let begun = Instant::now();
    assert_eq!(chainer.link(&CancellationToken::new()).await.unwrap(), rows as u64);
    let linked = begun.elapsed().as_secs_f64();
    let key = RootSecret::from_bytes([42; 32]).pruning_key();
    let mut seconds = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let found = verify(&db, "booking", &[], &key, |_, _| {}).await.unwrap();
        assert_eq!((found.rows, found.faults_count), (rows as u64, 0));
        seconds.push(begun.elapsed().as_secs_f64());
    }
    let worst = seconds.iter().copied().fold(0.0, f64::max);
    let met = if worst <= BAR_VERIFY_SECONDS { "met" } else { "missed" };
    println!("| {} | {rows} | {linked:.0} s | {:.1} s | {worst:.1} s | {met} |", engine.name(), median(seconds));
}

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(ROWS);
    let mut engines = vec![testing::sqlite()];
    engines.extend(testing::postgres().await);
    println!(
        "| engine | a booking without | with the chain | median of ratios | bar ≤ {BAR_COST} |\n|---|---|---|---|---|"
    );
    for engine in &engines {
        cost(engine).await;
    }
    println!(
        "\n| engine | rows | linked | verified, median | slowest | bar ≤ {BAR_VERIFY_SECONDS} s |\n|---|---|---|---|---|---|"
    );
    for engine in &engines {
        verified(engine, rows).await;
    }
}
