//! A site with the demo network in it, programs and browsers that call it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use chrono::{DateTime, Utc};
use sanbao_booking::account::demo::{self, Network, PASSWORD};
use sanbao_booking::account::{AccountConfig, SecondFactorFor, setup};
use sanbao_booking::{App, Config, MIGRATIONS, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{self, Answer, TestEngine};
use serde_json::{Value, json};

/// The clock's start: a Monday morning in Ningbo.
pub fn morning() -> DateTime<Utc> {
    "2026-11-23T00:30:00Z".parse().unwrap()
}

/// A running site.
pub struct Site {
    served: testing::Site,
    pub clock: Clock,
    pub deps: Deps,
    pub network: Network,
    pub openapi: utoipa::openapi::OpenApi,
}

/// A configuration in which no throttle, second factor or idle end gets in a test's way.
pub fn generous() -> Config {
    let account = AccountConfig {
        second_factor: SecondFactorFor::Nobody,
        shared_idle_minutes: 24 * 60,
        ..AccountConfig::default()
    };
    Config { login_burst_max: NonZeroU32::new(10_000).unwrap(), account, ..Config::default() }
}

impl Site {
    pub async fn open(engine: &TestEngine) -> Self {
        Self::with(engine, generous()).await
    }

    pub async fn with(engine: &TestEngine, config: Config) -> Self {
        let clock = Clock::manual(morning());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let network = demo::fill(&App::new(config.clone(), deps.clone())).await.unwrap();
        let service = build(config, deps.clone());
        let openapi = service.routes.openapi.clone();
        Self { served: testing::Site::of(service, &deps), clock, deps, network, openapi }
    }

    /// A site over an empty database, whose network is yet to be made.
    pub fn empty(deps: &Deps, clock: Clock) -> Self {
        let service = build(generous(), deps.clone());
        let (openapi, deps) = (service.routes.openapi.clone(), deps.clone());
        Self { served: testing::Site::of(service, &deps), clock, deps, network: nobody(), openapi }
    }

    pub async fn call(&self, request: Request<Body>) -> Answer {
        self.served.send(request).await
    }

    /// An answer that has no end of its own.
    pub async fn open_stream(&self, request: Request<Body>) -> axum::response::Response {
        self.served.open(request).await
    }

    /// A call of the API by a program; no token is an empty one, and no body is null.
    pub async fn api(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        self.api_with(token, method, path, body, &[]).await
    }

    pub async fn api_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let (token, body) = (Some(token).filter(|t| !t.is_empty()), Some(body).filter(|b| !b.is_null()));
        self.served.call_with(token, method, path, body, headers).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.api(token, "GET", path, Value::Null).await
    }

    pub async fn log_in(&self, login: &str, password: &str) -> Answer {
        self.api("", "POST", "/v1/tokens", json!({ "login": login, "password": password })).await
    }

    /// The access token of a demo account.
    pub async fn token(&self, login: &str) -> String {
        let tokens = self.log_in(login, PASSWORD).await.expect(200);
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Somebody whom an administrator adds to an organisation and who logs in: the access token.
    pub async fn newcomer(
        &self,
        admin: &str,
        organisation: impl std::fmt::Display,
        login: &str,
        what: Value,
    ) -> String {
        let mut body = json!({ "login": login, "display_name": login });
        body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let made = self.api(admin, "POST", &format!("/v1/organisations/{organisation}/accounts"), body).await;
        self.choose(&made.expect(201)["link"], "correct horse").await;
        self.access(login, "correct horse").await
    }

    /// The owner of a one-time link chooses a password.
    pub async fn choose(&self, link: &Value, password: &str) {
        let body = json!({ "token": token_of(link), "password": password });
        self.api("", "POST", "/setup/account", body).await.checked(204);
    }

    /// The access token of a log-in.
    pub async fn access(&self, login: &str, password: &str) -> String {
        let tokens = self.log_in(login, password).await.expect(200);
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// A second street office, set up on the machine, and its administrator's token.
    pub async fn second_office(&self, area: &str) -> (String, String) {
        let link = setup::issue_link(&self.deps.db, &self.clock).await.unwrap();
        let office = json!({ "token": link, "name_zh": "海口街道", "name_en": "Haikou Street", "area_code": area,
            "login": "second", "display_name": "二把手", "password": "correct horse" });
        self.api("", "POST", "/setup", office).await.checked(204);
        let token = self.access("second", "correct horse").await;
        let list = self.get(&token, "/v1/organisations").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "it reaches nobody but itself: {list}");
        (list["items"][0]["id"].as_str().unwrap().to_owned(), token)
    }

    /// Takes in all that needs-analysis has said.
    pub async fn catch_up(&self, neighbour: &testing::Neighbour) -> u64 {
        self.served.catch_up(neighbour).await
    }

    pub fn minutes_pass(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    pub fn account(&self, login: &str) -> String {
        self.network.accounts.iter().find(|a| a.login == login).unwrap().id.to_string()
    }
}

/// The network of a site in which there is none.
fn nobody() -> Network {
    let none = OrganisationId(uuid::Uuid::nil());
    let (accounts, residents, rooms) = (Vec::new(), Vec::new(), Vec::new());
    Network { street_office: none, care_home: none, hospital: none, agency: none, accounts, residents, rooms }
}

/// A browser with its cookies; each has the path it was given.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<(String, String), String>,
    agent: Option<String>,
}

impl Browser {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|((n, _), _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Sets a cookie as a page's script does.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert((name.to_owned(), "/".to_owned()), value.to_owned());
    }

    fn header_for(&self, path: &str) -> String {
        let fits = |at: &str| at == "/" || path == at || path.starts_with(&format!("{at}/"));
        let sent = self.cookies.iter().filter(|((_, at), _)| fits(at));
        sent.map(|((name, _), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn take(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let mut parts = line.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let rest: Vec<_> = parts.collect();
            let path = rest.iter().find_map(|p| p.strip_prefix("Path=")).unwrap_or("/").to_owned();
            let key = (name.to_owned(), path);
            if rest.contains(&"Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }

    async fn send(&mut self, site: &Site, request: axum::http::request::Builder, path: &str, body: String) -> Answer {
        let request = request.uri(path).header(header::HOST, "sanbao.test");
        let request = self.agent.iter().fold(request, |r, agent| r.header(header::USER_AGENT, agent));
        let cookies = self.header_for(path.split('?').next().unwrap());
        let request = if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies) };
        let answer = site.call(request.body(Body::from(body)).unwrap()).await;
        self.take(&answer);
        answer
    }

    /// Opens a page; redirects are not followed.
    pub async fn open(&mut self, site: &Site, path: &str) -> Answer {
        let request = Request::builder().method("GET").header(header::ACCEPT, "text/html");
        self.send(site, request, path, String::new()).await
    }

    /// Sends a plain form of this site.
    pub async fn form(&mut self, site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method("POST").header("origin", "https://sanbao.test");
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={}", sanbao_platform::page::encode(v))).collect();
        self.send(site, request, path, body.join("&")).await
    }

    /// Calls the API as a page's script does.
    pub async fn script(&mut self, site: &Site, method: &str, path: &str, body: Value) -> Answer {
        let csrf = self.cookie("sanbao_csrf").unwrap_or_default().to_owned();
        let request = Request::builder().method(method).header("sec-fetch-site", "same-origin");
        let request = request.header("x-csrf-token", csrf).header(header::CONTENT_TYPE, "application/json");
        self.send(site, request, path, if body.is_null() { String::new() } else { body.to_string() }).await
    }

    /// A call with headers of the test's own and these cookies.
    pub async fn raw(&mut self, site: &Site, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = headers.iter().fold(Request::builder().method(method), |r, (n, v)| r.header(*n, *v));
        self.send(site, request, path, body.to_owned()).await
    }

    /// The same of another program.
    pub fn of_agent(self, agent: &str) -> Self {
        Self { agent: Some(agent.to_owned()), ..self }
    }

    /// Logs in by the form.
    pub async fn log_in(&mut self, site: &Site, login: &str) -> Answer {
        self.form(site, "/session", &[("login", login), ("password", PASSWORD), ("next", "/")]).await.checked(303)
    }
}

/// The token of a one-time link.
pub fn token_of(link: &Value) -> &str {
    link["path"].as_str().unwrap().split_once('#').unwrap().1
}

/// How many audit rows of an action there are.
pub async fn audited(site: &Site, action: &str) -> i64 {
    let mut conn = site.deps.db.read().await.unwrap();
    sanbao_platform::on!(conn, |c| {
        sqlx::query_scalar("select count(*) from audit where action = $1").bind(action).fetch_one(c).await
    })
    .unwrap()
}

/// How many events of a kind are in the log.
pub async fn published(site: &Site, kind: &str) -> i64 {
    let mut conn = site.deps.db.read().await.unwrap();
    sanbao_platform::on!(conn, |c| {
        sqlx::query_scalar("select count(*) from outbox where kind = $1").bind(kind).fetch_one(c).await
    })
    .unwrap()
}
