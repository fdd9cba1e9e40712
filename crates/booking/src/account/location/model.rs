//! A room as it is stored and seen.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::LocationState;
use crate::account::id::LocationId;

/// A room: FHIR Location.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct Location {
    /// Its id: also its resource in the calendar.
    pub id: LocationId,
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// The name that people use for it.
    pub name: String,
    /// How many consults can be in it at once: its lanes in the calendar.
    pub capacity: i32,
    pub state: LocationState,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Location {
    /// A new room, for one consult at a time.
    pub fn named(id: LocationId, organisation_id: OrganisationId, name: String, created_at: DateTime<Utc>) -> Self {
        Self { id, organisation_id, name, capacity: 1, state: LocationState::Open, version: 1, created_at }
    }
}
