//! Nobody is in two places at once, and a dispatcher who loses a time is told which are free.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use sanbao_booking::calendar::{self, Booking, Interval};
use sanbao_booking::role;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::visit::world::{World, at, slot, start};

const PERSON: &str = "select person_id from visit where id = $1";

fn elder(n: u32) -> Value {
    json!({ "name": format!("老人{n}"), "phone": format!("1390013{n:04}") })
}

#[tokio::test]
async fn an_order_gets_a_caregiver_and_a_time_and_others_later() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let planned = w.schedule(&visit, &w.caregivers[0], 60, 120).await.expect(200);
        assert_eq!((&planned["state"], &planned["caregiver_name"]), (&json!("scheduled"), &json!("陈阿姨")));
        let path = format!("/v1/visits/{visit}/reschedule");
        let moved = w.post(&w.dispatcher, &path, slot(&w.caregivers[0], 90, 150)).await.expect(200);
        assert_eq!(moved["starts_at"], "2026-11-23T07:30:00Z", "it does not stand in its own way");
        let other = w.post(&w.dispatcher, &path, slot(&w.caregivers[1], 90, 150)).await.expect(200);
        assert_eq!(other["caregiver_name"], "李师傅");
        assert_eq!(w.kinds().await, ["scheduled", "rescheduled", "rescheduled"]);
        // The first caregiver's time is free again.
        let second = w.order(elder(2)).await;
        w.schedule(&second, &w.caregivers[0], 90, 150).await.expect(200);
        assert_eq!(w.count("select count(*) from audit where action = 'visit.reschedule'").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_taken_caregiver_comes_with_others_and_other_times() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (first, second) = (w.order(elder(1)).await, w.order(elder(2)).await);
        w.schedule(&first, &w.caregivers[0], 60, 120).await.expect(200);
        let told = w.schedule(&second, &w.caregivers[0], 90, 150).await.expect(409);
        assert_eq!(told["type"], "/problems/slot-taken");
        assert_eq!(told["alternatives"]["blocked"], json!(["caregiver"]));
        let names: Vec<_> = told["alternatives"]["caregivers"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
        assert_eq!(names.len(), 2, "{told}");
        assert!(names.contains(&&json!("周护理")) && names.contains(&&json!("李师傅")));
        let times = told["alternatives"]["times"].as_array().unwrap();
        assert_eq!(times[0]["starts_at"], json!("2026-11-23T08:00:00Z"), "right after the other visit");
        assert_eq!(w.visit_of_id(&second).await["state"], "requested", "nothing changed");
        // Each alternative holds what it promises.
        let free = json!({"caregiver": w.caregivers[0].id, "starts_at": times[0]["starts_at"], "ends_at": times[0]["ends_at"]});
        w.post(&w.dispatcher, &format!("/v1/visits/{second}/schedule"), free).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_consult_of_the_same_elder_blocks_the_visit_and_a_failed_move_keeps_the_old_time() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let id: Uuid = visit.parse().unwrap();
        let mut tx = w.db.begin().await.unwrap();
        let person: Uuid = on!(tx, |c| sqlx::query_scalar(PERSON).bind(id).fetch_one(c).await).unwrap();
        let interval =
            Interval::new(start() + chrono::Duration::minutes(60), start() + chrono::Duration::minutes(90)).unwrap();
        let consult = Booking { holder_kind: "consult", holder_id: w.uuid(), resources: &[person], interval };
        calendar::reserve(&mut tx, start(), &consult).await.unwrap();
        tx.commit().await.unwrap();

        let told = w.schedule(&visit, &w.caregivers[0], 75, 135).await.expect(409);
        assert_eq!(told["alternatives"]["caregivers"], json!([]), "another caregiver would not help");

        let planned = w.schedule(&visit, &w.caregivers[0], 90, 150).await.expect(200);
        let path = format!("/v1/visits/{visit}/reschedule");
        w.post(&w.dispatcher, &path, slot(&w.caregivers[1], 80, 140)).await.expect(409);
        let after = w.visit_of_id(&visit).await;
        assert_eq!(after["starts_at"], planned["starts_at"]);
        assert_eq!(after["caregiver"], planned["caregiver"]);
        // Its old time is still taken, for the caregiver too.
        let other = w.order(elder(2)).await;
        w.schedule(&other, &w.caregivers[0], 100, 130).await.expect(409);
        assert_eq!(w.kinds().await, ["scheduled"]);
    })
    .await;
}

