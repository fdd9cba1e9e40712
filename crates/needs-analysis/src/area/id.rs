//! Codes of areas.

use sanbao_platform::cn::{self, AREA_CODE_BYTES_MAX, AreaCodeFault};
use sanbao_platform::crypto::sha256_hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Level;

/// An area's code: the statistical code from the community up, a local one below. Opaque text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx_macros::Type, ToSchema)]
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
            && text.len() <= AREA_CODE_BYTES_MAX
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(AreaCodeError) }
    }

    /// Parses the code of a new area of a level; a community's is held against its street's.
    pub fn of_level(text: &str, level: Level, parent: Option<&str>) -> Result<Self, AreaCodeFault> {
        Ok(Self(match level {
            Level::Street => cn::street_code(text)?,
            Level::Community => cn::community_code(text, parent.unwrap_or_default())?,
            Level::Compound | Level::Grid | Level::Building => cn::local_code(text)?,
        }))
    }

    /// A code that no area has.
    pub(crate) fn example() -> Self {
        Self("0".to_owned())
    }

    /// The key under which live lists hear of what lies in the area itself.
    pub(crate) fn live_key(&self) -> Uuid {
        sha256_hex(self.0.as_bytes()).get(..32).and_then(|hex| hex.parse().ok()).unwrap_or_default()
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
