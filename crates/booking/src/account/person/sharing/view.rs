//! A consent as those see it who may read the person.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, State as _};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{SharingConsent, SharingConsentId, SharingScope};
use super::state::{SharingStateName, SharingStepName};
use crate::account::id::PersonId;
use crate::account::person::transfer::{AgreementBy, AgreementHow};
use crate::account::policy::AccountRelation;

/// That somebody has consented to what is kept, or handed over, and whether that stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SharingConsentView {
    pub id: SharingConsentId,
    /// The record to which it was given.
    pub person_id: PersonId,
    pub scope: SharingScope,
    /// With whom it is shared, in people's words.
    pub shared_with: Option<String>,
    /// The person who has consented.
    pub given_by: AgreementBy,
    /// The name of the one who has consented.
    pub given_name: String,
    /// How it was told.
    pub told: AgreementHow,
    pub given_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// The name of the account that has written it down.
    pub recorded_by_name: Option<String>,
    pub state: SharingStateName,
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// The steps that the caller may take now.
    pub actions: Vec<SharingStepName>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

impl SharingConsentView {
    /// The consent as a caller sees it who stands so to the person.
    pub(super) fn of(consent: SharingConsent, relation: AccountRelation, ctx: &Ctx) -> Self {
        let actions = lifecycle::actions(&consent, ctx, &relation);
        let words = consent.words.show(&ctx.shows, &consent).clone();
        Self {
            id: consent.id,
            person_id: consent.person_id,
            scope: consent.scope,
            shared_with: words.shared_with,
            given_by: consent.given_by,
            given_name: words.given_name,
            told: consent.told,
            given_on: consent.given_on,
            recorded_at: consent.recorded_at,
            recorded_by_name: consent.recorded_by_name,
            state: consent.state.name(),
            withdrawn_at: consent.state.withdrawn_at(),
            actions,
            version: consent.version,
        }
    }
}
