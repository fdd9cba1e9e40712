//! `GET /v1/signal`: what is checked before a connection becomes a WebSocket.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use sanbao_platform::http::Visitor;
use sanbao_platform::problem::{BAD_REQUEST, CROSS_SITE, Problem, UNAVAILABLE};

use super::connection::Connection;
use crate::App;
use crate::protocol::SUBPROTOCOL;

/// The WebSocket library's read buffer: most messages are small, and each connection has one.
const READ_BUFFER_BYTES: usize = 2 * 1024;
/// Frames are written at once, not gathered.
const WRITE_BUFFER_BYTES: usize = 0;

/// The signalling WebSocket, subprotocol `sanbao.signal.v1`; see the protocol document.
#[utoipa::path(
    get,
    path = "/v1/signal",
    tag = "signalling",
    responses(
        (status = 101, description = "The connection becomes a WebSocket; the first message is `hello` with a ticket"),
        (status = 400, description = "Not a WebSocket request, or without the subprotocol `sanbao.signal.v1`"),
        (status = 403, description = "A browser's request from another site"),
        (status = 503, description = "As many connections as this process takes; come back"),
    )
)]
pub(crate) async fn signal(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    own_site(&headers, &uri, &app.config.origins)?;
    let not_here = || {
        Problem::new(&BAD_REQUEST).detail(
            "这里只接受 WebSocket 连接(子协议 sanbao.signal.v1)",
            "Only WebSocket connections with the subprotocol sanbao.signal.v1 are taken here",
        )
    };
    let upgrade = upgrade.map_err(|e| not_here().because(e))?.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return Err(not_here());
    }
    let place =
        Arc::clone(&app.hub.connections).try_acquire_owned().map_err(|_| Problem::new(&UNAVAILABLE).retry_after(5))?;
    let limits = &app.config.limits;
    // Somewhat above the protocol's own bound, so that a message just over it gets its typed error.
    let frame_bytes_max = limits.client.message_bytes_max + 4096;
    let queue_bytes_max = limits.queue_bytes_max;
    let connection = Connection::new(app, visitor.drain);
    Ok(upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(queue_bytes_max)
        .max_message_size(frame_bytes_max)
        .max_frame_size(frame_bytes_max)
        .on_upgrade(move |socket| async move {
            connection.run(socket).await;
            drop(place);
        }))
}

/// A browser sends `Origin`; it must be this site or one the operator named (RFC 6455 §10.2).
fn own_site(headers: &HeaderMap, uri: &Uri, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().map_err(|_| Problem::new(&CROSS_SITE))?;
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let same = authority.is_some() && authority == host;
    if same || allowed.iter().any(|a| a == origin) { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_the_own_site_and_named_origins_connect() {
        let allowed = ["https://care.example".to_owned()];
        for (origin, passes) in [
            (None, true),
            (Some("http://sanbao.test:8443"), true),
            (Some("https://sanbao.test:8443"), true),
            (Some("https://care.example"), true),
            (Some("https://sanbao.test"), false),
            (Some("https://evil.example"), false),
            (Some("https://evil.example/sanbao.test:8443"), false),
            (Some("null"), false),
            (Some("file://sanbao.test:8443"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "sanbao.test:8443".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            let checked = own_site(&headers, &Uri::from_static("/v1/signal"), &allowed);
            assert_eq!(checked.is_ok(), passes, "{origin:?}");
        }
    }
}
