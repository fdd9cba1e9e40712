//! Real followers on two nodes of one process, with a log in memory whose answers are lost and which stores late.
#![expect(clippy::unwrap_used, reason = "tests")]

use sanbao_platform::config::Secret;
use sanbao_platform::testing::{TestEngine, nats, sqlite};
use uuid::Uuid;

use super::*;
use crate::config::Config;
use crate::facts::FactReceiver;
use crate::id::{Digest, PeerId, PersonId, Socket};
use crate::log::{AppendError, Commits, LogError, MemoryLog};
use crate::role::Role;
use crate::room::{ENTRY_VERSION, Entrant, Profile};
use crate::session::{Cell, Hub};
use crate::turn::PortsWatch;
use crate::{MIGRATIONS, NAME};

const CONSULT: ConsultId = ConsultId(Uuid::from_u128(1));
/// How long what is late is under way.
const LATE: Duration = Duration::from_millis(60);
/// Nothing takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// One node's way to the log: so many of its next appends are not answered, and are stored late or never.
#[derive(Debug, Default)]
struct Faulty {
    log: Arc<MemoryLog>,
    unanswered: AtomicU64,
}

#[async_trait]
impl RoomLog for Faulty {
    async fn read(&self, room: ConsultId, after: Position) -> Result<Vec<Committed>, LogError> {
        self.log.read(room, after).await
    }

    async fn append(&self, room: ConsultId, expected: Position, entry: Bytes) -> Result<Position, AppendError> {
        let less = |left: u64| left.checked_sub(1);
        if self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err() {
            return self.log.append(room, expected, entry).await;
        }
        let log = Arc::clone(&self.log);
        tokio::spawn(async move {
            sleep(LATE).await;
            let _ = log.append(room, expected, entry).await; // somebody else may have been first
        });
        Err(AppendError::Unknown("no answer".to_owned()))
    }

    async fn open_first(&self, room: ConsultId, entry: Bytes) -> Result<Position, AppendError> {
        self.log.open_first(room, entry).await
    }

    async fn watch(&self, room: ConsultId) -> Result<Commits, LogError> {
        self.log.watch(room).await
    }

    async fn bytes(&self) -> Result<u64, LogError> {
        self.log.bytes().await
    }

    async fn trim(&self, room: ConsultId, before: Position) -> Result<(), LogError> {
        self.log.trim(room, before).await
    }
}

/// A node, and what it holds of the one room.
struct Node {
    hub: Arc<Hub>,
    driver: Arc<dyn SharedLog>,
    cell: Arc<Cell>,
    log: Arc<Faulty>,
    _facts: FactReceiver,
}

async fn nodes(engine: &TestEngine) -> Option<[Node; 2]> {
    let nats = nats().await?;
    let db = engine.database(NAME, &MIGRATIONS).await;
    let memory = Arc::<MemoryLog>::default();
    let one = async |number| {
        let (config, clock) = (Config::new(Secret("test".to_owned())), Clock::system());
        let log = Arc::new(Faulty { log: Arc::clone(&memory), ..Faulty::default() });
        let cluster = Cluster::new(NodeId(number), nats.clone(), db.clone(), clock.clone(), config.cluster);
        cluster.log.set(Arc::clone(&log) as Arc<dyn RoomLog>).unwrap();
        let driver = Arc::new(SharedRooms(Arc::new(cluster))) as Arc<dyn SharedLog>;
        let (facts, waiting) = facts::queue(config.limits.facts_queue_max);
        let hub = Arc::new(Hub::new(
            config.limits.clone(),
            clock,
            config.ice(PortsWatch::all()),
            db.clone(),
            facts,
            Some(Arc::clone(&driver)),
        ));
        let cell = hub.open(CONSULT, true).await.unwrap();
        Node { hub, driver, cell, log, _facts: waiting }
    };
    Some([one(1).await, one(2).await])
}

impl Node {
    fn propose(&self, command: Command) {
        assert!(self.driver.propose(CONSULT, vec![command]));
    }

    fn attached_times(&self, n: u128) -> Option<u64> {
        self.cell.copy().room().attached_times(peer(n))
    }

    fn is_away(&self, n: u128) -> bool {
        self.cell.copy().room().sessions().any(|session| session == (peer(n), None))
    }

    /// A socket of this node, which is gone already: its session is away as soon as it is welcome.
    fn socket(&self, number: u64) -> Socket {
        Socket { node: self.driver.node(), number }
    }

