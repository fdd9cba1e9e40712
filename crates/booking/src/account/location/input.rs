//! The fields of a room, read and checked.

use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::input::{Fields, Wrong, line};

/// Characters of a room's name at most.
pub(in crate::account) const NAME_CHARS_MAX: usize = 40;

/// Consults in one room at once at most.
pub(in crate::account) const ROOM_CAPACITY_MAX: i32 = 10;

/// A new room.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "远程会诊室 1", "capacity": 1}))]
pub(super) struct NewLocation {
    name: String,
    /// How many consults can be in it at once, 1 to 10; a hall with two booths has 2.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 10)]
    capacity: i32,
}

fn one() -> i32 {
    1
}

impl NewLocation {
    /// The room's name, and how many consults can be in it at once.
    pub(super) fn read(&self) -> Result<(String, i32), Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, NAME_CHARS_MAX));
        let capacity = fields.take("/capacity", number(self.capacity));
        fields.finish(name.zip(capacity))
    }
}

fn number(capacity: i32) -> Result<i32, Wrong> {
    if (1..=ROOM_CAPACITY_MAX).contains(&capacity) {
        return Ok(capacity);
    }
    let (zh, en) = (format!("请填 1 到 {ROOM_CAPACITY_MAX}"), format!("1 to {ROOM_CAPACITY_MAX}"));
    Err(Wrong { zh: zh.into(), en: en.into() })
}

/// How many consults can be in a room at once.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"capacity": 2}))]
pub(super) struct LocationCapacity {
    /// 1 to 10.
    #[schema(minimum = 1, maximum = 10)]
    capacity: i32,
}

impl LocationCapacity {
    /// The number.
    pub(super) fn read(&self) -> Result<i32, Problem> {
        let mut fields = Fields::default();
        let capacity = fields.take("/capacity", number(self.capacity));
        fields.finish(capacity)
    }
}

/// The new name of a room.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "远程会诊室 1"}))]
pub(super) struct LocationName {
    name: String,
}

impl LocationName {
    /// The room's name.
    pub(super) fn name(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, NAME_CHARS_MAX));
        fields.finish(name)
    }
}
