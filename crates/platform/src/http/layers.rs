//! The outermost layer: request ids, languages, problems written out, security headers, one log line.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use super::ctx::{actor_of, lang_of};
use super::extract::problem_of;
use super::live::Streams;
use super::packing::{Packing, packed};
use super::{RequestInfo, cookies};
use crate::audit::{self, Disclosure};
use crate::auth::{Actor, Keys};
use crate::clock::Clock;
use crate::id::uuid_v7;
use crate::problem::{INTERNAL, NOT_FOUND, Problem};
use crate::telemetry::otlp::{self, Span, SpanKind};
use crate::telemetry::trace::TraceContext;
use crate::telemetry::{HTTP_REQUESTS, HTTP_SECONDS};
use crate::web::{self, Frame};

/// The largest body a route takes unless it says otherwise.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A longer `X-Request-Id` from outside is not logged.
const CLIENT_ID_BYTES_MAX: usize = 64;

#[derive(Clone)]
struct Outer {
    clock: Clock,
    drain: CancellationToken,
    secure: bool,
    streams: Streams,
    around: Around,
}

/// The surroundings of the page of a problem.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The frame with its navigation.
    pub frame: Frame,
    /// The keys by which it is known whose navigation that is; none where nobody logs in.
    pub keys: Option<Keys>,
}

/// Puts the outermost layer around the routes of all services. `secure` says that the site is
/// served over HTTPS; `drain` is cancelled when the process is to end.
pub fn finish(routes: Router, clock: Clock, drain: CancellationToken, secure: bool) -> Router {
    finish_in(routes, clock, drain, secure, Around::default())
}

/// The same, with the page of a problem in the frame of the others.
pub fn finish_in(routes: Router, clock: Clock, drain: CancellationToken, secure: bool, around: Around) -> Router {
    routes
        .fallback(|| async { Problem::new(&NOT_FOUND) })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        // The panic was logged where it happened (`telemetry::start_logs`).
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Problem::new(&INTERNAL).into_response()))
        .layer(from_fn_with_state(Outer { clock, drain, secure, streams: Streams::default(), around }, outermost))
        .layer(from_fn_with_state(Packing::default(), packed))
}

/// The caller's own id of the request, for the log alone: what it says, others could say too.
fn client_id(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get("x-request-id").and_then(|v| v.to_str().ok());
    let usable = |id: &&str| {
        !id.is_empty()
            && id.len() <= CLIENT_ID_BYTES_MAX
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(usable)
}

/// The address that a request came from, or that a proxy in front has seen.
fn client_of(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip())
}

/// The mark of a request that came through the proxy in front, whose headers are believed.
#[derive(Clone, Copy, Debug)]
pub struct ThroughProxy;

/// Whether a request's `traceparent` decides of which trace it is: one that came through the proxy in front, or from this
/// machine. Anybody else's is no more than a link, or one caller could make one trace of all that others do.
fn chooses_trace(request: &Request, address: Option<IpAddr>) -> bool {
    request.extensions().get::<ThroughProxy>().is_some()
        || address.is_some_and(|address| address.to_canonical().is_loopback())
}

/// Whether a line about this answer says nothing that anybody would look for: a file of a page, or the question of a
/// supervisor that was answered well.
fn is_routine(route: &str, status: u16) -> bool {
    let asked = route.starts_with("/static/") || matches!(route, "/healthz" | "/readyz" | "/metrics");
    asked && status < 400
}

fn wants_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.contains("text/html") && !uri.path().starts_with("/v1/")
}

