//! An invitation that begins with what was there: one that was returned, one that is asked for again, a follow-up.

use std::time::Duration;

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::holds::{FIRST, asking};
use crate::consult::world::World;

/// A consult whose opinion is signed.
async fn signed(w: &World) -> String {
    let id = w.scheduled().await;
    w.clock.advance(Duration::from_mins(45));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    let opinion = json!({ "impression": "心衰", "suggested_treatment": "呋塞米 20 mg" });
    w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion).await.expect(200);
    w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
    id
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn one_that_was_returned_keeps_its_times_and_shows_what_is_asked_for() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let asked = w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let id = asked["id"].as_str().unwrap();
        w.step(&w.doctor, id, "return", json!({ "reason": "缺心电图" })).await.expect(200);
        let form = w.page(&w.nurse, &format!("/consults/new?id={id}")).await.checked(200).text;
        has(
            &form,
            &[
                "原来的时间：11月23日 周一 08:00 至 11月27日 周五 18:00",
                "value=\"2026-11-23T00:00:00+00:00|2026-11-27T10:00:00+00:00\" selected",
                &format!("value=\"{}|2026-11-23T00:30:00+00:00|2026-11-23T01:00:00+00:00|\" checked", w.doctor.id),
            ],
        );
        let (wish, summary) = (form.find("缺心电图").unwrap(), form.find("name=\"case_summary\"").unwrap());
        assert!(form.find("name=\"purpose\"").unwrap() < wish && wish < summary, "it stands above the summary");
        assert!(!form.contains("draft-state"), "changes are no draft");
        w.clock.advance(Duration::from_hours(5 * 24));
        let form = w.page(&w.nurse, &format!("/consults/new?id={id}")).await.checked(200).text;
        assert!(form.contains("原来希望的时间已经过去") && !form.contains("原来的时间："), "{form}");
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_asked_for_again_without_its_times() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.submitted().await;
        let copy = format!("/consults/new?copy={id}");
        let offers = async || w.page(&w.nurse, &format!("/consults/{id}")).await.text.contains(&copy);
        assert!(!offers().await, "it is not over");
        w.page(&w.nurse, &copy).await.checked(409);
        w.step(&w.doctor, &id, "reject", json!({ "reason": "请转外科" })).await.expect(200);
        assert!(offers().await);
        let form = w.page(&w.nurse, &copy).await.checked(200).text;
        has(
            &form,
            &[
                "射血分数 40%",
                "利尿剂加量后",
                "请指导心衰用药",
                &format!("value=\"{}\" selected", w.residents[0]),
                &format!("value=\"{}|cardiology\" selected", w.hospital),
                "value=\"attending\" selected",
                "data-send=\"POST /v1/consults\"",
                "draft-state",
            ],
        );
        assert!(!form.contains("原来的时间") && !form.contains("请转外科"), "{form}");
        assert!(w.audited(&id).await.iter().filter(|a| *a == "GET /consults/new").count() == 1);
        for (who, status) in [(&w.stranger_nurse, 404), (&w.doctor, 403), (&w.hospital_admin, 403)] {
            assert_eq!(w.page(who, &copy).await.status, status, "{}", who.name);
            assert!(!w.page(who, &format!("/consults/{id}")).await.text.contains(&copy), "{}", who.name);
        }
        w.page(&w.nurse, &format!("/consults/new?follow_up={id}")).await.checked(409);
    })
    .await;
}

#[tokio::test]
async fn a_follow_up_begins_with_the_person_the_specialty_and_a_word_of_the_opinion() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = signed(&w).await;
        let follow_up = format!("/consults/new?follow_up={id}");
        let detail = w.page(&w.nurse, &format!("/consults/{id}")).await.text;
        has(&detail, &[&follow_up, &format!("/consults/new?copy={id}")]);
        assert!(!w.page(&w.doctor, &format!("/consults/{id}")).await.text.contains("/consults/new"));
        let form = w.page(&w.nurse, &follow_up).await.checked(200).text;
        has(
            &form,
            &[
                "上次会诊：2026-11-23，镇海示范医院 李医生，已出具会诊意见。",
                "复诊。上次会诊事由：近一周活动后气促",
                &format!("value=\"{}\" selected", w.residents[0]),
                &format!("value=\"{}|cardiology\" selected", w.hospital),
            ],
        );
        assert!(!form.contains("射血分数"), "the case is written anew");
        assert_eq!(w.page(&w.stranger_nurse, &follow_up).await.status, 404);
    })
    .await;
}
