//! Parked events: handed to their consumer once more they take effect once, however many try; dropped they are gone with a reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use sanbao_platform::auth::Actor;
use sanbao_platform::bus::{
    self, ConsumeError, Consumer, Event, Handler, Outbox, ParkedEvent, ParkedId, Retention, Retried, publish,
};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::http::{Ctx, Paging};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::testing::{self, PATIENCE, Person, TestEngine, eventually, on_both, until};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::speaker::{NONE, SUBJECT, listener, now};

const WELL: u32 = 0;
const REFUSES: u32 = 1;
const AWAY: u32 = 2;
/// The event that comes after the first is in the midst of taking effect.
const SLOW: u32 = 3;

const BACK: &str = "update inbox_cursor set position = 0, event_id = null";
const REASON: &str = "select reason from history where aggregate = 'parked_event' and id = $1 and actor is not null";
const FORGET_PLACES: &str = "update parked_event set position = null";
const FORGET_TAKEN: &str = "delete from inbox";
const OF_ANOTHER: &str = "update parked_event set consumer = 'former'";
const WAITING: &str = "select count(*) from pg_locks where not granted and pid in
    (select pid from pg_stat_activity where datname = current_database())";
const OPEN: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction' and query like '%into inbox %'";
const ROWS: &str = "select action, outcome from audit where actor is not null order by outcome desc";

#[derive(Deserialize)]
struct Said {
    n: u32,
}

/// A consumer whose effect is an event of its own, and which refuses while `fault` says so.
struct House {
    publisher: Db,
    log: Outbox,
    consumer: Consumer,
    fault: Arc<AtomicU32>,
    ctx: Ctx,
}

impl House {
    async fn of(engine: &TestEngine) -> Self {
        let publisher = engine.database("speaker", &NONE).await;
        let fault = Arc::new(AtomicU32::new(REFUSES));
        let state = Arc::clone(&fault);
        let handler: Handler = Arc::new(move |tx, event: &Event| {
            let state = Arc::clone(&state);
            Box::pin(async move {
                let said: Said = event.read()?;
                match state.load(Ordering::SeqCst) {
                    REFUSES if said.n == 1 => return Err(ConsumeError::Reject("no such thing".into())),
                    AWAY => return Err(ConsumeError::Unavailable("away".into())),
                    SLOW if said.n > 1 => let_go(&state).await,
                    _ => {}
                }
                Ok(publish(tx, now(), "test.heard", SUBJECT, &json!({ "n": said.n })).await?)
            })
        });
        let consumer = listener(engine, handler).await;
        let person = Person::new(Uuid::from_u128(9), OrganisationId(Uuid::from_u128(8)), &["administrator"], "周敏");
        let ctx = Ctx::new(Actor::from(person.claims()), Clock::manual(now()), "request");
        Self { log: Outbox::new("speaker", publisher.clone()), publisher, consumer, fault, ctx }
    }

    async fn tell(&self, data: serde_json::Value) {
        let mut tx = self.publisher.begin().await.unwrap();
        publish(&mut tx, now(), "test.said", SUBJECT, &data).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn say(&self, data: serde_json::Value) {
        self.tell(data).await;
        self.consumer.catch_up(&self.log).await.unwrap();
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        bus::parked(&self.consumer.db, &Paging::default(), self.noted_since()).await.unwrap().items
    }

    fn noted_since(&self) -> DateTime<Utc> {
        Retention::default().noted_since(self.ctx.now())
    }

    async fn only(&self) -> (ParkedEvent, Uuid) {
        let mut all = self.parked().await;
        assert_eq!(all.len(), 1, "{all:?}");
        let one = all.remove(0);
        let ParkedId { consumer, event } = one.id.parse().unwrap();
        assert_eq!(consumer, self.consumer.name);
        (one, event)
    }

    async fn retry(&self, event: Uuid, although_later: bool) -> Retried {
        self.consumer.retry(&self.ctx, event, although_later, self.noted_since()).await.unwrap()
    }

    async fn change(&self, statement: &'static str) {
        let mut tx = self.consumer.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }

    /// The numbers that took effect, in their order.
    async fn effects(&self) -> Vec<i64> {
        let heard = Outbox::new("listener", self.consumer.db.clone()).read(0, 100).await.unwrap();
        heard.into_iter().map(|event| event.data["n"].as_i64().unwrap()).collect()
    }

    /// Action and outcome of what was written down.
    async fn audited(&self) -> Vec<(String, String)> {
        let mut conn = self.consumer.db.read().await.unwrap();
        on!(conn, |c| sqlx::query_as(ROWS).fetch_all(c).await).unwrap()
    }
}

/// Waits until nothing is slow any more.
async fn let_go(state: &AtomicU32) {
    let go = async {
        while state.load(Ordering::SeqCst) == SLOW {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, go).await.unwrap();
}

fn row(action: &str, outcome: &str) -> (String, String) {
    (action.to_owned(), outcome.to_owned())
}

#[tokio::test]
async fn one_whose_cause_was_mended_takes_effect_once() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        house.say(json!({ "n": 1 })).await;
        let (parked, event) = house.only().await;
        assert_eq!((parked.cause.as_str(), parked.attempts, parked.later), ("no such thing", 1, Some(0)));
        assert_eq!((parked.kind.as_str(), parked.subject), ("test.said", SUBJECT));
        let refused = house.retry(event, false).await;
        assert_eq!(refused, Retried::Refused { cause: "no such thing".to_owned(), attempts: 2 });
        assert_eq!(refused.answer().unwrap_err().kind().slug, "event-not-taken");
        assert_eq!((house.only().await.0.attempts, house.effects().await), (2, vec![]));
        house.fault.store(WELL, Ordering::SeqCst);
        assert_eq!(house.retry(event, false).await, Retried::Taken);
        assert_eq!((house.parked().await, house.effects().await), (vec![], vec![1]), "{}", engine.name());
        assert_eq!(house.retry(event, false).await, Retried::Gone, "a repeat");
        assert_eq!(house.effects().await, [1]);
        assert_eq!(house.consumer.status(&house.log).await.unwrap().parked, 0);
        let retry = "parked_event.retry";
        assert_eq!(house.audited().await, [row(retry, "failed"), row(retry, "done")]);
    })
    .await;
}