/// A thing that others may have with an elder while an agency wants the time from 75 to 135 minutes after the start.
#[derive(Clone, Copy)]
enum Others {
    Consult(i64, i64),
    Visit(i64, i64),
}

#[tokio::test]
async fn that_others_have_an_elders_time_is_told_alike_whatever_they_have_and_when() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let stranger = w.member(w.other_agency, role::DISPATCHER, "外机构").await;
        let wanted = async |visit: &str| w.schedule(visit, &w.caregivers[0], 75, 135).await;
        let mut told = Vec::new();
        let cases = [
            Others::Consult(60, 90),
            Others::Consult(120, 150),
            Others::Consult(0, 300),
            Others::Visit(75, 135),
            Others::Visit(130, 160),
        ];
        for (n, others) in cases.into_iter().enumerate() {
            let who = json!({ "name": format!("老人{n}"), "national_id_index": format!("index-{n}") });
            let visit = w.order(who.clone()).await;
            let mut tx = w.db.begin().await.unwrap();
            let id: Uuid = visit.parse().unwrap();
            let person: Uuid = on!(tx, |c| sqlx::query_scalar(PERSON).bind(id).fetch_one(c).await).unwrap();
            if let Others::Consult(from, to) = others {
                let at = |minutes| start() + chrono::Duration::minutes(minutes);
                let interval = Interval::new(at(from), at(to)).unwrap();
                let consult = Booking { holder_kind: "consult", holder_id: w.uuid(), resources: &[person], interval };
                calendar::reserve(&mut tx, start(), &consult).await.unwrap();
            }
            tx.commit().await.unwrap();
            if let Others::Visit(from, to) = others {
                let request = w.uuid();
                let mut more = who.clone();
                more["agency_id"] = json!(w.other_agency);
                w.accept_request(request, more).await;
                w.catch_up().await;
                let theirs = w.get(&stranger, "/v1/visits?state=requested").await.expect(200);
                let theirs = theirs["items"][0]["id"].as_str().unwrap().to_owned();
                let path = format!("/v1/visits/{theirs}/schedule");
                let carer = w.member(w.other_agency, role::CAREGIVER, "外照护").await;
                w.post(&stranger, &path, slot(&carer, from, to)).await.expect(200);
            }
            let mut answer = wanted(&visit).await.expect(409);
            answer.as_object_mut().unwrap().remove("request_id");
            told.push(answer);
        }
        for answer in &told {
            assert_eq!(answer, &told[0]);
            assert_eq!(
                (&answer["type"], &answer["alternatives"]["blocked"]),
                (&json!("/problems/slot-taken"), &json!([]))
            );
            assert!(!answer.to_string().contains("老人") && !answer.to_string().contains("elder"), "{answer}");
        }
        // Times near the wanted one, and none of it: what is offered next to it may be refused in the same words.
        let times = told[0]["alternatives"]["times"].as_array().unwrap();
        assert!(
            times.iter().all(|t| t["ends_at"].as_str().unwrap() <= "2026-11-23T07:15:00Z"
                || t["starts_at"].as_str().unwrap() >= "2026-11-23T08:15:00Z"),
            "{times:?}"
        );
        // Gaps in what is offered for one's own reasons do not show the others' time either.
        let (own, engaged) = (w.order(elder(90)).await, w.order(json!({"national_id_index": "index-2"})).await);
        let free = w.order(elder(91)).await;
        w.schedule(&own, &w.caregivers[0], 75, 135).await.expect(200);
        let (with, without) = (wanted(&engaged).await.expect(409), wanted(&free).await.expect(409));
        assert_eq!(with["alternatives"], without["alternatives"]);
        assert_eq!(with["alternatives"]["blocked"], json!(["caregiver"]));
    })
    .await;
}

