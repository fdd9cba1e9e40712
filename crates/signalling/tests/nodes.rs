//! Rooms on several nodes of one process each, over a real `nats-server`.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/nats.rs"]
mod nats;
#[path = "support/steady.rs"]
mod steady;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use nats::NatsServers;
use sanbao_platform::auth::Scope;
use sanbao_platform::bus::Outbox;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::http::{Listener, finish, serve};
use sanbao_platform::nats::Nats;
use sanbao_platform::service::{Deps, Running};
use sanbao_platform::testing::{TestEngine, sqlite};
use sanbao_signalling::id::ConsultId;
use sanbao_signalling::log::{JetStreamLimits, JetStreamLog, Position, RoomLog as _};
use sanbao_signalling::{Config, MIGRATIONS, NAME};
use serde_json::{Value, json};
use steady::{Counts, Start, Steady};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A node of the test's process.
struct Node {
    address: SocketAddr,
    drain: CancellationToken,
    running: Option<Running>,
    /// Its own threads, so that it can be killed without the others.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    /// Ends without a word.
    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// As SIGTERM does.
    async fn stop(&mut self) {
        self.drain.cancel();
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

/// What the nodes share.
struct Site {
    servers: NatsServers,
    deps: Deps,
    nodes: Vec<Node>,
    counts: Arc<Counts>,
    _engine: TestEngine,
}

impl Site {
    async fn start(nodes: usize) -> Self {
        Self::start_with(nodes, Config::new(Secret("test".to_owned()))).await
    }

    async fn start_with(nodes: usize, config: Config) -> Self {
        let servers = NatsServers::start(1);
        let engine = sqlite();
        let deps = engine.deps(NAME, &MIGRATIONS, Clock::system()).await;
        let mut site = Self { servers, deps, nodes: Vec::new(), counts: Arc::default(), _engine: engine };
        for _ in 0..nodes {
            let node = site.node(config.clone()).await;
            site.nodes.push(node);
        }
        site
    }

    async fn node(&self, config: Config) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (deps, servers) = (self.deps.clone(), self.servers.config());
        let drain = CancellationToken::new();
        let drained = drain.clone();
        let started = runtime.spawn(async move {
            let nats = Nats::connect(&servers, "test").await.unwrap();
            let clock = deps.clock.clone();
            let mut services = [sanbao_signalling::build(config, Deps { nats: Some(nats), ..deps })];
            let running = Running::start(&mut services);
            let [service] = services;
            let routes = service.router.merge(sanbao_platform::web::routes());
            let router = finish(routes, clock, drained.clone(), false);
            let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let address = listener.address;
            tokio::spawn(serve(listener, router, None, drained));
            (running, address)
        });
        let (running, address) = started.await.unwrap();
        Node { address, drain, running: Some(running), runtime: Some(runtime) }
    }

    fn nothing_lost(&self) {
        let counts = &self.counts;
        assert_eq!((Counts::of(&counts.gaps), Counts::of(&counts.new_sessions)), (0, 0), "{counts:?}");
    }

    fn ticket(&self, consult: u128, person: u128, role: &str) -> String {
        let now = Clock::system().now();
        let claims = json!({
            "consult": Uuid::from_u128(consult), "sub": Uuid::from_u128(person), "name": format!("{role} {person}"),
            "role": role, "lobby": role == "guest",
        });
        let (from, to) = (now - TimeDelta::minutes(1), now + TimeDelta::hours(1));
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before: from, expires: to };
        self.deps.keys.sign(scope, now, &claims).unwrap()
    }

    fn client(&self, first: usize, consult: u128, person: u128, role: &str) -> Steady {
        Steady::start(Start {
            nodes: self.nodes.iter().map(|node| node.address.to_string()).collect(),
            first,
            ticket: self.ticket(consult, person, role),
            device: format!("device-{person:016x}"),
            counts: Arc::clone(&self.counts),
        })
    }

    async fn join(&self, first: usize, consult: u128, person: u128, role: &str) -> Steady {
        let mut client = self.client(first, consult, person, role);
        client.say(json!({ "type": "join", "audio": true, "video": true }));
        client.next("joined").await;
        client
    }
}

