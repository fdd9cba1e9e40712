//! All that was given to a log-in ends with it, and a right that was taken from an account counts no more.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::bus::Outbox;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site};

const LIST: &str = "/v1/persons";

/// Ends nurse's log-ins in one of the ways there are.
async fn end(site: &Site, access: &str, way: &str) {
    let admin = site.token("admin").await;
    let path = format!("/v1/accounts/{}", site.account("nurse"));
    let answer = match way {
        "log out" => site.api(access, "DELETE", "/v1/tokens", Value::Null).await,
        "disable" => site.api(&admin, "POST", &format!("{path}/disable"), Value::Null).await,
        "reset" => site.api(&admin, "POST", &format!("{path}/link"), Value::Null).await,
        _ => site.api(&admin, "PATCH", &path, json!({ "roles": ["administrator"] })).await,
    };
    assert!(answer.status.is_success(), "{way}: {}", answer.text);
}

async fn ends_at_once(engine: &TestEngine, way: &str) {
    let site = Site::open(engine).await;
    let tokens = site.log_in("nurse", PASSWORD).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    site.get(access, LIST).await.checked(200);
    let request = Request::get("/consults/events").header("authorization", format!("Bearer {access}"));
    let stream = site.open_stream(request.body(Body::empty()).unwrap()).await;
    assert_eq!(stream.status(), 200);
    let other = site.token("doctor").await;
    end(&site, access, way).await;
    site.get(access, LIST).await.refused(401, "unauthenticated");
    let body = tokio::time::timeout(Duration::from_secs(30), to_bytes(stream.into_body(), 1 << 20)).await;
    assert!(body.is_ok(), "{way}: the stream goes on");
    site.get(&other, "/v1/consults").await.checked(200);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let renewed = site.api("", "POST", "/v1/tokens/refresh", refresh).await;
    if way == "role" {
        let renewed = renewed.expect(200);
        let renewed = renewed["access_token"].as_str().unwrap();
        site.get(renewed, LIST).await.checked(200);
        let actor = site.deps.keys.verify_access(site.clock.now(), renewed).unwrap();
        assert_eq!(actor.roles, ["administrator"]);
    } else {
        renewed.refused(401, "refresh-token-invalid");
    }
    // A process that begins now reads it from the database.
    let again = engine.deps("booking", &sanbao_booking::MIGRATIONS, site.clock.clone()).await;
    let actor = again.keys.verify_access(site.clock.now(), access).unwrap();
    assert!(again.db.ended().refuses(&actor), "{way}: after a restart");
}

#[tokio::test]
async fn tokens_and_streams_end_at_once_however_the_log_in_ends() {
    for way in ["log out", "disable", "reset", "role"] {
        on_both(|engine| async move { ends_at_once(&engine, way).await }).await;
    }
}

#[tokio::test]
async fn the_events_tell_others_and_a_right_that_is_added_ends_nothing() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let access = site.token("nurse").await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}", site.account("nurse"));
        let more = json!({ "roles": ["care_staff", "administrator"], "display_name": "林晓" });
        site.api(&admin, "PATCH", &path, more).await.checked(200);
        site.get(&access, LIST).await.checked(200);
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        browser.script(&site, "DELETE", "/session", Value::Null).await.checked(204);
        site.api(&admin, "PATCH", &path, json!({ "roles": ["care_staff"] })).await.checked(200);
        let events = Outbox::new("booking", site.deps.db.clone()).read(0, 1000).await.unwrap();
        let told = events.iter().filter(|e| e.kind.contains(".session.") || e.kind.contains(".account."));
        let told: Vec<_> = told.map(|e| (&*e.kind, e.data["account_id"] == site.account("nurse"))).collect();
        assert_eq!(told, [("booking.session.ended", true), ("booking.account.rights_lost", true)]);
        site.get(&access, LIST).await.refused(401, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn no_log_in_lasts_longer_than_twelve_hours_however_often_it_is_renewed() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        for _ in 0..3 {
            site.minutes_pass(4 * 60 - 1);
            browser.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        }
        site.minutes_pass(3);
        let late = browser.script(&site, "POST", "/session/refresh", Value::Null).await;
        late.refused(401, "refresh-token-invalid");
    })
    .await;
}
