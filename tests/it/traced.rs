//! One trace through services and events, and a collector that gets it: by a real one that decodes what comes.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use sanbao_platform::clock::Clock;
use sanbao_platform::telemetry::otlp::{self, OtlpConfig};
use sanbao_platform::testing::{self, eventually, port, until};
use serde_json::{Value, json};

use crate::common::process::Process;
use crate::common::{Client, Served, flow};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn traceparent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

/// A collector on this machine: everything that came, by path.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, HeaderMap, Value)>>>);

async fn take(
    State(collector): State<Collector>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let body = serde_json::from_str(&body).unwrap();
    collector.0.lock().unwrap().push((uri.path().to_owned(), headers, body));
    StatusCode::OK
}

/// Everything at `pointers`, one list within the other.
fn all(value: &Value, pointers: &[&str]) -> Vec<Value> {
    let Some((first, rest)) = pointers.split_first() else { return vec![value.clone()] };
    let found = value[first].as_array().cloned().unwrap_or_default();
    found.iter().flat_map(|value| all(value, rest)).collect()
}

/// An attribute of a span or a line.
fn attribute(told: &Value, key: &str) -> Option<String> {
    let of = told["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == key)?;
    let value = of["value"].as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

impl Collector {
    /// Serves; its address.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            Router::new().route("/v1/traces", post(take)).route("/v1/logs", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn came(&self) -> Vec<(String, HeaderMap, Value)> {
        self.0.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Value> {
        self.came().iter().flat_map(|(_, _, body)| all(body, &["resourceSpans", "scopeSpans", "spans"])).collect()
    }

    fn lines(&self) -> Vec<Value> {
        self.came().iter().flat_map(|(_, _, body)| all(body, &["resourceLogs", "scopeLogs", "logRecords"])).collect()
    }

    /// The spans of `trace`.
    fn of(&self, trace: &str) -> Vec<Value> {
        self.spans().into_iter().filter(|span| span["traceId"] == trace).collect()
    }
}

#[tokio::test]
async fn a_request_and_the_visit_that_comes_of_it_are_one_trace() {
    let collector = Collector::default();
    let config = OtlpConfig::new(&collector.serve().await, None, None).unwrap();
    let exporter = otlp::start(&config, "sanbao", "0", Clock::system()).unwrap().unwrap();
    testing::on_both(async |engine| {
        // Of each engine a trace of its own.
        let trace = TRACE.replace('9', if engine.name() == "sqlite" { "1" } else { "2" });
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let request = asked(&nobody).await;
        let path = format!("/v1/requests/{request}/accept");
        let accept = nobody.demo("dispatcher").await.request("post", &path).json(&json!({}));
        nobody.send(accept.header("traceparent", format!("00-{trace}-{CALLER}-00"))).await.expect(200);
        let consumer = eventually("the taking of the event is told", async || {
            let told = collector.of(&trace).into_iter();
            told.filter(|span| span["kind"] == 5)
                .find(|span| attribute(span, "messaging.consumer.group.name").unwrap().starts_with("booking"))
        })
        .await;
        let server = collector.of(&trace).into_iter().find(|span| span["kind"] == 2).unwrap();
        assert_eq!(server["name"], "POST /v1/requests/{id}/accept");
        assert_eq!(server["parentSpanId"], CALLER);
        assert_eq!(attribute(&server, "http.response.status_code").as_deref(), Some("200"));
        assert_eq!(consumer["parentSpanId"], server["spanId"], "{consumer}");
        assert_eq!(consumer["links"][0]["spanId"], server["spanId"], "{consumer}");
        assert!(consumer["name"].as_str().unwrap().starts_with("process needs."), "{consumer}");
        flow::visit_of(&nobody.demo("dispatcher").await, &request).await;
        served.stop().await;
    })
    .await;
    exporter.stop(Duration::from_secs(2)).await;
    let told = collector.came().iter().map(|(_, _, body)| body.to_string()).collect::<String>();
    for personal in
        ["林某兰", "19900000001", "城东东苑", "腿脚不便", sanbao_booking::account::demo::PASSWORD, "127.0.0.1"]
    {
        assert!(!told.contains(personal), "a span tells {personal}");
    }
}

/// A request that waits for the agency's answer.
async fn asked(nobody: &Client) -> String {
    let agency = flow::organisation(nobody, "home_care_agency").await;
    let desk = nobody.demo("desk").await;
    let request = desk.post("/v1/requests", &flow::new_request("腿脚不便，需要上门助浴")).await.expect(201);
    let id = flow::text(&request, "/id");
    desk.post(&format!("/v1/requests/{id}/triage"), &json!({})).await.expect(200);
    eventually("the agency is known", async || {
        let answer = desk.post(&format!("/v1/requests/{id}/dispatch"), &json!({ "agency_id": agency })).await;
        (answer.status == 200).then_some(())
    })
    .await;
    id
}

/// `sanbao serve` in `folder` with `more` flags, its log in a file there.
async fn serve(folder: &Path, more: &[&str]) -> Process {
    let at = format!("127.0.0.1:{}", port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).args(["--no-turn", "--listen", &at]).args(more);
    command.stderr(File::create(folder.join("log")).unwrap()).stdout(Stdio::null());
    Process::ready(command, format!("http://{at}")).await
}

fn log(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// The ids of the traces of requests of `route` that the log tells of.
fn traces(log: &[Value], route: &str) -> Vec<String> {
    let answered = log.iter().filter(|line| line["message"] == "answered" && line["spans"][0]["route"] == route);
    answered.map(|line| line["spans"][0]["trace_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_waits_is_sent_at_the_end() {
    let (collector, folder) = (Collector::default(), tempfile::tempdir().unwrap());
    let url = collector.serve().await;
    std::fs::write(folder.path().join("headers"), "authorization=Bearer%20northwind\n").unwrap();
    let headers = format!("@{}", folder.path().join("headers").display());
    let process = serve(folder.path(), &["--otlp", &url, "--otlp-headers", &headers]).await;
    let client = process.client();
    client.send(client.request("get", "/problems").header("traceparent", traceparent())).await.checked(200);
    client
        .send(client.request("get", "/problems").header("traceparent", format!("{}x", traceparent())))
        .await
        .checked(200);
    assert!(process.terminate().await.success());
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| span["name"] == "GET /problems").collect();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let ids: Vec<_> = spans.iter().map(|span| span["traceId"].as_str().unwrap()).collect();
    assert!(ids[0] == TRACE && ids[1] != TRACE && ids[1].len() == 32, "{ids:?}");
    assert!(spans[1]["parentSpanId"].is_null(), "{}", spans[1]);
    assert_eq!(traces(&log(folder.path()), "/problems"), ids);
    let lines = collector.lines();
    let of_trace = lines.iter().find(|line| line["traceId"] == TRACE).unwrap();
    assert_eq!((&of_trace["body"]["stringValue"], &of_trace["spanId"]), (&json!("answered"), &spans[0]["spanId"]));
    assert_eq!(attribute(of_trace, "route").as_deref(), Some("/problems"));
    assert!(lines.iter().any(|line| line["body"]["stringValue"] == "asked to end: draining"), "to the end");
    for (_, headers, body) in collector.came() {
        assert_eq!(headers["authorization"], "Bearer northwind");
        let about = all(&body, &["resourceSpans"]).into_iter().chain(all(&body, &["resourceLogs"])).next().unwrap();
        assert_eq!(attribute(&about["resource"], "service.name").as_deref(), Some("sanbao"));
        assert!(!body.to_string().contains("northwind"));
    }
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_once_and_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    // It takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let process = serve(folder.path(), &["--otlp", &format!("http://127.0.0.1:{}", port())]).await;
    let client = process.client();
    // More than once: it tries again what came first, a span or a line.
    until("it has tried again", async || {
        let metrics = client.get("/metrics").await.text;
        let mut counted = metrics.lines().filter(|line| line.starts_with("sanbao_otlp_failed_calls_total{"));
        counted.any(|line| !line.ends_with(" 1"))
    })
    .await;
    assert!(process.terminate().await.success());
    let told: Vec<_> = log(folder.path())
        .into_iter()
        .filter(|line| line["message"].as_str().unwrap().contains("--otlp-headers"))
        .map(|line| line["signal"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        !told.is_empty() && told.iter().all(|signal| told.iter().filter(|s| *s == signal).count() == 1),
        "{told:?}"
    );

    let url = format!("http://{}", silent.local_addr().unwrap());
    let process = serve(folder.path(), &["--otlp", &url]).await;
    process.client().get("/problems").await.checked(200);
    let ended = tokio::time::timeout(Duration::from_mins(1), process.terminate()).await;
    assert!(ended.expect("it does not wait for the collector").success());
    assert!(log(folder.path()).iter().any(|line| line["unsent"].as_u64().is_some_and(|n| n > 0)));
}

#[tokio::test]
async fn without_a_collector_the_log_tells_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let process = serve(folder.path(), &[]).await;
    let client = process.client();
    client.send(client.request("get", "/problems").header("traceparent", traceparent())).await.checked(200);
    client.get("/problems").await.checked(200);
    let twice = client.request("get", "/problems").header("traceparent", traceparent());
    client.send(twice.header("traceparent", traceparent())).await.checked(200);
    assert!(process.terminate().await.success());
    let ids = traces(&log(folder.path()), "/problems");
    assert_eq!((ids.len(), ids[0].as_str()), (3, TRACE));
    assert!(ids[1] != TRACE && ids[2] != TRACE && ids[1] != ids[2], "{ids:?}");
}
