//! The statements of doors and rounds.

use chrono::NaiveDate;
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{DoorId, RoundId};
use super::model::{Door, DoorRow, ListedDoor, Round};
use super::state::DoorStateName;
use crate::area::{self, AreaCode};
use crate::request::RequestStateName;

/// Doors of one round at most: the elders who live alone in a large street are fewer.
pub const DOORS_MAX: i64 = 5_000;
/// Rounds of a list at most.
pub const ROUNDS_MAX: i64 = 50;

// The areas of `$1`, a list of codes with commas, and all below them on the day `$2`.
macro_rules! scope {
    () => {
        "with recursive scope (code, depth) as (
        select a.code, 0 from area a where replace(',' || $1 || ',', ',' || a.code || ',', '') <> ',' || $1 || ','
        union all
        select p.child, scope.depth + 1 from scope join area_parent p on p.parent = scope.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and scope.depth < 5) "
    };
}
macro_rules! columns {
    () => {
        "d.id, d.round_id, d.area_code, d.elder_name, d.phone, d.address, d.remark, d.person_id, d.organisation_id,
        d.state, d.state_since, d.missed, d.undo_state, d.undo_missed, d.request_id, d.created_at, d.version"
    };
}
macro_rules! listed {
    () => {
        ", r.id as r_id, r.organisation_id as r_organisation_id, r.title, r.reason, r.area_code as r_area_code, r.starts_on,
        r.ends_on, r.created_at as r_created_at, a.name_zh as area_name, q.state as request_state
        from door d join door_round r on r.id = d.round_id join area a on a.code = d.area_code
        left join request q on q.id = d.request_id"
    };
}
// Those at which nobody was met twice come first, then those that nobody has been to.
macro_rules! rank {
    () => {
        "cast(case when d.state = 'not_met' and d.missed >= 2 then 0 when d.state = 'open' then 1
        when d.state = 'not_met' then 2 when d.state = 'help' then 3 else 4 end as bigint)"
    };
}
macro_rules! counts {
    () => {
        "count(d.id) as doors,
        cast(coalesce(sum(case when d.state = 'open' then 1 else 0 end), 0) as bigint) as open,
        cast(coalesce(sum(case when d.state = 'well' then 1 else 0 end), 0) as bigint) as well,
        cast(coalesce(sum(case when d.state = 'not_met' then 1 else 0 end), 0) as bigint) as not_met,
        cast(coalesce(sum(case when d.state = 'not_met' and d.missed >= 2 then 1 else 0 end), 0) as bigint) as raised,
        cast(coalesce(sum(case when d.state = 'help' then 1 else 0 end), 0) as bigint) as help"
    };
}

