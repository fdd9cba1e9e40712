//! Statements over holds. A row outlasts its hold: it counts how many the account made.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;

use super::view::ConsultHoldView;
use crate::account::AccountId;
use crate::consult::id::ConsultHoldId;
use crate::consult::model::AskedTime;

/// One account's holds go on one after the other.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727015, hashtext($1))";
const COUNT: &str = "select id, counted_since, made_count from consult_hold where account_id = $1";
const STANDING: &str = "select count(*) from consult_hold
    where organisation_id = $1 and expires_at > $2 and account_id <> $3";
const PUT: &str = "insert into consult_hold
    (account_id, id, organisation_id, doctor_id, room_id, starts_at, ends_at, expires_at, counted_since, made_count)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (account_id) do update set id = $2, organisation_id = $3, doctor_id = $4, room_id = $5, starts_at = $6,
    ends_at = $7, expires_at = $8, counted_since = $9, made_count = $10";
const END: &str = "update consult_hold set expires_at = $2 where account_id = $1 and expires_at > $2 and doctor_id = $3
    and starts_at = $4 returning id";
const MINE: &str = "select doctor_id, starts_at, ends_at from consult_hold where account_id = $1 and expires_at > $2";
const END_ONE: &str = "update consult_hold set expires_at = $3 where account_id = $1 and id = $2 and expires_at > $3";
const FORGET: &str = "delete from consult_hold where expires_at <= $1 and counted_since <= $2";

/// The last hold of an account, and how many it made since when.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub(super) struct Tally {
    pub(super) id: ConsultHoldId,
    pub(super) counted_since: DateTime<Utc>,
    pub(super) made_count: i64,
}

/// Lets one order of an account over its hold go on at a time.
pub(super) async fn lock(tx: &mut Tx, account: AccountId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(account.to_string()).execute(c).await?;
    }
    Ok(())
}

/// The last hold of an account, which may be over.
pub(super) async fn counted(conn: &mut Conn, account: AccountId) -> Result<Option<Tally>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(COUNT).bind(account).fetch_optional(c).await)?)
}

/// How many holds of the caller's organisation stand beside the caller's own.
pub(super) async fn standing(conn: &mut Conn, ctx: &Ctx) -> Result<i64, DbError> {
    let (organisation, account) = (ctx.actor.organisation, ctx.actor.subject);
    Ok(on!(conn, |c| {
        sqlx::query_scalar(STANDING).bind(organisation).bind(ctx.now()).bind(account).fetch_one(c).await
    })?)
}

/// Writes the caller's hold in the place of the one before.
pub(super) async fn put(tx: &mut Tx, ctx: &Ctx, hold: &ConsultHoldView, tally: Tally) -> Result<(), DbError> {
    let (organisation, account) = (ctx.actor.organisation, ctx.actor.subject);
    Ok(on!(tx, |c| {
        let row = sqlx::query(PUT).bind(account).bind(hold.id).bind(organisation).bind(hold.doctor_id);
        let row = row.bind(hold.room_id).bind(hold.starts_at).bind(hold.ends_at).bind(hold.expires_at);
        row.bind(tally.counted_since).bind(tally.made_count).execute(c).await.map(drop)
    })?)
}

/// Ends the hold of an account, if one of that doctor's time stands, and gives its id.
pub(super) async fn end(
    tx: &mut Tx,
    account: AccountId,
    now: DateTime<Utc>,
    asked: &AskedTime,
) -> Result<Option<ConsultHoldId>, DbError> {
    Ok(on!(tx, |c| {
        let query = sqlx::query_scalar(END).bind(account).bind(now);
        query.bind(asked.doctor).bind(asked.interval.starts_at()).fetch_optional(c).await
    })?)
}

/// The time that the caller holds: the doctor, from, until.
pub(in crate::consult) async fn mine(
    conn: &mut Conn,
    ctx: &Ctx,
) -> Result<Option<(AccountId, DateTime<Utc>, DateTime<Utc>)>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(MINE).bind(ctx.actor.subject).bind(ctx.now()).fetch_optional(c).await)?)
}

/// Ends this hold of an account; `false` where it is not the account's, or over.
pub(super) async fn end_one(
    tx: &mut Tx,
    account: AccountId,
    id: ConsultHoldId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(END_ONE).bind(account).bind(id).bind(now).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes out the rows of holds that are over and count no more.
pub(super) async fn forget(tx: &mut Tx, now: DateTime<Utc>, counted_until: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(FORGET).bind(now).bind(counted_until).execute(c).await.map(drop))?)
}
