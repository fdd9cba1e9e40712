//! A service that is not there: a test says what it tells, and the service under test hears it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Site, TestEngine};
use crate::bus::{Outbox, publish};
use crate::db::{Db, Migrations};
use crate::on;

/// The floor's tables alone.
const FLOOR: Migrations = Migrations { sqlite: &[], postgres: &[] };

/// Its log, in a database of its own.
#[derive(Clone, Debug)]
pub struct Neighbour {
    name: &'static str,
    db: Db,
}

impl Neighbour {
    /// The service `name`, whose database is `schema`.
    pub async fn new(engine: &TestEngine, name: &'static str, schema: &'static str) -> Self {
        Self { name, db: engine.database(schema, &FLOOR).await }
    }

    /// Writes an event, which nobody has read yet.
    pub async fn tell(&self, now: DateTime<Utc>, kind: &str, subject: Uuid, data: &impl Serialize) {
        let mut tx = self.db.begin().await.unwrap();
        publish(&mut tx, now, kind, subject, data).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The log that others read.
    pub fn log(&self) -> Outbox {
        Outbox::new(self.name, self.db.clone())
    }
}

impl Site {
    /// Lets every consumer of a neighbour's events read on until nothing is left; how many events took effect.
    pub async fn catch_up(&self, neighbour: &Neighbour) -> u64 {
        let mut taken = 0;
        for consumer in self.consumers.iter().filter(|c| c.publisher == neighbour.name) {
            taken += consumer.catch_up(&neighbour.log()).await.unwrap();
        }
        taken
    }

    /// How many of a neighbour's events were given up on.
    pub async fn parked(&self, neighbour: &Neighbour) -> i64 {
        let mut parked = 0;
        for consumer in self.consumers.iter().filter(|c| c.publisher == neighbour.name) {
            parked += consumer.status(&neighbour.log()).await.unwrap().parked;
        }
        parked
    }

    /// The events that the service itself has published, the oldest first: kind and data.
    pub async fn published(&self) -> Vec<(String, Value)> {
        let log = Outbox::new("under test", self.db.clone());
        log.read(0, 1000).await.unwrap().into_iter().map(|event| (event.kind, event.data)).collect()
    }

    /// The one number that a counting statement gives.
    pub async fn count(&self, statement: &'static str) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap()
    }
}