const FIND: &str = concat!("select ", columns!(), " from door d where d.id = $1");
const ONE: &str = concat!("select ", columns!(), listed!(), " where d.id = $1");
const LIST: &str = concat!(
    scope!(),
    "select ",
    columns!(),
    ", ",
    rank!(),
    " as rank",
    listed!(),
    " where d.area_code in (select code from scope)
        and (d.round_id = $3 or ($3 is null and r.starts_on <= $2 and r.ends_on >= $2))
        and ($4 is null or d.state = $4)
        and (",
    rank!(),
    ", d.id) > ($5, $6) order by rank, d.id limit $7"
);
const INSERT: &str = "insert into door (id, version, state, state_since, missed, undo_state, undo_missed, request_id,
    round_id, area_code, elder_name, phone, address, remark, person_id, organisation_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict do nothing";
const UPDATE: &str = "update door set version = $2, state = $3, state_since = $4, missed = $5, undo_state = $6,
    undo_missed = $7, request_id = $8 where id = $1 and version = $9";
const OF_ROUND: &str = concat!("select ", columns!(), " from door d where d.round_id = $1 order by d.id");
const COUNT: &str = "select count(*) from door where round_id = $1";
const ADD_ROUND: &str =
    "insert into door_round (id, organisation_id, title, reason, area_code, starts_on, ends_on, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const ROUND: &str = "select id, organisation_id, title, reason, area_code, starts_on, ends_on, created_at
    from door_round where id = $1";
const ROUNDS: &str = concat!(
    scope!(),
    "select r.id, r.organisation_id, r.title, r.reason, r.area_code, r.starts_on, r.ends_on, r.created_at, ",
    counts!(),
    " from door_round r left join door d on d.round_id = r.id and d.area_code in (select code from scope)
    where r.area_code in (select code from scope) or d.id is not null
    group by r.id, r.organisation_id, r.title, r.reason, r.area_code, r.starts_on, r.ends_on, r.created_at
    order by r.ends_on desc, r.id desc limit $3"
);
// The areas directly below the caller's, each with all below it, and the caller's own for what lies in none of these.
const PROGRESS: &str = concat!(
    "with recursive down (top, code, depth) as (
        select a.code, a.code, 5 from area a
        where replace(',' || $1 || ',', ',' || a.code || ',', '') <> ',' || $1 || ','
        union all
        select p.child, p.child, 0 from area_parent p
        where replace(',' || $1 || ',', ',' || p.parent || ',', '') <> ',' || $1 || ','
            and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)
        union all
        select down.top, p.child, down.depth + 1 from down join area_parent p on p.parent = down.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and down.depth < 5)
    select down.top as area_code, a.name_zh as area_name, ",
    counts!(),
    " from door d join down on down.code = d.area_code join area a on a.code = down.top
    where d.round_id = $3 group by down.top, a.name_zh order by down.top"
);

/// How far a round has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct DoorNumbers {
    pub doors: i64,
    pub open: i64,
    pub well: i64,
    pub not_met: i64,
    /// Of those, the ones at which nobody was met at least twice.
    pub raised: i64,
    pub help: i64,
}

/// A round, and how far it has come within the caller's areas.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct CountedRound {
    #[sqlx(flatten)]
    pub round: Round,
    #[sqlx(flatten)]
    pub counts: DoorNumbers,
}

/// How far a round has come in an area.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct CountedArea {
    pub area_code: AreaCode,
    /// Its Chinese name.
    pub area_name: String,
    #[sqlx(flatten)]
    pub counts: DoorNumbers,
}

/// Which doors to list.
#[derive(Clone, Copy, Debug)]
pub struct DoorFilter {
    /// Of this round; of those that are on today, where none is named.
    pub round: Option<RoundId>,
    pub state: Option<DoorStateName>,
    pub after: DoorKey,
    pub limit: i64,
}

/// The sort key of a door in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorKey(pub i64, pub Uuid);

#[derive(sqlx_macros::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    door: DoorRow,
    r_id: RoundId,
    r_organisation_id: sanbao_platform::id::OrganisationId,
    title: String,
    reason: super::model::RoundReason,
    r_area_code: AreaCode,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    r_created_at: chrono::DateTime<chrono::Utc>,
    area_name: String,
    request_state: Option<RequestStateName>,
}

#[derive(sqlx_macros::FromRow)]
struct RankedRow {
    #[sqlx(flatten)]
    listed: ListedRow,
    rank: i64,
}

impl TryFrom<ListedRow> for ListedDoor {
    type Error = DbError;

    fn try_from(row: ListedRow) -> Result<Self, DbError> {
        let round = Round {
            id: row.r_id,
            organisation: row.r_organisation_id,
            title: row.title,
            reason: row.reason,
            area_code: row.r_area_code,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            created_at: row.r_created_at,
        };
        let door = row.door.try_into()?;
        Ok(Self { door, round, area_name: row.area_name, request_state: row.request_state })
    }
}

/// The caller's areas as the statements take them: none that lies in another, so that nothing is counted twice.
pub async fn tops(conn: &mut Conn, actor: &Actor, on: NaiveDate) -> Result<String, DbError> {
    let mut tops = Vec::new();
    for code in actor.areas.iter().filter_map(|text| AreaCode::parse(text).ok()) {
        let above = area::ancestors(conn, &code, on).await?;
        if !above.iter().any(|area| actor.areas.iter().any(|own| own == area.code.as_str())) {
            tops.push(code.to_string());
        }
    }
    Ok(tops.join(","))
}

