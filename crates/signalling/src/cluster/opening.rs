//! Who begins a room's log: one node, named by the database; and which nodes hold which rooms.

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::on;

use crate::id::{ConsultId, NodeId};

const CLAIM: &str = "insert into room_opening (consult, node, at) values ($1, $2, $3)
    on conflict (consult) do nothing";
const TAKE_OVER: &str = "update room_opening set node = $2, at = $3 where consult = $1 and at <= $4";
const HOLD: &str = "insert into room_holder (consult, node) values ($1, $2) on conflict do nothing";
const LET_GO: &str = "delete from room_holder where consult = $1 and node = $2";
const HOLDERS: &str = "select distinct node from room_holder";
const HELD_BY: &str = "select consult from room_holder where node = $1 order by consult limit $2";

/// Rooms of a gone node that are looked after at a time.
pub(crate) const ADOPTED_AT_ONCE_MAX: i64 = 64;

/// A node's number as both engines store it.
#[expect(clippy::cast_possible_wrap, reason = "the same bits, there and back")]
fn stored(node: NodeId) -> i64 {
    node.0 as i64
}

/// Whether this node is the one to write the room's first entry. Who was, and did not within the lease, is so no more.
pub(crate) async fn claim(
    db: &Db,
    consult: ConsultId,
    node: NodeId,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let node = stored(node);
    let new: u64 = on!(tx, |c| {
        sqlx::query(CLAIM).bind(consult).bind(node).bind(now).execute(c).await.map(|r| r.rows_affected())
    })?;
    let won = if new == 1 {
        new
    } else {
        on!(tx, |c| {
            let query = sqlx::query(TAKE_OVER).bind(consult).bind(node).bind(now).bind(now - lease);
            query.execute(c).await.map(|r| r.rows_affected())
        })?
    };
    tx.commit().await?;
    Ok(won == 1)
}

/// Notes that a node holds a room, so that others look after it when the node is gone.
pub(crate) async fn hold(db: &Db, consult: ConsultId, node: NodeId) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on!(tx, |c| sqlx::query(HOLD).bind(consult).bind(stored(node)).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Notes that a node holds a room no more.
pub(crate) async fn let_go(db: &Db, consult: ConsultId, node: NodeId) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on!(tx, |c| sqlx::query(LET_GO).bind(consult).bind(stored(node)).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Every node that is noted to hold a room.
#[expect(clippy::cast_sign_loss, reason = "the same bits, there and back")]
pub(crate) async fn holders(db: &Db) -> Result<Vec<NodeId>, DbError> {
    let mut conn = db.read().await?;
    let nodes: Vec<i64> = on!(conn, |c| sqlx::query_scalar(HOLDERS).fetch_all(c).await)?;
    Ok(nodes.into_iter().map(|node| NodeId(node as u64)).collect())
}

/// Some of the rooms that a node is noted to hold.
pub(crate) async fn held_by(db: &Db, node: NodeId) -> Result<Vec<ConsultId>, DbError> {
    let mut conn = db.read().await?;
    Ok(on!(conn, |c| sqlx::query_scalar(HELD_BY).bind(stored(node)).bind(ADOPTED_AT_ONCE_MAX).fetch_all(c).await)?)
}
