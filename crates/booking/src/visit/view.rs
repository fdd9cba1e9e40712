//! The shape in which callers see a visit; what a role need not see is masked or left out.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::cn::{mask_name, mask_phone};
use sanbao_platform::history;
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle;
use sanbao_platform::policy::Decision;
use sanbao_platform::text_enum::TextEnum as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agency::Agency;
use super::config::VisitConfig;
use super::id::VisitId;
use super::model::Visit;
use super::policy::{VisitAction, VisitStance};
use super::proof::Proof;
use super::state::{VisitState, VisitStateName, VisitStepName};
use crate::account::AccountId;

/// A visit in a list or as an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitView {
    pub id: VisitId,
    /// The request it came from.
    pub request_id: Uuid,
    pub state: VisitStateName,
    /// The steps that the caller may take now.
    pub legal: Vec<&'static str>,
    /// The kind of help: a code of the category table.
    pub service_type: String,
    /// The elder's name, masked for people whom it need not concern.
    pub name: String,
    /// The telephone, masked likewise.
    pub phone: String,
    /// The address, absent for people whom it need not concern.
    pub address: Option<String>,
    pub area_code: String,
    /// Things to know, absent likewise.
    pub note: Option<String>,
    /// The earliest moment wanted.
    pub wanted_from: Option<DateTime<Utc>>,
    /// The latest moment wanted.
    pub wanted_until: Option<DateTime<Utc>>,
    /// The assigned caregiver's account.
    pub caregiver: Option<AccountId>,
    /// The assigned caregiver's name.
    pub caregiver_name: Option<String>,
    /// The planned first moment.
    pub starts_at: Option<DateTime<Utc>>,
    /// The planned first moment after it.
    pub ends_at: Option<DateTime<Utc>>,
    /// The moment of the check-in.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// The moment of the check-out.
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
    #[serde(flatten)]
    pub visit: VisitView,
    /// Proof of start and end.
    pub proofs: Vec<Proof>,
    /// The history, with the words that people gave; for those who may see the visit's people.
    pub history: Vec<VisitHistoryLine>,
}

/// A line of a visit's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitHistoryLine {
    /// When the step was taken.
    pub at: DateTime<Utc>,
    /// By whom; absent for an event.
    pub actor_name: Option<String>,
    /// The step's name; `order` for the first line.
    pub action: String,
    /// The state before.
    pub from_state: Option<VisitStateName>,
    /// The state after.
    pub to_state: Option<VisitStateName>,
    /// The words that were said.
    pub note: Option<String>,
}

impl From<history::Line> for VisitHistoryLine {
    fn from(line: history::Line) -> Self {
        Self {
            at: line.at,
            actor_name: line.actor_name,
            action: line.step,
            from_state: line.from_state.as_deref().and_then(VisitStateName::from_text),
            to_state: VisitStateName::from_text(&line.to_state),
            note: line.reason.or(line.note),
        }
    }
}

/// Minutes since a planned start that nobody has checked in to.
pub fn late_minutes(state: &VisitState, now: DateTime<Utc>, limits: &VisitConfig) -> Option<i64> {
    let VisitState::Scheduled(slot) = state else { return None };
    let late = now - slot.interval.starts_at();
    (late >= Duration::minutes(limits.late_minutes_min)).then(|| late.num_minutes())
}

/// The steps that the caller may take now.
pub(super) fn actions(ctx: &Ctx, agency: &Agency, visit: &Visit, limits: &VisitConfig) -> Vec<VisitStepName> {
    lifecycle::actions(visit, ctx, &VisitStance::of(ctx, agency, visit, limits))
}

impl VisitView {
    /// The visit as the caller may see it.
    pub fn of(ctx: &Ctx, agency: &Agency, visit: Visit, limits: &VisitConfig) -> Self {
        let stance = VisitStance::of(ctx, agency, &visit, limits);
        let open = stance.decide(ctx, VisitAction::ViewContact) == Decision::Allow;
        let contact = visit.contact(&ctx.shows).clone();
        let legal = lifecycle::actions(&visit, ctx, &stance).into_iter().map(VisitStepName::as_str).collect();
        let (state, slot) = (visit.state.name(), visit.state.slot());
        Self {
            id: visit.id,
            request_id: visit.request_id,
            state,
            legal,
            service_type: visit.details.service_type,
            name: if open { contact.name } else { mask_name(&contact.name) },
            phone: if open { contact.phone } else { mask_phone(&contact.phone) },
            address: open.then_some(contact.address),
            area_code: visit.details.area_code,
            note: open.then_some(contact.note),
            wanted_from: visit.details.wanted_from,
            wanted_until: visit.details.wanted_until,
            caregiver: slot.map(|s| s.caregiver),
            caregiver_name: visit.caregiver_name,
            starts_at: slot.map(|s| s.interval.starts_at()),
            ends_at: slot.map(|s| s.interval.ends_at()),
            checked_in_at: visit.state.checked_in_at(),
            checked_out_at: visit.state.checked_out_at(),
            late_minutes: late_minutes(&visit.state, ctx.now(), limits),
            closed_reason: visit.state.closing().map(|c| c.reason.clone()).filter(|_| open),
            version: visit.version,
        }
    }
}
