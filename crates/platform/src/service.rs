//! The parts that a service is made from and the parts that it gives: built from parts, then served, then drained.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::{Keys, Passwords, ended};
use crate::bus::{
    Cleaner, Consumer, EventLog, Faults, Forwarder, LogError, Outbox, Published, Readers, Retention, StreamLimits,
    StreamLog,
};
use crate::clock::Clock;
use crate::cn::DiallingCode;
use crate::crypto::FieldKeys;
use crate::db::{Db, DbError};
use crate::http::Routed;
use crate::nats::Nats;
use crate::telemetry;
use crate::web::Frame;

/// The parts every service is built from.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: Db,
    pub clock: Clock,
    /// Signing and verifying tokens.
    pub keys: Keys,
    /// Sealing fields at rest.
    pub fields: FieldKeys,
    /// The password pool.
    pub passwords: Passwords,
    /// The frame of pages.
    pub frame: Frame,
    /// Whether the site is served over HTTPS.
    pub secure: bool,
    /// The area code of a landline that is told without one.
    pub dialling_code: Option<DiallingCode>,
    /// Where logs are kept that several processes share; `None` when one process does everything.
    pub nats: Option<Nats>,
}

/// The state of a service's handlers, cheap to clone. A request's caller and time are found by the parts that it holds.
pub trait ServiceState: Clone + Send + Sync + 'static {
    /// The parts that the service was built from.
    fn deps(&self) -> &Deps;
}

impl<S: ServiceState> FromRef<S> for Keys {
    fn from_ref(state: &S) -> Self {
        state.deps().keys.clone()
    }
}

impl<S: ServiceState> FromRef<S> for Clock {
    fn from_ref(state: &S) -> Self {
        state.deps().clock.clone()
    }
}

impl<S: ServiceState> FromRef<S> for Db {
    fn from_ref(state: &S) -> Self {
        state.deps().db.clone()
    }
}

/// The state of a service that has nothing beside its parts.
impl ServiceState for Deps {
    fn deps(&self) -> &Self {
        self
    }
}

/// A task that runs beside the routes until the token is cancelled.
pub type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// How long a task that failed waits before it tries again.
const RETRY_SECONDS: u64 = 10;

/// A task of a start: `attempt` is made until it succeeds once, or until the process ends. `what` stands in the log of a
/// failure: "the areas are told".
pub fn until_done<F, W, T>(what: &'static str, attempt: F) -> Task
where
    F: Fn() -> W + Send + 'static,
    W: Future<Output = Result<T, DbError>> + Send + 'static,
    T: Send + 'static,
{
    Box::new(move |stop| {
        Box::pin(async move {
            while let Err(error) = attempt().await {
                tracing::error!(%error, "not yet, and tried again: {what}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(RETRY_SECONDS)) => {}
                }
            }
        })
    })
}

/// A built service: routes, their document, and what runs beside them.
pub struct Service {
    /// Its name: `booking`.
    pub name: &'static str,
    /// Its database, for `/readyz`.
    pub db: Db,
    /// Its routes, state included, their description and their paths.
    pub routes: Routed,
    /// The kinds of events that it publishes.
    pub events: Vec<Published>,
    /// Whose events it takes.
    pub consumers: Vec<Consumer>,
    /// The background tasks.
    pub tasks: Vec<Task>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({}, {} consumers, {} tasks)", self.name, self.consumers.len(), self.tasks.len())
    }
}

/// How events get from one service to another.
#[derive(Clone, Debug)]
pub enum Bus {
    /// All services are in this process: consumers read the publishers' outboxes.
    InProcess,
    /// Services run apart: publishers fill streams of `JetStream`, and consumers read those.
    Nats(Nats, StreamLimits),
}

/// The connections between the services, and their measures.
#[derive(Debug, Default)]
pub struct Wiring {
    /// Each consumer with the log that it follows.
    pub followers: Vec<(Consumer, Arc<dyn EventLog>)>,
    /// The forwarders that fill the streams.
    pub forwarders: Vec<Arc<Forwarder>>,
    /// The readers among them that have stopped for good.
    pub faults: Faults,
    /// The cleaners that keep the databases from growing without end.
    pub cleaners: Vec<Cleaner>,
}

impl Wiring {
    /// Connects `services` by `bus`; each consumer with the log of the service that it names.
    pub fn of(services: &[Service], bus: &Bus, retention: Retention, clock: &Clock) -> Self {
        let mut wiring = Self::default();
        for consumer in services.iter().flat_map(|s| &s.consumers) {
            match log_of(services, bus, consumer.publisher) {
                Some(log) => wiring.followers.push((consumer.clone(), log)),
                None => tracing::warn!(?consumer, "its publisher is not in this process"),
            }
        }
        for service in services {
            let readers = match bus {
                Bus::InProcess => {
                    let all = wiring.followers.iter().map(|(consumer, _)| consumer);
                    Readers::Consumers(all.filter(|c| c.publisher == service.name).cloned().collect())
                }
                Bus::Nats(nats, limits) => {
                    let outbox = Outbox::new(service.name, service.db.clone());
                    wiring.forwarders.push(Arc::new(Forwarder::new(outbox, nats.clone(), *limits)));
                    Readers::Stream
                }
            };
            let (db, clock) = (service.db.clone(), clock.clone());
            wiring.cleaners.push(Cleaner { publisher: service.name, db, clock, readers, retention });
        }
        wiring
    }
}

impl Wiring {
    /// Whether each log is the one that its consumer has heard so far. Nothing is taken. It can be asked before anything
    /// runs where publishers are in this process.
    ///
    /// # Errors
    /// The first that has not, by its name and its publisher's; or a database failed.
    pub async fn fits(&self) -> Result<(), LogError> {
        for (consumer, log) in &self.followers {
            consumer.fits(log.as_ref()).await?;
        }
        Ok(())
    }
}

fn log_of(services: &[Service], bus: &Bus, publisher: &'static str) -> Option<Arc<dyn EventLog>> {
    match bus {
        Bus::InProcess => {
            let service = services.iter().find(|s| s.name == publisher)?;
            Some(Arc::new(Outbox::new(publisher, service.db.clone())))
        }
        Bus::Nats(nats, _) => Some(Arc::new(StreamLog::new(publisher, nats.clone()))),
    }
}

/// The tasks of running services.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Running {
    /// Starts the services' own tasks, and what keeps this process's metrics small.
    pub fn start(services: &mut [Service]) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(telemetry::keep_metrics(stop.clone()));
        for task in services.iter_mut().flat_map(|s| s.tasks.drain(..)) {
            tasks.spawn(task(stop.clone()));
        }
        Self { tasks, stop }
    }

    /// Starts what runs between the services as well.
    #[must_use]
    pub fn connected_by(mut self, wiring: &Wiring) -> Self {
        for (consumer, log) in &wiring.followers {
            self.tasks.spawn(consumer.clone().run(Arc::clone(log), wiring.faults.clone(), self.stop.clone()));
        }
        for forwarder in &wiring.forwarders {
            self.tasks.spawn(Arc::clone(forwarder).run(wiring.faults.clone(), self.stop.clone()));
        }
        for cleaner in &wiring.cleaners {
            let (db, clock) = (cleaner.db.clone(), cleaner.clock.clone());
            self.tasks.spawn(ended::follow(db, clock, self.stop.clone()));
            self.tasks.spawn(cleaner.clone().run(self.stop.clone()));
        }
        self
    }

    /// Tells all to end and waits until they have.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
