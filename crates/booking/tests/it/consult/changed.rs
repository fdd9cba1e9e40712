//! The answer to a page that is old says who has done what since.

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::world::World;

#[tokio::test]
async fn an_old_page_is_told_who_did_what_since() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let path = format!("/v1/consults/{id}");
        let read = w.get(&w.nurse, &path).await.expect(200)["version"].as_i64().unwrap();
        w.step(&w.doctor, &id, "delay", json!({ "minutes": 15 })).await.expect(200);
        let to = Some(w.at("2026-11-23T02:00:00Z"));
        let old = format!("\"{read}\"");
        let over = async |who| {
            let headers = [("if-match", old.as_str())];
            w.call(Some(who), "POST", &format!("{path}/reschedule"), to.clone(), &headers).await
        };
        let refused = over(&w.nurse).await.refused(412, "precondition-failed");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert_eq!(detail, "您打开之后：李医生 今天 08:00 通知推迟。", "{}: {}", w.engine, refused.text);
        let since = refused.body["since"].as_array().unwrap();
        let told = (&since[0]["action"], &since[0]["actor_name"], &since[0]["version"], since.len());
        assert_eq!(told, (&json!("delay"), &json!("李医生"), &json!(read + 1), 1));
        over(&w.stranger_nurse).await.checked(404);
        let view = w.get(&w.nurse, &path).await.expect(200);
        assert_eq!(view["appointment"]["starts_at"], "2026-11-23T00:30:00Z", "nothing was done");
    })
    .await;
}

#[tokio::test]
async fn of_many_steps_the_newest_are_named_and_all_are_listed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let read = w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200)["version"].as_i64().unwrap();
        for minutes in 1..=6 {
            w.step(&w.doctor, &id, "delay", json!({ "minutes": minutes })).await.expect(200);
        }
        let path = format!("/v1/consults/{id}/cancel");
        let body = Some(json!({ "reason": "好转" }));
        let refused = w.call(Some(&w.nurse), "POST", &path, body, &[("if-match", &format!("\"{read}\""))]).await;
        let refused = refused.refused(412, "precondition-failed");
        let detail = refused.body["detail"].as_str().unwrap();
        assert_eq!((detail.matches("李医生").count(), refused.body["since"].as_array().unwrap().len()), (5, 6));
    })
    .await;
}

#[tokio::test]
async fn an_exchange_names_what_was_done_with_the_other_one() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, two) = (w.scheduled().await, w.accepted().await);
        w.step(&w.nurse, &two, "schedule", w.at("2026-11-23T02:00:00Z")).await.expect(200);
        let read = w.get(&w.nurse, &format!("/v1/consults/{two}")).await.expect(200)["version"].clone();
        w.step(&w.nurse, &two, "reschedule", w.at("2026-11-23T02:30:00Z")).await.expect(200);
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": two, "version": read })).await;
        let refused = refused.refused(412, "precondition-failed");
        assert_eq!(refused.body["since"][0]["action"], "reschedule", "{}", refused.text);
        let view: Value = w.get(&w.nurse, &format!("/v1/consults/{one}")).await.expect(200);
        assert_eq!(view["appointment"]["starts_at"], "2026-11-23T00:30:00Z");
    })
    .await;
}

#[tokio::test]
async fn the_reasons_of_others_are_left_out_of_what_was_done_since() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let path = format!("/v1/consults/{id}");
        let read = w.get(&w.nurse, &path).await.expect(200)["version"].as_i64().unwrap();
        w.step(&w.doctor, &id, "cancel", json!({ "reason": "患者已转上级医院心外科" })).await.expect(200);
        let headers = [("if-match", format!("\"{read}\""))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let to = Some(w.at("2026-11-23T02:00:00Z"));
        let refused = w.call(Some(&w.nurse), "POST", &format!("{path}/reschedule"), to, &headers).await;
        let refused = refused.refused(412, "precondition-failed");
        assert_eq!(refused.body["since"][0]["action"], "cancel", "{}: {}", w.engine, refused.text);
        assert!(!refused.text.contains("心外科"), "words about a person are read on the page, which is audited");
    })
    .await;
}
