//! The real service on a port, and a plain WebSocket client of the protocol.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use sanbao_platform::auth::Keys;
use sanbao_platform::bus::{Event, Outbox};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::http::{Listener, finish, serve};
use sanbao_platform::service::Running;
use sanbao_platform::testing::{TestEngine, sqlite};
use sanbao_signalling::{Config, MIGRATIONS, NAME};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Nothing in a test takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running service.
pub struct Relay {
    pub address: SocketAddr,
    pub keys: Keys,
    pub clock: Clock,
    pub outbox: Outbox,
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

pub async fn relay_with(config: Config, engine: TestEngine) -> Relay {
    let clock = Clock::manual("2026-11-23T06:00:00Z".parse().unwrap());
    relay_at(config, engine, clock, "127.0.0.1:0".parse().unwrap(), axum::Router::new()).await
}

/// The service with other routes beside it, at an address.
pub async fn relay_at(config: Config, engine: TestEngine, clock: Clock, at: SocketAddr, beside: axum::Router) -> Relay {
    let deps = engine.deps(NAME, &MIGRATIONS, clock.clone()).await;
    let (keys, outbox) = (deps.keys.clone(), Outbox::new(NAME, deps.db.clone()));
    let mut services = [sanbao_signalling::build(config.clone(), deps)];
    let running = Running::start(&mut services);
    let [service] = services;
    let drain = CancellationToken::new();
    let all = service.router.merge(sanbao_platform::web::routes()).merge(beside);
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
    Relay { address, keys, clock, outbox, drain, running: Some(running), engine, config }
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
        let mut request = format!("ws://{}/v1/signal", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Client { socket, peer: String::new(), welcome: Value::Null }
    }

    /// A client that was welcomed.
    pub async fn hello(&self, ticket: &str) -> Client {
        let mut client = self.open().await;
        client.say(json!({ "type": "hello", "v": 1, "ticket": ticket })).await;
        client.welcome = client.hear("welcome").await;
        client.peer = client.welcome["peer"].as_str().unwrap().to_owned();
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

/// A client.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub peer: String,
    pub welcome: Value,
}

impl Client {
    pub async fn say(&mut self, message: Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next message, whatever it is; `None` at a close or an end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message, which must be of this type.
    pub async fn hear(&mut self, kind: &str) -> Value {
        let message = self.next().await.unwrap_or_else(|| panic!("closed while waiting for {kind}"));
        assert_eq!(message["type"], kind, "{message}");
        message
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

    /// Nothing comes for a while.
    pub async fn silence(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(150), self.socket.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

pub fn close_number(code: CloseCode) -> u16 {
    code.into()
}
