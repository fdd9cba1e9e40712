//! The parts that are written so far, checked: none has to be there, and each that is there has its bounds.

use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{PersonId, SharedDeviceId};
use crate::consult::input::{AskedSlot, Checks, LONG_TEXT_CHARS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX, Title, Urgency};

/// The parts of an invitation that are written so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DraftParts {
    /// A resident of the caller's care home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_id: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hospital_id: Option<OrganisationId>,
    /// Why a consult is needed.
    pub reason: String,
    /// The question to be decided.
    pub purpose: String,
    /// The wanted time: not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub wanted_from: Option<Moment>,
    /// The wanted time: not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub wanted_until: Option<Moment>,
    /// History, findings, diagnosis and treatment.
    pub case_summary: String,
    /// The wanted specialty's code.
    pub wanted_specialty: String,
    /// The wanted rank at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_title: Option<Title>,
    /// How soon an answer is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// The time that is to be asked for; nothing is held for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedSlot>,
    /// Shared devices that are to be asked for, at most 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<SharedDeviceId>,
}

impl DraftParts {
    /// The parts with trimmed texts, or every error in them.
    pub(super) fn checked(mut self) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        checks.optional_text("reason", &mut self.reason, TEXT_CHARS_MAX);
        checks.optional_text("purpose", &mut self.purpose, TEXT_CHARS_MAX);
        checks.optional_text("case_summary", &mut self.case_summary, LONG_TEXT_CHARS_MAX);
        checks.optional_text("wanted_specialty", &mut self.wanted_specialty, NAME_CHARS_MAX);
        checks.devices(&self.device_ids);
        checks.done()?;
        Ok(self)
    }
}
