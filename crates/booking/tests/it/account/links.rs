//! Accounts begin, and are reset, by a one-time link for their owner; no administrator knows a password.

use std::time::Duration;

use futures_util::future::join_all;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, token_of};

#[tokio::test]
async fn a_new_account_waits_for_its_owner_to_choose_a_password() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/organisations/{}/accounts", site.network.care_home);
        // A password that an administrator sends counts for nothing.
        let new =
            json!({ "login": "new.nurse", "display_name": "新人", "roles": ["care_staff"], "password": PASSWORD });
        let key = [("idempotency-key", "k")];
        let made = site.api_with(&admin, "POST", &path, new.clone(), &key).await.expect(201);
        let again = site.api_with(&admin, "POST", &path, new, &key).await.expect(201);
        assert_eq!(made, again, "a caller that lost the answer gets the link once more");
        site.log_in("new.nurse", PASSWORD).await.refused(401, "invalid-credentials");
        let stored = stored_answers(&site).await;
        assert!(!stored.iter().any(|body| body.contains(token_of(&made["link"]))), "the link is stored sealed only");

        let short = json!({ "token": token_of(&made["link"]), "password": "short" });
        let refused = site.api("", "POST", "/setup/account", short).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/password", "and the link is not spent by it");
        let chosen = json!({ "token": token_of(&made["link"]), "password": "correct horse" });
        let tries = join_all((0..4).map(|_| site.api("", "POST", "/setup/account", chosen.clone()))).await;
        assert_eq!(tries.iter().filter(|a| a.status == 204).count(), 1, "{tries:?}");
        assert_eq!(tries.iter().filter(|a| a.status == 410).count(), 3);
        site.log_in("new.nurse", "correct horse").await.checked(200);
        assert_eq!(audited(&site, "account.choose_password").await, 1);
    })
    .await;
}

async fn stored_answers(site: &Site) -> Vec<String> {
    let mut conn = site.deps.db.read().await.unwrap();
    let statement = "select cast(body as text) from idempotency";
    sanbao_platform::on!(conn, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap()
}

#[tokio::test]
async fn a_reset_takes_the_password_back_and_the_newest_link_alone_is_good() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}/link", site.account("dispatcher"));
        let first = site.api(&admin, "POST", &path, Value::Null).await.expect(200);
        site.log_in("dispatcher", PASSWORD).await.refused(401, "invalid-credentials");
        let second = site.api(&admin, "POST", &path, Value::Null).await.expect(200);
        let old = json!({ "token": token_of(&first["link"]), "password": "another horse" });
        site.api("", "POST", "/setup/account", old).await.refused(410, "setup-link-spent");
        site.choose(&second["link"], "another horse").await;
        site.log_in("dispatcher", "another horse").await.checked(200);

        let own = format!("/v1/accounts/{}/link", site.account("admin"));
        site.api(&admin, "POST", &own, Value::Null).await.refused(409, "conflict");
        let gone = format!("/v1/accounts/{}/password", site.account("dispatcher"));
        site.api(&admin, "POST", &gone, json!({ "password": "correct horse" })).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn a_link_lives_for_a_week_and_not_for_a_disabled_account() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}", site.account("dispatcher"));
        let link = site.api(&admin, "POST", &format!("{path}/link"), Value::Null).await.expect(200);
        let page = format!("/setup/account?token={}", token_of(&link["link"]));
        let mut browser = Browser::new();
        let form = browser.open(&site, &page).await.checked(200);
        assert!(form.text.contains("方佳宁") && form.text.contains("dispatcher"));
        site.api(&admin, "POST", &format!("{path}/disable"), Value::Null).await.checked(200);
        browser.open(&site, &page).await.checked(410);
        site.api(&admin, "POST", &format!("{path}/enable"), Value::Null).await.checked(200);
        site.clock.advance(Duration::from_secs(7 * 24 * 3600 - 1));
        browser.open(&site, &page).await.checked(200);
        site.clock.advance(Duration::from_secs(1));
        browser.open(&site, &page).await.checked(410);
    })
    .await;
}

