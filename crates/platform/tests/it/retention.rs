//! The rows that go by age and the rows that never go: on both engines.
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{
    Cleaned, Cleaner, Consumer, Forwarder, Outbox, Readers, Reads, Retention, StreamLimits, publish,
};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::{self, TestEngine, on_both};
use serde_json::json;

use crate::speaker::{NONE, SUBJECT};

const DAY: Duration = Duration::from_hours(24);

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

const ANSWER: &str = "insert into idempotency (actor, key, request_hash, status, body, created_at)
    values ($1, $2, 'h', 201, $3, $4)";

struct House {
    speaker: Db,
    clock: Clock,
    consumer: Consumer,
}

impl House {
    async fn on(engine: &TestEngine) -> Self {
        let clock = Clock::manual(start());
        let consumer = Consumer {
            name: "listener",
            publisher: "speaker",
            kinds: &[Reads { kind: "test.said", fields: &[] }],
            db: engine.database("listener", &NONE).await,
            clock: clock.clone(),
            handler: Arc::new(|_, _| Box::pin(std::future::ready(Ok(())))),
        };
        Self { speaker: engine.database("speaker", &NONE).await, clock, consumer }
    }

    async fn say(&self, events: usize) {
        let mut tx = self.speaker.begin().await.unwrap();
        for _ in 0..events {
            publish(&mut tx, self.clock.now(), "test.said", SUBJECT, &json!({})).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    fn log(&self) -> Outbox {
        Outbox::new("speaker", self.speaker.clone())
    }

    fn cleaner(&self, publisher: &'static str, db: &Db, readers: Readers) -> Cleaner {
        let retention = Retention { event_days_min: 30, answer_days_min: 7 };
        Cleaner { publisher, db: db.clone(), clock: self.clock.clone(), readers, retention }
    }

    async fn positions(&self) -> Vec<i64> {
        self.log().read(0, 10_000).await.unwrap().iter().map(|e| e.position).collect()
    }
}

async fn count(db: &Db, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    let mut conn = db.read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await).unwrap()
}

#[tokio::test]
async fn events_go_when_they_are_old_and_everybody_has_them() {
    on_both(|engine| async move {
        let h = House::on(&engine).await;
        let cleaner = h.cleaner("speaker", &h.speaker, Readers::Consumers(vec![h.consumer.clone()]));
        // More than two batches.
        h.say(1_200).await;
        h.consumer.catch_up(&h.log()).await.unwrap();
        h.clock.advance(DAY * 20);
        h.say(10).await;
        // A reading gives the events their places on PostgreSQL.
        assert_eq!(h.positions().await.len(), 1_210);
        assert_eq!(cleaner.clean().await.unwrap(), Cleaned::default(), "nothing is old enough");
        h.clock.advance(DAY * 11);
        assert_eq!(cleaner.clean().await.unwrap().events, 1_199, "{}", engine.name());
        let kept: Vec<_> = (1_200..=1_210).collect();
        assert_eq!(h.positions().await, kept, "with the last one that was heard");
        h.clock.advance(DAY * 365);
        assert_eq!(cleaner.clean().await.unwrap().events, 0, "old, and not read by everybody");
        h.consumer.catch_up(&h.log()).await.unwrap();
        assert_eq!(cleaner.clean().await.unwrap().events, 10);
        assert_eq!(h.positions().await, [1_210], "the newest stays");
        h.say(1).await;
        assert_eq!(h.positions().await, [1_210, 1_211], "because the next counts from it");
        assert_eq!(h.consumer.catch_up(&h.log()).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_old_event_behind_a_young_one_waits_for_it() {
    on_both(|engine| async move {
        let h = House::on(&engine).await;
        h.clock.advance(DAY * 40);
        h.say(1).await;
        let mut tx = h.speaker.begin().await.unwrap();
        publish(&mut tx, start(), "test.said", SUBJECT, &json!({})).await.unwrap();
        publish(&mut tx, start(), "test.said", SUBJECT, &json!({})).await.unwrap();
        tx.commit().await.unwrap();
        let cleaner = h.cleaner("speaker", &h.speaker, Readers::Consumers(Vec::new()));
        assert_eq!(h.positions().await.len(), 3);
        assert_eq!(cleaner.clean().await.unwrap().events, 0, "{}: the log has no holes", engine.name());
        h.clock.advance(DAY * 31);
        assert_eq!(cleaner.clean().await.unwrap().events, 2);
    })
    .await;
}

#[tokio::test]
async fn the_memory_of_events_taken_and_stored_answers_go_by_their_age() {
    on_both(|engine| async move {
        let h = House::on(&engine).await;
        h.say(3).await;
        h.consumer.catch_up(&h.log()).await.unwrap();
        let db = &h.consumer.db;
        let mut tx = db.begin().await.unwrap();
        for (key, at) in [("old", start()), ("young", start() + DAY * 6)] {
            let body = sqlx::types::Json(json!({}));
            let row = on!(tx, |c| {
                let row = sqlx::query(ANSWER).bind(SUBJECT).bind(key).bind(&body).bind(at);
                row.execute(c).await.map(drop)
            });
            row.unwrap();
        }
        tx.commit().await.unwrap();
        let cleaner = h.cleaner("listener", db, Readers::Consumers(Vec::new()));
        h.clock.advance(DAY * 8);
        assert_eq!(cleaner.clean().await.unwrap(), Cleaned { answers: 1, ..Cleaned::default() }, "{}", engine.name());
        assert_eq!((count(db, "idempotency").await, count(db, "inbox").await), (1, 3));
        h.clock.advance(DAY * 30);
        assert_eq!(cleaner.clean().await.unwrap(), Cleaned { taken: 3, answers: 1, events: 0 });
        assert_eq!(h.consumer.catch_up(&h.log()).await.unwrap(), 0, "the cursor remembers without the inbox");
    })
    .await;
}

#[tokio::test]
async fn where_services_run_apart_only_what_the_stream_has_may_go() {
    on_both(|engine| async move {
        let h = House::on(&engine).await;
        let Some(nats) = testing::nats().await else { return };
        let cleaner = h.cleaner("speaker", &h.speaker, Readers::Stream);
        h.say(5).await;
        h.clock.advance(DAY * 31);
        assert_eq!(cleaner.clean().await.unwrap().events, 0, "{}: the stream has nothing", engine.name());
        Forwarder::new(h.log(), nats, StreamLimits::default()).forward().await.unwrap();
        assert_eq!(cleaner.clean().await.unwrap().events, 4);
    })
    .await;
}
