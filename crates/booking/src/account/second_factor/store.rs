//! Second factors in the database; the secret is sealed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use super::reseal::place;
use crate::account::config::SecondFactorFor;
use crate::account::id::AccountId;
use crate::account::member::Membership;

const FIND: &str = "select secret_sealed, confirmed_at, last_step from second_factor where account_id = $1";
const CONFIRMED: &str = "select count(*) from second_factor where account_id = $1 and confirmed_at is not null";
const BEGIN: &str = "insert into second_factor (account_id, secret_sealed, begun_at) values ($1, $2, $3)
    on conflict (account_id) do update set secret_sealed = excluded.secret_sealed, begun_at = excluded.begun_at
    where second_factor.confirmed_at is null";
const CONFIRM: &str = "update second_factor set confirmed_at = $2, last_step = $3
    where account_id = $1 and confirmed_at is null";
const SPEND_STEP: &str = "update second_factor set last_step = $2
    where account_id = $1 and confirmed_at is not null and last_step < $2";
const DROP: &str = "delete from second_factor where account_id = $1";
const DROP_RECOVERY: &str = "delete from recovery_code where account_id = $1";
const ADD_RECOVERY: &str = "insert into recovery_code (account_id, code_hash, made_at) values ($1, $2, $3)";
const SPEND_RECOVERY: &str = "update recovery_code set used_at = $3
    where account_id = $1 and code_hash = $2 and used_at is null";
const RECOVERY_LEFT: &str = "select count(*) from recovery_code where account_id = $1 and used_at is null";
const HOLDERS: &str =
    "select distinct f.account_id from second_factor f join membership m on m.account_id = f.account_id
    where m.organisation_id = $1 and f.confirmed_at is not null";

/// A factor as it is stored.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct Factor {
    secret_sealed: Vec<u8>,
    /// Since when it counts.
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    /// The step of the last code that was taken.
    pub(super) last_step: Option<i64>,
}

impl Factor {
    /// The secret; `None`, and a line in the log, when it cannot be read.
    pub(super) fn secret(&self, fields: &FieldKeys, account: AccountId) -> Option<TotpSecret> {
        let text = fields.open_or_report(&place(account.0), &self.secret_sealed)?;
        TotpSecret::parse(&text)
    }
}

pub(super) async fn find(conn: &mut Conn, account: AccountId) -> Result<Option<Factor>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(account).fetch_optional(c).await)?)
}

/// Whether log-ins of an account ask for a code.
pub(in crate::account) async fn is_confirmed(conn: &mut Conn, account: AccountId) -> Result<bool, DbError> {
    let confirmed: i64 = on!(conn, |c| sqlx::query_scalar(CONFIRMED).bind(account).fetch_one(c).await)?;
    Ok(confirmed > 0)
}

/// Whether an account must have a factor and has none.
pub(in crate::account) async fn is_lacking(
    conn: &mut Conn,
    whose: SecondFactorFor,
    account: AccountId,
    membership: &Membership,
) -> Result<bool, DbError> {
    Ok(whose.includes(&membership.roles) && !is_confirmed(conn, account).await?)
}

/// Keeps a secret that its owner has yet to confirm; `false` when the account has a factor already.
pub(super) async fn begin(
    tx: &mut Tx,
    fields: &FieldKeys,
    account: AccountId,
    secret: &TotpSecret,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let sealed = fields.seal(&place(account.0), &secret.text());
    let rows = on!(tx, |c| {
        let row = sqlx::query(BEGIN).bind(account).bind(sealed).bind(now);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// The factor counts from now on, and the code of `step` is spent; `false` when it counted already.
pub(super) async fn confirm(tx: &mut Tx, account: AccountId, step: i64, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(CONFIRM).bind(account).bind(now).bind(step);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn spend_step(tx: &mut Tx, account: AccountId, step: i64) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SPEND_STEP).bind(account).bind(step);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes an account's factor away, with its codes for recovery; whether there was one.
pub(in crate::account) async fn drop_of(tx: &mut Tx, account: AccountId) -> Result<bool, DbError> {
    on!(tx, |c| sqlx::query(DROP_RECOVERY).bind(account).execute(c).await.map(drop))?;
    let rows = on!(tx, |c| { sqlx::query(DROP).bind(account).execute(c).await.map(|done| done.rows_affected()) })?;
    Ok(rows == 1)
}

pub(super) async fn replace_recovery(
    tx: &mut Tx,
    account: AccountId,
    hashes: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(DROP_RECOVERY).bind(account).execute(c).await.map(drop))?;
    for hash in hashes {
        on!(tx, |c| sqlx::query(ADD_RECOVERY).bind(account).bind(hash).bind(now).execute(c).await.map(drop))?;
    }
    Ok(())
}

pub(super) async fn spend_recovery(
    tx: &mut Tx,
    account: AccountId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SPEND_RECOVERY).bind(account).bind(hash).bind(now);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// How many codes for recovery an account has left.
pub(in crate::account) async fn recovery_codes_left(conn: &mut Conn, account: AccountId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(RECOVERY_LEFT).bind(account).fetch_one(c).await)?)
}

/// The accounts of an organisation that have a factor.
pub(in crate::account) async fn holders(
    conn: &mut Conn,
    organisation: OrganisationId,
) -> Result<HashSet<AccountId>, DbError> {
    let rows: Vec<AccountId> = on!(conn, |c| sqlx::query_scalar(HOLDERS).bind(organisation).fetch_all(c).await)?;
    Ok(rows.into_iter().collect())
}
