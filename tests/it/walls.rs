//! Every operation of the OpenAPI document and every page, asked for without a token, by every role, by strangers
//! (people of another care home, hospital, agency and street) and by former people, whose token is still young and whose
//! right has ended. The answers are reviewed pictures; what must not be is asserted. Nothing can be left out: the lists
//! come from the document and from the routers.

use std::fmt::Write as _;

use sanbao::compose;
use sanbao::openapi::PUBLIC;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{self, Answer};
use sanbao_platform::web;
use serde_json::{Value, json};

use crate::common::world::{self, World};
use crate::common::{self, Client, Served, sample};

/// Whose doing each column shows, with the log-in of the demo.
const ROLES: &[(&str, &str)] = &[
    ("care", "nurse"),
    ("doctor", "doctor"),
    ("desk", "desk"),
    ("dispat", "dispatcher"),
    ("caregv", "caregiver"),
    ("analys", "analyst"),
    ("leader", "grid"),
    ("admin", "admin"),
];

/// Operations that everybody who is logged in may call, and why.
const FOR_ALL: &[(&str, &str, &str)] = &[
    ("delete", "/v1/tokens", "one's own log-in"),
    ("get", "/v1/me", "one's own account"),
    ("put", "/v1/me/password", "one's own password"),
    ("put", "/v1/me/pin", "one's own PIN"),
    ("get", "/v1/me/sessions", "one's own log-ins"),
    ("delete", "/v1/me/sessions", "one's own log-ins"),
    ("post", "/v1/me/second-factor", "one's own second factor"),
    ("delete", "/v1/me/second-factor", "one's own second factor"),
    ("post", "/v1/me/second-factor/confirm", "one's own second factor"),
    ("post", "/v1/me/recovery-codes", "one's own second factor"),
    ("post", "/v1/session/step-up", "one's own log-in"),
    ("post", "/v1/session/organisation", "one's own log-in"),
    ("get", "/v1/me/organisations", "one's own organisations"),
    ("post", "/v1/offers/read", "the holder of the link is asked"),
    ("post", "/v1/offers/accept", "the holder of the link is asked"),
    ("post", "/v1/offers/decline", "the holder of the link is asked"),
    ("post", "/v1/alarms", "no log-in counts: its sender signs it"),
    ("post", "/v1/calls", "no log-in counts: its sender signs it"),
    ("get", "/v1/areas", "the tree is known to all"),
    ("get", "/v1/areas/{code}", "the tree is known to all"),
];

fn listed(list: &[(&str, &str, &str)], method: &str, path: &str) -> bool {
    list.iter().any(|(m, p, _)| (*m, *p) == (method, path))
}

