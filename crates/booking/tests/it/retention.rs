//! Consults, what was said in their rooms, and visits go when their time is over, and nothing that is held or open does.

use std::sync::Arc;
use std::time::Duration;

use sanbao_booking::retention::disposer;
use sanbao_booking::verify;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::retention::{Disposer, Outcome, Periods, Refusal, RetentionClass, Run};
use sanbao_platform::testing::{self, Person, everything, on_both};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::consult::world::World;
use crate::visit::world::World as Agency;

const TRACES: &[&str] = &["气促", "心衰", "射血分数", "陈先生", "呋塞米", "已执行"];

/// Moves the clock to a moment that has not come.
fn until(clock: &Clock, at: &str) {
    let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
    clock.advance((at - clock.now()).to_std().unwrap());
}

fn of(db: &Db, clock: &Clock) -> Disposer {
    Disposer { clock_is_right: true, ..disposer(db.clone(), clock.clone(), Periods::default()) }
}

/// How many were taken away of papers of consults, of media and of work orders.
async fn run(db: &Db, clock: &Clock) -> [i64; 3] {
    let runs = of(db, clock).run_now().await.unwrap();
    assert!(runs.iter().all(|run| run.outcome == Outcome::Done), "{runs:?}");
    let classes = [RetentionClass::ClinicalPaper, RetentionClass::ConsultMedia, RetentionClass::WorkOrder];
    classes.map(|class| runs.iter().find(|run| run.class == class).unwrap().removed)
}

async fn is_whole(db: &Db) {
    let checked = verify::verify(db).await.unwrap();
    assert!(checked.iter().all(|one| one.broken.is_empty()), "{checked:?}");
}

async fn archived(w: &World) -> String {
    let id = w.scheduled().await;
    w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
    w.step(&w.nurse, &id, "guest-links", json!({ "name": "陈先生", "relation": "儿子" })).await.expect(201);
    w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
    w.clock.advance(Duration::from_mins(45));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    let opinion = json!({ "impression": "心衰", "suggested_treatment": "呋塞米 20 mg" });
    w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion).await.expect(200);
    w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
    w.step(&w.nurse, &id, "adopt", json!({ "decision": "adopted", "note": "已执行" })).await.expect(200);
    w.step(&w.nurse, &id, "archive", Value::Null).await.expect(200);
    id
}

#[tokio::test]
async fn what_was_said_goes_after_three_years_and_the_papers_after_fifteen() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = archived(&w).await;
        until(&w.clock, "2029-11-22T00:00:00Z");
        assert_eq!(run(&w.db, &w.clock).await, [0, 0, 0]);
        until(&w.clock, "2029-11-24T00:00:00Z");
        assert_eq!((run(&w.db, &w.clock).await, run(&w.db, &w.clock).await), ([0, 1, 0], [0, 0, 0]));
        assert_eq!(w.events(&id).await.last().unwrap(), "booking.consult.media_over");
        until(&w.clock, "2041-11-22T00:00:00Z");
        let planned = of(&w.db, &w.clock).planned().await.unwrap();
        assert_eq!((planned[0].years.len(), run(&w.db, &w.clock).await), (0, [0, 0, 0]));
        w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
        until(&w.clock, "2041-11-24T00:00:00Z");
        let planned = of(&w.db, &w.clock).planned().await.unwrap();
        assert_eq!(planned[0].years.clone().into_iter().collect::<Vec<_>>(), [(2026, 1)]);
        assert_eq!((run(&w.db, &w.clock).await, run(&w.db, &w.clock).await), ([1, 0, 0], [0, 0, 0]));
        let after = everything(&w.db).await;
        for trace in TRACES {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        assert!(after.contains("陈奶奶0"), "the record of the person has no clock");
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{id}")).await.status, 404);
        assert_eq!(w.events(&id).await.last().unwrap(), "booking.consult.removed");
        assert_eq!(w.count("select count(*) from occupancy").await, 0);
        assert_eq!(w.count("select count(*) from audit where action = 'retention.run' and actor is null").await, 2);
        is_whole(&w.db).await;
        let proofs = Run::all(&mut w.db.read().await.unwrap()).await.unwrap();
        let told = proofs.iter().filter(|run| run.removed > 0).map(|run| (run.class, run.years, run.removed));
        let (papers, media) = (RetentionClass::ClinicalPaper, RetentionClass::ConsultMedia);
        assert_eq!(told.collect::<Vec<_>>(), [(media, 3, 1), (papers, 15, 1)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_held_or_open_stays_whatever_its_age() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        archived(&w).await;
        let head = Person::new(w.nurse.id, w.home, &["administrator"], "院长").of_a("care_home");
        let path = format!("/v1/persons/{}", w.residents[0]);
        w.post(&head, &format!("{path}/hold"), json!({ "reason": "投诉在查" })).await.expect(200);
        // A consult of another resident that waits for its opinion.
        let open = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201)["id"].clone();
        let open = open.as_str().unwrap();
        w.step(&w.doctor, open, "accept", Value::Null).await.expect(200);
        w.step(&w.nurse, open, "schedule", w.at("2026-11-24T00:30:00Z")).await.expect(200);
        until(&w.clock, "2050-01-01T00:00:00Z");
        assert_eq!(run(&w.db, &w.clock).await, [0, 0, 0]);
        w.post(&head, &format!("{path}/lift-hold"), json!({ "reason": "查完了" })).await.expect(200);
        // The papers go first, and everything with them.
        assert_eq!(run(&w.db, &w.clock).await, [1, 0, 0]);
        let told = "select count(*) from outbox where kind in ('booking.person.held', 'booking.person.released')";
        assert_eq!(w.count(told).await, 2);
        w.get(&w.nurse, &format!("/v1/consults/{open}")).await.expect(200);
        is_whole(&w.db).await;
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_far_ahead_of_everything_takes_nothing_away() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        archived(&w).await;
        until(&w.clock, "2050-01-01T00:00:00Z");
        let doubting = disposer(w.db.clone(), w.clock.clone(), Periods::default());
        assert!(matches!(doubting.refusal().await.unwrap(), Some(Refusal::ClockAhead(_))));
        assert_eq!(doubting.run_now().await.unwrap(), []);
        assert_eq!(w.count("select count(*) from retention_run").await, 0);
        // Somebody vouches for it once, and the run is the proof.
        assert_eq!(run(&w.db, &w.clock).await, [1, 0, 0]);
        assert_eq!(doubting.refusal().await.unwrap(), None);
        is_whole(&w.db).await;
    })
    .await;
}

