//! The real service on a port, and a plain WebSocket client of the protocol.
#![expect(dead_code, reason = "each of the two binaries uses its part")]

pub mod balancer;
pub mod browser;
pub mod current;
pub mod nats;
pub mod rooms_log;
pub mod site;
pub mod steady;
pub mod trust;
pub mod turn;

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use sanbao_platform::auth::Keys;
use sanbao_platform::bus::{Event, Outbox, Retention, publish};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::{Listener, Routes, finish, serve};
use sanbao_platform::service::{Bus, Running, Service, Task, Wiring};
use sanbao_platform::testing::{TestEngine, port, ports, sqlite};
use sanbao_signalling::config::EmbeddedTurn;
use sanbao_signalling::{Config, MIGRATIONS, NAME};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Nothing in a test takes longer; a wait that does has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running service.
pub struct Relay {
    pub address: SocketAddr,
    pub keys: Keys,
    pub clock: Clock,
    pub outbox: Outbox,
    /// The database of the service that schedules, in whose log the relay reads.
    booking: Db,
    drain: CancellationToken,
    running: Option<Running>,
    pub engine: TestEngine,
    pub config: Config,
}

pub fn config() -> Config {
    Config::new(Secret("test turn secret".to_owned()))
}

pub async fn relay() -> Relay {
    relay_with(config(), sqlite()).await
}

/// A relay whose configuration is changed.
pub async fn relay_config(change: impl FnOnce(&mut Config)) -> Relay {
    let mut config = config();
    change(&mut config);
    relay_with(config, sqlite()).await
}

pub async fn relay_with(config: Config, engine: TestEngine) -> Relay {
    let clock = Clock::manual("2026-11-23T06:00:00Z".parse().unwrap());
    relay_at(config, engine, clock, "127.0.0.1:0".parse().unwrap(), axum::Router::new()).await
}

/// The service with other routes beside it, at an address.
pub async fn relay_at(config: Config, engine: TestEngine, clock: Clock, at: SocketAddr, beside: axum::Router) -> Relay {
    started(config, engine, clock, at, beside, |_| {}).await
}

/// The same without the TURN server, which the test starts when it likes.
pub async fn relay_before_turn(config: Config) -> (Relay, Task) {
    let clock = Clock::manual("2026-11-23T06:00:00Z".parse().unwrap());
    let (mut turn, at) = (None, "127.0.0.1:0".parse().unwrap());
    let take = |tasks: &mut Vec<Task>| turn = tasks.pop();
    let relay = started(config, sqlite(), clock, at, axum::Router::new(), take).await;
    (relay, turn.unwrap())
}

