//! The statements of queues. Each reads an index that holds all that is asked of it, in the order of what is due, and ends when the
//! page is full: how many requests there are costs nothing.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::on;
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Queue;
use crate::request::list::{Filter, Seen, SeenRow};
use crate::request::model::Listed;
use crate::request::policy::Standing;
use crate::request::store::{request_columns, request_names};

/// A queue is counted up to so many; the page says that there are more.
pub const COUNT_MAX: i64 = 1_000;
/// No clock is at risk earlier than this before it is due: a quarter of the longest limit, with the free days in it.
const RISK_DAYS_MAX: i64 = 12;

// `$1` the codes of the caller's areas, `$2` its organisation where that is an agency, `$3` and `$4` the row before the page, `$5` rows, `$6` the
// codes of a wanted area, `$7` category, `$8` urgency, `$9` state, `$10` the step waited for, `$11` whether urgent, `$12` the present,
// `$13` soon, `$14` overdue, `$15` paused, `$16` in whose hand.
macro_rules! due_ids {
    () => {
        "due as (
        select r.id, r.queue_at, r.area_code in (select code from scope) as in_scope from request r
        where r.queue_at is not null and r.removed_at is null and (r.queue_at, r.id) > ($3, $4)
            and (r.area_code in (select code from scope) or r.agency_id = $2)
            and ($6 is null or r.area_code in (select code from wanted))
            and ($7 is null or r.category = $7) and ($8 is null or r.urgency = $8) and ($9 is null or r.state = $9)
            and ($10 is null or r.waits_for = $10)
            and ($11 = 0 or (r.urgency <> 'normal' and r.waits_for <> 'follow_up'))
            and ($13 = 0 or (r.risk_at < $12 and r.queue_at >= $12 and (r.paused_until is null or r.paused_until <= $12)))
            and ($14 = 0 or (r.queue_at < $12 and r.risk_at is not null and (r.paused_until is null or r.paused_until <= $12)))
            and ($15 = 0 or r.paused_until > $12)
            and ($16 is null or r.assignee_id = $16)
        order by r.queue_at, r.id limit $5) "
    };
}
macro_rules! due_rows {
    () => {
        ", due.in_scope from due join request r on r.id = due.id "
    };
}
const DUE_SQLITE: &str = concat!(
    "with scope (code) as (select value from json_each($1)), wanted (code) as (select value from json_each($6)), ",
    due_ids!(),
    request_columns!(),
    due_rows!(),
    request_names!(),
    " order by due.queue_at, due.id"
);
const DUE_POSTGRES: &str = concat!(
    "with scope (code) as (select jsonb_array_elements_text($1)),
        wanted (code) as (select jsonb_array_elements_text($6)), ",
    due_ids!(),
    request_columns!(),
    due_rows!(),
    request_names!(),
    " order by due.queue_at, due.id"
);

// `$1` codes, `$2` agency, `$3` the present, `$4` the last moment at which something that is at risk may be due, `$5` the caller, `$6` the most
// that is counted.
macro_rules! counted {
    () => {
        "select
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as open,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.urgency <> 'normal' and r.waits_for <> 'follow_up'
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as urgent,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.queue_at >= $3 and r.queue_at < $4 and r.risk_at < $3 and (r.paused_until is null or r.paused_until <= $3)
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as soon,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.queue_at < $3 and r.risk_at is not null and (r.paused_until is null or r.paused_until <= $3)
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as overdue,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.waits_for = 'dispatch'
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as dispatch,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.waits_for = 'answer'
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as answer,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.waits_for = 'service'
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as service,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.waits_for = 'follow_up'
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as follow_up,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.paused_until is not null and r.paused_until > $3
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as paused,
        (select count(*) from (select 1 as one from request r where r.queue_at is not null and r.removed_at is null
            and r.assignee_id = $5
            and (r.area_code in (select code from scope) or r.agency_id = $2) limit $6) x) as mine"
    };
}
const COUNTS_SQLITE: &str = concat!("with scope (code) as (select value from json_each($1)) ", counted!());
const COUNTS_POSTGRES: &str =
    concat!("with scope (code) as materialized (select jsonb_array_elements_text($1)) ", counted!());

/// How many requests each queue has for the caller; [`COUNT_MAX`] says that many or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct QueueCounts {
    pub open: i64,
    pub urgent: i64,
    pub soon: i64,
    pub overdue: i64,
    pub dispatch: i64,
    pub answer: i64,
    pub service: i64,
    pub follow_up: i64,
    pub paused: i64,
    pub mine: i64,
}

impl QueueCounts {
    /// Of one queue.
    pub fn of(&self, queue: Queue) -> i64 {
        match queue {
            Queue::Open => self.open,
            Queue::Urgent => self.urgent,
            Queue::Soon => self.soon,
            Queue::Overdue => self.overdue,
            Queue::Dispatch => self.dispatch,
            Queue::Answer => self.answer,
            Queue::Service => self.service,
            Queue::FollowUp => self.follow_up,
            Queue::Paused => self.paused,
            Queue::Mine => self.mine,
        }
    }
}

/// Up to `limit + 1` requests of a queue, what is due first on top, with how the caller stands to each.
pub async fn due(
    conn: &mut Conn,
    actor: &Actor,
    seen: &Seen,
    queue: Queue,
    filter: &Filter,
    now: DateTime<Utc>,
) -> Result<Vec<(Listed, Standing)>, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => DUE_SQLITE,
        Engine::Postgres(_) => DUE_POSTGRES,
    };
    let is = |other: Queue| i64::from(queue == other);
    let mine: Option<Uuid> = (queue == Queue::Mine).then_some(actor.subject.0);
    let (scope, wanted) = (Json(&seen.scope), filter.wanted.as_ref().map(Json));
    let (after, id) = filter.later();
    let rows: Vec<SeenRow> = on!(conn, |c| {
        let q = sqlx::query_as(statement).bind(scope).bind(seen.agency).bind(after).bind(id).bind(filter.limit + 1);
        let q = q.bind(wanted).bind(filter.category).bind(filter.urgency).bind(filter.state);
        let q = q.bind(queue.waits_for()).bind(is(Queue::Urgent)).bind(now).bind(is(Queue::Soon));
        q.bind(is(Queue::Overdue)).bind(is(Queue::Paused)).bind(mine).fetch_all(c).await
    })?;
    rows.into_iter().map(|row| row.standing(seen.agency)).collect()
}

/// How many requests the queues have for the caller.
pub async fn counts(conn: &mut Conn, actor: &Actor, seen: &Seen, now: DateTime<Utc>) -> Result<QueueCounts, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => COUNTS_SQLITE,
        Engine::Postgres(_) => COUNTS_POSTGRES,
    };
    let (scope, soon) = (Json(&seen.scope), now + Duration::days(RISK_DAYS_MAX));
    Ok(on!(conn, |c| {
        let q = sqlx::query_as(statement).bind(scope).bind(seen.agency).bind(now).bind(soon);
        q.bind(actor.subject.0).bind(COUNT_MAX).fetch_one(c).await
    })?)
}