#[tokio::test]
async fn a_links_code_is_in_no_address_that_a_server_sees_and_older_links_go_on() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}/link", site.account("dispatcher"));
        let link = site.api(&admin, "POST", &path, Value::Null).await.expect(200)["link"].clone();
        let (page, code) = link["path"].as_str().unwrap().split_once('#').unwrap();
        assert!(page == "/setup/account" && !code.is_empty(), "{link}");
        let mut browser = Browser::new();
        let asked = browser.open(&site, page).await.checked(200).text;
        assert!(asked.contains("action=\"/setup/account/open\"") && asked.contains("link-code.js"), "{asked}");
        assert!(!asked.contains("方佳宁"), "without the code it tells nothing");
        // Without a script the code is pasted, alone or with its link.
        for typed in [code.to_owned(), format!("https://sanbao.test{page}#{code}")] {
            let form = browser.form(&site, "/setup/account/open", &[("code", &typed)]).await.checked(200);
            assert!(form.text.contains("方佳宁") && form.text.contains(code), "{}", form.text);
        }
        let wrong = browser.form(&site, "/setup/account/open", &[("code", "guess")]).await;
        wrong.checked(410);
        let elsewhere = [("origin", "https://elsewhere.test"), ("content-type", "application/x-www-form-urlencoded")];
        let body = format!("code={code}");
        browser.raw(&site, "POST", "/setup/account/open", &elsewhere, &body).await.refused(403, "cross-site");
        let back = browser.open(&site, "/setup/account/open").await.checked(303);
        assert_eq!(back.header("location"), page);
        browser.open(&site, &format!("{page}?token={code}")).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn the_owner_comes_in_by_a_plain_form() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let new = json!({ "kind": "care_home", "name_zh": "望海苑", "name_en": "Sea View",
            "administrator": { "login": "chief", "display_name": "安院长" } });
        let made = site.api(&admin, "POST", "/v1/organisations", new.clone()).await.expect(201);
        let again = site.api(&admin, "POST", "/v1/organisations", new.clone()).await.refused(422, "invalid").body;
        assert_eq!(again["errors"][0]["pointer"], "/same_name");
        let mut another = new;
        another["same_name"] = json!(true);
        site.api(&admin, "POST", "/v1/organisations", another).await.refused(409, "login-taken");
        let nameless = json!({ "kind": "care_home", "name_zh": "x", "administrator": {} });
        let refused = site.api(&admin, "POST", "/v1/organisations", nameless).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/administrator/login");
        let mut browser = Browser::new();
        let token = token_of(&made["link"]);
        let fields = [("token", token), ("password", "short")];
        let again = browser.form(&site, "/setup/account", &fields).await.checked(422);
        assert!(again.text.contains(token), "the form comes again");
        let fields = [("token", token), ("password", "correct horse"), ("again", "correct hors")];
        let again = browser.form(&site, "/setup/account", &fields).await.checked(422);
        assert!(again.text.contains("两次输入的密码不一样") && again.text.contains("again-error"), "{}", again.text);
        assert!(!again.text.contains("correct hors"), "no password is sent back");
        assert!(again.text.contains(r#"data-action="show""#));
        let fields = [("token", token), ("password", "correct horse"), ("again", "correct horse")];
        let done = browser.form(&site, "/setup/account", &fields).await.checked(303);
        assert_eq!(done.header("location"), "/login");
        let chief = site.access("chief", "correct horse").await;
        let own = format!("/v1/organisations/{}/accounts", made["id"].as_str().unwrap());
        assert_eq!(site.get(&chief, &own).await.expect(200)["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_administrators_page_has_a_place_for_the_link_and_draws_its_code() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "admin").await;
        let page = browser.open(&site, "/admin").await.checked(200).text;
        for part in ["id=\"account-link\"", "data-action=\"copy\"", "id=\"link-qr\"", "/v1/accounts/"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("new-password"), "nobody types a password for another");
        let text = json!({ "text": "https://sanbao.test/setup/account#x" });
        let drawn = browser.script(&site, "POST", "/admin/qr", text).await.expect(200);
        assert!(drawn["side"].as_u64().unwrap() > 28 && drawn["path"].as_str().unwrap().starts_with("M4 4h1v1h-1z"));
        let long = json!({ "text": "x".repeat(513) });
        browser.script(&site, "POST", "/admin/qr", long).await.refused(422, "invalid");
        Browser::new().script(&site, "POST", "/admin/qr", json!({ "text": "x" })).await.refused(401, "unauthenticated");
    })
    .await;
}
