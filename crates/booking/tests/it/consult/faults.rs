//! Faults around a booking: clocks that jump, events of the relay twice and in any order, many who change one
//! consult at once, and times that a program of before has left held.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sanbao_booking::consult::jobs::{expire, forget_holds};
use sanbao_booking::{Config, build};
use sanbao_platform::bus;
use sanbao_platform::clock::Clock;
use sanbao_platform::on;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{Person, Site, on_both, patiently, until};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::consult::holds::{ENDING, FIRST, HOLDS, ROWS, SECOND, nurses, sent, view, whole, wish};
use crate::consult::world::{NOW, World};

/// The same service by another clock, as a machine has it whose clock was set.
fn by_clock(w: &World, minutes: i64) -> Site {
    let clock = Clock::manual(NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap() + TimeDelta::minutes(minutes));
    let deps = Deps { clock, ..w.app.deps.clone() };
    Site::of(build(Config::default(), deps.clone()), &deps)
}

async fn step(site: &Site, who: &Person, id: &str, step: &str, body: Value) -> sanbao_platform::testing::Answer {
    site.post(who, &format!("/v1/consults/{id}/{step}"), body).await
}

#[tokio::test]
async fn a_clock_that_jumps_back_and_forth_frees_and_doubles_nothing() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (booked, waiting, other) = (w.scheduled().await, w.submitted().await, &nurses(&w, 1).await[0]);
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.expect(201);

        // Back by half a day: the hold stands, the booked time is taken, and the next step comes behind those before.
        let back = by_clock(&w, -12 * 60);
        back.post(other, HOLDS, wish(&w, 1, &w.doctor, SECOND)).await.refused(409, "slot-taken");
        back.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        assert_eq!(expire(&back.db, &back.clock).await.unwrap(), 0);
        assert_eq!(forget_holds(&back.db, &back.clock).await.unwrap(), 0);
        let moved = step(&back, &w.nurse, &booked, "reschedule", w.at("2026-11-23T01:30:00Z")).await.expect(200);
        let history = moved["history"].as_array().unwrap();
        let actions: Vec<&str> = history.iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["create", "submit", "accept", "schedule", "reschedule"], "{}", w.engine);
        whole(&w).await;

        // Forward by a month and back again: what has ended stays ended, what is booked stays booked.
        let ahead = by_clock(&w, 30 * 24 * 60);
        assert_eq!(expire(&ahead.db, &ahead.clock).await.unwrap(), 1);
        assert_eq!(forget_holds(&ahead.db, &ahead.clock).await.unwrap(), 3);
        assert_eq!(view(&w, &waiting).await["state"], "expired");
        w.step(&w.doctor, &waiting, "accept", Value::Null).await.refused(409, "invalid-transition");
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, "2026-11-23T01:30:00Z")).await.refused(409, "slot-taken");
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.expect(201);
        assert_eq!(view(&w, &booked).await["state"], "scheduled");
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (6, 3), "{}", w.engine);
        whole(&w).await;
    })
    .await;
}

/// Every order of these.
fn orders(all: &[&'static str]) -> Vec<Vec<&'static str>> {
    let Some((last, rest)) = all.split_last() else { return vec![Vec::new()] };
    let shorter = orders(rest);
    let with = |order: &Vec<&'static str>, at: usize| [&order[..at], &[*last], &order[at..]].concat();
    let mut found: Vec<_> = shorter.iter().flat_map(|order| (0..=order.len()).map(|at| with(order, at))).collect();
    found.sort();
    found.dedup();
    found
}

/// Tells the same event so often as the relay does when it is not sure that it was heard.
async fn tell(w: &World, id: &str, kind: &str) {
    let consumer = w.consumers.iter().find(|c| c.name == "booking-consults").unwrap();
    let (id, now): (Uuid, _) = (id.parse().unwrap(), w.clock.now());
    let data = json!({ "consult_id": id, "at": now, "by": w.nurse.id, "together_seconds": 600 });
    let mut tx = w.db.begin().await.unwrap();
    bus::publish(&mut tx, now, &format!("signalling.consult.{kind}"), id, &data).await.unwrap();
    tx.commit().await.unwrap();
    consumer.catch_up(&w.outbox()).await.unwrap();
    assert_eq!(consumer.status(&w.outbox()).await.unwrap().parked, 0, "{kind}");
}

#[tokio::test]
async fn the_relays_events_in_any_order_and_twice_end_a_consult_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let orders = orders(&["started", "started", "finished", "finished"]);
        assert_eq!(orders.len(), 6);
        let mut consults = Vec::new();
        for slot in 0..orders.len() {
            let id = w.accepted().await;
            let at = format!("2026-11-23T{:02}:{:02}:00Z", slot / 2, slot % 2 * 30);
            w.step(&w.nurse, &id, "schedule", w.at(&at)).await.expect(200);
            consults.push(id);
        }
        let off = w.submitted().await;
        w.step(&w.nurse, &off, "cancel", json!({ "reason": "好转" })).await.expect(200);
        w.clock.advance(Duration::from_hours(3));
        for (id, order) in consults.iter().zip(orders) {
            for kind in &order {
                tell(&w, id, kind).await;
            }
            let seen = view(&w, id).await;
            assert_eq!(seen["state"], "opinion_draft", "{} {order:?}", w.engine);
            let steps = seen["history"].as_array().unwrap().iter();
            let steps: Vec<&str> = steps.map(|line| line["action"].as_str().unwrap()).skip(4).collect();
            let expected: &[&str] = if order[0] == "started" { &["start", "finish"] } else { &["finish"] };
            assert_eq!(steps, expected, "{} {order:?}", w.engine);
            let told = w.events(id).await;
            assert_eq!(
                told.iter().filter(|kind| *kind == "booking.consult.opinion_draft").count(),
                1,
                "{order:?}: {told:?}"
            );
        }
        for kind in ["finished", "started"] {
            tell(&w, &off, kind).await;
            assert_eq!(view(&w, &off).await["state"], "cancelled", "{} {kind}", w.engine);
        }
        whole(&w).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_change_the_version_that_all_have_read_one_does() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let id = w.scheduled().await;
        for (day, round) in (24..).zip(0..4) {
            let read = view(&w, &id).await["version"].as_i64().unwrap();
            let mut tasks = tokio::task::JoinSet::new();
            for n in 0..8 {
                let (w, id) = (Arc::clone(&w), id.clone());
                let (step, body) = match n % 4 {
                    3 => ("delay", json!({ "minutes": 5 + n })),
                    _ => ("reschedule", w.at(&format!("2026-11-{}T{:02}:30:00Z", day + n % 2, n / 2))),
                };
                tasks.spawn(async move {
                    let (who, tag) = (if n % 2 == 0 { &w.nurse } else { &w.doctor }, format!("\"{read}\""));
                    let headers = [("if-match", tag.as_str())];
                    let path = format!("/v1/consults/{id}/{step}");
                    (step, body.clone(), w.call(Some(who), "POST", &path, Some(body), &headers).await)
                });
            }
            let mut won = Vec::new();
            while let Some(done) = tasks.join_next().await {
                let (step, body, answer) = done.unwrap();
                match answer.status.as_u16() {
                    200 => won.push((step, body)),
                    // A reader of before the winner's writing has lost a race.
                    409 => assert_eq!(answer.problem(), "conflict", "{}", answer.text),
                    412 => assert_eq!(answer.problem(), "precondition-failed", "{}", answer.text),
                    other => panic!("{} {other}: {}", w.engine, answer.text),
                }
            }
            assert_eq!(won.len(), 1, "{} round {round}: {won:?}", w.engine);
            // The others read anew, and find what was done and that it was done once.
            let seen = view(&w, &id).await;
            let last = seen["history"].as_array().unwrap().last().unwrap().clone();
            assert_eq!((seen["version"].as_i64(), last["action"].as_str()), (Some(read + 1), Some(won[0].0)));
            if won[0].0 == "reschedule" {
                assert_eq!(seen["appointment"]["starts_at"], won[0].1["starts_at"], "{}", w.engine);
            }
            whole(&w).await;
        }
    })
    .await;
}

