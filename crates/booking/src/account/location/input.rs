//! The fields of a new room, read and checked.

use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::input::{Fields, line};

/// Characters of a room's name at most.
pub(in crate::account) const NAME_CHARS_MAX: usize = 40;

/// A new room, or the new name of one.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "远程会诊室 1"}))]
pub(super) struct NewLocation {
    name: String,
}

impl NewLocation {
    /// The room's name.
    pub(super) fn name(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, NAME_CHARS_MAX));
        fields.finish(name)
    }
}