#[tokio::test]
async fn ones_own_visit_to_an_elder_is_named_when_it_stands_in_the_way() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let again = json!({ "national_id_index": "index-1" });
        let (first, second) = (w.order(again.clone()).await, w.order(again).await);
        w.schedule(&first, &w.caregivers[0], 60, 120).await.expect(200);
        let told = w.schedule(&second, &w.caregivers[1], 90, 150).await.expect(409);
        assert_eq!(told["alternatives"]["blocked"], json!(["elder"]));
        assert_eq!(told["alternatives"]["caregivers"], json!([]), "another caregiver would not help");
        assert_eq!(told["alternatives"]["times"][0]["starts_at"], "2026-11-23T08:00:00Z");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_schedulers_of_one_caregivers_time_one_wins_and_63_get_alternatives() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(engine).await);
        for n in 0..64 {
            w.accept_request(w.uuid(), elder(n)).await;
        }
        w.catch_up().await;
        let open = w.get(&w.dispatcher, "/v1/visits?state=requested&limit=64").await.expect(200);
        let ids: Vec<String> =
            open["items"].as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap().into()).collect();
        assert_eq!(ids.len(), 64);
        let mut tasks = tokio::task::JoinSet::new();
        for (n, id) in ids.into_iter().enumerate() {
            let world = Arc::clone(&w);
            tasks.spawn(async move {
                let from = 60 + 15 * i64::try_from(n % 3).unwrap();
                world.schedule(&id, &world.caregivers[0], from, from + 60).await
            });
        }
        let (mut won, mut lost) = (0, 0);
        while let Some(outcome) = tasks.join_next().await {
            let answer = outcome.unwrap();
            if answer.status == 200 {
                won += 1;
            } else {
                let told = answer.expect(409);
                assert_eq!(told["type"], "/problems/slot-taken", "{told}");
                assert_eq!(told["alternatives"]["caregivers"].as_array().unwrap().len(), 2);
                lost += 1;
            }
        }
        assert_eq!((won, lost), (1, 63), "{}", w.engine.name());
        assert_eq!(w.count("select count(*) from occupancy").await, 2);
        assert_eq!(w.kinds().await, ["scheduled"]);
    })
    .await;
}

#[tokio::test]
async fn bad_times_and_people_are_refused_at_their_field() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let path = format!("/v1/visits/{visit}/schedule");
        let stranger = w.member(w.other_agency, role::CAREGIVER, "外人").await;
        let me = &w.caregivers[0];
        for (body, pointer) in [
            (slot(me, 60, 60), "/ends_at"),
            (slot(me, 60, 30), "/ends_at"),
            (slot(me, 60, 65), "/ends_at"),
            (slot(me, 60, 60 + 13 * 60), "/ends_at"),
            (slot(me, 60, 60 + 48 * 60), "/ends_at"),
            (slot(me, -61, 30), "/starts_at"),
            (slot(me, 181 * 24 * 60, 181 * 24 * 60 + 60), "/starts_at"),
            (slot(&stranger, 60, 120), "/caregiver"),
            (slot(&w.dispatcher, 60, 120), "/caregiver"),
            (json!({"caregiver": "x", "starts_at": at(60), "ends_at": at(120)}), "/caregiver"),
            (json!({"caregiver": me.id, "starts_at": "2026-13-01T00:00:00Z", "ends_at": at(120)}), "/starts_at"),
            (json!({"caregiver": me.id, "starts_at": at(60)}), "/ends_at"),
            (json!({"caregiver": me.id, "starts_at": "+262142-01-01T00:00:00Z", "ends_at": "+262142-12-31T00:00:00Z"}), "/ends_at"),
        ] {
            let told = w.post(&w.dispatcher, &path, body.clone()).await.expect(422);
            assert_eq!(told["errors"][0]["pointer"], pointer, "{body} {told}");
        }
        assert_eq!(w.visit_of_id(&visit).await["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn an_illegal_step_says_what_would_be_legal() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let step = |name: &str| format!("/v1/visits/{visit}/{name}");
        let reason = json!({"reason": "老人住院"});
        let told = w.post(&w.dispatcher, &step("reschedule"), slot(&w.caregivers[0], 60, 120)).await.expect(409);
        assert_eq!(told["type"], "/problems/invalid-transition");
        assert_eq!((&told["state"], &told["legal"]), (&json!("requested"), &json!(["schedule", "cancel"])));
        w.schedule(&visit, &w.caregivers[0], 60, 120).await.expect(200);
        let told = w.schedule(&visit, &w.caregivers[0], 180, 240).await.expect(409);
        let legal = json!(["reschedule", "exchange", "cancel"]);
        assert_eq!(told["legal"], legal, "what a dispatcher may do before the time has come");
        let told = w.post(&w.dispatcher, &step("no-show"), reason.clone()).await.expect(409);
        assert_eq!(told["type"], "/problems/outside-window", "not before the time has come");
        for bad in [json!({"reason": " "}), json!({"reason": "字".repeat(501)}), json!({})] {
            w.post(&w.dispatcher, &step("cancel"), bad).await.expect(422);
        }
        let gone = w.post(&w.dispatcher, &step("cancel"), reason.clone()).await.expect(200);
        assert_eq!((&gone["state"], &gone["legal"]), (&json!("cancelled"), &json!(["repeat"])));
        let told = w.post(&w.dispatcher, &step("cancel"), reason).await.expect(409);
        assert_eq!(told["legal"], json!(["repeat"]));
        assert_eq!(w.count("select count(*) from occupancy").await, 0, "the time is free again");
        assert_eq!(w.kinds().await, ["scheduled", "cancelled"]);
    })
    .await;
}

