//! An order as the administrators see it, and what its yes brought.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::order::OrderKind;
use super::store::StandingOrder;
use crate::account::id::AccountId;
use crate::account::member::link::AccountLink;

/// An order that waits for another administrator's yes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::account) struct OrderView {
    pub(super) id: Uuid,
    #[schema(value_type = uuid::Uuid)]
    pub(super) organisation_id: OrganisationId,
    pub(super) kind: OrderKind,
    /// The name of the one it is about; empty where that is nobody yet.
    pub(super) name: String,
    pub(super) given_by: AccountId,
    /// The name of that account.
    pub(super) by: String,
    pub(super) given_at: DateTime<Utc>,
    /// Until when it can be confirmed.
    pub(super) expires_at: DateTime<Utc>,
}

impl OrderView {
    pub(super) fn of(order: StandingOrder) -> Self {
        Self {
            id: order.id,
            organisation_id: order.organisation_id,
            kind: order.kind,
            name: order.name,
            given_by: order.given_by,
            by: order.by,
            given_at: order.given_at,
            expires_at: order.expires_at,
        }
    }
}

/// Dual control of an organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct DualControlView {
    /// Whether what makes an administrator needs two.
    pub(super) on: bool,
    /// The orders that wait for a yes, the newest first; 100 at most.
    pub(super) orders: Vec<OrderView>,
}

/// An order was carried out.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(super) struct OrderDone {
    /// The name of the account that it was about.
    pub(super) display_name: Option<String>,
    /// Its log-in.
    pub(super) login: Option<String>,
    /// Told once, where the order makes a link: for the owner of the account, or the person who is asked.
    pub(super) link: Option<AccountLink>,
    /// The administrator in whose name somebody is asked.
    pub(super) by: Option<String>,
}
