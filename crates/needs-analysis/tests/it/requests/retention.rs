//! Requests whose time is over: they say nothing of anybody and are counted still, one by one, whatever happens on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sanbao_needs_analysis::MIGRATIONS;
use sanbao_needs_analysis::request::retention::disposer;
use sanbao_needs_analysis::{rollup, verify};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::retention::{Disposer, Outcome, Periods, Refusal, Run};
use sanbao_platform::testing::{TestEngine, everything, on_both, sqlite};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::requests::house::{House, NOON, street};

const ELDER: Uuid = Uuid::from_u128(61);
const TRACES: &[&str] = &["谌独名", "13812345678", "丙弄", "想洗澡", "谌家"];

/// Moves the clock to a moment that has not come.
fn until(clock: &Clock, at: &str) {
    let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
    clock.advance((at - clock.now()).to_std().unwrap());
}

fn of(db: &Db, clock: &Clock) -> Disposer {
    Disposer { clock_is_right: true, ..disposer(db.clone(), clock.clone(), Periods::default()) }
}

const HEAR: &str = "insert into holds_heard (id, at) values (1, $1) on conflict (id) do update set at = excluded.at";

/// It was heard that every hold is known.
async fn heard(db: &Db, clock: &Clock) {
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(HEAR).bind(clock.now()).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

async fn run(house: &House) -> i64 {
    heard(&house.app.deps.db, &house.clock).await;
    let runs = of(&house.app.deps.db, &house.clock).run_now().await.unwrap();
    assert!(runs.iter().all(|run| run.outcome == Outcome::Done), "{runs:?}");
    runs.iter().map(|run| run.removed).sum()
}

/// Every promise that is kept twice, the counts among them.
async fn is_whole(db: &Db) {
    let checked = verify::verify(db).await.unwrap();
    assert!(checked.iter().all(|one| one.broken.is_empty()), "{checked:?}");
    assert_eq!(rollup::verify(db, |_, _| {}).await.unwrap().differences, []);
}

/// A request that was called off.
async fn ended(house: &House) -> String {
    let wish = json!({ "elder_name": "谌独名", "phone": "13812345678", "address": "丙弄 3 号", "note": "想洗澡" });
    let request = house.take_down(wish).await;
    house.step(&street(), &request, "cancel", json!({ "reason": "谌家搬走" })).await;
    request
}

async fn known(house: &House) {
    let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
    let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": null, "birth_year": 1949,
        "sex": "female", "national_id_index": index});
    house.hear("booking.person.updated", ELDER, known).await;
}

#[tokio::test]
async fn a_request_goes_five_years_after_its_end_and_is_counted_still() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        known(&house).await;
        let request = ended(&house).await;
        let open = house.take_down(json!({ "elder_name": "别的人", "national_id": null })).await;
        let (counted, db) = (house.counted().await, &house.app.deps.db);
        until(&house.clock, "2031-11-22T04:00:00Z");
        assert_eq!((run(&house).await, of(db, &house.clock).planned().await.unwrap()[0].years.len()), (0, 0));
        assert!(everything(db).await.contains("谌独名"));
        until(&house.clock, "2031-11-24T04:00:00Z");
        let planned = of(db, &house.clock).planned().await.unwrap();
        assert_eq!(planned[0].years.clone().into_iter().collect::<Vec<_>>(), [(2026, 1)]);
        assert_eq!((run(&house).await, run(&house).await), (1, 0));
        let after = everything(db).await;
        let person = ELDER.to_string();
        for trace in TRACES.iter().chain([&person.as_str()]) {
            let lines = after.lines().filter(|line| line.contains(trace) && !line.starts_with("elder "));
            assert_eq!(lines.collect::<Vec<_>>(), [""; 0], "{trace}");
        }
        assert!(after.contains("别的人"), "what is open stays");
        assert_eq!(house.get(&street(), &format!("/v1/requests/{request}")).await.status, 404);
        let listed = house.get(&street(), "/v1/requests").await.expect(200);
        assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["id"]), (1, &json!(open)));
        assert_eq!((house.counted().await, house.miscounted().await), (counted, 0));
        is_whole(db).await;
        let proofs = Run::all(&mut db.read().await.unwrap()).await.unwrap();
        let mut told: Vec<_> =
            proofs.iter().map(|run| (run.years, run.removed, run.oldest_at == run.newest_at)).collect();
        // Two were of one moment.
        told.sort_unstable();
        assert_eq!(told, [(5, 0, true), (5, 0, true), (5, 1, true)]);
        assert_eq!(house.count("select count(*) from audit where action = 'retention.run' and actor is null").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_hold_keeps_the_requests_of_its_person_until_it_is_lifted() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        known(&house).await;
        ended(&house).await;
        let nameless = house.take_down(json!({ "elder_name": "谌独名", "national_id": null })).await;
        house.step(&street(), &nameless, "cancel", json!({ "reason": "不要了" })).await;
        let held = json!({ "person_id": ELDER, "requests": [nameless], "at": house.now() });
        for _ in 0..2 {
            house.hear("booking.person.held", ELDER, held.clone()).await;
        }
        until(&house.clock, "2040-01-01T00:00:00Z");
        assert_eq!(run(&house).await, 0);
        let lifted = json!({ "person_id": ELDER, "requests": [], "at": house.now() });
        house.hear("booking.person.released", ELDER, lifted).await;
        assert_eq!((run(&house).await, house.parked().await), (2, 0));
        is_whole(&house.app.deps.db).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_goes_until_as_many_holds_are_known_as_stand() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        known(&house).await;
        ended(&house).await;
        until(&house.clock, "2040-01-01T00:00:00Z");
        let disposer = of(&house.app.deps.db, &house.clock);
        let refused = async || disposer.refusal().await.unwrap();
        let told = async |standing: i64| {
            let told = json!({ "standing": standing, "at": house.now() });
            house.hear("booking.person.holds_told", Uuid::nil(), told).await;
        };
        assert_eq!((refused().await, disposer.run_now().await.unwrap()), (Some(Refusal::HoldsUnknown), vec![]));
        told(1).await;
        assert_eq!((refused().await, disposer.run_now().await.unwrap()), (Some(Refusal::HoldsUnknown), vec![]));
        let held = json!({ "person_id": ELDER, "requests": [], "at": house.now() });
        house.hear("booking.person.held", ELDER, held.clone()).await;
        told(1).await;
        assert_eq!((refused().await, disposer.run_now().await.unwrap()[0].removed), (None, 0));
        house.hear("booking.person.released", ELDER, held).await;
        told(1).await;
        assert_eq!(refused().await, Some(Refusal::HoldsUnknown), "one is unknown");
        told(0).await;
        house.clock.advance(Duration::from_hours(72));
        assert_eq!(refused().await, Some(Refusal::HoldsUnknown), "that was long ago");
        told(0).await;
        assert_eq!((disposer.run_now().await.unwrap()[0].removed, house.parked().await), (1, 0));
        is_whole(&house.app.deps.db).await;
    })
    .await;
}

