//! A room as it is stored and seen.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::id::LocationId;

/// A room: FHIR Location.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Location {
    /// Its id: also its resource in the calendar.
    pub id: LocationId,
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// The name that people use for it.
    pub name: String,
    pub created_at: DateTime<Utc>,
}
