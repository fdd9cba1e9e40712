//! Rooms of a relay that runs alone, over its restart: written when it is told to stop, read when they are opened.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::on;

use crate::id::ConsultId;
use crate::replica::Replica;

const PUT: &str = "insert into room_snapshot (consult, data, at) values ($1, $2, $3)
    on conflict (consult) do update set data = $2, at = $3";
const TAKE: &str = "delete from room_snapshot where consult = $1 returning data";
const LIST: &str = "select consult from room_snapshot order by consult limit $1";

/// Keeps rooms for the next run.
pub(in crate::session) async fn put(db: &Db, at: DateTime<Utc>, rooms: &[(ConsultId, Replica)]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for (consult, replica) in rooms {
        let data = match rmp_serde::to_vec_named(replica) {
            Ok(data) => data,
            Err(error) => {
                tracing::error!(%consult, %error, "a room cannot be kept");
                continue;
            }
        };
        on!(tx, |c| sqlx::query(PUT).bind(*consult).bind(&data).bind(at).execute(c).await.map(drop))?;
    }
    tx.commit().await
}

/// The room as the run before left it. It is gone from the table then: a room is woken up once.
pub(in crate::session) async fn take(db: &Db, consult: ConsultId) -> Result<Option<Replica>, DbError> {
    let mut tx = db.begin().await?;
    let data: Option<Vec<u8>> = on!(tx, |c| sqlx::query_scalar(TAKE).bind(consult).fetch_optional(c).await)?;
    tx.commit().await?;
    let Some(data) = data else { return Ok(None) };
    match rmp_serde::from_slice::<Replica>(&data) {
        Ok(replica) if replica.is_readable() => Ok(Some(replica)),
        Ok(_) => {
            tracing::warn!(%consult, "a kept room is of another version: its sessions start anew");
            Ok(None)
        }
        Err(error) => {
            tracing::error!(%consult, %error, "a kept room cannot be read: its sessions start anew");
            Ok(None)
        }
    }
}

/// The rooms that were kept.
pub(in crate::session) async fn list(db: &Db, rooms_max: usize) -> Result<Vec<ConsultId>, DbError> {
    let mut conn = db.read().await?;
    let limit = i64::try_from(rooms_max).unwrap_or(i64::MAX);
    Ok(on!(conn, |c| sqlx::query_scalar(LIST).bind(limit).fetch_all(c).await)?)
}
