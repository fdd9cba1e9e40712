//! The rows of a booking, written to SQLite by a connection that does nothing else.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{self, TestEngine};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use uuid::Uuid;

use crate::load::real;
use crate::served::cpu_seconds;
use crate::town::{DOCTORS, Town, id};

const TIME: &str = "insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id)
    values ($1, $2, 0, $3, $4, 'consult', $5)";
const CONSULT: &str =
    "update consult set state = 'scheduled', state_since = $2, room_id = $3, starts_at = $4, ends_at = $5,
    version = 2 where id = $1 and version = 1";
const HISTORY: &str =
    "insert into history (aggregate, id, version, at, actor, actor_name, organisation, step, from_state, to_state)
    values ('consult', $1, 2, $2, $3, '王护士', $4, 'schedule', 'accepted', 'scheduled')";
const EVENT: &str = "insert into outbox (event_id, kind, subject, occurred_at, data, position)
    values ($1, 'booking.consult.scheduled', $2, $3, $4, (select coalesce(max(position), 0) + 1 from outbox))";
const AUDIT: &str = "insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, shown, address)
    values ($1, $2, $3, $4, $5, 'consult', $6, $7, 'done', $8, '127.0.0.1')";
const SHOWN: &str = "insert into audit_shown (shown, kind, id) values ($1, $2, $3)";
const ANSWER: &str = "insert into idempotency (actor, key, request_hash, status, body, created_at, version, shown)
    values ($1, $2, $3, 200, $4, $5, 2, $6)";

/// Characters of an answer that is kept.
const ANSWER_CHARS: usize = 1_800;

/// A file of its own, laid as the service's.
#[derive(Debug)]
pub(crate) struct Bare {
    town: Town,
    conn: SqliteConnection,
}

impl Bare {
    pub(crate) async fn open() -> Self {
        let town = Town::open(testing::sqlite()).await;
        let TestEngine::Sqlite(folder) = &town.engine else { unreachable!("asked for SQLite") };
        let options = SqliteConnectOptions::new().filename(folder.path().join("booking.db"));
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let options = options.foreign_keys(true).pragma("cache_size", "-16384");
        let conn = options.connect().await.unwrap();
        Self { town, conn }
    }

    /// Writes so many bookings, one commit each: how many in a second, and the milliseconds of CPU of one.
    pub(crate) async fn write(&mut self, count: u64) -> (f64, f64) {
        let (first, count) = self.town.waiting(count).await;
        let own = std::process::id();
        let (before, begun) = (cpu_seconds(own), Instant::now());
        for n in first..first + count {
            self.one(n).await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        (real(count) / seconds, (cpu_seconds(own) - before) * 1e3 / real(count))
    }

    async fn one(&mut self, n: u64) {
        let halves = i32::try_from(n / DOCTORS).unwrap();
        let from = self.town.from + TimeDelta::minutes(30) * halves;
        let (to, now, consult, k) = (from + TimeDelta::minutes(30), Clock::system().now(), id(5, n), n % DOCTORS);
        let c = &mut self.conn;
        sqlx::query("begin immediate").execute(&mut *c).await.unwrap();
        for kind in [2, 3, 4] {
            let row = sqlx::query(TIME).bind(uuid_v7(now)).bind(id(kind, k));
            row.bind(from).bind(to).bind(consult).execute(&mut *c).await.unwrap();
        }
        let row = sqlx::query(CONSULT).bind(consult).bind(now).bind(id(4, k));
        row.bind(from).bind(to).execute(&mut *c).await.unwrap();
        tell(c, consult, now, k).await;
        sqlx::query("commit").execute(c).await.unwrap();
    }
}

/// History, event, audit and answer.
async fn tell(c: &mut SqliteConnection, consult: Uuid, now: DateTime<Utc>, k: u64) {
    let (nurse, home, shown) = (id(6, 1), id(1, 1), uuid_v7(now));
    let row = sqlx::query(HISTORY).bind(consult).bind(now).bind(nurse);
    row.bind(home).execute(&mut *c).await.unwrap();
    let data = format!("{{\"at\":\"{now:?}\",\"consult_id\":\"{consult}\"}}");
    let row = sqlx::query(EVENT).bind(uuid_v7(now)).bind(consult).bind(now);
    row.bind(data).execute(&mut *c).await.unwrap();
    for (action, set) in [("consult.schedule", None), ("POST /v1/consults/{id}/schedule", Some(shown))] {
        let row = sqlx::query(AUDIT).bind(uuid_v7(now)).bind(now).bind(nurse).bind(home).bind(action);
        row.bind(consult).bind(consult.to_string()).bind(set).execute(&mut *c).await.unwrap();
    }
    for (kind, of) in [("consult", consult), ("person", id(3, k))] {
        sqlx::query(SHOWN).bind(shown).bind(kind).bind(of).execute(&mut *c).await.unwrap();
    }
    let row = sqlx::query(ANSWER).bind(nurse).bind(consult.to_string()).bind("0".repeat(64));
    let row = row.bind(format!("\"{}\"", "x".repeat(ANSWER_CHARS))).bind(now).bind(shown);
    row.execute(c).await.unwrap();
}
