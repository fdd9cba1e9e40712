//! Accounts: who logs in, for which organisation, with which roles and areas.

pub(super) mod api;
mod store;
mod view;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::AccountId;

pub use store::{
    Membership, NewAccount, add_membership, find, find_by_login, insert, list, membership, of_organisation_with_role,
};
pub(super) use store::{roles_by_account, set_pin};
pub use view::AccountView;

/// Whether an account may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AccountStatus {
    /// It may.
    Active,
    /// It may not, until an administrator enables it again.
    Disabled,
}

/// An account as it is stored.
#[derive(Clone, sqlx::FromRow)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What its owner types.
    pub login: String,
    /// The name that others see.
    pub display_name: String,
    /// PHC string; never leaves this part.
    pub(super) password_hash: String,
    /// PHC string; never leaves this part.
    pub(super) pin_hash: Option<String>,
    /// Whether it may log in.
    pub status: AccountStatus,
    /// Until when wrong passwords have locked it.
    pub locked_until: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Counts its changes.
    pub version: i64,
}

impl Account {
    /// The seconds until the lock ends, if it is locked.
    pub fn locked_seconds(&self, now: DateTime<Utc>) -> Option<u64> {
        let left = (self.locked_until? - now).num_seconds();
        u64::try_from(left).ok().filter(|left| *left > 0).or((left == 0 && self.locked_until? > now).then_some(1))
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({}, {:?})", self.id, self.status)
    }
}
