//! What callers are shown of a request: masked for those who need not know who it is.

use chrono::{DateTime, Utc};
use sanbao_platform::cn;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::policy::Decision;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::sla::{Sla, SlaRules};
use super::state::{State, Step};
use super::store::{History, Request, RequestId};
use crate::policy::{self, Action, Relation};

/// A request with the names that go with its codes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The request.
    #[sqlx(flatten)]
    pub request: Request,
    /// The area's Chinese name.
    pub area_name: String,
    /// The agency's Chinese name, if known.
    pub agency_name: Option<String>,
}

/// A request as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// Which system it came from.
    #[schema(example = "hotline")]
    pub source: String,
    /// Its id there.
    pub external_id: Option<String>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The area's code.
    #[schema(example = "330211001001")]
    pub area_code: String,
    /// The area's name.
    pub area_name: String,
    /// What about.
    pub category: Category,
    /// The words for it, where the table has none.
    pub category_raw: Option<String>,
    /// How soon.
    pub urgency: Urgency,
    /// Who; masked where `masked` says so.
    pub elder_name: String,
    /// Whom to call; masked alike.
    pub phone: Option<String>,
    /// The resident id, always with its middle masked.
    pub national_id: Option<String>,
    /// There is a resident id, and it cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub national_id_unreadable: bool,
    /// The street address; left out where masked.
    pub address: Option<String>,
    /// What is wanted; left out where masked.
    pub note: Option<String>,
    /// From when help is wanted.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Until when.
    pub wanted_until: Option<DateTime<Utc>>,
    /// Whether personal fields are masked for this caller.
    pub masked: bool,
    /// The person of the network it is for, once known.
    pub person_id: Option<Uuid>,
    /// The agency it was sent to.
    pub agency_id: Option<OrganisationId>,
    /// Its name, if known.
    pub agency_name: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// The request it goes on in.
    pub merged_into: Option<RequestId>,
    /// The running clock; absent where nothing is waited for.
    pub sla: Option<Sla>,
    /// What this caller may do next.
    pub legal: Vec<Step>,
    /// Grows with each change; also the entity tag.
    pub version: i64,
}

/// One row of a request's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryView {
    /// When.
    pub at: DateTime<Utc>,
    /// Which account; absent for an event.
    pub actor: Option<Uuid>,
    /// What was done.
    pub step: String,
    /// The state before.
    pub state_before: Option<State>,
    /// The state after.
    pub state_after: State,
    /// Why.
    pub reason: Option<String>,
    /// What else was said.
    pub note: Option<String>,
}

/// A request with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestDetail {
    /// The request.
    #[serde(flatten)]
    pub request: RequestView,
    /// What was done with it, the first step first.
    pub history: Vec<HistoryView>,
}

/// How an actor stands to a request: each way that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its area lies in the actor's scope.
    pub in_scope: bool,
    /// It was sent to the actor's organisation.
    pub assigned: bool,
}

impl Standing {
    /// The most generous decision over the ways that hold.
    pub fn allows(self, ctx: &Ctx, action: Action) -> Decision {
        let mut decision = policy::allows(&ctx.actor, action, Relation::Outside);
        if self.in_scope {
            decision = decision.max(policy::allows(&ctx.actor, action, Relation::InScope));
        }
        if self.assigned {
            decision = decision.max(policy::allows(&ctx.actor, action, Relation::Assigned));
        }
        decision
    }

    /// What the actor may do from a state.
    pub fn legal(self, ctx: &Ctx, state: State) -> Vec<Step> {
        let may = |step: &Step| self.allows(ctx, action_of(*step)) == Decision::Allow;
        state.legal().filter(may).collect()
    }
}

/// Which permission a step needs.
pub fn action_of(step: Step) -> Action {
    match step {
        Step::Accept | Step::Reject => Action::RequestAnswer,
        _ => Action::RequestHandle,
    }
}

/// The view of a request for somebody who stands to it so.
pub fn view(listed: Listed, ctx: &Ctx, standing: Standing, fields: &FieldKeys, rules: &SlaRules) -> RequestView {
    let Listed { request: r, area_name, agency_name } = listed;
    let open = standing.allows(ctx, Action::RequestReadPersonal) == Decision::Allow;
    let shown = |text: Option<String>| text.filter(|_| open);
    let national_id = r.masked_national_id(fields);
    RequestView {
        id: r.id,
        national_id_unreadable: national_id.is_err(),
        national_id: national_id.ok().flatten(),
        sla: rules.clock(&r.timed(), ctx.now()),
        legal: standing.legal(ctx, r.state),
        source: r.source,
        external_id: shown(r.external_id),
        received_at: r.received_at,
        area_code: r.area_code.to_string(),
        area_name,
        category: r.category,
        category_raw: r.category_raw,
        urgency: r.urgency,
        elder_name: if open { r.elder_name } else { cn::mask_name(&r.elder_name) },
        phone: r.phone.map(|p| if open { p } else { cn::mask_phone(&p) }),
        address: shown(r.address),
        note: shown(r.note),
        wanted_from: r.wanted_from,
        wanted_until: r.wanted_until,
        masked: !open,
        person_id: r.person_id,
        agency_id: r.agency_id,
        agency_name,
        state: r.state,
        state_since: r.state_since,
        merged_into: r.merged_into,
        version: r.version,
    }
}

/// The view of a history row; what was said is left out where personal fields are masked.
pub fn history_view(row: History, masked: bool) -> HistoryView {
    HistoryView {
        at: row.at,
        actor: row.actor,
        step: row.step,
        state_before: row.state_before,
        state_after: row.state_after,
        reason: row.reason.filter(|_| !masked),
        note: row.note.filter(|_| !masked),
    }
}
