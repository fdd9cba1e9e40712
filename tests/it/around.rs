//! The routes around the services: health that follows the databases, metrics for this machine only, problems for
//! addresses that lead nowhere, and a drain that ends cleanly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Request;
use sanbao::compose::Parts;
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::db::{Db, Engine};
use sanbao_platform::testing::{self, TestEngine};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::common::{self, Served};

#[tokio::test]
async fn it_is_ready_while_its_databases_answer() {
    testing::on_both(async |engine| {
        let served = Served::empty(engine).await;
        let client = served.nobody();
        assert_eq!(client.get("/healthz").await.expect(200)["status"], "ok");
        assert_eq!(client.get("/readyz").await.expect(200)["status"], "ready");
        served.stop().await;
    })
    .await;
}

/// Bounds the file of `db`, in pages, through the one connection that writes.
async fn bound(db: &Db, pragma: &'static str) {
    let mut tx = db.begin().await.unwrap();
    let Engine::Sqlite(c) = tx.engine() else { unreachable!() };
    sqlx::raw_sql(pragma).execute(c).await.unwrap();
    tx.commit().await.unwrap();
}

/// Makes `db` take no more writes: a file without room, a server that only reads.
pub async fn stop_writes(engine: &TestEngine, db: &Db) {
    if let TestEngine::Postgres(url) = engine {
        return testing::read_only(url.rsplit_once('/').unwrap().1, true).await;
    }
    bound(db, "pragma max_page_count = 1").await;
    for id in 0_i64.. {
        let mut tx = db.begin().await.unwrap();
        let Engine::Sqlite(c) = tx.engine() else { unreachable!() };
        let row = sqlx::query("insert into inbox (consumer, event_id, handled_at) values ($1, $2, 'never')");
        let written = row.bind("filler ".repeat(20)).bind(id.to_be_bytes().to_vec()).execute(c).await;
        // Also when the engine undoes ours with what others write beside it.
        if written.is_err() || tx.commit().await.is_err() {
            return;
        }
    }
}

pub async fn allow_writes(engine: &TestEngine, db: &Db) {
    match engine {
        TestEngine::Postgres(url) => testing::read_only(url.rsplit_once('/').unwrap().1, false).await,
        TestEngine::Sqlite(_) => bound(db, "pragma max_page_count = 100000").await,
    }
}

#[tokio::test]
async fn it_is_not_ready_while_nothing_can_be_written() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine.clone()).await;
        let (db, client) = (served.network.stores.of(Role::Booking).unwrap().clone(), served.nobody());
        stop_writes(&engine, &db).await;
        let answer = client.get("/readyz").await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (503, "unavailable"), "{}", answer.text);
        let log_in = json!({ "login": "nurse", "password": sanbao_booking::account::demo::PASSWORD });
        // The first may find room in pages that are not full yet.
        let mut refused = client.post("/v1/tokens", &log_in).await;
        for _ in 0..200 {
            if refused.status == 200 {
                refused = client.post("/v1/tokens", &log_in).await;
            }
        }
        assert_eq!((refused.status.as_u16(), refused.problem()), (503, "unavailable"), "{}", refused.text);
        assert_eq!(client.get("/healthz").await.status, 200, "the process itself is well");
        allow_writes(&engine, &db).await;
        testing::until("it is ready again", async || client.get("/readyz").await.status == 200).await;
        assert_eq!(client.post("/v1/tokens", &log_in).await.status, 200);
        served.stop().await;
    })
    .await;
}

