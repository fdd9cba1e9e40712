//! Facts on both engines: once however many nodes write them, and read again when the room is opened.
#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::bus::Outbox;
use sanbao_platform::testing::on_both;
use uuid::Uuid;

use super::*;
use crate::id::{Digest, Epoch, PersonId};
use crate::log::Position;
use crate::role::Role;
use crate::room::{Binding, Past, PastChat, Removal};
use crate::{MIGRATIONS, NAME};

const CONSULT: ConsultId = ConsultId(Uuid::from_u128(7));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn removal(number: u32) -> Removal {
    Removal { removal: number, person: person(3), name: "x".into(), by: person(1), at: at(i64::from(number)) }
}

fn chat(n: u32) -> Fact {
    let (name, text) = ("王护理".into(), format!("第{n}句").into());
    Fact::Chat { n, person: person(1), name, role: Role::Host, at: at(100 + i64::from(n)), text }
}

/// A visit's facts, by position.
fn visit() -> Vec<Item> {
    let binding = Binding { ticket: Uuid::from_u128(9), device: Digest::of(b"device") };
    let facts = [
        Fact::Bound { binding, person: person(1), at: at(0) },
        Fact::Attendance { person: person(1), role: Role::Host, joined: true, at: at(0) },
        Fact::Started { at: at(1) },
        Fact::Removed(removal(1)),
        Fact::Removed(removal(2)),
        Fact::Lifted { removal: 1, by: person(1), at: at(5) },
        chat(1),
        chat(2),
        Fact::Together { together_seconds: 61, at: at(200) },
    ];
    let id = |n: u64| FactId { epoch: Epoch(Uuid::from_u128(5)), position: Position(n), index: 0 };
    (1..).zip(facts).map(|(n, fact)| Item::Fact(Record { id: id(n), consult: CONSULT, fact })).collect()
}

#[tokio::test]
async fn what_every_node_writes_is_there_once() {
    on_both(|engine| async move {
        let db = engine.database(NAME, &MIGRATIONS).await;
        for node in 0..3 {
            for batch in visit().chunks(2 + node) {
                write(&db, batch, true).await.unwrap();
            }
        }
        let events = Outbox::new(NAME, db).read(0, 100).await.unwrap();
        let kinds: Vec<&str> = events.iter().map(|e| e.kind.strip_prefix("signalling.consult.").unwrap()).collect();
        assert_eq!(kinds, ["attendance", "started", "removed", "removed", "lifted", "chat", "chat"]);
        assert_eq!(events[5].data["text"], "第1句");
    })
    .await;
}

#[tokio::test]
async fn a_room_that_is_opened_again_knows_what_was_decided_and_said() {
    on_both(|engine| async move {
        let db = engine.database(NAME, &MIGRATIONS).await;
        assert_eq!(past(&mut db.read().await.unwrap(), CONSULT).await.unwrap(), Past::default());
        write(&db, &visit(), false).await.unwrap();
        let line =
            |n: u32| PastChat {
                n, name: "王护理".into(), at: at(100 + i64::from(n)), text: format!("第{n}句").into()
            };
        let known = past(&mut db.read().await.unwrap(), CONSULT).await.unwrap();
        let expected = Past {
            started_at: Some(at(1)),
            finished: false,
            together_seconds: 61,
            removed: vec![removal(2)],
            removals: 2,
            bound: vec![Binding { ticket: Uuid::from_u128(9), device: Digest::of(b"device") }],
            revoked: Vec::new(),
            chat: vec![line(1), line(2)],
        };
        assert_eq!(known, expected);
        assert_eq!(past(&mut db.read().await.unwrap(), ConsultId(Uuid::from_u128(8))).await.unwrap(), Past::default());
    })
    .await;
}

#[tokio::test]
async fn what_the_database_never_takes_keeps_nothing_else_from_being_written() {
    on_both(|engine| async move {
        let postgres = engine.name() == "postgres";
        let db = engine.database(NAME, &MIGRATIONS).await;
        let mut batch = visit();
        let Item::Fact(Record { fact: Fact::Chat { text, .. }, .. }) = &mut batch[6] else { panic!("the first chat") };
        *text = "a\0b".into(); // refused by jsonb, kept by SQLite
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, write_until_done(&db, &batch, true)).await.unwrap();
        let events = Outbox::new(NAME, db.clone()).read(0, 100).await.unwrap();
        let said = events.iter().filter(|e| e.kind.ends_with("chat")).map(|e| e.data["text"].as_str().unwrap());
        let expected: &[&str] = if postgres { &["第2句"] } else { &["a\0b", "第2句"] };
        assert_eq!(said.collect::<Vec<_>>(), expected);
        assert_eq!(events.len(), 5 + expected.len());
        let known = past(&mut db.read().await.unwrap(), CONSULT).await.unwrap();
        assert_eq!((known.together_seconds, known.removed.len()), (61, 1), "what is before and what is behind");
    })
    .await;
}

#[tokio::test]
async fn while_too_many_facts_wait_nobody_is_read_from() {
    let (queue, mut waiting) = queue(2);
    for item in visit().into_iter().take(3) {
        assert!(!queue.is_crowded());
        queue.push(item);
    }
    assert!(queue.is_crowded());
    let mut batch = Vec::new();
    assert_eq!(waiting.take(&mut batch).await, 3);
    assert!(queue.is_crowded(), "taken is not written");
    waiting.written(&mut batch);
    assert!(!queue.is_crowded() && queue.is_written(queue.pushed()));
}

#[tokio::test]
async fn what_was_seen_until_a_moment_is_known_to_be_written_although_more_always_comes() {
    let (queue, mut waiting) = queue(100);
    let mut items = visit().into_iter();
    let mut more = || queue.push(items.next().unwrap());
    more();
    let seen = queue.pushed();
    let mut batch = Vec::new();
    assert_eq!(waiting.take(&mut batch).await, 1);
    more();
    assert!(!queue.is_written(seen), "taken is not written");
    waiting.written(&mut batch);
    assert!(queue.is_written(seen) && !queue.is_written(queue.pushed()));
}
