//! The routes beside the services' own: health, metrics, the API's document, the pages of problem types.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::html;
use sanbao_platform::config::Secret;
use sanbao_platform::crypto::same_secret;
use sanbao_platform::db::Db;
use sanbao_platform::http::{Fixed, Json, Path, Routes, Visitor};
use sanbao_platform::nats::Nats;
use sanbao_platform::problem::{Kind, Problem, UNAVAILABLE};
use sanbao_platform::service::Wiring;
use sanbao_platform::telemetry;
use sanbao_platform::web::Frame;
use serde_json::json;

use crate::help;
use crate::role::Role;
use crate::stores::Stores;
use crate::texts::TEXTS;

/// How long a database may take to show that it is there and can be written to.
const READY_WAIT_MS_MAX: u64 = 2_000;

sanbao_platform::measures! {
    CONSUMER_BEHIND = Gauge "consumer_behind_events" "Events that a consumer has not taken yet.";
    CONSUMER_PARKED = Gauge "consumer_parked_events" "Events that a consumer has given up on; each wants a person.";
    PUBLISHER_BEHIND = Gauge "publisher_behind_events" "Events in a publisher's outbox that are not yet in its stream.";
    OUT_OF_STEP = Gauge "readers_out_of_step" "Readers of events that have stopped because their database or stream is not of the time or network of their publisher's; each wants a person.";
    NATS_CONNECTED = Gauge "nats_connected" "1 while this process is connected to NATS, else 0.";
}

/// The state of these routes.
#[derive(Clone, Debug)]
pub struct Around {
    /// The databases that must answer.
    pub stores: Stores,
    /// The network to other processes.
    pub nats: Option<Nats>,
    /// The connections between the services.
    pub wiring: Arc<Wiring>,
    /// The frame of pages.
    pub frame: Frame,
    /// The OpenAPI document.
    pub document: Fixed,
    /// Every kind of problem.
    pub kinds: Arc<[&'static Kind]>,
    /// The token that opens the metrics from elsewhere.
    pub metrics_token: Option<Secret<String>>,
    /// Whether every caller comes by a proxy, so that nobody is known to be of this machine.
    pub behind_proxy: bool,
}

/// The routes.
pub fn routes() -> Routes<Around> {
    Routes::new()
        .page("/healthz", get(healthz))
        .page("/readyz", get(readyz))
        .page("/metrics", get(metrics))
        .page("/openapi.json", get(document))
        .page("/problems", get(problems))
        .page("/problems/{slug}", get(problem))
        .merge(help::routes())
}

/// The process answers; says nothing of its databases, so that nobody restarts it for theirs.
async fn healthz() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

async fn answers(db: &Db) -> Result<(), String> {
    match tokio::time::timeout(Duration::from_millis(READY_WAIT_MS_MAX), db.ready()).await {
        Ok(ready) => ready.map_err(|e| e.to_string()),
        Err(_) => Err(format!("no answer within {READY_WAIT_MS_MAX} ms")),
    }
}

/// Whether every database answers and takes writes.
pub async fn ready(stores: &Stores) -> Result<(), Problem> {
    for (name, db) in stores.all() {
        answers(db).await.map_err(|cause| {
            let said = Problem::new(&UNAVAILABLE).with("database", name).retry_after(2);
            said.because(format!("{name}: {cause}"))
        })?;
    }
    Ok(())
}

/// Whether requests may be sent here: every database answers and takes writes, rooms have their log, and the process
/// is not on its way out.
async fn readyz(visitor: Visitor, State(around): State<Around>) -> Result<Response, Problem> {
    if visitor.drain.is_cancelled() {
        return Err(Problem::new(&UNAVAILABLE).detail("正在停止", "Stopping"));
    }
    ready(&around.stores).await?;
    // To go on now would make it harder to bring the databases into step again.
    if let Some(((reader, publisher), cause)) = around.wiring.faults.all().pop_first() {
        let said = Problem::new(&UNAVAILABLE).with("reader", reader).with("publisher", publisher);
        return Err(said.because(cause));
    }
    // Requests go on without NATS, and events wait; only rooms live on it.
    let rooms = around.stores.of(Role::Signalling).is_ok();
    if rooms && around.nats.as_ref().is_some_and(|nats| !nats.is_connected()) {
        return Err(Problem::new(&UNAVAILABLE).retry_after(2).because("not connected to NATS"));
    }
    Ok(Json(json!({ "status": "ready" })).into_response())
}

/// Prometheus text, for this machine or a caller with the token.
async fn metrics(visitor: Visitor, headers: HeaderMap, State(around): State<Around>) -> Result<Response, Problem> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    match &around.metrics_token {
        Some(token) if sent.is_some_and(|sent| same_secret(sent, &token.0)) => {}
        Some(_) => return Err(Problem::unauthenticated()),
        None if !around.behind_proxy && visitor.address.to_canonical().is_loopback() => {}
        None => return Err(Problem::not_found()),
    }
    measure(&around).await;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::render_metrics())
        .into_response())
}

