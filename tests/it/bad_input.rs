//! Requests that should not come in: each is a clear typed error, nothing has changed, nothing of the inside shows.

use std::cell::Cell;
use std::time::Duration;

use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{self, Answer, TestEngine, eventually};
use serde_json::{Value, json};

use crate::common::world::World;
use crate::common::{Client, Served, flow, sample};

const TABLES_SQLITE: &str =
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";
const TABLES_POSTGRES: &str =
    "select cast(table_name as text) from information_schema.tables where table_schema = current_schema() order by 1";

/// Tables that a refused request may well write to: what was read and refused is kept.
const MAY_GROW: &[&str] = &["audit", "audit_shown"];

/// How many rows each table of the three services has.
pub async fn rows(served: &Served) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for (service, db) in served.network.stores.all() {
        for table in tables(db, &served.engine).await {
            if MAY_GROW.contains(&table.as_str()) {
                continue;
            }
            let mut conn = db.read().await.unwrap();
            // Put together here because no statement of the product counts every table.
            let sql = format!("select count(*) from \"{table}\"");
            let n: i64 = on!(conn, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(c).await).unwrap();
            all.push((format!("{service}.{table}"), n));
        }
    }
    all
}

/// The same once the services have heard what they tell each other when they begin.
pub async fn settled(served: &Served) -> Vec<(String, i64)> {
    let before = Cell::new(Vec::new());
    eventually("nothing is written any more", async || {
        let now = rows(served).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let later = rows(served).await;
        let quiet = now == later && before.replace(later.clone()) == later;
        quiet.then_some(later)
    })
    .await
}

async fn tables(db: &Db, engine: &TestEngine) -> Vec<String> {
    let mut conn = db.read().await.unwrap();
    let sql = if matches!(engine, TestEngine::Sqlite(_)) { TABLES_SQLITE } else { TABLES_POSTGRES };
    on!(conn, |c| sqlx::query_scalar(sql).fetch_all(c).await).unwrap()
}

/// Words that only the inside knows.
const INSIDE: &[&str] =
    &["sqlx", "SQLITE", "syntax error", "select ", "insert into", "panicked", "src/", "postgres", "RowNotFound"];

/// A refusal of the client's fault, typed, that shows nothing of the inside.
fn assert_clear(what: &str, answer: &Answer) {
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.text);
    assert!(!answer.problem().is_empty(), "{what}");
    for word in INSIDE {
        assert!(!answer.text.contains(word), "{what} shows {word:?}: {}", answer.text);
    }
}

/// Moments and days at the ends of what a calendar can hold, and beyond what anything here can be about.
const FAR: &[&str] = &["+262142-12-31T23:59:59Z", "-262143-01-01T00:00:00Z", "9999-12-31T23:59:59Z"];

/// The moments and days among an operation's query parameters.
fn moments(operation: &Value) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
    let text = |p: &Value| p["schema"].to_string();
    let dated = all.filter(|p| text(p).contains("\"date-time\"") || text(p).contains("\"date\""));
    dated.map(|p| p["name"].as_str().unwrap().to_owned()).collect()
}

/// `value` with each moment and day in it replaced by `far`, as its form wants it; whether there was one.
fn far_off(value: &mut Value, far: &str) -> bool {
    let replace = |text: &str| match text.len() {
        10 if text.starts_with("20") => Some(far.split('T').next().unwrap_or_default().to_owned()),
        20.. if text.starts_with("20") && text.as_bytes()[10] == b'T' => Some(far.to_owned()),
        _ => None,
    };
    match value {
        Value::String(text) => replace(text).is_some_and(|new| {
            *text = new;
            true
        }),
        Value::Array(items) => items.iter_mut().fold(false, |any, item| far_off(item, far) | any),
        Value::Object(members) => members.values_mut().fold(false, |any, member| far_off(member, far) | any),
        _ => false,
    }
}

#[tokio::test]
async fn a_moment_beyond_every_calendar_is_refused_wherever_one_is_taken() {
    let served = Served::demo(testing::sqlite()).await;
    let world = World::of(&served).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let mut callers = Vec::new();
    for login in ["nurse", "doctor", "dispatcher", "caregiver", "analyst", "admin"] {
        callers.push(served.nobody().demo(login).await);
    }
    let (mut queries, mut bodies) = (0, 0);
    for (path, method, operation) in sanbao::openapi::operations(&document) {
        let (url, names) = (world.url(&document, path, operation), moments(operation));
        let (address, query) = url.split_once('?').unwrap_or((&url, ""));
        let others: Vec<&str> =
            query.split('&').filter(|pair| !names.iter().any(|n| pair.starts_with(&format!("{n}=")))).collect();
        let sample = sample::body(&document, operation);
        for far in FAR {
            let day = far.split('T').next().unwrap();
            let mut asked: Vec<String> =
                others.iter().filter(|pair| !pair.is_empty()).map(|p| (*p).to_owned()).collect();
            let of = |name: &String| {
                let schema = operation["parameters"].as_array().unwrap().iter().find(|p| p["name"] == **name).unwrap();
                let whole = schema["schema"].to_string().contains("\"date-time\"");
                format!("{name}={}", if whole { *far } else { day }.replace('+', "%2B"))
            };
            asked.extend(names.iter().map(of));
            let url = format!("{address}?{}", asked.join("&"));
            let mut body = sample.clone();
            let changed = body.as_mut().is_some_and(|body| far_off(body, far));
            if names.is_empty() && !changed {
                continue;
            }
            (queries, bodies) = (queries + usize::from(!names.is_empty()), bodies + usize::from(changed));
            for caller in &callers {
                let mut request = caller.request(method, &url);
                if let Some(body) = &body {
                    request = request.json(body);
                }
                assert_clear(&format!("{method} {url}"), &caller.send(request).await);
            }
        }
    }
    assert!(queries >= 12 && bodies >= 9, "{queries} queries and {bodies} bodies");
    served.stop().await;
}

