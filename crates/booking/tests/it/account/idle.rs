//! The server ends the log-in of a shared device that nobody presses anything on.

use std::time::Duration;

use sanbao_booking::Config;
use sanbao_platform::testing::on_both;
use serde_json::Value;

use crate::account::kit::{Browser, Site};

async fn site(engine: &sanbao_platform::testing::TestEngine) -> Site {
    Site::with(engine, Config::default()).await
}

#[tokio::test]
async fn renewals_by_themselves_do_not_keep_a_shared_tablet_logged_in() {
    on_both(|engine| async move {
        let site = site(&engine).await;
        let mut tablet = Browser::new();
        tablet.log_in(&site, "nurse").await;
        let stale = tablet.clone();
        // A page renews itself every few minutes, with nobody there.
        for _ in 0..2 {
            site.minutes_pass(5);
            tablet.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
            tablet.open(&site, "/residents").await.checked(200);
        }
        site.minutes_pass(5);
        site.clock.advance(Duration::from_secs(6));
        // The access token ended with the log-in, and nothing renews it: not the script, not a press that comes too late.
        tablet.open(&site, "/residents").await.checked(303);
        tablet.script(&site, "POST", "/session/press", Value::Null).await.refused(401, "unauthenticated");
        let mut other_tab = tablet.clone();
        let back = tablet.open(&site, "/session/renew?next=/residents").await.checked(303);
        assert_eq!(back.header("location"), "/login?next=/residents");
        let ended = other_tab.script(&site, "POST", "/session/refresh", Value::Null).await;
        ended.refused(401, "refresh-token-invalid");
        let mut old = stale;
        old.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
    })
    .await;
}

#[tokio::test]
async fn a_person_who_presses_something_stays_and_so_does_a_caregivers_own_phone() {
    on_both(|engine| async move {
        let site = site(&engine).await;
        let (mut tablet, mut phone) = (Browser::new(), Browser::new());
        tablet.log_in(&site, "nurse").await;
        phone.log_in(&site, "caregiver").await;
        for _ in 0..6 {
            site.minutes_pass(7);
            tablet.script(&site, "POST", "/session/press", Value::Null).await.checked(204);
            site.minutes_pass(7);
            tablet.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        }
        tablet.open(&site, "/residents").await.checked(200);
        // 84 minutes in a stairwell without a network: the phone's queue is sent all the same.
        phone.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        let kind = phone.script(&site, "GET", "/v1/me/sessions", Value::Null).await.expect(200);
        assert_eq!(kind[0]["device"], "own");
        // A second person on it makes it the house's.
        phone.log_in(&site, "dispatcher").await;
        phone.log_in(&site, "caregiver").await;
        site.minutes_pass(16);
        let ended = phone.script(&site, "POST", "/session/refresh", Value::Null).await;
        ended.refused(401, "refresh-token-invalid");
        // A program presses nothing.
        let program = site.log_in("nurse", sanbao_booking::account::demo::PASSWORD).await.expect(200);
        site.minutes_pass(60);
        let renewed = serde_json::json!({ "refresh_token": program["refresh_token"] });
        site.api("", "POST", "/v1/tokens/refresh", renewed).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn opening_a_page_by_hand_is_a_press_and_its_reloading_itself_is_none() {
    on_both(|engine| async move {
        let site = site(&engine).await;
        let page = ("sec-fetch-mode", "navigate");
        let accept = ("accept", "text/html");
        for (headers, lasts) in [(vec![accept, page, ("sec-fetch-user", "?1")], true), (vec![accept, page], false)] {
            let mut tablet = Browser::new();
            tablet.log_in(&site, "nurse").await;
            site.minutes_pass(10);
            tablet.raw(&site, "GET", "/session/renew?next=/residents", &headers, "").await.checked(303);
            site.minutes_pass(10);
            let later = tablet.script(&site, "POST", "/session/refresh", Value::Null).await;
            assert_eq!(later.status.as_u16(), if lasts { 204 } else { 401 }, "{headers:?}");
        }
    })
    .await;
}
