//! A code that somebody typed: of the authenticator, or one of those for recovery.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::cn::half_width;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, DbError, Tx};

use super::store;
use crate::account::id::AccountId;

/// How many codes for recovery there are.
const RECOVERY_CODES: usize = 10;
const RECOVERY_LETTERS: usize = 10;
const DIGITS: usize = 6;

/// A code that is right as far as reading tells; [`spend`] decides.
#[derive(Clone, Debug)]
pub(in crate::account) enum Code {
    /// Of the authenticator: the step of its time.
    Step(i64),
    /// For recovery: its hash.
    Recovery(String),
}

/// The code that this may be, of an account that has a factor.
pub(in crate::account) async fn read(
    conn: &mut Conn,
    fields: &FieldKeys,
    account: AccountId,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<Option<Code>, DbError> {
    let Some(factor) = store::find(conn, account).await?.filter(|f| f.confirmed_at.is_some()) else { return Ok(None) };
    let plain = half_width(typed).to_uppercase();
    if plain.len() == DIGITS && plain.bytes().all(|b| b.is_ascii_digit()) {
        let secret = factor.secret(fields, account);
        return Ok(secret.and_then(|secret| secret.right(&plain, now, factor.last_step)).map(Code::Step));
    }
    Ok((plain.len() == RECOVERY_LETTERS).then(|| Code::Recovery(hash(fields, account, &plain))))
}

/// Takes a code: each is good once. Whether it was right.
pub(in crate::account) async fn spend(
    tx: &mut Tx,
    account: AccountId,
    code: &Code,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    match code {
        Code::Step(step) => store::spend_step(tx, account, *step).await,
        Code::Recovery(hash) => store::spend_recovery(tx, account, hash, now).await,
    }
}

/// Fresh codes for recovery in place of those of before: told once, kept as keyed hashes.
pub(super) async fn renew(
    tx: &mut Tx,
    fields: &FieldKeys,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| fresh()).collect();
    let hashes: Vec<String> = codes.iter().map(|code| hash(fields, account, code)).collect();
    store::replace_recovery(tx, account, &hashes, now).await?;
    let half = RECOVERY_LETTERS / 2;
    Ok(codes.iter().map(|code| format!("{}-{}", &code[..half], &code[half..])).collect())
}

/// 50 bits, in letters of which none is taken for another (RFC 4648 §6).
fn fresh() -> String {
    TotpSecret::random().text().chars().take(RECOVERY_LETTERS).collect()
}

fn hash(fields: &FieldKeys, account: AccountId, code: &str) -> String {
    fields.fingerprint("recovery_code", &format!("{account} {code}"))
}
