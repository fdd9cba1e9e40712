//! A bare connection that writes rows of the shape of imported ones into the same tables: 500 a transaction, 50 a statement.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sanbao_needs_analysis::MIGRATIONS;
use sanbao_needs_analysis::area;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::TestEngine;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const TRANSACTION_ROWS: usize = 500;
const STATEMENT_ROWS: usize = 50;
pub const AREAS: [&str; 3] = ["330211001001", "330211001002", "330211001007"];

const REQUEST: &str =
    "insert into request (id, version, received_at, received_on, area_code, category, urgency, elder_name,
    phone, national_id_sealed, national_id_index, address, note, person_key, content_index, triaged, state, state_since,
    organisation_id, source, external_id, created_at) values ";
const HISTORY: &str = "insert into history (aggregate, id, version, at, step, to_state, reason) values ";
const AUDIT: &str =
    "insert into audit (id, occurred_at, action, resource_kind, resource_id, request_id, outcome) values ";

pub fn now() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

/// A migrated database with the areas of a street.
pub async fn opened(engine: &TestEngine) -> Deps {
    let deps = engine.deps("needs_analysis", &MIGRATIONS, Clock::manual(now())).await;
    let mut tx = deps.db.begin().await.unwrap();
    area::seed::zhaobaoshan(&mut tx, now()).await.unwrap();
    tx.commit().await.unwrap();
    deps
}

/// A statement of so many rows of so many values.
fn values(head: &str, rows: usize, width: usize) -> String {
    let row = |at: usize| (1..=width).map(|n| format!("${}", at * width + n)).collect::<Vec<_>>().join(",");
    let rows = (0..rows).map(|at| format!("({})", row(at))).collect::<Vec<_>>().join(",");
    format!("{head}{rows}")
}

async fn bare_rows(tx: &mut Tx, from: usize, until: usize) {
    let ids: Vec<Uuid> = (from..until).map(|_| uuid_v7(now())).collect();
    let count = until - from;
    let (request, history, audit) = (values(REQUEST, count, 22), values(HISTORY, count, 7), values(AUDIT, count, 7));
    let (day, hex) = (now().date_naive(), "0".repeat(64));
    on!(tx, |c| {
        let mut row = sqlx::query(AssertSqlSafe(request));
        for (n, id) in (from..until).zip(&ids) {
            row = row.bind(id).bind(1_i64).bind(now()).bind(day).bind(AREAS[n % 3]).bind("meal").bind("normal");
            row = row.bind(format!("林某{n}")).bind(format!("199{n:08}")).bind(vec![7_u8; 51]).bind(&hex);
            row = row.bind(format!("某路{n}号,东")).bind("送午饭，软些").bind(id).bind(&hex).bind(false);
            row = row
                .bind("received")
                .bind(now())
                .bind(Uuid::from_u128(100))
                .bind("bench")
                .bind(format!("r{n}"))
                .bind(now());
        }
        row.execute(c).await.map(drop)
    })
    .unwrap();
    on!(tx, |c| {
        let mut row = sqlx::query(AssertSqlSafe(history));
        for id in &ids {
            row = row.bind("request").bind(id).bind(1_i64).bind(now()).bind("receive").bind("received");
            row = row.bind("import 00000000-0000-0000-0000-000000000000");
        }
        row.execute(c).await.map(drop)
    })
    .unwrap();
    on!(tx, |c| {
        let mut row = sqlx::query(AssertSqlSafe(audit));
        for id in &ids {
            row = row.bind(uuid_v7(now())).bind(now()).bind("request.receive").bind("request").bind(id).bind("bench");
            row = row.bind("done");
        }
        row.execute(c).await.map(drop)
    })
    .unwrap();
}

/// The time that so many rows take.
pub async fn bare(db: &Db, rows: usize) -> Duration {
    let begun = Instant::now();
    for chunk in (0..rows).step_by(TRANSACTION_ROWS) {
        let mut tx = db.begin().await.unwrap();
        for from in (chunk..rows.min(chunk + TRANSACTION_ROWS)).step_by(STATEMENT_ROWS) {
            bare_rows(&mut tx, from, rows.min(from + STATEMENT_ROWS)).await;
        }
        tx.commit().await.unwrap();
    }
    begun.elapsed()
}
