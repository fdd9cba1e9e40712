//! What a service is made from and what it is: built from parts, then served, then drained.

use std::fmt;

use axum::Router;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::{Keys, Passwords};
use crate::bus::{Consumer, Outbox};
use crate::clock::Clock;
use crate::crypto::FieldKeys;
use crate::db::Db;
use crate::nats::Nats;
use crate::web::Frame;

/// The parts every service is built from.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: Db,
    /// Time.
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
    /// Where logs are kept that several processes share; `None` when one process does everything.
    pub nats: Option<Nats>,
}

/// A task that runs beside the routes until the token is cancelled.
pub type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A built service: routes, their document, and what runs beside them.
pub struct Service {
    /// Its name: `booking`.
    pub name: &'static str,
    /// Its database, for `/readyz`.
    pub db: Db,
    /// Its routes, state included.
    pub router: Router,
    /// Their description.
    pub openapi: utoipa::openapi::OpenApi,
    /// Whose events it takes.
    pub consumers: Vec<Consumer>,
    /// What else runs.
    pub tasks: Vec<Task>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({}, {} consumers, {} tasks)", self.name, self.consumers.len(), self.tasks.len())
    }
}

/// The tasks of running services.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Running {
    /// Starts the tasks and consumers of `services`; each consumer follows the log of the service
    /// that it names, if that one is here.
    pub fn start(services: &mut [Service]) -> Self {
        let logs: Vec<Outbox> = services.iter().map(|s| Outbox::new(s.name, s.db.clone())).collect();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for service in services {
            for consumer in service.consumers.drain(..) {
                let log = logs.iter().find(|log| log.publisher == consumer.publisher);
                let Some(log) = log else {
                    tracing::warn!(
                        consumer = consumer.name,
                        publisher = consumer.publisher,
                        "its publisher is not in this process"
                    );
                    continue;
                };
                tasks.spawn(consumer.run(log.clone(), stop.clone()));
            }
            for task in service.tasks.drain(..) {
                tasks.spawn(task(stop.clone()));
            }
        }
        Self { tasks, stop }
    }

    /// Tells all to end and waits until they have.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
