//! The family's page: when the consult of a link is expected to begin, and nothing of whom it is about.

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::json;

use crate::consult::world::World;

/// The page's part about a link's secret.
async fn told(w: &World, token: &str) -> Answer {
    let form = Request::post("/guest").header("content-type", "application/x-www-form-urlencoded");
    w.send(form.body(Body::from(format!("token={token}"))).unwrap()).await
}

#[tokio::test]
async fn a_delay_reaches_the_family_and_so_does_what_becomes_of_the_consult() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        let new = json!({ "name": "陈先生", "relation": "儿子" });
        let link = w.post(&w.nurse, &format!("/v1/consults/{id}/guest-links"), new).await.expect(201);
        let token = link["token"].as_str().unwrap();
        let before = told(&w, token).await.checked(200).text;
        assert!(before.contains("id=\"when\"") && before.contains("时间还没有定"), "{before}");
        w.step(&w.nurse, &id, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        let booked = told(&w, token).await.checked(200).text;
        assert!(booked.contains("会诊时间：") && booked.contains(">今天 08:30<"), "{}: {booked}", w.engine);
        w.step(&w.doctor, &id, "delay", json!({ "minutes": 15 })).await.expect(200);
        let late = told(&w, token).await.checked(200).text;
        assert!(late.contains("预计") && late.contains(">今天 08:45<") && late.contains("（晚 15 分钟）"), "{late}");
        assert!(!late.contains("陈奶奶") && !late.contains("陈先生") && !late.contains("李医生"), "{late}");
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "老人住院" })).await.expect(200);
        let off = told(&w, token).await.checked(200).text;
        assert!(off.contains("不进行了") && !off.contains("老人住院"), "{off}");
        w.call(
            Some(&w.nurse),
            "DELETE",
            &format!("/v1/consults/{id}/guest-links/{}", link["id"].as_str().unwrap()),
            None,
            &[],
        )
        .await
        .checked(204);
        assert!(told(&w, token).await.checked(404).text.contains("链接已失效"));
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_is_none_tells_nothing() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        for token in ["", "family-link", &"a".repeat(129)] {
            assert!(told(&w, token).await.checked(404).text.contains("链接已失效"), "{token}");
        }
        let elsewhere = Request::post("/guest").header("content-type", "application/x-www-form-urlencoded");
        let elsewhere = elsewhere.header("sec-fetch-site", "cross-site").body(Body::from("token=x")).unwrap();
        w.send(elsewhere).await.checked(403);
    })
    .await;
}
