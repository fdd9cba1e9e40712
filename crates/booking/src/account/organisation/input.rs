//! The fields of a new organisation, read and checked.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Organisation, OrganisationKind};
use super::state::OrganisationState;
use crate::account::input::{Fields, Wrong, area_code, line, login};

/// Characters of a reason at most.
const REASON_CHARS_MAX: usize = 500;

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
    /// The first administrator, for whom the answer has a link.
    administrator: Option<FirstAdministrator>,
}

/// The one who will run a new organisation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"login": "anhe.chief", "display_name": "安院长"}))]
pub(super) struct FirstAdministrator {
    /// The name to type.
    #[serde(default)]
    #[schema(required)]
    login: String,
    /// The name that others see.
    #[serde(default)]
    #[schema(required)]
    display_name: String,
}

/// Why an organisation is closed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "合作协议到期"}))]
pub(super) struct OrganisationClosing {
    /// In people's words, up to 500 characters.
    reason: String,
}

impl OrganisationClosing {
    /// The reason, checked.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let reason = fields.take("/reason", line(&self.reason, REASON_CHARS_MAX));
        fields.finish(reason)
    }
}

/// The log-in and the name of the first administrator.
#[derive(Debug)]
pub(super) struct First {
    pub(super) login: String,
    pub(super) name: String,
}

impl NewOrganisation {
    /// The organisation and its administrator's log-in and name, or every field that is wrong.
    pub(super) fn parse(
        &self,
        now: DateTime<Utc>,
        made_by: OrganisationId,
    ) -> Result<(Organisation, Option<First>), Problem> {
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
            made_by: Some(made_by),
            state: OrganisationState::Open,
            version: 1,
            created_at: now,
        });
        let Some(first) = &self.administrator else { return Ok((fields.finish(parsed)?, None)) };
        let login = fields.take("/administrator/login", login(&first.login));
        let name = fields.take("/administrator/display_name", line(&first.display_name, 40));
        let first = login.zip(name).map(|(login, name)| First { login, name });
        let (organisation, first) = fields.finish(parsed.zip(first))?;
        Ok((organisation, Some(first)))
    }
}
