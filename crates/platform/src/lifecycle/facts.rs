//! The rows that every step leaves beside its aggregate, of many changes at once: history, events and audit, by one statement.

use sqlx::types::{Json, Uuid};

use crate::audit::{self, Done};
use crate::bus::{self, NewEvent, OutboxLine};
use crate::db::{DbError, Engine, Tx, expect_rows};
use crate::history::{self, Line};
use crate::telemetry::trace;

// The statements of `history::add`, `bus::publish_all` and `audit::record_all` as one: a test holds them against those.
const WRITE_SQLITE: &str = "insert into history
        (aggregate, id, version, at, actor, actor_name, organisation, step, from_state, to_state, reason, note)
    select e.value ->> 'aggregate', unhex(e.value ->> 'id'), e.value ->> 'version', e.value ->> 'at',
        unhex(e.value ->> 'actor'), e.value ->> 'actor_name', unhex(e.value ->> 'organisation'), e.value ->> 'step',
        e.value ->> 'from_state', e.value ->> 'to_state', e.value ->> 'reason', e.value ->> 'note'
    from json_each($1) e;
    insert into outbox (event_id, kind, subject, occurred_at, data, traceparent, position)
    select unhex(e.value ->> 'event_id'), e.value ->> 'kind', unhex(e.value ->> 'subject'), e.value ->> 'occurred_at',
        e.value -> 'data', e.value ->> 'traceparent', top.position + 1 + e.key
    from json_each($2) e, (select coalesce(max(position), 0) as position from outbox) top order by e.key;
    insert into audit
        (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
    select unhex(e.value ->> 'id'), e.value ->> 'occurred_at', unhex(e.value ->> 'actor'),
        unhex(e.value ->> 'organisation'), e.value ->> 'action', e.value ->> 'resource_kind',
        unhex(e.value ->> 'resource_id'), e.value ->> 'request_id', 'done', e.value ->> 'address'
    from json_each($3) e";
const WRITE_POSTGRES: &str = "with lines as (insert into history
        (aggregate, id, version, at, actor, actor_name, organisation, step, from_state, to_state, reason, note)
        select h.aggregate, h.id, h.version, h.at, h.actor, h.actor_name, h.organisation, h.step, h.from_state,
            h.to_state, h.reason, h.note
        from jsonb_to_recordset($1) as h (aggregate text, id uuid, version bigint, at timestamptz, actor uuid,
            actor_name text, organisation uuid, step text, from_state text, to_state text, reason text, note text)
        returning 1),
    events as (insert into outbox (event_id, kind, subject, occurred_at, data, traceparent)
        select (e.event ->> 'event_id')::uuid, e.event ->> 'kind', (e.event ->> 'subject')::uuid,
            (e.event ->> 'occurred_at')::timestamptz, e.event -> 'data', e.event ->> 'traceparent'
        from jsonb_array_elements($2) with ordinality as e (event, n) order by e.n returning 1),
    done as (insert into audit
        (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
        select (e ->> 'id')::uuid, (e ->> 'occurred_at')::timestamptz, (e ->> 'actor')::uuid,
            (e ->> 'organisation')::uuid, e ->> 'action', e ->> 'resource_kind', (e ->> 'resource_id')::uuid,
            e ->> 'request_id', 'done', e ->> 'address'
        from jsonb_array_elements($3) e returning 1)
    select 1 from lines union all select 1 from events union all select 1 from done";

/// The rows that some changes of aggregates of one kind leave.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) aggregate: &'static str,
    pub(super) lines: &'a [(Uuid, Line)],
    pub(super) events: &'a [NewEvent],
    pub(super) done: &'a [Done<'a>],
}

/// Writes all of it.
pub(super) async fn write(tx: &mut Tx, facts: &Facts<'_>) -> Result<(), DbError> {
    let Facts { aggregate, lines, events, done } = *facts;
    let expected = lines.len() + events.len() + done.len();
    if expected == 0 {
        return Ok(());
    }
    let cause = trace::current().map(|context| context.to_string());
    let address = audit::address();
    let all_lines = Json(history::rows(aggregate, lines));
    let all_events = Json(events.iter().map(|event| OutboxLine::of(event, cause.as_deref())).collect::<Vec<_>>());
    let all_done = Json(done.iter().map(|done| audit::Row::of(done, address.as_deref())).collect::<Vec<_>>());
    let written = match tx.engine() {
        Engine::Sqlite(c) => {
            let query = sqlx::query(WRITE_SQLITE).bind(all_lines).bind(all_events).bind(all_done);
            query.execute(c).await?.rows_affected()
        }
        Engine::Postgres(c) => {
            let query = sqlx::query(WRITE_POSTGRES).bind(all_lines).bind(all_events).bind(all_done);
            query.execute(c).await?.rows_affected()
        }
    };
    expect_rows("write what steps leave", expected as u64, written)?;
    if !events.is_empty() {
        bus::grown(tx);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A statement with its spaces made one, about the parameter of another.
    fn about(sql: &str, parameter: &str) -> String {
        sql.split_whitespace().collect::<Vec<_>>().join(" ").replace("$1", parameter)
    }

    #[test]
    fn the_rows_are_those_that_are_written_one_kind_at_a_time() {
        let sqlite = [history::ADD_SQLITE, bus::APPEND_ALL_SQLITE, audit::INSERT_ALL_SQLITE];
        let parts = sqlite.iter().zip(["$1", "$2", "$3"]).map(|(sql, parameter)| about(sql, parameter));
        assert_eq!(about(WRITE_SQLITE, "$1"), parts.collect::<Vec<_>>().join("; "));
        let postgres = [history::ADD_POSTGRES, bus::APPEND_ALL_POSTGRES, audit::INSERT_ALL_POSTGRES];
        let whole = about(WRITE_POSTGRES, "$1");
        for (sql, parameter) in postgres.iter().zip(["$1", "$2", "$3"]) {
            let part = about(sql, parameter);
            assert!(whole.contains(&format!("({part} returning 1)")), "{part}");
        }
    }
}
