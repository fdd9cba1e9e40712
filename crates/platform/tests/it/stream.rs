//! Events over a real `JetStream`, on both engines: in order and once, also with several forwarders, and after the
//! server has lost some.
use std::sync::{Arc, Mutex};

use sanbao_platform::bus::{
    Consumer, Event, EventLog as _, Faults, Forwarder, Handler, LogError, Outbox, StreamLimits, StreamLog, publish,
};
use sanbao_platform::db::Db;
use sanbao_platform::nats::Nats;
use sanbao_platform::testing::{self, TestEngine, on_both, until};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::speaker::{NONE, SUBJECT, listener, now};

async fn say(db: &Db, n: u64) {
    say_at_length(db, n, 0).await;
}

async fn say_at_length(db: &Db, n: u64, bytes: usize) {
    let mut tx = db.begin().await.unwrap();
    let data = json!({ "n": n, "filling": "x".repeat(bytes) });
    publish(&mut tx, now(), "test.said", SUBJECT, &data).await.unwrap();
    tx.commit().await.unwrap();
}

/// A speaker and a listener who share nothing but the server.
struct Apart {
    nats: Nats,
    publisher: Db,
    log: StreamLog,
    consumer: Consumer,
    heard: Arc<Mutex<Vec<u64>>>,
}

impl Apart {
    /// `None` when NATS was left out on purpose.
    async fn on(engine: &TestEngine) -> Option<Self> {
        let nats = testing::nats().await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let handler: Handler = Arc::new(move |_tx, event: &Event| {
            let (ears, n) = (Arc::clone(&ears), event.data["n"].as_u64().unwrap());
            Box::pin(async move {
                ears.lock().unwrap().push(n);
                Ok(())
            })
        });
        let consumer = listener(engine, handler).await;
        let log = StreamLog::new("speaker", nats.clone());
        Some(Self { publisher: engine.database("speaker", &NONE).await, log, nats, consumer, heard })
    }

    fn forwarder(&self, limits: StreamLimits) -> Forwarder {
        Forwarder::new(Outbox::new("speaker", self.publisher.clone()), self.nats.clone(), limits)
    }

    async fn forward(&self) -> u64 {
        self.forwarder(StreamLimits::default()).forward().await.unwrap()
    }

    fn heard(&self) -> Vec<u64> {
        self.heard.lock().unwrap().clone()
    }

    async fn delete_stream(&self) {
        self.nats.jetstream().delete_stream(self.log.stream_name()).await.unwrap();
    }
}

#[tokio::test]
async fn events_go_over_the_server_once_and_in_order() {
    on_both(|engine| async move {
        let Some(s) = Apart::on(&engine).await else { return };
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 0, "no stream yet is nothing to read");
        for n in 0..250 {
            say(&s.publisher, n).await;
        }
        assert_eq!(s.forward().await, 250);
        assert_eq!(s.forward().await, 0, "nothing is forwarded twice");
        assert_eq!(s.consumer.status(&s.log).await.unwrap().behind, 250);
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 250);
        for n in 250..260 {
            say(&s.publisher, n).await;
        }
        assert_eq!(s.forwarder(StreamLimits::default()).behind().await.unwrap(), 10);
        assert_eq!(s.forward().await, 10);
        assert_eq!(s.forwarder(StreamLimits::default()).behind().await.unwrap(), 0);
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 10);
        assert_eq!(s.heard(), (0..260).collect::<Vec<_>>(), "{}", engine.name());
        let (direct, carried) = (Outbox::new("speaker", s.publisher.clone()), s.log.read(0, 300).await.unwrap());
        assert_eq!(direct.read(0, 300).await.unwrap(), carried, "the same events at the same positions");
    })
    .await;
}

#[tokio::test]
async fn several_forwarders_at_once_leave_one_order() {
    on_both(|engine| async move {
        let Some(s) = Apart::on(&engine).await else { return };
        let stop = CancellationToken::new();
        let forwarders: Vec<_> = (0..4)
            .map(|_| tokio::spawn(Arc::new(s.forwarder(StreamLimits::default())).run(Faults::default(), stop.clone())))
            .collect();
        for n in 0..400 {
            say(&s.publisher, n).await;
        }
        until("all are in the stream", async || s.log.last().await.unwrap_or(0) >= 400).await;
        stop.cancel();
        for forwarder in forwarders {
            forwarder.await.unwrap();
        }
        let stands = s.log.read(0, 1_000).await.unwrap();
        assert_eq!(stands.len(), 400, "{}", engine.name());
        assert!((1..).zip(&stands).all(|(position, event)| event.position == position));
    })
    .await;
}

