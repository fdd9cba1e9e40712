//! Events: in order, once, parked when they cannot be taken, none skipped; on both engines.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sanbao_platform::bus::{ConsumeError, Consumer, Event, Faults, Handler, LogError, Outbox, publish};
use sanbao_platform::db::Db;
use sanbao_platform::testing::{TestEngine, on_both, until};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::speaker::{NONE, SUBJECT, listener, now};

async fn say(db: &Db, n: u32) {
    let mut tx = db.begin().await.unwrap();
    publish(&mut tx, now(), "test.said", SUBJECT, &json!({ "n": n })).await.unwrap();
    tx.commit().await.unwrap();
}

struct Setup {
    publisher: Db,
    log: Outbox,
    consumer: Consumer,
    heard: Arc<Mutex<Vec<u32>>>,
}

/// A consumer that hears numbers; `fail` may refuse one.
async fn setup(engine: &TestEngine, fail: impl Fn(u32) -> Option<ConsumeError> + Send + Sync + 'static) -> Setup {
    let publisher = engine.database("speaker", &NONE).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (ears, fail) = (Arc::clone(&heard), Arc::new(fail));
    let handler: Handler = Arc::new(move |_tx, event: &Event| {
        let (ears, fail) = (Arc::clone(&ears), Arc::clone(&fail));
        let n = u32::try_from(event.data["n"].as_u64().unwrap()).unwrap();
        Box::pin(async move {
            if let Some(error) = fail(n) {
                return Err(error);
            }
            ears.lock().unwrap().push(n);
            Ok(())
        })
    });
    let consumer = listener(engine, handler).await;
    Setup { log: Outbox::new("speaker", publisher.clone()), publisher, consumer, heard }
}

#[tokio::test]
async fn events_take_effect_once_in_order_and_go_on_after_a_restart() {
    on_both(|engine| async move {
        let s = setup(&engine, |_| None).await;
        for n in 0..250 {
            say(&s.publisher, n).await;
        }
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 250);
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 0, "nothing twice");
        for n in 250..260 {
            say(&s.publisher, n).await;
        }
        let restarted = Consumer { handler: Arc::clone(&s.consumer.handler), ..s.consumer.clone() };
        assert_eq!(restarted.catch_up(&s.log).await.unwrap(), 10);
        assert_eq!(*s.heard.lock().unwrap(), (0..260).collect::<Vec<_>>(), "{}", engine.name());
        assert_eq!(restarted.status(&s.log).await.unwrap().behind, 0);
    })
    .await;
}

#[tokio::test]
async fn a_redelivered_event_is_dropped_by_the_inbox() {
    on_both(|engine| async move {
        let s = setup(&engine, |_| None).await;
        say(&s.publisher, 1).await;
        s.consumer.catch_up(&s.log).await.unwrap();
        // As after a crash between effect and cursor in another process: the cursor goes back.
        let mut tx = s.consumer.db.begin().await.unwrap();
        sanbao_platform::on!(tx, |c| sqlx::query("update inbox_cursor set position = 0").execute(c).await.map(drop))
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 0);
        assert_eq!(*s.heard.lock().unwrap(), [1]);
    })
    .await;
}

#[tokio::test]
async fn what_can_never_be_taken_is_parked_and_the_next_goes_on() {
    on_both(|engine| async move {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let s = setup(&engine, move |n| match n {
            2 => Some(ConsumeError::Reject("no such thing".into())),
            3 if counted.fetch_add(1, Ordering::SeqCst) < 2 => Some(ConsumeError::Retry("not now".into())),
            _ => None,
        })
        .await;
        for n in 1..=4 {
            say(&s.publisher, n).await;
        }
        s.consumer.catch_up(&s.log).await.unwrap();
        assert_eq!(*s.heard.lock().unwrap(), [1, 3, 4], "{}", engine.name());
        assert_eq!(tries.load(Ordering::SeqCst), 3, "tried again until it went");
        let status = s.consumer.status(&s.log).await.unwrap();
        assert_eq!((status.behind, status.parked), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn an_event_waits_for_what_is_down_and_is_not_blamed_for_it() {
    on_both(|engine| async move {
        let down = Arc::new(AtomicU32::new(20));
        let left = Arc::clone(&down);
        let s = setup(&engine, move |_| {
            let one_less = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            one_less.is_ok().then(|| ConsumeError::Unavailable("away".into()))
        })
        .await;
        say(&s.publisher, 1).await;
        while down.load(Ordering::SeqCst) > 0 {
            let error = s.consumer.catch_up(&s.log).await.unwrap_err();
            assert!(matches!(error, LogError::Unavailable(_)), "{error}");
        }
        assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 1);
        let status = s.consumer.status(&s.log).await.unwrap();
        assert_eq!((status.behind, status.parked), (0, 0), "{}", engine.name());
        assert!(matches!(ConsumeError::from(sqlx::Error::PoolTimedOut), ConsumeError::Unavailable(_)));
        assert!(matches!(ConsumeError::from(sqlx::Error::RowNotFound), ConsumeError::Retry(_)));
    })
    .await;
}

/// A transaction that writes its event early and commits late must not be passed by the cursor.
#[tokio::test]
async fn an_event_that_commits_late_is_not_skipped() {
    on_both(|engine| async move {
        let s = setup(&engine, |_| None).await;
        let concurrent = engine.name() == "postgres";
        let mut late = s.publisher.begin().await.unwrap();
        publish(&mut late, now(), "test.said", SUBJECT, &json!({ "n": 1 })).await.unwrap();
        if concurrent {
            say(&s.publisher, 2).await;
            assert_eq!(s.consumer.catch_up(&s.log).await.unwrap(), 1);
        }
        late.commit().await.unwrap();
        if !concurrent {
            say(&s.publisher, 2).await;
        }
        s.consumer.catch_up(&s.log).await.unwrap();
        let mut heard = s.heard.lock().unwrap().clone();
        heard.sort_unstable();
        assert_eq!(heard, [1, 2], "{}", engine.name());
    })
    .await;
}

#[tokio::test]
async fn a_running_consumer_wakes_by_itself_and_stops_when_told() {
    on_both(|engine| async move {
        let s = setup(&engine, |_| None).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(s.consumer.clone().run(Arc::new(s.log.clone()), Faults::default(), stop.clone()));
        say(&s.publisher, 1).await;
        until("it is heard", async || !s.heard.lock().unwrap().is_empty()).await;
        stop.cancel();
        running.await.unwrap();
    })
    .await;
}
