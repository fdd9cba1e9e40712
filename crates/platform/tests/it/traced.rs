//! A trace goes on through an event, in one process and over the server, with no collector to tell.

use std::sync::{Arc, Mutex};

use sanbao_platform::bus::{Event, EventLog, Forwarder, Handler, Outbox, StreamLimits, StreamLog, publish};
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::telemetry::trace::{TraceContext, current};
use sanbao_platform::testing::{self, TestEngine, on_both};
use serde_json::json;

use crate::speaker::{NONE, SUBJECT, listener, now};

const CAUSE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn say(tx: &mut Tx, n: u64) {
    publish(tx, now(), "test.said", SUBJECT, &json!({ "n": n })).await.unwrap();
}

/// One event with a cause, and one without.
async fn said(engine: &TestEngine) -> Db {
    let publisher = engine.database("speaker", &NONE).await;
    let cause: TraceContext = CAUSE.parse().unwrap();
    let mut tx = publisher.begin().await.unwrap();
    cause.scope(say(&mut tx, 1)).await;
    say(&mut tx, 2).await;
    tx.commit().await.unwrap();
    publisher
}

/// The listener's events are of the same trace as what caused the ones it heard.
async fn goes_on(engine: &TestEngine, log: &dyn EventLog) {
    let events = log.read(0, 10).await.unwrap();
    let causes: Vec<_> = events.iter().map(|event| event.traceparent.as_deref()).collect();
    assert_eq!(causes, [Some(CAUSE), None], "{}", engine.name());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let handler: Handler = Arc::new(move |tx: &mut Tx, _: &Event| {
        let ears = Arc::clone(&ears);
        Box::pin(async move {
            ears.lock().unwrap().push(current().unwrap());
            say(tx, 3).await;
            Ok(())
        })
    });
    let consumer = listener(engine, handler).await;
    assert_eq!(consumer.catch_up(log).await.unwrap(), 2);
    let (heard, cause) = (heard.lock().unwrap().clone(), CAUSE.parse::<TraceContext>().unwrap());
    assert_eq!(heard[0].trace_id(), cause.trace_id());
    assert_ne!(heard[0], cause, "a span of its own");
    assert_ne!(heard[1].trace_id(), cause.trace_id());
    let told = Outbox::new("listener", consumer.db.clone()).read(0, 10).await.unwrap();
    let passed_on: Vec<_> = told.into_iter().map(|event| event.traceparent.unwrap()).collect();
    assert_eq!(passed_on, heard.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(current(), None);
}

#[tokio::test]
async fn in_one_process() {
    on_both(|engine| async move {
        let publisher = said(&engine).await;
        goes_on(&engine, &Outbox::new("speaker", publisher)).await;
    })
    .await;
}

#[tokio::test]
async fn over_the_server() {
    on_both(|engine| async move {
        let Some(nats) = testing::nats().await else { return };
        let publisher = said(&engine).await;
        let forwarder = Forwarder::new(Outbox::new("speaker", publisher), nats.clone(), StreamLimits::default());
        assert_eq!(forwarder.forward().await.unwrap(), 2);
        goes_on(&engine, &StreamLog::new("speaker", nats)).await;
    })
    .await;
}
