//! Quick change of user on a shared tablet.

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site};

fn pin(site: &Site, login: &str, pin: &str) -> Value {
    json!({ "account": site.account(login), "pin": pin, "next": "/" })
}

#[tokio::test]
async fn a_pin_changes_the_user_where_the_password_was_shown() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut tablet = Browser::new();
        let nobody = tablet.open(&site, "/session/pin?next=/residents").await.checked(303);
        assert_eq!(nobody.header("location"), "/login?next=/residents");
        tablet.log_in(&site, "nurse").await;
        tablet.log_in(&site, "doctor").await;
        let before = tablet.clone();
        let page = tablet.open(&site, "/session/pin?next=/residents").await.checked(200);
        assert!(page.text.contains("林晓月") && page.text.contains("周明远") && !page.text.contains("方佳宁"));

        let fields = [("account", &*site.account("nurse")), ("pin", "1234"), ("next", "/residents")];
        let answer = tablet.form(&site, "/session/pin", &fields).await.checked(303);
        assert_eq!(answer.header("location"), "/residents");
        let page = tablet.open(&site, "/residents").await.checked(200);
        assert!(page.text.contains("林晓月"), "the nurse is there now");
        let mut old = before;
        let ended = old.script(&site, "POST", "/session/refresh", Value::Null).await;
        ended.refused(401, "refresh-token-invalid");

        let mut elsewhere = Browser::new();
        let refused = elsewhere.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await;
        refused.refused(401, "pin-unavailable");
        let refused = tablet.script(&site, "POST", "/session/pin", pin(&site, "dispatcher", "1234")).await;
        refused.refused(401, "pin-unavailable");
        let unknown = json!({ "account": "0193a5b0-0000-7000-8000-000000000000", "pin": "1234" });
        tablet.script(&site, "POST", "/session/pin", unknown).await.refused(401, "pin-unavailable");
    })
    .await;
}

#[tokio::test]
async fn five_wrong_pins_ask_for_the_password() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut tablet = Browser::new();
        tablet.log_in(&site, "nurse").await;
        tablet.log_in(&site, "doctor").await;
        let stolen = tablet.clone();
        for _ in 0..4 {
            let wrong = tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "9999")).await;
            wrong.refused(401, "pin-refused");
        }
        tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await.checked(200);
        for n in 0..5 {
            let typed = if n % 2 == 0 { "9999" } else { "12a4" };
            let wrong = tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", typed)).await;
            wrong.refused(401, "pin-refused");
        }
        for mut browser in [tablet.clone(), stolen] {
            let right = browser.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await;
            right.refused(401, "pin-unavailable");
        }
        let page = tablet.open(&site, "/session/pin").await.checked(200);
        assert!(!page.text.contains("林晓月") && page.text.contains("周明远"));
        tablet.script(&site, "POST", "/session/pin", pin(&site, "doctor", "1234")).await.checked(200);
        tablet.log_in(&site, "nurse").await;
        tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_pin_lasts_for_a_shift_and_ends_with_the_account() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut tablet = Browser::new();
        tablet.log_in(&site, "nurse").await;
        site.minutes_pass(12 * 60 - 1);
        tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await.checked(200);
        site.minutes_pass(1);
        let late = tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await;
        late.refused(401, "pin-unavailable");

        tablet.log_in(&site, "nurse").await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}", site.account("nurse"));
        site.api(&admin, "POST", &format!("{path}/disable"), Value::Null).await.checked(200);
        let disabled = tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await;
        disabled.refused(401, "pin-unavailable");
        site.api(&admin, "POST", &format!("{path}/enable"), Value::Null).await.checked(200);
        let enabled = tablet.script(&site, "POST", "/session/pin", pin(&site, "nurse", "1234")).await;
        enabled.refused(401, "pin-unavailable");

        let token = site.token("doctor").await;
        for bad in ["123", "123456789", "abcd", ""] {
            let refused = site.api(&token, "PUT", "/v1/me/pin", json!({ "pin": bad })).await;
            let refused = refused.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/pin");
        }
        site.api(&token, "PUT", "/v1/me/pin", json!({ "pin": "60381794" })).await.checked(204);
        let mut nurse = Browser::new();
        nurse.log_in(&site, "nurse").await;
        let page = nurse.open(&site, "/session/pin").await.checked(200);
        assert!(page.text.contains("林晓月"), "logged in, with a PIN");
        let reset = site.api(&admin, "POST", &format!("{path}/link"), Value::Null).await.expect(200);
        site.choose(&reset["link"], "sanbao-demo").await;
        nurse.log_in(&site, "nurse").await;
        let set = nurse.open(&site, "/session/pin").await.checked(303);
        assert_eq!(set.header("location"), "/me", "logged in, without a PIN: here one sets it");
        nurse.open(&site, "/me").await.checked(200);
        nurse.script(&site, "PUT", "/v1/me/pin", json!({ "pin": "4826" })).await.checked(204);
        nurse.script(&site, "POST", "/session/pin", pin(&site, "nurse", "4826")).await.checked(200);
        tablet.log_in(&site, "doctor").await;
        let old = tablet.script(&site, "POST", "/session/pin", pin(&site, "doctor", "1234")).await;
        old.refused(401, "pin-refused");
        tablet.script(&site, "POST", "/session/pin", pin(&site, "doctor", "60381794")).await.checked(200);
    })
    .await;
}
