//! The fields of a shared device, read and checked.

use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::input::{Fields, Wrong, line};
use crate::calendar::capacity::CAPACITY_MAX;

/// Characters of a device's name at most.
pub(in crate::account) const NAME_CHARS_MAX: usize = 40;

/// Of one device at most.
pub(in crate::account) const QUANTITY_MAX: i32 = CAPACITY_MAX;

/// A new device that a house has one or several of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "便携心电图机", "quantity": 2}))]
pub(super) struct NewSharedDevice {
    name: String,
    /// How many of it the house has, 1 to 20.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 20)]
    quantity: i32,
}

fn one() -> i32 {
    1
}

impl NewSharedDevice {
    /// The device's name, and how many of it there are.
    pub(super) fn read(&self) -> Result<(String, i32), Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, NAME_CHARS_MAX));
        let quantity = fields.take("/quantity", number(self.quantity));
        fields.finish(name.zip(quantity))
    }
}

fn number(quantity: i32) -> Result<i32, Wrong> {
    if (1..=QUANTITY_MAX).contains(&quantity) {
        return Ok(quantity);
    }
    let (zh, en) = (format!("请填 1 到 {QUANTITY_MAX}"), format!("1 to {QUANTITY_MAX}"));
    Err(Wrong { zh: zh.into(), en: en.into() })
}

/// How many of a device there are.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"quantity": 2}))]
pub(super) struct NewQuantity {
    /// 1 to 20.
    #[schema(minimum = 1, maximum = 20)]
    quantity: i32,
}

impl NewQuantity {
    /// The number.
    pub(super) fn read(&self) -> Result<i32, Problem> {
        let mut fields = Fields::default();
        let quantity = fields.take("/quantity", number(self.quantity));
        fields.finish(quantity)
    }
}

/// The new name of a device.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "便携心电图机"}))]
pub(super) struct SharedDeviceName {
    name: String,
}

impl SharedDeviceName {
    /// The device's name.
    pub(super) fn name(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, NAME_CHARS_MAX));
        fields.finish(name)
    }
}