async fn started(
    config: Config,
    engine: TestEngine,
    clock: Clock,
    at: SocketAddr,
    beside: axum::Router,
    choose: impl FnOnce(&mut Vec<Task>),
) -> Relay {
    let deps = engine.deps(NAME, &MIGRATIONS, clock.clone()).await;
    let (keys, outbox) = (deps.keys.clone(), Outbox::new(NAME, deps.db.clone()));
    let booking = engine.database("booking", &Migrations { sqlite: &[], postgres: &[] }).await;
    let scheduler = Service {
        name: "booking",
        db: booking.clone(),
        routes: Routes::<()>::new().build(()),
        events: Vec::new(),
        consumers: Vec::new(),
        tasks: Vec::new(),
    };
    let mut services = [sanbao_signalling::build(config.clone(), deps), scheduler];
    choose(&mut services[0].tasks);
    let wiring = Wiring::of(&services, &Bus::InProcess, Retention::default(), &clock);
    let running = Running::start(&mut services).connected_by(&wiring);
    let [service, _] = services;
    let drain = CancellationToken::new();
    let all = service.routes.router.merge(sanbao_platform::web::routes().router).merge(beside);
    let router = finish(all, clock.clone(), drain.clone(), false);
    let listener = loop {
        // A port that another instance has just left is free in a moment.
        match Listener::bind(at) {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let address = listener.address;
    tokio::spawn(serve(listener, router, None, drain.clone()));
    Relay { address, keys, clock, outbox, booking, drain, running: Some(running), engine, config }
}

impl Relay {
    /// A ticket for one hour of `consult`.
    pub fn ticket(&self, consult: u128, person: u128, role: &str) -> String {
        self.ticket_with(consult, person, role, json!({}))
    }

    /// The same with other members.
    pub fn ticket_with(&self, consult: u128, person: u128, role: &str, more: Value) -> String {
        let now = self.clock.now();
        self.sign("ticket", "signalling", now, now + TimeDelta::hours(1), &claims(consult, person, role, more))
    }

    pub fn sign(
        &self,
        purpose: &str,
        audience: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        claims: &Value,
    ) -> String {
        let scope = sanbao_platform::auth::Scope { purpose, audience, not_before: from, expires: to };
        self.keys.sign(scope, self.clock.now(), claims).unwrap()
    }

    /// An open WebSocket that has said nothing.
    pub async fn open(&self) -> Client {
        self.try_open().await.unwrap()
    }

    /// The same, or the status with which it is refused.
    pub async fn try_open(&self) -> Result<Client, u16> {
        let mut request = format!("ws://{}/v1/signal", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Client { socket, peer: String::new(), welcome: Value::Null, said: 0, heard: 0 }),
            Err(tungstenite::Error::Http(refused)) => Err(refused.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// An open WebSocket as soon as there is a place for one.
    pub async fn open_when_free(&self) -> Client {
        let wait = async {
            loop {
                match self.try_open().await {
                    Ok(client) => return client,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap()
    }

    /// A client that was welcomed, on a device of its own.
    pub async fn hello(&self, ticket: &str) -> Client {
        self.hello_from(&device(rand::random()), ticket).await
    }

    /// A client that was welcomed, on a device.
    pub async fn hello_from(&self, device: &str, ticket: &str) -> Client {
        let mut client = self.open().await;
        client.hello(device, ticket).await;
        client
    }

    /// A client that asked to go on as `old`; what it was answered is in `welcome`, if it was welcome.
    pub async fn resume(&self, old: &Resumable, snapshot: bool) -> Client {
        let mut client = self.open().await;
        client.said = old.said;
        client.say_unnumbered(old.hello(snapshot)).await;
        client.welcomed().await;
        client
    }

    /// A client that is inside, or in the lobby.
    pub async fn join(&self, consult: u128, person: u128, role: &str) -> Client {
        let mut client = self.hello(&self.ticket(consult, person, role)).await;
        client.say(json!({ "type": "join", "audio": true, "video": true })).await;
        client.hear(if role == "guest" { "lobby" } else { "joined" }).await;
        client
    }

    /// Events once there are `count`.
    pub async fn events(&self, count: usize) -> Vec<Event> {
        let wait = async {
            loop {
                let events = self.outbox.read(0, 1000).await.unwrap();
                if events.len() >= count {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap()
    }

    /// Takes back a ticket, or all of a person, as the service that schedules does.
    pub async fn revoke(&self, consult: u128, ticket: Option<Uuid>, person: Option<u128>) {
        let consult = Uuid::from_u128(consult);
        let data = json!({ "consult_id": consult, "ticket": ticket, "person": person.map(Uuid::from_u128) });
        let mut tx = self.booking.begin().await.unwrap();
        publish(&mut tx, self.clock.now(), "booking.consult.ticket_revoked", consult, &data).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Ends the process, as SIGTERM does, and waits for it.
    pub async fn stop(&mut self) {
        self.drain.cancel();
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

/// A client for plain requests, with a time-out.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

pub fn person(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn claims(consult: u128, person: u128, role: &str, more: Value) -> Value {
    let mut claims = json!({
        "consult": Uuid::from_u128(consult), "sub": Uuid::from_u128(person), "name": format!("{role} {person}"),
        "role": role, "lobby": role == "guest",
    });
    let Value::Object(more) = more else { panic!("an object") };
    claims.as_object_mut().unwrap().extend(more);
    claims
}

/// The name of a device.
pub fn device(n: u64) -> String {
    format!("device-{n:016x}")
}

/// The values that a client keeps to go on with its session.
#[derive(Clone, Debug)]
pub struct Resumable {
    pub device: String,
    pub ticket: Option<String>,
    pub consult: Value,
    pub session: String,
    pub secret: String,
    pub epoch: Value,
    /// The last number of the relay's.
    pub heard: u64,
    /// The last number of its own.
    pub said: u64,
}

impl Resumable {
    pub fn hello(&self, snapshot: bool) -> Value {
        json!({
            "type": "hello", "v": 1, "device": self.device, "ticket": self.ticket,
            "resume": {
                "consult": self.consult, "session": self.session, "secret": self.secret, "epoch": self.epoch,
                "seq": self.heard, "snapshot": snapshot,
            },
        })
    }
}

/// A client.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub peer: String,
    pub welcome: Value,
    /// The last number it gave a message.
    pub said: u64,
    /// The last number it has of the relay.
    pub heard: u64,
}

impl Client {
    /// Says hello, and is welcomed.
    pub async fn hello(&mut self, device: &str, ticket: &str) {
        self.say_unnumbered(json!({ "type": "hello", "v": 1, "device": device, "ticket": ticket })).await;
        self.welcomed().await;
    }

    async fn welcomed(&mut self) {
        self.welcome = self.hear("welcome").await;
        self.peer = self.welcome["peer"].as_str().unwrap().into();
        self.heard = self.welcome["seq"].as_u64().unwrap();
        self.said = self.welcome["ack"].as_u64().unwrap();
    }

    /// The values that it keeps; of a session that began with its own welcome.
    pub fn resumable(&self, device: &str) -> Resumable {
        Resumable {
            device: device.to_owned(),
            ticket: None,
            consult: self.welcome["consult"].clone(),
            session: self.peer.clone(),
            secret: self.welcome["secret"].as_str().unwrap_or_default().to_owned(),
            epoch: self.welcome["epoch"].clone(),
            heard: self.heard,
            said: self.said,
        }
    }

    /// Says something with the next number and all that was heard acknowledged.
    pub async fn say(&mut self, mut message: Value) {
        self.said += 1;
        message["seq"] = self.said.into();
        message["ack"] = self.heard.into();
        self.say_unnumbered(message).await;
    }

    pub async fn say_unnumbered(&mut self, message: Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    /// Acknowledges what was heard.
    pub async fn acknowledge(&mut self) {
        let ack = json!({ "type": "ack", "ack": self.heard });
        self.say_unnumbered(ack).await;
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next message, whatever it is; `None` at a close or an end. Numbers must follow one another.
    pub async fn next_raw(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if let Some(seq) = message["seq"].as_u64().filter(|_| message["type"] != "welcome") {
                        assert_eq!(seq, self.heard + 1, "{message}");
                        self.heard = seq;
                    }
                    return Some(message);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message besides acknowledgements.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let message = self.next_raw().await?;
            if message["type"] != "ack" {
                return Some(message);
            }
        }
    }

    /// The next message, which must be of this type.
    pub async fn hear(&mut self, kind: &str) -> Value {
        let message = self.next().await.unwrap_or_else(|| panic!("closed while waiting for {kind}"));
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message of this type, whatever comes before.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("closed while waiting for {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Breaks the connection without a word.
    pub fn reset(self) {
        if let MaybeTlsStream::Plain(tcp) = self.socket.into_inner() {
            tcp.set_zero_linger().unwrap();
        }
    }

    /// The code of the close that comes next, after any messages.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a close in time") {
                Some(Ok(Message::Close(frame))) => return frame.map(|f| u16::from(f.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Nothing but acknowledgements comes for a while.
    pub async fn silence(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(150), self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

pub fn close_number(code: CloseCode) -> u16 {
    code.into()
}

/// A service with its TURN server on ports of its own.
pub async fn relay_with_turn(change: impl FnOnce(&mut Config)) -> Relay {
    let mut config = config();
    config.turn = Some(EmbeddedTurn {
        listen: ([127, 0, 0, 1], port()).into(),
        tls: None,
        public_ips: vec!["127.0.0.1".parse().unwrap()],
        relay_ports: ports(20).into_inner(),
        allow_peers: Vec::new(),
        deny_peers: Vec::new(),
    });
    change(&mut config);
    relay_with(config, sanbao_platform::testing::sqlite()).await
}
