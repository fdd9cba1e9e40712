//! An organisation, and what it is for.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::OrganisationState;
use crate::account::member::AccountLink;
use crate::role::{ADMINISTRATOR, ANALYST, AREA_LEADER, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};

text_enum! {
    /// The purpose of an organisation.
    pub enum OrganisationKind {
        /// 养老机构
        CareHome = "care_home",
        /// 医院
        Hospital = "hospital",
        /// 居家养老服务组织
        HomeCareAgency = "home_care_agency",
        /// 街道办事处
        StreetOffice = "street_office",
        /// 社区
        Community = "community",
        /// 社区卫生服务中心
        HealthCentre = "health_centre",
    }
}

impl OrganisationKind {
    /// The roles that accounts of such an organisation may have.
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::CareHome => &[CARE_STAFF, DOCTOR, ADMINISTRATOR],
            Self::Hospital | Self::HealthCentre => &[DOCTOR, CARE_STAFF, ADMINISTRATOR],
            Self::HomeCareAgency => &[DISPATCHER, CAREGIVER, ADMINISTRATOR],
            Self::StreetOffice | Self::Community => &[ANALYST, DISPATCHER, AREA_LEADER, ADMINISTRATOR],
        }
    }

    /// Whether areas in the tokens of its people open what lies in them, elders and requests.
    pub fn governs(self) -> bool {
        matches!(self, Self::StreetOffice | Self::Community)
    }
}

/// An organisation as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow, Serialize, ToSchema)]
pub struct Organisation {
    #[schema(value_type = uuid::Uuid)]
    pub id: OrganisationId,
    pub kind: OrganisationKind,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    pub name_en: String,
    /// The IANA zone in which it plans.
    pub time_zone: String,
    /// Where it is reached by telephone, also when a video fails.
    pub phone: Option<String>,
    /// The area it lies in.
    pub area_code: Option<String>,
    /// The organisation that made it; none for one that was set up on the machine.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub made_by: Option<OrganisationId>,
    pub state: OrganisationState,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// Since when it is in the network.
    pub created_at: DateTime<Utc>,
}

impl Organisation {
    /// The zone; Shanghai's when the stored name is not known to this build.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or(chrono_tz::Asia::Shanghai)
    }

    /// The day at `now` where it is.
    pub fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone()).date_naive()
    }
}

/// An organisation that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganisationMade {
    #[serde(flatten)]
    pub organisation: Organisation,
    /// The link of its first administrator, if one was named. Told once.
    pub link: Option<AccountLink>,
}
