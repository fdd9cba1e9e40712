//! The bounds of an import: rows, columns, the length of a row, and one at a time.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::{StreamExt as _, stream};
use sanbao_platform::testing::{Answer, patiently, sqlite, until};
use tokio::sync::oneshot;

use crate::requests::house::{House, street};

const HEADER: &str = "external_id,received_at,area_code,category,elder_name\n";

async fn send(house: &House, body: Body) -> Answer {
    let request = Request::post("/v1/imports").header("authorization", format!("Bearer {}", house.token(&street())));
    house.send(request.header("content-type", "text/csv").body(body).unwrap()).await
}

#[tokio::test]
async fn a_file_beyond_a_bound_is_refused_with_the_bound() {
    let engine = sqlite();
    let house = House::open(&engine).await;
    let cases = [
        ("1,2\n".repeat(1_000_001), "1000000"),
        ("x,".repeat(200), "100"),
        ("x".repeat(70_000), "65536"),
        // Few bytes a row, or no end of columns: what is held of them must not grow with the file.
        ("1\n".repeat(16_000_000), "1000000"),
        (",".repeat(32_000_000), "100"),
    ];
    for (rest, told) in cases {
        let answer = send(&house, Body::from(format!("{HEADER}{rest}"))).await.refused(422, "invalid");
        let error = &answer.body["errors"][0];
        assert!(error["pointer"] == "/file" && error["detail"].as_str().unwrap().contains(told), "{}", answer.text);
    }
    let large = "x".repeat(32 * 1024 * 1024);
    send(&house, Body::from(format!("{HEADER}{large}"))).await.refused(413, "too-large");
}

#[tokio::test]
async fn one_import_runs_at_a_time() {
    let engine = sqlite();
    let house = House::open(&engine).await;
    let (go_on, wait) = oneshot::channel::<()>();
    let head = stream::iter([Ok::<_, io::Error>(Bytes::from_static(HEADER.as_bytes()))]);
    let rest = stream::once(async move {
        let _ = wait.await;
        Ok(Bytes::from_static(b"1,2026-11-01,330211001001,meal,x\n"))
    });
    let first = send(&house, Body::from_stream(head.chain(rest)));
    let second = async {
        until("the first is running", async || send(&house, Body::from(HEADER)).await.status == 409).await;
        let refused = send(&house, Body::from(HEADER)).await.refused(409, "import-running");
        assert!(refused.headers.contains_key("retry-after"));
        drop(go_on);
    };
    let (first, ()) = patiently("both end", async { tokio::join!(first, second) }).await;
    assert_eq!(first.checked(200).body["total"], 1);
    send(&house, Body::from(HEADER)).await.checked(200);
}
