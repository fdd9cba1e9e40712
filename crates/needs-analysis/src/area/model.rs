//! Areas and where they lie.

use chrono::NaiveDate;
use sanbao_platform::text_enum;

use super::id::AreaCode;

text_enum! {
    /// The five levels, smallest first; an area lies only in one of a higher level.
    pub enum Level {
        /// 楼道: the doors on one stair.
        Building = "building",
        /// 网格: what one grid worker looks after.
        Grid = "grid",
        /// 小区: a residential compound.
        Compound = "compound",
        /// 社区: a community with its committee.
        Community = "community",
        /// 街道: the street office's whole.
        Street = "street",
    }
}

/// An area as it stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Area {
    pub code: AreaCode,
    pub level: Level,
    /// Its Chinese name.
    pub name_zh: String,
    /// Its English name, if it has one.
    pub name_en: Option<String>,
}

/// Where an area lay in a period.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Placement {
    /// The area that it lies in.
    pub parent: AreaCode,
    /// The first day it holds.
    pub valid_from: NaiveDate,
    /// Until (not including) which day; `None` while it lasts.
    pub valid_to: Option<NaiveDate>,
}
