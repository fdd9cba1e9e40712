//! Consults found by a name: of a record that went into another, of many people and of doctors elsewhere.

use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::consult::records::{Cases, asked, rows};
use crate::consult::world::{World, practise};
use crate::network::{member, organisation};

/// Said where some of a name are left out.
const SOME: &str = "只列出其中一部分的会诊";

#[tokio::test]
async fn a_joined_person_is_found_by_either_name() {
    on_both(|engine| async move {
        let cases = Cases::of(World::new(&engine).await).await;
        let w = &cases.w;
        let join = format!("/v1/persons/{}/join", cases.people[0]);
        w.post(&w.nurse, &join, json!({ "other": cases.people[1] })).await.expect(200);
        for typed in ["许桂兰", "沈根宝", "xgl", "sgb", "shengenbao"] {
            for (who, expected) in [
                (&w.nurse, vec!["others", "booked", "draft", "off", "waiting"]),
                (&w.hospital_admin, vec!["others", "booked", "off", "waiting"]),
                (&w.doctor, vec!["booked", "off", "waiting"]),
            ] {
                let found = cases.named(who, &[("person", typed)]).await;
                assert_eq!(found, expected, "{typed} by {} on {}", who.name, w.engine);
            }
            assert!(cases.named(&w.stranger_nurse, &[("person", typed)]).await.is_empty());
        }
        for (who, expected) in [(&w.nurse, vec!["others"]), (&w.second_doctor, vec!["others", "off", "waiting"])] {
            let fields = [("person", "沈根宝"), ("doctor", "赵")];
            let fields = if who.name == w.nurse.name { &fields[..] } else { &fields[..1] };
            assert_eq!(cases.named(who, fields).await, expected, "{} on {}", who.name, w.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn doctors_elsewhere_of_a_like_name_hide_nobody() {
    on_both(|engine| async move {
        let cases = Cases::of(World::new(&engine).await).await;
        let w = &cases.w;
        let (mut tx, now) = (w.db.begin().await.unwrap(), w.clock.now());
        let elsewhere = organisation(&mut tx, now, "hospital", "远方医院", "Asia/Shanghai").await;
        for _ in 0..21 {
            let doctor = member(&mut tx, now, elsewhere, &["doctor"], "赵一").await;
            practise(&mut tx, now, &doctor, "cardiology", "心血管内科").await;
        }
        tx.commit().await.unwrap();
        for typed in ["赵", "zhao"] {
            for who in [&w.nurse, &w.hospital_admin] {
                assert_eq!(cases.named(who, &[("doctor", typed)]).await, ["others"], "{} on {}", who.name, w.engine);
                assert!(!asked(w, who, &[("doctor", typed)]).await.text.contains(SOME), "nobody is left out");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_name_that_many_have_those_of_the_newest_consults_are_listed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut consults = Vec::new();
        for n in 0..22 {
            let person = w.post(&w.nurse, "/v1/persons", json!({ "name": format!("周桂{n}") })).await.expect(201);
            let mut body = w.invitation(0);
            body["resident_id"] = person["id"].clone();
            body["wanted_from"] = json!(format!("2026-11-23T{n:02}:00:00Z"));
            body["submit"] = json!(true);
            let consult = w.post(&w.nurse, "/v1/consults", body).await.expect(201);
            consults.push(consult["id"].as_str().unwrap().to_owned());
        }
        consults.reverse();
        for who in [&w.nurse, &w.hospital_admin, &w.doctor] {
            let page = asked(&w, who, &[("person", "周")]).await;
            assert_eq!(rows(&page), consults[..20], "{} on {}", who.name, w.engine);
            assert!(page.text.contains(SOME), "{}", page.text);
            let one = asked(&w, who, &[("person", "周桂21")]).await;
            assert_eq!(rows(&one), consults[..1], "{} on {}", who.name, w.engine);
            assert!(!one.text.contains(SOME), "{}", one.text);
        }
    })
    .await;
}
