//! Times that an invitation asks for: held from its sending until the hospital answers, and booked by the doctor who is asked.

use std::time::Duration;

use sanbao_booking::consult::jobs::{expire, forget_holds};
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::holds::{
    ENDING, FIRST, HOLDS, ROWS, SECOND, asking, nurses, sent, starts, times, view, whole, wish,
};
use crate::consult::rooms::colleague;
use crate::consult::world::World;

#[tokio::test]
async fn an_organisation_waits_with_so_many_times_held() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut first = String::new();
        for (resident, doctor, at) in times(&w, 50) {
            let view = w.post(&w.nurse, "/v1/consults", asking(&w, resident, &doctor, &at)).await.expect(201);
            first = view["id"].as_str().unwrap().to_owned();
        }
        let last = asking(&w, 0, &w.doctor, FIRST);
        w.post(&w.nurse, "/v1/consults", last.clone()).await.refused(409, "too-many-held");
        w.post(&w.nurse, "/v1/consults", w.invitation(0)).await.expect(201);
        w.step(&w.nurse, &first, "cancel", json!({ "reason": "好转" })).await.expect(200);
        w.post(&w.nurse, "/v1/consults", last).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn the_asked_doctor_books_by_taking_it_on() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let id = sent(&w).await;
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 3), "the hold went over into it");
        whole(&w).await;
        let asked = view(&w, &id).await["asked"].clone();
        assert_eq!((&asked["doctor_name"], &asked["ends_at"]), (&json!("李医生"), &json!(SECOND)));
        // It stands longer than ten minutes, and no job takes it.
        w.clock.advance(Duration::from_mins(20));
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 0);
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        let page = w.page(&w.doctor, &format!("/consults/{id}")).await;
        assert!(page.text.contains("所求时间") && page.text.contains("李医生"), "{}", page.text);
        let booked = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&booked["state"], &booked["appointment"]["starts_at"]), (&json!("scheduled"), &json!(FIRST)));
        assert_eq!(booked["appointment"]["room_id"], json!(w.rooms[0]));
        let steps: Vec<&str> =
            booked["history"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(steps, ["create", "submit", "accept", "schedule"]);
        let events = w.events(&id).await;
        assert_eq!(events[events.len() - 2..], ["booking.consult.accepted", "booking.consult.scheduled"]);
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 0));
        whole(&w).await;
        w.step(&w.nurse, &id, "reschedule", json!({ "starts_at": SECOND })).await.expect(200);
        assert_eq!(w.count(ROWS).await, 3);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn another_doctor_who_takes_it_on_gives_the_time_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = sent(&w).await;
        let accepted = w.step(&w.second_doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&accepted["state"], &accepted["appointment"]), (&json!("accepted"), &Value::Null));
        assert_eq!(w.count(ROWS).await, 0);
        w.step(&w.nurse, &id, "schedule", json!({ "starts_at": FIRST })).await.expect(200);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_another_kind_gives_the_time_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let why = json!({ "reason": "资料不全" });
        for (who, step) in [(&w.doctor, "return"), (&w.doctor, "reject"), (&w.nurse, "cancel")] {
            let id = sent(&w).await;
            assert_eq!(w.count(ENDING).await, 3);
            w.step(who, &id, step, why.clone()).await.expect(200);
            assert_eq!(w.count(ROWS).await, 0, "{step}");
        }
        let id = sent(&w).await;
        w.clock.advance(Duration::from_hours(4 * 24 + 11));
        assert_eq!(expire(&w.db, &w.clock).await.unwrap(), 2, "the returned one too");
        assert_eq!((&view(&w, &id).await["state"], w.count(ROWS).await), (&json!("expired"), 0));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_returned_asks_anew() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        let id = sent(&w).await;
        w.step(&w.doctor, &id, "return", json!({ "reason": "请补充化验" })).await.expect(200);
        // Sent again as it is while somebody else has the time, and with another time.
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.expect(201);
        let refused = w.step(&w.nurse, &id, "submit", Value::Null).await.refused(409, "slot-taken");
        assert_eq!(starts(&refused)[0], "2026-11-23T00:00:00Z");
        let path = format!("/v1/consults/{id}");
        let taken = w.put(&w.nurse, &path, asking(&w, 0, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        assert!(!starts(&taken).is_empty());
        assert_eq!(view(&w, &id).await["state"], "returned");
        // About another person, who is held in the place of the first one.
        let again = w.put(&w.nurse, &path, asking(&w, 1, &w.second_doctor, SECOND)).await.expect(200);
        assert_eq!((&again["state"], &again["asked"]["starts_at"]), (&json!("submitted"), &json!(SECOND)));
        assert_eq!(w.count(ENDING).await, 6);
        w.post(&w.nurse, HOLDS, wish(&w, 1, &w.doctor, SECOND)).await.refused(409, "slot-taken");
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.expect(201);
        // A time that is asked for no more is held no more.
        w.step(&w.doctor, &id, "return", json!({ "reason": "再补充" })).await.expect(200);
        let without = w.put(&w.nurse, &path, w.invitation(1)).await.expect(200);
        assert_eq!((&without["state"], &without["asked"]), (&json!("submitted"), &Value::Null));
        let accepted = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!(accepted["state"], "accepted");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_after_the_end_of_what_was_held_books_only_what_is_free() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let late = |resident| {
            let mut invitation = asking(&w, resident, &w.doctor, FIRST);
            invitation["wanted_until"] = json!("2026-11-23T00:40:00Z");
            invitation
        };
        let first = w.post(&w.nurse, "/v1/consults", late(0)).await.expect(201);
        w.clock.advance(Duration::from_mins(41));
        let second = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let [first, second] = [&first, &second].map(|view| view["id"].as_str().unwrap().to_owned());
        w.step(&w.second_doctor, &second, "accept", Value::Null).await.expect(200);
        let body = json!({ "starts_at": FIRST, "doctor_id": w.doctor.id });
        w.step(&w.nurse, &second, "schedule", body).await.expect(200);
        let answered = w.step(&w.doctor, &first, "accept", Value::Null).await.expect(200);
        assert_eq!((&answered["state"], &answered["appointment"]), (&json!("accepted"), &Value::Null));
        assert_eq!(w.count(ROWS).await, 3);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn a_joined_resident_keeps_what_is_held() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let staff = nurses(&w, 2).await;
        let invitation = asking(&w, 1, &w.doctor, FIRST);
        let id = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201)["id"].as_str().unwrap().to_owned();
        // An ended hold of the survivor at the same time is in nobody's way; one that stands is not overlapped.
        w.post(&staff[0], HOLDS, wish(&w, 0, &w.second_doctor, FIRST)).await.expect(201);
        w.clock.advance(Duration::from_mins(11));
        w.post(&staff[1], HOLDS, wish(&w, 0, &w.second_doctor, SECOND)).await.expect(201);
        let join = json!({ "other": w.residents[1] });
        let joined = w.post(&w.nurse, &format!("/v1/persons/{}/join", w.residents[0]), join).await.expect(200);
        assert_eq!(joined["conflicts"], json!([]));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.second_doctor, FIRST)).await.refused(409, "slot-taken");
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.refused(409, "slot-taken");
        let booked = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&booked["state"], &booked["resident"]["id"]), (&json!("scheduled"), &json!(w.residents[0])));
        forget_holds(&w.db, &w.clock).await.unwrap();
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (6, 3));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_is_bounded() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let foreign = w.foreign_room().await;
        let asked = |doctor: Uuid, starts_at: &str| json!({ "doctor_id": doctor, "starts_at": starts_at });
        let mut elsewhere = asked(w.doctor.id, FIRST);
        elsewhere["room_id"] = json!(foreign);
        for (asked, pointer) in [
            (asked(w.doctor.id, "2026-11-22T00:30:00Z"), "/asked/starts_at"),
            (asked(w.doctor.id, "2026-11-28T00:30:00Z"), "/asked/starts_at"),
            (asked(w.doctor.id, "2026-11-23T00:40:00Z"), "/asked/starts_at"),
            (asked(w.skin_doctor.id, FIRST), "/asked/doctor_id"),
            (asked(w.stranger_doctor.id, FIRST), "/asked/doctor_id"),
            (asked(w.nurse.id, FIRST), "/asked/doctor_id"),
            (elsewhere, "/asked/room_id"),
        ] {
            let mut body = w.invitation(0);
            body["asked"] = asked;
            let refused = w.post(&w.nurse, "/v1/consults", body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        let mut room = wish(&w, 0, &w.doctor, FIRST);
        room["room_id"] = json!(foreign);
        let mut resident = wish(&w, 0, &w.doctor, FIRST);
        resident["resident_id"] = json!(w.doctor.id);
        for (body, pointer) in [
            (room, "/room_id"),
            (resident, "/resident_id"),
            (wish(&w, 0, &w.nurse, FIRST), "/doctor_id"),
            (wish(&w, 0, &w.doctor, "2026-11-23T00:40:00Z"), "/starts_at"),
            (wish(&w, 0, &w.doctor, "9999-11-23T00:30:00Z"), "/starts_at"),
        ] {
            let refused = w.post(&w.nurse, HOLDS, body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        for who in [&w.doctor, &w.hospital_admin] {
            w.post(who, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.refused(403, "forbidden");
        }
        let stranger = w.post(&w.stranger_nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.refused(422, "invalid");
        assert_eq!(stranger.body["errors"][0]["pointer"], "/resident_id");
        assert_eq!(w.count(ENDING).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_urgent_is_answered_first() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut ids = Vec::new();
        for urgency in [None, Some("urgent"), Some("stat"), Some("routine")] {
            let mut invitation = w.invitation(0);
            if let Some(urgency) = urgency {
                invitation["urgency"] = json!(urgency);
            }
            let view = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
            assert_eq!(view["urgency"], urgency.unwrap_or("routine"));
            ids.push(view["id"].as_str().unwrap().to_owned());
            w.clock.advance(Duration::from_mins(1));
        }
        for who in [&w.doctor, &w.hospital_admin] {
            let page = w.page(who, "/consults").await.text;
            let places: Vec<_> =
                [2, 1, 0, 3].map(|n: usize| page.find(&format!("/consults/{}\"", ids[n])).unwrap()).into();
            assert!(places.is_sorted(), "{places:?}");
            assert!(page.contains("特急"));
        }
        let mut invitation = w.invitation(0);
        invitation["urgency"] = json!("whenever");
        w.post(&w.nurse, "/v1/consults", invitation).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn the_next_free_times_are_offered_with_the_question() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let path = format!("/consults/times?resident={}&wish={}%7Ccardiology&title=chief", w.residents[1], w.hospital);
        let part = w.page(&w.nurse, &path).await.checked(200).text;
        let offers = |doctor: &Person, at: &str| part.contains(&format!("value=\"{}|{}", doctor.id, &at[..19]));
        assert!(offers(&w.second_doctor, FIRST) && offers(&w.doctor, SECOND), "{part}");
        let held = part.split("<label").find(|choice| choice.contains("现在选的")).unwrap();
        assert!(
            held.contains(&w.doctor.id.to_string()) && held.contains(&FIRST[..19]) && held.contains(" checked"),
            "{part}"
        );
        let others = w.page(&colleague(&w).await, &path).await.checked(200).text;
        assert!(
            !others.contains(&format!("value=\"{}|{}", w.doctor.id, &FIRST[..19])),
            "not free for others: {others}"
        );
        assert!(part.contains("11月23日") && part.contains("上午") && !part.contains("下午"));
        assert!(
            !w.page(&w.nurse, &path.replace(&w.residents[1].to_string(), &w.residents[0].to_string()))
                .await
                .text
                .contains(&format!("value=\"{}|{}", w.second_doctor.id, &FIRST[..19]))
        );
        w.page(&w.nurse, &path.replace("cardiology", "nothing")).await.checked(200);
        w.page(&w.nurse, "/consults/times?wish=nonsense").await.checked(404);
        w.page(&w.stranger_nurse, &path).await.checked(404);
        w.page(&w.doctor, &path).await.checked(403);
        // One that was returned has its own urgency and time chosen.
        let mut invitation = asking(&w, 1, &w.doctor, SECOND);
        invitation["urgency"] = json!("stat");
        let view = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
        let id = view["id"].as_str().unwrap();
        w.step(&w.doctor, id, "return", json!({ "reason": "请补充化验" })).await.expect(200);
        let form = w.page(&w.nurse, &format!("/consults/new?id={id}")).await.checked(200).text;
        assert!(form.contains("value=\"stat\" checked"), "{form}");
        let chosen = form.split("name=\"asked\"").find(|input| input.split('>').next().unwrap().contains(" checked"));
        assert!(chosen.unwrap().contains(&SECOND[..19]), "{form}");
    })
    .await;
}
