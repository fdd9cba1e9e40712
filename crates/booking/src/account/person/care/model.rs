//! Care facts as they are kept.

use chrono::NaiveDate;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// 能力等级, by the national standard GB/T 42195-2022.
    pub enum AbilityLevel {
        /// 能力完好
        Intact = "intact",
        /// 轻度失能
        Mild = "mild",
        /// 中度失能
        Moderate = "moderate",
        /// 重度失能
        Severe = "severe",
        /// 完全失能
        Total = "total",
    }
}

text_enum! {
    /// How well somebody hears.
    pub enum HearingLevel {
        /// 听力好
        Good = "good",
        /// 重听
        Hard = "hard",
        /// 戴助听器
        Aid = "aid",
        /// 听不见
        Deaf = "deaf",
    }
}

text_enum! {
    /// How well somebody sees.
    pub enum SightLevel {
        /// 视力好
        Good = "good",
        /// 看不清
        Poor = "poor",
        /// 看不见
        Blind = "blind",
    }
}

/// How one comes to the person: for those who stand at the door.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DoorFacts {
    /// The address below the street address: compound, stair, floor, flat.
    pub address_detail: Option<String>,
    /// How one gets in.
    pub access_hint: Option<String>,
    /// Degrees north, WGS-84.
    pub latitude: Option<f64>,
    /// Degrees east, WGS-84.
    pub longitude: Option<f64>,
    /// With whom or where a key is.
    pub key: Option<String>,
    /// Animals in the house.
    pub pets: Option<String>,
}

/// How one deals with the person.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MannerFacts {
    pub hearing: Option<HearingLevel>,
    pub sight: Option<SightLevel>,
    /// Language or dialect.
    pub language: Option<String>,
    /// Things that must not be given or eaten.
    pub allergies: Option<String>,
    /// Aids and devices: wheelchair, catheter, oxygen.
    pub devices: Option<String>,
    /// Wishes about who comes.
    pub wishes: Option<String>,
}

/// The facts that physicians and nurses go by.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClinicalFacts {
    /// Long-term conditions.
    pub conditions: Option<String>,
    pub ability: Option<AbilityLevel>,
    /// The day of the assessment that found the ability.
    pub ability_on: Option<NaiveDate>,
}

/// Somebody to be called, in the order in which they are called.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CareContact {
    pub name: String,
    /// In people's words: 女儿.
    pub relation: Option<String>,
    /// A telephone number of any kind, whole.
    pub phone: String,
    /// Whether it is the guardian (监护人).
    pub guardian: bool,
}

/// All care facts of a person.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CareFacts {
    #[serde(default)]
    pub(super) door: DoorFacts,
    #[serde(default)]
    pub(super) manner: MannerFacts,
    #[serde(default)]
    pub(super) clinical: ClinicalFacts,
    #[serde(default)]
    pub(super) contacts: Vec<CareContact>,
}

impl std::fmt::Debug for CareFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CareFacts(…)")
    }
}
