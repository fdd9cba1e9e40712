//! What callers see of areas.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Area, Level};

/// An area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AreaView {
    /// Its code.
    #[schema(example = "330211001001")]
    pub code: String,
    /// Its level.
    pub level: Level,
    /// Its Chinese name.
    #[schema(example = "城东社区")]
    pub name_zh: String,
    /// Its English name, if it has one.
    pub name_en: Option<String>,
}

impl From<Area> for AreaView {
    fn from(a: Area) -> Self {
        Self { code: a.code.to_string(), level: a.level, name_zh: a.name_zh, name_en: a.name_en }
    }
}

/// An area with what it lies in and what lies in it, on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AreaDetail {
    /// The area.
    #[serde(flatten)]
    pub area: AreaView,
    /// The day.
    pub on: NaiveDate,
    /// What it lies in: the whole first, its parent last.
    pub path: Vec<AreaView>,
    /// What lies directly in it.
    pub children: Vec<AreaView>,
}
