//! A hold as those see it who may see the person.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::HoldRow;
use crate::account::id::PersonId;

/// A hold of an organisation on a record. The words are the organisation's own alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoldView {
    pub id: Uuid,
    pub person_id: PersonId,
    /// The organisation's name.
    pub organisation: String,
    /// Whether it is the caller's own.
    pub own: bool,
    /// Why it was set, where it is the caller's own.
    pub reason: Option<String>,
    pub set_at: DateTime<Utc>,
    /// The name of the account that has set it, where it is the caller's own.
    pub set_by: Option<String>,
    /// When it was lifted; none of one that stands.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why it was lifted, where it is the caller's own.
    pub lift_reason: Option<String>,
}

impl HoldView {
    pub(super) fn of(row: HoldRow, caller: OrganisationId) -> Self {
        let own = row.organisation_id == caller;
        Self {
            id: row.id,
            person_id: row.person_id,
            organisation: row.organisation,
            own,
            reason: Some(row.reason).filter(|_| own),
            set_at: row.set_at,
            set_by: Some(row.set_by).filter(|_| own),
            lifted_at: row.lifted_at,
            lift_reason: row.lift_reason.filter(|_| own),
        }
    }
}