/// As a program of before holds answers an invitation: it leaves the time held.
const ANSWERED: &str = "update consult set state = 'accepted', doctor_id = $2 where id = $1";
const HISTORY: &str = "update history set to_state = 'accepted' where id = $1 and to_state = 'submitted'";

#[tokio::test]
async fn a_time_that_is_held_for_what_was_answered_is_given_up_by_itself() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let answered: Uuid = sent(&w).await.parse().unwrap();
        let mut asks = crate::consult::holds::asking(&w, 1, &w.second_doctor, SECOND);
        asks["wanted_until"] = json!("2026-11-25T10:00:00Z");
        let waiting = w.post(&w.nurse, "/v1/consults", asks).await.expect(201);
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, "2026-11-23T02:00:00Z")).await.expect(201);
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(ANSWERED).bind(answered).bind(w.doctor.id).execute(c).await.map(drop)).unwrap();
        on!(tx, |c| sqlx::query(HISTORY).bind(answered).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (9, 9));

        let (stop, mut running) = (CancellationToken::new(), tokio::task::JoinSet::new());
        for task in build(Config::default(), w.app.deps.clone()).tasks {
            running.spawn(task(stop.clone()));
        }
        until("the time is given up", async || w.count(ROWS).await == 6).await;
        stop.cancel();
        patiently("the tasks end", async { while running.join_next().await.is_some() {} }).await;
        w.post(&nurses(&w, 1).await[0], HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let held = "select count(*) from occupancy o join consult c on c.id = o.holder_id where c.state = 'submitted'";
        assert_eq!(w.count(held).await, 3, "{}: one that waits keeps its time: {waiting}", w.engine);
        whole(&w).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_hundreds_of_holds_by_one_account_at_once_few_are_made_and_one_stands() {
    const ASKED: usize = 400;
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..16 {
            let w = Arc::clone(&w);
            tasks.spawn(async move {
                let mut counts = BTreeMap::<u16, usize>::new();
                for n in 0..ASKED / 16 {
                    let at = [FIRST, SECOND][(worker + n) % 2];
                    let answer = w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, at)).await;
                    assert!(matches!(answer.status.as_u16(), 201 | 429), "{}: {}", w.engine, answer.text);
                    assert_eq!(answer.status == 429, !answer.header("retry-after").is_empty());
                    *counts.entry(answer.status.as_u16()).or_default() += 1;
                }
                counts
            });
        }
        let mut counts = BTreeMap::<u16, usize>::new();
        while let Some(done) = tasks.join_next().await {
            done.unwrap().into_iter().for_each(|(status, n)| *counts.entry(status).or_default() += n);
        }
        assert_eq!(counts, BTreeMap::from([(201, 60), (429, ASKED - 60)]), "{}", w.engine);
        assert_eq!((w.count(ROWS).await, w.count("select count(*) from consult_hold").await), (3, 1));
        w.clock.advance(Duration::from_hours(1));
        forget_holds(&w.db, &w.clock).await.unwrap();
        assert_eq!(
            (w.count(ROWS).await, w.count("select count(*) from consult_hold").await),
            (0, 0),
            "nothing is left"
        );
    })
    .await;
}
