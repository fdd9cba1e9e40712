//! Shared devices in the database.

use std::collections::HashMap;

use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use super::model::{DeviceName, NeedingConsult, SharedDevice};
use crate::account::id::SharedDeviceId;
use crate::calendar::capacity;

const FIND: &str =
    "select d.id, d.organisation_id, d.name, coalesce(c.capacity, 1) as quantity, d.state, d.version, d.created_at
    from shared_device d left join resource_capacity c on c.resource_id = d.id where d.id = $1";
const LIST: &str =
    "select d.id, d.organisation_id, d.name, coalesce(c.capacity, 1) as quantity, d.state, d.version, d.created_at
    from shared_device d left join resource_capacity c on c.resource_id = d.id
    where d.organisation_id = $1 order by d.state desc, d.name, d.id limit $2";
const INSERT: &str = "insert into shared_device (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
const UPDATE: &str = "update shared_device set name = $3, state = $4, version = $5 where id = $1 and version = $2";
// Those that are written still are told when they are sent.
const NEEDED_BY: &str = "select id as consult_id, state, starts_at from consult where inviting_id = $1
    and state in ('submitted', 'returned', 'accepted', 'scheduled', 'in_session')
    and (device_1_id = $2 or device_2_id = $2 or device_3_id = $2)
    order by case when starts_at is null then 1 else 0 end, starts_at, id limit $3";
const NEEDED: &str = "select v.id, count(*) as needed from shared_device v
    join consult c on c.inviting_id = v.organisation_id and v.id in (c.device_1_id, c.device_2_id, c.device_3_id)
    where v.organisation_id = $1 and c.state in ('submitted', 'returned', 'accepted', 'scheduled', 'in_session') group by v.id";
const OPEN_OF: &str =
    "select id, name from shared_device where organisation_id = $1 and state = 'open' order by name, id limit $2";
const COUNT_OPEN: &str = "select count(*) from shared_device
    where organisation_id = $1 and state = 'open' and id in ($2, $3, $4)";
/// An organisation has at most this many devices in a list.
const DEVICES_MAX: i64 = 200;
/// Consults that need a device, as an answer lists them at most.
pub const NEEDED_MAX: i64 = 100;

/// One device.
pub async fn find(conn: &mut Conn, id: SharedDeviceId) -> Result<Option<SharedDevice>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// An organisation's devices by name, those in use first.
pub async fn list(conn: &mut Conn, organisation: OrganisationId) -> Result<Vec<SharedDevice>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(organisation).bind(DEVICES_MAX).fetch_all(c).await)?)
}

/// The devices of a house that can be asked for, by name.
pub async fn open_of(conn: &mut Conn, house: OrganisationId) -> Result<Vec<DeviceName>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OPEN_OF).bind(house).bind(DEVICES_MAX).fetch_all(c).await)?)
}

/// Whether all of these, at most three, are devices of a house that can be asked for.
pub async fn all_open(conn: &mut Conn, house: OrganisationId, ids: &[SharedDeviceId]) -> Result<bool, DbError> {
    let (Some(first), second, third) = (ids.first(), ids.get(1), ids.get(2)) else { return Ok(true) };
    let open: i64 = on!(conn, |c| {
        let query = sqlx::query_scalar(COUNT_OPEN).bind(house).bind(first);
        query.bind(second).bind(third).fetch_one(c).await
    })?;
    Ok(usize::try_from(open).is_ok_and(|open| open == ids.len()))
}

/// The consults that are not over and need a device, by time, those without one last; at most [`NEEDED_MAX`].
pub async fn needed_by(conn: &mut Conn, device: &SharedDevice) -> Result<Vec<NeedingConsult>, DbError> {
    Ok(on!(conn, |c| {
        let query = sqlx::query_as(NEEDED_BY).bind(device.organisation_id).bind(device.id);
        query.bind(NEEDED_MAX).fetch_all(c).await
    })?)
}

/// How many consults that are not over need each device of a house that any needs.
pub async fn needed(conn: &mut Conn, house: OrganisationId) -> Result<HashMap<SharedDeviceId, i64>, DbError> {
    let rows: Vec<(SharedDeviceId, i64)> = on!(conn, |c| sqlx::query_as(NEEDED).bind(house).fetch_all(c).await)?;
    Ok(rows.into_iter().collect())
}

/// Stores a new device.
pub async fn insert(tx: &mut Tx, new: &SharedDevice) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.organisation_id).bind(&new.name).bind(new.created_at);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("insert shared_device", 1, rows)?;
    if new.quantity != 1 {
        capacity::write(tx, new.id.0, new.quantity).await?;
    }
    Ok(())
}

/// Writes a device over `version`, without its quantity, which the calendar keeps; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, version: i64, after: &SharedDevice) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(after.id).bind(version).bind(&after.name).bind(after.state);
        row.bind(after.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