#[tokio::test]
async fn a_stale_reader_and_a_repeated_call_change_nothing() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let path = format!("/v1/visits/{visit}/schedule");
        let body = slot(&w.caregivers[0], 60, 120);
        let stale = w.call(Some(&w.dispatcher), "POST", &path, Some(body.clone()), &[("if-match", "\"7\"")]).await;
        assert_eq!(stale.expect(412)["type"], "/problems/precondition-failed");
        let key = [("idempotency-key", "one"), ("if-match", "\"1\"")];
        let first = w.call(Some(&w.dispatcher), "POST", &path, Some(body.clone()), &key).await.expect(200);
        let again = w.call(Some(&w.dispatcher), "POST", &path, Some(body), &key).await.expect(200);
        assert_eq!(first, again);
        let other = w.call(Some(&w.dispatcher), "POST", &path, Some(slot(&w.caregivers[1], 60, 120)), &key).await;
        assert_eq!(other.expect(422)["type"], "/problems/idempotency-mismatch");
        assert_eq!(w.kinds().await, ["scheduled"]);
    })
    .await;
}

#[tokio::test]
async fn others_do_not_see_an_agencys_visits() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let rival = w.member(w.other_agency, role::DISPATCHER, "对手").await;
        let doctor = w.member(w.organisation("hospital").await, role::DOCTOR, "医生").await;
        let body = slot(&w.caregivers[0], 60, 120);
        for who in [&rival, &doctor, &w.caregivers[0]] {
            w.get(who, &format!("/v1/visits/{visit}")).await.expect(404);
            w.post(who, &format!("/v1/visits/{visit}/schedule"), body.clone()).await.expect(404);
        }
        assert_eq!(w.get(&rival, "/v1/visits").await.expect(200)["items"], json!([]));
        w.get(&doctor, "/v1/visits").await.expect(403);
        w.get(&doctor, "/v1/visits/today").await.expect(403);
        w.get(&doctor, "/v1/visits/events").await.expect(403);
        let administrator = w.member(w.agency, role::ADMINISTRATOR, "院长").await;
        let masked = w.get(&administrator, &format!("/v1/visits/{visit}")).await.expect(200);
        assert_eq!(
            (&masked["name"], &masked["phone"], &masked["address"]),
            (&json!("老**"), &json!("139****0001"), &Value::Null)
        );
        w.post(&administrator, &format!("/v1/visits/{visit}/schedule"), body).await.expect(403);
        w.get(&w.dispatcher, &format!("/v1/visits/{}", w.uuid())).await.expect(404);
        w.get(&w.dispatcher, "/v1/visits/not-an-id").await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn the_list_is_paged_by_time_and_filtered_by_day_and_state() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        for n in 0..5 {
            let visit = w.order(elder(n)).await;
            // 15:00, 17:00 … today, and past midnight.
            let from = 60 + 180 * i64::from(n);
            w.schedule(&visit, &w.caregivers[0], from, from + 60).await.expect(200);
        }
        let waiting = w.order(elder(9)).await;
        let today = w.get(&w.dispatcher, "/v1/visits?day=2026-11-23&state=scheduled&limit=2").await.expect(200);
        assert_eq!(today["items"].as_array().unwrap().len(), 2);
        let next =
            format!("/v1/visits?day=2026-11-23&state=scheduled&limit=2&after={}", today["next"].as_str().unwrap());
        let rest = w.get(&w.dispatcher, &next).await.expect(200);
        assert_eq!(rest["items"].as_array().unwrap().len(), 1, "18:00 UTC is the next day there: {rest}");
        assert_eq!(rest["next"], Value::Null);
        let all: Vec<Value> = [&today, &rest].iter().flat_map(|p| p["items"].as_array().unwrap().clone()).collect();
        let starts: Vec<DateTime<chrono::Utc>> =
            all.iter().map(|v| v["starts_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(starts.is_sorted());
        let open = w.get(&w.dispatcher, "/v1/visits?state=requested").await.expect(200);
        assert_eq!(open["items"][0]["id"], json!(waiting));
        let mine = w.get(&w.caregivers[1], "/v1/visits").await.expect(200);
        assert_eq!(mine["items"], json!([]), "a caregiver's list is their own");
        for bad in
            ["limit=0", "limit=201", "after=%20", "day=2026-02-30", "day=9999-01-01", "state=gone", "caregiver=1"]
        {
            w.get(&w.dispatcher, &format!("/v1/visits?{bad}")).await.expect(422);
        }
    })
    .await;
}

