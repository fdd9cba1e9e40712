//! Shared tablets: a random token in a cookie names the device; what it may do stands in the database,
//! so that an old copy of the cookie brings nothing back.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::crypto::{random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::on;

use crate::App;
use crate::account::id::{AccountId, DeviceId};
use crate::account::member;
use crate::role::CAREGIVER;

/// Names the device; sent to `/session` only.
const DEVICE_COOKIE: &str = "sanbao_device";
/// Tells the page's script after how many minutes to lock.
const IDLE_COOKIE: &str = "sanbao_idle_minutes";

/// How long a device is known to those who showed their password there, and for how long it is known again then.
const KNOWN_DAYS: i64 = 30;

const FIND: &str = "select id from device where token_hash = $1";
const KNOWN: &str = "select count(*) from device_account where device_id = $1 and account_id = $2 and password_at > $3";
const WHOSE: &str = "update device set kind = case when $2 and not exists (select 1 from device_account d
    where d.device_id = $1 and d.account_id <> $3 and d.password_at > $4) then 'own' else 'shared' end where id = $1";
const INSERT: &str = "insert into device (id, token_hash, created_at) values ($1, $2, $3)";
const REMEMBER: &str = "insert into device_account (device_id, account_id, password_at, wrong_pin_count)
    values ($1, $2, $3, 0) on conflict (device_id, account_id)
    do update set password_at = excluded.password_at, wrong_pin_count = 0";
const CANDIDATES: &str = "select a.id, a.display_name from device_account d
    join account a on a.id = d.account_id
    where d.device_id = $1 and d.password_at > $2 and d.wrong_pin_count < $3
    and a.status = 'active' and a.pin_hash is not null order by a.display_name, a.id";
const RIGHT_PIN: &str = "update device_account set wrong_pin_count = 0
    where device_id = $1 and account_id = $2 and password_at > $3 and wrong_pin_count < $4";
const WRONG_PIN: &str = "update device_account set wrong_pin_count = wrong_pin_count + 1
    where device_id = $1 and account_id = $2 and password_at > $3 and wrong_pin_count < $4";

/// An account that may log in here by PIN.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct Candidate {
    pub(super) id: AccountId,
    pub(super) display_name: String,
}

/// The device that the browser's cookie names.
pub(super) async fn find(conn: &mut Conn, jar: &CookieJar) -> Result<Option<DeviceId>, DbError> {
    let Some(cookie) = jar.get(DEVICE_COOKIE) else { return Ok(None) };
    let hash = sha256_hex(cookie.value().as_bytes());
    Ok(on!(conn, |c| sqlx::query_scalar(FIND).bind(hash).fetch_optional(c).await)?)
}

/// The browser's device, when the account has shown its password on it before.
pub(super) async fn known_to(
    conn: &mut Conn,
    jar: &CookieJar,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Option<DeviceId>, DbError> {
    let Some(device) = find(conn, jar).await? else { return Ok(None) };
    let since = now - Duration::days(KNOWN_DAYS);
    let known: i64 =
        on!(conn, |c| { sqlx::query_scalar(KNOWN).bind(device).bind(account).bind(since).fetch_one(c).await })?;
    Ok((known > 0).then_some(device))
}

/// Remembers that an account showed its password here, and whose device this is then. A new browser gets its cookie, one
/// that was here before keeps it for as long again.
pub(super) async fn remember(
    app: &App,
    tx: &mut Tx,
    jar: CookieJar,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<(CookieJar, DeviceId), DbError> {
    let (device, token) = match (find(tx, &jar).await?, jar.get(DEVICE_COOKIE)) {
        (Some(device), Some(cookie)) => (device, cookie.value().to_owned()),
        _ => {
            let (device, token) = (DeviceId::new(now), random_token());
            let hash = sha256_hex(token.as_bytes());
            on!(tx, |c| sqlx::query(INSERT).bind(device).bind(hash).bind(now).execute(c).await.map(drop))?;
            (device, token)
        }
    };
    let jar = jar.add(lasting(app, DEVICE_COOKIE, token, "/session", true));
    on!(tx, |c| sqlx::query(REMEMBER).bind(device).bind(account).bind(now).execute(c).await.map(drop))?;
    // A caregiver's phone has a queue of its own for hours without a network, and nobody else logs in there.
    let roles = member::roles_anywhere(tx, account).await?;
    let roams = !roles.is_empty() && roles.iter().all(|role| role == CAREGIVER);
    let since = now - Duration::days(KNOWN_DAYS);
    on!(tx, |c| { sqlx::query(WHOSE).bind(device).bind(roams).bind(account).bind(since).execute(c).await.map(drop) })?;
    Ok((jar, device))
}

/// Tells the page's script when to lock.
pub(super) fn tell_idle_minutes(app: &App, jar: CookieJar) -> CookieJar {
    let minutes = app.config.account.idle_lock_minutes.to_string();
    jar.add(lasting(app, IDLE_COOKIE, minutes, "/", false))
}

fn lasting(app: &App, name: &'static str, value: String, path: &'static str, http_only: bool) -> Cookie<'static> {
    let cookie = Cookie::build((name, value)).path(path).http_only(http_only).secure(app.deps.secure);
    cookie.same_site(SameSite::Lax).max_age(time::Duration::days(KNOWN_DAYS)).build()
}

/// The people who may log in here by PIN.
pub(super) async fn candidates(
    app: &App,
    conn: &mut Conn,
    device: DeviceId,
    now: DateTime<Utc>,
) -> Result<Vec<Candidate>, DbError> {
    let config = &app.config.account;
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(CANDIDATES).bind(device).bind(now - config.pin());
        rows.bind(i32::from(config.wrong_pins_max)).fetch_all(c).await
    })?)
}

/// Notes a right or wrong PIN; `false` when the account may not use one here (any more).
pub(super) async fn note_pin(
    app: &App,
    tx: &mut Tx,
    device: DeviceId,
    account: AccountId,
    right: bool,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let config = &app.config.account;
    let statement = if right { RIGHT_PIN } else { WRONG_PIN };
    let rows = on!(tx, |c| {
        let row = sqlx::query(statement).bind(device).bind(account).bind(now - config.pin());
        row.bind(i32::from(config.wrong_pins_max)).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
