//! The first administrator comes in through a link that works once.

use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;
use sanbao_booking::account::setup;
use sanbao_booking::{MIGRATIONS, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{Answer, Site, on_both};
use serde_json::{Value, json};

use crate::account::kit::{generous, morning};

fn office(token: &str) -> Value {
    json!({ "token": token, "name_zh": "海口街道", "name_en": "Haikou Street", "area_code": "330211001",
        "login": "first", "display_name": "一把手", "password": "correct horse" })
}

async fn post(site: &Site, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
    site.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn page(site: &Site, token: &str) -> Answer {
    let request = Request::builder().uri(format!("/setup?token={token}")).header("accept", "text/html");
    site.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_set_up_link_makes_one_administrator() {
    on_both(|engine| async move {
        let clock = Clock::manual(morning());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let site = Site::of(build(generous(), deps.clone()), &deps);
        assert!(setup::is_needed(&deps.db).await.unwrap());
        let first = setup::issue_link(&deps.db, &clock).await.unwrap();
        let link = setup::issue_link(&deps.db, &clock).await.unwrap();
        page(&site, &first).await.expect(410);
        page(&site, "").await.expect(410);
        let request = Request::builder().uri("/setup").header("accept", "text/html");
        let asked = site.send(request.body(Body::empty()).unwrap()).await.checked(200);
        assert!(asked.text.contains("action=\"/setup/open\""), "{}", asked.text);
        let request = Request::builder().method("POST").uri("/setup/open").header("accept", "text/html");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let opened = site.send(request.body(Body::from(format!("code={link}"))).unwrap()).await.checked(200);
        assert!(opened.text.contains("首次设置") && opened.text.contains(&link));
        let form = page(&site, &link).await.checked(200);
        assert!(form.text.contains("首次设置") && form.text.contains(&link));

        let mut weak = office(&link);
        weak["password"] = json!("short");
        weak["login"] = json!("A B");
        weak["area_code"] = json!("abc");
        let refused = post(&site, "/setup", &weak).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"].as_array().unwrap().len(), 3, "and the link is not spent by it");
        post(&site, "/setup", &office("guess")).await.refused(410, "setup-link-spent");

        let body = office(&link);
        let answers = join_all((0..4).map(|_| post(&site, "/setup", &body))).await;
        assert_eq!(answers.iter().filter(|a| a.status == 204).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|a| a.status == 410).count(), 3);
        page(&site, &link).await.expect(410);
        assert!(!setup::is_needed(&deps.db).await.unwrap());

        let tokens = post(&site, "/v1/tokens", &json!({ "login": "first", "password": "correct horse" })).await;
        let token = tokens.expect(200)["access_token"].as_str().unwrap().to_owned();
        let request = Request::builder().uri("/v1/organisations").header("authorization", format!("Bearer {token}"));
        let list = site.send(request.body(Body::empty()).unwrap()).await.expect(200);
        assert_eq!(list["items"][0]["kind"], "street_office");
    })
    .await;
}

#[tokio::test]
async fn a_set_up_link_lives_for_a_day() {
    on_both(|engine| async move {
        let clock = Clock::manual(morning());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let site = Site::of(build(generous(), deps.clone()), &deps);
        let link = setup::issue_link(&deps.db, &clock).await.unwrap();
        clock.advance(std::time::Duration::from_secs(24 * 3600 - 1));
        page(&site, &link).await.expect(200);
        clock.advance(std::time::Duration::from_secs(1));
        page(&site, &link).await.expect(410);
        post(&site, "/setup", &office(&link)).await.refused(410, "setup-link-spent");
    })
    .await;
}
