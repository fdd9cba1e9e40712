//! Between the password and the code: a signed token says whose password was right, for a few minutes.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::account::id::AccountId;
use crate::account::member::Account;

/// The `typ` of these tokens.
const PURPOSE: &str = "second-factor+jwt";
/// How long there is for the code.
pub(in crate::account) const SECONDS: i64 = 5 * 60;

/// Whose password was right, while the account was as it is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::account) struct Challenge {
    /// The account.
    pub(in crate::account) sub: AccountId,
    /// Its version: another password is another version.
    pub(in crate::account) ver: i64,
}

impl Challenge {
    /// The signed token for an account.
    pub(in crate::account) fn sign(keys: &Keys, account: &Account, now: DateTime<Utc>) -> Result<String, Problem> {
        let expires = now + Duration::seconds(SECONDS);
        let scope = Scope { purpose: PURPOSE, audience: crate::NAME, not_before: now, expires };
        keys.sign(scope, now, &Self { sub: account.id, ver: account.version }).map_err(Problem::internal)
    }

    /// The claims of a token, while it is good.
    pub(in crate::account) fn read(keys: &Keys, token: &str, now: DateTime<Utc>) -> Option<Self> {
        keys.verify(PURPOSE, crate::NAME, now, token).ok()
    }
}
