//! Several nodes in one process, over a real `nats-server`.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use sanbao_platform::auth::Scope;
use sanbao_platform::bus::{Faults, Outbox};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::{Listener, finish, serve};
use sanbao_platform::nats::Nats;
use sanbao_platform::service::{Deps, Running};
use sanbao_platform::testing::{TestEngine, sqlite};
use sanbao_signalling::{Config, MIGRATIONS, NAME};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::nats::NatsServers;
use super::steady::{Counts, Start, Steady};

/// A node of the test's process.
pub struct Node {
    pub address: SocketAddr,
    drain: CancellationToken,
    running: Option<Running>,
    /// Its own threads, so that it can be killed without the others.
    runtime: Option<tokio::runtime::Runtime>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    /// Ends without a word.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// As SIGTERM does.
    pub async fn stop(&mut self) {
        self.drain.cancel();
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap().unwrap();
        }
    }
}

/// The common parts of the nodes.
pub struct Site {
    pub servers: NatsServers,
    pub deps: Deps,
    /// The log of the service that schedules.
    pub booking: Db,
    pub nodes: Vec<Node>,
    pub counts: Arc<Counts>,
    _engine: TestEngine,
}

impl Site {
    /// So many nodes; nothing when NATS was left out on purpose.
    pub async fn start(nodes: usize) -> Option<Self> {
        Self::start_with(nodes, Config::new(Secret("test".to_owned()))).await
    }

    pub async fn start_with(nodes: usize, config: Config) -> Option<Self> {
        Self::start_on(sqlite(), nodes, config, axum::Router::new()).await
    }

    /// On an engine, with other routes beside each node's.
    pub async fn start_on(engine: TestEngine, nodes: usize, config: Config, beside: axum::Router) -> Option<Self> {
        let servers = NatsServers::start(1)?;
        let deps = engine.deps(NAME, &MIGRATIONS, Clock::system()).await;
        let booking = engine.database("booking", &Migrations { sqlite: &[], postgres: &[] }).await;
        let mut site = Self { servers, deps, booking, nodes: Vec::new(), counts: Arc::default(), _engine: engine };
        for _ in 0..nodes {
            let node = site.node(config.clone(), beside.clone()).await;
            site.nodes.push(node);
        }
        Some(site)
    }

    /// One node more, with a configuration of its own.
    pub async fn add(&mut self, config: Config) {
        let node = self.node(config, axum::Router::new()).await;
        self.nodes.push(node);
    }

    async fn node(&self, config: Config, beside: axum::Router) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (deps, servers) = (self.deps.clone(), self.servers.config());
        let booking = Arc::new(Outbox::new("booking", self.booking.clone()));
        let drain = CancellationToken::new();
        let drained = drain.clone();
        let started = runtime.spawn(async move {
            let nats = Nats::connect(&servers, "test").await.unwrap();
            let clock = deps.clock.clone();
            let mut services = [sanbao_signalling::build(config, Deps { nats: Some(nats), ..deps })];
            let running = Running::start(&mut services);
            let [service] = services;
            for consumer in service.consumers {
                tokio::spawn(consumer.run(booking.clone(), Faults::default(), drained.clone()));
            }
            let routes = service.routes.router.merge(sanbao_platform::web::routes().router).merge(beside);
            let router = finish(routes, clock, drained.clone(), false);
            let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let address = listener.address;
            (running, address, tokio::spawn(serve(listener, router, None, drained)))
        });
        let (running, address, serving) = started.await.unwrap();
        Node { address, drain, running: Some(running), runtime: Some(runtime), serving: Some(serving) }
    }

    pub fn nothing_lost(&self) {
        let counts = &self.counts;
        assert_eq!((Counts::of(&counts.gaps), Counts::of(&counts.new_sessions)), (0, 0), "{counts:?}");
    }

    pub fn ticket(&self, consult: u128, person: u128, role: &str) -> String {
        let now = Clock::system().now();
        let claims = json!({
            "consult": Uuid::from_u128(consult), "sub": Uuid::from_u128(person), "name": format!("{role} {person}"),
            "role": role, "lobby": role == "guest",
        });
        let (from, to) = (now - TimeDelta::minutes(1), now + TimeDelta::hours(1));
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before: from, expires: to };
        self.deps.keys.sign(scope, now, &claims).unwrap()
    }

    pub fn client(&self, first: usize, consult: u128, person: u128, role: &str) -> Steady {
        Steady::start(Start {
            nodes: self.nodes.iter().map(|node| node.address.to_string()).collect(),
            first,
            ticket: self.ticket(consult, person, role),
            device: format!("device-{person:016x}"),
            counts: Arc::clone(&self.counts),
        })
    }

    pub async fn join(&self, first: usize, consult: u128, person: u128, role: &str) -> Steady {
        let mut client = self.client(first, consult, person, role);
        client.say(json!({ "type": "join", "audio": true, "video": true }));
        client.next("joined").await;
        client
    }
}
