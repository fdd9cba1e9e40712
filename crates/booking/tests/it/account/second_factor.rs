//! The second factor: set up, asked for at log-in, recovered; and whose log-ins need one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_booking::Config;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_booking::account::recover::recover;
use sanbao_booking::account::{AccountConfig, SecondFactorFor};
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, generous};

/// A site on which these need a second factor.
fn needed_by(whose: SecondFactorFor) -> Config {
    let config = generous();
    Config { account: AccountConfig { second_factor: whose, ..config.account.clone() }, ..config }
}

fn secret_of(begun: &Value) -> TotpSecret {
    TotpSecret::parse(begun["secret"].as_str().unwrap()).unwrap()
}

fn now(site: &Site) -> DateTime<Utc> {
    site.clock.now()
}

/// Sets a factor up: its secret, and what its confirmation answered.
pub(super) async fn set_up(site: &Site, token: &str) -> (TotpSecret, Value) {
    let begun = site.api(token, "POST", "/v1/me/second-factor", Value::Null).await.expect(200);
    let secret = secret_of(&begun);
    let code = json!({ "code": secret.code(now(site)) });
    let confirmed = site.api(token, "POST", "/v1/me/second-factor/confirm", code).await.expect(200);
    site.clock.advance(Duration::from_secs(30));
    (secret, confirmed)
}

async fn challenge(site: &Site, login: &str) -> String {
    let asked = site.log_in(login, PASSWORD).await.refused(401, "second-factor-required");
    asked.body["challenge"].as_str().unwrap().to_owned()
}

async fn answer(site: &Site, challenge: &str, code: &str) -> Answer {
    site.api("", "POST", "/v1/tokens/second-factor", json!({ "challenge": challenge, "code": code })).await
}

#[tokio::test]
async fn a_factor_counts_from_its_first_code_and_a_log_in_asks_for_it_then() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let begun = site.api(&nurse, "POST", "/v1/me/second-factor", Value::Null).await.expect(200);
        assert!(begun["address"].as_str().unwrap().starts_with("otpauth://totp/Sanbao:nurse?secret="));
        assert!(begun["qr"]["side"].as_u64().unwrap() > 28);
        site.log_in("nurse", PASSWORD).await.checked(200);
        let stored = stored_secrets(&site).await;
        assert!(!stored.iter().any(|sealed| contains(sealed, begun["secret"].as_str().unwrap())), "sealed");

        let confirm = "/v1/me/second-factor/confirm";
        let wrong = site.api(&nurse, "POST", confirm, json!({ "code": "000000" })).await.refused(422, "invalid").body;
        assert_eq!(wrong["errors"][0]["pointer"], "/code");
        let (secret, confirmed) = set_up(&site, &nurse).await;
        let codes = confirmed["recovery_codes"].as_array().unwrap();
        assert_eq!(codes.len(), 10);
        site.api(&nurse, "POST", "/v1/me/second-factor", Value::Null).await.refused(409, "conflict");

        let asked = challenge(&site, "nurse").await;
        answer(&site, &asked, "000000").await.refused(401, "second-factor-refused");
        let code = secret.code(now(&site));
        let tokens = answer(&site, &asked, &code).await.expect(200);
        site.get(tokens["access_token"].as_str().unwrap(), "/v1/persons").await.checked(200);
        answer(&site, &asked, &code).await.refused(401, "second-factor-refused");
        // One for recovery, with blanks and small letters as people type it; good once.
        let typed = codes[0].as_str().unwrap().to_lowercase().replace('-', " ");
        answer(&site, &asked, &typed).await.checked(200);
        answer(&site, &asked, &typed).await.refused(401, "second-factor-refused");
        let me = site.get(&nurse, "/v1/me").await.expect(200);
        assert_eq!((&me["second_factor"], &me["recovery_codes_left"]), (&json!(true), &json!(9)));
        let again = site.api(&nurse, "POST", "/v1/me/recovery-codes", Value::Null).await.expect(200);
        assert_eq!(again["recovery_codes"].as_array().unwrap().len(), 10);
        answer(&site, &asked, codes[1].as_str().unwrap()).await.refused(401, "second-factor-refused");

        site.clock.advance(Duration::from_secs(301 + 5));
        let late = answer(&site, &asked, &secret.code(now(&site))).await;
        late.refused(401, "second-factor-expired");
        answer(&site, "a.b.c", "000000").await.refused(401, "second-factor-expired");
        answer(&site, &nurse, &secret.code(now(&site))).await.refused(401, "second-factor-expired");
        assert_eq!(audited(&site, "account.log_in_by_code").await, 6);
    })
    .await;
}

