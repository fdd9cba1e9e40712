//! What callers see of a visit; what a role need not see is masked or left out.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::cn::{mask_name, mask_phone};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::config::VisitConfig;
use super::proof::Proof;
use super::state::{State, StateName};
use super::store::{Visit, VisitId};
use crate::account::AccountId;

/// A visit in a list or as an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitView {
    /// Its id.
    pub id: VisitId,
    /// The request it came from.
    pub request_id: Uuid,
    /// Where it stands.
    pub state: StateName,
    /// The steps that the state allows.
    pub legal: Vec<&'static str>,
    /// What for: a code of the category table.
    pub service_type: String,
    /// The elder's name, masked for whom it need not concern.
    pub name: String,
    /// The telephone, masked likewise.
    pub phone: String,
    /// The address, absent for whom it need not concern.
    pub address: Option<String>,
    /// The area's code.
    pub area_code: String,
    /// What to know, absent likewise.
    pub note: Option<String>,
    /// Wanted not before.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Wanted not after.
    pub wanted_until: Option<DateTime<Utc>>,
    /// The assigned caregiver's account.
    pub caregiver: Option<AccountId>,
    /// The assigned caregiver's name.
    pub caregiver_name: Option<String>,
    /// Planned start.
    pub starts_at: Option<DateTime<Utc>>,
    /// Planned end.
    pub ends_at: Option<DateTime<Utc>>,
    /// Start.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// End.
    pub checked_out_at: Option<DateTime<Utc>>,
    /// Minutes since the planned start, while the caregiver has not come and it is shown as late.
    pub late_minutes: Option<i64>,
    /// Why it did not take place.
    pub closed_reason: Option<String>,
    /// Counts the changes; the entity tag.
    pub version: i64,
}

/// One visit with its proof.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitDetail {
    /// The visit.
    #[serde(flatten)]
    pub visit: VisitView,
    /// Proof of start and end.
    pub proofs: Vec<Proof>,
}

/// Minutes since a planned start that nobody has checked in to.
pub fn late_minutes(state: &State, now: DateTime<Utc>, limits: &VisitConfig) -> Option<i64> {
    let State::Scheduled(slot) = state else { return None };
    let late = now - slot.interval.starts_at();
    (late >= Duration::minutes(limits.late_minutes_min)).then(|| late.num_minutes())
}

impl VisitView {
    /// The view of `visit`; `contact` says whether the people in it are shown.
    pub fn of(visit: Visit, contact: bool, now: DateTime<Utc>, limits: &VisitConfig) -> Self {
        let (state, slot, legal) = (visit.state.name(), visit.state.slot(), visit.legal());
        Self {
            id: visit.id,
            request_id: visit.request_id,
            state,
            legal,
            service_type: visit.service_type,
            name: if contact { visit.name } else { mask_name(&visit.name) },
            phone: if contact { visit.phone } else { mask_phone(&visit.phone) },
            address: contact.then_some(visit.address),
            area_code: visit.area_code,
            note: contact.then_some(visit.note),
            wanted_from: visit.wanted_from,
            wanted_until: visit.wanted_until,
            caregiver: slot.map(|s| s.caregiver),
            caregiver_name: visit.caregiver_name,
            starts_at: slot.map(|s| s.interval.starts_at()),
            ends_at: slot.map(|s| s.interval.ends_at()),
            checked_in_at: visit.state.checked_in_at(),
            checked_out_at: visit.state.checked_out_at(),
            late_minutes: late_minutes(&visit.state, now, limits),
            closed_reason: visit.state.closing().map(|c| c.reason.clone()).filter(|_| contact),
            version: visit.version,
        }
    }
}
