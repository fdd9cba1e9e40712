//! Care facts, read and checked.

use chrono::NaiveDate;
use sanbao_platform::cn::{DiallingCode, MapPlace};
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{
    AbilityLevel, CareContact, CareFacts, ClinicalFacts, DoorFacts, HearingLevel, MannerFacts, SightLevel,
};
use crate::account::input::{Fields, Wrong, line, person_name, telephone};

/// Characters of a text at most.
pub(in crate::account) const TEXT_CHARS_MAX: usize = 500;
/// People to be called at most.
pub(in crate::account) const CONTACTS_MAX: usize = 6;

text_enum! {
    /// The map that a place was taken from.
    #[derive(Default)]
    pub enum PlaceMap {
        /// GPS, and maps outside of China.
        #[default]
        Wgs84 = "wgs84",
        /// 高德、腾讯 and other Chinese map services: converted, since they show places some hundred metres off.
        Gcj02 = "gcj02",
    }
}

/// How one comes to the person.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DoorBody {
    /// The address below the street address: compound, stair, floor, flat; 200 characters at most.
    address_detail: Option<String>,
    /// How one gets in; texts have up to 500 characters.
    access_hint: Option<String>,
    /// Degrees north and east with a comma: `29.95,121.72`.
    place: Option<String>,
    place_map: PlaceMap,
    /// With whom or where a key is.
    key: Option<String>,
    /// Animals in the house.
    pets: Option<String>,
}

/// How one deals with the person.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MannerBody {
    hearing: Option<HearingLevel>,
    sight: Option<SightLevel>,
    /// Language or dialect; 60 characters at most.
    language: Option<String>,
    /// Things that must not be given or eaten; texts have up to 500 characters.
    allergies: Option<String>,
    /// Aids and devices.
    devices: Option<String>,
    /// Wishes about who comes.
    wishes: Option<String>,
}

/// The facts that physicians and nurses go by.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClinicalBody {
    /// Long-term conditions; up to 500 characters.
    conditions: Option<String>,
    ability: Option<AbilityLevel>,
    /// The day of the assessment: not in the future.
    #[schema(value_type = Option<chrono::NaiveDate>)]
    ability_on: Option<Day>,
}

/// Somebody to be called.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactBody {
    /// Left out, it is told together with whatever else is wrong.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// In people's words, up to 20 characters.
    #[serde(default)]
    relation: Option<String>,
    /// A telephone number of any kind.
    #[serde(default)]
    #[schema(required)]
    phone: String,
    /// Whether it is the guardian (监护人).
    #[serde(default)]
    guardian: bool,
}

/// The care facts in place of all that are kept. A part that the caller may not see stays as it is, and may not be given.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"door": {"address_detail": "3 单元 502", "access_hint": "门禁 5021#，敲门要重",
    "place": "29.95,121.72", "place_map": "gcj02"}, "manner": {"hearing": "hard", "language": "宁波话", "allergies": "青霉素"},
    "contacts": [{"name": "陈小明", "relation": "儿子", "phone": "13912345678", "guardian": true}]}))]
pub struct CareBody {
    pub(super) door: Option<DoorBody>,
    pub(super) manner: Option<MannerBody>,
    pub(super) clinical: Option<ClinicalBody>,
    /// Those who are called, in order; six at most.
    pub(super) contacts: Option<Vec<ContactBody>>,
}

fn text(fields: &mut Fields, pointer: &str, value: Option<&str>, chars_max: usize) -> Option<String> {
    fields.maybe(pointer, value, |t| line(t, chars_max))
}

