//! Common passwords and PINs, wherever somebody chooses one.

use sanbao_booking::account::setup;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::json;

use crate::account::kit::{Browser, Site, token_of};

/// Refused at this field.
#[track_caller]
fn refused_at(answer: Answer, pointer: &str) {
    let body = answer.refused(422, "invalid").body;
    assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
}

#[tokio::test]
async fn a_common_secret_is_refused_wherever_one_is_chosen() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}/link", site.account("nurse"));
        let link = site.api(&admin, "POST", &path, json!(null)).await.expect(200);
        for common in
            ["12345678", "password", "woaini1314", "nurse123", "安和怡养院2026", "Anhe Care Home", "林晓月林晓月林晓月"]
        {
            let chosen = json!({ "token": token_of(&link["link"]), "password": common });
            refused_at(site.api("", "POST", "/setup/account", chosen).await, "/password");
        }
        let mut browser = Browser::new();
        let fields = [("token", token_of(&link["link"])), ("password", "1qaz2wsx")];
        let again = browser.form(&site, "/setup/account", &fields).await.checked(422);
        assert!(again.text.contains("太常见") && !again.text.contains("1qaz2wsx"));
        site.choose(&link["link"], "correct horse").await;

        let link = setup::issue_link(&site.deps.db, &site.clock).await.unwrap();
        let office = |password: &str| {
            json!({ "token": link, "name_zh": "海口街道办事处", "name_en": "Haikou Street", "area_code": "330211002",
                "login": "second", "display_name": "二把手", "password": password })
        };
        for common in ["qwertyuiop", "Haikou Street", "海口街道办事处1", "second2026"] {
            refused_at(site.api("", "POST", "/setup", office(common)).await, "/password");
        }
        site.api("", "POST", "/setup", office("correct horse")).await.checked(204);

        let doctor = site.token("doctor").await;
        for common in ["0000", "1234", "1212", "1221", "1990", "2580", "19491001"] {
            refused_at(site.api(&doctor, "PUT", "/v1/me/pin", json!({ "pin": common })).await, "/pin");
        }
        site.api(&doctor, "PUT", "/v1/me/pin", json!({ "pin": "4826" })).await.checked(204);
    })
    .await;
}