#[tokio::test]
async fn several_that_retry_it_at_once_give_it_one_effect() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        house.say(json!({ "n": 1 })).await;
        let (_, event) = house.only().await;
        house.fault.store(WELL, Ordering::SeqCst);
        let outcomes = join_all((0..8).map(|_| house.retry(event, false))).await;
        let of = |wanted: Retried| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((of(Retried::Taken), of(Retried::Gone)), (1, 7), "{outcomes:?}");
        assert_eq!((house.effects().await, house.parked().await), (vec![1], vec![]), "{}", engine.name());
    })
    .await;
}

#[tokio::test]
async fn one_that_took_effect_by_another_way_is_only_taken_off_the_list() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        house.say(json!({ "n": 1 })).await;
        let (_, event) = house.only().await;
        house.fault.store(WELL, Ordering::SeqCst);
        // As after a restore of an older database: the log is heard again.
        house.change(BACK).await;
        assert_eq!(house.consumer.catch_up(&house.log).await.unwrap(), 1);
        assert_eq!(house.retry(event, false).await, Retried::Taken);
        assert_eq!((house.effects().await, house.parked().await), (vec![1], vec![]));
    })
    .await;
}

#[tokio::test]
async fn one_that_later_ones_overtook_is_taken_only_when_somebody_says_so() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        for n in [1, 2, 3] {
            house.say(json!({ "n": n })).await;
        }
        let (parked, event) = house.only().await;
        assert_eq!((parked.later, house.effects().await), (Some(2), vec![2, 3]));
        house.fault.store(WELL, Ordering::SeqCst);
        let overtaken = house.retry(event, false).await;
        assert_eq!(overtaken, Retried::Overtaken { later: Some(2) });
        assert_eq!(overtaken.answer().unwrap_err().kind().slug, "later-event-taken");
        assert_eq!((house.parked().await.len(), house.effects().await), (1, vec![2, 3]), "nothing has changed");
        assert_eq!(house.retry(event, true).await, Retried::Taken);
        assert_eq!((house.parked().await.len(), house.effects().await), (0, vec![2, 3, 1]));
    })
    .await;
}

#[tokio::test]
async fn one_that_is_retried_while_a_later_one_takes_effect_waits_and_sees_it() {
    // On SQLite one writer is enough.
    let Some(engine) = testing::postgres().await else { return };
    let house = House::of(&engine).await;
    house.say(json!({ "n": 1 })).await;
    let (_, event) = house.only().await;
    house.fault.store(SLOW, Ordering::SeqCst);
    house.tell(json!({ "n": 2 })).await;
    let waiting = async || {
        let mut conn = house.consumer.db.read().await.unwrap();
        let waiting: i64 = on!(conn, |c| sqlx::query_scalar(WAITING).fetch_one(c).await).unwrap();
        waiting
    };
    let later = async { house.consumer.catch_up(&house.log).await.unwrap() };
    let retried = async {
        eventually("the later one is being taken", async || is_taking(&house).await.then_some(())).await;
        house.retry(event, false).await
    };
    let released = async {
        // Where nobody waits, the retry is done without having seen the later one.
        until("the retry waits or is done", async || waiting().await > 0 || house.parked().await.is_empty()).await;
        house.fault.store(WELL, Ordering::SeqCst);
    };
    let (_, retried, ()) = tokio::join!(later, retried, released);
    assert_eq!(retried, Retried::Overtaken { later: Some(1) });
    assert_eq!((house.parked().await.len(), house.effects().await), (1, vec![2]));
}

