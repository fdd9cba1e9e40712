//! The WebRTC signalling relay of a consult, and its STUN/TURN server. `README.md` is its protocol.
//!
//! It knows no consult, person or appointment: a signed ticket says all it must know, and what happens
//! in a room goes out as events.

pub mod cluster;
pub mod config;
pub mod erased;
mod events;
mod facts;
pub mod id;
pub mod log;
pub mod measures;
mod page;
pub mod permissions;
pub mod precheck;
pub mod protocol;
pub mod quality;
pub mod replica;
mod revocation;
pub mod role;
pub mod room;
mod session;
pub mod ticket;
pub mod turn;

use std::sync::Arc;
use std::time::Duration;

use sanbao_platform::auth::ended;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::Routes;
use sanbao_platform::i18n::Texts;
use sanbao_platform::migrations;
use sanbao_platform::service::{Deps, Service, Task};
use tokio_util::sync::CancellationToken;
use utoipa_axum::routes;

use cluster::{Cluster, SharedRooms};
pub use config::Config;
use precheck::Prechecks;
use session::Hub;
use turn::{OpenPorts, PortsReporter, TurnControl, TurnServer};

/// The service's name: its schema, its log, its events' prefix.
pub const NAME: &str = "signalling";

/// The service's tables.
pub const MIGRATIONS: Migrations = migrations!("signalling":
    100 "0100_consult_room",
    101 "0101_consult_fact",
    102 "0102_shared_rooms",
    103 "0103_consult_quality",
);

/// The state of every handler. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) deps: Deps,
    pub(crate) config: Arc<Config>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) prechecks: Arc<Prechecks>,
    pub(crate) texts: Arc<Texts>,
}

/// Builds the service. No I/O.
pub fn build(config: Config, deps: Deps) -> Service {
    let (facts, waiting) = facts::queue(config.limits.facts_queue_max);
    let (db, clock) = (deps.db.clone(), deps.clock.clone());
    // With a network between nodes, no room belongs to one of them.
    let cluster = deps.nats.clone().map(|nats| {
        let node = id::NodeId(rand::random());
        Arc::new(Cluster::new(node, nats, db.clone(), clock.clone(), config.cluster))
    });
    let log = cluster.clone().map(|cluster| Arc::new(SharedRooms(cluster)) as Arc<dyn session::SharedLog>);
    let (reporter, ports) = turn::ports();
    let ice = config.ice(ports);
    let control = ice.control.clone();
    let hub = Arc::new(Hub::new(config.limits.clone(), clock, ice, db.clone(), facts, log));
    let [sweeper, acknowledger, alive, teller] = [(); 4].map(|()| Arc::clone(&hub));
    let (revoked, on_several_nodes) = (deps.db.clone(), cluster.is_some());
    // Clients are still moving away for a while after `stop`: what serves them ends when they have.
    let left = CancellationToken::new();
    let [all_told, all_swept, all_acknowledged] = [(); 3].map(|()| left.clone());
    let mut tasks: Vec<Task> = vec![
        Box::new(move |stop| Box::pin(session::tell_rooms(teller, revoked, stop))),
        Box::new(move |_| Box::pin(facts::write_all(db, waiting, on_several_nodes, all_told))),
        Box::new(move |_| Box::pin(sweeper.sweep(all_swept))),
        Box::new(move |_| Box::pin(acknowledger.acknowledge(all_acknowledged))),
        Box::new(move |stop| Box::pin(alive.live(stop, left))),
    ];
    if let Some(nats) = deps.nats.clone() {
        let control = control.clone();
        tasks.push(Box::new(move |stop| Box::pin(cluster::spread(nats, control, stop))));
    }
    if let Some(cluster) = cluster {
        let hub = Arc::clone(&hub);
        tasks.push(Box::new(move |stop| Box::pin(cluster.run(hub, stop))));
    }
    if let Some(embedded) = config.embedded() {
        let (credentials, clock) = (config.credentials(), deps.clock.clone());
        tasks.push(Box::new(move |stop| Box::pin(serve_turn(embedded, (credentials, control), clock, reporter, stop))));
    }
    let db = deps.db.clone();
    let mut consumers = vec![
        revocation::consumer(db.clone(), deps.clock.clone()),
        ended::consumer("signalling.ended_sessions", db.clone(), deps.clock.clone()),
    ];
    consumers.extend(erased::consumers(&db, &deps.clock));
    let prechecks = Arc::new(Prechecks::new(config.precheck.clone(), config.precheck_relay()));
    let app = App { deps, config: Arc::new(config), hub, prechecks, texts: Arc::new(page::texts()) };
    let events = [events::CATALOGUE, quality::store::CATALOGUE, precheck::store::CATALOGUE].concat();
    let routes = Routes::new()
        .routes(routes!(session::signal))
        .routes(routes!(page::room))
        .routes(routes!(precheck::precheck))
        .merge(page::assets())
        .build(app);
    Service { name: NAME, db, routes, events, consumers, tasks }
}

/// How long the TURN server waits before it tries a taken port again.
const TURN_BIND_WAIT: Duration = Duration::from_secs(2);

/// Runs the embedded TURN server. While its port is taken, media goes peer to peer only, and clients are told of no
/// TURN; that is said plainly and tried again, for the process that is being replaced may still hold it.
async fn serve_turn(
    config: turn::TurnConfig,
    (credentials, control): (turn::Credentials, TurnControl),
    clock: Clock,
    reporter: PortsReporter,
    stop: CancellationToken,
) {
    loop {
        match TurnServer::bind(config.clone(), credentials.clone(), clock.clone()) {
            Ok(server) => {
                server.reporting(reporter.clone()).obeying(control.clone()).run(stop.clone()).await;
            }
            Err(error) => {
                reporter.report(OpenPorts::default());
                tracing::error!(listen = %config.listen, %error, "the TURN server cannot listen; trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TURN_BIND_WAIT) => {}
            () = stop.cancelled() => return,
        }
    }
}
