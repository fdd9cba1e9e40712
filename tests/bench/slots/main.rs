//! How long the search for a free time takes among many doctors: `tests/run --release --bench slots`
//!
//! 1,000 doctors of 20 hospitals, five specialties and four ranks see patients from 8 to 16 o'clock in half hours; six in ten of their
//! times of 30 days are taken, and so are a resident and the ten rooms of a house. A nurse asks for the earliest times of one
//! specialty of at least a rank at which the resident and a room are free, of 20 minutes, in the morning; and, as the worst, for any
//! doctor's time with a resident who is never free, so that all free times of all doctors are looked at. Before each of
//! the searches that count as warm somebody books a time. Cold is the first search of a process that has just started, with
//! its tasks, of which one reads all free times at that moment. Both engines. Fewer doctors may be asked for: `-- 100`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::time::Instant;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sanbao_booking::{Config, MIGRATIONS, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{self, Person, Site, TestEngine};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const DOCTORS: usize = 1_000;
const DAYS: i64 = 30;
/// Searches that count as warm, and processes that are started.
const WARM: usize = 1_000;
const COLD: usize = 30;
const BAR_WARM_MS: f64 = 5.0;
const BAR_COLD_MS: f64 = 50.0;

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, $2, '甲', 'A', 'Asia/Shanghai', $3)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, $2, '李', '-', 'active', 0, $3, 1)";
const MEMBERSHIP: &str =
    "insert into membership (account_id, organisation_id, role, created_at) values ($1, $2, 'doctor', $3)";
const PRACTITIONER: &str = "insert into practitioner
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, $3, '科', 'S', $4, '1', $5)";
const HOURS: &str = "insert into practitioner_hours
    (id, account_id, weekday, start_minute, end_minute, slot_minutes, valid_from) values ($1, $2, $3, 480, 960, 30, $4)";
const PERSON: &str = "insert into person (id, organisation_id, name, sex, created_at, version)
    values ($1, $2, '许桂兰', 'female', $3, 1)";
const ROOM: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, '会诊室', $3)";
const TAKEN: &str = "insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id)
    values ($1, $2, 0, $3, $4, 'consult', $1) on conflict do nothing";

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// A number that looks drawn, the same in each run.
fn drawn(n: usize) -> usize {
    (n.wrapping_mul(2_654_435_761) >> 7) % 100
}

async fn taken(tx: &mut Tx, resource: Uuid, at: DateTime<Utc>) {
    let end = at + TimeDelta::minutes(30);
    on!(tx, |c| {
        sqlx::query(TAKEN).bind(uuid_v7(now())).bind(resource).bind(at).bind(end).execute(c).await.map(drop)
    })
    .unwrap();
}

/// The house that asks, its resident, and the doctors.
struct Network {
    house: OrganisationId,
    resident: Uuid,
    /// A resident who is never free.
    busy: Uuid,
    rooms: Vec<Uuid>,
    doctors: Vec<Uuid>,
}

impl Network {
    async fn open(db: &Db, doctors: usize) -> Self {
        let mut tx = db.begin().await.unwrap();
        let house = OrganisationId::new(now());
        let hospitals: Vec<_> = (0..20).map(|_| OrganisationId::new(now())).collect();
        for (id, kind) in hospitals.iter().map(|id| (*id, "hospital")).chain([(house, "care_home")]) {
            on!(tx, |c| sqlx::query(ORGANISATION).bind(id).bind(kind).bind(now()).execute(c).await.map(drop)).unwrap();
        }
        let (resident, busy) = (uuid_v7(now()), uuid_v7(now()));
        let rooms: Vec<Uuid> = (0..10).map(|_| uuid_v7(now())).collect();
        let places = rooms.iter().map(|room| (ROOM, *room));
        for (statement, id) in places.chain([(PERSON, resident), (PERSON, busy)]) {
            on!(tx, |c| sqlx::query(statement).bind(id).bind(house).bind(now()).execute(c).await.map(drop)).unwrap();
        }
        let mut new = Self { house, resident, busy, rooms, doctors: Vec::new() };
        for n in 0..doctors {
            new.doctors.push(doctor(&mut tx, n, hospitals[n % hospitals.len()]).await);
        }
        for half_hour in 0..(DAYS + 1) * 48 {
            taken(&mut tx, busy, now() + TimeDelta::minutes(30 * half_hour)).await;
        }
        tx.commit().await.unwrap();
        for (n, resource) in new.doctors.iter().chain(&new.rooms).chain([&new.resident]).enumerate() {
            let mut tx = db.begin().await.unwrap();
            for slot in 0..DAYS * 16 {
                let at = now() + TimeDelta::days(slot / 16) + TimeDelta::minutes(30 * (slot % 16));
                if drawn(n * 1_000 + usize::try_from(slot).unwrap()) < 60 {
                    taken(&mut tx, *resource, at).await;
                }
            }
            tx.commit().await.unwrap();
        }
        new
    }

