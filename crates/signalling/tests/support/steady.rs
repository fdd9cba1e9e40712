//! A client that does what the protocol asks of clients so that nothing is lost: it numbers, acknowledges, keeps what is
//! not acknowledged, connects again – elsewhere – and resumes. It counts what should never happen.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An acknowledgement waits for a message to ride on no longer than this.
const ACK_DELAY: Duration = Duration::from_millis(40);
/// How long an answer to `hello` may take before another node is tried.
const HELLO_WAIT: Duration = Duration::from_secs(6);

/// The events that should never happen and those that may, counted over all clients of a test.
#[derive(Debug, Default)]
pub struct Counts {
    /// A number of the relay's was skipped.
    pub gaps: AtomicU64,
    /// A session was not resumed but made anew.
    pub new_sessions: AtomicU64,
    /// A session was resumed with a snapshot instead of what was missed.
    pub snapshots: AtomicU64,
    /// Messages that came again after a resume, and were dropped by their number.
    pub repeats: AtomicU64,
    /// Resumes that went well.
    pub resumes: AtomicU64,
    /// Resumes because the node said that it goes.
    pub moves: AtomicU64,
    /// The longest time without a welcomed socket, in milliseconds.
    pub away_ms_max: AtomicU64,
    /// Hellos that were answered with an error: try again.
    pub refused: AtomicU64,
    /// The words of the last such error.
    pub last_refusal: Mutex<String>,
}

