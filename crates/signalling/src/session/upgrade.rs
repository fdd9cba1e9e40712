//! `GET /v1/signal`: what is checked before a connection becomes a WebSocket (RFC 6455 §4.2).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use sanbao_platform::http::Visitor;
use sanbao_platform::problem::{BAD_REQUEST, CROSS_SITE, Problem, TOO_MANY, UNAVAILABLE};
use sha1::{Digest as _, Sha1};

use super::hello::Arrival;
use super::wire::halves;
use crate::App;
use crate::protocol::SUBPROTOCOL;

/// The suffix that a server appends to the client's key (RFC 6455 §1.3).
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The signalling WebSocket, subprotocol `sanbao.signal.v1`; see the protocol document.
#[utoipa::path(
    get,
    path = "/v1/signal",
    tag = "signalling",
    responses(
        (status = 101, description = "The connection becomes a WebSocket; the first message is `hello` with a ticket"),
        (status = 400, description = "Not a WebSocket request, or without the subprotocol `sanbao.signal.v1`"),
        (status = 403, description = "A browser's request from another site"),
        (status = 429, description = "Too many bad tickets, or connections before their welcome, from this address"),
        (status = 503, description = "As many connections as this process takes; come back"),
    )
)]
pub(crate) async fn signal(
    State(app): State<App>,
    visitor: Visitor,
    mut request: Request,
) -> Result<Response, Problem> {
    own_site(request.headers(), request.uri(), &app.config.origins)?;
    if let Some(wait) = app.hub.bad_hellos.wait(visitor.address) {
        return Err(Problem::new(&TOO_MANY).retry_after(wait.as_secs() + 1));
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(upgrade), Some(accept)) = (upgrade, accept(request.headers())) else {
        return Err(Problem::new(&BAD_REQUEST).detail(
            "这里只接受 WebSocket 连接（子协议 sanbao.signal.v1）",
            "Only WebSocket connections with the subprotocol sanbao.signal.v1 are taken here",
        ));
    };
    let Some(arriving) = app.hub.arrivals.try_add(visitor.address) else {
        return Err(Problem::new(&TOO_MANY).retry_after(1));
    };
    let place =
        Arc::clone(&app.hub.connections).try_acquire_owned().map_err(|_| Problem::new(&UNAVAILABLE).retry_after(5))?;
    app.hub.leave_on(&visitor.drain);
    let (address, drain) = (visitor.address, visitor.drain);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let (reader, writer, early) = halves(upgraded);
        Arrival { app, address, drain, place, arriving, reader, writer, early }.run().await;
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// The answer to the client's key, if the request is for a WebSocket of this protocol.
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let lists = |name, wanted: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|item| item.trim().eq_ignore_ascii_case(wanted))
    };
    let is_here = lists(header::CONNECTION, "upgrade")
        && lists(header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|v| v == "13")
        && lists(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_here)?;
    STANDARD.decode(key.as_bytes()).ok().filter(|nonce| nonce.len() == 16)?;
    let accept = STANDARD.encode(Sha1::new().chain_update(key.as_bytes()).chain_update(KEY_SUFFIX).finalize());
    HeaderValue::from_str(&accept).ok()
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