impl DoorBody {
    fn take(&self, fields: &mut Fields) -> DoorFacts {
        let place = fields.maybe("/door/place", self.place.as_deref(), |t| {
            MapPlace::read(t).ok_or(Wrong::new(
                "请先填纬度再填经度，例如 29.95,121.72",
                "Degrees north, then east, with a comma: 29.95,121.72",
            ))
        });
        let place = place.map(|place| if self.place_map == PlaceMap::Gcj02 { place.from_gcj02() } else { place });
        DoorFacts {
            address_detail: text(fields, "/door/address_detail", self.address_detail.as_deref(), 200),
            access_hint: text(fields, "/door/access_hint", self.access_hint.as_deref(), TEXT_CHARS_MAX),
            latitude: place.map(|place| place.latitude),
            longitude: place.map(|place| place.longitude),
            key: text(fields, "/door/key", self.key.as_deref(), TEXT_CHARS_MAX),
            pets: text(fields, "/door/pets", self.pets.as_deref(), TEXT_CHARS_MAX),
        }
    }
}

impl MannerBody {
    fn take(&self, fields: &mut Fields) -> MannerFacts {
        MannerFacts {
            hearing: self.hearing,
            sight: self.sight,
            language: text(fields, "/manner/language", self.language.as_deref(), 60),
            allergies: text(fields, "/manner/allergies", self.allergies.as_deref(), TEXT_CHARS_MAX),
            devices: text(fields, "/manner/devices", self.devices.as_deref(), TEXT_CHARS_MAX),
            wishes: text(fields, "/manner/wishes", self.wishes.as_deref(), TEXT_CHARS_MAX),
        }
    }
}

impl ClinicalBody {
    fn take(&self, fields: &mut Fields, today: NaiveDate) -> ClinicalFacts {
        let on = self.ability_on.as_ref().map(|day| **day);
        let possible = on.is_none_or(|on| on <= today && on > today - chrono::Duration::days(366 * 20));
        let wrong = Wrong::new("评估日期不对", "Not a possible day of an assessment");
        let ability_on = fields.take("/clinical/ability_on", possible.then_some(on).ok_or(wrong)).flatten();
        if self.ability.is_none() && on.is_some() {
            let wrong = Wrong::new("有评估日期时请选等级", "A day of an assessment needs its level");
            fields.take::<()>("/clinical/ability", Err(wrong));
        }
        ClinicalFacts {
            conditions: text(fields, "/clinical/conditions", self.conditions.as_deref(), TEXT_CHARS_MAX),
            ability: self.ability,
            ability_on,
        }
    }
}

impl ContactBody {
    fn take(&self, fields: &mut Fields, at: usize, own: Option<&DiallingCode>) -> Option<CareContact> {
        let name = fields.take(&format!("/contacts/{at}/name"), person_name(&self.name, 40));
        let relation = text(fields, &format!("/contacts/{at}/relation"), self.relation.as_deref(), 20);
        let phone = fields.take(&format!("/contacts/{at}/phone"), telephone(&self.phone, own));
        let phone = phone?.as_str().to_owned();
        Some(CareContact { name: name?, relation, phone, guardian: self.guardian })
    }
}

fn contacts(fields: &mut Fields, told: &[ContactBody], own: Option<&DiallingCode>) -> Vec<CareContact> {
    if told.len() > CONTACTS_MAX {
        let wrong = Wrong {
            zh: format!("最多 {CONTACTS_MAX} 位联系人").into(),
            en: format!("{CONTACTS_MAX} people at most").into(),
        };
        fields.take::<()>("/contacts", Err(wrong));
        return Vec::new();
    }
    let taken: Vec<_> = told.iter().enumerate().map(|(at, contact)| contact.take(fields, at, own)).collect();
    taken.into_iter().flatten().collect()
}

impl CareBody {
    /// The facts, all wrong fields told at once; `today` bounds the day of an assessment.
    pub(super) fn checked(&self, today: NaiveDate, own: Option<&DiallingCode>) -> Result<CareFacts, Problem> {
        let mut fields = Fields::default();
        let facts = CareFacts {
            door: self.door.as_ref().map(|part| part.take(&mut fields)).unwrap_or_default(),
            manner: self.manner.as_ref().map(|part| part.take(&mut fields)).unwrap_or_default(),
            clinical: self.clinical.as_ref().map(|part| part.take(&mut fields, today)).unwrap_or_default(),
            contacts: contacts(&mut fields, self.contacts.as_deref().unwrap_or_default(), own),
        };
        fields.done()?;
        Ok(facts)
    }
}
