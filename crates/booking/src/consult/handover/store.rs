//! Statements over hand-overs. None changes what was signed.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sqlx::types::Json;

use super::model::{HandoverFacts, HandoverItemRow, HandoverSide, ShiftHandover};
use super::policy::HandoverAction;
use crate::account::AccountId;
use crate::consult::id::{ConsultId, ShiftHandoverId};

/// The columns that every statement over hand-overs selects.
macro_rules! handovers {
    ($rest:literal) => {
        concat!(
            "select h.id, h.organisation_id, h.side, h.written_by, w.display_name as written_by_name, h.signed_at, h.words,
    h.item_count, h.later_count, h.is_cut, h.content_hash, t.display_name as taken_by_name, h.taken_at
    from shift_handover h join account w on w.id = h.written_by left join account t on t.id = h.taken_by ",
            $rest
        )
    };
}

const FIND: &str = handovers!("where h.id = $1");
const LIST: &str = handovers!(
    "where h.organisation_id = $1 and h.side = $2 and (h.signed_at, h.id) < ($3, $4)
    order by h.signed_at desc, h.id desc limit $5"
);
const ITEMS: &str = "select i.consult_id, c.resident_id, i.facts
    from shift_handover_item i join consult c on c.id = i.consult_id where i.handover_id = $1 order by i.place";
const INSERT: &str = "insert into shift_handover (id, organisation_id, side, written_by, signed_at, words, item_count,
    later_count, is_cut, content_hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const INSERT_ITEM: &str =
    "insert into shift_handover_item (handover_id, place, consult_id, facts) values ($1, $2, $3, $4)";
const TAKE: &str = "update shift_handover set taken_by = $2, taken_at = $3
    where id = $1 and taken_by is null and written_by <> $2";
const WAITS: &str =
    "select h.id, w.display_name, h.signed_at from shift_handover h join account w on w.id = h.written_by
    where h.organisation_id = $1 and h.side = $2 and h.signed_at > $3 and h.taken_by is null and h.written_by <> $4
    order by h.signed_at desc, h.id desc limit 1";

/// Where a list of hand-overs ended.
pub type HandoverPlace = (DateTime<Utc>, ShiftHandoverId);

/// The parts of a hand-over that are stored when it is signed.
#[derive(Debug)]
pub(super) struct SignedHandover<'a> {
    pub(super) id: ShiftHandoverId,
    pub(super) organisation: OrganisationId,
    pub(super) side: HandoverSide,
    pub(super) by: AccountId,
    pub(super) at: DateTime<Utc>,
    pub(super) words: &'a str,
    pub(super) items: &'a [(ConsultId, HandoverFacts)],
    pub(super) later_count: i32,
    pub(super) is_cut: bool,
    pub(super) content_hash: &'a str,
}

/// Stores a hand-over with the consults on it.
pub(super) async fn insert(tx: &mut Tx, new: &SignedHandover<'_>) -> Result<(), DbError> {
    let count = i32::try_from(new.items.len()).unwrap_or(i32::MAX);
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.organisation).bind(new.side).bind(new.by).bind(new.at);
        let row = row.bind(new.words).bind(count).bind(new.later_count).bind(new.is_cut).bind(new.content_hash);
        row.execute(c).await.map(drop)
    })?;
    for (place, (consult, facts)) in (0_i32..).zip(new.items) {
        on!(tx, |c| {
            let row = sqlx::query(INSERT_ITEM).bind(new.id).bind(place).bind(consult).bind(Json(facts));
            row.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// One hand-over; whether the caller may see it is the policy's question.
pub(super) async fn find(conn: &mut Conn, id: ShiftHandoverId) -> Result<Option<ShiftHandover>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The hand-over, if the caller may do `action` with it: 404, 403 or the hand-over.
pub async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: ShiftHandoverId,
    action: HandoverAction,
) -> Result<ShiftHandover, Problem> {
    let handover = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    handover.decide(ctx, action).require()?;
    Ok(handover)
}

/// The consults on a hand-over, in their order, but for those that were erased since.
pub(super) async fn items(conn: &mut Conn, id: ShiftHandoverId) -> Result<Vec<HandoverItemRow>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(ITEMS).bind(id).fetch_all(c).await)?)
}

/// The hand-overs of a side, the newest first, behind one of them where it is given.
pub async fn list(
    conn: &mut Conn,
    ctx: &Ctx,
    side: HandoverSide,
    before: Option<HandoverPlace>,
    limit: i64,
) -> Result<Vec<ShiftHandover>, DbError> {
    let newest = (ctx.now() + chrono::Duration::days(1), ShiftHandoverId(uuid::Uuid::max()));
    let (at, id) = before.unwrap_or(newest);
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(LIST).bind(ctx.actor.organisation).bind(side).bind(at).bind(id);
        rows.bind(limit).fetch_all(c).await
    })?)
}

/// Signs that the caller takes over; `false` where somebody has, or it is the caller's own.
pub(super) async fn take(tx: &mut Tx, ctx: &Ctx, id: ShiftHandoverId) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(TAKE).bind(id).bind(ctx.actor.subject).bind(ctx.now());
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// The newest hand-over of a colleague since a moment that waits for somebody to take over: by whom, and when.
pub async fn waits(
    conn: &mut Conn,
    ctx: &Ctx,
    side: HandoverSide,
    since: DateTime<Utc>,
) -> Result<Option<(ShiftHandoverId, String, DateTime<Utc>)>, DbError> {
    Ok(on!(conn, |c| {
        let row = sqlx::query_as(WAITS).bind(ctx.actor.organisation).bind(side).bind(since);
        row.bind(ctx.actor.subject).fetch_optional(c).await
    })?)
}