/// A hold on the record that another leads on to, and on one that leads on to another.
#[tokio::test]
async fn a_hold_keeps_what_is_of_a_joined_record() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        known(&house).await;
        ended(&house).await;
        let (other, at) = (Uuid::from_u128(62), house.now());
        let record = json!({"person_id": other, "organisation_id": null, "area_code": null, "birth_year": null,
            "sex": "female", "national_id_index": null});
        house.hear("booking.person.registered", other, record).await;
        house.hear("booking.person.held", other, json!({ "person_id": other, "requests": [], "at": at })).await;
        house.hear("booking.person.joined", ELDER, json!({ "person_id": ELDER, "other_id": other, "at": at })).await;
        until(&house.clock, "2040-01-01T00:00:00Z");
        assert_eq!(run(&house).await, 0);
    })
    .await;
}

/// More requests than one batch.
const MANY: u32 = 130;

#[tokio::test]
async fn one_that_is_killed_on_the_way_leaves_each_request_whole_or_gone() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for _ in 0..MANY {
            ended(&house).await;
        }
        let (counted, db) = (house.counted().await, &house.app.deps.db);
        until(&house.clock, "2032-01-01T00:00:00Z");
        heard(db, &house.clock).await;
        let mut killed = of(db, &house.clock);
        let (reached, count) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let (take, at) = (killed.disposals[0].take.clone(), Arc::clone(&reached));
        // It hangs in the transaction of the hundred and fifth, and is dropped there.
        killed.disposals[0].take = Arc::new(move |tx, id, bound| {
            let (n, taken, at) = (count.fetch_add(1, Ordering::SeqCst), take(tx, id, bound), Arc::clone(&at));
            Box::pin(async move {
                let taken = taken.await;
                if n == 104 {
                    at.notify_one();
                    std::future::pending::<()>().await;
                }
                taken
            })
        });
        tokio::select! {
            runs = killed.run_now() => panic!("{runs:?}"),
            () = reached.notified() => {}
        }
        let whole = async || house.count("select count(*) from request where elder_name = '谌独名'").await;
        assert_eq!(whole().await, i64::from(MANY) - 104);
        is_whole(db).await;
        // Its claim stands for a while.
        assert_eq!(of(db, &house.clock).run_now().await.unwrap(), []);
        house.clock.advance(Duration::from_mins(11));
        assert_eq!((run(&house).await, whole().await), (i64::from(MANY) - 104, 0));
        let proofs = Run::all(&mut db.read().await.unwrap()).await.unwrap();
        let told: Vec<_> = proofs.iter().map(|run| (run.outcome, run.removed)).collect();
        assert_eq!(told, [(Outcome::Left, 104), (Outcome::Done, 26)]);
        assert_eq!(house.counted().await, counted);
        is_whole(db).await;
    })
    .await;
}

#[tokio::test]
async fn two_processes_take_each_request_once() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for _ in 0..5 {
            ended(&house).await;
        }
        until(&house.clock, "2032-01-01T00:00:00Z");
        let db = &house.app.deps.db;
        heard(db, &house.clock).await;
        let (one, other) = (of(db, &house.clock), of(db, &house.clock));
        let (one, other) = tokio::join!(one.run_now(), other.run_now());
        let removed: i64 = one.unwrap().iter().chain(&other.unwrap()).map(|run| run.removed).sum();
        assert_eq!(removed, 5);
        is_whole(db).await;
    })
    .await;
}

#[tokio::test]
async fn what_an_older_backup_brings_back_goes_again_at_the_first_run() {
    let engine = sqlite();
    let TestEngine::Sqlite(dir) = &engine else { panic!("embedded") };
    let house = House::open(&engine).await;
    ended(&house).await;
    house.app.deps.db.close().await;
    let file = |name: &str| dir.path().join(format!("{name}.db"));
    std::fs::copy(file("needs_analysis"), file("older")).unwrap();
    let clock = Clock::manual(NOON.parse().unwrap());
    until(&clock, "2032-01-01T00:00:00Z");
    for service in ["needs_analysis", "older"] {
        let db = engine.database(service, &MIGRATIONS).await;
        assert!(everything(&db).await.contains("谌独名"), "{service}");
        heard(&db, &clock).await;
        let runs = of(&db, &clock).run_now().await.unwrap();
        assert_eq!((runs.len(), runs[0].removed), (1, 1), "{service}");
        assert!(!everything(&db).await.contains("谌独名"), "{service}");
        is_whole(&db).await;
    }
}
