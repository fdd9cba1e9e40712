//! The rules of a doctor's calendar, kept by the search and by every booking.

use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

const DAY: &str = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";

/// The free times of the first doctor in the morning.
async fn free(w: &World) -> Vec<String> {
    let path = format!("/v1/slots?{DAY}&specialty=cardiology&doctor={}&limit=200", w.doctor.id);
    let page = w.get(&w.nurse, &path).await.expect(200);
    let hour = |slot: &Value| slot["starts_at"].as_str().unwrap()[11..16].to_owned();
    page["items"].as_array().unwrap().iter().map(hour).collect()
}

async fn rule(w: &World, who: &Person, body: Value, version: &str) -> Answer {
    let path = format!("/v1/practitioners/{}/rules", w.doctor.id);
    w.call(Some(who), "PUT", &path, Some(body), &[("if-match", version)]).await
}

/// An accepted consult of the second resident.
async fn accepted(w: &World) -> String {
    let body = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
    id
}

async fn book(w: &World, id: &str, at: &str) -> Answer {
    let time = json!({ "room_id": w.rooms[1], "starts_at": format!("2026-11-23T{at}:00Z") });
    w.step(&w.nurse, id, "schedule", time).await
}

#[tokio::test]
async fn time_between_two_is_kept_free_and_what_is_booked_keeps_its_time() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        assert_eq!(free(&w).await, ["00:00", "01:00", "01:30", "02:00", "02:30", "03:00", "03:30"], "{}", w.engine);
        let apart = json!({ "before_minutes": 10, "after_minutes": 10 });
        rule(&w, &w.hospital_admin, apart, "\"0\"").await.expect(200);
        assert_eq!(free(&w).await, ["01:30", "02:00", "02:30", "03:00", "03:30"], "{}", w.engine);
        let id = accepted(&w).await;
        let refused = book(&w, &id, "01:00").await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "too-close"), "{}", refused.text);
        assert!(refused.body["alternatives"][0]["starts_at"].is_string(), "{}", refused.text);
        book(&w, &id, "01:30").await.expect(200);
        let view = w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200);
        assert_eq!(view["appointment"]["ends_at"], "2026-11-23T02:00:00Z");
        assert_eq!(free(&w).await, ["02:30", "03:00", "03:30"]);
    })
    .await;
}

#[tokio::test]
async fn notice_and_numbers_are_kept() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let id = accepted(&w).await;
        for (version, body, at, problem) in [
            ("\"0\"", json!({ "notice_hours": 2 }), "01:30", "notice-too-short"),
            ("\"1\"", json!({ "day_max": 1 }), "03:00", "day-full"),
            ("\"2\"", json!({ "session_max": 1 }), "03:00", "session-full"),
        ] {
            rule(&w, &w.doctor, body, version).await.expect(200);
            let refused = book(&w, &id, at).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (409, problem), "{}: {}", w.engine, refused.text);
        }
        assert_eq!(free(&w).await, [""; 0], "the session is full");
        rule(&w, &w.doctor, json!({ "notice_hours": 2 }), "\"3\"").await.expect(200);
        assert_eq!(free(&w).await, ["02:00", "02:30", "03:00", "03:30"], "{}", w.engine);
        let hold = json!({ "resident_id": w.residents[1], "hospital_id": w.hospital, "doctor_id": w.doctor.id,
            "starts_at": "2026-11-23T01:30:00Z" });
        w.post(&w.nurse, "/v1/consult-holds", hold).await.refused(409, "notice-too-short");
        book(&w, &id, "02:00").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_book_the_last_one_of_a_day_one_does() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        rule(&w, &w.doctor, json!({ "day_max": 1 }), "\"0\"").await.expect(200);
        let (one, two) = (w.accepted().await, accepted(&w).await);
        let first = w.step(&w.nurse, &one, "schedule", w.at("2026-11-23T01:00:00Z"));
        let (a, b) = tokio::join!(first, book(&w, &two, "02:00"));
        let mut both = [a.status, b.status];
        both.sort_unstable();
        assert_eq!(both, [200, 409], "{}: {} {}", w.engine, a.text, b.text);
    })
    .await;
}

