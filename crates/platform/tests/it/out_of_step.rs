//! Databases and streams of different times: a reader never goes on in a log that is not the one that it has heard.
use std::sync::{Arc, Mutex};

use sanbao_platform::bus::{
    Consumer, Event, EventLog as _, Faults, Forwarder, Handler, LogError, Outbox, StreamLimits,
};
use sanbao_platform::bus::{StreamLog, publish};
use sanbao_platform::db::Db;
use sanbao_platform::testing::{self, TestEngine, on_both, until};
use sanbao_platform::{on, testing::eventually};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::speaker::{NONE, SUBJECT, listener, now};

/// Makes of the publisher's database an older copy.
const TAKE_BACK: &str = "delete from outbox where position > $1";
const FORGET: &str = "delete from outbox where position <= $1";

async fn say(db: &Db, numbers: std::ops::Range<u64>) {
    let mut tx = db.begin().await.unwrap();
    for n in numbers {
        publish(&mut tx, now(), "test.said", SUBJECT, &json!({ "n": n })).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn change(db: &Db, statement: &'static str, position: i64) {
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(statement).bind(position).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

struct Pair {
    speaker: Db,
    log: Outbox,
    consumer: Consumer,
    heard: Arc<Mutex<Vec<u64>>>,
}

impl Pair {
    /// Seven things were said and heard.
    async fn on(engine: &TestEngine) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let handler: Handler = Arc::new(move |_tx, event: &Event| {
            ears.lock().unwrap().push(event.data["n"].as_u64().unwrap());
            Box::pin(std::future::ready(Ok(())))
        });
        let consumer = listener(engine, handler).await;
        let speaker = engine.database("speaker", &NONE).await;
        let log = Outbox::new("speaker", speaker.clone());
        say(&speaker, 0..7).await;
        consumer.catch_up(&log).await.unwrap();
        Self { speaker, log, consumer, heard }
    }

    async fn refused(&self, cause: &str) {
        let at_start = self.consumer.fits(&self.log).await.unwrap_err();
        let running = self.consumer.catch_up(&self.log).await.unwrap_err();
        for error in [at_start, running] {
            assert!(matches!(error, LogError::OutOfStep { reader: "listener", publisher: "speaker", .. }), "{error}");
            assert!(error.to_string().contains(cause), "{error}");
            assert!(error.wants_a_person());
        }
        assert_eq!(self.heard.lock().unwrap().len(), 7, "nothing was taken");
    }
}

#[tokio::test]
async fn a_log_that_is_shorter_than_what_was_heard_is_refused_and_so_is_one_that_has_grown_again() {
    on_both(|engine| async move {
        let pair = Pair::on(&engine).await;
        pair.consumer.fits(&pair.log).await.unwrap();
        change(&pair.speaker, TAKE_BACK, 4).await;
        pair.refused("event 7 was heard, and event 4 is the newest").await;
        say(&pair.speaker, 10..12).await;
        pair.refused("event 7 was heard, and event 6 is the newest").await;
        say(&pair.speaker, 12..13).await;
        pair.refused("event 7 was heard, and is another one now").await;
        say(&pair.speaker, 13..20).await;
        pair.refused("event 7 was heard, and another one stands in its place").await;
        let status = pair.consumer.status(&pair.log).await.unwrap();
        assert_eq!(status.behind, 7, "{status:?}");
    })
    .await;
}

#[tokio::test]
async fn an_empty_log_is_not_one_that_says_nothing_new() {
    on_both(|engine| async move {
        let pair = Pair::on(&engine).await;
        change(&pair.speaker, TAKE_BACK, 0).await;
        pair.refused("event 7 was heard, and none was ever told").await;
        assert_eq!(pair.consumer.status(&pair.log).await.unwrap().behind, 0);
    })
    .await;
}

#[tokio::test]
async fn an_older_reader_hears_again_what_is_kept_and_is_refused_beyond_that() {
    on_both(|engine| async move {
        let pair = Pair::on(&engine).await;
        let before: &str = "update inbox_cursor set position = $1, event_id = null";
        let older = async |position: i64| {
            change(&pair.consumer.db, "delete from inbox where $1 >= 0", position).await;
            change(&pair.consumer.db, before, position).await;
        };
        older(3).await;
        pair.consumer.fits(&pair.log).await.unwrap();
        assert_eq!(pair.consumer.catch_up(&pair.log).await.unwrap(), 4, "brought into step");
        assert_eq!(*pair.heard.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 3, 4, 5, 6]);
        older(3).await;
        change(&pair.speaker, FORGET, 5).await;
        let error = pair.consumer.catch_up(&pair.log).await.unwrap_err();
        assert!(matches!(error, LogError::Forgotten { wanted: 4, last: 5, .. }), "{error}");
        assert!(pair.consumer.fits(&pair.log).await.unwrap_err().wants_a_person());
    })
    .await;
}

#[tokio::test]
async fn a_running_reader_says_that_it_has_stopped_and_goes_on_when_the_right_log_is_back() {
    on_both(|engine| async move {
        let pair = Pair::on(&engine).await;
        change(&pair.consumer.db, "update inbox_cursor set position = position + $1, event_id = null", 1).await;
        let (faults, stop) = (Faults::default(), CancellationToken::new());
        let log = Arc::new(pair.log.clone());
        let running = tokio::spawn(pair.consumer.clone().run(log, faults.clone(), stop.clone()));
        let cause = eventually("it says so", async || faults.all().remove(&("listener", "speaker"))).await;
        assert!(cause.contains("event 8 was heard, and event 7 is the newest"), "{cause}");
        say(&pair.speaker, 7..9).await;
        until("it goes on", async || faults.all().is_empty()).await;
        until("and hears", async || pair.heard.lock().unwrap().last() == Some(&8)).await;
        stop.cancel();
        running.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_newer_than_its_outbox_is_refused_by_its_publisher_and_by_readers() {
    on_both(|engine| async move {
        let Some(nats) = testing::nats().await else { return };
        let pair = Pair::on(&engine).await;
        let forwarder = || Forwarder::new(pair.log.clone(), nats.clone(), StreamLimits::default());
        let stream = StreamLog::new("speaker", nats.clone());
        assert_eq!(forwarder().forward().await.unwrap(), 7);
        pair.consumer.fits(&stream).await.unwrap();
        change(&pair.speaker, TAKE_BACK, 4).await;
        let refused = async |cause: &str| {
            let error = forwarder().forward().await.unwrap_err();
            assert!(matches!(error, LogError::OutOfStep { publisher: "speaker", .. }), "{error}");
            assert!(error.to_string().contains(cause), "{error}");
        };
        refused("the stream ends with event 7, and event 4 is the newest of the outbox").await;
        say(&pair.speaker, 20..26).await;
        assert_eq!(pair.log.last().await.unwrap(), 10);
        refused("event 7 of the stream is another one in the outbox").await;
        assert_eq!(stream.read(0, 100).await.unwrap().len(), 7, "nothing was appended");

        // Somebody deletes the stream, and it is filled by the older database: readers see that it is another log.
        nats.jetstream().delete_stream(stream.stream_name()).await.unwrap();
        assert_eq!(forwarder().forward().await.unwrap(), 10);
        let other = StreamLog::new("speaker", nats.clone());
        let error = pair.consumer.catch_up(&other).await.unwrap_err();
        assert!(error.to_string().contains("another one stands in its place"), "{error}");
        assert_eq!(pair.heard.lock().unwrap().len(), 7);

        let (faults, stop) = (Faults::default(), CancellationToken::new());
        change(&pair.speaker, TAKE_BACK, 5).await;
        let running = tokio::spawn(Arc::new(forwarder()).run(faults.clone(), stop.clone()));
        let told = || faults.all().contains_key(&("the event stream", "speaker"));
        until("the publisher says so", async || told()).await;
        stop.cancel();
        running.await.unwrap();
    })
    .await;
}
