//! Three relay processes of the real binary on PostgreSQL and a real `nats-server`: killed, restarted one after the
//! other, and their log taken away, while two hundred rooms are talking. The clients count the messages
//! that are lost, doubled or out of order, and print the counts.

#![expect(clippy::print_stdout, reason = "what was counted is the result")]

#[path = "../../crates/signalling/tests/support/current.rs"]
mod current;
#[path = "../../crates/signalling/tests/support/nats.rs"]
mod nats;
#[path = "../../crates/signalling/tests/support/steady.rs"]
mod steady;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::{SinkExt as _, StreamExt as _};
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::bus::Outbox;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::Db;
use sanbao_platform::testing::{PATIENCE, TestEngine, eventually, forget_settings, port, postgres, until};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use uuid::Uuid;

use self::current::until_current;
use self::nats::NatsServers;
use self::steady::{Counts, Start, Steady};

/// How many rooms talk, unless `SANBAO_TEST_ROOMS` says otherwise.
const ROOMS: u64 = 200;
/// How many do while servers of the log are killed, each of which writes all of it.
const FEW_ROOMS: u64 = 40;
/// How often each client of each room says something.
const PACE: Duration = Duration::from_secs(2);
/// Clients that come at a time; each is inside before another comes.
const JOINING_MAX: usize = 12;
/// The number of messages that each client says at once at the moment in which a node is killed.
const BURST: u64 = 10;
/// One network of relays at a time: each fills the machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The switch that all talkers listen to.
#[derive(Debug, Default)]
struct Switch {
    stop: AtomicBool,
    bursts: watch::Sender<u64>,
}

