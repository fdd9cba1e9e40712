//! How long it takes to make two records of one person one, and two again: `tests/run --release -p sanbao --bench join`
//!
//! Each record has 250 consults and 250 visits with their time in the calendar, a tenth of it at the same time as the
//! other's; and 500 requests in needs-analysis. Booking is asked through its router, in one transaction a call;
//! needs-analysis hears the event, in one transaction too. Both engines.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use chrono::{DateTime, Duration, Utc};
use sanbao_booking::{Config, MIGRATIONS, build};
use sanbao_needs_analysis as needs;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Tx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::{self, Neighbour, Person, Site, TestEngine};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

/// Consults of each record, and visits.
const OF_EACH_KIND: i64 = 250;
const ROUNDS: usize = 20;
const BAR_MS: f64 = 200.0;

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, $2, '甲', 'A', 'Asia/Shanghai', $3)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, 'nurse', '护士', '-', 'active', 0, $2, 1)";
const MEMBERSHIP: &str = "insert into membership (account_id, organisation_id, role, created_at)
    values ($1, $2, 'care_staff', $3)";
const LOCATION: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, '会诊室', $3)";
const PERSON: &str = "insert into person (id, organisation_id, name, sex, phone, created_at, version)
    values ($1, $2, '许桂兰', 'unknown', '13812345678', $3, 1)";
const CONSULT: &str = "insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose,
        wanted_from, wanted_until, case_summary, wanted_specialty, state, state_since, doctor_id, room_id, starts_at,
        ends_at, delay_minutes, created_at, version)
    values ($1, $2, $2, $3, $4, '', '', $5, $6, '', 'geriatrics', 'scheduled', $5, $4, $7, $5, $6, 0, $5, 1)";
const VISIT: &str = "insert into visit (id, request_id, agency_id, person_id, service_type, name, phone, address,
        area_code, note, request_withdrawn, state, caregiver_id, starts_at, ends_at, created_at, version)
    values ($1, $1, $2, $3, 'bath', '', '', '', '330211001001', '', $4, 'scheduled', $5, $6, $7, $6, 1)";
const OCCUPANCY: &str = "insert into occupancy
    (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id) values ($1, $2, 0, $3, $4, $5, $1)";
const AREA: &str = "insert into area (code, level, name_zh, created_at) values ('330211001001', 'community', '甲', $1)";
const REQUEST: &str = "insert into request (id, source, received_at, received_on, area_code, category, urgency,
        elder_name, person_id, state, state_since, created_at, version)
    values ($1, 'desk', $2, $3, '330211001001', 'bath', 'normal', '', $4, 'received', $2, $2, 1)";

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// A care home in which somebody is registered twice.
struct House {
    site: Site,
    nurse: Person,
    one: Uuid,
    other: Uuid,
}

/// One booking of a person: a day's hour, for half an hour.
async fn book(tx: &mut Tx, kind: &str, holder: Uuid, person: Uuid, starts_at: DateTime<Utc>) {
    let ends_at = starts_at + Duration::minutes(30);
    on!(tx, |c| {
        let row = sqlx::query(OCCUPANCY).bind(holder).bind(person).bind(starts_at).bind(ends_at);
        row.bind(kind).execute(c).await.map(drop)
    })
    .unwrap();
}

impl House {
    async fn open(engine: &TestEngine) -> Self {
        let deps = engine.deps("booking", &MIGRATIONS, Clock::manual(now())).await;
        let mut tx = deps.db.begin().await.unwrap();
        let (home, account, room) = (OrganisationId::new(now()), uuid_v7(now()), uuid_v7(now()));
        on!(tx, |c| sqlx::query(ORGANISATION).bind(home).bind("care_home").bind(now()).execute(c).await.map(drop))
            .unwrap();
        on!(tx, |c| sqlx::query(ACCOUNT).bind(account).bind(now()).execute(c).await.map(drop)).unwrap();
        on!(tx, |c| sqlx::query(MEMBERSHIP).bind(account).bind(home).bind(now()).execute(c).await.map(drop)).unwrap();
        on!(tx, |c| sqlx::query(LOCATION).bind(room).bind(home).bind(now()).execute(c).await.map(drop)).unwrap();
        let (one, other) = (uuid_v7(now()), uuid_v7(now()));
        for (person, hours) in [(one, 0), (other, 3)] {
            on!(tx, |c| sqlx::query(PERSON).bind(person).bind(home).bind(now()).execute(c).await.map(drop)).unwrap();
            for day in 1..=OF_EACH_KIND {
                let hour = if day % 10 == 0 { 0 } else { hours };
                let starts_at = now() + Duration::days(day) + Duration::hours(hour);
                let (ends_at, consult, visit) = (starts_at + Duration::minutes(30), uuid_v7(now()), uuid_v7(now()));
                on!(tx, |c| {
                    let row = sqlx::query(CONSULT).bind(consult).bind(home).bind(person).bind(account);
                    row.bind(starts_at).bind(ends_at).bind(room).execute(c).await.map(drop)
                })
                .unwrap();
                book(&mut tx, "consult", consult, person, starts_at).await;
                let (from, until) = (starts_at + Duration::hours(6), ends_at + Duration::hours(6));
                on!(tx, |c| {
                    let row = sqlx::query(VISIT).bind(visit).bind(home).bind(person).bind(false).bind(account);
                    row.bind(from).bind(until).execute(c).await.map(drop)
                })
                .unwrap();
                book(&mut tx, "visit", visit, person, from).await;
            }
        }
        tx.commit().await.unwrap();
        let nurse = Person::new(account, home, &["care_staff"], "护士").of_a("care_home");
        Self { site: Site::of(build(Config::default(), deps.clone()), &deps), nurse, one, other }
    }

