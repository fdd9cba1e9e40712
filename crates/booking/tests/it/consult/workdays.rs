//! Public holidays hide the weekly hours of doctors; what a hospital says of a day goes before them.

use std::collections::BTreeMap;

use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

/// Three days before the National Day of 2026.
const BEFORE: &str = "2026-09-28T00:00:00Z";
const DAYS: &str = "from=2026-09-29T16:00:00Z&to=2026-10-11T16:00:00Z";

async fn world(engine: &sanbao_platform::testing::TestEngine, zone: &str) -> World {
    World::at_time(engine, zone, BEFORE).await
}

/// How many free times of the doctor begin on each day of the hospital.
async fn free(w: &World, query: &str) -> BTreeMap<String, usize> {
    let path = format!("/v1/slots?{query}&specialty=cardiology&doctor={}&limit=200", w.doctor.id);
    let page = w.get(&w.nurse, &path).await.expect(200);
    let mut days = BTreeMap::new();
    for slot in page["items"].as_array().unwrap() {
        *days.entry(slot["starts_at"].as_str().unwrap()[..10].to_owned()).or_default() += 1;
    }
    days
}

fn days(of: &BTreeMap<String, usize>) -> Vec<&str> {
    of.keys().map(String::as_str).collect()
}

async fn say(w: &World, who: &Person, body: Value, version: &str) -> Answer {
    let with = [("if-match", version)];
    let with = if version.is_empty() { &[][..] } else { &with[..] };
    w.call(Some(who), "PUT", &format!("/v1/organisations/{}/workdays", w.hospital), Some(body), with).await
}

async fn extra(w: &World, date: &str) {
    let line = json!({ "kind": "extra", "date": date, "start": "14:00", "end": "15:00", "slot_minutes": 30 });
    w.post(&w.doctor, &format!("/v1/practitioners/{}/exceptions", w.doctor.id), line).await.expect(201);
}

