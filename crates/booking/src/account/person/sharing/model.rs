//! A consent as it is loaded.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::{text_enum, typed_id};

use super::state::{SharingState, SharingStateName};
use crate::account::id::{AccountId, PersonId};
use crate::account::person::transfer::{AgreementBy, AgreementHow};

typed_id!(
    /// One consent to keep or to hand over.
    SharingConsentId
);

text_enum! {
    /// The matter of a consent.
    pub enum SharingScope {
        /// 保存照护信息: that care facts are written down.
        Keep = "keep",
        /// 移交: that the record goes to another organisation with the person.
        HandOver = "hand_over",
    }
}

/// The words that are written of people.
#[derive(Clone, Default, sqlx_macros::FromRow)]
pub(super) struct SharingWords {
    /// The name of the one who has consented.
    pub(super) given_name: String,
    /// With whom it is shared, in people's words.
    pub(super) shared_with: Option<String>,
}

/// That somebody has consented.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct SharingConsent {
    pub(super) id: SharingConsentId,
    pub(super) person_id: PersonId,
    pub(super) scope: SharingScope,
    pub(super) given_by: AgreementBy,
    pub(super) told: AgreementHow,
    pub(super) given_on: NaiveDate,
    #[sqlx(flatten)]
    pub(super) words: Personal<SharingWords>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: AccountId,
    /// The name of that account; none of a new one.
    pub(super) recorded_by_name: Option<String>,
    #[sqlx(flatten)]
    pub(super) state: SharingState,
    /// Counts its changes; the `ETag`.
    pub(super) version: i64,
}

impl Subjects for SharingConsent {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("person", self.person_id)]
    }
}

/// The columns of a state.
#[derive(sqlx_macros::FromRow)]
pub(super) struct SharingStateRow {
    state: SharingStateName,
    withdrawn_at: Option<DateTime<Utc>>,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for SharingState
where
    SharingStateRow: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let SharingStateRow { state, withdrawn_at } = SharingStateRow::from_row(row)?;
        match (state, withdrawn_at) {
            (SharingStateName::Given, None) => Ok(Self::Given),
            (SharingStateName::Withdrawn, Some(at)) => Ok(Self::Withdrawn { at }),
            _ => Err(sqlx::Error::Decode("person_sharing_consent.withdrawn_at does not fit its state".into())),
        }
    }
}
