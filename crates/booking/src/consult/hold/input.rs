//! The body that asks for a hold.

use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};
use crate::consult::input::Urgency;

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
    /// The urgency that the invitation will have; absent: one that can wait. A doctor's notice is of no account for `stat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
}

impl NewConsultHold {
    /// Whether it is for a consult that cannot wait (特急).
    pub(super) fn is_stat(&self) -> bool {
        self.urgency == Some(Urgency::Stat)
    }
}
