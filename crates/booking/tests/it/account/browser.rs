//! Sessions of browsers: cookies, forms without script, cross-site refusals, renewal, pages.

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site};

fn cookie_line<'a>(answer: &'a sanbao_platform::testing::Answer, name: &str) -> &'a str {
    let lines = answer.headers.get_all("set-cookie").iter();
    lines.map(|v| v.to_str().unwrap()).find(|v| v.starts_with(&format!("{name}="))).unwrap_or_default()
}

#[tokio::test]
async fn a_plain_form_logs_in_and_leads_to_the_work() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        let page = browser.open(&site, "/login?next=/residents").await.checked(200);
        assert!(page.text.contains(r#"action="/session""#) && page.text.contains(r#"value="/residents""#));
        assert!(page.text.len() < 60 * 1024 && !page.text.contains("<script>"), "no inline script");

        let fields = [("login", "nurse"), ("password", PASSWORD), ("next", "/residents")];
        let answer = browser.form(&site, "/session", &fields).await.checked(303);
        assert_eq!(answer.header("location"), "/residents");
        for (name, path) in [("sanbao_access", "/"), ("sanbao_refresh", "/session"), ("sanbao_device", "/session")] {
            let line = cookie_line(&answer, name);
            for part in ["HttpOnly", "SameSite=Lax", &format!("Path={path}"), "Max-Age="] {
                assert!(line.contains(part), "{name}: {part} in {line}");
            }
        }
        assert!(!cookie_line(&answer, "sanbao_csrf").contains("HttpOnly"), "the script reads it");
        let residents = browser.open(&site, "/residents").await.checked(200);
        assert!(residents.text.contains("陈桂香") && residents.text.contains("330298********"));
        assert!(!residents.text.contains("13800000011"), "telephones are masked");

        for (login, home) in [
            ("nurse", "/consults"),
            ("doctor", "/consults"),
            ("dispatcher", "/visits"),
            ("desk", "/requests"),
            ("caregiver", "/visits/today"),
            ("analyst", "/needs"),
            ("admin", "/admin"),
        ] {
            let mut browser = Browser::new();
            assert_eq!(browser.log_in(&site, login).await.header("location"), home);
            assert_eq!(browser.open(&site, "/").await.checked(303).header("location"), home);
        }
        for evil in ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "/\0", "/x\n"] {
            let fields = [("login", "nurse"), ("password", PASSWORD), ("next", evil)];
            let answer = Browser::new().form(&site, "/session", &fields).await.checked(303);
            assert_eq!(answer.header("location"), "/consults", "{evil}");
        }
        for way in ["/session/renew", "/session/pin", "/login"] {
            for evil in ["/%09/evil.example", "/%00", "/%0d%0aset-cookie:%20a=b", "/%c2%85", "/%e9%99%88"] {
                let answer = Browser::new().open(&site, &format!("{way}?next={evil}")).await;
                assert!(matches!(answer.status.as_u16(), 200 | 303), "{way} {evil}: {}", answer.status);
                let to = answer.headers.get("location").map_or("/", |to| to.to_str().unwrap());
                assert!(to.starts_with('/') && !to.contains("evil"), "{way} {evil}: {to}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_log_in_shows_the_page_again_with_what_was_typed() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        let fields = [("login", "\"><script>alert(1)</script>"), ("password", "secret-typed"), ("next", "/x")];
        let page = browser.form(&site, "/session", &fields).await.checked(401);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains("用户名或密码不对") && page.text.contains("error-summary"));
        assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>alert"));
        assert!(!page.text.contains("secret-typed"), "a password is not sent back");
        assert!(browser.cookie("sanbao_access").is_none());
        for _ in 0..5 {
            browser.form(&site, "/session", &[("login", "nurse"), ("password", "x")]).await.checked(401);
        }
        let late = browser.form(&site, "/session", &[("login", "nurse"), ("password", PASSWORD)]).await.checked(429);
        assert_eq!(late.header("retry-after"), "2");
        let body = json!({ "login": "nurse", "password": PASSWORD });
        browser.script(&site, "POST", "/session", body).await.refused(429, "too-many-requests");
        let body = json!({ "login": "doctor", "password": PASSWORD });
        let told = browser.script(&site, "POST", "/session", body).await.expect(200);
        assert_eq!(told, json!({ "home": "/consults" }));
    })
    .await;
}