#[tokio::test]
async fn a_class_that_fails_keeps_none_of_the_others() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = archived(&w).await;
        until(&w.clock, "2050-01-01T00:00:00Z");
        let mut failing = of(&w.db, &w.clock);
        failing.disposals[0].take = Arc::new(|_, _, _| Box::pin(async { Err(sqlx::Error::RowNotFound.into()) }));
        failing.run_now().await.unwrap_err();
        assert_eq!(w.events(&id).await.last().unwrap(), "booking.consult.media_over");
        is_whole(&w.db).await;
    })
    .await;
}

#[tokio::test]
async fn a_run_of_a_time_to_come_hides_none() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let ahead = Clock::manual("2060-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(run(&w.db, &ahead).await, [0, 0, 0]);
        let kept = of(&w.db, &w.clock).kept().await.unwrap();
        assert!(kept.iter().all(|kept| kept.last.is_none() && kept.last_done.is_none()), "{kept:?}");
    })
    .await;
}

const OLD_HOLD: &str = "insert into person_hold (id, person_id, organisation_id, reason, set_at, set_by)
    values ($1, $2, $3, '旧版设的', $4, $5)";
const OLD_LIFT: &str = "update person_hold set lifted_at = $1, lifted_by = set_by, lift_reason = '旧版解的'";

/// Runs the tasks of a start until all holds were told so often.
async fn tell(w: &World, times: i64) {
    let stop = CancellationToken::new();
    let service = sanbao_booking::build(w.app.config.clone(), w.app.deps.clone());
    let running: Vec<_> = service.tasks.into_iter().map(|task| tokio::spawn(task(stop.clone()))).collect();
    let told = "select count(*) from outbox where kind = 'booking.person.holds_told'";
    testing::until("the holds are told", async || w.count(told).await >= times).await;
    stop.cancel();
    for task in running {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_hold_that_an_earlier_process_has_set_or_lifted_is_told() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| {
            let row = sqlx::query(OLD_HOLD).bind(Uuid::from_u128(1)).bind(w.residents[0]).bind(w.home);
            row.bind(w.clock.now()).bind(w.nurse.id).execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        let held = "select count(*) from outbox where kind = 'booking.person.held'";
        let released = "select count(*) from outbox where kind = 'booking.person.released'";
        tell(&w, 1).await;
        assert_eq!((w.count(held).await, w.count(released).await), (1, 0));
        w.clock.advance(Duration::from_mins(1));
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(OLD_LIFT).bind(w.clock.now()).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        tell(&w, 2).await;
        tell(&w, 3).await;
        assert_eq!((w.count(held).await, w.count(released).await), (1, 1));
        let told = everything(&w.db).await;
        assert!(told.contains("\"standing\":1") || told.contains("\"standing\": 1"), "{told}");
        assert!(told.contains("\"standing\":0") || told.contains("\"standing\": 0"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn two_processes_take_each_consult_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for _ in 0..4 {
            let id = w.submitted().await;
            w.step(&w.nurse, &id, "cancel", json!({ "reason": "不用了" })).await.expect(200);
        }
        until(&w.clock, "2042-01-01T00:00:00Z");
        let (one, other) = (of(&w.db, &w.clock), of(&w.db, &w.clock));
        let (one, other) = tokio::join!(one.run_now(), other.run_now());
        let removed: i64 = one.unwrap().iter().chain(&other.unwrap()).map(|run| run.removed).sum();
        assert_eq!((removed, w.count("select count(*) from consult").await), (4, 0));
        is_whole(&w.db).await;
    })
    .await;
}

#[tokio::test]
async fn a_visit_goes_five_years_after_its_end_and_one_that_is_open_stays() {
    on_both(|engine| async move {
        let world = Agency::new(engine).await;
        let request = world.uuid();
        world.accept_request(request, json!({})).await;
        world.catch_up().await;
        world.cancel_request(request).await;
        world.catch_up().await;
        world.order(json!({ "name": "李建国", "phone": "13900139000" })).await;
        until(&world.clock, "2031-11-22T00:00:00Z");
        assert_eq!(run(&world.db, &world.clock).await, [0, 0, 0]);
        until(&world.clock, "2031-11-24T00:00:00Z");
        assert_eq!((run(&world.db, &world.clock).await, run(&world.db, &world.clock).await), ([0, 0, 1], [0, 0, 0]));
        // The one that is open stays, and so does the elder's record.
        assert_eq!(world.count("select count(*) from visit").await, 1);
        assert_eq!(world.count("select count(*) from history where aggregate = 'visit'").await, 1);
        assert_eq!(world.count("select count(*) from person where name = '张秀英'").await, 1);
        is_whole(&world.db).await;
    })
    .await;
}
