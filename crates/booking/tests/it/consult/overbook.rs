//! One more than there is time for (加号): by a word and a reason alone, the doctor's time alone, and told everywhere.

use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::World;

const BOOKED: &str = "2026-11-23T00:30:00Z";
const ROWS: &str = "select count(*) from occupancy";
const INVITE_ANOTHER: &str = "update consult set invited_id = $2 where id = $1";
const BESIDE: &str = "select count(*) from occupancy where lane = 1";

/// An accepted consult of a resident.
async fn accepted(w: &World, resident: Uuid) -> String {
    let mut invitation = w.invitation(0);
    invitation["resident_id"] = json!(resident);
    let body = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
    id
}

fn time(room: Uuid, starts_at: &str) -> Value {
    json!({ "room_id": room, "starts_at": starts_at })
}

fn by_word(room: Uuid, starts_at: &str) -> Value {
    json!({ "room_id": room, "starts_at": starts_at, "overbook": { "reason": "下午要转院，今天必须看" } })
}

async fn schedule(w: &World, who: &Person, id: &str, body: Value) -> Answer {
    w.step(who, id, "schedule", body).await
}

/// The first consult at 00:30, and the second one beside it.
async fn two_at_once(w: &World) -> (String, String) {
    let first = w.scheduled().await;
    let second = accepted(w, w.residents[1]).await;
    schedule(w, &w.doctor, &second, by_word(w.rooms[1], BOOKED)).await.expect(200);
    (first, second)
}

