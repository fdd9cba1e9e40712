//! Rooms in the database.

use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use super::model::Location;
use crate::account::id::LocationId;
use crate::calendar::capacity;

const FIND: &str =
    "select l.id, l.organisation_id, l.name, coalesce(c.capacity, 1) as capacity, l.state, l.version, l.created_at
    from location l left join resource_capacity c on c.resource_id = l.id where l.id = $1";
const LIST: &str =
    "select l.id, l.organisation_id, l.name, coalesce(c.capacity, 1) as capacity, l.state, l.version, l.created_at
    from location l left join resource_capacity c on c.resource_id = l.id
    where l.organisation_id = $1 order by l.state desc, l.name, l.id limit $2";
const INSERT: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
const UPDATE: &str = "update location set name = $3, state = $4, version = $5 where id = $1 and version = $2";
/// An organisation has at most this many rooms in a list.
const ROOMS_MAX: i64 = 200;

/// One room.
pub async fn find(conn: &mut Conn, id: LocationId) -> Result<Option<Location>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// An organisation's rooms by name, those in use first.
pub async fn list(conn: &mut Conn, organisation: OrganisationId) -> Result<Vec<Location>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(organisation).bind(ROOMS_MAX).fetch_all(c).await)?)
}

/// Stores a new room.
pub async fn insert(tx: &mut Tx, new: &Location) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.organisation_id).bind(&new.name).bind(new.created_at);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("insert location", 1, rows)?;
    if new.capacity != 1 {
        capacity::write(tx, new.id.0, new.capacity).await?;
    }
    Ok(())
}

/// Writes a room over `version`, without its capacity, which the calendar keeps; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, version: i64, after: &Location) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(after.id).bind(version).bind(&after.name).bind(after.state);
        row.bind(after.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