/// The operations that take a JSON body, each with a caller who may use it.
fn with_bodies(document: &Value) -> Vec<(String, String, Value)> {
    let all = sanbao::openapi::operations(document).into_iter();
    let taking =
        all.filter_map(|(path, method, o)| Some((path.to_owned(), method.to_owned(), sample::body(document, o)?)));
    taking.collect()
}

/// Runs a test on a demo of its own, on both engines.
async fn on_demos(body: impl AsyncFn(&Served)) {
    let body = &body;
    testing::on_both(|engine| async move {
        let served = Served::demo(engine).await;
        body(&served).await;
        served.stop().await;
    })
    .await;
}

/// Those who write invitations and requests, and what they write of.
struct Invited {
    nurse: Client,
    desk: Client,
    resident: String,
    hospital: String,
}

impl Invited {
    async fn of(served: &Served) -> Self {
        let nobody = served.nobody();
        let (nurse, desk) = (nobody.demo("nurse").await, nobody.demo("desk").await);
        let resident = flow::residents(&nurse).await.remove(0);
        let hospital = flow::organisation(&nobody, "hospital").await;
        Self { nurse, desk, resident, hospital }
    }
}

#[tokio::test]
async fn broken_bodies_are_refused_and_change_nothing() {
    on_demos(async |served| {
        let world = World::of(served).await;
        let document = served.nobody().get("/openapi.json").await.expect(200);
        let callers = [
            served.nobody().demo("nurse").await,
            served.nobody().demo("desk").await,
            served.nobody().demo("admin").await,
        ];
        let before = settled(served).await;
        let huge = format!("{{\"x\":\"{}\"}}", "a".repeat(10 * 1024 * 1024));
        let broken: [(&str, Vec<u8>, &[u16]); 6] = [
            ("cut JSON", b"{".to_vec(), &[400]),
            ("no JSON", b"<x>1</x>".to_vec(), &[400]),
            ("invalid UTF-8", b"{\"reason\": \"\xff\xfe\"}".to_vec(), &[400]),
            ("two values", b"{} {}".to_vec(), &[400, 422]),
            ("an array", b"[1,2]".to_vec(), &[400, 422]),
            ("10 MB", huge.into_bytes(), &[413]),
        ];
        for (path, method, _) in with_bodies(&document) {
            let operation = &document["paths"][&path][&method];
            let url = world.url(&document, &path, operation);
            for (n, caller) in callers.iter().enumerate() {
                for (what, bytes, statuses) in &broken {
                    // The caller makes no difference to its size.
                    if *what == "10 MB" && n > 0 {
                        continue;
                    }
                    let request = caller.request(&method, &url).header("content-type", "application/json");
                    let Ok(response) = request.body(bytes.clone()).send().await else {
                        // The server closed the connection before it had taken ten megabytes.
                        assert_eq!(*what, "10 MB");
                        continue;
                    };
                    let status = response.status().as_u16();
                    let allowed = statuses.contains(&status) || matches!(status, 401 | 403 | 404 | 409 | 429);
                    assert!(allowed, "{method} {url} with {what}: {status} {}", response.text().await.unwrap());
                }
                let form = caller.request(&method, &url).header("content-type", "text/plain").body("{}");
                assert_clear(&format!("{method} {url} as text/plain"), &caller.send(form).await);
            }
        }
        assert_eq!(rows(served).await, before);
    })
    .await;
}