impl Counts {
    pub fn of(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Where a client connects first, and who it is.
pub struct Start {
    /// The nodes: `127.0.0.1:8080`.
    pub nodes: Vec<String>,
    /// Which of them first.
    pub first: usize,
    pub ticket: String,
    pub device: String,
    pub counts: Arc<Counts>,
}

/// The owner's end of a client.
pub struct Steady {
    say: mpsc::UnboundedSender<Value>,
    /// Every numbered message of the relay's, once and in order.
    pub hear: mpsc::UnboundedReceiver<Value>,
    task: tokio::task::JoinHandle<()>,
}

/// A client that is dropped is gone without a word.
impl Drop for Steady {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Steady {
    pub fn start(start: Start) -> Self {
        let (say, said) = mpsc::unbounded_channel();
        let (heard, hear) = mpsc::unbounded_channel();
        let at = start.first;
        let client = Client {
            start,
            at,
            said,
            heard,
            session: None,
            last_sent: 0,
            kept: VecDeque::new(),
            last_taken: 0,
            told: 0,
            connected_once: false,
        };
        Self { say, hear, task: tokio::spawn(client.run()) }
    }

    /// Hands a message over; it arrives, whatever happens to nodes and sockets.
    pub fn say(&self, message: Value) {
        let _ = self.say.send(message);
    }

    /// The next message of a kind; others are passed over.
    pub async fn next(&mut self, kind: &str) -> Value {
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(90), self.hear.recv()).await;
            let message =
                heard.unwrap_or_else(|_| panic!("no {kind}")).unwrap_or_else(|| panic!("ended before {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
    }
}

struct Session {
    consult: Value,
    peer: Value,
    secret: Value,
    epoch: Value,
}

struct Client {
    start: Start,
    at: usize,
    said: mpsc::UnboundedReceiver<Value>,
    heard: mpsc::UnboundedSender<Value>,
    session: Option<Session>,
    last_sent: u64,
    kept: VecDeque<(u64, Value)>,
    last_taken: u64,
    told: u64,
    connected_once: bool,
}

enum Gone {
    Socket,
    Moves(u64),
    Owner,
}

impl Client {
    async fn run(mut self) {
        let mut since = Instant::now();
        loop {
            let mut socket = self.connect().await;
            if self.connected_once {
                let away_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.start.counts.away_ms_max.fetch_max(away_ms, Ordering::Relaxed);
            }
            self.connected_once = true;
            match self.live(&mut socket).await {
                Gone::Owner => {
                    let _ = socket.close(None).await;
                    return;
                }
                Gone::Socket => since = Instant::now(),
                Gone::Moves(within_ms) => {
                    Counts::add(&self.start.counts.moves);
                    // Somewhere in the first part of the time that is left, not all at once. The old socket stays.
                    tokio::time::sleep(Duration::from_millis(rand::random_range(0..=within_ms / 4))).await;
                    since = Instant::now();
                }
            }
            self.at += 1;
        }
    }

    /// Tries one node after the other until one welcomes.
    async fn connect(&mut self) -> Socket {
        let mut wait_ms = 20;
        loop {
            let node = self.start.nodes[self.at % self.start.nodes.len()].clone();
            match tokio::time::timeout(HELLO_WAIT, self.hello(&node)).await {
                Ok(Some(socket)) => return socket,
                _ => self.at += 1,
            }
            tokio::time::sleep(Duration::from_millis(wait_ms + rand::random_range(0..=wait_ms))).await;
            wait_ms = (wait_ms * 2).min(500);
        }
    }

    async fn hello(&mut self, node: &str) -> Option<Socket> {
        let mut request = format!("ws://{node}/v1/signal").into_client_request().ok()?;
        request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().ok()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let resume = self.session.as_ref().map(|session| {
            json!({
                "consult": session.consult, "session": session.peer, "secret": session.secret,
                "epoch": session.epoch, "seq": self.last_taken,
            })
        });
        let hello = json!({
            "type": "hello", "v": 1, "ticket": self.start.ticket, "device": self.start.device, "resume": resume,
        });
        socket.send(Message::text(hello.to_string())).await.ok()?;
        let welcome = loop {
            match socket.next().await?.ok()? {
                Message::Text(text) => break serde_json::from_str::<Value>(&text).ok()?,
                Message::Close(_) => return None,
                _ => {}
            }
        };
        if welcome["type"] != "welcome" {
            Counts::add(&self.start.counts.refused);
            *self.start.counts.last_refusal.lock().unwrap() = welcome.to_string();
            return None;
        }
        self.welcomed(&mut socket, &welcome).await?;
        Some(socket)
    }

    async fn welcomed(&mut self, socket: &mut Socket, welcome: &Value) -> Option<()> {
        let counts = &self.start.counts;
        match welcome["resumed"].as_str()? {
            "new" => {
                if self.session.is_some() {
                    Counts::add(&counts.new_sessions);
                }
                self.session = Some(Session {
                    consult: welcome["consult"].clone(),
                    peer: welcome["peer"].clone(),
                    secret: welcome["secret"].clone(),
                    epoch: welcome["epoch"].clone(),
                });
                // Numbers begin again; what was not acknowledged has lost its place.
                (self.last_sent, self.last_taken) = (welcome["ack"].as_u64()?, welcome["seq"].as_u64()?);
                self.kept.clear();
            }
            "exact" => Counts::add(&counts.resumes),
            _ => {
                Counts::add(&counts.snapshots);
                self.last_taken = welcome["seq"].as_u64()?;
            }
        }
        self.acknowledged(welcome["ack"].as_u64()?);
        self.told = self.last_taken;
        for (seq, message) in self.kept.clone() {
            self.send(socket, seq, message).await?;
        }
        Some(())
    }

    fn acknowledged(&mut self, ack: u64) {
        while self.kept.front().is_some_and(|(seq, _)| *seq <= ack) {
            self.kept.pop_front();
        }
    }

    async fn send(&mut self, socket: &mut Socket, seq: u64, mut message: Value) -> Option<()> {
        message["seq"] = seq.into();
        message["ack"] = self.last_taken.into();
        self.told = self.last_taken;
        socket.send(Message::text(message.to_string())).await.ok()
    }

    async fn live(&mut self, socket: &mut Socket) -> Gone {
        let mut ack_due = None;
        loop {
            let due = ack_due.unwrap_or_else(|| tokio::time::Instant::now() + Duration::from_secs(20));
            tokio::select! {
                said = self.said.recv() => {
                    let Some(message) = said else { return Gone::Owner };
                    self.last_sent += 1;
                    self.kept.push_back((self.last_sent, message.clone()));
                    if self.send(socket, self.last_sent, message).await.is_none() { return Gone::Socket }
                    ack_due = None;
                }
                read = socket.next() => {
                    let Some(Ok(frame)) = read else { return Gone::Socket };
                    match frame {
                        Message::Text(text) => {
                            let Ok(message) = serde_json::from_str(&text) else { return Gone::Socket };
                            if let Some(gone) = self.take(message) { return gone }
                            if self.told < self.last_taken && ack_due.is_none() {
                                ack_due = Some(tokio::time::Instant::now() + ACK_DELAY);
                            }
                        }
                        Message::Close(_) => return Gone::Socket,
                        _ => {}
                    }
                }
                () = tokio::time::sleep_until(due) => {
                    let message = if ack_due.take().is_some() { "ack" } else { "ping" };
                    let text = json!({ "type": message, "ack": self.last_taken }).to_string();
                    self.told = self.last_taken;
                    if socket.send(Message::text(text)).await.is_err() { return Gone::Socket }
                }
            }
        }
    }

    fn take(&mut self, message: Value) -> Option<Gone> {
        if let Some(ack) = message["ack"].as_u64() {
            self.acknowledged(ack);
        }
        if message["type"] == "move" {
            return Some(Gone::Moves(message["within_ms"].as_u64().unwrap_or(0)));
        }
        let seq = message["seq"].as_u64()?;
        if seq <= self.last_taken {
            Counts::add(&self.start.counts.repeats);
        } else if seq == self.last_taken + 1 {
            self.last_taken = seq;
            let _ = self.heard.send(message);
        } else {
            Counts::add(&self.start.counts.gaps);
            return Some(Gone::Socket);
        }
        None
    }
}
