//! The pages of consults: each reader's view and next steps, and that nothing typed becomes markup.
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::{FutureExt as _, StreamExt as _};
use sanbao_platform::testing::{on_both, patiently};
use serde_json::{Value, json};

use crate::consult::world::World;

#[tokio::test]
async fn the_list_names_the_next_patient_and_the_way_in() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let empty = w.get(&w.nurse, "/consults").await;
        assert!(empty.status == 200 && empty.text.contains("还没有会诊") && empty.text.contains("/consults/new"));
        let id = w.scheduled().await;
        let waiting = w.submitted().await;
        let doctors = w.get(&w.doctor, "/consults").await.text;
        assert!(doctors.contains("row next") && doctors.contains("data-live=\"/consults/events\""), "{doctors}");
        assert!(!doctors.contains(&format!("/room?consult={id}")), "no door without consent");
        assert!(doctors.contains(&format!("/consults/{waiting}")) && doctors.contains("请答复"));
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        for who in [&w.doctor, &w.nurse] {
            let page = w.get(who, "/consults").await.text;
            assert!(page.contains(&format!("/room?consult={id}")), "{}", who.name);
            assert!(page.contains("今天 11月23日 周一") && page.contains(">08:30<"), "{page}");
        }
        assert!(!w.get(&w.second_doctor, "/consults").await.text.contains(&format!("/consults/{id}")));
        assert_eq!(w.get(&w.dispatcher, "/consults").await.status, 403);
        let english = w.call(Some(&w.nurse), "GET", "/consults", None, &[("accept-language", "en")]).await.text;
        assert!(english.contains("Today Mon 23 Nov") && english.contains(">08:30<"));
        let visitor = w.call(None, "GET", "/consults", None, &[("accept", "text/html")]).await;
        assert_eq!(visitor.status, 303, "to the log-in");
    })
    .await;
}

#[tokio::test]
async fn a_consults_page_offers_the_steps_that_are_possible() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut hostile = w.invitation(0);
        hostile["case_summary"] = json!("<script>alert(1)</script> \" ' & 血压 150/90");
        let body = w.post(&w.nurse, "/v1/consults", hostile).await.expect(201);
        let id = body["id"].as_str().unwrap();
        let page = async |who| w.get(who, &format!("/consults/{id}")).await;
        let has = |text: &str, parts: &[&str]| {
            for part in parts {
                assert!(text.contains(part), "{part} in {text}");
            }
        };
        let doctors = page(&w.doctor).await.text;
        has(&doctors, &["/accept", "/return", "/reject", "&lt;script&gt;alert(1)"]);
        let accept = format!("data-send=\"POST /v1/consults/{id}/accept\" data-version=\"{}\"", body["version"]);
        assert!(doctors.contains(&accept), "a step says which version it is about: {doctors}");
        assert!(!doctors.contains("<script>alert"));
        w.step(&w.doctor, id, "accept", Value::Null).await.expect(200);
        let nurses = page(&w.nurse).await.text;
        has(&nurses, &["data-schedule", "08:30–09:00", "会诊室 0", "id=\"consent\"", "/guest-links"]);
        assert!(!nurses.contains("/accept\""));
        w.step(&w.nurse, id, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        has(&page(&w.nurse).await.text, &["先登记老人同意", "/delay", "/reschedule", "/cancel"]);
        w.clock.advance(Duration::from_hours(1));
        w.step(&w.doctor, id, "finish", Value::Null).await.expect(200);
        let writing = page(&w.doctor).await.text;
        has(&writing, &["id=\"opinion-form\"", "data-sign-now>"]);
        assert!(!page(&w.nurse).await.text.contains("opinion-form"));
        let opinion = json!({ "impression": "高血压 <b>2 级</b>", "suggested_treatment": "加用缬沙坦" });
        w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion).await.expect(200);
        assert!(!page(&w.nurse).await.text.contains("加用缬沙坦"), "not before it is signed");
        w.step(&w.doctor, id, "sign", Value::Null).await.expect(200);
        let signed = page(&w.nurse).await.text;
        has(
            &signed,
            &[
                "加用缬沙坦",
                "高血压 &lt;b&gt;2 级",
                "李医生",
                "主任医师",
                "110330211000001",
                "/adopt",
                "/papers/opinion",
            ],
        );
        assert_eq!(page(&w.stranger_nurse).await.status, 404);
        assert!(!page(&w.doctor).await.text.contains("/adopt"));
    })
    .await;
}

