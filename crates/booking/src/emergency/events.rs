//! The facts about openings that others follow: no name, no number and no reason.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{self, EventKind};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;

use super::id::EmergencyAccessId;
use super::model::{EmergencyAccess, EmergencyOutcome};
use crate::account::{AccountId, PersonId};

described! {
    /// The data of both kinds.
    #[derive(Clone, Debug, Serialize)]
    pub struct EmergencyEvent {
        pub access_id: EmergencyAccessId,
        /// The account that opened it, and for which organisation.
        pub account_id: AccountId,
        pub organisation_id: OrganisationId,
        /// The office that is told of it.
        pub office_id: OrganisationId,
        pub person_id: Option<PersonId>,
        pub outcome: EmergencyOutcome,
        /// Until when the record is open.
        pub ends_at: Option<DateTime<Utc>>,
    }
}

event_kinds! {
    EmergencyEvent {
        OPENED = "booking.emergency_access.opened" 1 "A record was opened outside the own scope, or a try opened none.";
        REVIEWED = "booking.emergency_access.reviewed" 1 "Somebody of the office has looked into it.";
    }
}

/// Writes the event beside the change.
pub(super) async fn publish(
    tx: &mut Tx,
    now: DateTime<Utc>,
    kind: &EventKind<EmergencyEvent>,
    access: &EmergencyAccess,
) -> Result<(), DbError> {
    let data = EmergencyEvent {
        access_id: access.id,
        account_id: access.account_id,
        organisation_id: access.organisation_id,
        office_id: access.office_id,
        person_id: access.person_id,
        outcome: access.outcome,
        ends_at: access.ends_at,
    };
    bus::emit(tx, now, kind, access.id, &data).await
}
