//! One address in front of services that run apart, routed as `deploy/nginx.conf` says.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};

use super::nginx::Nginx;

#[derive(Clone)]
struct Site {
    nginx: Nginx,
    bases: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

/// Serves the site on a free port; the address that clients use.
pub async fn serve(bases: Vec<(&'static str, String)>) -> String {
    let site = Site { nginx: Nginx::shipped(), bases, http: reqwest::Client::builder().no_proxy().build().unwrap() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(forward).with_state(site);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn forward(State(site): State<Site>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let location = site.nginx.location(parts.uri.path());
    let base = &site.bases.iter().find(|(name, _)| *name == location.service).unwrap().1;
    let path = location
        .asked
        .as_deref()
        .or(parts.uri.path_and_query().map(axum::http::uri::PathAndQuery::as_str))
        .unwrap_or("/");
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut request = site.http.request(parts.method, format!("{base}{path}")).body(body);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE] {
        if let Some(value) = parts.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let down = || Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap();
    let Ok(answer) = request.send().await else { return down() };
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    let Ok(bytes) = answer.bytes().await else { return down() };
    let mut response = Response::builder().status(status);
    if let Some(kind) = kind {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    response.body(Body::from(bytes)).unwrap()
}
