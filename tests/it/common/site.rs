//! One address in front of services that run apart, routed as `deploy/nginx.conf` says.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};

/// The prefixes of the proxy's example with the service that each leads to, the longest first.
#[derive(Clone, Debug)]
pub struct Routes(Vec<(String, String)>);

impl Routes {
    /// Reads the example.
    pub fn of_example() -> Self {
        let text = include_str!("../../../deploy/nginx.conf");
        let mut routes: Vec<(String, String)> = text
            .lines()
            .filter_map(|line| {
                let rest = line.trim().strip_prefix("location ")?;
                let (prefix, pass) = rest.split_once('{')?;
                let service = pass.split("http://").nth(1)?.trim_end_matches(['}', ' ', ';']);
                (!prefix.starts_with('=')).then(|| (prefix.trim().to_owned(), service.to_owned()))
            })
            .collect();
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self(routes)
    }

    /// The service that a path leads to: by the longest prefix, as nginx does it.
    pub fn service(&self, path: &str) -> &str {
        let found = self.0.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        found.map(|(_, service)| service.as_str()).unwrap()
    }
}

#[derive(Clone)]
struct Site {
    routes: Routes,
    bases: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

/// Serves the site on a free port; the address that clients use.
pub async fn serve(bases: Vec<(&'static str, String)>) -> String {
    let site =
        Site { routes: Routes::of_example(), bases, http: reqwest::Client::builder().no_proxy().build().unwrap() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(forward).with_state(site);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn forward(State(site): State<Site>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let service = site.routes.service(parts.uri.path());
    let base = &site.bases.iter().find(|(name, _)| *name == service).unwrap().1;
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
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
