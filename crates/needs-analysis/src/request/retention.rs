//! Requests, doors of rounds and matters whose time is over. A request is emptied and unlinked: place, day, category and state stay, so that past counts do, and
//! nothing leads from it to anybody. Nobody sees it any more, but for the numbers.

use std::sync::Arc;

use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError, Engine, Tx, expect_rows};
use sanbao_platform::on;
use sanbao_platform::retention::{Bound, Disposal, Disposer, Periods, RetentionClass};
use uuid::Uuid;

use super::erased;
use super::held;
use super::id::RequestId;
use crate::door::forget::door_unheld;
use crate::matter::forget::matter_unheld;
use crate::{NAME, door, matter};

macro_rules! ended {
    () => {
        "r.state in ('closed', 'cancelled', 'merged') and r.removed_at is null"
    };
}
/// No hold stands on the person, nor on a record that leads on to it or to which it leads; nor on a person whose visit it was.
macro_rules! unheld {
    () => {
        " and not exists (select 1 from held_subject h where h.subject = r.id or h.subject = r.person_id
            or h.subject in (select e.person_id from elder e where e.merged_into = r.person_id)
            or h.subject in (select e.merged_into from elder e where e.person_id = r.person_id))"
    };
}

const DUE: &str = concat!(
    "select r.id, r.state_since from request r where r.state_since <= $1
        and (r.state_since, r.id) > ($2, $3) and ",
    ended!(),
    unheld!(),
    " union all select d.id, d.state_since from door d where d.state_since <= $1 and (d.state_since, d.id) > ($2, $3)",
    door_unheld!(),
    " union all select m.id, m.state_since from matter m where m.state_since <= $1 and (m.state_since, m.id) > ($2, $3)",
    matter_unheld!(),
    " order by state_since, id limit $4"
);
const OLDEST: &str =
    "select min(x.state_since) from (select min(r.state_since) as state_since from request r where r.removed_at is null
    union all select min(d.state_since) from door d
    union all select min(m.state_since) from matter m where m.due_at is null) x";
const STILL: &str =
    concat!("select count(*) from request r where r.id = $1 and r.state_since <= $2 and ", ended!(), unheld!());
const LOCK_POSTGRES: &str = "select r.id from request r where r.id = $1 for update";
const UNLINK: &str = "update request set person_id = null, visit_id = null, wanted_from = null, wanted_until = null,
    removed_at = $2, version = version + 1 where id = $1";
const FORGET: &[&str] = &[
    "delete from history where aggregate = 'request' and id = $1",
    "delete from request_history where request_id = $1",
    "delete from request_moved where request_id = $1",
    "delete from held_subject where subject = $1",
];

/// The one that takes away what is kept no longer.
pub fn disposer(db: Db, clock: Clock, periods: Periods) -> Disposer {
    let requests = Disposal {
        class: RetentionClass::WorkOrder,
        due: DUE,
        oldest: OLDEST,
        take: Arc::new(|tx, id, bound| Box::pin(take(tx, id, bound))),
    };
    let told = Some(held::HEARD);
    Disposer { service: NAME, db, clock, periods, disposals: vec![requests], told, clock_is_right: false }
}

async fn take(tx: &mut Tx, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(id).execute(c).await?;
    }
    let still: i64 = on!(tx, |c| sqlx::query_scalar(STILL).bind(id).bind(bound.before).fetch_one(c).await)?;
    if still == 0 {
        return Ok(door::forget::take(tx, id, bound).await? || matter::forget::take(tx, id, bound).await?);
    }
    erased::empty(tx, RequestId(id), bound.now).await?;
    erased::forget_parked(tx, &[id]).await?;
    for statement in FORGET {
        on!(tx, |c| sqlx::query(*statement).bind(id).execute(c).await.map(drop))?;
    }
    let rows = on!(tx, |c| {
        sqlx::query(UNLINK).bind(id).bind(bound.now).execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("empty a request whose time is over", 1, rows)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use sanbao_platform::clock::Clock;
    use sanbao_platform::testing::{self, Forgotten};

    use super::*;
    use crate::MIGRATIONS;
    use crate::request::state::RequestStateName;

    /// The tables that go when the time of work orders is over.
    const CLASSED: &[&str] = &["request", "history", "request_history", "request_moved", "held_subject"];
    /// The tables that have no clock here, and why.
    const OTHERS: &[(&str, &str)] = &[
        ("request_text", "names and addresses that some request has: each with the last of them"),
        ("agency", "organisations"),
        ("area", "places"),
        ("area_parent", "places"),
        ("audit", "the class of audit rows: --keep-audit-days"),
        ("audit_head", "the chain of the log"),
        ("audit_pruning", "the chain of the log"),
        ("audit_shown", "with the audit rows"),
        ("desk_person", "staff"),
        ("door", "work orders too: the row goes"),
        ("door_round", "titles, places and days"),
        ("elder", "of the person's record: goes when somebody is erased"),
        ("ended_session", "staff"),
        ("erased_elder", "ids of those who were erased"),
        ("field_key_mark", "keys"),
        ("holds_heard", "a moment"),
        ("idempotency", "days: --keep-answer-days"),
        ("import_mapping", "words of files: headings, categories, places"),
        ("import_run", "counts, and the first bad cells with personal ones masked"),
        ("inbox", "ids of events"),
        ("inbox_cursor", "ids of events"),
        ("kept_backup", "when a backup was made"),
        ("matter", "work orders too: the row goes"),
        ("matter_post", "places and days"),
        ("matter_stay", "numbers of places and months"),
        ("network_mark", "keys"),
        ("office", "organisations"),
        ("outbox", "days: --keep-event-days"),
        ("outdated_token", "staff"),
        ("parked_event", "until somebody looks"),
        ("request_day", "counts"),
        ("request_rules", "a number"),
        ("retention_run", "counts and moments"),
        ("rollup", "numbers"),
        ("write_probe", "always empty"),
    ];

    #[tokio::test]
    async fn a_table_that_holds_something_of_a_person_has_a_class() {
        let engine = testing::sqlite();
        let deps = engine.deps("needs-analysis", &MIGRATIONS, Clock::system()).await;
        let mut known: Vec<(&str, &str)> = CLASSED.iter().map(|table| (*table, "work orders")).collect();
        known.extend(OTHERS);
        let all = Forgotten { told: &[], left_out: &[], elsewhere: &known };
        assert_eq!(all.findings(&deps.db).await, [""; 0]);
        for table in CLASSED.iter().filter(|table| **table != "request") {
            assert!(FORGET.iter().any(|statement| statement.contains(&format!("delete from {table} "))), "{table}");
        }
    }

    #[test]
    fn a_request_that_is_open_has_no_clock() {
        let ended = RequestStateName::ALL.iter().filter(|state| !state.is_open());
        let ended: Vec<String> = ended.map(|state| format!("'{state}'")).collect();
        assert!(ended!().starts_with(&format!("r.state in ({})", ended.join(", "))), "{ended:?}");
    }
}
