//! The orders by which a parked event is dealt with.

use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters of a reason at most.
pub(super) const REASON_CHARS_MAX: usize = 200;

/// How a parked event is tried again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(example = json!({"although_later": false}))]
pub(super) struct RetryOrder {
    /// Also if later events of the same subject have taken effect meanwhile, or may have: nobody knows it any more.
    #[serde(default)]
    pub(super) although_later: bool,
}

/// Why a parked event is dropped.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(example = json!({"reason": "机构已在两边手工登记"}))]
pub(super) struct DropOrder {
    /// 1 to 200 characters.
    reason: String,
}

impl DropOrder {
    /// The reason, checked.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Err(Problem::field("/reason", "请写明为什么放弃", "Say why it is dropped"));
        }
        if reason.chars().count() > REASON_CHARS_MAX || reason.contains(char::is_control) {
            return Err(Problem::field("/reason", "一行，最多 200 个字", "One line, 200 characters at most"));
        }
        Ok(reason.to_owned())
    }
}
