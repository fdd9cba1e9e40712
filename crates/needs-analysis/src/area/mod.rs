//! The five-level area tree: 楼道 → 网格 → 小区 → 社区 → 街道, with dated parentage.
//!
//! This service alone expands an area into what lies below it; everybody else hands codes around.
//! Parentage is data with a period, so a grid that moves to another compound keeps its history.

mod api;
pub mod seed;
pub mod tree;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use api::routes;
pub use tree::{Area, ancestors, descendants, find, scope, scope_codes};

/// A longer code is refused.
pub const CODE_BYTES_MAX: usize = 40;

/// An area's code: the statistical code from the community up, a local one below. Opaque text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "330211001001")]
pub struct AreaCode(String);

/// A text that cannot be an area's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an area code of 1 to 40 letters, digits and hyphens")]
pub struct AreaCodeError;

impl AreaCode {
    /// Parses a code; whether it names an area is another question.
    pub fn parse(text: &str) -> Result<Self, AreaCodeError> {
        let text = text.trim();
        let fits = !text.is_empty()
            && text.len() <= CODE_BYTES_MAX
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(AreaCodeError) }
    }

    /// A code that no area has.
    pub(crate) fn example() -> Self {
        Self("0".to_owned())
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AreaCode {
    type Error = AreaCodeError;
    fn try_from(text: String) -> Result<Self, AreaCodeError> {
        Self::parse(&text)
    }
}

impl std::fmt::Display for AreaCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The five levels, smallest first; an area lies only in one of a higher level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Level {
    /// 楼道: the doors on one stair.
    Building,
    /// 网格: what one grid worker looks after.
    Grid,
    /// 小区: a residential compound.
    Compound,
    /// 社区: a community with its committee.
    Community,
    /// 街道: the street office's whole.
    Street,
}

impl Level {
    /// All, smallest first.
    pub const ALL: [Self; 5] = [Self::Building, Self::Grid, Self::Compound, Self::Community, Self::Street];

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Building => "楼道",
            Self::Grid => "网格",
            Self::Compound => "小区",
            Self::Community => "社区",
            Self::Street => "街道",
        }
    }

    /// The English word.
    pub fn en(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Grid => "grid",
            Self::Compound => "compound",
            Self::Community => "community",
            Self::Street => "street",
        }
    }
}
