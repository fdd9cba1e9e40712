//! Booking doctor, resident and room: never twice, with alternatives, and nothing lost on failure.
use std::sync::Arc;

use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::{World, fresh_key};
use crate::network::{joins, member};

const ROWS: &str = "select count(*) from occupancy";

#[tokio::test]
async fn a_taken_time_is_refused_with_the_nearest_free_ones() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let second = w.accepted().await;
        let refused = w.step(&w.nurse, &second, "schedule", w.at("2026-11-23T00:30:00Z")).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "slot-taken"), "{}", refused.text);
        let times: Vec<&str> =
            refused.body["alternatives"].as_array().unwrap().iter().map(|s| s["starts_at"].as_str().unwrap()).collect();
        let expected = ["00:00", "01:00", "01:30", "02:00", "02:30"].map(|t| format!("2026-11-23T{t}:00Z"));
        assert_eq!(times, expected, "{}", w.engine);
        assert_eq!(w.count(ROWS).await, 3, "the loser holds nothing");
        let view = w.get(&w.nurse, &format!("/v1/consults/{second}")).await.expect(200);
        assert_eq!(view["state"], "accepted");
        // The other doctor is free then, but the resident and the room are not.
        let mut other = w.at("2026-11-23T00:30:00Z");
        other["doctor_id"] = json!(w.second_doctor.id);
        other["room_id"] = json!(w.rooms[1]);
        let refused = w.step(&w.nurse, &second, "schedule", other).await;
        assert_eq!(refused.problem(), "slot-taken", "the resident cannot be in two places");
        assert!(refused.body["alternatives"][0]["doctor_name"] == "赵医生");
    })
    .await;
}

#[tokio::test]
async fn a_room_of_others_is_like_one_that_is_not_there() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (id, foreign) = (w.accepted().await, w.foreign_room().await);
        let unknown = "00000000-0000-7000-8000-000000000000".to_owned();
        let range = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";
        let mut answers = Vec::new();
        for room in [foreign, unknown] {
            let mut refused = w.get(&w.nurse, &format!("/v1/consults/{id}/slots?{range}&room_id={room}")).await;
            refused = refused.refused(422, "invalid");
            refused.body.as_object_mut().unwrap().remove("request_id");
            answers.push(refused.body);
        }
        assert_eq!(answers[0], answers[1]);
        let own = format!("/v1/consults/{id}/slots?{range}&room_id={}", w.rooms[0]);
        assert_ne!(w.get(&w.nurse, &own).await.expect(200)["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_consults_for_one_slot_one_is_booked() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let mut ids = Vec::new();
        for _ in 0..64 {
            ids.push(w.accepted().await);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for id in ids {
            let w = Arc::clone(&w);
            tasks.spawn(async move {
                let key = fresh_key();
                let path = format!("/v1/consults/{id}/schedule");
                let body = Some(w.at("2026-11-23T01:00:00Z"));
                w.call(Some(&w.nurse), "POST", &path, body, &[("idempotency-key", &key)]).await
            });
        }
        let mut won = 0;
        while let Some(done) = tasks.join_next().await {
            let answer = done.unwrap();
            match answer.status.as_u16() {
                200 => won += 1,
                409 => {
                    assert_eq!(answer.problem(), "slot-taken");
                    assert_eq!(answer.body["alternatives"].as_array().unwrap().len(), 5);
                }
                other => panic!("{} {other}: {}", w.engine, answer.text),
            }
        }
        assert_eq!(won, 1, "{}", w.engine);
        assert_eq!(w.count(ROWS).await, 3);
    })
    .await;
}