#[tokio::test]
async fn another_site_can_do_nothing_with_the_cookies() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let json_kind = ("content-type", "application/json");
        let csrf = browser.cookie("sanbao_csrf").unwrap().to_owned();
        let body = r#"{"name":"甲"}"#;
        let refused: &[&[(&str, &str)]] = &[
            &[json_kind],
            &[json_kind, ("x-csrf-token", "guess")],
            &[json_kind, ("x-csrf-token", "")],
            &[json_kind, ("x-csrf-token", &csrf), ("origin", "https://evil.example")],
            &[json_kind, ("x-csrf-token", &csrf), ("origin", "null")],
            &[json_kind, ("x-csrf-token", &csrf), ("sec-fetch-site", "cross-site")],
            &[json_kind, ("x-csrf-token", &csrf), ("sec-fetch-site", "same-site")],
        ];
        for headers in refused {
            let answer = browser.raw(&site, "POST", "/v1/persons", headers, body).await;
            answer.refused(403, "cross-site");
            let answer = browser.raw(&site, "DELETE", "/session", headers, "").await;
            answer.refused(403, "cross-site");
        }
        for headers in &refused[3..] {
            let log_in = format!(r#"{{"login":"doctor","password":"{PASSWORD}"}}"#);
            browser.raw(&site, "POST", "/session", headers, &log_in).await.refused(403, "cross-site");
            browser.raw(&site, "POST", "/session/pin", headers, "{}").await.refused(403, "cross-site");
        }
        for headers in refused {
            browser.raw(&site, "POST", "/session/refresh", headers, "").await.refused(403, "cross-site");
        }
        let good = [json_kind, ("x-csrf-token", csrf.as_str()), ("origin", "https://sanbao.test")];
        browser.raw(&site, "POST", "/v1/persons", &good, body).await.checked(201);
    })
    .await;
}

#[tokio::test]
async fn a_session_is_renewed_on_the_way_and_ends_with_the_log_out() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        let lost = browser.open(&site, "/residents").await.checked(303);
        assert_eq!(lost.header("location"), "/session/renew?next=/residents");
        let lost = browser.open(&site, "/session/renew?next=/residents").await.checked(303);
        assert_eq!(lost.header("location"), "/login?next=/residents");

        browser.log_in(&site, "nurse").await;
        site.minutes_pass(20);
        browser.open(&site, "/residents").await.checked(303);
        let mut second_tab = browser.clone();
        let back = browser.open(&site, "/session/renew?next=/residents%3Fq%3Dx").await.checked(303);
        assert_eq!(back.header("location"), "/residents?q=x");
        browser.open(&site, "/residents").await.checked(200);
        // The other tab comes a moment later with the same token, or its answer was lost: it gets the same successor.
        second_tab.open(&site, "/session/renew?next=/residents").await.checked(303);
        assert_eq!(second_tab.cookie("sanbao_refresh"), browser.cookie("sanbao_refresh"));
        second_tab.open(&site, "/residents").await.checked(200);
        site.minutes_pass(16);
        browser.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        browser.open(&site, "/residents").await.checked(200);

        site.minutes_pass(1);
        let thief = second_tab.script(&site, "POST", "/session/refresh", Value::Null).await;
        thief.refused(401, "refresh-token-reused");
        browser.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");

        browser.log_in(&site, "nurse").await;
        let kept = browser.clone();
        browser.script(&site, "DELETE", "/session", Value::Null).await.checked(204);
        assert!(browser.cookie("sanbao_access").is_none() && browser.cookie("sanbao_refresh").is_none());
        let mut old = kept;
        old.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_is_given_again_for_a_while() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        site.minutes_pass(20);
        // By a page's redirect: the server renews, and the browser never hears of it and comes again.
        browser.clone().open(&site, "/session/renew?next=/residents").await.checked(303);
        let back = browser.open(&site, "/session/renew?next=/residents").await.checked(303);
        assert_eq!(back.header("location"), "/residents");
        browser.open(&site, "/residents").await.checked(200);
        // By a page's script; two answers are lost, one of them of the renewal after.
        site.minutes_pass(20);
        let old = browser.clone();
        let mut heard = browser.clone();
        heard.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        heard.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        browser.script(&site, "POST", "/session/refresh", Value::Null).await.checked(204);
        assert_eq!(browser.cookie("sanbao_refresh"), heard.cookie("sanbao_refresh"), "the newest of the family");
        browser.open(&site, "/residents").await.checked(200);
        // After the grace a used token is a stolen one: the family ends, the newest token with it.
        site.minutes_pass(1);
        let mut thief = old;
        let answer = thief.script(&site, "POST", "/session/refresh", Value::Null).await;
        answer.refused(401, "refresh-token-reused");
        let ended = browser.script(&site, "POST", "/session/refresh", Value::Null).await;
        ended.refused(401, "refresh-token-invalid");
    })
    .await;
}

