//! The one place where log-ins end and rights are lost: written down, heeded by this process from the commit on, and
//! told to all others.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::ended::{self, Ending, RIGHTS_LOST, RightsLost, SESSION_ENDED, SessionEnded};
use sanbao_platform::bus::{self, Published};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use crate::account::config::SESSION_HOURS_MAX;
use crate::account::id::{AccountId, SessionId};

const END: &str = "update login_session set ended_at = $2, end_cause = $3 where id = $1 and ended_at is null
    returning account_id";
const END_ALL: &str = "update login_session set ended_at = $2, end_cause = $3
    where account_id = $1 and ended_at is null returning id, created_at";
const END_OTHERS: &str = "update login_session set ended_at = $2, end_cause = $3
    where account_id = $1 and id <> $4 and ended_at is null returning id, created_at";
const END_OWN: &str = "update login_session set ended_at = $3, end_cause = $4
    where id = $1 and account_id = $2 and ended_at is null returning id";
const END_IN: &str = "update login_session set ended_at = $2, end_cause = $3
    where account_id = $1 and organisation_id = $4 and ended_at is null returning id, created_at";
const FORGET_DEVICES: &str = "delete from device_account where account_id = $1";
// A device is of the organisation whose people log in on it.
const FORGET_DEVICES_IN: &str = "delete from device_account where account_id = $1 and device_id in
    (select s.device_id from login_session s where s.account_id = $1 and s.organisation_id = $2)";

/// The kinds of events that this part publishes.
pub const CATALOGUE: &[Published] = &[SESSION_ENDED.published(), RIGHTS_LOST.published()];

/// Ends one log-in.
pub(super) async fn end(
    tx: &mut Tx,
    session: SessionId,
    now: DateTime<Utc>,
    cause: &'static str,
) -> Result<(), DbError> {
    let account: Option<AccountId> =
        on!(tx, |c| sqlx::query_scalar(END).bind(session).bind(now).bind(cause).fetch_optional(c).await)?;
    match account {
        Some(account) => tell(tx, session, account, now).await,
        None => Ok(()),
    }
}

/// Ends every log-in of an account and forgets on which devices its PIN works.
pub(in crate::account) async fn end_all(
    tx: &mut Tx,
    account: AccountId,
    now: DateTime<Utc>,
    cause: &'static str,
) -> Result<(), DbError> {
    let ended: Vec<(SessionId, DateTime<Utc>)> =
        on!(tx, |c| sqlx::query_as(END_ALL).bind(account).bind(now).bind(cause).fetch_all(c).await)?;
    tell_all(tx, ended, account, now).await?;
    Ok(on!(tx, |c| sqlx::query(FORGET_DEVICES).bind(account).execute(c).await.map(drop))?)
}

/// Ends every log-in of an account in one organisation, and its PIN on the devices that it used there; those elsewhere go on.
pub(in crate::account) async fn end_in(
    tx: &mut Tx,
    account: AccountId,
    organisation: OrganisationId,
    now: DateTime<Utc>,
    cause: &'static str,
) -> Result<(), DbError> {
    let ended: Vec<(SessionId, DateTime<Utc>)> = on!(tx, |c| {
        let rows = sqlx::query_as(END_IN).bind(account).bind(now).bind(cause).bind(organisation);
        rows.fetch_all(c).await
    })?;
    tell_all(tx, ended, account, now).await?;
    Ok(on!(tx, |c| sqlx::query(FORGET_DEVICES_IN).bind(account).bind(organisation).execute(c).await.map(drop))?)
}

/// Ends every log-in of an account but one.
pub(in crate::account) async fn end_others(
    tx: &mut Tx,
    account: AccountId,
    but: SessionId,
    now: DateTime<Utc>,
    cause: &'static str,
) -> Result<(), DbError> {
    let ended: Vec<(SessionId, DateTime<Utc>)> =
        on!(tx, |c| { sqlx::query_as(END_OTHERS).bind(account).bind(now).bind(cause).bind(but).fetch_all(c).await })?;
    tell_all(tx, ended, account, now).await
}

/// Ends a log-in if it is this account's; whether it was.
pub(in crate::account) async fn end_own(
    tx: &mut Tx,
    session: SessionId,
    account: AccountId,
    now: DateTime<Utc>,
    cause: &'static str,
) -> Result<bool, DbError> {
    let ended: Option<SessionId> = on!(tx, |c| {
        let row = sqlx::query_scalar(END_OWN).bind(session).bind(account).bind(now).bind(cause);
        row.fetch_optional(c).await
    })?;
    if ended.is_some() {
        tell(tx, session, account, now).await?;
    }
    Ok(ended.is_some())
}

async fn tell_all(
    tx: &mut Tx,
    ended: Vec<(SessionId, DateTime<Utc>)>,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    // Those that nobody ended in their time have nothing left that could be refused.
    let alive = now - chrono::Duration::hours(SESSION_HOURS_MAX + 1);
    for (session, _) in ended.into_iter().filter(|(_, created)| *created > alive) {
        tell(tx, session, account, now).await?;
    }
    Ok(())
}

async fn tell(tx: &mut Tx, session: SessionId, account: AccountId, now: DateTime<Utc>) -> Result<(), DbError> {
    ended::record(tx, Ending::Session(session.0), now).await?;
    let data = SessionEnded { session_id: session.0, account_id: account.into() };
    bus::emit(tx, now, &SESSION_ENDED, session.0, &data).await
}

/// Refuses the tokens of an account from before its `version`: it has fewer rights now. Its log-ins go on, and a
/// renewed token says what it may.
pub(in crate::account) async fn rights_lost(
    tx: &mut Tx,
    account: AccountId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    ended::record(tx, Ending::Rights { account: account.into(), version }, now).await?;
    let data = RightsLost { account_id: account.into(), version };
    bus::emit(tx, now, &RIGHTS_LOST, account.0, &data).await
}