#[tokio::test]
async fn what_did_not_take_place_is_ordered_again_while_the_request_stands() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(elder(1)).await;
        let step = |id: &str, name: &str| format!("/v1/visits/{id}/{name}");
        w.post(&w.dispatcher, &step(&visit, "repeat"), json!({})).await.expect(409);
        w.schedule(&visit, &w.caregivers[0], 0, 60).await.expect(200);
        w.clock.advance(Duration::from_mins(10));
        w.post(&w.caregivers[0], &step(&visit, "no-show"), json!({"reason": "敲门没人应"})).await.expect(200);
        w.post(&w.caregivers[0], &step(&visit, "repeat"), json!({})).await.expect(403);
        let again = w.post(&w.dispatcher, &step(&visit, "repeat"), json!({})).await.expect(201);
        assert_eq!((&again["state"], &again["caregiver"]), (&json!("requested"), &Value::Null));
        let told = w.post(&w.dispatcher, &step(&visit, "repeat"), json!({})).await.expect(409);
        assert_eq!(told["type"], "/problems/conflict", "one order a request");
        let second = again["id"].as_str().unwrap();
        w.schedule(second, &w.caregivers[0], 30, 90).await.expect(200);
        assert_eq!(w.kinds().await, ["scheduled", "no_show", "scheduled"]);
        w.cancel_request(again["request_id"].as_str().unwrap().parse().unwrap()).await;
        w.catch_up().await;
        let told = w.post(&w.dispatcher, &step(second, "repeat"), json!({})).await.expect(409);
        assert_eq!((&told["state"], &told["legal"]), (&json!("cancelled"), &json!([])));
        assert_eq!(w.visit_of_id(second).await["legal"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_caregiver_of_two_agencies_is_one_person_in_the_calendar() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let shared = w.caregivers[0].clone();
        w.joins(&shared, w.other_agency, role::CAREGIVER).await;
        let other = w.member(w.other_agency, role::DISPATCHER, "孙调度").await;
        let visit = w.order(elder(1)).await;
        let request = w.uuid();
        let mut theirs = elder(2);
        theirs["agency_id"] = json!(w.other_agency);
        w.accept_request(request, theirs).await;
        w.catch_up().await;
        let list = w.get(&other, "/v1/visits?limit=200").await.expect(200);
        let second = list["items"][0]["id"].as_str().unwrap().to_owned();
        // Both at one moment: one of them has the caregiver.
        let (first_path, second_path) =
            (format!("/v1/visits/{visit}/schedule"), format!("/v1/visits/{second}/schedule"));
        let (a, b) = tokio::join!(
            w.post(&w.dispatcher, &first_path, slot(&shared, 60, 120)),
            w.post(&other, &second_path, slot(&shared, 90, 150)),
        );
        let mut got = [a.status.as_u16(), b.status.as_u16()];
        got.sort_unstable();
        assert_eq!(got, [200, 409], "{} {}", a.text, b.text);
        let refused = if a.status == 409 { a } else { b };
        assert_eq!(refused.expect(409)["type"], "/problems/slot-taken");
        let (again, free) = if list_state(&w, &other, &second).await == "scheduled" {
            (w.post(&w.dispatcher, &first_path, slot(&shared, 150, 210)).await, &visit)
        } else {
            (w.post(&other, &second_path, slot(&shared, 120, 180)).await, &second)
        };
        assert_eq!(again.status, 200, "{free}: the time beside it is free: {}", again.text);
    })
    .await;
}

/// The state of a visit, as its dispatcher sees it.
async fn list_state(w: &World, dispatcher: &Person, visit: &str) -> Value {
    w.get(dispatcher, &format!("/v1/visits/{visit}")).await.expect(200)["state"].clone()
}
