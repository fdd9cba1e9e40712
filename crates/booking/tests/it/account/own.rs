//! One's own account: the password, the log-ins, and the pages beside them.

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; TAB) AppleWebKit/537.36 Chrome/130.0 Safari/537.36";

#[tokio::test]
async fn the_password_is_changed_by_who_knows_it_and_ends_every_other_log_in() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (mine, other) = (site.token("nurse").await, site.token("nurse").await);
        let change = async |current: &str, password: &str| {
            site.api(&mine, "PUT", "/v1/me/password", json!({ "current": current, "password": password })).await
        };
        for (current, password, pointer) in [
            ("wrong", "three boats on the river", "/current"),
            (PASSWORD, "short", "/password"),
            (PASSWORD, "12345678", "/password"),
            (PASSWORD, "nurse2026", "/password"),
            (PASSWORD, "安和怡养院安和怡养院", "/password"),
            ("", "three boats on the river", "/current"),
        ] {
            let refused = change(current, password).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{password}");
        }
        change(PASSWORD, "three boats on the river").await.checked(204);
        site.get(&mine, "/v1/me").await.checked(200);
        site.get(&other, "/v1/me").await.refused(401, "unauthenticated");
        site.log_in("nurse", PASSWORD).await.refused(401, "invalid-credentials");
        site.access("nurse", "three boats on the river").await;
        let me = site.get(&mine, "/v1/me").await.expect(200);
        assert_eq!(
            (&me["login"], &me["pin_set"], &me["second_factor"]),
            (&json!("nurse"), &json!(false), &json!(false))
        );
        assert_eq!(audited(&site, "account.change_password").await, 1);
        for _ in 0..5 {
            change("wrong", "three boats on the river").await.refused(422, "invalid");
        }
        change("three boats on the river", "two boats on the lake").await.refused(429, "too-many-requests");
    })
    .await;
}

