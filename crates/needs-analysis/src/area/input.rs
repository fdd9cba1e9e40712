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
    /// Its code: 9 digits of a street, 12 of a community that begin with those of its street, else 1 to 40 letters, digits
    /// and hyphens.
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

/// The names of an area, in the place of those that it has.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaNames {
    /// Its Chinese name.
    #[schema(example = "城东南苑")]
    pub name_zh: String,
    /// Its English name; none when absent.
    pub name_en: Option<String>,
}

impl AreaNames {
    /// The names, trimmed, or what is wrong with them.
    pub fn checked(&self) -> Result<(String, Option<String>), Problem> {
        let mut errors = Vec::new();
        names(&self.name_zh, self.name_en.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok((self.name_zh.trim().to_owned(), self.name_en.as_deref().map(|t| t.trim().to_owned())))
    }
}

/// Whether a text can be an area's name.
pub fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= NAME_CHARS_MAX
        && !text.contains(|c: char| c.is_control() || is_invisible(c))
}

fn names(zh: &str, en: Option<&str>, errors: &mut Vec<FieldError>) {
    if !is_name(zh) {
        errors.push(FieldError::new("/name_zh", "请填写名称，最多 60 字", "A name of up to 60 characters"));
    }
    if en.is_some_and(|t| !is_name(t)) {
        errors.push(FieldError::new("/name_en", "英文名最多 60 字", "A name of up to 60 characters"));
    }
}

/// The area that a caller describes; the parent is for the database to find.
pub fn parse(body: &NewArea) -> Result<Area, Problem> {
    let mut errors = Vec::new();
    let code = AreaCode::of_level(&body.code, body.level, body.parent.as_deref()).map_err(|fault| {
        let (zh, en) = fault.words();
        errors.push(FieldError::new("/code", zh, en));
    });
    names(&body.name_zh, body.name_en.as_deref(), &mut errors);
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