fn text(n: u32) -> Value {
    json!({ "type": "message", "data": { "n": n } })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_on_two_nodes_are_in_one_room() {
    let site = Site::start(2).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    let joined = host.next("peer_joined").await;
    assert_eq!(joined["name"], "clinician 2", "{joined}");
    for n in 0..100 {
        host.say(text(n));
        doctor.say(text(n));
    }
    for n in 0..100 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_at_another_node_with_exactly_what_it_missed() {
    let mut site = Site::start(3).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..300 {
        host.say(text(n));
        doctor.say(text(n));
        if n == 100 {
            // Its clients are told to move, and the node goes.
            site.nodes[1].stop().await;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for n in 0..300 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
    assert_eq!(Counts::of(&site.counts.moves), 1);
    assert_eq!(Counts::of(&site.counts.snapshots), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_away_for_a_while_has_lost_nothing_that_was_acknowledged() {
    let mut site = Site::start(2).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..600 {
        host.say(text(n));
        doctor.say(text(n));
        match n {
            100 => site.servers.kill(0),
            200 => site.servers.restart(0),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for n in 0..600 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_log_is_away_for_long_clients_are_told_to_try_again_and_nothing_is_half_done() {
    let mut site = Site::start(2).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    site.servers.kill(0);
    for n in 0..20 {
        host.say(text(n));
        doctor.say(text(n));
    }
    let told = async {
        while Counts::of(&site.counts.refused) < 4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), told).await.unwrap();
    site.servers.restart(0);
    for n in 0..20 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

/// Says hello with a ticket at a node; the first message that comes back.
async fn hello(site: &Site, node: usize, ticket: &str, device: &str) -> Value {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    use tokio_tungstenite::tungstenite::protocol::Message;
    let address = site.nodes[node].address;
    let mut request = format!("ws://{address}/v1/signal").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello = json!({ "type": "hello", "v": 1, "ticket": ticket, "device": device });
    socket.send(Message::text(hello.to_string())).await.unwrap();
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(close) => panic!("{close:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_at_one_node_enters_at_none() {
    let site = Site::start(3).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut guest = site.client(1, 1, 2, "guest");
    guest.say(json!({ "type": "join", "audio": true, "video": true }));
    guest.next("lobby").await;
    let peer = host.next("ring").await["peer"].clone();
    host.say(json!({ "type": "admit", "peer": peer }));
    guest.next("joined").await;
    host.say(json!({ "type": "kick", "peer": peer }));
    let left = host.next("peer_left").await;
    assert_eq!((&left["peer"], left["because"].as_str()), (&peer, Some("removed")));
    for node in 0..3 {
        let ticket = site.ticket(1, 2, "guest");
        let answer = hello(&site, node, &ticket, "another-device-of-theirs").await;
        assert_eq!((answer["type"].as_str(), answer["code"].as_str()), (Some("error"), Some("removed")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_open_a_room_at_once_open_one() {
    let site = Site::start(3).await;
    for round in 0..10 {
        let consult = 100 + round;
        let (mut one, mut two, mut three) = tokio::join!(
            site.join(0, consult, 1, "host"),
            site.join(1, consult, 2, "clinician"),
            site.join(2, consult, 3, "clinician"),
        );
        one.say(text(1));
        two.say(text(2));
        three.say(text(3));
        for client in [&mut one, &mut two, &mut three] {
            let heard =
                [client.next("message").await["data"]["n"].clone(), client.next("message").await["data"]["n"].clone()];
            assert_ne!(heard[0], heard[1]);
        }
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_room_is_snapshotted_its_log_stays_short_and_a_newcomer_knows_all() {
    let mut config = Config::new(Secret("test".to_owned()));
    config.cluster.driver.snapshot_entries = 40;
    let mut site = Site::start_with(3, config).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..400 {
        host.say(json!({ "type": "chat", "text": format!("line {n}") }));
        doctor.say(text(n));
        doctor.next("chat").await;
        host.next("message").await;
    }
    let log = JetStreamLog::open(site.servers.connect().await, JetStreamLimits::default()).await.unwrap();
    let room = ConsultId(Uuid::from_u128(1));
    let short = async {
        while log.read(room, Position::START).await.unwrap().len() > 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), short).await.unwrap();
    // A node that never held the room goes on from the snapshot: exactly, for a session that moves there…
    site.nodes[1].stop().await;
    host.say(text(1000));
    assert_eq!(doctor.next("message").await["data"]["n"], 1000);
    // …and whole, for somebody new.
    let mut guest = site.client(2, 1, 3, "clinician");
    guest.say(json!({ "type": "join", "audio": true, "video": true }));
    let joined = guest.next("joined").await;
    let chat = joined["room"]["chat"].as_array().unwrap();
    assert_eq!(chat.last().unwrap()["text"], "line 399");
    site.nothing_lost();
    assert_eq!(Counts::of(&site.counts.snapshots), 0);
}

fn impatient() -> Config {
    let mut config = Config::new(Secret("test".to_owned()));
    config.limits.room.away_ms_max = 1_000;
    (config.cluster.heartbeat_ms, config.cluster.silent_ms_max, config.cluster.adopt_every_ms) = (200, 2_000, 300);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_on_a_node_that_died_is_away_and_then_gone() {
    let mut site = Site::start_with(2, impatient()).await;
    let mut host = site.join(0, 1, 1, "host").await;
    let doctor = site.join(1, 1, 2, "clinician").await;
    let peer = host.next("peer_joined").await["peer"].clone();
    site.nodes[1].kill();
    drop(doctor);
    assert_eq!(host.next("peer_away").await["peer"], peer);
    let left = host.next("peer_left").await;
    assert_eq!((&left["peer"], left["because"].as_str()), (&peer, Some("dropped")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_only_node_died_is_looked_after_by_another() {
    let mut site = Site::start_with(2, impatient()).await;
    let host = site.join(1, 1, 1, "host").await;
    let doctor = site.join(1, 1, 2, "clinician").await;
    // Until the database knows who holds the room.
    tokio::time::sleep(Duration::from_secs(1)).await;
    site.nodes[1].kill();
    drop((host, doctor));
    let outbox = Outbox::new(NAME, site.deps.db.clone());
    let both_left = async {
        loop {
            let events = outbox.read(0, 1000).await.unwrap();
            let left = events.iter().filter(|e| e.kind.ends_with("attendance") && e.data["change"] == "left").count();
            if left == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), both_left).await.unwrap();
}