#[tokio::test]
async fn wrong_values_name_their_field_and_change_nothing() {
    on_demos(async |served| {
        let Invited { nurse, desk, resident, hospital } = Invited::of(served).await;
        let before = settled(served).await;
        let invite = |field: &str, value: Value| {
            let mut body = flow::invitation(&resident, &hospital, "geriatrics", served.clock.now());
            body[field] = value;
            body
        };
        for (field, value) in [
            ("resident_id", json!("01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02")),
            ("resident_id", json!(7)),
            ("hospital_id", json!(resident)),
            ("reason", json!("")),
            ("reason", json!("长".repeat(1001))),
            ("case_summary", json!("x\u{0}y")),
            ("wanted_until", json!("1900-01-01T00:00:00Z")),
            ("wanted_until", json!("9999-12-31T23:59:59Z")),
            ("wanted_until", json!("2026-02-30T00:00:00Z")),
            ("wanted_from", json!("tomorrow")),
            ("wanted_specialty", json!("' or 1=1 --")),
            ("wanted_title", json!("emperor")),
            ("no_such_field", json!(1)),
        ] {
            let answer = nurse.post("/v1/consults", &invite(field, value.clone())).await;
            assert_clear(&format!("{field} = {value}"), &answer);
            assert_eq!(answer.status, 422, "{field} = {value}: {}", answer.text);
            let pointer = answer.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
            assert!(pointer.contains(field) || field == "no_such_field", "{field}: {}", answer.text);
        }
        for (field, value) in [
            ("national_id", json!("330211194001011230")),
            ("national_id", json!("110105194912310021")),
            ("phone", json!("12345")),
            ("received_at", json!("2031-01-01T00:00:00Z")),
            ("received_at", json!("1870-01-01T00:00:00Z")),
            ("area_code", json!("999999999999")),
            ("area_code", json!("'; drop table request; --")),
            ("elder_name", json!("")),
        ] {
            let mut body = flow::new_request("x");
            body[field] = value.clone();
            let answer = desk.post("/v1/requests", &body).await;
            assert_clear(&format!("{field} = {value}"), &answer);
            if let Some(secret) = value.as_str().filter(|v| v.len() == 18 && field == "national_id") {
                assert!(!answer.text.contains(secret), "a wrong id is not repeated: {}", answer.text);
            }
        }
        assert_eq!(rows(served).await, before);
    })
    .await;
}

#[tokio::test]
async fn sql_and_html_are_only_words() {
    on_demos(async |served| {
        let Invited { nurse, desk, resident, hospital } = Invited::of(served).await;
        let nasty = "'; drop table consult; -- <script>alert(1)</script> <img src=x onerror=alert(1)> {{7*7}} $1 %s";
        let mut body = flow::invitation(&resident, &hospital, "geriatrics", served.clock.now());
        for field in ["reason", "purpose", "case_summary"] {
            body[field] = json!(nasty);
        }
        let consult = nurse.post("/v1/consults", &body).await.expect(201);
        assert_eq!(consult["reason"], nasty, "kept as it was written");
        let mut request = flow::new_request(nasty);
        request["elder_name"] = json!("<b>林</b>");
        request["address"] = json!(nasty);
        let request = desk.post("/v1/requests", &request).await.expect(201);
        for (client, path) in [
            (&nurse, format!("/consults/{}", flow::text(&consult, "/id"))),
            (&nurse, "/consults".to_owned()),
            (&nurse, format!("/consults/{}/summary", flow::text(&consult, "/id"))),
            (&desk, "/requests".to_owned()),
            (&desk, format!("/requests/{}", flow::text(&request, "/id"))),
        ] {
            let page = client.send(client.request("get", &path).header("accept", "text/html")).await;
            assert!(!page.status.is_server_error(), "{path}: {}", page.status);
            assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{path} shows it raw");
        }
        nurse.get("/v1/consults").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn ids_that_name_nothing_and_cursors_that_are_none() {
    let served = Served::demo(testing::sqlite()).await;
    let nurse = served.nobody().demo("nurse").await;
    for path in
        ["/v1/consults/x", "/v1/consults/01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", "/v1/persons/%00", "/v1/persons/..%2f"]
    {
        let answer = nurse.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"), "{path}");
    }
    for path in [
        "/v1/consults?after=%ff",
        "/v1/persons?after=e30",
        "/v1/persons?limit=0",
        "/v1/persons?limit=-1",
        "/v1/persons?limit=99999",
    ] {
        assert_clear(path, &nurse.get(path).await);
    }
    served.stop().await;
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_whole_log_in() {
    on_demos(async |served| {
        let nobody = served.nobody();
        let first =
            nobody.post("/v1/tokens", &json!({ "login": "nurse", "password": "sanbao-demo" })).await.expect(200);
        let renew = async |token: &Value| nobody.post("/v1/tokens/refresh", &json!({ "refresh_token": token })).await;
        let second = renew(&first["refresh_token"]).await.expect(200);
        // Beyond the moment in which two tabs of one browser may race.
        served.minutes_later(5);
        assert_clear("reuse", &renew(&first["refresh_token"]).await);
        assert_clear("the family is over", &renew(&second["refresh_token"]).await);
        assert_clear("rubbish", &renew(&json!("rubbish")).await);
        assert_clear("guest", &nobody.post("/v1/guest-tickets", &json!({ "token": "rubbish" })).await);
    })
    .await;
}
