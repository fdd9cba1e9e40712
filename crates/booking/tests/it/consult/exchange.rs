//! Two consults take each other's time in one step: both, or neither.

use std::sync::Arc;
use std::time::Duration;

use sanbao_booking::calendar::{self, Booking, Interval};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::meeting::revoked;
use crate::consult::world::{World, fresh_key};

const HALF_PAST: &str = "2026-11-23T00:30:00Z";
const NINE: &str = "2026-11-23T01:00:00Z";
const HALF_PAST_NINE: &str = "2026-11-23T01:30:00Z";

/// Consults whose calendar does not say what they say.
const ASTRAY: &str = "select count(*) from consult c where c.state = 'scheduled' and 3 <>
    (select count(*) from occupancy o where o.holder_id = c.id and o.starts_at = c.starts_at and o.ends_at = c.ends_at)";

/// A consult about a resident, in the room of the same number, booked with a doctor.
async fn booked(w: &World, resident: usize, doctor: &Person, starts_at: &str) -> String {
    let body = w.post(&w.nurse, "/v1/consults", w.invitation(resident)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    w.step(doctor, &id, "accept", Value::Null).await.expect(200);
    let wanted = json!({ "room_id": w.rooms[resident], "starts_at": starts_at });
    w.step(&w.nurse, &id, "schedule", wanted).await.expect(200);
    id
}

async fn view(w: &World, id: &str) -> Value {
    w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200)
}

async fn starts(w: &World, id: &str) -> String {
    view(w, id).await["appointment"]["starts_at"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_exchange_moves_both_at_once_and_says_so_at_both() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.doctor, NINE).await);
        w.step(&w.nurse, &one, "consents", World::consent()).await.expect(201);
        w.step(&w.nurse, &one, "ticket", Value::Null).await.expect(200);
        w.step(&w.nurse, &one, "delay", json!({ "minutes": 10 })).await.expect(200);
        let page = w.get(&w.nurse, &format!("/consults/{one}")).await.text;
        let version = view(&w, &two).await["version"].as_i64().unwrap();
        assert!(page.contains(&format!("value=\"{two}|{version}\"")), "{page}");

        let (read, key) = (view(&w, &one).await["version"].as_i64().unwrap(), fresh_key());
        let (body, path) = (json!({ "with": two, "version": version }), format!("/v1/consults/{one}/exchange"));
        let (tag, old) = (format!("\"{read}\""), format!("\"{}\"", read - 1));
        let send = async |tag: &str, body: &Value| {
            let headers = [("if-match", tag), ("idempotency-key", key.as_str())];
            w.call(Some(&w.nurse), "POST", &path, Some(body.clone()), &headers).await
        };
        assert_eq!(send(&old, &body).await.status, 412);
        assert_eq!(send(&tag, &json!({ "with": two, "version": version - 1 })).await.status, 412);
        let first = send(&tag, &body).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let again = send(&tag, &body).await;
        assert_eq!((again.status, again.etag(), &again.body), (first.status, first.etag(), &first.body));

        let told = first.body;
        assert_eq!((&told["id"], &told["with"]["id"]), (&json!(one), &json!(two)));
        assert_eq!(told["appointment"]["starts_at"], NINE);
        assert_eq!(told["with"]["appointment"]["starts_at"], HALF_PAST);
        assert_eq!(told["appointment"]["delay_minutes"], 0, "a new time is on time");
        for (id, other, room) in [(&one, &two, w.rooms[0]), (&two, &one, w.rooms[1])] {
            let now = view(&w, id).await;
            let last = now["history"].as_array().unwrap().last().unwrap().clone();
            assert_eq!((&last["action"], &last["note"]), (&json!("exchange"), &json!(other)));
            assert_eq!(now["appointment"]["room_id"], json!(room), "its own room");
            assert_eq!(w.events(id).await.iter().filter(|k| *k == "booking.consult.rescheduled").count(), 1);
            assert_eq!(w.audited(id).await.iter().filter(|action| *action == "consult.exchange").count(), 1);
            let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
            assert!(page.contains(&format!("<a href=\"/consults/{other}\">另一会诊</a>")), "{page}");
        }
        assert_eq!(revoked(&w, &one, "person").await, [w.nurse.id], "tickets of the old time are void");
        assert_eq!(w.count(ASTRAY).await, 0);
    })
    .await;
}

