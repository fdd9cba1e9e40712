//! Passwords, tokens and their families, delays and throttles.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use sanbao_booking::Config;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::auth::{AccessClaims, Keys};
use sanbao_platform::testing::{Answer, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

fn text(answer: &Answer, key: &str) -> String {
    answer.body[key].as_str().unwrap().to_owned()
}

async fn refresh(site: &Site, token: &str) -> Answer {
    site.api("", "POST", "/v1/tokens/refresh", json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn the_right_password_opens_and_the_wrong_one_tells_nothing() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let tokens = site.log_in(" Nurse ", PASSWORD).await.checked(200);
        assert_eq!(tokens.body["expires_in"], 900);
        assert_eq!(tokens.header("cache-control"), "no-store");
        site.get(&text(&tokens, "access_token"), "/v1/persons").await.checked(200);

        let wrong = site.log_in("nurse", "sanbao-demo!").await.refused(401, "invalid-credentials").body;
        for login in ["nobody", "", "nurse' or '1'='1", "<b>nurse</b>", "nurse\u{0}"] {
            let unknown = site.log_in(login, PASSWORD).await.refused(401, "invalid-credentials").body;
            assert_eq!(
                (&unknown["title"], &unknown["detail"]),
                (&wrong["title"], &wrong["detail"]),
                "an unknown name reads as a wrong password: {login}"
            );
        }
        assert_eq!(audited(&site, "account.log_in").await, 7, "every try is written down");
        site.log_in("nurse", &"x".repeat(300)).await.refused(422, "invalid");
        site.api("", "POST", "/v1/tokens", json!({ "login": "nurse" })).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn wrong_passwords_cost_time_where_they_were_typed_and_nobody_else() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut tablet = Browser::new();
        tablet.log_in(&site, "nurse").await;
        for login in ["nurse", "nobody"] {
            for n in 1..=5 {
                assert_eq!(site.log_in(login, "wrong").await.status, 401, "{login}, wrong try {n}");
            }
            for password in [PASSWORD, "wrong"] {
                let told = site.log_in(login, password).await.refused(429, "too-many-requests");
                assert_eq!(told.header("retry-after"), "2", "a name that nobody has waits as long: {login}");
            }
        }
        site.log_in("doctor", PASSWORD).await.checked(200);
        tablet.log_in(&site, "nurse").await;
        site.clock.advance(Duration::from_secs(2));
        site.log_in("nurse", "wrong").await.refused(401, "invalid-credentials");
        site.clock.advance(Duration::from_secs(1));
        site.log_in("nurse", PASSWORD).await.refused(429, "too-many-requests");
        site.clock.advance(Duration::from_secs(1));
        site.log_in("nurse", PASSWORD).await.checked(200);
        site.log_in("nurse", "wrong").await.refused(401, "invalid-credentials");
        site.log_in("nurse", PASSWORD).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn parallel_guesses_get_no_more_verdicts_than_one_after_the_other() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let answers = join_all((0..24).map(|_| site.log_in("nurse", "wrong"))).await;
        let told = answers.iter().filter(|a| a.status == 401).count();
        assert_eq!(told, 5, "5 verdicts, then a wait: {}", engine.name());
        assert!(answers.iter().all(|a| a.status == 401 || a.problem() == "too-many-requests"));
    })
    .await;
}

