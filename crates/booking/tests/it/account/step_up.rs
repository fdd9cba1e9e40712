//! Steps that are hard to take back ask for a proof of late, by whichever secret the account has.

use sanbao_booking::account::demo::{PASSWORD, PIN};
use sanbao_platform::testing::{Answer, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const AFTER: u64 = 11;

async fn prove(site: &Site, token: &str, secret: &str) -> Answer {
    site.api(token, "POST", "/v1/session/step-up", json!({ "secret": secret })).await
}

#[tokio::test]
async fn a_pin_is_set_only_by_whom_the_password_is_known_to_be() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let token = site.token("nurse").await;
        let pin = json!({ "pin": "4826" });
        site.minutes_pass(AFTER);
        // A tablet that was left open: the next person at it cannot make a way back in.
        let refused = site.api(&token, "PUT", "/v1/me/pin", pin.clone()).await.refused(401, "step-up-required");
        assert_eq!(
            refused.header("www-authenticate"),
            r#"Bearer error="insufficient_user_authentication", max_age="600""#
        );
        assert_eq!(refused.body["max_age"], 600);
        prove(&site, &token, "wrong").await.refused(403, "proof-refused");
        prove(&site, "", PASSWORD).await.refused(401, "unauthenticated");
        let proved = prove(&site, &token, PASSWORD).await.expect(200);
        site.api(&token, "PUT", "/v1/me/pin", pin.clone()).await.refused(401, "step-up-required");
        let renewed = proved["access_token"].as_str().unwrap();
        site.api(renewed, "PUT", "/v1/me/pin", pin).await.checked(204);
        site.minutes_pass(10);
        site.api(renewed, "PUT", "/v1/me/pin", json!({ "pin": "7193" })).await.refused(401, "step-up-required");
        assert_eq!(audited(&site, "session.step_up").await, 2, "the refused one too");
        assert_eq!(audited(&site, "account.set_pin").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_browser_proves_and_goes_on_with_the_same_session() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut tablet = Browser::new();
        tablet.log_in(&site, "nurse").await;
        site.minutes_pass(AFTER);
        let pin = json!({ "pin": "4826" });
        tablet.script(&site, "PUT", "/v1/me/pin", pin.clone()).await.refused(401, "step-up-required");
        let proof = json!({ "secret": PIN });
        let proved = tablet.script(&site, "POST", "/v1/session/step-up", proof).await.expect(200);
        assert_eq!(proved["access_token"], Value::Null, "a script gets no token into its hands");
        tablet.script(&site, "PUT", "/v1/me/pin", pin).await.checked(204);
        // The proof's time is the log-in's: a renewal brings it along, and makes it no younger.
        site.minutes_pass(8);
        tablet.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        tablet.script(&site, "PUT", "/v1/me/pin", json!({ "pin": "7193" })).await.checked(204);
        site.minutes_pass(3);
        tablet.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        let late = tablet.script(&site, "PUT", "/v1/me/pin", json!({ "pin": "4826" })).await;
        late.refused(401, "step-up-required");
        // The page has the dialog for it.
        let page = tablet.open(&site, "/me/pin").await.checked(200).text;
        assert!(page.contains("step-up-template") && page.contains("请再确认是您本人"));
        tablet.open(&site, "/static/booking/idle-lock.js").await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn guessing_a_proof_is_slow_and_a_pin_is_taken_no_more_after_some_tries() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let token = site.token("nurse").await;
        for _ in 0..5 {
            prove(&site, &token, "9999").await.refused(403, "proof-refused");
        }
        prove(&site, &token, PIN).await.refused(429, "too-many-requests");
        site.clock.advance(std::time::Duration::from_secs(3));
        prove(&site, &token, PIN).await.refused(403, "proof-refused");
        site.clock.advance(std::time::Duration::from_secs(5));
        let proved = prove(&site, &token, PASSWORD).await.expect(200);
        let renewed = proved["access_token"].as_str().unwrap();
        prove(&site, renewed, PIN).await.checked(200);
        // Another account's guesses are its own, and so is the log-in.
        let doctor = site.token("doctor").await;
        prove(&site, &doctor, PIN).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_whole_number_and_other_log_ins_ask_for_it_after_the_permission() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let doctor = site.token("doctor").await;
        let resident = site.network.residents[0];
        let number = format!("/v1/persons/{resident}/national-id");
        site.get(&nurse, &number).await.checked(200);
        site.minutes_pass(AFTER);
        site.get(&nurse, &number).await.refused(401, "step-up-required");
        assert!(matches!(site.get(&doctor, &number).await.status.as_u16(), 403 | 404), "permission first");
        site.get(&nurse, &format!("/v1/persons/{resident}")).await.checked(200);
        for (method, path) in [
            ("DELETE", "/v1/me/sessions"),
            ("POST", "/v1/me/second-factor"),
            ("POST", "/v1/me/recovery-codes"),
            ("DELETE", "/v1/me/second-factor"),
        ] {
            site.api(&nurse, method, path, Value::Null).await.refused(401, "step-up-required");
        }
        assert_eq!(shown(&site).await, 1, "what was refused was not shown");
        let proved = prove(&site, &nurse, PASSWORD).await.expect(200);
        site.get(proved["access_token"].as_str().unwrap(), &number).await.checked(200);
    })
    .await;
}

/// How often a whole number was shown.
async fn shown(site: &Site) -> i64 {
    let mut conn = site.deps.db.read().await.unwrap();
    let rows = "select count(*) from audit where action = 'GET /v1/persons/{id}/national-id' and outcome = 'done'";
    sanbao_platform::on!(conn, |c| sqlx::query_scalar(rows).fetch_one(c).await).unwrap()
}
