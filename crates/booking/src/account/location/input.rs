//! The fields of a new room, read and checked.

use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::input::{Fields, line};

/// A new room.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "远程会诊室 1"}))]
pub(super) struct NewLocation {
    name: String,
}

impl NewLocation {
    /// The room's name.
    pub(super) fn name(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/name", line(&self.name, 40));
        fields.finish(name)
    }
}