#[tokio::test]
async fn a_locked_browser_opens_nothing_until_somebody_logs_in() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let who = browser.script(&site, "GET", "/session", Value::Null).await.expect(200);
        assert_eq!((&who["account"], &who["home"]), (&json!(site.account("nurse")), &json!("/consults")));
        // The page's script locks, and the server cannot be told: the cookie alone closes everything.
        browser.set_cookie("sanbao_locked", "1");
        let mut kept = browser.clone();
        let sent = browser.open(&site, "/residents").await.checked(303);
        assert_eq!(sent.header("location"), "/session/renew?next=/residents");
        browser.script(&site, "GET", "/v1/persons", Value::Null).await.checked(401);
        // The first way to the server that works ends the log-in, and leads to the log-in page.
        let sent = browser.open(&site, "/session/renew?next=/residents").await.checked(303);
        assert_eq!(sent.header("location"), "/session/pin?next=/residents");
        assert!(browser.cookie("sanbao_refresh").is_none());
        kept.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
        // A log-in opens the browser again.
        browser.log_in(&site, "nurse").await;
        assert!(browser.cookie("sanbao_locked").is_none());
        browser.open(&site, "/residents").await.checked(200);
        // With a network the script tells it at once, by its CSRF token only.
        let refused = [("x-csrf-token", "guess"), ("origin", "https://sanbao.test")];
        browser.raw(&site, "POST", "/session/lock", &refused, "").await.refused(403, "cross-site");
        let mut old = browser.clone();
        browser.script(&site, "POST", "/session/lock", Value::Null).await.checked(204);
        assert!(browser.cookie("sanbao_access").is_none() && browser.cookie("sanbao_csrf").is_none());
        old.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
        assert_eq!(crate::account::kit::audited(&site, "session.lock").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_person_is_looked_for_in_no_address() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let page = browser.form(&site, "/residents", &[("q", "陈桂香")]).await.checked(200);
        assert!(page.text.contains("陈桂香") && page.text.contains("共 1 条"), "{}", page.text);
        assert!(page.text.contains(r#"method="post" action="/residents""#) && !page.text.contains("?q="));
        let none = browser.form(&site, "/residents", &[("q", "没有这个人")]).await.checked(200);
        assert!(none.text.contains("没有找到"));
        let elsewhere = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
        browser.raw(&site, "POST", "/residents", &elsewhere, "q=a").await.refused(403, "cross-site");
    })
    .await;
}

#[tokio::test]
async fn pages_show_only_what_the_caller_may_see() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        for (login, path, status) in [
            ("admin", "/admin", 200),
            ("nurse", "/admin", 403),
            ("doctor", "/admin", 403),
            ("doctor", "/residents", 403),
            ("admin", "/residents", 403),
            ("nurse", "/residents", 200),
        ] {
            let mut browser = Browser::new();
            browser.log_in(&site, login).await;
            let page = browser.open(&site, path).await.checked(status);
            assert!(page.header("content-type").starts_with("text/html"), "{login} {path}");
        }
        let mut browser = Browser::new();
        browser.log_in(&site, "admin").await;
        let page = browser.open(&site, "/admin").await.checked(200);
        assert!(page.text.contains("苏文清") && page.text.contains("海滨医院") && !page.text.contains("林晓月"));
        let theirs = format!("/admin?organisation={}", site.network.care_home);
        let page = browser.open(&site, &theirs).await.checked(200);
        assert!(page.text.contains("林晓月") && !page.text.contains("苏文清"), "the network's administrator helps");
        let mut nurse = Browser::new();
        nurse.log_in(&site, "nurse").await;
        nurse.open(&site, &theirs).await.checked(403);
        nurse.open(&site, &format!("/admin?organisation={}", site.network.hospital)).await.checked(404);
        browser.open(&site, "/static/booking/idle-lock.js").await.checked(200);
        let english = [("accept-language", "en"), ("accept", "text/html")];
        let page = Browser::new().raw(&site, "GET", "/login", &english, "").await.checked(200);
        assert!(page.text.contains("User name") && page.text.contains(r#"lang="en""#));
    })
    .await;
}
