//! The bodies that callers send about areas, and their checks.

use sanbao_platform::invisible::is_invisible;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::id::AreaCode;
use super::model::{Area, Level};

/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 60;

/// Which areas to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AreaQuery {
    /// Only those of this level.
    pub level: Option<Level>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// The day to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OnQuery {
    /// Parentage on this day; today when absent.
    #[param(value_type = Option<NaiveDate>)]
    pub on: Option<Day>,
}

/// A new area.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArea {
    /// Its code: 1 to 40 letters, digits and hyphens.
    #[schema(example = "330211001001-C9")]
    pub code: String,
    pub level: Level,
    /// Its Chinese name.
    #[schema(example = "城东南苑")]
    pub name_zh: String,
    /// Its English name.
    pub name_en: Option<String>,
    /// The area it lies in; needed below the street.
    #[schema(example = "330211001001")]
    pub parent: Option<String>,
    /// From which day; today when absent.
    #[schema(value_type = Option<NaiveDate>)]
    pub from: Option<Day>,
}

/// Where an area moves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveArea {
    /// The area it lies in from then on.
    #[schema(example = "330211001001-C1")]
    pub parent: String,
    /// The first day it holds.
    #[schema(value_type = NaiveDate)]
    pub from: Day,
}

/// The area that a caller describes; the parent is for the database to find.
pub fn parse(body: &NewArea) -> Result<Area, Problem> {
    let mut errors = Vec::new();
    let code = AreaCode::parse(&body.code).map_err(|_| {
        errors.push(FieldError::new(
            "/code",
            "编码为 1 到 40 个字母、数字或连字符",
            "A code of 1 to 40 letters, digits and hyphens",
        ));
    });
    let named = |text: &str| {
        !text.trim().is_empty()
            && text.chars().count() <= NAME_CHARS_MAX
            && !text.contains(|c: char| c.is_control() || is_invisible(c))
    };
    if !named(&body.name_zh) {
        errors.push(FieldError::new("/name_zh", "请填写名称，最多 60 字", "A name of up to 60 characters"));
    }
    if body.name_en.as_deref().is_some_and(|t| !named(t)) {
        errors.push(FieldError::new("/name_en", "英文名最多 60 字", "A name of up to 60 characters"));
    }
    if body.parent.is_none() && body.level != Level::Street {
        errors.push(FieldError::new("/parent", "请填写上级区域", "Say in which area it lies"));
    }
    match code {
        Ok(code) if errors.is_empty() => Ok(Area {
            code,
            level: body.level,
            name_zh: body.name_zh.trim().to_owned(),
            name_en: body.name_en.as_deref().map(|t| t.trim().to_owned()),
        }),
        _ => Err(Problem::invalid(errors)),
    }
}
