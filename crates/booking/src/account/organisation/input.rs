//! The fields of a new organisation, read and checked.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Organisation, OrganisationKind};
use crate::account::input::{Fields, Wrong, area_code, line};

/// A new organisation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"kind": "care_home", "name_zh": "安和怡养院", "name_en": "Anhe Care Home",
    "time_zone": "Asia/Shanghai", "phone": "0574-86270000", "area_code": "330211001001"}))]
pub(super) struct NewOrganisation {
    kind: OrganisationKind,
    #[serde(default)]
    #[schema(required)]
    name_zh: String,
    #[serde(default)]
    #[schema(required)]
    name_en: String,
    /// IANA zone; `Asia/Shanghai` when left out.
    time_zone: Option<String>,
    phone: Option<String>,
    area_code: Option<String>,
}

impl NewOrganisation {
    /// The organisation, or every field that is wrong.
    pub(super) fn parse(&self, now: DateTime<Utc>) -> Result<Organisation, Problem> {
        let mut fields = Fields::default();
        let name_zh = fields.take("/name_zh", line(&self.name_zh, 80));
        let name_en = fields.take("/name_en", line(&self.name_en, 120));
        let zone = self.time_zone.as_deref().unwrap_or("Asia/Shanghai");
        let zone: Option<chrono_tz::Tz> =
            fields.take("/time_zone", zone.parse().map_err(|_| Wrong::new("没有这个时区", "No such IANA time zone")));
        let phone = fields.maybe("/phone", self.phone.as_deref(), |t| line(t, 40));
        let area_code = fields.maybe("/area_code", self.area_code.as_deref(), area_code);
        let parsed = name_zh.zip(name_en).zip(zone).map(|((name_zh, name_en), zone)| Organisation {
            id: OrganisationId::new(now),
            kind: self.kind,
            name_zh,
            name_en,
            time_zone: zone.name().to_owned(),
            phone,
            area_code,
            created_at: now,
        });
        fields.finish(parsed)
    }
}