#[tokio::test]
async fn a_doctors_rule_goes_before_the_hospitals_and_two_editors_do_not_overwrite() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let all = format!("/v1/organisations/{}/calendar-rules", w.hospital);
        let house = json!({ "notice_hours": 48, "day_max": 5 });
        w.put(&w.hospital_admin, &all, house.clone()).await.expect(200);
        assert_eq!(free(&w).await, [""; 0], "{}", w.engine);
        let own = rule(&w, &w.doctor, json!({ "notice_hours": 0 }), "\"0\"").await.expect(200);
        assert_eq!((&own["in_effect"]["notice_hours"], &own["in_effect"]["day_max"]), (&json!(0), &json!(5)), "{own}");
        assert_eq!(free(&w).await.len(), 8);
        assert_eq!(rule(&w, &w.hospital_admin, json!({}), "\"0\"").await.status, 412);
        rule(&w, &w.hospital_admin, json!({}), "\"1\"").await.expect(200);
        assert_eq!(free(&w).await, [""; 0]);
        let wrong = rule(&w, &w.doctor, json!({ "before_minutes": 121, "day_max": 0 }), "\"2\"").await;
        assert!(wrong.status == 422 && wrong.text.contains("/before_minutes"), "{}", wrong.text);
        assert!(wrong.text.contains("/day_max"), "{}", wrong.text);
        let own = format!("/v1/practitioners/{}/rules", w.doctor.id);
        for (who, of_doctor, of_all) in [
            (&w.second_doctor, 403, 403),
            (&w.nurse, 404, 404),
            (&w.stranger_doctor, 404, 404),
            (&w.dispatcher, 404, 404),
        ] {
            assert_eq!(w.put(who, &own, json!({})).await.status, of_doctor, "{}", who.name);
            assert_eq!(w.get(who, &own).await.status, of_doctor, "{}", who.name);
            assert_eq!(w.put(who, &all, house.clone()).await.status, of_all, "{}", who.name);
            assert_eq!(w.get(who, &all).await.status, of_all, "{}", who.name);
        }
        let page = w.get(&w.hospital_admin, &format!("/practitioners/{}", w.doctor.id)).await;
        assert!(page.text.contains("/rules\"") && page.text.contains("data-version=\"2\""), "{}", page.text);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_wait_needs_no_notice_and_keeps_every_other_rule() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let mut invitation = w.invitation(1);
        invitation["urgency"] = json!("stat");
        let body = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
        let id = body["id"].as_str().unwrap().to_owned();
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        let waits = accepted(&w).await;
        rule(&w, &w.doctor, json!({ "notice_hours": 24, "after_minutes": 30 }), "\"0\"").await.expect(200);
        book(&w, &waits, "02:00").await.refused(409, "notice-too-short");
        let refused = book(&w, &id, "01:00").await.refused(409, "too-close");
        let nearest = &refused.body["alternatives"][0]["starts_at"];
        assert_eq!(nearest, "2026-11-23T01:30:00Z", "{}: {}", w.engine, refused.text);
        let path = format!("/v1/consults/{id}/slots?{DAY}");
        let offered = w.get(&w.nurse, &path).await.expect(200);
        let first = offered["items"].as_array().unwrap().iter().find(|slot| slot["doctor_id"] == json!(w.doctor.id));
        assert_eq!(first.unwrap()["starts_at"], "2026-11-23T01:30:00Z", "{}: {offered}", w.engine);
        book(&w, &id, "01:30").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_wait_is_shown_held_and_asked_for_within_the_notice() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        rule(&w, &w.hospital_admin, json!({ "notice_hours": 24 }), "\"0\"").await.expect(200);
        // The other doctor of the specialty has no rule.
        let near = format!("{}|2026-11-23T01:30:00+00:00", w.doctor.id);
        let path = format!("/consults/times?resident={}&wish={}%7Ccardiology", w.residents[1], w.hospital);
        let times =
            async |urgency: &str| w.page(&w.nurse, &format!("{path}&urgency={urgency}")).await.checked(200).text;
        for urgency in ["", "routine", "urgent"] {
            assert!(!times(urgency).await.contains(&near), "{}: {urgency}", w.engine);
        }
        assert!(times("stat").await.contains(&near), "{}", w.engine);
        let mut hold = json!({ "resident_id": w.residents[1], "hospital_id": w.hospital, "doctor_id": w.doctor.id,
            "starts_at": "2026-11-23T01:30:00Z", "urgency": "urgent" });
        w.post(&w.nurse, "/v1/consult-holds", hold.clone()).await.refused(409, "notice-too-short");
        hold["urgency"] = json!("stat");
        w.post(&w.nurse, "/v1/consult-holds", hold.clone()).await.expect(201);
        let mut invitation = w.invitation(1);
        invitation["asked"] = json!({ "doctor_id": w.doctor.id, "starts_at": hold["starts_at"] });
        // It is the consult's urgency that counts in the end.
        w.post(&w.nurse, "/v1/consults", invitation.clone()).await.refused(409, "notice-too-short");
        invitation["urgency"] = json!("stat");
        w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
    })
    .await;
}
