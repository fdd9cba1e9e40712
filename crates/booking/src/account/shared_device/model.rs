//! A shared device as it is stored and seen.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::SharedDeviceState;
use crate::account::id::SharedDeviceId;
use crate::consult::{ConsultId, ConsultStateName};

/// A device that the consults of a house share, such as an electrocardiograph on wheels: FHIR Device.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct SharedDevice {
    /// Its id: also its resource in the calendar.
    pub id: SharedDeviceId,
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// The name that people use for it.
    pub name: String,
    /// How many of it there are: its lanes in the calendar.
    pub quantity: i32,
    pub state: SharedDeviceState,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A device by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct DeviceName {
    pub id: SharedDeviceId,
    pub name: String,
}

/// A consult that is not over and needs a device. Whom it is about stands in the consult.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct NeedingConsult {
    pub consult_id: ConsultId,
    pub state: ConsultStateName,
    /// Once it is booked.
    pub starts_at: Option<DateTime<Utc>>,
}

/// A device that was closed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClosedDevice {
    #[serde(flatten)]
    pub device: SharedDevice,
    /// The consults that are not over and need it, by time, those without one last; at most 100. They keep it until somebody
    /// changes them.
    pub needed_by: Vec<NeedingConsult>,
}

impl SharedDevice {
    /// A new device, of which there is one.
    pub fn named(id: SharedDeviceId, organisation_id: OrganisationId, name: String, created_at: DateTime<Utc>) -> Self {
        Self { id, organisation_id, name, quantity: 1, state: SharedDeviceState::Open, version: 1, created_at }
    }
}
