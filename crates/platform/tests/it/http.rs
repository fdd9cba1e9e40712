//! What every request passes through: problems, languages, cookies and CSRF, limits, idempotency.
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use chrono::{DateTime, Duration, Utc};
use http_body_util::BodyExt as _;
use sanbao_platform::auth::{AccessClaims, Keys};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::{BODY_BYTES_MAX, Ctx, Idempotency, Json, PageCtx, Path, finish};
use sanbao_platform::id::{OrganisationId, SubjectId};
use sanbao_platform::problem::Problem;
use sanbao_platform::testing::{TestEngine, on_both, sqlite};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

const NOTES: Migrations = Migrations { sqlite: &[], postgres: &[] };

#[derive(Clone)]
struct App {
    db: Db,
    keys: Keys,
    clock: Clock,
}

impl FromRef<App> for Keys {
    fn from_ref(app: &App) -> Self {
        app.keys.clone()
    }
}

impl FromRef<App> for Clock {
    fn from_ref(app: &App) -> Self {
        app.clock.clone()
    }
}

#[derive(Deserialize, Serialize)]
struct Note {
    text: String,
}

async fn create(
    State(app): State<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(note): Json<Note>,
) -> Result<Response<Body>, Problem> {
    let mut tx = app.db.begin().await?;
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

async fn site(engine: &TestEngine) -> (Router, App) {
    let app = App {
        db: engine.database("notes", &NOTES).await,
        keys: RootSecret::from_bytes([1; 32]).keys().unwrap(),
        clock: Clock::manual(start()),
    };
    let routes = Router::new()
        .route("/v1/notes", post(create))
        .route("/v1/notes/{id}", get(by_id))
        .route("/page", get(page))
        .route("/boom", get(boom))
        .with_state(app.clone());
    (finish(routes, app.clock.clone(), CancellationToken::new(), false), app)
}

fn token(app: &App) -> String {
    let claims = AccessClaims {
        sub: SubjectId(Uuid::from_u128(1)),
        org: OrganisationId(Uuid::from_u128(2)),
        roles: vec!["care_staff".into()],
        areas: Vec::new(),
        name: "林护工".into(),
        sid: Uuid::from_u128(3),
    };
    app.keys.sign_access(app.clock.now(), &claims).unwrap()
}

async fn send(site: &Router, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
    let response = site.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let value =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    (status, headers, value)
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
    let (site, app) = site(&sqlite()).await;
    let bearer = format!("Bearer {}", token(&app));
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
        let (got, headers, body) = send(&site, request).await;
        assert_eq!(got.as_u16(), status, "{name}: {body}");
        assert_eq!(headers["content-type"], "application/problem+json", "{name}");
        assert_eq!(headers["content-language"], "zh-CN", "{name}");
        assert_eq!(body["type"], format!("/problems/{slug}"), "{name}");
        assert_eq!(body["request_id"].as_str().unwrap(), headers["x-request-id"], "{name}");
        assert!(!body.to_string().contains("secret"), "{name}: {body}");
    }
    let english = Request::get("/v1/nowhere").header("accept-language", "en").body(Body::empty()).unwrap();
    assert_eq!(send(&site, english).await.2["title"], "Not found");
    let in_a_browser = Request::get("/nowhere").header("accept", "text/html").body(Body::empty()).unwrap();
    let (_, headers, _) = send(&site, in_a_browser).await;
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn a_token_ends_with_its_quarter_of_an_hour() {
    let (site, app) = site(&sqlite()).await;
    let bearer = format!("Bearer {}", token(&app));
    let ask = || note(&[("authorization", &bearer)], r#"{"text":"a"}"#);
    assert_eq!(send(&site, ask()).await.0, StatusCode::CREATED);
    app.clock.advance((Duration::minutes(15) + Duration::seconds(6)).to_std().unwrap());
    assert_eq!(send(&site, ask()).await.0, StatusCode::UNAUTHORIZED);
}

type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[tokio::test]
async fn a_browsers_write_needs_the_csrf_token_and_the_same_site() {
    let (site, app) = site(&sqlite()).await;
    let cookies = format!("sanbao_access={}; sanbao_csrf=abc", token(&app));
    let cookie = ("cookie", cookies.as_str());
    let csrf = ("x-csrf-token", "abc");
    let cases: &[Case<'_>] = &[
        ("all right", &[cookie, csrf, ("sec-fetch-site", "same-origin")], 201),
        (
            "own origin, older browser",
            &[cookie, csrf, ("origin", "https://care.example"), ("host", "care.example")],
            201,
        ),
        ("no header", &[cookie], 403),
        ("a wrong header", &[cookie, ("x-csrf-token", "abd")], 403),
        ("another site", &[cookie, csrf, ("sec-fetch-site", "cross-site")], 403),
        ("a neighbour's subdomain", &[cookie, csrf, ("sec-fetch-site", "same-site")], 403),
        ("another origin", &[cookie, csrf, ("origin", "https://evil.example"), ("host", "care.example")], 403),
    ];
    for (name, headers, status) in cases {
        let (got, _, body) = send(&site, note(headers, r#"{"text":"a"}"#)).await;
        assert_eq!(got.as_u16(), *status, "{name}: {body}");
    }
    let empty = format!("sanbao_access={}; sanbao_csrf=", token(&app));
    let (got, ..) = send(&site, note(&[("cookie", &empty), ("x-csrf-token", "")], r#"{"text":"a"}"#)).await;
    assert_eq!(got.as_u16(), 403, "an empty token is none");
}

#[tokio::test]
async fn a_page_sends_the_unknown_to_renewal_and_back() {
    let (site, app) = site(&sqlite()).await;
    let (status, headers, _) = send(&site, Request::get("/page?a=1&b=2").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers["location"], "/session/renew?next=/page%3Fa%3D1%26b%3D2");
    let cookie = format!("sanbao_access={}", token(&app));
    let (status, headers, body) =
        send(&site, Request::get("/page").header("cookie", cookie).body(Body::empty()).unwrap()).await;
    assert_eq!((status, body), (StatusCode::OK, json!("林护工")));
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
}

#[tokio::test]
async fn a_repeated_creation_gives_the_first_answer() {
    on_both(|engine| async move {
        let (site, app) = site(&engine).await;
        let bearer = format!("Bearer {}", token(&app));
        let ask = |key: &str, text: &str| {
            note(&[("authorization", &bearer), ("idempotency-key", key)], json!({ "text": text }).to_string())
        };
        let (status, headers, first) = send(&site, ask("k1", "a")).await;
        assert_eq!(status, StatusCode::CREATED, "{first}");
        assert!(!headers.contains_key("idempotent-replayed"));
        let (status, headers, again) = send(&site, ask("k1", "a")).await;
        assert_eq!((status, &again), (StatusCode::CREATED, &first), "{}", engine.name());
        assert_eq!(headers["idempotent-replayed"], "true");
        let (status, _, body) = send(&site, ask("k1", "b")).await;
        assert_eq!((status.as_u16(), body["type"].as_str()), (422, Some("/problems/idempotency-mismatch")));
        assert_ne!(send(&site, ask("k2", "a")).await.2, first);
        // Twenty at once with one fresh key: one is made, all hear of it.
        let racing = (0..20).map(|_| send(&site, ask("k3", "a")));
        let answers = futures_util::future::join_all(racing).await;
        assert!(answers.iter().all(|a| a.0 == StatusCode::CREATED && a.2 == answers[0].2), "{}", engine.name());
    })
    .await;
}