    fn nurse(&self) -> Person {
        Person::new(uuid_v7(now()), self.house, &["care_staff"], "王护士").of_a("care_home")
    }
}

async fn doctor(tx: &mut Tx, n: usize, hospital: OrganisationId) -> Uuid {
    let id = uuid_v7(now());
    let specialty = ["geriatrics", "cardiology", "neurology", "nephrology", "urology"][n % 5];
    let title = ["resident", "attending", "associate_chief", "chief"][n / 5 % 4];
    on!(tx, |c| sqlx::query(ACCOUNT).bind(id).bind(id.to_string()).bind(now()).execute(c).await.map(drop)).unwrap();
    on!(tx, |c| sqlx::query(MEMBERSHIP).bind(id).bind(hospital).bind(now()).execute(c).await.map(drop)).unwrap();
    on!(tx, |c| {
        let row = sqlx::query(PRACTITIONER).bind(id).bind(hospital).bind(specialty).bind(title);
        row.bind(now()).execute(c).await.map(drop)
    })
    .unwrap();
    let from: NaiveDate = "2026-01-01".parse().unwrap();
    for weekday in 1..=7 {
        on!(tx, |c| {
            let row = sqlx::query(HOURS).bind(uuid_v7(now())).bind(id).bind(weekday).bind(from);
            row.execute(c).await.map(drop)
        })
        .unwrap();
    }
    id
}

fn told(engine: &str, what: &str, mut times: Vec<f64>, bar: Option<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let met =
        bar.map_or("–".to_owned(), |bar| format!("≤ {bar} ms: {}", if at(99) <= bar { "met" } else { "missed" }));
    println!("| {engine} | {what} | {} | {:.2} | {:.2} | {met} |", times.len(), at(50), at(99));
}

async fn searched(site: &Site, nurse: &Person, query: &str, some: bool) -> f64 {
    let begun = Instant::now();
    let page = site.get(nurse, query).await;
    let took = begun.elapsed().as_secs_f64() * 1e3;
    assert!(page.status == 200 && page.text.contains("starts_at") == some, "{}", page.text);
    took
}

async fn measure(engine: &TestEngine, doctors: usize) {
    let deps: Deps = engine.deps("booking", &MIGRATIONS, Clock::manual(now())).await;
    let network = Network::open(&deps.db, doctors).await;
    let (nurse, name) = (network.nurse(), engine.name());
    let until = |days: i64| (now() + TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let wanted = format!("resident_id={}&any_room=true&minutes=20&title_min=associate_chief", network.resident);
    let earliest = format!("/v1/slots?from={}&to={}&specialty=geriatrics&part=am&{wanted}", until(0), until(DAYS));
    let nobody = |days: i64| {
        format!("/v1/slots?from={}&to={}&resident_id={}&any_room=true", until(0), until(days), network.busy)
    };
    let fresh = || Site::of(build(Config::default(), deps.clone()), &deps);
    let mut cold = Vec::new();
    for _ in 0..COLD {
        let mut service = build(Config::default(), deps.clone());
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for task in service.tasks.drain(..) {
            tasks.spawn(task(stop.clone()));
        }
        cold.push(searched(&Site::of(service, &deps), &nurse, &earliest, true).await);
        stop.cancel();
        tasks.join_all().await;
    }
    told(name, "the earliest, just after start", cold, Some(BAR_COLD_MS));
    let site = fresh();
    searched(&site, &nurse, &earliest, true).await;
    let mut warm = Vec::new();
    for n in 0..WARM {
        let mut tx = deps.db.begin().await.unwrap();
        let at = now()
            + TimeDelta::days(i64::try_from(n).unwrap() % 3)
            + TimeDelta::minutes(30 * i64::try_from(n % 16).unwrap());
        taken(&mut tx, network.doctors[n * 7 % network.doctors.len()], at).await;
        tx.commit().await.unwrap();
        warm.push(searched(&site, &nurse, &earliest, true).await);
    }
    told(name, "the earliest, warm", warm, Some(BAR_WARM_MS));
    for days in [1, 10, DAYS] {
        let first = searched(&site, &nurse, &nobody(days), false).await;
        let mut times = Vec::new();
        for _ in 0..WARM / 5 {
            times.push(searched(&site, &nurse, &nobody(days), false).await);
        }
        told(
            name,
            &format!("all of {days} days and none, warm (the first time {first:.0} ms)"),
            times,
            Some(BAR_WARM_MS),
        );
    }
}

#[tokio::main]
async fn main() {
    let doctors = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(DOCTORS);
    println!("{doctors} doctors, {DAYS} days, six in ten times taken");
    println!("| engine | search | searches | p50 ms | p99 ms | bar p99 |");
    println!("|---|---|---|---|---|---|");
    measure(&testing::sqlite(), doctors).await;
    if let Some(engine) = testing::postgres().await {
        measure(&engine, doctors).await;
    }
}