#[tokio::test]
async fn one_of_which_no_later_one_is_known_is_not_said_to_have_none() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        for n in [1, 2] {
            house.say(json!({ "n": n })).await;
        }
        let (_, event) = house.only().await;
        house.fault.store(WELL, Ordering::SeqCst);
        // Retention has forgotten the later one.
        house.change(FORGET_TAKEN).await;
        let later = Retention::default().noted_since(now()) + TimeDelta::days(91);
        let parked = bus::parked(&house.consumer.db, &Paging::default(), later).await.unwrap().items;
        assert_eq!(parked[0].later, None);
        let unknown = house.consumer.retry(&house.ctx, event, false, later).await.unwrap();
        assert_eq!(unknown, Retried::Overtaken { later: None });
        assert_eq!(unknown.answer().unwrap_err().kind().slug, "later-event-taken");
        // It was parked before places were noted.
        house.change(FORGET_PLACES).await;
        assert_eq!(house.only().await.0.later, None);
        assert_eq!(house.retry(event, false).await, Retried::Overtaken { later: None });
        assert_eq!(house.retry(event, true).await, Retried::Taken);
    })
    .await;
}

/// Whether a transaction of the consumer stands open within its handler.
async fn is_taking(house: &House) -> bool {
    let mut conn = house.consumer.db.read().await.unwrap();
    let open: i64 = on!(conn, |c| sqlx::query_scalar(OPEN).fetch_one(c).await).unwrap();
    open > 0
}

#[tokio::test]
async fn nothing_is_blamed_on_an_event_while_something_is_down() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        house.say(json!({ "n": 1 })).await;
        let (before, event) = house.only().await;
        house.fault.store(AWAY, Ordering::SeqCst);
        let outcome = house.retry(event, false).await;
        assert_eq!(outcome, Retried::Unavailable("away".to_owned()));
        assert_eq!(outcome.answer().unwrap_err().kind().slug, "unavailable");
        assert_eq!((house.only().await.0, house.audited().await), (before, vec![]));
    })
    .await;
}

#[tokio::test]
async fn a_dropped_one_is_gone_and_its_reason_stays() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        house.say(json!({ "n": "陈桂香" })).await;
        let (parked, event) = house.only().await;
        assert!(!parked.cause.contains('陈') && parked.cause.contains("test.said"), "{}", parked.cause);
        // The release that parked it had another consumer.
        house.change(OF_ANOTHER).await;
        let id = ParkedId { consumer: "former".to_owned(), event };
        let dropped =
            async || bus::drop_parked(&house.consumer.db, &house.ctx, &id, "两边已手工登记".to_owned()).await.unwrap();
        assert!(dropped().await);
        assert!(!dropped().await, "a repeat");
        house.fault.store(WELL, Ordering::SeqCst);
        assert_eq!(house.retry(event, true).await, Retried::Gone);
        assert_eq!((house.parked().await, house.effects().await), (vec![], vec![]));
        assert_eq!(house.audited().await, [row("parked_event.drop", "done")]);
        let mut conn = house.consumer.db.read().await.unwrap();
        let reason: String = on!(conn, |c| sqlx::query_scalar(REASON).bind(event).fetch_one(c).await).unwrap();
        assert_eq!(reason, "两边已手工登记");
    })
    .await;
}

#[tokio::test]
async fn a_list_goes_on_behind_its_pages() {
    on_both(|engine| async move {
        let house = House::of(&engine).await;
        for _ in 0..5 {
            house.say(json!({ "n": 1 })).await;
        }
        let (mut ids, mut paging) = (Vec::new(), Paging { after: None, limit: Some(2) });
        loop {
            let page = bus::parked(&house.consumer.db, &paging, house.noted_since()).await.unwrap();
            ids.extend(page.items.into_iter().map(|parked| parked.id));
            let Some(next) = page.next else { break };
            paging.after = Some(next);
        }
        let whole: Vec<_> = house.parked().await.into_iter().map(|parked| parked.id).collect();
        assert_eq!((ids.len(), &ids), (5, &whole));
        let none = Paging { after: None, limit: Some(0) };
        let refused: Problem = bus::parked(&house.consumer.db, &none, house.noted_since()).await.unwrap_err();
        assert_eq!(refused.kind().slug, "invalid");
    })
    .await;
}
