//! The common parts of the tests across services: the whole network on one engine behind a real socket, a client that
//! logs in, and the samples that a document's schemas describe.

pub mod apart;
pub mod chromium;
pub mod flow;
pub mod nats;
pub mod nginx;
pub mod place;
pub mod process;
pub mod proxy;
pub mod sample;
pub mod site;
mod step;
pub mod world;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use sanbao::compose::{self, Found, Network, Parts, Purpose, Stores};
use sanbao::operate::Installation;
use sanbao::role::Role;
use sanbao::settings::{MediaRules, Storage, Turn};
use sanbao_booking::account::{AccountConfig, SecondFactorFor};
use sanbao_platform::audit::chain::Keeping;
use sanbao_platform::auth::Passwords;
use sanbao_platform::bus::{Retention, StreamLimits};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::{RootSecret, Secret};
use sanbao_platform::http::{self, Listener};
use sanbao_platform::retention::Periods;
use sanbao_platform::testing::{Answer, PATIENCE, TestEngine};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The whole network, filled as a demo, served on a free port of this machine.
pub struct Served {
    pub address: SocketAddr,
    pub clock: Clock,
    pub network: Network,
    pub engine: TestEngine,
    site: JoinHandle<std::io::Result<()>>,
}

pub use step::in_step;

/// Where pictures, traces and measurements of the tests are kept.
pub fn artifacts() -> std::path::PathBuf {
    let named = std::env::var_os("SANBAO_TEST_ARTIFACTS").map(std::path::PathBuf::from);
    let dir = named.unwrap_or_else(|| std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("artifacts"));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Where the tests' time begins: a Monday morning in Ningbo.
pub fn morning() -> DateTime<Utc> {
    "2026-11-23T00:30:00Z".parse().unwrap()
}

pub fn storage(engine: &TestEngine) -> Storage {
    match engine {
        TestEngine::Sqlite(dir) => Storage::Files(dir.path().to_owned()),
        TestEngine::Postgres(url) => Storage::Postgres(Secret(url.clone())),
    }
}

/// Rules of log-ins that get in no test's way: the second factor and the idle end have tests of their own.
fn accounts() -> AccountConfig {
    let (second_factor, shared_idle_minutes) = (SecondFactorFor::Nobody, 12 * 60);
    AccountConfig { second_factor, shared_idle_minutes, ..AccountConfig::default() }
}

/// The key of every network of the tests.
pub fn root() -> RootSecret {
    RootSecret::from_bytes([42; 32])
}

/// The databases of all services, made where they are not there.
pub async fn stores(storage: &Storage) -> Stores {
    let found = Found::open(storage, Role::ALL, Purpose::Serve).await.unwrap();
    found.migrate(&root().marks(), morning()).await.unwrap()
}

/// The network's parts on `engine`, empty unless there was something.
pub async fn parts(engine: &TestEngine, clock: Clock) -> Parts {
    engine.like("network", async |original| stores(&storage(original)).await.close().await).await;
    parts_at(&storage(engine), clock).await
}

/// The same wherever the network lies.
pub async fn parts_at(storage: &Storage, clock: Clock) -> Parts {
    Parts {
        stores: stores(storage).await,
        clock,
        root: root(),
        secure: false,
        behind_proxy: false,
        dialling_code: "0574".parse().ok(),
        hooks: sanbao_needs_analysis::signal::Hooks::default(),
        turn: Turn::Off,
        media: MediaRules::default(),
        metrics_token: None,
        passwords: Passwords::quick(),
        // Tests log in often, all from one address.
        booking: sanbao_booking::Config {
            login_per_minute_max: NonZeroU32::MAX,
            login_burst_max: NonZeroU32::MAX,
            account: accounts(),
            ..sanbao_booking::Config::default()
        },
        nats: None,
        stream_limits: StreamLimits::default(),
        audit: Keeping::default(),
        retention: Retention::default(),
        periods: Periods::default(),
        installation: Installation::default(),
    }
}

/// The parts of the demo network, whose day begins at the tests' morning.
pub async fn demo_parts(engine: &TestEngine, clock: Clock) -> Parts {
    let fill = async |original: &TestEngine| {
        let parts = parts(original, Clock::manual(morning())).await;
        sanbao::demo::fill(&parts).await.unwrap();
        parts.stores.close().await;
    };
    engine.like("demo network", fill).await;
    parts(engine, clock).await
}

impl Served {
    /// The demo network on `engine`, at the tests' morning.
    pub async fn demo(engine: TestEngine) -> Self {
        let parts = demo_parts(&engine, Clock::manual(morning())).await;
        Self::of(engine, parts).await
    }

    /// An empty network on `engine`.
    pub async fn empty(engine: TestEngine) -> Self {
        let parts = parts(&engine, Clock::manual(morning())).await;
        Self::of(engine, parts).await
    }

    /// Serves what `parts` make.
    pub async fn of(engine: TestEngine, parts: Parts) -> Self {
        Self::around(engine, compose::start(parts).await.unwrap())
    }

    /// Serves a network that was put together.
    pub fn around(engine: TestEngine, network: Network) -> Self {
        let clock = network.clock.clone();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address;
        let site = tokio::spawn(http::serve(listener, network.router.clone(), None, network.drain.clone()));
        Self { address, clock, network, engine, site }
    }

    /// The token of a link by which a street office is set up on the machine.
    pub async fn setup_link(&self) -> String {
        let db = self.network.stores.of(Role::Booking).unwrap();
        sanbao_booking::account::setup::issue_link(db, &self.clock).await.unwrap()
    }

    /// A client that nobody is logged in with.
    pub fn nobody(&self) -> Client {
        Client::new(format!("http://{}", self.address))
    }

    /// Lets time pass; tokens older than a quarter of an hour end.
    pub fn minutes_later(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(60 * minutes));
    }

    /// Drains and closes everything, as the binary does.
    pub async fn stop(self) {
        self.network.drain.cancel();
        self.site.await.unwrap().unwrap();
        self.network.stop().await;
    }
}

/// A caller of the API.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        Self { base, http: http.redirect(reqwest::redirect::Policy::none()).build().unwrap(), token: None }
    }

    /// The same caller with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token that it calls with.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A request to be completed and sent by [`send`](Self::send).
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method: Method = method.to_uppercase().parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        // A stream of events has no end to wait for.
        let mut answer = Answer::new(response.status(), response.headers().clone(), String::new());
        if !answer.content_type().starts_with("text/event-stream") {
            answer = Answer::new(answer.status, answer.headers, response.text().await.unwrap());
        }
        answer
    }

    /// Logs in by password.
    pub async fn log_in(&self, login: &str, password: &str) -> Self {
        let tokens = self.post("/v1/tokens", &json!({ "login": login, "password": password })).await.expect(200);
        self.with_token(tokens["access_token"].as_str().unwrap())
    }

    /// Logs in as somebody of the demo.
    pub async fn demo(&self, login: &str) -> Self {
        self.log_in(login, sanbao_booking::account::demo::PASSWORD).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("get", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("post", path).json(body)).await
    }
}
