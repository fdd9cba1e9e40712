//! The statements of requests.

use std::collections::{BTreeMap, HashSet};

use sanbao_platform::db::{Conn, DbError, Engine, Tx, many_rows};
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::RequestId;
use super::model::{Listed, ListedRow, Request, RequestRow};
use super::state::RequestState;
use super::{number, words};
use crate::area::AreaCode;
use crate::local_day;

/// Rows of one statement at most: it is prepared once, and has fewer parameters than either engine allows.
const ROWS_AT_ONCE: usize = 50;
const FIND: &str =
    "select id, source, external_id, received_at, area_code, category, category_raw, urgency, elder_name,
        phone, national_id_sealed, national_id_index, address, note, wanted_from, wanted_until, person_id, person_key,
        content_index, triaged, state, state_since, agency_id, accepted_at, visit_id, merged_into, organisation_id,
        created_at, number_day, number, paused_seconds, paused_from, paused_until, assignee_id, assignee_name,
        satisfaction, version from request where id = $1 and removed_at is null";
// A request with the names that go with its codes; for lists too.
macro_rules! request_columns {
    () => {
        "select r.id, r.source, r.external_id, r.received_at, r.area_code, r.category, r.category_raw,
        r.urgency, r.elder_name, r.phone, r.national_id_sealed, r.national_id_index, r.address, r.note, r.wanted_from,
        r.wanted_until, r.person_id, r.person_key, r.content_index, r.triaged, r.state, r.state_since, r.agency_id,
        r.accepted_at, r.visit_id, r.merged_into, r.organisation_id, r.created_at, r.number_day, r.number,
        r.paused_seconds, r.paused_from, r.paused_until, r.assignee_id, r.assignee_name, r.satisfaction, r.version,
        a.name_zh as area_name, g.name_zh as agency_name, e.ended_as, e.ended_on"
    };
}
macro_rules! request_names {
    () => {
        "join area a on a.code = r.area_code left join agency g on g.organisation_id = r.agency_id
    left join elder e on e.person_id = r.person_id"
    };
}
pub(super) use {request_columns, request_names};

const ONE: &str =
    concat!(request_columns!(), " from request r ", request_names!(), " where r.id = $1 and r.removed_at is null");
// Bound as `UPDATE` is, up to what only a new row or only an old one has.
const INSERT: &str = "insert into request (id, version, received_at, received_on, area_code, category, category_raw,
    urgency, elder_name, phone, national_id_sealed, national_id_index, address, note, wanted_from, wanted_until,
    person_id, person_key, content_index, triaged, state, state_since, agency_id, accepted_at, visit_id, merged_into,
    organisation_id, queue_at, risk_at, waits_for, paused_seconds, paused_from, paused_until, assignee_id,
    assignee_name, satisfaction, phone_end, source, external_id, created_at, number_day, number)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42)
    on conflict do nothing";
const UPDATE: &str =
    "update request set version = $2, received_at = $3, received_on = $4, area_code = $5, category = $6,
    category_raw = $7, urgency = $8, elder_name = $9, phone = $10, national_id_sealed = $11, national_id_index = $12,
    address = $13, note = $14, wanted_from = $15, wanted_until = $16, person_id = $17, person_key = $18,
    content_index = $19, triaged = $20, state = $21, state_since = $22, agency_id = $23, accepted_at = $24,
    visit_id = $25, merged_into = $26, organisation_id = $27, queue_at = $28, risk_at = $29, waits_for = $30,
    paused_seconds = $31, paused_from = $32, paused_until = $33, assignee_id = $34, assignee_name = $35,
    satisfaction = $36, phone_end = $37
    where id = $1 and version = $38";
const ELDERS_POSTGRES: &str = "select national_id_index, person_id from elder
    where national_id_index in (select jsonb_array_elements_text($1))
        and merged_into is null order by national_id_index, person_id desc";
const ELDERS_SQLITE: &str = "select national_id_index, person_id from elder
    where national_id_index in (select value from json_each($1))
        and merged_into is null order by national_id_index, person_id desc";
// The elder at home whom a record is of today; one that went into another leads on.
const ELDER_AREA: &str = "with recursive up (id, height) as (select e.person_id, 0 from elder e where e.person_id = $1
        union all select e.merged_into, up.height + 1 from up join elder e on e.person_id = up.id
        where e.merged_into is not null and up.height < 20)
    select e.person_id, e.area_code, e.national_id_index from up join elder e on e.person_id = up.id
    where e.merged_into is null and e.organisation_id is null limit 1";
const LINK: &str = "update request set person_id = $1 where national_id_index = $2 and person_id is null";

/// The request of an id.
pub async fn find(conn: &mut Conn, id: RequestId) -> Result<Option<Request>, DbError> {
    let row: Option<RequestRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(Request::try_from).transpose()
}

/// One request with its names; nobody's permission is asked here.
pub async fn one(conn: &mut Conn, id: RequestId) -> Result<Option<Listed>, DbError> {
    let row: Option<ListedRow> = on!(conn, |c| sqlx::query_as(ONE).bind(id).fetch_optional(c).await)?;
    row.map(Listed::try_from).transpose()
}

