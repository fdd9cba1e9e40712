//! An account as an administrator sees it.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::link::AccountLink;
use super::model::{Account, AccountStatus, Membership};
use crate::account::id::AccountId;

/// An account without its secrets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountView {
    pub id: AccountId,
    /// The organisation in which it has these roles and areas.
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// Whether it began in another organisation, whose administrators have its password, second factor and status.
    pub guest: bool,
    /// The name that its owner types.
    pub login: String,
    /// The name that others see.
    pub display_name: String,
    /// Whether it may log in.
    pub status: AccountStatus,
    pub roles: Vec<String>,
    /// Its areas, as codes.
    pub areas: Vec<String>,
    /// Whether it has a PIN for shared tablets.
    pub pin_set: bool,
    pub created_at: DateTime<Utc>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

impl AccountView {
    /// The view of an account and its membership.
    pub fn of(account: Account, membership: Membership) -> Self {
        Self {
            id: account.id,
            organisation_id: membership.organisation,
            guest: account.home_id.is_some_and(|home| home != membership.organisation),
            login: account.login,
            display_name: account.display_name,
            status: account.status,
            roles: membership.roles,
            areas: membership.areas,
            pin_set: account.pin_hash.is_some(),
            created_at: account.created_at,
            version: account.version,
        }
    }
}

/// An account with the link by which its owner chooses a password.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountWithLink {
    #[serde(flatten)]
    pub account: AccountView,
    /// Told once.
    pub link: AccountLink,
}
