//! The shape in which callers see areas.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Area, Level};

/// An area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AreaView {
    #[schema(example = "330211001001")]
    pub code: String,
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
    #[serde(flatten)]
    pub area: AreaView,
    /// Counts the changes of its names.
    pub version: i64,
    /// The day, in the hospital's zone.
    pub on: NaiveDate,
    /// The areas that it lies in: the whole first, its parent last.
    pub path: Vec<AreaView>,
    /// The areas that lie directly in it.
    pub children: Vec<AreaView>,
}