/// Passes bytes to a database server until it is told to be broken: then it cuts and refuses.
pub async fn breakable(upstream: String, broken: Arc<AtomicBool>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (upstream, broken) = (upstream.clone(), Arc::clone(&broken));
            tokio::spawn(async move {
                if broken.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut far) = TcpStream::connect(upstream).await else { return };
                let cut = async {
                    while !broken.load(Ordering::SeqCst) {
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = cut => {}
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_broken_database_is_said_and_gets_well_again() {
    let Some(engine) = testing::postgres().await else { return };
    let TestEngine::Postgres(url) = &engine else { unreachable!() };
    let (before, database) = url.rsplit_once('/').unwrap();
    let (login, host) = before.trim_start_matches("postgres://").rsplit_once('@').unwrap_or(("postgres", before));
    let host = host.rsplit("//").next().unwrap().to_owned();
    let broken = Arc::new(AtomicBool::new(false));
    let proxy = breakable(host, Arc::clone(&broken)).await;
    let storage = Storage::Postgres(Secret(format!("postgres://{login}@{proxy}/{database}")));
    let stores = common::stores(&storage).await;
    let parts = Parts { stores, ..common::parts(&engine, Clock::manual(common::morning())).await };
    let served = Served::of(engine.clone(), parts).await;
    let client = served.nobody();
    client.get("/readyz").await.expect(200);
    broken.store(true, Ordering::SeqCst);
    let answer = testing::eventually("it is said", async || {
        let answer = client.get("/readyz").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (503, "unavailable"), "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!answer.text.contains(database), "the cause stays inside: {}", answer.text);
    assert_eq!(client.get("/healthz").await.status, 200, "the process itself is well");
    broken.store(false, Ordering::SeqCst);
    testing::until("it is well again", async || client.get("/readyz").await.status == 200).await;
    served.stop().await;
}

#[tokio::test]
async fn what_leads_nowhere_is_a_problem() {
    let served = Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    let missing = client.get("/v1/no/such").await;
    assert_eq!((missing.status.as_u16(), missing.problem()), (404, "not-found"));
    let method = client.send(client.request("delete", "/healthz")).await;
    assert_eq!((method.status.as_u16(), method.problem()), (405, "method-not-allowed"));
    let english = client.send(client.request("get", "/v1/no/such").header("accept-language", "en")).await;
    assert_eq!(english.body["title"], "Not found");
    let page = client.send(client.request("get", "/no/such").header("accept", "text/html")).await;
    assert_eq!(page.status, 404);
    assert!(page.text.starts_with("<!DOCTYPE html>") && page.text.contains("没有找到"));
    served.stop().await;
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_a_caller_with_the_token() {
    let served = Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    client.get("/healthz").await.expect(200);
    let text = client.get("/metrics").await.text;
    assert!(text.contains("sanbao_http_requests_total{") && text.contains("route=\"/healthz\""), "{text}");
    served.stop().await;
    let engine = testing::sqlite();
    let mut parts = common::parts(&engine, Clock::manual(common::morning())).await;
    parts.metrics_token = Some(Secret("let-me-read".into()));
    let served = Served::of(engine, parts).await;
    let client = served.nobody();
    assert_eq!(client.get("/metrics").await.problem(), "unauthenticated");
    assert_eq!(client.with_token("let-me").get("/metrics").await.problem(), "unauthenticated");
    assert_eq!(client.with_token("let-me-read").get("/metrics").await.status, 200);
    served.stop().await;
}

#[tokio::test]
async fn the_document_is_compressed_once() {
    let served = Served::empty(testing::sqlite()).await;
    let ask = async || {
        let request = Request::get("/openapi.json").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let (parts, body) = served.network.router.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(parts.headers["content-encoding"], "gzip");
        axum::body::to_bytes(body, usize::MAX).await.unwrap()
    };
    assert_eq!(ask().await.as_ptr(), ask().await.as_ptr(), "the same bytes, not the like");
    served.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_nobody_is_of_this_machine() {
    let parts = async |engine: &TestEngine| {
        let parts = common::parts(engine, Clock::manual(common::morning())).await;
        Parts { behind_proxy: true, ..parts }
    };
    let ask = async |served: &Served, forwarded: Option<&str>, token: &str| {
        let mut request = served.nobody().with_token(token).request("get", "/metrics");
        if let Some(address) = forwarded {
            request = request.header("x-forwarded-for", address);
        }
        served.nobody().send(request).await.status.as_u16()
    };
    let said = [None, Some("unknown"), Some("127.0.0.1"), Some("198.51.100.7, ::1")];
    let engine = testing::sqlite();
    let served = Served::of(engine.clone(), parts(&engine).await).await;
    for forwarded in said {
        assert_eq!(ask(&served, forwarded, "").await, 404, "{forwarded:?}");
    }
    served.stop().await;
    let engine = testing::sqlite();
    let token = Some(Secret("let-me-read".into()));
    let served = Served::of(engine.clone(), Parts { metrics_token: token, ..parts(&engine).await }).await;
    for forwarded in said {
        assert_eq!(ask(&served, forwarded, "let-me").await, 401, "{forwarded:?}");
        assert_eq!(ask(&served, forwarded, "let-me-read").await, 200, "{forwarded:?}");
    }
    served.stop().await;
}

#[tokio::test]
async fn every_metric_says_what_it_is_and_labels_are_bounded() {
    let served = Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    client.get("/healthz").await.expect(200);
    for invented in ["BREW", "PROPFIND"] {
        assert_eq!(client.send(client.request(invented, "/healthz")).await.status, 405);
    }
    let text = client.get("/metrics").await.text;
    let names = |kind: &str| -> std::collections::BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        lines.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
    };
    let (help, types) = (names("# HELP "), names("# TYPE "));
    assert_eq!(help, types, "{text}");
    assert!(types.len() > 3, "{text}");
    for sample in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = sample.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        assert!(name.starts_with("sanbao_"), "{sample}");
        assert!(types.contains(family) || types.contains(name), "{sample}");
    }
    assert!(text.contains(&format!("sanbao_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))), "{text}");
    assert!(text.contains("method=\"other\"") && !text.contains("BREW") && !text.contains("PROPFIND"), "{text}");
    served.stop().await;
}
