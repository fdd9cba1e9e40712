//! The node that begins a room's log: one node, named by the database; and which nodes hold which rooms.

use std::collections::BTreeMap;

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
const HELD_BY: &str = "select consult from room_holder where node = $1 and consult > $2 order by consult limit $3";

/// Rooms of a gone node that are looked after at a time.
pub(crate) const ADOPTED_AT_ONCE_MAX: i64 = 64;

/// A node's number as both engines store it.
#[expect(clippy::cast_possible_wrap, reason = "the same bits, there and back")]
fn stored(node: NodeId) -> i64 {
    node.0 as i64
}

/// Whether this node is the one to write the room's first entry. The node that was, and did not within the lease, is so
/// no more.
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
    if won == 1 {
        // Should the node go before it has said more, the room is found.
        on!(tx, |c| sqlx::query(HOLD).bind(consult).bind(node).execute(c).await.map(drop))?;
    }
    tx.commit().await?;
    Ok(won == 1)
}

/// Notes which rooms a node holds, so that others look after them when it is gone, and which it holds no more.
pub(crate) async fn note(db: &Db, node: NodeId, rooms: &BTreeMap<ConsultId, bool>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for (consult, holds) in rooms {
        let statement = if *holds { HOLD } else { LET_GO };
        on!(tx, |c| sqlx::query(statement).bind(*consult).bind(stored(node)).execute(c).await.map(drop))?;
    }
    tx.commit().await
}

/// Every node that is noted to hold a room.
#[expect(clippy::cast_sign_loss, reason = "the same bits, there and back")]
pub(crate) async fn holders(db: &Db) -> Result<Vec<NodeId>, DbError> {
    let mut conn = db.read().await?;
    let nodes: Vec<i64> = on!(conn, |c| sqlx::query_scalar(HOLDERS).fetch_all(c).await)?;
    Ok(nodes.into_iter().map(|node| NodeId(node as u64)).collect())
}

/// The next rooms after one that a node is noted to hold; the first ones when there is none to go on after.
pub(crate) async fn held_by(db: &Db, node: NodeId, after: Option<ConsultId>) -> Result<Vec<ConsultId>, DbError> {
    let after = after.unwrap_or(ConsultId(uuid::Uuid::nil()));
    let mut conn = db.read().await?;
    Ok(on!(conn, |c| {
        let query = sqlx::query_scalar(HELD_BY).bind(stored(node)).bind(after).bind(ADOPTED_AT_ONCE_MAX);
        query.fetch_all(c).await
    })?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::testing::on_both;

    use super::*;
    use crate::id::room;

    #[tokio::test]
    async fn one_node_begins_a_room_until_its_lease_is_over() {
        on_both(async |engine| {
            let db = engine.database(crate::NAME, &crate::MIGRATIONS).await;
            let (now, lease) = (DateTime::from_timestamp(1_763_899_200, 0).unwrap(), TimeDelta::seconds(2));
            let claim = async |node, later_ms| {
                let now = now + TimeDelta::milliseconds(later_ms);
                claim(&db, room(1), NodeId(node), now, lease).await.unwrap()
            };
            assert!(claim(1, 0).await);
            assert!(!claim(2, 1).await);
            assert_eq!(held_by(&db, NodeId(1), None).await.unwrap(), [room(1)], "the node that begins a room holds it");
            assert_eq!(held_by(&db, NodeId(2), None).await.unwrap(), []);
            assert!(!claim(1, 1_999).await, "nor twice by the same");
            assert!(claim(2, 2_000).await);
            assert!(!claim(1, 3_999).await);
        })
        .await;
    }

    #[tokio::test]
    async fn who_holds_a_room_is_known_until_it_lets_go() {
        on_both(async |engine| {
            let db = engine.database(crate::NAME, &crate::MIGRATIONS).await;
            let (one, other) = (NodeId(u64::MAX), NodeId(2));
            let rooms = |holds: &[(u128, bool)]| holds.iter().map(|(n, holds)| (room(*n), *holds)).collect();
            for node in [one, other, one] {
                note(&db, node, &rooms(&[(1, true)])).await.unwrap();
            }
            note(&db, one, &rooms(&[(2, true)])).await.unwrap();
            let mut nodes = holders(&db).await.unwrap();
            nodes.sort_unstable();
            assert_eq!(nodes, [other, one]);
            assert_eq!(held_by(&db, one, None).await.unwrap(), [room(1), room(2)]);
            assert_eq!(held_by(&db, one, Some(room(1))).await.unwrap(), [room(2)]);
            note(&db, one, &rooms(&[(1, false), (3, false)])).await.unwrap();
            assert_eq!(held_by(&db, one, None).await.unwrap(), [room(2)]);
            assert_eq!(held_by(&db, other, None).await.unwrap(), [room(1)]);
        })
        .await;
    }
}
