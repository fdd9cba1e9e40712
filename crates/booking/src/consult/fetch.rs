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
    where consult_id = $1 and starts_at = $2 and withdrawn_at is null";

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

/// Takes it back; `false` where nobody goes.
pub async fn leave(
    tx: &mut Tx,
    consult: ConsultId,
    appointment: &Appointment,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let starts_at = appointment.interval.starts_at();
    let rows = on!(tx, |c| {
        sqlx::query(LEAVE).bind(consult).bind(starts_at).bind(now).bind(by).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}
