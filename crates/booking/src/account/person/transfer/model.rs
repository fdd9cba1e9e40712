//! A transfer as it is loaded.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::typed_id;

use super::input::{AgreementBy, AgreementHow, Wish};
use super::state::{Handover, TransferState, TransferStateName};
use crate::account::id::{AccountId, PersonId};
use crate::account::person::model::Person;

typed_id!(
    /// One asking for a person, and what came of it.
    TransferId
);

/// The words that are written of people.
#[derive(Clone, Default, sqlx_macros::FromRow)]
pub(super) struct TransferWords {
    /// The name of the one who has agreed.
    pub(super) agreed_name: String,
    /// A remark of the side that has asked.
    pub(super) note: Option<String>,
}

/// That a person be handed over, and what came of it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Transfer {
    pub(super) id: TransferId,
    /// The record into which the other's goes.
    pub(super) person_id: PersonId,
    /// The care home that has asked; none of somebody who goes home.
    pub(super) to_organisation: Option<OrganisationId>,
    pub(super) to_zh: Option<String>,
    pub(super) to_en: Option<String>,
    pub(super) from_zh: Option<String>,
    pub(super) from_en: Option<String>,
    /// The blind indexes by which the other's record is found.
    pub(super) national_id_index: Option<String>,
    pub(super) paper_index: Option<String>,
    pub(super) agreed_by: AgreementBy,
    pub(super) agreed_how: AgreementHow,
    pub(super) agreed_on: NaiveDate,
    #[sqlx(flatten)]
    pub(super) words: Personal<TransferWords>,
    pub(super) asked_at: DateTime<Utc>,
    pub(super) asked_by: AccountId,
    #[sqlx(flatten)]
    pub(super) state: TransferState,
    pub(super) decided_at: Option<DateTime<Utc>>,
    /// Counts its changes; the `ETag`.
    pub(super) version: i64,
}

impl Subjects for Transfer {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("transfer", self.id), Subject::new("person", self.person_id)]
    }
}

impl Transfer {
    /// A wish for `person` that nobody has answered yet.
    pub(super) fn asked(at: DateTime<Utc>, by: AccountId, person: &Person, wish: Wish) -> Self {
        let Wish { agreement, note } = wish;
        Self {
            id: TransferId::new(at),
            person_id: person.id,
            to_organisation: person.organisation_id,
            to_zh: None,
            to_en: None,
            from_zh: None,
            from_en: None,
            national_id_index: person.national_id_index.clone(),
            paper_index: person.paper_index.clone(),
            agreed_by: agreement.by,
            agreed_how: agreement.how,
            agreed_on: agreement.on,
            words: TransferWords { agreed_name: agreement.name, note }.into(),
            asked_at: at,
            asked_by: by,
            state: TransferState::Asked,
            decided_at: None,
            version: 1,
        }
    }

    /// The record that was handed over, once it was.
    pub(super) fn handover(&self) -> Option<Handover> {
        match self.state {
            TransferState::Accepted(handover) => Some(handover),
            _ => None,
        }
    }

    /// The organisation that has answered.
    pub(super) fn decided_by(&self) -> Option<OrganisationId> {
        match &self.state {
            TransferState::Accepted(handover) => Some(handover.by),
            TransferState::Declined { by, .. } | TransferState::Overtaken { by } => Some(*by),
            TransferState::Asked | TransferState::Withdrawn => None,
        }
    }
}

/// The columns of a state.
#[derive(sqlx_macros::FromRow)]
pub(super) struct TransferStateRow {
    state: TransferStateName,
    decided_by_organisation: Option<OrganisationId>,
    from_organisation: Option<OrganisationId>,
    held_id: Option<PersonId>,
    reason: Option<String>,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for TransferState
where
    TransferStateRow: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let row = TransferStateRow::from_row(row)?;
        match (row.state, row.decided_by_organisation, row.held_id, row.reason) {
            (TransferStateName::Asked, None, None, None) => Ok(Self::Asked),
            (TransferStateName::Accepted, Some(by), Some(held), None) => {
                Ok(Self::Accepted(Handover { by, from: row.from_organisation, held }))
            }
            (TransferStateName::Declined, Some(by), None, Some(reason)) => {
                Ok(Self::Declined { by, reason: reason.into() })
            }
            (TransferStateName::Withdrawn, None, None, None) => Ok(Self::Withdrawn),
            (TransferStateName::Overtaken, Some(by), None, None) => Ok(Self::Overtaken { by }),
            _ => Err(sqlx::Error::Decode("the columns of person_transfer do not fit its state".into())),
        }
    }
}
