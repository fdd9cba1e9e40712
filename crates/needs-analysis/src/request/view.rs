//! The shape in which callers see a request: masked for those who need not know the person.

use chrono::{DateTime, Utc};
use sanbao_platform::cn;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::DbError;
use sanbao_platform::history::Line;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{StepName as _, actions};
use sanbao_platform::policy::Decision;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::departed::Departed;
use super::handling;
use super::id::RequestId;
use super::model::{Assignee, Listed};
use super::policy::Standing;
use super::sla::Sla;
use super::state::{RequestState, RequestStateName};
use super::step::{RequestStepName, Satisfaction};
use crate::policy::Action;

/// A request as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    pub id: RequestId,
    /// The number that people say: month, day and a count; unique within a year.
    #[schema(example = "1129-0042")]
    pub number: Option<String>,
    /// Which system it came from.
    #[schema(example = "hotline")]
    pub source: String,
    /// Its id there.
    pub external_id: Option<String>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    #[schema(example = "330211001001")]
    pub area_code: String,
    pub area_name: String,
    pub category: Category,
    /// The words for it, where the table has none.
    pub category_raw: Option<String>,
    pub urgency: Urgency,
    /// The person; masked where `masked` says so.
    pub elder_name: String,
    /// The number to call; masked alike.
    pub phone: Option<String>,
    /// The resident id, always with its middle masked.
    pub national_id: Option<String>,
    /// There is a resident id, and it cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub national_id_unreadable: bool,
    /// The street address; left out where masked.
    pub address: Option<String>,
    /// The wish in words; left out where masked.
    pub note: Option<String>,
    /// From when help is wanted.
    pub wanted_from: Option<DateTime<Utc>>,
    /// The latest moment wanted.
    pub wanted_until: Option<DateTime<Utc>>,
    /// Whether personal fields are masked for this caller.
    pub masked: bool,
    /// The agency it was sent to.
    pub agency_id: Option<OrganisationId>,
    /// Its name, if known.
    pub agency_name: Option<String>,
    pub state: RequestStateName,
    /// The moment of the step into this state.
    pub state_since: DateTime<Utc>,
    /// The request it goes on in.
    pub merged_into: Option<RequestId>,
    /// The running clock; absent where nothing is waited for.
    pub sla: Option<Sla>,
    /// The person of the office who has it in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Assignee>,
    /// Whether the elder was content, once asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<Satisfaction>,
    /// That the person has died or left: somebody should look whether it is wanted still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departed: Option<Departed>,
    /// The steps that this caller may take next.
    #[serde(serialize_with = "with_underscores")]
    #[schema(schema_with = legal_steps)]
    pub legal: Vec<RequestStepName>,
    /// Grows with each change; also the entity tag.
    pub version: i64,
}

/// One row of a request's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryView {
    pub at: DateTime<Utc>,
    /// Which account; absent for an event.
    pub actor: Option<Uuid>,
    /// Its name at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    pub step: String,
    pub state_before: Option<RequestStateName>,
    pub state_after: RequestStateName,
    pub reason: Option<String>,
    /// The remark.
    pub note: Option<String>,
}

/// A request with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestDetail {
    #[serde(flatten)]
    pub request: RequestView,
    /// The steps that were taken, the first step first.
    pub history: Vec<HistoryView>,
}

fn legal_steps() -> Array {
    let words = RequestStepName::ALL.iter().filter(|step| step.by_person()).map(|step| underscored(*step));
    ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))).build()
}

fn underscored(step: RequestStepName) -> String {
    step.as_str().replace('-', "_")
}

/// This list has always had underscores where paths have hyphens.
fn with_underscores<S: Serializer>(steps: &[RequestStepName], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(steps.iter().copied().map(underscored))
}

/// The view of a request for somebody who stands to it so.
pub fn view(listed: Listed, ctx: &Ctx, standing: Standing, fields: &FieldKeys) -> RequestView {
    let Listed { request: r, area_name, agency_name, departed } = listed;
    let open = standing.allows(ctx, Action::RequestReadPersonal) == Decision::Allow;
    let shown = |text: Option<String>| text.filter(|_| open);
    let sla = r.clock().map(|clock| clock.at(ctx.now(), &r.pause));
    let (mut legal, agency_id) = (actions(&r, ctx, &standing), r.agency());
    legal.retain(|step| handling::is_possible(&r, *step, ctx.now()));
    let (number, assignee, satisfaction) =
        (r.number.map(|number| number.to_string()), r.assignee.clone(), r.satisfaction);
    let elder = r.details.elder.show(&ctx.shows, &r).clone();
    let (id, state, d) = (r.id, r.state_name(), r.details);
    let national_id = elder.masked_national_id(id, fields);
    RequestView {
        id,
        number,
        assignee,
        satisfaction,
        national_id_unreadable: national_id.is_err(),
        national_id: national_id.ok().flatten(),
        sla,
        departed,
        legal,
        source: r.source,
        external_id: shown(r.external_id),
        received_at: d.received_at,
        area_code: d.area_code.to_string(),
        area_name,
        category: d.category,
        category_raw: d.category_raw,
        urgency: d.urgency,
        elder_name: if open { elder.name } else { cn::mask_name(&elder.name) },
        phone: elder.phone.map(|p| if open { p } else { cn::mask_phone(&p) }),
        address: shown(elder.address),
        note: shown(elder.note),
        wanted_from: d.wanted_from,
        wanted_until: d.wanted_until,
        masked: !open,
        agency_id,
        agency_name,
        state,
        state_since: r.state_since,
        merged_into: match r.state {
            RequestState::Merged { into, .. } => Some(into),
            _ => None,
        },
        version: r.version,
    }
}

/// The view of a line of the history; what was said is left out where personal fields are masked.
pub fn history_view(line: Line, masked: bool) -> Result<HistoryView, DbError> {
    let state = |word: &str, column: &'static str| {
        let (row, cause) = (line.version.to_string(), "no state of a request".to_owned());
        RequestStateName::from_text(word).ok_or(DbError::BadRow { table: "history", column, row, cause })
    };
    Ok(HistoryView {
        state_before: line.from_state.as_deref().map(|word| state(word, "from_state")).transpose()?,
        state_after: state(&line.to_state, "to_state")?,
        at: line.at,
        actor: line.actor,
        actor_name: line.actor_name,
        step: line.step,
        reason: line.reason.filter(|_| !masked),
        note: line.note.filter(|_| !masked),
    })
}
