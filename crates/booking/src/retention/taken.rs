//! Taking a thing out, whole: with its history, its times in the calendar and everything that refers to it.

use sanbao_platform::db::{DbError, Tx, expect_rows};
use sanbao_platform::on;
use sanbao_platform::retention::Bound;
use uuid::Uuid;

use super::store::{Kind, is_due};
use crate::consult::{self, ConsultId};

/// A signed opinion goes only with a consult that is marked.
const MARK_CONSULT: &str = "update consult set erased_at = $2 where id = $1";
const MARK_MEDIA: &str = "update consult set media_removed_at = $2 where id = $1 and media_removed_at is null";

/// The words of a hand-over go with the first consult on it.
const HANDOVER_WORDS: &str = "update shift_handover set words = '' where words <> '' and id in
    (select i.handover_id from shift_handover_item i where i.consult_id = $1)";

/// The rows that hang on a consult, and it, in the order in which they refer to each other.
pub(super) const OF_CONSULT: &[(&str, &str)] = &[
    ("consult_event", "delete from consult_event where consult_id = $1"),
    ("consult_consent", "delete from consult_consent where consult_id = $1"),
    ("consult_opinion", "delete from consult_opinion where consult_id = $1"),
    ("consult_feedback", "delete from consult_feedback where consult_id = $1"),
    ("consult_fetch", "delete from consult_fetch where consult_id = $1"),
    ("consult_guest", "delete from consult_guest where consult_id = $1"),
    ("consult_ticket", "delete from consult_ticket where consult_id = $1"),
    ("consult_attendance", "delete from consult_attendance where consult_id = $1"),
    ("consult_meeting", "delete from consult_meeting where consult_id = $1"),
    ("consult_check", "delete from consult_check where consult_id = $1"),
    ("shift_handover", HANDOVER_WORDS),
    ("shift_handover_item", "delete from shift_handover_item where consult_id = $1"),
    ("history", "delete from history where aggregate = 'consult' and id = $1"),
    ("occupancy", "delete from occupancy where holder_kind = 'consult' and holder_id = $1"),
    ("person_join_moved", "delete from person_join_moved where kind = 'consult' and moved_id = $1"),
    ("consult", "delete from consult where id = $1"),
];
/// The same of a visit.
pub(super) const OF_VISIT: &[(&str, &str)] = &[
    ("visit_proof", "delete from visit_proof where visit_id = $1"),
    ("history", "delete from history where aggregate = 'visit' and id = $1"),
    ("occupancy", "delete from occupancy where holder_kind = 'visit' and holder_id = $1"),
    ("person_join_moved", "delete from person_join_moved where kind = 'visit' and moved_id = $1"),
    ("visit", "delete from visit where id = $1"),
];

/// The papers of a consult. The relay is told, so that nothing of its room stays.
pub(super) async fn consult(tx: &mut Tx, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    if !is_due(tx, Kind::Consult, id, bound).await? {
        return Ok(false);
    }
    on!(tx, |c| sqlx::query(MARK_CONSULT).bind(id).bind(bound.now).execute(c).await.map(drop))?;
    all_of(tx, OF_CONSULT, id).await?;
    consult::removed(tx, ConsultId(id), bound.now).await?;
    Ok(true)
}

/// The chat of the room of a consult: that lies with the relay.
pub(super) async fn media(tx: &mut Tx, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    if !is_due(tx, Kind::Media, id, bound).await? {
        return Ok(false);
    }
    let rows = on!(tx, |c| {
        sqlx::query(MARK_MEDIA).bind(id).bind(bound.now).execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("mark a consult whose media is over", 1, rows)?;
    consult::media_over(tx, ConsultId(id), bound.now).await?;
    Ok(true)
}

/// A visit with the proof that somebody was there.
pub(super) async fn visit(tx: &mut Tx, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    if !is_due(tx, Kind::Visit, id, bound).await? {
        return Ok(false);
    }
    all_of(tx, OF_VISIT, id).await?;
    Ok(true)
}

async fn all_of(tx: &mut Tx, statements: &'static [(&str, &str)], id: Uuid) -> Result<(), DbError> {
    let mut rows = 0;
    for (_, statement) in statements {
        rows = on!(tx, |c| sqlx::query(*statement).bind(id).execute(c).await.map(|done| done.rows_affected()))?;
    }
    expect_rows("take out what is kept no longer", 1, rows)
}