/// Brings the numbers that are only read when somebody asks up to date. A part that does not answer is `/readyz`'s to
/// report; its last numbers stand.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 events")]
async fn measure(around: &Around) {
    for (consumer, log) in &around.wiring.followers {
        if let Ok(status) = consumer.status(log.as_ref()).await {
            metrics::gauge!(CONSUMER_BEHIND, "consumer" => consumer.name).set(status.behind as f64);
            metrics::gauge!(CONSUMER_PARKED, "consumer" => consumer.name).set(status.parked as f64);
        }
    }
    for forwarder in &around.wiring.forwarders {
        if let Ok(behind) = forwarder.behind().await {
            metrics::gauge!(PUBLISHER_BEHIND, "publisher" => forwarder.publisher()).set(behind as f64);
        }
    }
    metrics::gauge!(OUT_OF_STEP).set(around.wiring.faults.all().len() as f64);
    if let Some(nats) = &around.nats {
        metrics::gauge!(NATS_CONNECTED).set(f64::from(u8::from(nats.is_connected())));
    }
}

async fn document(headers: HeaderMap, State(around): State<Around>) -> Response {
    around.document.answer(&headers)
}

/// The list of problem types, as a page.
async fn problems(visitor: Visitor, State(around): State<Around>) -> Response {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let title = t("problems-title");
    let body = html! {
        h1 { (title) }
        table.table {
            thead { tr { th { (t("problem-type")) } th { (t("problem-status")) } th { (t("problem-meaning")) } } }
            tbody {
                @for kind in around.kinds.iter() {
                    tr {
                        td { a href=(format!("/problems/{}", kind.slug)) { code { (kind.slug) } } }
                        td { (kind.status) }
                        td { (lang.pick(kind.zh, kind.en)) }
                    }
                }
            }
        }
    };
    around.frame.page(lang, &title, None, "/problems", &[], &body).into_response()
}

/// The page that a problem's `type` URI leads to (RFC 9457 §3.1.1).
async fn problem(
    visitor: Visitor,
    State(around): State<Around>,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    let kind = around.kinds.iter().find(|k| k.slug == slug).ok_or_else(Problem::not_found)?;
    let (lang, title) = (visitor.lang, visitor.lang.pick(kind.zh, kind.en));
    let t = |key: &str| TEXTS.get(lang, key);
    let body = html! {
        h1 { (title) }
        p { (kind.zh) br; span lang="en" { (kind.en) } }
        dl {
            dt { (t("problem-type")) } dd { code { "/problems/" (kind.slug) } }
            dt { (t("problem-status")) } dd { (kind.status) }
        }
        p { a href="/problems" { (t("problems-all")) } }
    };
    Ok(around.frame.page(lang, title, None, "/problems", &[], &body).into_response())
}
