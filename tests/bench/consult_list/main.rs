//! How long the day's list takes with years of consults behind and ahead of it: `tests/run --release -p sanbao-booking --bench consult_list`
//!
//! One care home and one hospital with one doctor have 400,000 consults that are over, of which every hundredth waits for an
//! opinion, and 400,000 that are booked. A nurse, the doctor and the hospital's administrator ask for the page in turn, through
//! booking's router; each answer is written to the audit. Both engines. Another number may be given: `-- 10000`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_booking::{Config, MIGRATIONS, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::{self, Person, Site, TestEngine};
use uuid::Uuid;

const CONSULTS: i32 = 400_000;
/// Lists of each reader.
const ROUNDS: usize = 200;
const BAR_MS: f64 = 20.0;

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, $2, '甲', 'A', 'Asia/Shanghai', $3)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, $2, '李', '-', 'active', 0, $3, 1)";
const PERSON: &str = "insert into person (id, organisation_id, name, sex, created_at, version)
    values ($1, $2, '许桂兰', 'female', $3, 1)";
const ROOM: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, '会诊室 1', $3)";
const CONSULT: &str = "insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose,
        wanted_from, wanted_until, case_summary, wanted_specialty, state, state_since, doctor_id, room_id, starts_at, ends_at,
        started_at, finished_at, delay_minutes, created_at, version)
    values ($1, $2, $3, $4, $5, '气促', '用药', $8, $9, '86 岁', 'cardiology', $6, $8, $5, $7, $8, $9, $10, $10, 0, $8, 1)";

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// Two organisations and those who read their lists.
struct Sides {
    home: OrganisationId,
    hospital: OrganisationId,
    resident: Uuid,
    doctor: Uuid,
    room: Uuid,
}

impl Sides {
    async fn open(db: &Db) -> Self {
        let ids = || uuid_v7(now());
        let new = Self {
            home: OrganisationId::new(now()),
            hospital: OrganisationId::new(now()),
            resident: ids(),
            doctor: ids(),
            room: ids(),
        };
        let mut tx = db.begin().await.unwrap();
        for (id, kind) in [(new.home, "care_home"), (new.hospital, "hospital")] {
            on!(tx, |c| sqlx::query(ORGANISATION).bind(id).bind(kind).bind(now()).execute(c).await.map(drop)).unwrap();
        }
        on!(tx, |c| sqlx::query(ACCOUNT).bind(new.doctor).bind("doctor").bind(now()).execute(c).await.map(drop))
            .unwrap();
        for (statement, id) in [(PERSON, new.resident), (ROOM, new.room)] {
            on!(tx, |c| sqlx::query(statement).bind(id).bind(new.home).bind(now()).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        new
    }

    /// A consult that begins so many half hours from now.
    async fn consult(&self, tx: &mut Tx, n: i32) {
        let at = now() + TimeDelta::minutes(30 * i64::from(n));
        let state = match n {
            0.. => "scheduled",
            n if n % 100 == 0 => "opinion_draft",
            _ => "archived",
        };
        let over = (n < 0).then_some(at);
        on!(tx, |c| {
            let row = sqlx::query(CONSULT).bind(uuid_v7(at)).bind(self.home).bind(self.hospital).bind(self.resident);
            let row = row.bind(self.doctor).bind(state).bind(self.room).bind(at).bind(at + TimeDelta::minutes(30));
            row.bind(over).execute(c).await.map(drop)
        })
        .unwrap();
    }

    fn readers(&self) -> [(&'static str, Person); 3] {
        let of = |id, organisation, role: &'static str| Person::new(id, organisation, &[role], "读者");
        [
            ("nurse", of(uuid_v7(now()), self.home, "care_staff").of_a("care_home")),
            ("doctor", of(self.doctor, self.hospital, "doctor").of_a("hospital")),
            ("administrator", of(uuid_v7(now()), self.hospital, "administrator").of_a("hospital")),
        ]
    }
}

async fn measure(engine: &TestEngine, count: i32) {
    let deps = engine.deps("booking", &MIGRATIONS, Clock::manual(now())).await;
    let sides = Sides::open(&deps.db).await;
    for from in (-count..count).step_by(5_000) {
        let mut tx = deps.db.begin().await.unwrap();
        for n in from..count.min(from + 5_000) {
            sides.consult(&mut tx, n).await;
        }
        tx.commit().await.unwrap();
    }
    let site = Site::of(build(Config::default(), deps.clone()), &deps);
    for (name, reader) in sides.readers() {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let page = site.get(&reader, "/consults").await;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            assert!(page.status == 200 && page.text.contains("row next"), "{}", page.text);
        }
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        let met = if at(99) <= BAR_MS { "met" } else { "missed" };
        println!("| {} | {name} | {count} | {:.1} | {:.1} | {met} |", engine.name(), at(50), at(99));
    }
}

#[tokio::main]
async fn main() {
    let count = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(CONSULTS);
    println!("| engine | reader | consults each way | p50 ms | p99 ms | bar p99 ≤ {BAR_MS} ms |");
    println!("|---|---|---|---|---|---|");
    measure(&testing::sqlite(), count).await;
    if let Some(engine) = testing::postgres().await {
        measure(&engine, count).await;
    }
}
