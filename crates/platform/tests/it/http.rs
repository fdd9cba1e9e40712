//! The layers that every request passes through: problems, languages, cookies and CSRF, limits, idempotency.
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::auth::AccessClaims;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::{BODY_BYTES_MAX, Ctx, Idempotency, Json, PageCtx, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{Answer, Person, Site, TestEngine, on_both, sqlite};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

const NOTES: Migrations = Migrations { sqlite: &[], postgres: &[] };

#[derive(Deserialize, Serialize)]
struct Note {
    text: String,
}

async fn create(
    State(deps): State<Deps>,
    ctx: Ctx,
    key: Idempotency,
    Json(note): Json<Note>,
) -> Result<Response<Body>, Problem> {
    let mut tx = deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /notes", &note).await? {
        return Ok(replay);
    }
    let view = json!({ "id": sanbao_platform::id::uuid_v7(ctx.now()), "length": note.text.len() });
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn page(PageCtx(ctx): PageCtx) -> String {
    ctx.actor.name
}

async fn by_id(Path(id): Path<Uuid>) -> String {
    id.to_string()
}

async fn boom() {
    panic!("a secret in a panic")
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

async fn site(engine: &TestEngine) -> Site {
    let deps = engine.deps("notes", &NOTES, Clock::manual(start())).await;
    let routes = Router::new()
        .route("/v1/notes", post(create))
        .route("/v1/notes/{id}", get(by_id))
        .route("/page", get(page))
        .route("/boom", get(boom))
        .with_state(deps.clone());
    Site::over(routes, &deps)
}

/// The token of one who may write notes.
fn token(site: &Site) -> String {
    let organisation = OrganisationId(Uuid::from_u128(2));
    site.token(&Person::new(Uuid::from_u128(1), organisation, &["care_staff"], "林护工"))
}

fn note(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/v1/notes").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn every_refusal_is_a_problem_in_the_callers_language() {
    let site = site(&sqlite()).await;
    let bearer = format!("Bearer {}", token(&site));
    let auth = ("authorization", bearer.as_str());
    let cases = [
        ("no token", note(&[], r#"{"text":"a"}"#), 401, "unauthenticated"),
        ("a broken token", note(&[("authorization", "Bearer x")], r#"{"text":"a"}"#), 401, "unauthenticated"),
        ("another scheme", note(&[("authorization", "Basic eA==")], "{}"), 401, "unauthenticated"),
        ("broken JSON", note(&[auth], "{"), 400, "bad-request"),
        ("a wrong type", note(&[auth], r#"{"text":1}"#), 422, "invalid"),
        ("a missing field", note(&[auth], "{}"), 422, "invalid"),
        ("too large", note(&[auth], "x".repeat(BODY_BYTES_MAX + 1)), 413, "too-large"),
        ("an unusable key", note(&[auth, ("idempotency-key", "")], r#"{"text":"a"}"#), 400, "bad-request"),
        ("an unknown route", Request::get("/v1/nowhere").body(Body::empty()).unwrap(), 404, "not-found"),
        ("a wrong method", Request::delete("/v1/notes").body(Body::empty()).unwrap(), 405, "method-not-allowed"),
        ("an id that is none", Request::get("/v1/notes/7").body(Body::empty()).unwrap(), 404, "not-found"),
        ("a panic", Request::get("/boom").body(Body::empty()).unwrap(), 500, "internal"),
    ];
    for (name, request, status, slug) in cases {
        let Answer { headers, body, .. } = site.send(request).await.refused(status, slug);
        assert_eq!(headers["content-language"], "zh-CN", "{name}");
        assert_eq!(body["request_id"].as_str().unwrap(), headers["x-request-id"], "{name}");
        assert!(!body.to_string().contains("secret"), "{name}: {body}");
    }
    let english = Request::get("/v1/nowhere").header("accept-language", "en").body(Body::empty()).unwrap();
    assert_eq!(site.send(english).await.body["title"], "Not found");
    let in_a_browser = Request::get("/nowhere").header("accept", "text/html").body(Body::empty()).unwrap();
    assert!(site.send(in_a_browser).await.content_type().starts_with("text/html"));
}

#[tokio::test]
async fn a_token_ends_with_its_quarter_of_an_hour() {
    let site = site(&sqlite()).await;
    let bearer = format!("Bearer {}", token(&site));
    let ask = || note(&[("authorization", &bearer)], r#"{"text":"a"}"#);
    site.send(ask()).await.expect(201);
    site.clock.advance((Duration::minutes(15) + Duration::seconds(6)).to_std().unwrap());
    site.send(ask()).await.refused(401, "unauthenticated");
}

type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[tokio::test]
async fn a_browsers_write_needs_the_csrf_token_and_the_same_site() {
    let site = site(&sqlite()).await;
    let [mine, theirs] = [1, 9].map(|log_in| site.keys.csrf(Uuid::from_u128(log_in)));
    let with = |csrf: &str| format!("sanbao_access={}; sanbao_csrf={csrf}", token(&site));
    let (cookies, injected, unbound) = (with(&mine), with(&theirs), with("abc"));
    let cookie = ("cookie", cookies.as_str());
    let csrf = ("x-csrf-token", mine.as_str());
    let cases: &[Case<'_>] = &[
        ("all right", &[cookie, csrf, ("sec-fetch-site", "same-origin")], 201),
        (
            "own origin, older browser",
            &[cookie, csrf, ("origin", "https://care.example"), ("host", "care.example")],
            201,
        ),
        ("no header", &[cookie], 403),
        ("a wrong header", &[cookie, ("x-csrf-token", "abd")], 403),
        ("another token of the same log-in", &[cookie, ("x-csrf-token", &site.keys.csrf(Uuid::from_u128(1)))], 403),
        ("both of another log-in", &[("cookie", &injected), ("x-csrf-token", &theirs)], 403),
        ("both of nobody's", &[("cookie", &unbound), ("x-csrf-token", "abc")], 403),
        ("another site", &[cookie, csrf, ("sec-fetch-site", "cross-site")], 403),
        ("a neighbour's subdomain", &[cookie, csrf, ("sec-fetch-site", "same-site")], 403),
        ("another origin", &[cookie, csrf, ("origin", "https://evil.example"), ("host", "care.example")], 403),
    ];
    for (name, headers, status) in cases {
        let answer = site.send(note(headers, r#"{"text":"a"}"#)).await;
        assert_eq!(answer.status.as_u16(), *status, "{name}: {}", answer.text);
    }
    let empty = format!("sanbao_access={}; sanbao_csrf=", token(&site));
    let empty = site.send(note(&[("cookie", &empty), ("x-csrf-token", "")], r#"{"text":"a"}"#)).await;
    assert_eq!(empty.status.as_u16(), 403, "an empty token is none");
}

#[tokio::test]
async fn over_https_cookies_are_the_hosts_own() {
    let mut deps = sqlite().deps("notes", &NOTES, Clock::manual(start())).await;
    deps.secure = true;
    let set = || async { ([("set-cookie", "sanbao_x=1; HttpOnly; Path=/session")], "") };
    let routes = Router::new().route("/page", get(page)).route("/set", get(set)).with_state(deps.clone());
    let site = Site::over(routes, &deps);
    let cookie = |name: &str| format!("{name}={}", token(&site));
    for (name, status) in [("__Host-sanbao_access", 200), ("sanbao_access", 303)] {
        let request = Request::get("/page").header("cookie", cookie(name)).body(Body::empty()).unwrap();
        assert_eq!(site.send(request).await.status.as_u16(), status, "{name}");
    }
    let answer = site.send(Request::get("/set").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("set-cookie"), "__Host-sanbao_x=1; Path=/; Secure; HttpOnly");
}

#[tokio::test]
async fn an_account_that_lacks_its_second_factor_reaches_nothing_but_the_way_to_it() {
    let site = site(&sqlite()).await;
    let person = Person::new(Uuid::from_u128(1), OrganisationId(Uuid::from_u128(2)), &["administrator"], "高海平");
    let claims = AccessClaims { lacks_factor: true, ..person.claims() };
    let token = site.keys.sign_access(site.clock.now(), &claims).unwrap();
    let bearer = format!("Bearer {token}");
    let refused = site.send(note(&[("authorization", &bearer)], r#"{"text":"a"}"#)).await;
    refused.refused(403, "second-factor-lacking");
    let cookie = format!("sanbao_access={token}");
    let page = Request::get("/page").header("cookie", cookie).body(Body::empty()).unwrap();
    assert_eq!(site.send(page).await.checked(303).header("location"), "/me/second-factor");
}

#[tokio::test]
async fn a_page_sends_the_unknown_to_renewal_and_back() {
    let site = site(&sqlite()).await;
    let away = site.send(Request::get("/page?a=1&b=2").body(Body::empty()).unwrap()).await.checked(303);
    assert_eq!(away.header("location"), "/session/renew?next=/page%3Fa%3D1%26b%3D2");
    let cookie = format!("sanbao_access={}", token(&site));
    let page =
        site.send(Request::get("/page").header("cookie", cookie).body(Body::empty()).unwrap()).await.checked(200);
    assert_eq!((page.text.as_str(), page.header("cache-control")), ("林护工", "no-store"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
}

#[tokio::test]
async fn a_repeated_creation_gives_the_first_answer() {
    on_both(|engine| async move {
        let site = site(&engine).await;
        let bearer = format!("Bearer {}", token(&site));
        let ask = |key: &str, text: &str| {
            note(&[("authorization", &bearer), ("idempotency-key", key)], json!({ "text": text }).to_string())
        };
        let first = site.send(ask("k1", "a")).await.checked(201);
        assert!(!first.headers.contains_key("idempotent-replayed"));
        let again = site.send(ask("k1", "a")).await.checked(201);
        assert_eq!((&again.body, again.header("idempotent-replayed")), (&first.body, "true"), "{}", engine.name());
        site.send(ask("k1", "b")).await.refused(422, "idempotency-mismatch");
        assert_ne!(site.send(ask("k2", "a")).await.body, first.body);
        // Twenty at once with one fresh key: one is made, all hear of it.
        let racing = (0..20).map(|_| site.send(ask("k3", "a")));
        let answers = futures_util::future::join_all(racing).await;
        assert!(answers.iter().all(|a| a.status == 201 && a.body == answers[0].body), "{}", engine.name());
    })
    .await;
}