async fn stored_secrets(site: &Site) -> Vec<Vec<u8>> {
    let mut conn = site.deps.db.read().await.unwrap();
    let statement = "select secret_sealed from second_factor";
    sanbao_platform::on!(conn, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn a_browser_is_asked_on_a_page_of_its_own_and_a_script_in_its_place() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (secret, _) = set_up(&site, &site.token("nurse").await).await;
        let mut browser = Browser::new();
        browser.open(&site, "/session/second-factor").await.checked(303);
        let fields = [("login", "nurse"), ("password", PASSWORD), ("next", "/residents")];
        let asked = browser.form(&site, "/session", &fields).await.checked(303);
        assert_eq!(asked.header("location"), "/session/second-factor?next=/residents");
        assert!(browser.cookie("sanbao_access").is_none(), "nothing opens before the code");
        let page = browser.open(&site, asked.header("location")).await.checked(200).text;
        assert!(page.contains("one-time-code") && page.contains(r#"value="/residents""#));
        let wrong = [("code", "000000"), ("next", "/residents")];
        let again = browser.form(&site, "/session/second-factor", &wrong).await.checked(401);
        assert!(again.text.contains("验证码不对") && again.text.contains(r#"value="/residents""#));
        let code = secret.code(now(&site));
        let right = [("code", &*code), ("next", "/residents")];
        let entered = browser.form(&site, "/session/second-factor", &right).await.checked(303);
        assert_eq!(entered.header("location"), "/residents");
        browser.open(&site, "/residents").await.checked(200);
        assert!(browser.cookie("sanbao_challenge").is_none());
        // Here both were shown: for a shift the PIN is enough, and so is it as a proof.
        let pin = json!({ "account": site.account("nurse"), "pin": "1234" });
        browser.script(&site, "POST", "/session/pin", pin).await.checked(200);

        site.clock.advance(Duration::from_secs(30));
        let mut script = Browser::new();
        let body = json!({ "login": "nurse", "password": PASSWORD });
        let next = script.script(&site, "POST", "/session", body).await.expect(202);
        assert_eq!(next["next"], "/session/second-factor");
        let code = json!({ "code": secret.code(now(&site)) });
        script.script(&site, "POST", "/session/second-factor", code).await.checked(200);
        // A code is a proof as well, once.
        site.clock.advance(Duration::from_mins(11));
        let proof = json!({ "secret": secret.code(now(&site)) });
        script.script(&site, "POST", "/v1/session/step-up", proof.clone()).await.checked(200);
        script.script(&site, "POST", "/v1/session/step-up", proof).await.refused(403, "proof-refused");
    })
    .await;
}

#[tokio::test]
async fn an_administrator_without_one_is_led_to_it_and_reaches_nothing_else() {
    on_both(|engine| async move {
        let site = Site::with(&engine, needed_by(SecondFactorFor::Administrators)).await;
        let mut browser = Browser::new();
        assert_eq!(browser.log_in(&site, "admin").await.header("location"), "/me/second-factor");
        for path in ["/admin", "/", "/me", "/me/pin"] {
            assert_eq!(browser.open(&site, path).await.checked(303).header("location"), "/me/second-factor", "{path}");
        }
        for (method, path) in [
            ("GET", "/v1/organisations"),
            ("GET", "/v1/me"),
            ("DELETE", "/v1/me/second-factor"),
            ("POST", "/v1/me/recovery-codes"),
            ("GET", "/v1/me/sessions"),
        ] {
            let refused = browser.script(&site, method, path, Value::Null).await;
            refused.refused(403, "second-factor-lacking");
        }
        let page = browser.open(&site, "/me/second-factor").await.checked(200).text;
        assert!(page.contains("您的角色需要第二重验证"));
        browser.script(&site, "GET", "/session", Value::Null).await.checked(200);
        let begun = browser.script(&site, "POST", "/v1/me/second-factor", Value::Null).await.expect(200);
        let code = json!({ "code": secret_of(&begun).code(now(&site)) });
        let done = browser.script(&site, "POST", "/v1/me/second-factor/confirm", code).await.expect(200);
        assert_eq!(done["access_token"], Value::Null);
        browser.open(&site, "/admin").await.checked(200);
        let kept = browser.script(&site, "DELETE", "/v1/me/second-factor", Value::Null).await;
        kept.refused(409, "conflict");
        let page = browser.open(&site, "/me/second-factor").await.checked(200).text;
        assert!(page.contains("还有 10 个备用码"));
        site.token("doctor").await;
        let mut doctor = Browser::new();
        assert_eq!(doctor.log_in(&site, "doctor").await.header("location"), "/consults");
    })
    .await;
}

#[tokio::test]
async fn the_setting_says_whose_log_ins_need_one_and_a_program_gets_its_token_too() {
    on_both(|engine| async move {
        let site = Site::with(&engine, needed_by(SecondFactorFor::AdministratorsAndDoctors)).await;
        let doctor = site.token("doctor").await;
        site.get(&doctor, "/v1/me").await.refused(403, "second-factor-lacking");
        let (_, confirmed) = set_up(&site, &doctor).await;
        let opened = confirmed["access_token"].as_str().unwrap();
        site.get(opened, "/v1/me").await.checked(200);
        let nurse = site.token("nurse").await;
        site.get(&nurse, "/v1/me").await.checked(200);
        set_up(&site, &nurse).await;
        site.api(&nurse, "DELETE", "/v1/me/second-factor", Value::Null).await.checked(204);
        site.log_in("nurse", PASSWORD).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_lost_one_is_reset_by_the_administrator_or_recovered_on_the_machine() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let nurse = site.token("nurse").await;
        set_up(&site, &nurse).await;
        let mut page = Browser::new();
        page.log_in(&site, "admin").await;
        let accounts = format!("/admin?organisation={}", site.network.care_home);
        let shown = page.open(&site, &accounts).await.checked(200).text;
        let path = format!("/v1/accounts/{}/second-factor", site.account("nurse"));
        assert!(shown.contains(&format!("DELETE {path}")));
        let doctor = site.token("doctor").await;
        assert!(matches!(site.api(&doctor, "DELETE", &path, Value::Null).await.status.as_u16(), 403 | 404));
        site.api(&admin, "DELETE", &path, Value::Null).await.checked(204);
        site.api(&admin, "DELETE", &path, Value::Null).await.refused(404, "not-found");
        site.get(&nurse, "/v1/me").await.refused(401, "unauthenticated");
        site.log_in("nurse", PASSWORD).await.checked(200);
        // In the log of the office that did it, and in that of the house whose account it is.
        assert_eq!(audited(&site, "account.reset_second_factor").await, 2);
        let own = format!("/v1/accounts/{}/second-factor", site.account("admin"));
        site.api(&admin, "DELETE", &own, Value::Null).await.refused(409, "conflict");

        let (_, confirmed) = set_up(&site, &admin).await;
        let opened = confirmed["access_token"].as_str().unwrap().to_owned();
        let deps = &site.deps;
        let gone = recover(&deps.db, &site.clock, &deps.passwords, "nobody").await.unwrap();
        assert!(gone.is_none());
        let link = recover(&deps.db, &site.clock, &deps.passwords, " Admin ").await.unwrap().unwrap();
        for token in [&admin, &opened] {
            site.get(token, "/v1/me").await.refused(401, "unauthenticated");
        }
        site.log_in("admin", PASSWORD).await.refused(401, "invalid-credentials");
        site.choose(&json!({ "path": link.path }), "three boats on the river").await;
        let back = site.access("admin", "three boats on the river").await;
        site.get(&back, "/v1/organisations").await.checked(200);
        assert_eq!(audited(&site, "account.recover").await, 1);
    })
    .await;
}

#[tokio::test]
async fn guessing_a_code_is_slow_with_the_password_too() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (secret, _) = set_up(&site, &site.token("nurse").await).await;
        let asked = challenge(&site, "nurse").await;
        for _ in 0..5 {
            answer(&site, &asked, "000000").await.refused(401, "second-factor-refused");
        }
        let told = answer(&site, &asked, &secret.code(now(&site))).await.refused(429, "too-many-requests");
        assert_eq!(told.header("retry-after"), "2");
        site.clock.advance(Duration::from_secs(2));
        answer(&site, &asked, &secret.code(now(&site))).await.checked(200);
        // A password that was changed meanwhile makes the challenge void.
        let asked = challenge(&site, "nurse").await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}/link", site.account("nurse"));
        site.api(&admin, "POST", &path, Value::Null).await.checked(200);
        answer(&site, &asked, &secret.code(now(&site))).await.refused(401, "second-factor-expired");
    })
    .await;
}