#[tokio::test]
async fn several_listeners_at_once_take_each_event_once_and_in_order() {
    on_both(|engine| async move {
        let Some(s) = Apart::on(&engine).await else { return };
        for n in 0..200 {
            say(&s.publisher, n).await;
        }
        s.forward().await;
        let stop = CancellationToken::new();
        let log = || Arc::new(StreamLog::new("speaker", s.nats.clone()));
        let listeners: Vec<_> =
            (0..3).map(|_| tokio::spawn(s.consumer.clone().run(log(), Faults::default(), stop.clone()))).collect();
        until("all are heard", async || s.consumer.status(&s.log).await.unwrap().behind == 0).await;
        stop.cancel();
        for listener in listeners {
            listener.await.unwrap();
        }
        assert_eq!(s.heard(), (0..200).collect::<Vec<_>>(), "{}", engine.name());
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_was_lost_is_filled_again_and_nothing_takes_effect_twice() {
    on_both(|engine| async move {
        let Some(s) = Apart::on(&engine).await else { return };
        for n in 0..20 {
            say(&s.publisher, n).await;
        }
        s.forward().await;
        s.consumer.catch_up(&s.log).await.unwrap();
        s.delete_stream().await;
        for n in 20..25 {
            say(&s.publisher, n).await;
        }
        assert_eq!(s.forward().await, 25, "all that the outbox has");
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 5);
        assert_eq!(s.heard(), (0..25).collect::<Vec<_>>(), "{}", engine.name());
        // A server that lost the end of its stream with its power is given it again.
        let stream = s.nats.jetstream().get_stream(s.log.stream_name()).await.unwrap();
        stream.delete_message(25).await.unwrap();
        s.delete_stream().await;
        let forwarder = s.forwarder(StreamLimits::default());
        assert_eq!(forwarder.forward().await.unwrap(), 25);
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_follower_that_was_away_too_long_is_told_and_loses_nothing() {
    let engine = testing::sqlite();
    let Some(s) = Apart::on(&engine).await else { return };
    say(&s.publisher, 0).await;
    s.forward().await;
    s.consumer.catch_up(&s.log).await.unwrap();
    // The bound on bytes is crossed: the oldest events leave the stream.
    for n in 1..40 {
        say_at_length(&s.publisher, n, 1_000).await;
    }
    let small = StreamLimits { bytes_max: 20_000, ..StreamLimits::default() };
    s.delete_stream().await;
    s.forwarder(small).forward().await.unwrap();
    let lost = s.consumer.catch_up(&s.log).await.unwrap_err();
    assert!(matches!(lost, LogError::Gap { wanted: 2, oldest, .. } if oldest > 2), "{lost}");
    assert_eq!(s.heard(), [0], "nothing is passed over");
    s.delete_stream().await;
    s.forward().await;
    s.consumer.catch_up(&s.log).await.unwrap();
    assert_eq!(s.heard(), (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_somebody_else_wrote_into_the_stream_is_not_taken_for_an_event() {
    let engine = testing::sqlite();
    let Some(s) = Apart::on(&engine).await else { return };
    say(&s.publisher, 0).await;
    s.forward().await;
    let subject = format!("{}.events.speaker.test.said", s.nats.prefix());
    s.nats.jetstream().publish(subject, "hello".into()).await.unwrap().await.unwrap();
    let error = s.consumer.catch_up(&s.log).await.unwrap_err();
    assert!(matches!(error, LogError::Foreign { sequence: 2, .. }), "{error}");
    say(&s.publisher, 1).await;
    let error = s.forwarder(StreamLimits::default()).forward().await.unwrap_err();
    assert!(matches!(error, LogError::Foreign { sequence: 2, .. }), "{error}");
    // An operator deletes the stream; its publisher fills it again.
    s.delete_stream().await;
    s.forward().await;
    s.consumer.catch_up(&s.log).await.unwrap();
    assert_eq!(s.heard(), [0, 1]);
}

#[tokio::test]
async fn a_running_pair_wakes_by_itself() {
    on_both(|engine| async move {
        let Some(s) = Apart::on(&engine).await else { return };
        let stop = CancellationToken::new();
        let forwarder =
            tokio::spawn(Arc::new(s.forwarder(StreamLimits::default())).run(Faults::default(), stop.clone()));
        let log = Arc::new(StreamLog::new("speaker", s.nats.clone()));
        let listener = tokio::spawn(s.consumer.clone().run(log, Faults::default(), stop.clone()));
        for n in 0..5 {
            say(&s.publisher, n).await;
            until("it is heard", async || s.heard().len() as u64 > n).await;
        }
        stop.cancel();
        forwarder.await.unwrap();
        listener.await.unwrap();
    })
    .await;
}