/// Binds a request as `UPDATE` and `INSERT` alike have it.
macro_rules! bound {
    ($row:expr, $request:expr) => {{
        let after: &Request = $request;
        let (d, elder, involvement) = (&after.details, after.details.elder.unseen(), after.state.involvement());
        let engagement = involvement.engagement();
        let row = $row.bind(after.id).bind(after.version);
        let row = row.bind(d.received_at).bind(d.received_on()).bind(&d.area_code).bind(d.category);
        let row = row.bind(&d.category_raw).bind(d.urgency).bind(&elder.name).bind(&elder.phone);
        let row = row.bind(&elder.national_id_sealed).bind(&d.national_id_index).bind(&elder.address).bind(&elder.note);
        let row = row.bind(d.wanted_from).bind(d.wanted_until).bind(d.person_id).bind(d.person_key);
        let row = row.bind(&d.content_index).bind(after.triaged).bind(after.state.name()).bind(after.state_since);
        let row = row.bind(involvement.agency()).bind(engagement.map(|e| e.accepted_at));
        let row = row.bind(engagement.and_then(|e| e.visit)).bind(merged_into(after)).bind(after.organisation);
        let (placed, pause, assignee) = (after.placed(), after.pause, after.assignee.as_ref());
        let row = row.bind(placed.map(|p| p.queue_at)).bind(placed.and_then(|p| p.risk_at));
        let row = row.bind(placed.map(|p| p.waits_for)).bind(pause.seconds).bind(pause.from).bind(pause.until);
        let row = row.bind(assignee.map(|a| a.id)).bind(assignee.map(|a| a.name.as_str()));
        row.bind(after.satisfaction).bind(after.phone_end())
    }};
}

/// Writes a request over the version of `before`. `false` when somebody was faster.
pub async fn write(conn: &mut Conn, before: &Request, after: &Request) -> Result<bool, DbError> {
    let rows = on!(conn, |c| {
        let row = bound!(sqlx::query(UPDATE), after).bind(before.version);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 1 && before.details.elder != after.details.elder {
        words::keep(conn, &[after]).await?;
    }
    Ok(rows == 1)
}

/// Writes new requests, many by one statement, each with a number of its day; those that were written: of the others the source
/// has sent the id before.
pub async fn write_new(conn: &mut Conn, new: &[&Request]) -> Result<HashSet<RequestId>, DbError> {
    let mut written = HashSet::with_capacity(new.len());
    let mut numbers = BTreeMap::new();
    for request in new {
        *numbers.entry(local_day(request.created_at)).or_insert(0_usize) += 1;
    }
    let mut next = BTreeMap::new();
    for (day, many) in numbers {
        next.insert(day, number::take(conn, day, many).await?.count);
    }
    for some in new.chunks(ROWS_AT_ONCE) {
        let statement = many_rows(INSERT, some.len());
        let ids: Vec<RequestId> = on!(conn, |c| {
            let mut row = sqlx::query_scalar(statement);
            for after in some {
                row = bound!(row, after).bind(&after.source).bind(&after.external_id).bind(after.created_at);
                let day = local_day(after.created_at);
                let count = next.get(&day).copied();
                row = row.bind(day).bind(count);
                next.insert(day, count.unwrap_or_default() + 1);
            }
            row.fetch_all(c).await
        })?;
        written.extend(ids);
    }
    words::keep(conn, new).await?;
    Ok(written)
}

fn merged_into(request: &Request) -> Option<RequestId> {
    match request.state {
        RequestState::Merged { into, .. } => Some(into),
        _ => None,
    }
}

/// The people of the network whose resident ids have these indexes; of two with one index the first.
pub async fn elders_of<'a>(
    conn: &mut Conn,
    indexes: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, Uuid>, DbError> {
    let indexes: Vec<&str> = indexes.into_iter().collect();
    if indexes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let statement = match conn.engine() {
        Engine::Sqlite(_) => ELDERS_SQLITE,
        Engine::Postgres(_) => ELDERS_POSTGRES,
    };
    let indexes = Json(indexes);
    let elders: Vec<(String, Uuid)> = on!(conn, |c| sqlx::query_as(statement).bind(&indexes).fetch_all(c).await)?;
    Ok(elders.into_iter().collect())
}

/// An elder at home, as far as it is known.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct ElderAtHome {
    /// The record that theirs leads on to.
    pub person_id: Uuid,
    pub area_code: Option<AreaCode>,
    /// The blind index of the resident id.
    pub national_id_index: Option<String>,
}

/// The elder at home whom a record is of.
pub async fn elder_at_home(conn: &mut Conn, record: Uuid) -> Result<Option<ElderAtHome>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(ELDER_AREA).bind(record).fetch_optional(c).await)?)
}

/// Links the requests of a resident id's index to its person. No step of theirs: nobody does anything with them.
pub async fn link(tx: &mut Tx, person: Uuid, index: &str) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(LINK).bind(person).bind(index).execute(c).await.map(drop))?;
    Ok(())
}
