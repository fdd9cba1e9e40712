//! A consult's booking while something below it is broken: the server of the database goes and comes, the disk is full, the
//! bus is away. Nobody's booking is lost, none is made twice, and a refusal changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sanbao::compose::Parts;
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::on;
use sanbao_platform::testing::{self, PATIENCE, TestEngine, eventually, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::around::{allow_writes, breakable, stop_writes};
use crate::common::{self, Client, Served, flow};
use crate::roles::{demo_apart, parts_on, settled};

/// Cuts that the bookers live through.
const CUTS: usize = 4;
const BOOKERS: usize = 12;

/// Consults, those that are booked, and rows of the calendar that they hold.
const COUNTS: [&str; 3] = [
    "select count(*) from consult",
    "select count(*) from consult where state = 'scheduled'",
    "select count(*) from occupancy where expires_at is null",
];

async fn counts(served: &Served) -> [i64; 3] {
    let mut conn = served.network.stores.of(Role::Booking).unwrap().read().await.unwrap();
    let mut counts = [0; 3];
    for (count, statement) in counts.iter_mut().zip(COUNTS) {
        *count = on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap();
    }
    counts
}

async fn whole(served: &Served) {
    let db = served.network.stores.of(Role::Booking).unwrap();
    let broken: Vec<_> = sanbao_booking::verify::verify(db).await.unwrap();
    assert!(broken.iter().all(|checked| checked.broken.is_empty()), "{}: {broken:?}", served.engine.name());
}

/// People who book for residents with the demo's doctor.
#[derive(Clone)]
struct Bookers {
    nurse: Client,
    doctor: Client,
    hospital: String,
    residents: Vec<String>,
    /// Beginnings of free times.
    times: Vec<Value>,
    doctor_id: String,
}

impl Bookers {
    async fn of(served: &Served) -> Self {
        let nobody = served.nobody();
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let hospital = flow::organisation(&nobody, "hospital").await;
        let residents = flow::residents(&nurse).await;
        let doctor_id = flow::account(&nobody, &hospital, "doctor").await;
        let (from, to) = (served.clock.now(), served.clock.now() + chrono::Duration::days(7));
        let span = format!("from={}&to={}", flow::stamp(from), flow::stamp(to));
        let slots = nurse.get(&format!("/v1/slots?{span}&doctor={doctor_id}&any_room=true")).await.expect(200);
        let slots = slots["items"].as_array().unwrap().iter().map(|slot| slot["starts_at"].clone()).collect();
        Self { nurse, doctor, hospital, residents, times: slots, doctor_id }
    }

    /// The invitation that asks for a time of its own.
    fn invitation(&self, served: &Served, n: usize) -> Value {
        let resident = &self.residents[n % self.residents.len()];
        let mut body = flow::invitation(resident, &self.hospital, "geriatrics", served.clock.now());
        body["asked"] = json!({ "doctor_id": self.doctor_id, "starts_at": self.times[n] });
        body
    }
}

/// Sends an order until it is answered by more than that the service is away; the answer's body.
async fn persist(client: &Client, path: &str, key: &str, body: &Value, refusals: &AtomicUsize) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.send(client.request("post", path).header("idempotency-key", key).json(body)).await;
        if answer.status != 503 {
            assert!(matches!(answer.status.as_u16(), 200 | 201), "{path}: {} {}", answer.status, answer.text);
            return answer.body;
        }
        assert_eq!(answer.problem(), "unavailable", "{}", answer.text);
        refusals.fetch_add(1, Ordering::SeqCst);
        assert!(Instant::now() < deadline, "waited in vain for {path}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A network whose database is reached by a line that can be cut.
async fn cuttable(engine: &TestEngine, url: &str, broken: &Arc<AtomicBool>) -> Served {
    let parts = common::demo_parts(engine, Clock::manual(common::morning())).await;
    let (before, database) = url.rsplit_once('/').unwrap();
    let (login, host) = before.trim_start_matches("postgres://").rsplit_once('@').unwrap_or(("postgres", before));
    let host = host.rsplit("//").next().unwrap().to_owned();
    let proxy = breakable(host, Arc::clone(broken)).await;
    let storage = Storage::Postgres(Secret(format!("postgres://{login}@{proxy}/{database}")));
    parts.stores.close().await;
    let stores = common::stores(&storage).await;
    Served::of(engine.clone(), Parts { stores, ..parts }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bookers_who_try_again_while_the_database_goes_and_comes_book_once_each() {
    let Some(engine) = testing::postgres().await else { return };
    let TestEngine::Postgres(url) = &engine else { unreachable!() };
    let (broken, refusals) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let served = Arc::new(cuttable(&engine, url, &broken).await);
    let bookers = Bookers::of(&served).await;
    let before = counts(&served).await;
    let (stop, mut tasks) = (Arc::new(AtomicBool::new(false)), tokio::task::JoinSet::new());
    assert!(bookers.times.len() >= BOOKERS, "{}", bookers.times.len());
    for n in 0..BOOKERS {
        let (bookers, served, refusals, stop) =
            (bookers.clone(), Arc::clone(&served), Arc::clone(&refusals), Arc::clone(&stop));
        tasks.spawn(async move {
            let invitation = bookers.invitation(&served, n);
            let made = persist(&bookers.nurse, "/v1/consults", &format!("send-{n}"), &invitation, &refusals).await;
            let id = flow::text(&made, "/id");
            let (path, key) = (format!("/v1/consults/{id}/accept"), format!("accept-{n}"));
            let booked = persist(&bookers.doctor, &path, &key, &json!({}), &refusals).await;
            assert_eq!(booked["state"], "scheduled");
            // Until the last cut is over, the booking goes to and fro between its time and being late.
            for round in 0.. {
                if stop.load(Ordering::SeqCst) {
                    return round;
                }
                let (path, key) = (format!("/v1/consults/{id}/delay"), format!("delay-{n}-{round}"));
                let told = persist(&bookers.nurse, &path, &key, &json!({ "minutes": 5 + round % 2 }), &refusals).await;
                assert_eq!(told["version"].as_i64().unwrap(), booked_version(round), "each step is taken once");
            }
            0
        });
    }
    for _ in 0..CUTS {
        let seen = refusals.load(Ordering::SeqCst);
        broken.store(true, Ordering::SeqCst);
        until("the cut is felt", async || refusals.load(Ordering::SeqCst) > seen).await;
        broken.store(false, Ordering::SeqCst);
        until("it is well again", async || served.nobody().get("/readyz").await.status == 200).await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let (after, new) = (counts(&served).await, i64::try_from(BOOKERS).unwrap());
    assert_eq!(after, [before[0] + new, before[1] + new, before[2] + 3 * new], "each booked once");
    whole(&served).await;
    Arc::into_inner(served).unwrap().stop().await;
}

/// The version of a consult after so many delays: made, sent, taken on and booked come before.
fn booked_version(round: i64) -> i64 {
    5 + round
}

#[tokio::test]
async fn a_booking_on_a_full_disk_is_refused_whole_and_goes_on_when_there_is_room() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine.clone()).await;
        let bookers = Bookers::of(&served).await;
        let waiting = bookers.nurse.post("/v1/consults", &bookers.invitation(&served, 0)).await.expect(201);
        let (path, before) = (format!("/v1/consults/{}/accept", flow::text(&waiting, "/id")), counts(&served).await);
        let db = served.network.stores.of(Role::Booking).unwrap().clone();
        stop_writes(&engine, &db).await;
        // The first may find room in pages that are not full yet; each is whole or not there.
        let mut made = 0;
        let refused = eventually("the disk is full for a booking too", async || {
            let invitation = bookers.invitation(&served, 1 + made);
            let sent = bookers.nurse.post("/v1/consults", &invitation).await;
            made += usize::from(sent.status == 201);
            (sent.status != 201).then_some(sent)
        })
        .await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (503, "unavailable"), "{}", refused.text);
        let accepted = bookers.doctor.post(&path, &json!({})).await;
        assert!(matches!(accepted.status.as_u16(), 200 | 503), "{}", accepted.text);
        let is_booked = i64::from(accepted.status == 200);
        let new = i64::try_from(made).unwrap();
        let expected = [before[0] + new, before[1] + is_booked, before[2] + 3 * is_booked];
        assert_eq!(counts(&served).await, expected, "{}: what was refused changed nothing", engine.name());
        whole(&served).await;

        allow_writes(&engine, &db).await;
        until("there is room again", async || served.nobody().get("/readyz").await.status == 200).await;
        if is_booked == 0 {
            assert_eq!(bookers.doctor.post(&path, &json!({})).await.expect(200)["state"], "scheduled");
        }
        bookers.nurse.post("/v1/consults", &bookers.invitation(&served, 1 + made)).await.expect(201);
        whole(&served).await;
        served.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_booked_while_the_bus_is_away_is_told_when_it_is_back() {
    let Some((mut apart, nobody)) = demo_apart().await else { return };
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    apart.nats.kill();
    let mut booked = Vec::new();
    for n in 0..4 {
        let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
        if n % 2 == 1 {
            let off = json!({ "reason": "老人住院" });
            nurse.post(&format!("/v1/consults/{consult}/cancel"), &off).await.expect(200);
        }
        booked.push((consult, n % 2 == 0));
    }
    apart.nats.restart().await;
    let taken = settled(&apart, &parts_on(&apart.url).await).await;
    assert!(taken > 0);
    let mut sql = apart.sql().await;
    for (consult, stands) in booked {
        let view = nurse.get(&format!("/v1/consults/{consult}")).await.expect(200);
        assert_eq!(view["state"], if stands { "scheduled" } else { "cancelled" });
        let told = "select count(*) from booking.outbox where subject = $1 and kind in ('booking.consult.scheduled', 'booking.consult.cancelled')";
        let told: i64 = sqlx::query_scalar(told).bind::<Uuid>(consult).fetch_one(&mut sql).await.unwrap();
        assert_eq!(told, if stands { 1 } else { 2 }, "each step is told once");
    }
}