#[tokio::test]
async fn a_taken_time_is_given_by_the_word_of_the_doctor_or_the_hospital_alone() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, second) = (w.scheduled().await, accepted(&w, w.residents[1]).await);
        let refused = schedule(&w, &w.nurse, &second, time(w.rooms[1], BOOKED)).await.refused(409, "slot-taken");
        assert!(refused.body["overbook"].is_null(), "the house has no word in it: {}", refused.text);
        schedule(&w, &w.nurse, &second, by_word(w.rooms[1], BOOKED)).await.refused(403, "forbidden");
        for who in [&w.doctor, &w.hospital_admin] {
            let refused = schedule(&w, who, &second, time(w.rooms[1], BOOKED)).await.refused(409, "slot-taken");
            let beside = &refused.body["overbook"]["conflicts_with"];
            assert_eq!((&beside[0]["consult_id"], &beside[1]), (&json!(first), &Value::Null), "{}", refused.text);
        }
        for reason in [String::new(), " ".to_owned(), "字".repeat(201)] {
            let mut body = by_word(w.rooms[1], BOOKED);
            body["overbook"]["reason"] = json!(reason);
            let refused = schedule(&w, &w.doctor, &second, body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/overbook/reason");
        }
        let mut other = by_word(w.rooms[1], BOOKED);
        other["doctor_id"] = json!(w.second_doctor.id);
        schedule(&w, &w.doctor, &second, other).await.refused(403, "forbidden");
        assert_eq!(w.count(ROWS).await, 3, "{}: nothing is half done", w.engine);
        let mut longest = by_word(w.rooms[1], BOOKED);
        longest["overbook"]["reason"] = json!("字".repeat(200));
        let booked = schedule(&w, &w.doctor, &second, longest).await.expect(200);
        assert_eq!(booked["appointment"]["overbooked"], true);
        assert_eq!((w.count(ROWS).await, w.count(BESIDE).await), (6, 1), "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn it_is_told_in_history_audit_events_and_on_the_pages() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, second) = two_at_once(&w).await;
        let view = w.get(&w.nurse, &format!("/v1/consults/{second}")).await.expect(200);
        let line = view["history"].as_array().unwrap().last().unwrap();
        let told = (&line["action"], &line["overbooked"], &line["note"], &line["actor_name"]);
        let reason = json!("下午要转院，今天必须看");
        assert_eq!(told, (&json!("schedule"), &json!(true), &reason, &json!("李医生")), "{}", w.engine);
        assert_eq!(w.audited(&second).await.iter().filter(|action| *action == "consult.overbook").count(), 1);
        let events = w.events(&second).await;
        assert_eq!(events[events.len() - 2..], ["booking.consult.scheduled", "booking.consult.overbooked"]);
        let of_first = w.get(&w.nurse, &format!("/v1/consults/{first}")).await.expect(200);
        assert_eq!(of_first["appointment"]["overbooked"], false, "the first one was booked as any");
        for (who, page) in [(&w.nurse, "/consults"), (&w.doctor, "/consults"), (&w.nurse, "/consults/day-sheet")] {
            let text = w.get(who, page).await.text;
            assert_eq!(text.matches(">加号</span>").count(), 1, "{page}: {text}");
        }
        let page = w.get(&w.doctor, &format!("/consults/{second}")).await.text;
        assert!(page.contains(">加号</span>") && page.contains("加号：下午要转院，今天必须看"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn one_more_is_the_most_and_neither_resident_nor_room_is_taken_twice() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let same_resident = w.accepted().await;
        schedule(&w, &w.doctor, &same_resident, by_word(w.rooms[1], BOOKED)).await.refused(409, "slot-taken");
        let second = accepted(&w, w.residents[1]).await;
        let same_room = schedule(&w, &w.doctor, &second, by_word(w.rooms[0], BOOKED)).await.refused(409, "slot-taken");
        assert!(same_room.body["overbook"].is_null(), "a word would not help: {}", same_room.text);
        let any_room = json!({ "starts_at": BOOKED, "overbook": { "reason": "家属只有上午在" } });
        let booked = schedule(&w, &w.hospital_admin, &second, any_room).await.expect(200);
        assert_eq!(booked["appointment"]["room_id"], json!(w.rooms[1]), "{}", w.engine);
        let (resident, room) = w.one_more().await;
        let third = accepted(&w, resident).await;
        let full = schedule(&w, &w.doctor, &third, by_word(room, BOOKED)).await.refused(409, "overbook-full");
        assert!(
            full.body["alternatives"][0]["starts_at"].is_string() && full.body["overbook"].is_null(),
            "{}",
            full.text
        );
        let view = w.get(&w.nurse, &format!("/v1/consults/{third}")).await.expect(200);
        assert_eq!((&view["state"], w.count(ROWS).await), (&json!("accepted"), 6));
    })
    .await;
}

#[tokio::test]
async fn the_second_stays_when_the_first_goes_and_nobody_comes_beside_it_unsaid() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, second) = two_at_once(&w).await;
        let (resident, room) = w.one_more().await;
        w.step(&w.nurse, &first, "reschedule", time(w.rooms[0], "2026-11-23T02:00:00Z")).await.expect(200);
        let view = w.get(&w.nurse, &format!("/v1/consults/{second}")).await.expect(200);
        let stays = (&view["appointment"]["starts_at"], &view["appointment"]["overbooked"]);
        assert_eq!(stays, (&json!(BOOKED), &json!(true)), "{}", w.engine);
        let third = accepted(&w, resident).await;
        schedule(&w, &w.nurse, &third, time(room, BOOKED)).await.refused(409, "slot-taken");
        let hold = json!({ "resident_id": resident, "hospital_id": w.hospital, "doctor_id": w.doctor.id,
            "starts_at": BOOKED });
        w.post(&w.nurse, "/v1/consult-holds", hold).await.refused(409, "slot-taken");
        // Its own room changes without another word; and it leaves its place for any other time.
        let other_room = w.step(&w.nurse, &second, "reschedule", time(room, BOOKED)).await.expect(200);
        assert_eq!(other_room["appointment"]["overbooked"], true);
        w.step(&w.nurse, &first, "exchange", json!({ "with": second })).await.expect(200);
        let view = w.get(&w.nurse, &format!("/v1/consults/{second}")).await.expect(200);
        assert_eq!((&view["appointment"]["overbooked"], w.count(BESIDE).await), (&json!(false), 0), "{}", w.engine);
        // A word that is not needed is of no effect.
        let free = schedule(&w, &w.doctor, &third, by_word(room, "2026-11-23T03:00:00Z")).await.expect(200);
        assert_eq!(free["appointment"]["overbooked"], false);
        assert!(!w.audited(&third).await.contains(&"consult.overbook".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_passed_by_the_word_and_hours_and_the_past_are_not() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let rules = format!("/v1/practitioners/{}/rules", w.doctor.id);
        let rule = json!({ "day_max": 1, "session_max": 1, "before_minutes": 30, "notice_hours": 6 });
        w.call(Some(&w.doctor), "PUT", &rules, Some(rule), &[("if-match", "\"0\"")]).await.expect(200);
        let second = accepted(&w, w.residents[1]).await;
        let refused = schedule(&w, &w.doctor, &second, time(w.rooms[1], "2026-11-23T02:00:00Z")).await;
        let refused = refused.refused(409, "notice-too-short");
        assert_eq!(refused.body["overbook"]["conflicts_with"], json!([]), "only a rule: {}", refused.text);
        for outside in ["2026-11-23T12:00:00Z", "2026-11-22T00:30:00Z"] {
            let refused = schedule(&w, &w.doctor, &second, by_word(w.rooms[1], outside)).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/starts_at", "{outside}");
        }
        let begun = schedule(&w, &w.doctor, &second, by_word(w.rooms[1], "2026-11-23T00:00:00Z")).await;
        assert_eq!(begun.refused(422, "invalid").body["errors"][0]["pointer"], "/starts_at");
        let booked = schedule(&w, &w.doctor, &second, by_word(w.rooms[1], "2026-11-23T02:00:00Z")).await.expect(200);
        assert_eq!((&booked["appointment"]["overbooked"], w.count(BESIDE).await), (&json!(true), 0), "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn the_page_offers_what_is_taken_with_whom_to_those_who_may() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let second = accepted(&w, w.residents[1]).await;
        let page = format!("/consults/{second}");
        for who in [&w.doctor, &w.hospital_admin] {
            let text = w.get(who, &page).await.text;
            assert!(text.contains("id=\"overbook-schedule\""), "{text}");
            assert!(text.contains("08:30–09:00 · 与陈奶奶0（招宝山颐养院）同时"), "{text}");
        }
        let text = w.get(&w.nurse, &page).await.text;
        assert!(!text.contains("overbook-schedule") && !text.contains("陈奶奶0"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn an_administrator_has_no_word_beside_another_hospitals_consult() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let first: Uuid = w.scheduled().await.parse().unwrap();
        let mut tx = w.db.begin().await.unwrap();
        let elsewhere = w.stranger_doctor.organisation;
        on!(tx, |c| sqlx::query(INVITE_ANOTHER).bind(first).bind(elsewhere).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let second = accepted(&w, w.residents[1]).await;
        let offered = schedule(&w, &w.hospital_admin, &second, time(w.rooms[1], BOOKED)).await;
        let offered = offered.refused(409, "slot-taken");
        assert!(offered.body["overbook"].is_null(), "{}: nothing is offered: {}", w.engine, offered.text);
        let refused = schedule(&w, &w.hospital_admin, &second, by_word(w.rooms[1], BOOKED)).await;
        let refused = refused.refused(403, "forbidden");
        assert!(!refused.text.contains(&first.to_string()), "it is not said whose: {}", refused.text);
        assert_eq!(w.count(ROWS).await, 3, "{}: nothing is half done", w.engine);
        schedule(&w, &w.doctor, &second, by_word(w.rooms[1], BOOKED)).await.expect(200);
    })
    .await;
}