#[tokio::test]
async fn moving_keeps_the_old_time_when_the_new_one_is_taken() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let first = w.scheduled().await;
        let second = w.accepted().await;
        w.step(&w.nurse, &second, "schedule", w.at("2026-11-23T01:00:00Z")).await.expect(200);
        w.step(&w.nurse, &second, "delay", json!({ "minutes": 15 })).await.expect(200);
        let refused = w.step(&w.nurse, &second, "reschedule", w.at("2026-11-23T00:30:00Z")).await;
        assert_eq!(refused.problem(), "slot-taken");
        let view = w.get(&w.nurse, &format!("/v1/consults/{second}")).await.expect(200);
        assert_eq!(view["appointment"]["starts_at"], "2026-11-23T01:00:00Z");
        assert_eq!(view["appointment"]["delay_minutes"], 15, "nothing of the failed move is left");
        assert_eq!(w.count(ROWS).await, 6);
        // To another doctor and room at once, and the old ones are free again.
        let mut to = w.at("2026-11-24T00:00:00Z");
        to["doctor_id"] = json!(w.second_doctor.id);
        to["room_id"] = json!(w.rooms[1]);
        let moved = w.step(&w.doctor, &second, "reschedule", to).await.expect(200);
        assert_eq!((&moved["doctor_name"], &moved["actions"]), (&json!("赵医生"), &json!([])));
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{second}")).await.status, 404, "given away");
        let third = w.accepted().await;
        w.step(&w.nurse, &third, "schedule", w.at("2026-11-23T01:00:00Z")).await.expect(200);
        w.step(&w.nurse, &first, "cancel", json!({ "reason": "老人住院" })).await.expect(200);
        w.step(&w.nurse, &third, "reschedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        assert_eq!(w.count(ROWS).await, 6);
    })
    .await;
}

#[tokio::test]
async fn only_offered_times_own_rooms_and_fitting_doctors_can_be_booked() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        let mut foreign_room = w.at("2026-11-23T00:30:00Z");
        foreign_room["room_id"] = json!(w.doctor.id);
        let mut skin = w.at("2026-11-23T00:30:00Z");
        skin["doctor_id"] = json!(w.skin_doctor.id);
        let mut elsewhere = w.at("2026-11-23T00:30:00Z");
        elsewhere["doctor_id"] = json!(w.stranger_doctor.id);
        for (body, pointer) in [
            (w.at("2026-11-23T00:40:00Z"), "/starts_at"),
            (w.at("2026-11-23T12:00:00Z"), "/starts_at"),
            (w.at("2026-11-22T00:30:00Z"), "/starts_at"),
            (w.at("9999-11-22T00:30:00Z"), "/starts_at"),
            (foreign_room, "/room_id"),
            (skin, "/doctor_id"),
            (elsewhere, "/doctor_id"),
        ] {
            let refused = w.step(&w.nurse, &id, "schedule", body).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        }
        assert_eq!(w.count(ROWS).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_call_does_the_thing_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (key, invitation) = (fresh_key(), w.invitation(0));
        let send = async |body: &Value| {
            w.call(Some(&w.nurse), "POST", "/v1/consults", Some(body.clone()), &[("idempotency-key", &key)]).await
        };
        let first = send(&invitation).await.expect(201);
        assert_eq!(send(&invitation).await.expect(201), first);
        let mut other = invitation.clone();
        other["reason"] = json!("另一个原因");
        assert_eq!(send(&other).await.problem(), "idempotency-mismatch");
        assert_eq!(w.count("select count(*) from consult").await, 1);
        let id = first["id"].as_str().unwrap();
        w.step(&w.doctor, id, "accept", Value::Null).await.expect(200);
        let (key, path) = (fresh_key(), format!("/v1/consults/{id}/schedule"));
        for _ in 0..2 {
            let body = Some(w.at("2026-11-23T00:30:00Z"));
            w.call(Some(&w.nurse), "POST", &path, body, &[("idempotency-key", &key)]).await.expect(200);
        }
        assert_eq!(w.count(ROWS).await, 3);
    })
    .await;
}

