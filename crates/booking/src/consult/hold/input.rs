//! The body that asks for a hold.

use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};

/// The time that is to be held.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsultHold {
    /// A resident of the caller's care home.
    pub resident_id: PersonId,
    pub hospital_id: OrganisationId,
    /// A doctor of the hospital.
    pub doctor_id: AccountId,
    /// The beginning of a slot that the doctor offers.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub starts_at: Moment,
    /// A room of the care home; absent: any that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<LocationId>,
    /// Shared devices of the care home that are to be brought, at most 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<SharedDeviceId>,
}