async fn outermost(State(outer): State<Outer>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    if outer.secure {
        cookies::without_prefix(request.headers_mut());
    }
    let info = RequestInfo {
        request_id: uuid_v7(outer.clock.now()).to_string(),
        lang: lang_of(request.headers()),
        drain: outer.drain,
        streams: outer.streams,
        shows: Disclosure::default(),
    };
    let method = request.method().clone();
    let page = wants_page(request.headers(), request.uri());
    let keys = outer.around.keys.as_ref().filter(|_| page);
    let reader = keys.and_then(|keys| actor_of(request.headers(), keys, outer.clock.now()));
    // The pattern, never the path itself: a path may carry a link's secret.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "-".to_owned(), |p| p.as_str().to_owned());
    let (client_id, address) = (client_id(request.headers()), client_of(&request));
    let client = address.map(tracing::field::display);
    // Filled in when it is known who asks.
    let account = tracing::field::Empty;
    let (given, began) = (TraceContext::of_headers(request.headers()), outer.clock.now());
    let (parent, link) = if chooses_trace(&request, address) { (given, None) } else { (None, given) };
    let context = TraceContext::below(parent);
    let trace_id = context.trace_id();
    let span =
        tracing::info_span!("request", id = %info.request_id, client_id, client, account, %method, route, trace_id);
    request.extensions_mut().insert(info.clone());
    let answer = context.scope(audit::answering(address, next.run(request)));
    let mut response = answer.instrument(span.clone()).await;
    if info.shows.is_open() {
        // No layer of the service wrote it down: nobody is to see it.
        response = Problem::internal("an answer shows somebody and left no audit row").into_response();
    }
    let page = page.then_some((&outer.around.frame, info.shows.actor().or(reader)));
    let mut response = context.within(|| written_out(response, &info, page, &span));
    protect(response.headers_mut(), &info.request_id, outer.secure);
    if outer.secure {
        cookies::with_prefix(response.headers_mut());
    }
    let (status, lasted, method) = (response.status().as_u16(), started.elapsed(), method_label(&method));
    let ms = lasted.as_secs_f64() * 1e3;
    if is_routine(&route, status) {
        span.in_scope(|| tracing::debug!(status, ms, "answered"));
    } else {
        context.within(|| span.in_scope(|| tracing::info!(status, ms, "answered")));
        otlp::tell(|| {
            let (kind, name) = (SpanKind::Server, format!("{method} {route}"));
            let attributes = about(method, &route, status, &info.request_id);
            Span { context, parent, link, kind, name, began, lasted, attributes, failed: status >= 500 }
        });
    }
    metrics::counter!(HTTP_REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!(HTTP_SECONDS, "route" => route).record(ms / 1e3);
    response
}

/// A collector's knowledge of a request: the operation and the outcome, and the id by which the log tells more.
fn about(method: &'static str, route: &str, status: u16, id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("http.request.method", json!(method)),
        ("http.route", json!(route)),
        ("http.response.status_code", json!(status)),
        ("sanbao.request.id", json!(id)),
    ]
}

/// The method as a label. A caller can invent methods without end, so those that no route has are one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Writes a problem's body in the request's language; the framework's own refusals become problems too.
/// `page` is the frame, and the person whose navigation it shows, where a page was asked for.
fn written_out(
    response: Response,
    info: &RequestInfo,
    page: Option<(&Frame, Option<Actor>)>,
    span: &tracing::Span,
) -> Response {
    let problem = response.extensions().get::<Problem>().cloned().or_else(|| {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let own = kind.starts_with("application/") || kind.starts_with("text/html");
        (response.status().as_u16() >= 400 && !own).then(|| problem_of(response.status()))
    });
    let Some(problem) = problem else { return response };
    if let Some(cause) = problem.cause() {
        let (kind, server) = (problem.kind().slug, problem.status().is_server_error());
        span.in_scope(|| {
            if server { tracing::error!(kind, cause, "failed") } else { tracing::debug!(kind, cause, "refused") }
        });
    }
    let mut written = match page {
        Some((frame, actor)) => web::problem_page(&problem, info, frame, actor.as_ref()),
        None => problem.render(info.lang, &info.request_id),
    };
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) && !written.headers().contains_key(name) {
            written.headers_mut().append(name.clone(), value.clone());
        }
    }
    written
}

fn protect(headers: &mut HeaderMap, request_id: &str, secure: bool) {
    const CSP: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob: mediastream:; object-src 'none'; \
        base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), geolocation=(self), display-capture=(self)",
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Answers hold personal data; only static files say otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", value);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_stranger_does_not_choose_the_trace() {
        let request = || Request::new(Body::empty());
        let chooses = |address: &str| chooses_trace(&request(), Some(address.parse().unwrap()));
        assert!(["127.0.0.1", "::1", "::ffff:127.0.0.1"].into_iter().all(chooses));
        assert!(!["192.0.2.7", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.7"].into_iter().any(chooses));
        assert!(!chooses_trace(&request(), None));
        let mut through = request();
        through.extensions_mut().insert(ThroughProxy);
        assert!(chooses_trace(&through, Some("192.0.2.7".parse().unwrap())));
    }
}