#[tokio::test]
async fn one_sees_where_one_is_logged_in_and_ends_what_one_does_not_know() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut here = Browser::new();
        here.log_in(&site, "nurse").await;
        let mut phone = Browser::new().of_agent(PHONE);
        phone.log_in(&site, "nurse").await;
        let program = site.token("nurse").await;
        let foreign = site.token("doctor").await;
        site.minutes_pass(1);
        phone.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        let list = here.script(&site, "GET", "/v1/me/sessions", Value::Null).await.expect(200);
        let log_ins = list.as_array().unwrap();
        assert_eq!(log_ins.len(), 3, "{list}");
        let of = |agent: &Value, device: &Value| {
            log_ins.iter().find(|l| (&l["agent"], &l["device"]) == (agent, device)).unwrap().clone()
        };
        let on_phone = of(&json!("Chrome · Android"), &json!("shared"));
        let this = of(&Value::Null, &json!("shared"));
        let by_program = of(&Value::Null, &Value::Null);
        assert_eq!([&this, &on_phone, &by_program].map(|l| l["this"].as_bool().unwrap()), [true, false, false]);
        assert_eq!(on_phone["seen_from"], "127.0.0.1");
        assert!(on_phone["seen_at"].as_str() > on_phone["created_at"].as_str(), "renewals are seen: {on_phone}");
        let page = here.open(&site, "/me/sessions").await.checked(200).text;
        assert!(page.contains("Chrome · Android") && page.contains("就是这里") && page.contains("127.0.0.1"));

        let path = |log_in: &Value| format!("/v1/me/sessions/{}", log_in["id"].as_str().unwrap());
        site.api(&foreign, "DELETE", &path(&on_phone), Value::Null).await.refused(404, "not-found");
        here.script(&site, "DELETE", &path(&on_phone), Value::Null).await.checked(204);
        here.script(&site, "DELETE", &path(&on_phone), Value::Null).await.refused(404, "not-found");
        phone.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
        site.minutes_pass(11);
        here.script(&site, "DELETE", &path(&by_program), Value::Null).await.refused(401, "step-up-required");
        site.get(&program, "/v1/me").await.checked(200);
        let proof = json!({ "secret": PASSWORD });
        here.script(&site, "POST", "/v1/session/step-up", proof).await.checked(200);
        here.script(&site, "DELETE", "/v1/me/sessions", Value::Null).await.checked(204);
        site.get(&program, "/v1/me").await.refused(401, "unauthenticated");
        let list = here.script(&site, "GET", "/v1/me/sessions", Value::Null).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), 1);
        let page = here.open(&site, "/me/sessions").await.checked(200).text;
        assert!(page.contains("没有别的登录"));
        site.get(&foreign, "/v1/me").await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn every_page_of_ones_own_is_reached_from_the_first_and_that_from_everywhere() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.open(&site, "/me").await.checked(303);
        browser.log_in(&site, "nurse").await;
        let residents = browser.open(&site, "/residents").await.checked(200).text;
        assert!(residents.contains(r#"href="/me""#));
        let me = browser.open(&site, "/me").await.checked(200).text;
        for (path, call) in [
            ("/me/password", "PUT /v1/me/password"),
            ("/me/pin", "PUT /v1/me/pin"),
            ("/me/second-factor", "POST /v1/me/second-factor"),
            ("/me/sessions", "/me"),
        ] {
            assert!(me.contains(&format!(r#"href="{path}""#)), "{path}");
            let page = browser.open(&site, path).await.checked(200).text;
            assert!(page.contains(call) && page.contains(r#"href="/me""#), "{path}");
        }
        assert!(me.contains("林晓月") && me.contains("nurse"));
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_log_ins_of_an_account_that_they_manage() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut phone = Browser::new().of_agent(PHONE);
        phone.log_in(&site, "nurse").await;
        let (program, admin) = (site.token("nurse").await, site.token("admin").await);
        let path = format!("/v1/accounts/{}/sessions", site.account("nurse"));
        // Nobody else sees or ends them, the account itself by its own pages alone.
        for login in ["nurse", "doctor"] {
            let token = site.token(login).await;
            let status = site.get(&token, &path).await.status.as_u16();
            assert!(matches!(status, 403 | 404), "{login} gets {status}");
            let status = site.api(&token, "DELETE", &path, Value::Null).await.status.as_u16();
            assert!(matches!(status, 403 | 404), "{login} gets {status}");
        }
        let list = site.get(&admin, &path).await.expect(200);
        let on_phone = list.as_array().unwrap().iter().find(|log_in| log_in["agent"] == "Chrome · Android").unwrap();
        assert_eq!(on_phone["this"], false);
        let mut office = Browser::new();
        office.log_in(&site, "admin").await;
        let page = format!("/admin/accounts/{}", site.account("nurse"));
        let text = office.open(&site, &page).await.checked(200).text;
        let one = format!("{path}/{}", on_phone["id"].as_str().unwrap());
        assert!(text.contains("Chrome · Android") && text.contains(&format!("data-send=\"DELETE {one}\"")), "{text}");
        let foreign = format!("/v1/accounts/{}/sessions/{}", site.account("doctor"), on_phone["id"].as_str().unwrap());
        site.api(&admin, "DELETE", &foreign, Value::Null).await.refused(404, "not-found");
        site.api(&admin, "DELETE", &one, Value::Null).await.checked(204);
        site.api(&admin, "DELETE", &one, Value::Null).await.refused(404, "not-found");
        phone.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
        site.get(&program, "/v1/me").await.checked(200);
        site.api(&admin, "DELETE", &path, Value::Null).await.checked(204);
        site.get(&program, "/v1/me").await.refused(401, "unauthenticated");
        assert_eq!(site.get(&admin, &path).await.expect(200), json!([]));
        // In the log of the office that did it, and in that of the house whose account it is.
        assert_eq!((audited(&site, "account.end_session").await, audited(&site, "account.end_sessions").await), (1, 2));
        assert!(office.open(&site, &page).await.checked(200).text.contains("现在没有登录"));
    })
    .await;
}
