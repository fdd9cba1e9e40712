//! The member of a house's staff who fetches the person of a booked consult: said for its time by a press, and taken back.
//!
//! It belongs to the booked time: of another time nobody has said it.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::on;
use serde::Serialize;
use utoipa::ToSchema;

use super::id::{ConsultId, FetchId};
use super::state::Appointment;
use crate::account::AccountId;

const TAKE: &str = "insert into consult_fetch (id, consult_id, starts_at, fetched_by, recorded_at)
    values ($1, $2, $3, $4, $5) on conflict do nothing";
const LEAVE: &str = "update consult_fetch set withdrawn_at = $3, withdrawn_by = $4
    where consult_id = $1 and starts_at = $2 and withdrawn_at is null and ($5 is null or fetched_by = $5)";
const VOID: &str = "update consult_fetch set withdrawn_at = $2, withdrawn_by = $3
    where consult_id = $1 and withdrawn_at is null";

/// The member of staff who fetches the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fetcher {
    pub account_id: AccountId,
    pub name: String,
}

/// Says that somebody goes for this time; `false` where somebody has said so already.
pub async fn take(
    tx: &mut Tx,
    consult: ConsultId,
    appointment: &Appointment,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let starts_at = appointment.interval.starts_at();
    let rows = on!(tx, |c| {
        let row = sqlx::query(TAKE).bind(FetchId::new(now)).bind(consult).bind(starts_at).bind(by).bind(now);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes it back, of `whom` alone where somebody is named; `false` where nobody, or somebody else, goes.
pub async fn leave(
    tx: &mut Tx,
    consult: ConsultId,
    appointment: &Appointment,
    whom: Option<AccountId>,
    (by, now): (AccountId, DateTime<Utc>),
) -> Result<bool, DbError> {
    let starts_at = appointment.interval.starts_at();
    let rows = on!(tx, |c| {
        let row = sqlx::query(LEAVE).bind(consult).bind(starts_at).bind(now).bind(by).bind(whom);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes back what was said of any time: when the time moves there and back, nobody has said it anew.
pub async fn void(tx: &mut Tx, consult: ConsultId, by: AccountId, now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(VOID).bind(consult).bind(now).bind(by).execute(c).await.map(drop))?)
}
