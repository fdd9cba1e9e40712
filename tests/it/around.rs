//! What stands around the services: health that follows the databases, metrics for this machine only,
//! problems for whatever leads nowhere, and a drain that ends cleanly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sanbao::compose::{Parts, Stores};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::testing::{self, TestEngine};
use tokio::net::{TcpListener, TcpStream};

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

/// Passes bytes to a database server until it is told to be broken: then it cuts and refuses.
async fn breakable(upstream: String, broken: Arc<AtomicBool>) -> std::net::SocketAddr {
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
    let stores = Stores::open(&storage, Role::ALL).await.unwrap();
    let parts = Parts { stores, ..common::parts(&engine, Clock::manual(common::morning())).await };
    let served = Served::of(engine.clone(), parts);
    let client = served.nobody();
    client.get("/readyz").await.expect(200);
    broken.store(true, Ordering::SeqCst);
    // Until the proxy has cut what stands.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let answer = client.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "unavailable"), "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!answer.text.contains(database), "the cause stays inside: {}", answer.text);
    assert_eq!(client.get("/healthz").await.status, 200, "the process itself is well");
    broken.store(false, Ordering::SeqCst);
    client.get("/readyz").await.expect(200);
    served.stop().await;
}

#[tokio::test]
async fn what_leads_nowhere_is_a_problem() {
    let served = Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    let missing = client.get("/v1/no/such").await;
    assert_eq!((missing.status.as_u16(), missing.problem().as_str()), (404, "not-found"));
    let method = client.send(client.request("delete", "/healthz")).await;
    assert_eq!((method.status.as_u16(), method.problem().as_str()), (405, "method-not-allowed"));
    let english = client.send(client.request("get", "/v1/no/such").header("accept-language", "en")).await;
    assert_eq!(english.json()["title"], "Not found");
    let page = client.send(client.request("get", "/no/such").header("accept", "text/html")).await;
    assert_eq!(page.status, 404);
    assert!(page.text.starts_with("<!DOCTYPE html>") && page.text.contains("没有找到"));
    served.stop().await;
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_whoever_has_the_token() {
    let served = Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    client.get("/healthz").await.expect(200);
    let text = client.get("/metrics").await.text;
    assert!(text.contains("http_requests_total{") && text.contains("route=\"/healthz\""), "{text}");
    served.stop().await;
    let engine = testing::sqlite();
    let mut parts = common::parts(&engine, Clock::manual(common::morning())).await;
    parts.metrics_token = Some(Secret("let-me-read".into()));
    let served = Served::of(engine, parts);
    let client = served.nobody();
    assert_eq!(client.get("/metrics").await.problem(), "unauthenticated");
    assert_eq!(client.with_token("let-me").get("/metrics").await.problem(), "unauthenticated");
    assert_eq!(client.with_token("let-me-read").get("/metrics").await.status, 200);
    served.stop().await;
}