#[tokio::test]
async fn different_doctors_and_rooms_exchange_where_both_are_free_and_a_third_is_named() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.second_doctor, NINE).await);
        w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.expect(200);
        assert_eq!((starts(&w, &one).await.as_str(), starts(&w, &two).await.as_str()), (NINE, HALF_PAST));
        assert_eq!(view(&w, &one).await["doctor_name"], "李医生", "each keeps its doctor");

        let third = booked(&w, 0, &w.doctor, HALF_PAST).await;
        let rows = "select count(*) from occupancy";
        let before = w.count(rows).await;
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.refused(409, "slot-taken");
        let expected = json!([{ "moving": one, "consult_id": third, "starts_at": HALF_PAST,
            "shared": ["doctor", "resident", "room"] }]);
        assert_eq!(refused.body["conflicts_with"], expected, "{}", refused.text);
        assert_eq!((starts(&w, &one).await.as_str(), starts(&w, &two).await.as_str()), (NINE, HALF_PAST));
        assert_eq!((w.count(rows).await, w.count(ASTRAY).await), (before, 0));

        // Of what others have with the doctor no more is said than that it is there.
        w.step(&w.nurse, &third, "cancel", json!({ "reason": "老人住院" })).await.expect(200);
        let mut tx = w.db.begin().await.unwrap();
        let interval = Interval::of_minutes(HALF_PAST.parse().unwrap(), 30).unwrap();
        let (holder_id, resources) = (uuid_v7(w.clock.now()), [w.doctor.id]);
        let foreign = Booking { holder_kind: "consult", holder_id, resources: &resources, interval };
        calendar::reserve(&mut tx, w.clock.now(), &foreign).await.unwrap();
        tx.commit().await.unwrap();
        let refused = w.step(&w.nurse, &two, "exchange", json!({ "with": one })).await.refused(409, "slot-taken");
        let expected = json!([{ "moving": one, "consult_id": null, "starts_at": HALF_PAST, "shared": ["doctor"] }]);
        assert_eq!(refused.body["conflicts_with"], expected);
    })
    .await;
}

#[tokio::test]
async fn an_exchange_is_for_those_who_may_move_both() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.second_doctor, NINE).await);
        let body = json!({ "with": two });
        for stranger in [&w.stranger_nurse, &w.stranger_doctor, &w.skin_doctor] {
            assert_eq!(w.step(stranger, &one, "exchange", body.clone()).await.status, 404);
        }
        let at_with = |answer: sanbao_platform::testing::Answer| {
            let refused = answer.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/with", "{}", refused.text);
        };
        at_with(w.step(&w.doctor, &one, "exchange", body.clone()).await);
        at_with(w.step(&w.nurse, &one, "exchange", json!({ "with": one })).await);
        at_with(w.step(&w.nurse, &one, "exchange", json!({ "with": uuid_v7(w.clock.now()) })).await);
        let open = w.accepted().await;
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": open })).await;
        refused.refused(409, "invalid-transition");
        let page = w.get(&w.doctor, &format!("/consults/{one}")).await.text;
        assert!(!page.contains("ask-exchange"), "none of the doctor's own to exchange with");
        let page = w.get(&w.hospital_admin, &format!("/consults/{one}")).await.text;
        assert!(page.contains("ask-exchange"), "{page}");
        w.step(&w.hospital_admin, &one, "exchange", body).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_time_that_one_of_the_doctors_does_not_offer_is_no_time_for_an_exchange() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let tomorrow = "2026-11-24T01:00:00Z";
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.second_doctor, tomorrow).await);
        let closed = json!({ "kind": "closed", "date": "2026-11-24" });
        w.post(&w.doctor, &format!("/v1/practitioners/{}/exceptions", w.doctor.id), closed).await.expect(201);
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.refused(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/with", "{}", refused.text);
        assert_eq!((starts(&w, &one).await.as_str(), starts(&w, &two).await.as_str()), (HALF_PAST, tomorrow));
        let same = booked(&w, 0, &w.second_doctor, NINE).await;
        let other = booked(&w, 1, &w.doctor, NINE).await;
        w.step(&w.nurse, &same, "exchange", json!({ "with": other })).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_exchanges_at_once_one_is_made_and_nothing_is_held_twice() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.doctor, NINE).await);
        let three = booked(&w, 0, &w.doctor, HALF_PAST_NINE).await;
        for round in 0..6 {
            let pairs = if round % 2 == 0 {
                [(one.clone(), two.clone()), (two.clone(), one.clone())]
            } else {
                [(one.clone(), two.clone()), (two.clone(), three.clone())]
            };
            // Both are asked for by what was read before either.
            let mut read = Vec::new();
            for (id, other) in pairs {
                let versions = [view(&w, &id).await, view(&w, &other).await].map(|v| v["version"].as_i64().unwrap());
                read.push((id, other, versions));
            }
            let mut tasks = tokio::task::JoinSet::new();
            for (id, other, [mine, theirs]) in read {
                let w = Arc::clone(&w);
                tasks.spawn(async move {
                    let (key, tag) = (fresh_key(), format!("\"{mine}\""));
                    let (path, body) =
                        (format!("/v1/consults/{id}/exchange"), json!({ "with": other, "version": theirs }));
                    let headers = [("if-match", tag.as_str()), ("idempotency-key", key.as_str())];
                    w.call(Some(&w.nurse), "POST", &path, Some(body), &headers).await
                });
            }
            let mut won = 0;
            while let Some(done) = tasks.join_next().await {
                let answer = done.unwrap();
                match answer.status.as_u16() {
                    200 => won += 1,
                    409 | 412 => {}
                    _ => panic!("{} {}", w.engine, answer.text),
                }
            }
            assert_eq!(won, 1, "round {round} on {}", w.engine);
            assert_eq!(w.count(ASTRAY).await, 0, "round {round} on {}", w.engine);
        }
        let mut all = [starts(&w, &one).await, starts(&w, &two).await, starts(&w, &three).await];
        all.sort_unstable();
        assert_eq!(all, [HALF_PAST, NINE, HALF_PAST_NINE]);
    })
    .await;
}

