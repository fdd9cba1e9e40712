//! The plans of the statements on both engines: each begins at its index, and reads no more than it has to.

#![expect(clippy::unwrap_used, reason = "a test without its database has failed")]

use chrono::{DateTime, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Conn, Engine};
use sanbao_platform::testing::on_both;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{names, store};
use crate::MIGRATIONS;

/// `PostgreSQL` reads a small table whole and sorts it, unless it is kept from that.
const AS_OF_MANY: &str = "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off";

/// Binds what a statement over consults has, as far as `$binds`.
macro_rules! bound {
    ($text:expr, $binds:expr) => {{
        let query = sqlx::query(AssertSqlSafe($text)).bind(Uuid::nil());
        if $binds == 4 {
            query.bind("n").bind("o").bind(400_i64)
        } else {
            let epoch = DateTime::<Utc>::UNIX_EPOCH;
            let query = query.bind(epoch).bind(epoch).bind(Uuid::nil()).bind(31_i64);
            let query = if $binds > 5 { query.bind("signed") } else { query };
            if $binds > 6 { query.bind(Uuid::nil()) } else { query }
        }
    }};
}

async fn plan(conn: &mut Conn, statement: &str, binds: usize) -> String {
    let lines: Vec<String> = match conn.engine() {
        Engine::Sqlite(c) => {
            let rows = bound!(format!("explain query plan {statement}"), binds).fetch_all(c).await.unwrap();
            rows.iter().map(|row| row.get("detail")).collect()
        }
        Engine::Postgres(c) => {
            sqlx::raw_sql(AS_OF_MANY).execute(&mut *c).await.unwrap();
            let rows = bound!(format!("explain {statement}"), binds).fetch_all(c).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    };
    lines.join("\n")
}

#[tokio::test]
async fn a_page_of_the_records_is_read_in_the_order_of_its_index() {
    on_both(|engine| async move {
        let deps = engine.deps("booking", &MIGRATIONS, Clock::system()).await;
        let mut conn = deps.db.read().await.unwrap();
        for (statement, binds, index) in [
            (store::OF_HOME, 5, "consult_of_home_at"),
            (store::OF_HOSPITAL, 5, "consult_of_hospital_at"),
            (store::OF_HOME_IN_STATE, 6, "consult_of_home_in_state"),
            (store::OF_HOSPITAL_IN_STATE, 6, "consult_of_hospital_in_state"),
            (store::OF_HOME_BY_DOCTOR, 7, "consult_of_home_by_doctor"),
            (store::OF_HOSPITAL_BY_DOCTOR, 7, "consult_of_hospital_by_doctor"),
        ] {
            let plan = plan(&mut conn, statement, binds).await;
            assert!(plan.contains(index), "{index} on {}: {plan}", engine.name());
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{index} on {}: {plan}", engine.name());
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_is_looked_for_among_the_people_of_ones_own_consults() {
    on_both(|engine| async move {
        let deps = engine.deps("booking", &MIGRATIONS, Clock::system()).await;
        let mut conn = deps.db.read().await.unwrap();
        for (statement, index) in
            [(names::OF_HOME, "consult_of_home_by_person"), (names::OF_HOSPITAL, "consult_of_hospital_by_person")]
        {
            let plan = plan(&mut conn, statement, 4).await;
            assert!(plan.contains(index), "{index} on {}: {plan}", engine.name());
            assert!(plan.contains("person_key_of_person"), "{index} on {}: {plan}", engine.name());
        }
    })
    .await;
}