async fn call(client: &Client, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = client.request(method, path);
    client
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

/// One row: an operation, and what each caller gets.
struct Row {
    method: String,
    path: String,
    nobody: u16,
    roles: Vec<u16>,
    strangers: Vec<(u16, String)>,
    former: Vec<u16>,
}

async fn observe(world: &World, document: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut clients = Vec::new();
    for (_, login) in ROLES {
        clients.push(world.nobody.demo(login).await);
    }
    let mut operations: Vec<_> = sanbao::openapi::operations(document).into_iter().enumerate().collect();
    // The end of a log-in is the last that is asked for with it.
    operations.sort_by_key(|(_, (path, method, _))| (*path, *method) == ("/v1/tokens", "delete"));
    for (place, (path, method, operation)) in operations {
        let (url, body) = (world.url(document, path, operation), World::body(document, operation));
        let mut times = 0;
        let mut body = || {
            times += 1;
            let mut body = body.clone();
            // Each guesses at a name of its own: wrong tries of one name are delayed.
            if let Some(login) = body.as_mut().and_then(|body| body.get_mut("login")) {
                *login = json!(format!("nobody.{times}"));
            }
            body
        };
        let nobody = call(&world.nobody, method, &url, body().as_ref()).await.status.as_u16();
        let mut strangers = Vec::new();
        for stranger in &world.strangers {
            let answer = call(stranger, method, &url, body().as_ref()).await;
            strangers.push((answer.status.as_u16(), answer.text));
        }
        let (mut former, mut roles) = (Vec::new(), Vec::new());
        for client in &world.former {
            former.push(call(client, method, &url, body().as_ref()).await.status.as_u16());
        }
        for client in &clients {
            roles.push(call(client, method, &url, body().as_ref()).await.status.as_u16());
        }
        rows.push((place, Row { method: method.to_owned(), path: path.to_owned(), nobody, roles, strangers, former }));
    }
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn picture(rows: &[Row]) -> String {
    let mut head = format!("{:<66} {:<6}", "operation", "nobody");
    for (name, _) in ROLES {
        let _ = write!(head, " {name:<6}");
    }
    for (name, ..) in world::STRANGERS {
        let _ = write!(head, " ~{name:<6}");
    }
    for name in world::FORMER {
        let _ = write!(head, " -{name:<8}");
    }
    let lines = rows.iter().map(|row| {
        let mut line = format!("{:<6} {:<59} {:<6}", row.method.to_uppercase(), row.path, row.nobody);
        for status in &row.roles {
            let _ = write!(line, " {status:<6}");
        }
        for (status, _) in &row.strangers {
            let _ = write!(line, " {status:<7}");
        }
        for status in &row.former {
            let _ = write!(line, " {status:<9}");
        }
        line.trim_end().to_owned()
    });
    [head.trim_end().to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// The faults of a row, whatever the picture says.
fn faults(world: &World, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let (public, for_all) = (listed(PUBLIC, &row.method, &row.path), listed(FOR_ALL, &row.method, &row.path));
    let everybody = [row.nobody].into_iter().chain(row.roles.iter().copied());
    if everybody.chain(row.strangers.iter().map(|s| s.0)).any(|status| status >= 500) {
        wrong.push("fails inside".to_owned());
    }
    if !public && row.nobody != 401 {
        wrong.push(format!("without a token it answers {}", row.nobody));
    }
    for (name, status) in world::FORMER.iter().zip(&row.former).filter(|(_, status)| !public && **status != 401) {
        wrong.push(format!("somebody who is {name} gets {status}"));
    }
    if public || for_all {
        return wrong;
    }
    if !row.roles.iter().any(|status| matches!(status, 403 | 404)) {
        wrong.push("refuses no role: list it in FOR_ALL with its reason".to_owned());
    }
    for ((kind, ..), (status, text)) in world::STRANGERS.iter().zip(&row.strangers) {
        if World::names_something(&row.path) && !matches!(status, 403 | 404) {
            wrong.push(format!("a stranger ({kind}) gets {status}: {text}"));
        }
        if let Some(id) = world.own_ids().find(|id| text.contains(id.as_str())) {
            wrong.push(format!("a stranger ({kind}) is shown {id}"));
        }
    }
    wrong
}

#[tokio::test]
async fn every_operation_refuses_whom_it_must() {
    let served = Served::demo(testing::sqlite()).await;
    let world = World::of(&served).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let rows = observe(&world, &document).await;
    let wrong: Vec<String> = rows
        .iter()
        .flat_map(|row| faults(&world, row).into_iter().map(|f| format!("{} {}: {f}", row.method, row.path)))
        .collect();
    insta::assert_snapshot!("what_each_caller_gets", picture(&rows));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    served.stop().await;
}

/// The pages that anybody may open, and why.
const PUBLIC_PAGES: &[(&str, &str)] = &[
    ("/", "leads to the log-in"),
    ("/ask/follow", "by a number and four digits how far a request is; nothing of a person"),
    ("/guest", "of the secret of a link, which stands behind the #, the time alone; nothing of a person"),
    ("/language", "sets a cookie"),
    ("/login", "the log-in"),
    ("/offers", "asks for the code of its link"),
    ("/session", "who is logged in: nobody"),
    ("/session/pin", "the log-in of a shared device"),
    ("/session/second-factor", "the second step of a log-in; without the first it leads there"),
    ("/session/renew", "the renewal of a log-in, by its own cookie"),
    ("/setup", "asks for the code of its link"),
    ("/setup/account", "asks for the code of its link"),
    ("/setup/account/open", "leads to the page that asks for the code"),
    ("/setup/open", "leads to the page that asks for the code"),
    ("/verify", "whether a document of that code is genuine; nothing of a person"),
];
/// The pages that everybody who is logged in may open.
const PAGES_FOR_ALL: &[(&str, &str)] = &[
    ("/areas", "the names of areas are no secret, and what changes them is drawn for those who may"),
    ("/areas/{code}", "the same"),
    ("/me", "one's own account"),
    ("/offers/open", "leads to the page that asks for the code"),
    ("/me/organisations", "one's own organisations"),
    ("/me/password", "one's own password"),
    ("/me/pin", "one's own PIN"),
    ("/me/second-factor", "one's own second factor"),
    ("/me/sessions", "one's own log-ins"),
];

/// The pages of all services, in order, as far as they can be opened by an address.
async fn pages() -> Vec<&'static str> {
    let parts = common::parts(&testing::sqlite(), Clock::system()).await;
    let services = compose::services(&parts).unwrap();
    let mut pages: Vec<_> = services.iter().flat_map(|service| service.routes.pages.iter().copied()).collect();
    pages.extend(web::routes().pages);
    pages.sort_unstable();
    pages
}

/// The faults of a page's answers, whatever the picture says.
fn page_faults(world: &World, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let among = |list: &[(&str, &str)]| list.iter().any(|(path, _)| *path == row.path);
    let strangers = row.strangers.iter().map(|(status, _)| *status);
    let everybody = [row.nobody].into_iter().chain(row.roles.iter().copied()).chain(strangers);
    if everybody.chain(row.former.iter().copied()).any(|status| status >= 500) {
        wrong.push("fails inside".to_owned());
    }
    for ((kind, ..), (status, text)) in world::STRANGERS.iter().zip(&row.strangers) {
        if World::names_something(&row.path) && !matches!(status, 403 | 404) {
            wrong.push(format!("a stranger ({kind}) gets {status}"));
        }
        if let Some(id) = world.own_ids().find(|id| text.contains(id.as_str())) {
            wrong.push(format!("a stranger ({kind}) is shown {id}"));
        }
    }
    if among(PUBLIC_PAGES) || row.nobody == 405 {
        return wrong;
    }
    for (name, status) in std::iter::once((&"nobody", &row.nobody)).chain(world::FORMER.iter().zip(&row.former)) {
        // To the log-in, or refused where a script asks.
        if !matches!(status, 303 | 401) {
            wrong.push(format!("{name} gets {status}"));
        }
    }
    if !among(PAGES_FOR_ALL) && !row.roles.iter().any(|status| matches!(status, 403 | 404)) {
        wrong.push("refuses no role: list it in PAGES_FOR_ALL with its reason".to_owned());
    }
    wrong
}

#[tokio::test]
async fn every_page_refuses_whom_it_must() {
    let served = Served::demo(testing::sqlite()).await;
    let world = World::of(&served).await;
    let mut clients = Vec::new();
    for (_, login) in ROLES {
        clients.push(world.nobody.demo(login).await);
    }
    let mut rows = Vec::new();
    for path in pages().await {
        let url = world.page(path);
        let open = async |client: &Client| client.send(client.request("get", &url).header("accept", "text/html")).await;
        let status = async |client: &Client| open(client).await.status.as_u16();
        let mut row = Row {
            method: "get".to_owned(),
            path: path.to_owned(),
            nobody: status(&world.nobody).await,
            roles: Vec::new(),
            strangers: Vec::new(),
            former: Vec::new(),
        };
        for client in &clients {
            row.roles.push(status(client).await);
        }
        for stranger in &world.strangers {
            let answer = open(stranger).await;
            row.strangers.push((answer.status.as_u16(), answer.text));
        }
        for client in &world.former {
            row.former.push(status(client).await);
        }
        rows.push(row);
    }
    insta::assert_snapshot!("what_each_caller_gets_of_pages", picture(&rows));
    let wrong = rows.iter().flat_map(|row| {
        let faults = page_faults(&world, row);
        faults.into_iter().map(|fault| format!("{}: {fault}", row.path)).collect::<Vec<_>>()
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (path, _) in PUBLIC_PAGES.iter().chain(PAGES_FOR_ALL) {
        assert!(rows.iter().any(|row| row.path == *path), "{path} is no page");
    }
    served.stop().await;
}

/// The headers by which a browser keeps a page from harm, and what must stand in them.
const PROTECTING: &[(&str, &[&str])] = &[
    (
        "content-security-policy",
        &["default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
    ),
    ("x-content-type-options", &["nosniff"]),
    ("x-frame-options", &["DENY"]),
    ("referrer-policy", &["same-origin"]),
    ("cross-origin-opener-policy", &["same-origin"]),
    ("permissions-policy", &["camera=(self)"]),
];

/// The faults of an answer's headers.
fn header_faults(answer: &Answer, file: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, parts) in PROTECTING {
        let given = answer.header(name);
        wrong.extend(parts.iter().filter(|part| !given.contains(*part)).map(|part| format!("{name} lacks {part}")));
    }
    if answer.header("content-security-policy").contains("unsafe") {
        wrong.push("the content security policy lets something unsafe pass".to_owned());
    }
    if !answer.header("access-control-allow-origin").is_empty() {
        wrong.push("other origins may read it".to_owned());
    }
    let kept = !answer.header("cache-control").contains("no-store");
    if kept && !file && !answer.content_type().starts_with("text/event-stream") {
        wrong.push(format!("a browser may keep it: {}", answer.header("cache-control")));
    }
    wrong
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_from_harm() {
    let served = Served::demo(testing::sqlite()).await;
    let world = World::of(&served).await;
    let (nobody, nurse) = (served.nobody(), served.nobody().demo("nurse").await);
    let document = nobody.get("/openapi.json").await.expect(200);
    let operations = sanbao::openapi::operations(&document);
    let read = operations.iter().filter(|(_, method, _)| *method == "get");
    let mut paths: Vec<String> = read.map(|(path, _, operation)| world.url(&document, path, operation)).collect();
    paths.extend(pages().await.into_iter().map(|path| world.page(path)));
    let parts = common::parts(&testing::sqlite(), Clock::system()).await;
    let files = compose::services(&parts).unwrap().into_iter().flat_map(|service| service.routes.files);
    paths.extend(files.map(str::to_owned));
    assert!(paths.len() > 90, "only {} paths", paths.len());
    paths.extend(["/nowhere".to_owned(), "/v1/nowhere".to_owned()]);
    let mut wrong = Vec::new();
    for path in &paths {
        for client in [&nobody, &nurse] {
            let from_elsewhere = client.request("get", path).header("origin", "https://elsewhere.example");
            let answer = client.send(from_elsewhere).await;
            // What is the same for everybody may be kept: files, the document, the public keys.
            let file =
                path.starts_with("/static/") || ["/openapi.json", "/.well-known/jwks.json"].contains(&path.as_str());
            wrong.extend(header_faults(&answer, file).into_iter().map(|fault| format!("{path}: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    served.stop().await;
}

#[tokio::test]
async fn the_lists_of_exceptions_name_only_what_is_there() {
    let served = Served::empty(testing::sqlite()).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let operations = sanbao::openapi::operations(&document);
    for (method, path, _) in PUBLIC.iter().chain(FOR_ALL) {
        assert!(operations.iter().any(|(p, m, _)| (m, p) == (method, path)), "{method} {path} is no operation");
    }
    served.stop().await;
}

#[tokio::test]
async fn tokens_that_are_not_good_are_401() {
    let served = Served::demo(testing::sqlite()).await;
    let nobody = served.nobody();
    let tokens = nobody.post("/v1/tokens", &json!({ "login": "nurse", "password": "sanbao-demo" })).await.expect(200);
    let good = tokens["access_token"].as_str().unwrap().to_owned();
    let path = "/v1/areas";
    nobody.with_token(&good).get(path).await.expect(200);
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let foreign = {
        let root = sanbao_platform::config::RootSecret::from_bytes([7; 32]);
        let claims = json!({ "sub": uuid(), "org": uuid(), "roles": ["administrator"], "name": "x", "sid": uuid() });
        let now = common::morning();
        let scope = sanbao_platform::auth::Scope {
            purpose: "at+jwt",
            audience: "sanbao",
            not_before: now,
            expires: now + chrono::Duration::minutes(15),
        };
        root.keys().unwrap().sign(scope, now, &claims).unwrap()
    };
    for (what, token) in [("forged", forged.as_str()), ("foreign", &foreign), ("rubbish", "x.y.z"), ("empty", "")] {
        let answer = nobody.with_token(token).get(path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (401, "unauthenticated"), "{what}");
    }
    served.minutes_later(16);
    assert_eq!(nobody.with_token(&good).get(path).await.problem(), "unauthenticated", "expired");
    served.stop().await;
}

fn uuid() -> &'static str {
    "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02"
}

#[test]
fn a_sample_keeps_to_its_schema() {
    let schema = json!({ "type": "object", "required": ["a", "b"], "properties": {
        "a": { "type": "string", "enum": ["x", "y"] }, "b": { "type": ["integer", "null"] }, "c": { "type": "string" } } });
    assert_eq!(sample::of(&json!({}), &schema), json!({ "a": "x", "b": 1 }));
}
