//! The parts that a service is made from and the parts that it gives: built from parts, then served, then drained.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// How often a task looks that has nothing to wait for.
const LOOK_SECONDS: u64 = 3_600;

/// A task of a start that looks again every hour: what a process of the release before has left undone beside this one.
pub fn hourly<F, W, T>(what: &'static str, attempt: F) -> Task
where
    F: Fn() -> W + Send + 'static,
    W: Future<Output = Result<T, DbError>> + Send + 'static,
    T: Send + 'static,
{
    Box::new(move |stop| {
        Box::pin(async move {
            loop {
                let done = attempt().await;
                let seconds = if done.is_ok() { LOOK_SECONDS } else { RETRY_SECONDS };
                if let Err(error) = done {
                    tracing::error!(%error, "not yet, and tried again: {what}");
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
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
        let outboxes: Vec<Outbox> = services.iter().map(|s| Outbox::new(s.name, s.db.clone())).collect();
        for consumer in services.iter().flat_map(|s| &s.consumers) {
            match log_of(&outboxes, bus, consumer.publisher) {
                Some(log) => wiring.followers.push((consumer.clone(), log)),
                None => tracing::warn!(?consumer, "its publisher is not in this process"),
            }
        }
        for (service, outbox) in services.iter().zip(&outboxes) {
            let readers = match bus {
                Bus::InProcess => {
                    let all = wiring.followers.iter().map(|(consumer, _)| consumer);
                    Readers::Consumers(all.filter(|c| c.publisher == service.name).cloned().collect())
                }
                Bus::Nats(nats, limits) => {
                    wiring.forwarders.push(Arc::new(Forwarder::new(outbox.clone(), nats.clone(), *limits)));
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

fn log_of(outboxes: &[Outbox], bus: &Bus, publisher: &'static str) -> Option<Arc<dyn EventLog>> {
    match bus {
        Bus::InProcess => Some(Arc::new(outboxes.iter().find(|outbox| outbox.publisher == publisher)?.clone())),
        Bus::Nats(nats, _) => Some(Arc::new(StreamLog::new(publisher, nats.clone()))),
    }
}

/// How the tasks of a process stand, counted as they begin and end.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<JobCounts>);

#[derive(Debug, Default)]
struct JobCounts {
    begun: AtomicU64,
    ended: AtomicU64,
    failed: AtomicU64,
}

/// The tasks of a process that run, that have done their work, and that a fault of the program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobsState {
    pub running: u64,
    pub ended: u64,
    pub failed: u64,
}

impl Jobs {
    /// The numbers now.
    pub fn state(&self) -> JobsState {
        let [begun, ended, failed] =
            [&self.0.begun, &self.0.ended, &self.0.failed].map(|count| count.load(Ordering::Acquire));
        JobsState { running: begun.saturating_sub(ended + failed), ended, failed }
    }

    /// The same task, counted.
    fn counted<W: Future<Output = ()> + Send + 'static>(
        &self,
        task: W,
    ) -> impl Future<Output = ()> + Send + 'static + use<W> {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        let end = JobEnd(self.clone());
        async move {
            let _end = end;
            task.await;
        }
    }
}

/// Counts the end of a task as it is dropped, by a panic too.
struct JobEnd(Jobs);

impl Drop for JobEnd {
    fn drop(&mut self) {
        let count = if std::thread::panicking() { &self.0.0.failed } else { &self.0.0.ended };
        count.fetch_add(1, Ordering::AcqRel);
    }
}

/// The tasks of running services.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    jobs: Jobs,
}

impl Running {
    /// Starts the services' own tasks, and what keeps this process's metrics small.
    pub fn start(services: &mut [Service]) -> Self {
        let mut running = Self { tasks: JoinSet::new(), stop: CancellationToken::new(), jobs: Jobs::default() };
        running.spawn(telemetry::keep_metrics(running.stop.clone()));
        for task in services.iter_mut().flat_map(|s| s.tasks.drain(..)) {
            running.spawn(task(running.stop.clone()));
        }
        running
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.jobs.counted(task));
    }

    /// How its tasks stand, also later.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// Starts what runs between the services as well.
    #[must_use]
    pub fn connected_by(mut self, wiring: &Wiring) -> Self {
        for (consumer, log) in &wiring.followers {
            self.spawn(consumer.clone().run(Arc::clone(log), wiring.faults.clone(), self.stop.clone()));
        }
        for forwarder in &wiring.forwarders {
            self.spawn(Arc::clone(forwarder).run(wiring.faults.clone(), self.stop.clone()));
        }
        for cleaner in &wiring.cleaners {
            let (db, clock) = (cleaner.db.clone(), cleaner.clock.clone());
            self.spawn(ended::follow(db, clock, self.stop.clone()));
            self.spawn(cleaner.clone().run(self.stop.clone()));
        }
        self
    }

    /// Tells all to end and waits until they have.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_are_counted_as_they_run_end_and_fail() {
        let jobs = Jobs::default();
        let state = |running, ended, failed| JobsState { running, ended, failed };
        let mut tasks = JoinSet::new();
        tasks.spawn(jobs.counted(async {}));
        assert!(tasks.join_next().await.is_some_and(|end| end.is_ok()));
        assert_eq!(jobs.state(), state(0, 1, 0));
        tasks.spawn(jobs.counted(std::future::pending()));
        assert_eq!(jobs.state(), state(1, 1, 0));
        let failing = jobs.counted(async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        assert!(tokio::spawn(failing).await.is_err());
        assert_eq!(jobs.state(), state(1, 1, 1));
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
        assert_eq!(jobs.state(), state(0, 2, 1));
    }
}