    /// A step of the two, and the milliseconds that it took.
    async fn step(&self, step: &str) -> (f64, serde_json::Value) {
        let (path, body) = (format!("/v1/persons/{}/{step}", self.one), json!({ "other": self.other }));
        let begun = Instant::now();
        let answer = self.site.post(&self.nurse, &path, body).await;
        (begun.elapsed().as_secs_f64() * 1e3, answer.expect(200))
    }
}

/// needs-analysis with 500 requests of each record, and booking as a log that it follows.
struct Needs {
    site: Site,
    booking: Neighbour,
}

impl Needs {
    async fn open(engine: &TestEngine, people: [Uuid; 2]) -> Self {
        let deps = engine.deps("needs_analysis", &needs::MIGRATIONS, Clock::manual(now())).await;
        let mut tx = deps.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(AREA).bind(now()).execute(c).await.map(drop)).unwrap();
        for person in people {
            for _ in 0..2 * OF_EACH_KIND {
                on!(tx, |c| {
                    let row = sqlx::query(REQUEST).bind(uuid_v7(now())).bind(now()).bind(now().date_naive());
                    row.bind(person).execute(c).await.map(drop)
                })
                .unwrap();
            }
        }
        tx.commit().await.unwrap();
        let site = Site::of(needs::build(needs::Config::default(), deps.clone()), &deps);
        Self { site, booking: Neighbour::new(engine, "booking", "booking").await }
    }

    async fn hear(&self, kind: &str, [person_id, other_id]: [Uuid; 2]) -> f64 {
        let data = json!({ "person_id": person_id, "other_id": other_id, "at": now() });
        self.booking.tell(now(), kind, person_id, &data).await;
        let begun = Instant::now();
        self.site.catch_up(&self.booking).await;
        assert_eq!(self.site.parked(&self.booking).await, 0);
        begun.elapsed().as_secs_f64() * 1e3
    }
}

/// A line of the table.
fn line(engine: &str, what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    let met = if most <= BAR_MS { "met" } else { "missed" };
    println!("| {engine} | {what} | {median:.1} | {most:.1} | {met} |");
}

async fn measure(booking: &TestEngine, needs: &TestEngine) {
    let house = House::open(booking).await;
    let people = [house.one, house.other];
    let needs = Needs::open(needs, people).await;
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let (took, joined) = house.step("join").await;
        assert_eq!((&joined["joins"][0]["consults"], &joined["joins"][0]["visits"]), (&json!(250), &json!(250)));
        assert_eq!(joined["conflicts"].as_array().unwrap().len(), 50, "a tenth of each kind overlaps");
        times[0].push(took);
        times[1].push(needs.hear("booking.person.joined", people).await);
        times[2].push(house.step("unjoin").await.0);
        times[3].push(needs.hear("booking.person.separated", people).await);
    }
    let steps = ["booking: join", "needs-analysis: joined", "booking: undo", "needs-analysis: separated"];
    for (what, times) in steps.into_iter().zip(times) {
        line(booking.name(), what, times);
    }
}

#[tokio::main]
async fn main() {
    println!("| engine | 500 records each | median ms | most ms | bar ≤ {BAR_MS} ms |");
    println!("|---|---|---|---|---|");
    measure(&testing::sqlite(), &testing::sqlite()).await;
    if let (Some(booking), Some(needs)) = (testing::postgres().await, testing::postgres().await) {
        measure(&booking, &needs).await;
    }
}