#[tokio::test]
async fn nobody_is_offered_on_a_public_holiday_but_by_extra_hours() {
    on_both(|engine| async move {
        let w = world(&engine, "Asia/Shanghai").await;
        let usual = ["2026-09-30", "2026-10-08", "2026-10-09", "2026-10-10", "2026-10-11"];
        assert_eq!(days(&free(&w, DAYS).await), usual, "{}", w.engine);
        let mut invitation = w.invitation(0);
        invitation["wanted_from"] = json!(BEFORE);
        invitation["wanted_until"] = json!("2026-10-12T00:00:00Z");
        let id = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201)["id"].as_str().unwrap().to_owned();
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        let refused = w.step(&w.nurse, &id, "schedule", w.at("2026-10-01T00:30:00Z")).await;
        assert!(refused.status == 422 && refused.text.contains("/starts_at"), "{}", refused.text);
        extra(&w, "2026-10-01").await;
        assert_eq!(free(&w, DAYS).await["2026-10-01"], 2, "the extra hours alone");
        w.step(&w.nurse, &id, "schedule", w.at("2026-10-01T06:00:00Z")).await.expect(200);
        assert_eq!(free(&w, DAYS).await["2026-10-01"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_hospital_says_how_it_works_on_a_day() {
    on_both(|engine| async move {
        let w = world(&engine, "Asia/Shanghai").await;
        // The doctor has hours on Wednesday afternoon alone.
        let plan = json!({ "weekly": [{ "weekday": 3, "start": "13:00", "end": "15:00", "slot_minutes": 30,
            "valid_from": "2026-01-01" }] });
        w.put(&w.doctor, &format!("/v1/practitioners/{}/hours", w.doctor.id), plan).await.expect(200);
        assert_eq!(days(&free(&w, DAYS).await), ["2026-09-30"], "{}", w.engine);
        let admin = &w.hospital_admin;
        say(&w, admin, json!({ "date": "2026-10-10", "works_as": "wednesday" }), "").await.expect(200);
        let worked = say(&w, admin, json!({ "date": "2026-10-07", "works_as": "wednesday" }), "").await.expect(200);
        assert_eq!((&worked["kind"], &worked["holiday"]), (&json!("holiday"), &json!("国庆节")), "{worked}");
        say(&w, admin, json!({ "date": "2026-09-30", "works_as": "closed" }), "").await.expect(200);
        let found = free(&w, DAYS).await;
        assert_eq!(days(&found), ["2026-10-07", "2026-10-10"], "{}", w.engine);
        assert_eq!(found["2026-10-10"], 4);
        let others = format!("/v1/slots?{DAYS}&specialty=cardiology&doctor={}", w.second_doctor.id);
        let slots = w.get(&w.nurse, &others).await;
        assert!(slots.text.contains("2026-10-07"), "the hospital's other doctors too, by their Wednesday");
        say(&w, admin, json!({ "date": "2026-10-07" }), "").await.expect(200);
        assert_eq!(days(&free(&w, DAYS).await), ["2026-10-10"]);
        let audited = w.audited(&w.hospital.to_string()).await;
        assert_eq!(audited.iter().filter(|action| *action == "organisation.workday").count(), 4, "{audited:?}");
    })
    .await;
}

#[tokio::test]
async fn a_day_that_is_closed_names_those_who_are_booked() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let booked = w.scheduled().await;
        let closed = json!({ "date": "2026-11-23", "works_as": "closed" });
        let answer = say(&w, &w.hospital_admin, closed, "").await.expect(200);
        assert_eq!(answer["affected"][0]["consult_id"], json!(booked), "{}: {answer}", w.engine);
        let hours = w.get(&w.doctor, &format!("/v1/practitioners/{}/hours", w.doctor.id)).await.expect(200);
        assert_eq!(hours["outside"][0]["starts_at"], "2026-11-23T00:30:00Z", "{hours}");
        assert_eq!(w.get(&w.nurse, &format!("/v1/consults/{booked}")).await.expect(200)["state"], "scheduled");
    })
    .await;
}

#[tokio::test]
async fn two_who_say_something_of_one_day_do_not_overwrite_each_other() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let day = |works_as: &str| json!({ "date": "2026-12-24", "works_as": works_as });
        let said = say(&w, &w.hospital_admin, day("closed"), "\"1\"").await.expect(200);
        let late = say(&w, &w.hospital_admin, day("sunday"), "\"1\"").await;
        assert_eq!(late.status, 412, "{}", late.text);
        let seen = format!("\"{}\"", said["version"]);
        say(&w, &w.hospital_admin, day("sunday"), &seen).await.expect(200);
        for (body, pointer) in [
            (json!({ "date": "2026-11-22" }), "/date"),
            (json!({ "date": "2028-11-22" }), "/date"),
            (json!({ "date": "2026-12-24", "works_as": "never" }), "works_as"),
            (json!({ "date": "2026-12-24", "more": 1 }), "more"),
        ] {
            let refused = say(&w, &w.hospital_admin, body.clone(), "").await;
            assert!(refused.status == 422 && refused.text.contains(pointer), "{body}: {}", refused.text);
        }
        for (who, status) in [(&w.doctor, 403), (&w.nurse, 404), (&w.stranger_doctor, 404), (&w.dispatcher, 404)] {
            assert_eq!(say(&w, who, day("monday"), "").await.status, status, "{}", who.name);
            let path = format!("/v1/organisations/{}/workdays", w.hospital);
            assert_eq!(w.get(who, &path).await.status, status, "{}", who.name);
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_year_whose_holidays_are_not_known_each_day_is_its_weekday_and_the_page_says_so() {
    on_both(|engine| async move {
        let w = World::at_time(&engine, "Asia/Shanghai", "2026-12-28T00:00:00Z").await;
        let found = free(&w, "from=2026-12-30T16:00:00Z&to=2027-01-02T16:00:00Z").await;
        assert_eq!(days(&found), ["2026-12-31", "2027-01-01", "2027-01-02"], "{}", w.engine);
        let path = format!("/v1/organisations/{}/workdays", w.hospital);
        let view = w.get(&w.hospital_admin, &path).await.expect(200);
        assert_eq!((&view["unknown_years"], &view["days"]), (&json!([2027, 2028]), &json!([])), "{view}");
        assert_eq!(view["notices"][0]["number"], "国办发明电〔2025〕7号");
        let page = w.call(Some(&w.hospital_admin), "GET", "/practitioners/days", None, &[("accept-language", "zh-CN")]);
        let page = page.await;
        assert!(page.status == 200 && page.text.contains("2027 年的放假安排还没有收录"), "{}", page.text);
        assert!(page.text.contains("国办发明电〔2025〕7号"), "{}", page.text);
        assert_eq!(w.get(&w.doctor, "/practitioners/days").await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn a_hospital_elsewhere_has_other_holidays() {
    on_both(|engine| async move {
        let w = world(&engine, "Europe/Berlin").await;
        let found = free(&w, "from=2026-09-30T00:00:00Z&to=2026-10-04T00:00:00Z").await;
        assert_eq!(days(&found), ["2026-09-30", "2026-10-01", "2026-10-02", "2026-10-03"], "{}", w.engine);
        let view = w.get(&w.hospital_admin, &format!("/v1/organisations/{}/workdays", w.hospital)).await.expect(200);
        assert_eq!((&view["days"], &view["unknown_years"], &view["notices"]), (&json!([]), &json!([]), &json!([])));
    })
    .await;
}