#[tokio::test]
async fn a_time_that_has_begun_and_a_delay_of_others_are_not_exchanged() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.doctor, NINE).await);
        let exchange =
            async |one: &String, two: &String| w.step(&w.nurse, one, "exchange", json!({ "with": two })).await;
        w.step(&w.doctor, &two, "delay", json!({ "minutes": 60 })).await.expect(200);
        for (id, other) in [(&one, &two), (&two, &one)] {
            let refused = exchange(id, other).await.refused(409, "delay-of-others");
            assert_eq!((&refused.body["consult_id"], &refused.body["announced_minutes"]), (&json!(two), &json!(60)));
        }
        w.step(&w.doctor, &two, "delay", json!({ "minutes": 0 })).await.expect(200);
        w.clock.advance(Duration::from_mins(30));
        for (id, other) in [(&one, &two), (&two, &one)] {
            let refused = exchange(id, other).await.refused(409, "begun");
            assert_eq!(refused.body["consult_id"], json!(one), "{}", refused.text);
        }
        let may = async |id: &String| view(&w, id).await["actions"].as_array().unwrap().contains(&json!("exchange"));
        assert_eq!((may(&one).await, may(&two).await), (false, true));
        assert_eq!((starts(&w, &one).await.as_str(), starts(&w, &two).await.as_str()), (HALF_PAST, NINE));
    })
    .await;
}

#[tokio::test]
async fn two_whose_new_times_overlap_name_each_other() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let one = booked(&w, 0, &w.doctor, NINE).await;
        let two = booked(&w, 0, &w.second_doctor, HALF_PAST_NINE).await;
        let hours = json!({ "weekly": [{ "weekday": 1, "start": "09:00", "end": "12:00", "slot_minutes": 60,
            "valid_from": "2026-01-01" }] });
        w.put(&w.second_doctor, &format!("/v1/practitioners/{}/hours", w.second_doctor.id), hours).await.expect(200);
        // From nine it would last an hour, and the other one begins at half past.
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.refused(409, "slot-taken");
        let expected = json!([
            { "moving": one, "consult_id": two, "starts_at": NINE, "shared": ["resident", "room"] },
            { "moving": two, "consult_id": one, "starts_at": HALF_PAST_NINE, "shared": ["resident", "room"] },
        ]);
        assert_eq!(refused.body["conflicts_with"], expected, "{}", refused.text);
        assert_eq!(w.count(ASTRAY).await, 0);
    })
    .await;
}

