//! Hellos that wait for a slow log, readers that wait for a crowd of facts, and a node that leaves.
#![expect(clippy::unwrap_used, reason = "tests")]

mod forgotten;

use async_trait::async_trait;
use sanbao_platform::config::Secret;
use sanbao_platform::testing::{TestEngine, sqlite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::*;
use crate::facts;
use crate::id::{Digest, Epoch, NodeId, PeerId, PersonId};
use crate::log::Position;
use crate::permissions::Permissions;
use crate::protocol::CloseCode;
use crate::role::Role;
use crate::room::{Command, ENTRY_VERSION, Entrant, Entry, Profile};
use crate::session::frame::Decoder;
use crate::session::link::{Link, PendingHello, Welcomed};
use crate::session::live::{Entered, Live};
use crate::session::sequencer::READER_IDLE_MAX;
use crate::session::sequencer::shared::FollowedRoom;
use crate::session::wire::{SocketReader, SocketWriter};
use crate::turn::PortsWatch;
use crate::{Config, MIGRATIONS, NAME};

const CONSULT: ConsultId = ConsultId(Uuid::from_u128(7));
const PEER: PeerId = PeerId(Uuid::from_u128(8));
/// Nothing here takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A log in which things stand when the test says so.
#[derive(Debug, Default)]
struct SlowLog(Mutex<Vec<Command>>);

#[async_trait]
impl SharedLog for SlowLog {
    fn node(&self) -> NodeId {
        NodeId(1)
    }

    async fn open(&self, _: Arc<dyn FollowedRoom>, _: bool) -> Result<bool, NoRoom> {
        Ok(true)
    }

    fn propose(&self, _: ConsultId, commands: Vec<Command>) -> bool {
        lock(&self.0).extend(commands);
        true
    }

    fn close(&self, _: ConsultId) {}
}

impl SlowLog {
    fn proposed(&self) -> Vec<Command> {
        std::mem::take(&mut lock(&self.0))
    }
}

/// A hub that began an hour ago, what its facts wait in, and what holds its database.
async fn hub(log: Option<Arc<dyn SharedLog>>) -> (Arc<Hub>, facts::FactReceiver, Db, TestEngine) {
    let engine = sqlite();
    let config = Config::new(Secret("test turn secret".to_owned()));
    let db = engine.database(NAME, &MIGRATIONS).await;
    let (queue, waiting) = facts::queue(0);
    let clock = Clock::manual("2026-11-23T06:00:00Z".parse().unwrap());
    let sequencer = match log {
        Some(log) => Sequencer::Shared(Shared(log)),
        None => Sequencer::Embedded(Embedded::new(db.clone(), config.limits.rooms_max)),
    };
    let mut node = Node::new(config.limits.clone(), clock, config.ice(PortsWatch::all()), queue, sequencer);
    node.began = Instant::now().checked_sub(Duration::from_hours(1)).unwrap();
    (Arc::new(Hub::of(node)), waiting, db, engine)
}

fn embedded(hub: &Hub) -> &Embedded {
    let Sequencer::Embedded(embedded) = &hub.node.sequencer else { panic!("no embedded relay") };
    embedded
}

fn commit(cell: &Arc<Cell>, position: u64, commands: Vec<Command>) {
    let entry = Entry { v: ENTRY_VERSION, at: cell.node.clock.now(), node: cell.node.id, batch: position, commands };
    cell.committed(Position(position), &entry);
}

/// A room of a slow log, opened.
async fn shared_room(hub: &Arc<Hub>) -> Arc<Cell> {
    let cell = hub.open(CONSULT, true).await.unwrap();
    let (epoch, limits) = (Epoch::new(hub.node.clock.now()), Box::new(hub.node.limits.room));
    commit(&cell, 1, vec![Command::Open { epoch, past: Box::default(), limits }]);
    cell
}

async fn connection() -> (SocketReader, SocketWriter, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (read, write) = listener.accept().await.unwrap().0.into_split();
    (SocketReader::Tcp(read), SocketWriter::Tcp(write), client)
}

/// A socket that has said hello, as its task brings it to the room.
fn hello(hub: &Hub, writer: SocketWriter) -> (Link, Command, oneshot::Receiver<Welcomed>) {
    let (socket, (answer, answered)) = (hub.socket(), oneshot::channel());
    let profile = Profile {
        person: PersonId(Uuid::from_u128(9)),
        name: "王护理".into(),
        role: Role::Host,
        lobby: false,
        permissions: Permissions::ALL,
        organisation: None,
        until: None,
    };
    let (secret, device) = (Digest::of(b"secret"), Digest::of(b"device"));
    let entrant = Entrant { peer: PEER, secret, device, ticket: Uuid::from_u128(10), issued_at: None, profile };
    let hello = PendingHello { id: None, secret: "secret".into(), phone: None, answer };
    let link = Link::new(socket.number, writer, Some(Box::new(hello)));
    (link, Command::Enter { socket, entrant: Box::new(entrant) }, answered)
}

/// The next frame to a client: its first byte and its payload.
async fn frame(client: &mut TcpStream) -> (u8, Vec<u8>) {
    let read = async {
        let (first, short) = (client.read_u8().await.unwrap(), client.read_u8().await.unwrap());
        let len = if short == 126 { client.read_u16().await.unwrap() } else { short.into() };
        let mut payload = vec![0; len.into()];
        client.read_exact(&mut payload).await.unwrap();
        (first, payload)
    };
    timeout(PATIENCE, read).await.unwrap()
}

#[tokio::test]
async fn who_waits_for_the_log_after_hello_is_not_silent() {
    let log = Arc::new(SlowLog::default());
    let (hub, _facts, _db, _engine) = hub(Some(log.clone())).await;
    let cell = shared_room(&hub).await;
    let (_reader, writer, mut client) = connection().await;
    let (link, command, answered) = hello(&hub, writer);
    cell.enter(link, command).unwrap();
    hub.sweep_once(Instant::now());
    commit(&cell, 2, log.proposed());
    assert_eq!(timeout(PATIENCE, answered).await.unwrap().unwrap().peer, PEER);
    let (first, welcome) = frame(&mut client).await;
    assert_eq!(
        (first, serde_json::from_slice::<serde_json::Value>(&welcome).unwrap()["type"].as_str()),
        (0x81, Some("welcome"))
    );
}

#[tokio::test]
async fn who_was_closed_while_the_log_was_asked_is_not_welcomed_and_waits_no_longer() {
    let log = Arc::new(SlowLog::default());
    let (hub, _facts, _db, _engine) = hub(Some(log.clone())).await;
    let cell = shared_room(&hub).await;
    let (_reader, writer, mut client) = connection().await;
    let (link, command, answered) = hello(&hub, writer);
    let socket = Socket { node: hub.node.id, number: link.socket };
    cell.enter(link, command).unwrap();
    let entering = log.proposed();
    cell.close_all(CloseCode::Unavailable);
    assert!(timeout(PATIENCE, answered).await.unwrap().is_err(), "there is nothing to wait for");
    commit(&cell, 2, entering);
    assert_eq!(log.proposed(), [Command::Away { peer: PEER, socket }]);
    drop(cell.part(socket.number));
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_eq!((all.first(), all.len()), (Some(&0x88), 2 + usize::from(all[1])), "the close and nothing else");
}

/// A connection in a room, welcomed, and the client's side of it.
async fn live(hub: &Arc<Hub>, cell: Arc<Cell>) -> (JoinHandle<()>, TcpStream) {
    let (reader, writer, mut client) = connection().await;
    let (link, command, answered) = hello(hub, writer);
    let (socket, signal) = (link.socket, Arc::clone(link.signal()));
    cell.enter(link, command).unwrap();
    frame(&mut client).await; // the welcome
    let entered = Entered { cell, socket, signal };
    let place = Arc::clone(&hub.connections).try_acquire_owned().unwrap();
    let live = Live::new(entered, answered.await.unwrap(), reader, Decoder::new(1024), place, &[]);
    (tokio::spawn(live.run()), client)
}

#[tokio::test]
async fn who_stopped_reading_for_a_crowd_of_facts_goes_on_when_it_is_written() {
    let (hub, facts, db, _engine) = hub(None).await;
    let cell = hub.open(CONSULT, true).await.unwrap();
    let (live, mut client) = live(&hub, cell).await;
    assert!(!hub.node.facts.is_written(hub.node.facts.pushed()), "that the ticket was used is one fact too many");
    client.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    let read = timeout(Duration::from_millis(300), client.read_u8()).await;
    assert!(read.is_err(), "nothing is read: {read:?}");
    // The crowd comes and goes between two sweeps.
    let stop = CancellationToken::new();
    let writing = tokio::spawn(facts::write_all(db.clone(), facts, false, stop.clone()));
    let written = async {
        while !hub.node.facts.is_written(hub.node.facts.pushed()) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, written).await.unwrap();
    hub.sweep_once(Instant::now());
    assert_eq!(frame(&mut client).await, (0x8a, Vec::new()), "the pong");
    live.abort();
    stop.cancel();
    writing.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_relay_closed_ends_without_the_clients_answer() {
    let (hub, _facts, _db, _engine) = hub(None).await;
    let cell = hub.open(CONSULT, true).await.unwrap();
    let (live, mut client) = live(&hub, Arc::clone(&cell)).await;
    cell.close_all(CloseCode::TooSlow); // of all closes the one whose answer is waited for longest
    let mut rest = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!((rest[0], rest.len()), (0x88, 2 + usize::from(rest[1])), "the close, and the end");
    drop(client);
    timeout(PATIENCE, live).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_connection_that_rooms_are_opened_from_is_given_back() {
    let (hub, _facts, db, _engine) = hub(None).await;
    hub.open(CONSULT, true).await.unwrap();
    hub.leave().await;
    // A pool closes when it has everything back.
    timeout(PATIENCE, db.close()).await.unwrap();
}

#[tokio::test]
async fn the_connection_that_rooms_are_opened_from_is_kept_for_a_second_and_no_longer() {
    let (hub, _facts, db, _engine) = hub(None).await;
    let holds = async || embedded(&hub).opening().await.unwrap().holds_a_connection();
    let before = Instant::now();
    hub.open(CONSULT, true).await.unwrap();
    let after = Instant::now();
    hub.sweep_once(before + READER_IDLE_MAX.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(holds().await, "the next room may come");
    hub.sweep_once(after + READER_IDLE_MAX);
    assert!(!holds().await);
    timeout(PATIENCE, db.close()).await.unwrap();
}

#[tokio::test]
async fn nobody_enters_a_room_once_rooms_are_kept_for_the_next_run() {
    let (hub, _facts, _db, _engine) = hub(None).await;
    let cell = hub.open(CONSULT, true).await.unwrap();
    let (_reader, writer, _client) = connection().await;
    let (link, command, _answered) = hello(&hub, writer);
    hub.leave().await;
    assert!(cell.enter(link, command).is_err());
}
