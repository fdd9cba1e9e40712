//! The fields of a new organisation, read and checked.

use chrono::{DateTime, Utc};
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Organisation, OrganisationKind};
use super::state::{OrganisationFacts, OrganisationState};
use crate::account::input::{Fields, Wrong, area_code, line, login, telephone};

/// Characters of a reason at most.
const REASON_CHARS_MAX: usize = 500;
/// Characters of a name in Chinese at most.
pub(in crate::account) const NAME_CHARS_MAX: usize = 80;
/// Characters of a name in English at most.
pub(in crate::account) const ENGLISH_CHARS_MAX: usize = 120;

/// A new organisation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"kind": "care_home", "name_zh": "望海怡养院", "name_en": "Sea View Care Home",
    "time_zone": "Asia/Shanghai", "phone": "0574-86270000", "area_code": "330211001001", "same_name": false}))]
pub(super) struct NewOrganisation {
    kind: OrganisationKind,
    #[serde(default)]
    #[schema(required)]
    name_zh: String,
    /// May be left out: pages in English show the Chinese name then.
    #[serde(default)]
    name_en: String,
    /// IANA zone; `Asia/Shanghai` when left out.
    time_zone: Option<String>,
    phone: Option<String>,
    area_code: Option<String>,
    /// Says that another organisation of this name is meant, where there is one already.
    #[serde(default)]
    pub(super) same_name: bool,
    /// The first administrator, for whom the answer has a link.
    administrator: Option<FirstAdministrator>,
}

/// The facts of an organisation to change. A fact that is left out stays; an empty telephone or English name is taken away.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"name_zh": "安和怡养院", "phone": "0574-86270000"}))]
pub(super) struct OrganisationChange {
    name_zh: Option<String>,
    name_en: Option<String>,
    phone: Option<String>,
    area_code: Option<String>,
    /// Says that another organisation of this name is meant, where there is one already.
    pub(super) same_name: bool,
}

impl OrganisationChange {
    /// The facts as they are after the change, or every field that is wrong.
    pub(super) fn parse(
        &self,
        before: &Organisation,
        own: Option<&DiallingCode>,
    ) -> Result<OrganisationFacts, Problem> {
        let mut fields = Fields::default();
        let name_zh = self.name_zh.as_deref().unwrap_or(&before.name_zh);
        let name_zh = fields.take("/name_zh", line(name_zh, NAME_CHARS_MAX));
        let name_en = self.name_en.as_deref().unwrap_or(&before.name_en);
        let name_en = fields.maybe("/name_en", Some(name_en), |t| line(t, ENGLISH_CHARS_MAX));
        let phone = match &self.phone {
            Some(typed) => fields.maybe("/phone", Some(typed), |t| phone(t, own)),
            None => before.phone.clone(),
        };
        let area_code = match &self.area_code {
            Some(typed) => fields.maybe("/area_code", Some(typed), area_code),
            None => before.area_code.clone(),
        };
        let facts = name_zh.map(|name_zh| OrganisationFacts {
            name_zh,
            name_en: name_en.unwrap_or_default(),
            phone,
            area_code,
        });
        fields.finish(facts)
    }
}

/// A telephone number as it is kept.
fn phone(typed: &str, own: Option<&DiallingCode>) -> Result<String, Wrong> {
    telephone(typed, own).map(|phone| phone.as_str().to_owned())
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
        own: Option<&DiallingCode>,
    ) -> Result<(Organisation, Option<First>), Problem> {
        let mut fields = Fields::default();
        let name_zh = fields.take("/name_zh", line(&self.name_zh, NAME_CHARS_MAX));
        let name_en = fields.maybe("/name_en", Some(&self.name_en), |t| line(t, ENGLISH_CHARS_MAX)).unwrap_or_default();
        let zone = self.time_zone.as_deref().unwrap_or("Asia/Shanghai");
        let zone: Option<chrono_tz::Tz> =
            fields.take("/time_zone", zone.parse().map_err(|_| Wrong::new("没有这个时区", "No such IANA time zone")));
        let phone = fields.maybe("/phone", self.phone.as_deref(), |t| phone(t, own));
        let area_code = fields.maybe("/area_code", self.area_code.as_deref(), area_code);
        let parsed = name_zh.zip(zone).map(|(name_zh, zone)| Organisation {
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
