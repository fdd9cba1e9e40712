//! Organisations of the network: four kinds, each with its roles.

pub(super) mod api;
mod events;
mod store;

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::Relation;
use crate::role::{ADMINISTRATOR, ANALYST, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};

pub use events::CATALOGUE;
pub use store::{find, insert, list, list_all};

/// What an organisation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OrganisationKind {
    /// 养老机构
    CareHome,
    /// 医院
    Hospital,
    /// 居家养老服务组织
    HomeCareAgency,
    /// 街道办事处
    StreetOffice,
}

impl OrganisationKind {
    /// All four, in the order in which forms show them.
    pub const ALL: [Self; 4] = [Self::CareHome, Self::Hospital, Self::HomeCareAgency, Self::StreetOffice];

    /// The roles that accounts of such an organisation may have.
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::CareHome => &[CARE_STAFF, DOCTOR, ADMINISTRATOR],
            Self::Hospital => &[DOCTOR, CARE_STAFF, ADMINISTRATOR],
            Self::HomeCareAgency => &[DISPATCHER, CAREGIVER, ADMINISTRATOR],
            Self::StreetOffice => &[ANALYST, DISPATCHER, ADMINISTRATOR],
        }
    }

    /// As it is stored and as its text's key ends.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CareHome => "care_home",
            Self::Hospital => "hospital",
            Self::HomeCareAgency => "home_care_agency",
            Self::StreetOffice => "street_office",
        }
    }
}

/// An organisation as it is stored.
#[derive(Clone, Debug, sqlx::FromRow, Serialize, ToSchema)]
pub struct Organisation {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: OrganisationId,
    /// Its kind.
    pub kind: OrganisationKind,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The IANA zone in which it plans.
    pub time_zone: String,
    /// Where it is reached by telephone, also when a video fails.
    pub phone: Option<String>,
    /// The area it lies in.
    pub area_code: Option<String>,
    /// Since when it is in the network.
    pub created_at: DateTime<Utc>,
}

impl Organisation {
    /// The zone; Shanghai's when the stored name is not known to this build.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or(chrono_tz::Asia::Shanghai)
    }

    /// How a caller of this organisation stands to another organisation.
    pub fn relation_to(&self, other: OrganisationId) -> Relation {
        match (self.id == other, self.kind) {
            (true, _) => Relation::Own,
            (false, OrganisationKind::StreetOffice) => Relation::Street,
            (false, _) => Relation::Foreign,
        }
    }
}
