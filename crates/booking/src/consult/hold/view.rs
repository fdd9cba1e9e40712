//! The shape in which callers see a hold.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::{AccountId, LocationId};
use crate::consult::id::ConsultHoldId;

/// A time that the caller holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultHoldView {
    pub id: ConsultHoldId,
    pub doctor_id: AccountId,
    /// The room that is held with it.
    pub room_id: LocationId,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
    /// When it is given up by itself.
    pub expires_at: DateTime<Utc>,
}