#[tokio::test]
async fn reading_a_case_is_audited_and_so_is_following_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let reads = async || w.audited(&id).await.iter().filter(|a| a.starts_with("GET ")).count();
        assert_eq!(reads().await, 0);
        let status = w.get(&w.nurse, &format!("/consults/{id}/status")).await;
        assert!(status.text.contains("id=\"status\"") && !status.text.contains("射血分数"));
        w.get(&w.nurse, "/consults").await;
        assert_eq!(reads().await, 2);
        let panel = w.get(&w.doctor, &format!("/consults/{id}/summary")).await;
        assert!(
            panel.text.contains("射血分数 40%") && panel.text.contains("#opinion") && !panel.text.contains("<html")
        );
        assert!(!w.get(&w.nurse, &format!("/consults/{id}/summary")).await.text.contains("#opinion"));
        w.get(&w.nurse, &format!("/consults/{id}")).await;
        w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200);
        assert_eq!(reads().await, 6, "{:?}", w.audited(&id).await);
        assert_eq!(w.get(&w.skin_doctor, &format!("/consults/{id}/summary")).await.status, 404);
        assert_eq!(w.count("select count(*) from audit where outcome = 'refused'").await, 1);
    })
    .await;
}

/// How many changes a stream has told so far; all were told before this is asked.
fn changes(stream: &mut axum::body::BodyDataStream) -> usize {
    let mut text = String::new();
    while let Some(Some(Ok(bytes))) = stream.next().now_or_never() {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text.matches("event: change").count()
}

#[tokio::test]
async fn a_doctor_hears_of_the_own_list_only() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut streams = Vec::new();
        for who in [&w.nurse, &w.hospital_admin, &w.doctor, &w.second_doctor, &w.skin_doctor, &w.stranger_doctor] {
            let request = Request::get("/consults/events").header("authorization", format!("Bearer {}", w.token(who)));
            let answer = w.open(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status(), 200);
            let mut stream = answer.into_body().into_data_stream();
            patiently("the stream begins", stream.next()).await.unwrap().unwrap();
            streams.push(stream);
        }
        let mut told = || streams.iter_mut().map(changes).collect::<Vec<_>>();
        // One change of the draft for its own side, then one for all who may answer.
        let id = w.submitted().await;
        assert_eq!(told(), [1, 1, 1, 1, 0, 0]);
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!(told(), [1, 1, 2, 1, 0, 0], "it leaves what waits for the specialty, and comes to the doctor's own");
        w.step(&w.nurse, &id, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        assert_eq!(told(), [1, 1, 1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn the_invitation_and_the_familys_page() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let page = w.get(&w.nurse, "/consults/new").await.text;
        for part in [
            "陈奶奶1",
            "镇海示范医院 · 心血管内科",
            "皮肤科",
            "name=\"case_summary\"",
            "三天内",
            "明天 · 11月24日 周二",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("name=\"draft\"") && page.contains("放弃草稿"), "kept by itself, or given up: {page}");
        assert_eq!(w.get(&w.doctor, "/consults/new").await.status, 403);
        let id = w.submitted().await;
        w.step(&w.doctor, &id, "return", json!({ "reason": "缺心电图" })).await.expect(200);
        let again = w.get(&w.nurse, &format!("/consults/new?id={id}")).await.text;
        assert!(
            again.contains("射血分数 40%")
                && again.contains(&format!("data-send=\"PUT /v1/consults/{id}\" data-version=")),
            "nothing is typed twice"
        );
        assert!(
            again.contains("name=\"draft\"") && again.contains("先保存，不发送"),
            "its changes are not kept: {again}"
        );
        assert_eq!(w.get(&w.stranger_nurse, &format!("/consults/new?id={id}")).await.status, 404);
        let family = w.call(None, "GET", "/guest", None, &[]).await;
        assert!(family.status == 200 && family.text.contains("候诊区") && family.text.contains("consult-guest.js"));
        for script in ["new", "page", "opinion", "guest"] {
            let path = format!("/static/booking/consult-{script}.js");
            assert_eq!(w.call(None, "GET", &path, None, &[]).await.status, 200, "{script}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_house_with_many_residents_finds_one_by_typing() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let form = async |query: &str| w.page(&w.nurse, &format!("/consults/new{query}")).await.checked(200).text;
        let options = |page: &str| page.matches("<option value=\"0").count();
        let few = form("").await;
        assert!(!few.contains("resident-find") && few.contains("name=\"room\""), "{few}");
        for n in 0..49 {
            w.post(&w.nurse, "/v1/persons", json!({ "name": format!("周阿婆{n:02}") })).await.expect(201);
        }
        let last = w.residents[1];
        let many = form("").await;
        assert!(many.contains("id=\"resident-find\"") && !many.contains("陈奶奶1"), "{many}");
        let chosen = form(&format!("?resident={last}")).await;
        assert!(chosen.contains(&format!("value=\"{last}\" selected")) && chosen.contains("陈奶奶1"));
        assert_eq!(options(&chosen), options(&many), "no more are shown for it");
    })
    .await;
}

#[tokio::test]
async fn consent_is_two_large_choices_and_a_guardian_is_asked_for_by_name() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        for part in [
            "name=\"given_by\" value=\"resident\" checked",
            "name=\"given_by\" value=\"guardian\">",
            "name=\"method\" value=\"written\" checked",
            "name=\"method\" value=\"verbal_with_witness\">",
            "type=\"hidden\" name=\"name\" value=\"陈奶奶0\"",
            "name=\"guardian_name\" type=\"text\" value=\"\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    })
    .await;
}