/// The door of an id.
pub async fn find(conn: &mut Conn, id: DoorId) -> Result<Option<Door>, DbError> {
    let row: Option<DoorRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(Door::try_from).transpose()
}

/// One door with its names; nobody's permission is asked here.
pub async fn one(conn: &mut Conn, id: DoorId) -> Result<Option<ListedDoor>, DbError> {
    let row: Option<ListedRow> = on!(conn, |c| sqlx::query_as(ONE).bind(id).fetch_optional(c).await)?;
    row.map(ListedDoor::try_from).transpose()
}

/// Up to `limit + 1` doors within some areas, each with its key.
pub async fn list(
    conn: &mut Conn,
    tops: &str,
    today: NaiveDate,
    filter: DoorFilter,
) -> Result<Vec<(ListedDoor, DoorKey)>, DbError> {
    let rows: Vec<RankedRow> = on!(conn, |c| {
        let q = sqlx::query_as(LIST).bind(tops).bind(today).bind(filter.round).bind(filter.state);
        q.bind(filter.after.0).bind(filter.after.1).bind(filter.limit + 1).fetch_all(c).await
    })?;
    let keyed = |row: RankedRow| {
        let key = DoorKey(row.rank, row.listed.door.id.0);
        Ok((row.listed.try_into()?, key))
    };
    rows.into_iter().map(keyed).collect()
}

/// Writes a new door, or one over the version of `before`.
pub async fn write(conn: &mut Conn, before: Option<&Door>, after: &Door) -> Result<bool, DbError> {
    let (elder, undo) = (after.elder.unseen(), after.state.undo());
    let rows = on!(conn, |c| {
        let row = sqlx::query(if before.is_some() { UPDATE } else { INSERT }).bind(after.id).bind(after.version);
        let row = row.bind(after.state.name()).bind(after.state_since).bind(after.state.missed());
        let row = row.bind(undo.map(|u| u.state)).bind(undo.map(|u| u.missed)).bind(after.state.request());
        let row = match before {
            Some(before) => row.bind(before.version),
            None => row
                .bind(after.round)
                .bind(&after.area_code)
                .bind(&elder.name)
                .bind(&elder.phone)
                .bind(&elder.address)
                .bind(&elder.remark)
                .bind(after.person_id)
                .bind(after.organisation)
                .bind(after.created_at),
        };
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// All doors of a round, in the order of its list.
pub async fn of_round(conn: &mut Conn, round: RoundId) -> Result<Vec<Door>, DbError> {
    let rows: Vec<DoorRow> = on!(conn, |c| sqlx::query_as(OF_ROUND).bind(round).fetch_all(c).await)?;
    rows.into_iter().map(Door::try_from).collect()
}

/// How many doors a round has.
pub async fn count(conn: &mut Conn, round: RoundId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(COUNT).bind(round).fetch_one(c).await)?)
}

/// Writes a new round.
pub async fn add_round(tx: &mut Tx, round: &Round) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(ADD_ROUND).bind(round.id).bind(round.organisation).bind(&round.title).bind(round.reason);
        let row = row.bind(&round.area_code).bind(round.starts_on).bind(round.ends_on).bind(round.created_at);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The round of an id.
pub async fn round(conn: &mut Conn, id: RoundId) -> Result<Option<Round>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(ROUND).bind(id).fetch_optional(c).await)?)
}

/// The latest rounds that have to do with some areas.
pub async fn rounds(conn: &mut Conn, tops: &str, today: NaiveDate) -> Result<Vec<CountedRound>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(ROUNDS).bind(tops).bind(today).bind(ROUNDS_MAX).fetch_all(c).await)?)
}

/// How far a round has come in each area directly below some areas.
pub async fn progress(
    conn: &mut Conn,
    tops: &str,
    today: NaiveDate,
    round: RoundId,
) -> Result<Vec<CountedArea>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(PROGRESS).bind(tops).bind(today).bind(round).fetch_all(c).await)?)
}
