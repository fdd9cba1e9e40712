//! Hours that end over booked appointments: the person who changes them is told which consults have no time, and what to
//! do with each.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::day::many;
use crate::consult::world::World;
use crate::network;

const DAY: &str = "2026-11-24";
const BOOKED: &str = "2026-11-24T00:30:00Z";

/// A consult booked for the day.
async fn booked(w: &World) -> String {
    let id = w.accepted().await;
    w.step(&w.nurse, &id, "schedule", w.at(BOOKED)).await.expect(200);
    id
}

fn exceptions(w: &World) -> String {
    format!("/v1/practitioners/{}/exceptions", w.doctor.id)
}

#[tokio::test]
async fn a_closed_day_names_those_who_are_booked_and_what_to_do_with_each() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (id, today) = (booked(&w).await, w.scheduled().await);
        let closed = json!({ "kind": "closed", "date": DAY });
        let told = w.post(&w.hospital_admin, &exceptions(&w), closed).await.expect(201);
        let [affected] = told["affected"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!((&affected["consult_id"], &affected["starts_at"]), (&json!(id), &json!(BOOKED)));
        assert_eq!(affected["inviting"]["name_zh"], "招宝山颐养院");
        let actions = affected["actions"].as_array().unwrap();
        assert!(["reschedule", "cancel"].iter().all(|step| actions.contains(&json!(step))), "{actions:?}");
        let still = w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200);
        assert_eq!(still["state"], "scheduled", "it stays booked");

        let page = w.get(&w.hospital_admin, &format!("/practitioners/{}", w.doctor.id)).await.text;
        for link in ["#slot-reschedule\"", "?colleague#slot-reschedule-colleague\""] {
            assert!(page.contains(&format!("href=\"/consults/{id}{link}")), "{link} in {page}");
        }
        assert!(page.contains("陈奶奶0") && !page.contains(&format!("/consults/{today}")), "{page}");
        let consult = w.get(&w.hospital_admin, &format!("/consults/{id}")).await.text;
        assert!(consult.contains("?colleague#ask-reschedule-colleague"), "{consult}");
        assert!(!consult.contains("赵医生"), "others' times are looked for when they are asked for");
        let consult = w.get(&w.hospital_admin, &format!("/consults/{id}?colleague")).await.text;
        let first = consult.split_once("id=\"slot-reschedule-colleague\"").unwrap().1;
        let first = first.split_once(&format!("{}|", w.second_doctor.id)).unwrap().1;
        assert!(first.starts_with("2026-11-24T00:30:00"), "the nearest first: {first}");
        for form in ["id=\"slot-reschedule-colleague\"", "换一位医生", "赵医生"] {
            assert!(consult.contains(form), "{form} in {consult}");
        }
        let mut colleague = w.at(BOOKED);
        colleague["doctor_id"] = json!(w.second_doctor.id);
        w.step(&w.hospital_admin, &id, "reschedule", colleague).await.expect(200);
        let page = w.get(&w.doctor, &format!("/practitioners/{}", w.doctor.id)).await.text;
        assert!(!page.contains("id=\"affected\""), "{page}");
        let extra = json!({ "kind": "extra", "date": DAY, "start": "18:00", "end": "19:00", "slot_minutes": 20 });
        assert_eq!(w.post(&w.doctor, &exceptions(&w), extra).await.expect(201)["affected"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn hours_that_are_painted_or_replaced_name_those_whom_they_leave_without_a_time() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = booked(&w).await;
        let (week, hours) =
            (format!("/v1/practitioners/{}/week", w.doctor.id), format!("/v1/practitioners/{}/hours", w.doctor.id));
        let shut = json!({ "valid_from": DAY, "valid_to": DAY, "slot_minutes": 30, "week": [] });
        let ids = |told: &Value| told["affected"].as_array().unwrap().iter().map(|a| a["consult_id"].clone()).collect();
        let tried: Vec<Value> = ids(&w.put(&w.doctor, &format!("{week}?dry_run=true"), shut.clone()).await.expect(200));
        assert_eq!(tried, [json!(id)]);
        assert_eq!(w.get(&w.doctor, &hours).await.expect(200)["outside"], json!([]), "nothing was written");
        let painted: Vec<Value> = ids(&w.put(&w.doctor, &week, shut).await.expect(200));
        assert_eq!(painted, [json!(id)]);
        let line =
            json!({ "weekday": 1, "start": "08:00", "end": "09:00", "slot_minutes": 30, "valid_from": "2026-01-01" });
        let told = w.put(&w.doctor, &hours, json!({ "weekly": [line] })).await.expect(200);
        assert_eq!(told["affected"], json!([]), "it had no time before");
        assert_eq!(told["outside"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_office_above_learns_when_and_not_whom() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        booked(&w).await;
        let (now, mut tx) = (w.clock.now(), w.db.begin().await.unwrap());
        let office = network::organisation(&mut tx, now, "street_office", "招宝山街道", "Asia/Shanghai").await;
        let made = "update organisation set made_by = $1 where id = $2";
        on!(tx, |c| sqlx::query(made).bind(office).bind(w.hospital).execute(c).await.map(drop)).unwrap();
        let street = network::member(&mut tx, now, office, &["administrator"], "街道管理员").await;
        tx.commit().await.unwrap();
        let closed = json!({ "kind": "closed", "date": DAY });
        for stranger in [&w.nurse, &w.stranger_doctor] {
            assert_eq!(w.post(stranger, &exceptions(&w), closed.clone()).await.status, 404);
        }
        let told = w.post(&street, &exceptions(&w), closed).await.expect(201);
        let ends_at = "2026-11-24T01:00:00Z";
        let walled = json!({ "consult_id": null, "starts_at": BOOKED, "ends_at": ends_at, "held": false, "inviting": null,
            "actions": [] });
        assert_eq!(told["affected"], json!([walled]));
        let page = w.get(&street, &format!("/practitioners/{}", w.doctor.id)).await.text;
        assert!(
            page.contains("id=\"affected\"") && !page.contains("陈奶奶") && !page.contains("招宝山颐养院"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_close_the_same_day_close_it_once() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let id = booked(&w).await;
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..8 {
            let w = Arc::clone(&w);
            tasks.spawn(async move {
                let who = if n % 2 == 0 { &w.doctor } else { &w.hospital_admin };
                w.post(who, &exceptions(&w), json!({ "kind": "closed", "date": DAY })).await
            });
        }
        let (mut made, mut ids) = (0, Vec::new());
        while let Some(done) = tasks.join_next().await {
            let answer = done.unwrap();
            assert!(matches!(answer.status.as_u16(), 200 | 201), "{}", answer.text);
            made += u32::from(answer.status == 201);
            assert_eq!(answer.body["affected"][0]["consult_id"], json!(id), "each of them is told");
            ids.push(answer.body["id"].as_str().unwrap().to_owned());
        }
        ids.dedup();
        assert_eq!((made, ids.len()), (1, 1), "{}", w.engine);
        assert_eq!(w.count("select count(*) from practitioner_exception").await, 1);
        assert_eq!(w.count("select count(*) from audit where action = 'practitioner.exception'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_has_begun_and_is_not_over_is_named_too() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let late = w.scheduled().await;
        let held = w.accepted().await;
        w.step(&w.nurse, &held, "schedule", w.at("2026-11-23T01:00:00Z")).await.expect(200);
        w.step(&w.doctor, &late, "delay", json!({ "minutes": 60 })).await.expect(200);
        let begun = "update consult set state = 'in_session', started_at = starts_at where id = $1";
        let (id, mut tx) = (held.parse::<Uuid>().unwrap(), w.db.begin().await.unwrap());
        on!(tx, |c| sqlx::query(begun).bind(id).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        w.clock.advance(Duration::from_mins(65));
        let closed = || json!({ "kind": "closed", "date": "2026-11-23" });
        let ids = |told: &Value| -> Vec<Value> {
            told["affected"].as_array().unwrap().iter().map(|a| a["consult_id"].clone()).collect()
        };
        let told = w.post(&w.doctor, &exceptions(&w), closed()).await.expect(201);
        assert_eq!(ids(&told), [json!(late), json!(held)], "{}", w.engine);
        w.clock.advance(Duration::from_mins(55));
        let told = w.post(&w.doctor, &exceptions(&w), closed()).await.expect(200);
        assert_eq!(ids(&told), Vec::<Value>::new(), "both are to be over");
    })
    .await;
}

#[tokio::test]
async fn more_than_are_named_are_said_to_be_there() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = booked(&w).await;
        let all_day = |weekday: i32| {
            json!({ "weekday": weekday, "start": "00:00", "end": "24:00", "slot_minutes": 30,
            "valid_from": "2026-01-01" })
        };
        let hours = format!("/v1/practitioners/{}/hours", w.doctor.id);
        let week = json!({ "weekly": (1..=7).map(all_day).collect::<Vec<_>>() });
        w.put(&w.doctor, &hours, week).await.expect(200);
        many(&w, &id, "scheduled", w.clock.now() + TimeDelta::hours(220), 210).await;
        let closed = json!({ "kind": "closed", "date": DAY });
        let told = w.post(&w.doctor, &exceptions(&w), closed).await.expect(201);
        assert_eq!((told["affected"].as_array().unwrap().len(), &told["more"]), (25, &json!(false)));
        let told = w.put(&w.doctor, &hours, json!({ "weekly": [] })).await.expect(200);
        assert_eq!((told["affected"].as_array().unwrap().len(), &told["more"]), (186, &json!(false)));
        many(&w, &id, "scheduled", w.clock.now() + TimeDelta::hours(240), 20).await;
        let page = w.get(&w.doctor, &format!("/practitioners/{}", w.doctor.id)).await.text;
        assert!(page.contains("200+"), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_books_while_a_day_is_closed_is_in_the_list_or_refused() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        for day in 24..=30 {
            let id = w.accepted().await;
            let booking = {
                let (w, id, at) = (Arc::clone(&w), id.clone(), w.at(&format!("2026-11-{day}T00:30:00Z")));
                tokio::spawn(async move { w.step(&w.nurse, &id, "schedule", at).await })
            };
            let closed = json!({ "kind": "closed", "date": format!("2026-11-{day}") });
            let told = w.post(&w.doctor, &exceptions(&w), closed).await.expect(201);
            let booked = booking.await.unwrap();
            let named: Vec<&Value> = told["affected"].as_array().unwrap().iter().map(|a| &a["consult_id"]).collect();
            match booked.status.as_u16() {
                200 => assert_eq!(named, [&json!(id)], "{}", w.engine),
                422 => assert_eq!(named, Vec::<&Value>::new(), "{}", w.engine),
                _ => panic!("{} {}", w.engine, booked.text),
            }
        }
    })
    .await;
}