#[tokio::test]
async fn thirty_right_log_ins_at_a_change_of_shift_all_pass_and_bogus_links_stop_none() {
    on_both(|engine| async move {
        let site = Site::with(&engine, Config::default()).await;
        for _ in 0..40 {
            site.api("", "POST", "/v1/guest-tickets", json!({ "token": "bogus" })).await;
        }
        let last = site.api("", "POST", "/v1/guest-tickets", json!({ "token": "bogus" })).await;
        last.refused(429, "too-many-requests");
        for n in 0..31 {
            let login = ["nurse", "doctor", "desk"][n % 3];
            site.log_in(login, PASSWORD).await.checked(200);
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_tries_too_often_is_told_to_wait() {
    on_both(|engine| async move {
        let config = Config {
            login_per_minute_max: NonZeroU32::new(6).unwrap(),
            login_burst_max: NonZeroU32::new(3).unwrap(),
            ..Config::default()
        };
        let site = Site::with(&engine, config).await;
        for _ in 0..3 {
            site.log_in("nobody", "wrong").await.refused(401, "invalid-credentials");
        }
        let answer = site.log_in("doctor", PASSWORD).await.refused(429, "too-many-requests");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=11).contains(&wait), "{wait} s");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_family() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let first = text(&site.log_in("nurse", PASSWORD).await.checked(200), "refresh_token");
        let other = text(&site.log_in("nurse", PASSWORD).await.checked(200), "refresh_token");
        site.minutes_pass(14);
        let renewed = refresh(&site, &first).await.checked(200);
        let second = text(&renewed, "refresh_token");
        site.get(&text(&renewed, "access_token"), "/v1/persons").await.checked(200);
        assert_ne!(first, second);

        refresh(&site, &first).await.refused(401, "refresh-token-reused");
        refresh(&site, &second).await.refused(401, "refresh-token-invalid");
        refresh(&site, &first).await.refused(401, "refresh-token-invalid");
        assert_eq!(audited(&site, "session.reuse").await, 1);
        refresh(&site, &other).await.checked(200);
        for foreign in ["", "x", &"x".repeat(10_000), "' or 1=1 --"] {
            refresh(&site, foreign).await.refused(401, "refresh-token-invalid");
        }
    })
    .await;
}

#[tokio::test]
async fn of_concurrent_renewals_with_one_token_exactly_one_wins() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let token = text(&site.log_in("nurse", PASSWORD).await.checked(200), "refresh_token");
        let answers = join_all((0..8).map(|_| refresh(&site, &token))).await;
        let won = answers.iter().filter(|a| a.status == 200).count();
        assert_eq!(won, 1, "{}", engine.name());
        assert!(answers.iter().all(|a| a.status == 200 || a.status == 401));
    })
    .await;
}

#[tokio::test]
async fn tokens_end_with_time_and_with_the_log_out() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let tokens = site.log_in("nurse", PASSWORD).await.checked(200);
        let (access, old) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        site.minutes_pass(16);
        site.get(&access, "/v1/persons").await.refused(401, "unauthenticated");
        site.minutes_pass(12 * 60);
        refresh(&site, &old).await.refused(401, "refresh-token-invalid");

        let tokens = site.log_in("nurse", PASSWORD).await.checked(200);
        let (access, token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        site.api(&access, "DELETE", "/v1/tokens", Value::Null).await.checked(204);
        refresh(&site, &token).await.refused(401, "refresh-token-invalid");
        site.api(&access, "DELETE", "/v1/tokens", Value::Null).await.refused(401, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn a_foreign_or_changed_access_token_is_refused() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = &site.network.accounts[0];
        let claims = AccessClaims {
            auth_time: 0,
            lacks_factor: false,
            sub: nurse.id.into(),
            org: nurse.organisation,
            kind: "care_home".into(),
            roles: vec!["care_staff".into()],
            areas: Vec::new(),
            name: nurse.name.into(),
            sid: nurse.id.0,
            ver: 1,
            workplaces: Vec::new(),
        };
        let foreign = Keys::from_seed(&[1; 32]).unwrap().sign_access(site.clock.now(), &claims).unwrap();
        site.get(&foreign, "/v1/persons").await.refused(401, "unauthenticated");
        let own = site.token("nurse").await;
        let changed = own.replacen('.', ".e", 1);
        site.get(&changed, "/v1/persons").await.refused(401, "unauthenticated");
        site.get("", "/v1/persons").await.refused(401, "unauthenticated");
        let jwks = site.get("", "/.well-known/jwks.json").await.expect(200);
        assert_eq!(jwks["keys"][0]["crv"], "Ed25519");
        assert!(jwks["keys"][0].get("d").is_none(), "no private part");
    })
    .await;
}

#[tokio::test]
async fn a_disabled_account_is_out() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, nurse) = (site.token("admin").await, site.account("nurse"));
        let token = text(&site.log_in("nurse", PASSWORD).await.checked(200), "refresh_token");
        site.api(&admin, "POST", &format!("/v1/accounts/{nurse}/disable"), Value::Null).await.checked(200);
        refresh(&site, &token).await.refused(401, "refresh-token-invalid");
        site.log_in("nurse", PASSWORD).await.refused(403, "account-disabled");
        site.log_in("nurse", "wrong").await.refused(401, "invalid-credentials");
        let again = site.api(&admin, "POST", &format!("/v1/accounts/{nurse}/disable"), Value::Null).await;
        assert_eq!(again.refused(409, "invalid-transition").body["legal"], json!(["enable"]));
        site.api(&admin, "POST", &format!("/v1/accounts/{nurse}/enable"), Value::Null).await.checked(200);
        site.log_in("nurse", PASSWORD).await.checked(200);
        refresh(&site, &token).await.refused(401, "refresh-token-invalid");
    })
    .await;
}