impl Switch {
    /// Everybody says a lot at once; returns when they have begun.
    async fn burst(&self) {
        self.bursts.send_modify(|count| *count += 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Relay processes and what they share.
struct Relays {
    servers: NatsServers,
    database: String,
    folder: tempfile::TempDir,
    keys: Keys,
    ports: Vec<u16>,
    running: Vec<Option<Child>>,
    _engine: TestEngine,
}

impl Relays {
    /// Three of them; nothing when there is no PostgreSQL to run on.
    async fn start(nats_servers: usize) -> Option<Self> {
        let engine = postgres().await?;
        let servers = NatsServers::start(nats_servers)?;
        servers.connect().await.close().await;
        let folder = tempfile::tempdir().unwrap();
        let root = RootSecret::load_or_create_at(&folder.path().join("secret.json")).unwrap();
        let (database, keys) = (engine.url("signalling"), root.keys().unwrap());
        let ports = (0..3).map(|_| port()).collect();
        let running = (0..3).map(|_| None).collect();
        let mut relays = Self { servers, database, folder, keys, ports, running, _engine: engine };
        for n in 0..3 {
            relays.run(n).await;
        }
        Some(relays)
    }

    fn log(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("relay{n}.log"))
    }

    /// Starts a relay and waits until it says that it is ready.
    async fn run(&mut self, n: usize) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        forget_settings(&mut command);
        let log = std::fs::File::options().append(true).create(true).open(self.log(n)).unwrap();
        command.args(["serve", "signalling", "--no-turn", "--log", "warn", "--log-format", "plain"]);
        command.arg("--listen").arg(format!("127.0.0.1:{}", self.ports[n]));
        command.arg("--database-url").arg(&self.database).arg("--nats").arg(self.servers.urls().join(","));
        command.arg("--nats-replicas").arg(self.servers.urls().len().to_string());
        command.arg("--secret-file").arg(self.folder.path().join("secret.json"));
        self.running[n] = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let url = format!("http://127.0.0.1:{}/readyz", self.ports[n]);
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let (running, log) = (self.running[n].as_mut().unwrap(), self.folder.path().join(format!("{n}.log")));
        until("the relay is ready", async || {
            let ended = running.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", std::fs::read_to_string(&log).unwrap());
            http.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// Kills a relay as a power cut would.
    fn kill(&mut self, n: usize) {
        let mut child = self.running[n].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks a relay to end, as a supervisor does, and waits until it has.
    async fn terminate(&mut self, n: usize) {
        let mut child = self.running[n].take().unwrap();
        let asked = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let status = eventually("the relay ends", async || child.try_wait().unwrap()).await;
        assert!(status.success(), "{status}: {}", std::fs::read_to_string(self.log(n)).unwrap());
        println!("relay {n} was gone after {:?}", asked.elapsed());
    }

    fn ticket(&self, consult: u128, person: u128, role: &str) -> String {
        let now = Clock::system().now();
        let claims = json!({
            "consult": Uuid::from_u128(consult), "sub": Uuid::from_u128(person), "name": role, "role": role,
            "lobby": false,
        });
        let (from, to) = (now - TimeDelta::minutes(1), now + TimeDelta::hours(1));
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before: from, expires: to };
        self.keys.sign(scope, now, &claims).unwrap()
    }

    fn client(&self, first: usize, consult: u128, person: u128, role: &str, counts: &Arc<Counts>) -> Steady {
        Steady::start(Start {
            nodes: self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect(),
            first,
            ticket: self.ticket(consult, person, role),
            device: format!("device-{person:016x}"),
            counts: Arc::clone(counts),
        })
    }

    /// Everything that the relays logged as warnings and errors.
    fn print_logs(&self) {
        for n in 0..3 {
            let text = std::fs::read_to_string(self.log(n)).unwrap_or_default();
            println!("relay {n} logged {} lines", text.lines().count());
            for line in text.lines().rev().take(5) {
                println!("  {line}");
            }
        }
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The faults that one client found in the numbers of the other in its room.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    lost: u64,
    doubled: u64,
    out_of_order: u64,
}

/// Talks until told to stop, and hears the other out; how many were said, and what was wrong with what was heard. The
/// client lives on, for the other may have to hear its last words yet.
async fn talk(mut client: Steady, switch: Arc<Switch>) -> (u64, Faults, Steady) {
    let (mut said, mut last_said) = (0_u64, false);
    let mut bursts = switch.bursts.subscribe();
    let mut heard = Vec::new();
    let mut until = None;
    let mut pace = tokio::time::interval(PACE.mul_f64(rand::random_range(0.9..1.1)));
    while !last_said || until.is_none_or(|until| (heard.len() as u64) < until) {
        tokio::select! {
            _ = pace.tick(), if !last_said => {
                last_said = switch.stop.load(Ordering::Relaxed);
                let data = if last_said { json!({ "end": said }) } else { json!({ "n": said }) };
                said += u64::from(!last_said);
                client.say(json!({ "type": "message", "data": data }));
            }
            Ok(()) = bursts.changed(), if !last_said => {
                for n in said..said + BURST {
                    client.say(json!({ "type": "message", "data": { "n": n } }));
                }
                said += BURST;
            }
            message = tokio::time::timeout(PATIENCE, client.hear.recv()) => {
                let Ok(Some(message)) = message else {
                    println!("heard nothing for long: {said} said, {} heard of {until:?}", heard.len());
                    break;
                };
                if message["type"] == "message" {
                    until = until.or(message["data"]["end"].as_u64());
                    heard.extend(message["data"]["n"].as_u64());
                }
            }
        }
    }
    // A client that never heard the end has lost at least that.
    (said, faults(&heard, until.unwrap_or(heard.len() as u64 + 1)), client)
}

fn faults(heard: &[u64], count: u64) -> Faults {
    let out_of_order = heard.windows(2).filter(|pair| pair[1] < pair[0]).count() as u64;
    let mut once = heard.to_vec();
    once.sort_unstable();
    once.dedup();
    Faults { lost: count - once.len() as u64, doubled: (heard.len() - once.len()) as u64, out_of_order }
}

/// Rooms of two, on two nodes each, that talk until the returned switch is turned.
async fn rooms(relays: &Relays, rooms: u64, counts: &Arc<Counts>) -> (JoinSet<(u64, Faults, Steady)>, Arc<Switch>) {
    let switch = Arc::<Switch>::default();
    let (mut joining, mut clients) = (JoinSet::new(), Vec::new());
    let rooms = std::env::var("SANBAO_TEST_ROOMS").ok().and_then(|rooms| rooms.parse().ok()).unwrap_or(rooms);
    for room in 0..rooms {
        for (n, role) in ["host", "clinician"].into_iter().enumerate() {
            let first = usize::try_from(room).unwrap() + n;
            let person = u128::from(room) * 10 + n as u128 + 1;
            let mut client = relays.client(first, u128::from(room) + 1, person, role, counts);
            joining.spawn(async move {
                client.say(json!({ "type": "join", "audio": true, "video": true }));
                client.next("joined").await;
                client
            });
            if joining.len() >= JOINING_MAX {
                clients.extend(joining.join_next().await.map(Result::unwrap));
            }
        }
    }
    clients.extend(joining.join_all().await);
    let mut talking = JoinSet::new();
    for client in clients {
        talking.spawn(talk(client, Arc::clone(&switch)));
    }
    (talking, switch)
}

/// Ends the talk and prints what was counted; nothing may have been lost, doubled or out of order.
async fn judge(what: &str, talking: JoinSet<(u64, Faults, Steady)>, switch: &Switch, counts: &Counts) {
    switch.stop.store(true, Ordering::Relaxed);
    let results = talking.join_all().await;
    let said: u64 = results.iter().map(|(said, ..)| said).sum();
    let sum = |count: fn(&Faults) -> u64| results.iter().map(|(_, faults, _)| count(faults)).sum::<u64>();
    let (lost, doubled, out_of_order) = (sum(|f| f.lost), sum(|f| f.doubled), sum(|f| f.out_of_order));
    println!(
        "{what}: {} clients said {said}: {lost} lost, {doubled} doubled, {out_of_order} out of order; {counts:?}",
        results.len()
    );
    assert_eq!((lost, doubled, out_of_order), (0, 0, 0));
    assert_eq!(Counts::of(&counts.gaps) + Counts::of(&counts.new_sessions) + Counts::of(&counts.snapshots), 0);
}

async fn talk_for(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_rooms_go_on_while_nodes_are_killed_and_restarted_and_their_log_is_away() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(mut relays) = Relays::start(1).await else { return };
    let counts = Arc::<Counts>::default();
    let started = Instant::now();
    let (talking, switch) = rooms(&relays, ROOMS, &counts).await;
    println!("all inside after {:?}", started.elapsed());
    talk_for(3).await;
    for n in 0..3 {
        switch.burst().await;
        relays.kill(n);
        // Longer than a node may be silent: the others say that it is gone, and its sessions have gone on elsewhere.
        talk_for(7).await;
        relays.run(n).await;
        println!("after kill -9 of relay {n}: {counts:?}");
    }
    for n in 0..3 {
        relays.terminate(n).await;
        relays.run(n).await;
        talk_for(2).await;
    }
    println!("after the rolling restart: {counts:?}");
    switch.burst().await;
    relays.servers.kill(0);
    talk_for(1).await;
    relays.servers.restart(0);
    talk_for(3).await;
    relays.print_logs();
    judge("killed, restarted, log away", talking, &switch, &counts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_servers_of_the_log_one_may_be_killed_while_rooms_talk() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(mut relays) = Relays::start(3).await else { return };
    let counts = Arc::<Counts>::default();
    let (talking, switch) = rooms(&relays, FEW_ROOMS, &counts).await;
    for n in 0..2 {
        switch.burst().await;
        relays.servers.kill(n);
        talk_for(5).await;
        relays.servers.restart(n);
        until_current(&relays.servers, "SANBAO_ROOMS").await;
        println!("after kill -9 of server {n}: {counts:?}");
    }
    relays.print_logs();
    judge("servers of the log killed", talking, &switch, &counts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_goes_whatever_its_clients_do() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(mut relays) = Relays::start(1).await else { return };
    let address = format!("127.0.0.1:{}", relays.ports[0]);
    // One does not hear that it is to move, and reads nothing more; another one has said half of what it wants.
    let mut request = format!("ws://{address}/v1/signal").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
    let (mut deaf, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello =
        json!({ "type": "hello", "v": 1, "ticket": relays.ticket(1, 1, "host"), "device": "device-of-somebody-else" });
    deaf.send(Message::text(hello.to_string())).await.unwrap();
    let welcome = deaf.next().await.unwrap().unwrap();
    assert!(welcome.to_text().unwrap().contains("welcome"), "{welcome}");
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    slow.write_all(b"GET /readyz HTTP/1.1\r\nhost: x").await.unwrap();
    relays.terminate(0).await;
    drop((deaf, slow));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_in_a_room_is_told_once_although_its_only_relay_dies_at_once() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(mut relays) = Relays::start(1).await else { return };
    let counts = Arc::<Counts>::default();
    let mut host = relays.client(0, 1, 1, "host", &counts);
    // A visit is finished only where both sides have met.
    let mut doctor = relays.client(0, 1, 2, "clinician", &counts);
    for one in [&mut host, &mut doctor] {
        one.say(json!({ "type": "join", "audio": true, "video": true }));
        one.next("joined").await;
    }
    host.say(json!({ "type": "chat", "text": "one" }));
    host.next("chat").await;
    host.say(json!({ "type": "finish", "id": "the end" }));
    // It is in the log: the database has not heard of it for a moment yet.
    while host.next("ok").await["re"] != "the end" {}
    relays.kill(0);
    drop((host, doctor));
    let outbox = Outbox::new("signalling", Db::open(&relays.database, "signalling").await.unwrap());
    let kinds = eventually("the end is told", async || {
        let events = outbox.read(0, 1_000).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
        kinds.iter().any(|kind| kind == "signalling.consult.finished").then_some(kinds)
    })
    .await;
    // Another relay is asked again, and tells nothing twice.
    relays.terminate(1).await;
    relays.terminate(2).await;
    let events = outbox.read(0, 1_000).await.unwrap();
    for kind in ["signalling.consult.chat", "signalling.consult.finished"] {
        assert_eq!(events.iter().filter(|event| event.kind == kind).count(), 1, "{kind}: {kinds:?}");
    }
}