    fn enter(&self, n: u128) {
        let profile = Profile {
            person: PersonId(Uuid::from_u128(n)),
            name: "x".into(),
            role: Role::Clinician,
            lobby: false,
            permissions: Role::Clinician.permissions(),
            organisation: None,
            until: None,
        };
        let (device, secret) = (Digest::of(&n.to_be_bytes()), Digest::of(b"secret"));
        let ticket = Uuid::from_u128(n);
        let entrant = Entrant { peer: peer(n), secret, device, ticket, issued_at: None, profile };
        self.propose(Command::Enter { socket: self.socket(1), entrant: Box::new(entrant) });
    }

    /// The wish of a page that was loaded again to go on here, as this node sees it now.
    fn resume(&self, n: u128) -> Command {
        Command::Resume {
            socket: self.socket(2),
            peer: peer(n),
            secret: Digest::of(b"secret"),
            device: Digest::of(&n.to_be_bytes()),
            epoch: self.cell.copy().epoch().unwrap(),
            received: 0,
            snapshot: true,
            attached_times: self.attached_times(n),
            fallback: None,
        }
    }
}

fn peer(n: u128) -> PeerId {
    PeerId(Uuid::from_u128(n))
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn until_the_same(nodes: &[Node; 2]) {
    let held = |node: &Node| rmp_serde::to_vec_named(&node.cell.copy()).unwrap();
    until("both nodes hold the same", || held(&nodes[0]) == held(&nodes[1])).await;
}

#[tokio::test]
async fn a_node_leaves_a_room_to_whose_log_a_later_version_writes() {
    let engine = sqlite();
    let Some([node, other]) = nodes(&engine).await else { return };
    node.enter(1);
    until("both know of it", || [&node, &other].iter().all(|node| node.attached_times(1).is_some())).await;
    let memory = &node.log.log;
    let last = memory.read(CONSULT, Position::START).await.unwrap().last().unwrap().clone();
    // All of it could be read here, and what it means there is not known.
    let head = EntryHead { kind: EntryKind::Batch, node: NodeId(3), batch: 1, previous: last.position };
    let mut entry = head.batch(Clock::system().now(), &[frame::command(&Command::Tick).unwrap()]).to_vec();
    entry[0] = ENTRY_VERSION + 1;
    memory.append(CONSULT, last.position, entry.into()).await.unwrap();
    until("the room is closed here", || [&node, &other].iter().all(|node| node.cell.is_forgotten())).await;
    let again = node.hub.open(CONSULT, true).await;
    assert!(matches!(again, Err(NoRoom::Unavailable)), "clients try again, at another node: {again:?}");
}

#[tokio::test]
async fn what_is_stored_late_although_nobody_was_answered_counts_once_everywhere() {
    let engine = sqlite();
    let Some(nodes) = nodes(&engine).await else { return };
    for n in 1..=6 {
        let node = &nodes[usize::from(n % 2 == 0)];
        node.log.unanswered.store(n % 3, Ordering::Relaxed);
        node.enter(n.into());
        // The other one is not slow, and often first.
        nodes[usize::from(n % 2 == 1)].propose(Command::Tick);
        until("everybody is in", || nodes.iter().all(|node| node.attached_times(n.into()).is_some())).await;
    }
    until("everybody is away", || nodes.iter().all(|node| (1..=6).all(|n| node.is_away(n)))).await;
    sleep(LATE * 2).await; // what is late has come by now, and changes nothing
    until_the_same(&nodes).await;
    assert!((1..=6).all(|n| nodes[0].attached_times(n) == Some(1)), "{:?}", nodes[0].cell.copy());
}

#[tokio::test]
async fn a_page_that_is_gone_and_whose_resume_is_stored_late_lets_go_of_nothing() {
    let engine = sqlite();
    let Some(nodes) = nodes(&engine).await else { return };
    nodes[0].enter(1);
    until("the session is known, and away", || nodes.iter().all(|node| node.is_away(1))).await;
    let (given_up, newer) = (nodes[0].resume(1), nodes[1].resume(1));
    nodes[0].log.unanswered.store(1, Ordering::Relaxed);
    nodes[0].propose(given_up);
    nodes[1].propose(newer);
    until("the newer one counts", || nodes.iter().all(|node| node.attached_times(1) == Some(2))).await;
    // Once this is in the log, all that the slow node had still to say is there too.
    nodes[0].enter(2);
    until("somebody else is in", || nodes.iter().all(|node| node.attached_times(2).is_some())).await;
    until_the_same(&nodes).await;
    assert_eq!(nodes[0].attached_times(1), Some(2));
}
