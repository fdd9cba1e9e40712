//! Sixty-four people book over HTTP while `sanbao serve` is killed (SIGKILL) again and again: no time is taken twice, every
//! booking that was acknowledged is there, consults and calendar agree, and `sanbao verify` finds nothing.
//!
//! A run takes half a minute on each engine; `SANBAO_TEST_MINUTES` makes it so many minutes, as `tests/long/bookings` does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, patiently, postgres, sqlite, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::place::Place;
use crate::common::{Client, flow};

const WRITERS: usize = 64;
/// Times that are booked in one life; fewer than bookings that are tried, so that writers meet.
const TIMES: usize = 600;
/// So many lives have times of their own before those of the first come again, of which most are free by then.
const SPANS: i64 = 6;
/// How far ahead a time may be wanted, in days; longer than all spans.
const WANTED_DAYS: i64 = 85;
const SLOT_MINUTES: i64 = 30;
/// Every life acknowledges so many bookings at least before it ends.
const BOOKED_MIN: usize = 20;

/// Consults of which two have one doctor, resident or room at one time. It asks the consults and not the calendar.
const TWICE: &str = "select count(*) from consult a join consult b on a.id < b.id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
    and (a.doctor_id = b.doctor_id or a.resident_id = b.resident_id or a.room_id = b.room_id)
    where a.state in ('scheduled', 'in_session') and b.state in ('scheduled', 'in_session')";
/// Booked consults that do not hold exactly their doctor, resident and room.
const ASTRAY: &str = "select count(*) from consult c where c.state = 'scheduled' and (3 <>
        (select count(*) from occupancy o where o.holder_id = c.id and o.expires_at is null and o.starts_at = c.starts_at
            and o.ends_at = c.ends_at and o.resource_id in (c.doctor_id, c.resident_id, c.room_id))
        or 3 <> (select count(*) from occupancy o where o.holder_id = c.id))";
/// Times that are held for consults which are called off.
const LEFT: &str =
    "select count(*) from occupancy o join consult c on c.id = o.holder_id where c.state in ('cancelled', 'accepted')";
const STORED: &str = "select id, version, state, starts_at from consult";
const EVENTS: &str = "select count(*) from outbox where subject = $1 and kind = 'booking.consult.scheduled'";

/// How far a consult had come when it was last acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Acknowledged {
    version: i64,
    state: String,
    starts_at: Option<DateTime<Utc>>,
    /// Whether it was booked at any time.
    booked: bool,
}

/// Consults, each as it was last acknowledged.
type Book = BTreeMap<Uuid, Acknowledged>;

/// People who are logged in, and what they book.
#[derive(Clone)]
struct Desk {
    nurse: Client,
    doctor: Client,
    doctor_id: String,
    hospital: String,
    residents: Vec<String>,
    /// Lives of the process before this one.
    life: i64,
    begins: DateTime<Utc>,
    booked: Arc<AtomicUsize>,
    /// Orders that were to be sent again later.
    put_off: Arc<AtomicUsize>,
    /// Whether the process is about to be killed: from then on no answer need come.
    killed: Arc<AtomicBool>,
}