#[tokio::test]
async fn every_part_of_an_invitation_is_bounded() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let long = "字".repeat(10_001);
        for (field, value, pointer) in [
            ("reason", json!(""), "/reason"),
            ("reason", json!("   "), "/reason"),
            ("reason", json!("字".repeat(1_001)), "/reason"),
            ("purpose", json!("a\u{0}b"), "/purpose"),
            ("case_summary", json!(long), "/case_summary"),
            ("case_summary", json!(7), "/case_summary"),
            ("wanted_specialty", json!("astrology"), "/wanted_specialty"),
            ("wanted_title", json!("wizard"), "/wanted_title"),
            ("wanted_until", json!("2026-11-22T00:00:00Z"), "/wanted_until"),
            ("wanted_until", json!("2036-11-22T00:00:00Z"), "/wanted_until"),
            ("wanted_from", json!("1026-11-22T00:00:00Z"), "/wanted_from"),
            ("resident_id", json!(w.doctor.id), "/resident_id"),
            ("hospital_id", json!(w.home), "/hospital_id"),
            ("surprise", json!(1), "/surprise"),
        ] {
            let mut body = w.invitation(0);
            body[field] = value;
            let refused = w.post(&w.nurse, "/v1/consults", body).await;
            assert_eq!(refused.status, 422, "{field}: {}", refused.text);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        let mut hostile = w.invitation(0);
        hostile["reason"] = json!("'; drop table consult; -- <script>alert(1)</script>");
        let kept = w.post(&w.nurse, "/v1/consults", hostile).await.expect(201);
        assert_eq!(kept["reason"], "'; drop table consult; -- <script>alert(1)</script>");
        assert_eq!(w.count("select count(*) from consult").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_doctor_of_two_hospitals_is_one_person_in_the_calendar() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = w.stranger_doctor.organisation;
        let mut tx = w.db.begin().await.unwrap();
        let boss = member(&mut tx, w.clock.now(), other, &["administrator"], "院管二").await;
        joins(&mut tx, w.clock.now(), w.doctor.id, other, "doctor").await;
        tx.commit().await.unwrap();
        let there = Person { organisation: other, ..w.doctor.clone() };
        let path = format!("/v1/practitioners/{}", w.doctor.id);
        let profile = json!({ "specialty": "cardiology", "title": "chief", "licence_no": "110330211000001" });
        let registered = w.put(&boss, &path, profile).await.expect(200);
        assert_eq!(registered["organisation_id"], json!(other));
        let plan = json!({ "weekly": (1..=7).map(|weekday| json!({ "weekday": weekday, "start": "10:00",
            "end": "14:00", "slot_minutes": 30, "valid_from": "2026-01-01" })).collect::<Vec<_>>() });
        w.put(&there, &format!("{path}/hours"), plan).await.expect(200);
        let first = |hours: &Value| hours["weekly"][0]["start"].clone();
        assert_eq!(first(&w.get(&w.doctor, &format!("{path}/hours")).await.expect(200)), "08:00");
        assert_eq!(first(&w.get(&boss, &format!("{path}/hours")).await.expect(200)), "10:00");

        let here = w.accepted().await;
        let mut invitation = w.invitation(1);
        invitation["hospital_id"] = json!(other);
        let elsewhere = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
        let elsewhere = elsewhere["id"].as_str().unwrap().to_owned();
        w.step(&there, &elsewhere, "accept", Value::Null).await.expect(200);
        let at = |time: &str, room: usize| {
            let mut body = w.at(time);
            body["room_id"] = json!(w.rooms[room]);
            body
        };
        let early = w.step(&w.nurse, &elsewhere, "schedule", at("2026-11-23T00:30:00Z", 1)).await;
        early.refused(422, "invalid");
        let (a, b) = tokio::join!(
            w.step(&w.nurse, &here, "schedule", at("2026-11-23T02:30:00Z", 0)),
            w.step(&w.nurse, &elsewhere, "schedule", at("2026-11-23T02:30:00Z", 1)),
        );
        let mut got = [a.status.as_u16(), b.status.as_u16()];
        got.sort_unstable();
        assert_eq!(got, [200, 409], "{}: {} {}", w.engine, a.text, b.text);
        let (refused, loser) = if a.status == 409 { (a, &here) } else { (b, &elsewhere) };
        assert_eq!(refused.problem(), "slot-taken");
        let range = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";
        let free = w.get(&w.nurse, &format!("/v1/consults/{loser}/slots?{range}")).await.expect(200);
        let free = free["items"].as_array().unwrap();
        let own: Vec<&Value> = free.iter().filter(|slot| slot["doctor_id"] == json!(w.doctor.id)).collect();
        assert!(!own.is_empty(), "{}: {free:?}", w.engine);
        assert!(own.iter().all(|slot| slot["starts_at"] != "2026-11-23T02:30:00Z"), "{}: {own:?}", w.engine);
        // Who has left the other hospital is invited there no more.
        let mut tx = w.db.begin().await.unwrap();
        let leave = "delete from membership where account_id = $1 and organisation_id = $2";
        sanbao_platform::on!(tx, |c| sqlx::query(leave).bind(w.doctor.id).bind(other).execute(c).await.map(drop))
            .unwrap();
        tx.commit().await.unwrap();
        let left = w.get(&w.nurse, &format!("/v1/practitioners?hospital={other}")).await.expect(200);
        assert!(!left.to_string().contains(&w.doctor.id.to_string()), "{left}");
    })
    .await;
}
