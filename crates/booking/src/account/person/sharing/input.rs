//! A consent, read and checked.

use chrono::NaiveDate;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{SharingScope, SharingWords};
use crate::account::input::{Fields, Wrong, line, person_name};
use crate::account::person::transfer::{AgreementBy, AgreementHow};

/// That somebody consents to what is kept, or handed over.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scope": "hand_over", "shared_with": "本街道的养老机构", "given_by": "person", "given_name": "陈阿婆",
    "told": "in_person", "given_on": "2026-11-22"}))]
pub struct NewSharingConsent {
    pub scope: SharingScope,
    /// With whom it is shared, in people's words; up to 100 characters.
    #[serde(default)]
    pub shared_with: Option<String>,
    /// The person who has consented.
    pub given_by: AgreementBy,
    /// The name of the one who has consented.
    pub given_name: String,
    /// How it was told.
    pub told: AgreementHow,
    /// The day on which it was given: not in the future.
    #[schema(value_type = chrono::NaiveDate)]
    pub given_on: Day,
}

impl NewSharingConsent {
    /// The words and the day, checked.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<(SharingWords, NaiveDate), Problem> {
        let mut fields = Fields::default();
        let name = fields.take("/given_name", person_name(&self.given_name, 40));
        let shared_with = fields.maybe("/shared_with", self.shared_with.as_deref(), |t| line(t, 100));
        let on = *self.given_on;
        let possible = on <= today && on > today - chrono::Duration::days(366 * 10);
        let on = fields.take("/given_on", possible.then_some(on).ok_or(Wrong::new("日期不对", "Not a possible date")));
        let words = name.map(|given_name| SharingWords { given_name, shared_with });
        fields.finish(words.zip(on))
    }
}