impl Desk {
    /// The same people at a new life of the process.
    async fn of(nobody: &Client, former: Option<&Self>) -> Self {
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let (booked, put_off, killed) = Default::default();
        if let Some(former) = former {
            return Self { nurse, doctor, booked, put_off, killed, life: former.life + 1, ..former.clone() };
        }
        let doctor_id = flow::text(&doctor.get("/v1/me").await.expect(200), "/id");
        let hospital = flow::organisation(nobody, "hospital").await;
        let line = |weekday| {
            json!({ "weekday": weekday, "start": "00:00", "end": "24:00",
            "slot_minutes": SLOT_MINUTES, "valid_from": "2020-01-01" })
        };
        let hours = json!({ "weekly": (1..=7).map(line).collect::<Vec<_>>() });
        let path = format!("/v1/practitioners/{doctor_id}/hours");
        doctor.send(doctor.request("put", &path).json(&hours)).await.expect(200);
        let residents = flow::residents(&nurse).await;
        let begins =
            (Clock::system().now() + TimeDelta::days(2)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        Self { nurse, doctor, doctor_id, hospital, residents, life: 0, begins, booked, put_off, killed }
    }

    fn time(&self, n: usize) -> DateTime<Utc> {
        let slots = i64::try_from(TIMES).unwrap() * (self.life % SPANS) + i64::try_from(n % TIMES).unwrap();
        self.begins + TimeDelta::minutes(SLOT_MINUTES * slots)
    }

    /// The answer's status and body, or nothing when the process died under the request.
    async fn call(&self, client: &Client, path: &str, body: &Value) -> Option<(u16, Value)> {
        let response = client.request("post", path).json(body).send().await;
        let answer = match response {
            Ok(response) => (response.status().as_u16(), response.text().await),
            Err(error) => {
                assert!(self.killed.load(Ordering::SeqCst), "{path}: {error}");
                return None;
            }
        };
        let (status, Ok(text)) = answer else { return None };
        // 503: on a busy machine a connection to the database may not be had in time.
        assert!(matches!(status, 200 | 201 | 409 | 503), "{path}: {status} {text}");
        if status == 503 {
            self.put_off.fetch_add(1, Ordering::SeqCst);
        }
        Some((status, serde_json::from_str(&text).unwrap()))
    }

    /// Takes a step of a consult; whether the process answered. A refusal leaves the consult as it was.
    async fn step(&self, client: &Client, id: Uuid, step: &str, body: &Value, book: &mut Book) -> Option<bool> {
        let (status, view) = self.call(client, &format!("/v1/consults/{id}/{step}"), body).await?;
        if status == 200 {
            note(book, &view);
        }
        Some(status == 200)
    }

    /// Books, moves and calls off until the process is gone; what was acknowledged.
    async fn write(self, writer: usize) -> Book {
        let mut book = Book::new();
        for round in 0.. {
            // Steps of a prime, so that each comes by all times in an order of its own.
            if self.round(writer * 7919 + round * 31, &mut book).await.is_none() {
                break;
            }
        }
        book
    }

    /// One consult from its invitation on; nothing when the process is gone.
    async fn round(&self, n: usize, book: &mut Book) -> Option<()> {
        let resident = &self.residents[n % self.residents.len()];
        let mut invitation = flow::invitation(resident, &self.hospital, "geriatrics", Clock::system().now());
        invitation["wanted_until"] = json!(Clock::system().now() + TimeDelta::days(WANTED_DAYS));
        let asks = n.is_multiple_of(2);
        if asks {
            invitation["asked"] = json!({ "doctor_id": self.doctor_id, "starts_at": self.time(n) });
        }
        let (status, view) = self.call(&self.nurse, "/v1/consults", &invitation).await?;
        if status != 201 {
            return Some(());
        }
        let id = note(book, &view);
        let is_taken_on = self.step(&self.doctor, id, "accept", &json!({}), book).await?;
        let at = |n| json!({ "starts_at": self.time(n) });
        let is_booked = is_taken_on && (asks || self.step(&self.nurse, id, "schedule", &at(n + 1), book).await?);
        if is_booked {
            self.booked.fetch_add(1, Ordering::SeqCst);
            if n.is_multiple_of(3) {
                self.step(&self.nurse, id, "reschedule", &at(n + 17), book).await?;
            }
        }
        if !is_booked || !n.is_multiple_of(5) {
            self.step(&self.nurse, id, "cancel", &json!({ "reason": "老人住院" }), book).await?;
        }
        Some(())
    }
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn note(book: &mut Book, view: &Value) -> Uuid {
    let id = flow::text(view, "/id").parse().unwrap();
    let state = flow::text(view, "/state");
    let booked = state == "scheduled" || book.get(&id).is_some_and(|before| before.booked);
    let starts_at = moment(&view["appointment"]["starts_at"]);
    book.insert(id, Acknowledged { version: view["version"].as_i64().unwrap(), state, starts_at, booked });
    id
}

/// Serves and writes until the process is killed; what was acknowledged.
async fn one_life(place: &Place, desk: &mut Option<Desk>, length: Duration) -> Book {
    let process = place.serve().await;
    let now = Desk::of(&process.client(), desk.as_ref()).await;
    let since = Instant::now();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(now.clone().write(writer))).collect();
    until("enough is booked", async || {
        assert!(!writers.iter().any(tokio::task::JoinHandle::is_finished), "a writer has ended before the process");
        since.elapsed() >= length && now.booked.load(Ordering::SeqCst) >= BOOKED_MIN
    })
    .await;
    now.killed.store(true, Ordering::SeqCst);
    process.kill();
    eprintln!("{} booked, {} put off", now.booked.load(Ordering::SeqCst), now.put_off.load(Ordering::SeqCst));
    let mut book = Book::new();
    for writer in writers {
        book.extend(patiently("a writer hears that the process is gone", writer).await.unwrap());
    }
    *desk = Some(now);
    book
}

/// Consults that are not there as they were acknowledged.
async fn lost(db: &Db, book: &Book) -> Vec<String> {
    let mut conn = db.read().await.unwrap();
    let rows: Vec<(Uuid, i64, String, Option<DateTime<Utc>>)> =
        on!(conn, |c| sqlx::query_as(STORED).fetch_all(c).await).unwrap();
    let stored: BTreeMap<Uuid, _> =
        rows.into_iter().map(|(id, version, state, at)| (id, (version, state, at))).collect();
    let mut lost = Vec::new();
    for (id, said) in book {
        let is_there = stored.get(id).is_some_and(|(version, state, starts_at)| {
            // The last step may have been taken without its answer reaching anybody.
            let is_same = *state == said.state && (said.starts_at.is_none() || *starts_at == said.starts_at);
            *version > said.version || (*version == said.version && is_same)
        });
        let events: i64 = on!(conn, |c| sqlx::query_scalar(EVENTS).bind(*id).fetch_one(c).await).unwrap();
        if !is_there || (said.booked && events != 1) {
            lost.push(format!("{id}: {said:?} is {:?}, told {events} times", stored.get(id)));
        }
    }
    lost
}

async fn count(db: &Db, statement: &'static str) -> i64 {
    let mut conn = db.read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap()
}

async fn killed_while_all_book(engine: TestEngine) {
    let minutes: Option<u64> = std::env::var("SANBAO_TEST_MINUTES").ok().map(|text| text.parse().unwrap());
    let (whole, life) = match minutes {
        Some(minutes) => (Duration::from_mins(minutes), Duration::from_secs(20)),
        None => (Duration::from_secs(30), Duration::from_secs(10)),
    };
    let folder = tempfile::tempdir().unwrap();
    let place = Place::of(&engine, folder.path());
    place.filled(&engine, Clock::system()).await.stop().await;
    let (since, mut desk, mut book, mut kills) = (Instant::now(), None, Book::new(), 0);
    while since.elapsed() < whole || kills < 2 {
        book.extend(one_life(&place, &mut desk, life).await);
        kills += 1;
    }
    // The last word is that of a process that started after the last kill.
    assert!(place.serve().await.terminate().await.success());
    let found = Found::open(&place.storage, Role::ALL, Purpose::Work).await.unwrap();
    let (_, db) = found.databases().into_iter().find(|(role, _)| *role == Role::Booking).unwrap();
    let name = engine.name();
    let booked = book.values().filter(|said| said.booked).count();
    eprintln!("{name}: {} consults acknowledged over {kills} kills, {booked} of them booked", book.len());
    for (what, statement) in
        [("double bookings", TWICE), ("consults beside the calendar", ASTRAY), ("times left", LEFT)]
    {
        assert_eq!(count(&db, statement).await, 0, "{name}: {what}");
    }
    let lost = lost(&db, &book).await;
    assert!(lost.is_empty(), "{name}: {lost:#?}");
    found.close().await;
    let (well, said) = place.verified();
    assert!(well, "{name}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_served_lose_and_double_no_booking() {
    killed_while_all_book(sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_database_loses_and_doubles_no_booking() {
    if let Some(engine) = postgres().await {
        killed_while_all_book(engine).await;
    }
}