#[tokio::test]
async fn those_of_the_day_are_offered_first_and_none_of_the_same_time() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let one = booked(&w, 0, &w.doctor, "2026-11-24T00:30:00Z").await;
        let before = booked(&w, 0, &w.doctor, HALF_PAST).await;
        let of_day = booked(&w, 0, &w.doctor, "2026-11-24T03:00:00Z").await;
        let same = booked(&w, 1, &w.second_doctor, "2026-11-24T00:30:00Z").await;
        let page = w.get(&w.nurse, &format!("/consults/{one}")).await.text;
        let at = |id: &String| page.find(&format!("value=\"{id}|"));
        assert!(at(&of_day).unwrap() < at(&before).unwrap(), "{page}");
        assert_eq!(at(&same), None);
    })
    .await;
}

#[tokio::test]
async fn the_other_one_is_named_to_those_only_who_may_read_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.doctor, NINE).await);
        let (id, mut tx) = (two.parse::<Uuid>().unwrap(), w.db.begin().await.unwrap());
        for (statement, id) in [
            ("update consult set inviting_id = $1 where id = $2", id),
            ("update location set organisation_id = $1 where id = $2", w.rooms[1]),
        ] {
            let home = w.stranger_nurse.organisation;
            on!(tx, |c| sqlx::query(statement).bind(home).bind(id).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        w.step(&w.doctor, &one, "exchange", json!({ "with": two })).await.expect(200);
        for (who, id, other, reads) in [
            (&w.nurse, &one, &two, false),
            (&w.stranger_nurse, &two, &one, false),
            (&w.doctor, &one, &two, true),
            (&w.hospital_admin, &two, &one, true),
        ] {
            let seen = w.get(who, &format!("/v1/consults/{id}")).await.expect(200);
            let last = seen["history"].as_array().unwrap().last().unwrap().clone();
            let named = if reads { json!(other) } else { Value::Null };
            assert_eq!((&last["action"], &last["note"]), (&json!("exchange"), &named), "{}", who.name);
            let page = w.get(who, &format!("/consults/{id}")).await.text;
            assert!(page.contains("另一会诊"), "{page}");
            assert_eq!(page.contains(&format!("/consults/{other}\">另一会诊")), reads, "{page}");
        }
    })
    .await;
}

/// Steps that many take at once: each is taken or refused, and none breaks.
async fn at_once(w: &Arc<World>, steps: Vec<(String, &'static str, Value)>) {
    let mut tasks = tokio::task::JoinSet::new();
    for (id, step, body) in steps {
        let w = Arc::clone(w);
        tasks.spawn(async move { (step, w.step(&w.nurse, &id, step, body).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (step, answer) = done.unwrap();
        assert!(matches!(answer.status.as_u16(), 200 | 409 | 422), "{step} on {}: {}", w.engine, answer.text);
    }
    assert_eq!(w.count(ASTRAY).await, 0, "on {}", w.engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_takes_time_and_who_frees_it_never_wait_for_each_other() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let why = || json!({ "reason": "老人住院" });
        for _ in 0..12 {
            let (one, two) = (booked(&w, 0, &w.doctor, HALF_PAST).await, booked(&w, 1, &w.doctor, NINE).await);
            let steps = vec![
                (one.clone(), "exchange", json!({ "with": two })),
                (two.clone(), "exchange", json!({ "with": one })),
                (one.clone(), "reschedule", w.at(HALF_PAST_NINE)),
                (one.clone(), "cancel", why()),
                (two.clone(), "cancel", why()),
            ];
            at_once(&w, steps).await;
            for id in [one, two] {
                w.step(&w.nurse, &id, "cancel", why()).await;
            }
        }
        let mut missed = Vec::new();
        for time in [HALF_PAST, NINE, HALF_PAST_NINE, "2026-11-23T02:00:00Z"] {
            missed.push(booked(&w, 0, &w.doctor, time).await);
        }
        w.clock.advance(Duration::from_mins(125));
        for (id, day) in missed.into_iter().zip(24..) {
            let steps = vec![
                (id.clone(), "reschedule", w.at(&format!("2026-11-{day}T01:00:00Z"))),
                (id.clone(), "reschedule", w.at(&format!("2026-11-{day}T01:30:00Z"))),
                (id, "no-show", why()),
            ];
            at_once(&w, steps).await;
        }
    })
    .await;
}
