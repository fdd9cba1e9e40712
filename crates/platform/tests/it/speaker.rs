//! A service that says numbers, and one that listens: what the tests of the bus share.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{Consumer, Handler, Reads};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::testing::TestEngine;
use uuid::Uuid;

/// Neither of them has tables of its own.
pub const NONE: Migrations = Migrations { sqlite: &[], postgres: &[] };
/// Everything that is said is said of this.
pub const SUBJECT: Uuid = Uuid::from_u128(1);

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Follows the service `speaker`, and hands what it said to `handler`.
pub async fn listener(engine: &TestEngine, handler: Handler) -> Consumer {
    Consumer {
        name: "listener",
        publisher: "speaker",
        kinds: &[Reads { kind: "test.said", fields: &[] }],
        db: engine.database("listener", &NONE).await,
        clock: Clock::manual(now()),
        handler,
    }
}
