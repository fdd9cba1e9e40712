//! An account and its membership, as they are stored.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::text_enum;

use crate::account::id::AccountId;
use crate::account::organisation::{OrganisationKind, OrganisationState};

text_enum! {
    /// Whether an account may log in.
    pub enum AccountStatus {
        /// It may.
        Active = "active",
        /// It may not, until an administrator enables it again.
        Disabled = "disabled",
    }
}

/// An account as it is stored.
#[derive(Clone, sqlx_macros::FromRow)]
pub struct Account {
    pub id: AccountId,
    /// The name that its owner types.
    pub login: String,
    /// The name that others see.
    pub display_name: String,
    /// PHC string; never leaves this part.
    pub(in crate::account) password_hash: String,
    /// PHC string; never leaves this part.
    pub(in crate::account) pin_hash: Option<String>,
    /// Whether it may log in.
    pub status: AccountStatus,
    pub created_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// The organisation in which it began; none of one that a process of the release before made.
    pub home_id: Option<OrganisationId>,
}

impl Account {
    /// Whether its password and its PIN are those that `before` had.
    pub(in crate::account) fn has_secrets_of(&self, before: &Self) -> bool {
        self.password_hash == before.password_hash && self.pin_hash == before.pin_hash
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({}, {:?})", self.id, self.status)
    }
}

/// For which organisation an account acts, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub organisation: OrganisationId,
    pub roles: Vec<String>,
    /// The areas, as codes.
    pub areas: Vec<String>,
}

impl Membership {
    /// Whether something of `before` is gone.
    pub(super) fn lacks_of(&self, before: &Self) -> bool {
        let gone = |had: &[String], has: &[String]| had.iter().any(|right| !has.contains(right));
        self.organisation != before.organisation || gone(&before.roles, &self.roles) || gone(&before.areas, &self.areas)
    }
}

/// An organisation in which an account acts.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Affiliation {
    pub id: OrganisationId,
    pub kind: OrganisationKind,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    pub name_en: String,
    pub state: OrganisationState,
}

/// A new account.
#[derive(Clone, Debug)]
pub struct NewAccount<'a> {
    pub id: AccountId,
    /// The name that its owner types, lower-case.
    pub login: &'a str,
    /// The name that others see.
    pub display_name: &'a str,
    /// PHC string of the password.
    pub password_hash: &'a str,
    /// PHC string of the PIN.
    pub pin_hash: Option<&'a str>,
}
