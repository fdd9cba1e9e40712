//! Behind a proxy, the caller's address is what the proxy says: throttles must not count the proxy itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use sanbao_platform::http::ThroughProxy;

/// The last address of `X-Forwarded-For`: the one that the proxy in front has seen; what stands before it
/// was sent by the caller and means nothing.
fn forwarded(value: &str) -> Option<IpAddr> {
    let last = value.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|a| a.ip()))
}

/// Callers whom a proxy did not name. They share one address, which is not that of the proxy or of this machine.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Puts the forwarded address in the place of the connection's.
pub async fn believe(mut request: Request, next: Next) -> Response {
    let mut values = request.headers().get_all("x-forwarded-for").iter();
    let address = values.next_back().and_then(|v| v.to_str().ok()).and_then(forwarded);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.unwrap_or(UNKNOWN), 0)));
    request.extensions_mut().insert(ThroughProxy);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_the_proxy_itself_saw_counts() {
        let of = |value: &str| super::forwarded(value).map(|a| a.to_string());
        assert_eq!(of("127.0.0.1, 198.51.100.7").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("198.51.100.7:4711").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("unknown"), None);
    }
}
