//! The work order's life as a whole: a step's rows, events and permission, and how a person orders it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order, State as _};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::id::RequestId;
use super::input::NOTE_CHARS_MAX;
use super::model::Request;
use super::policy::Standing;
use super::sla::Pause;
use super::state::{RequestState, RequestStateName};
use super::step::{RequestStep, RequestStepName, Said, Satisfaction};
use super::view::{self, RequestView};
use super::{directory, events, handling, merged, queue, store};
use crate::area;
use crate::policy::Action;
use crate::rollup::{self, CountChange};
use crate::{App, local_day};

impl Lifecycle for Request {
    const NAME: &'static str = "request";
    const CREATED: &'static str = "receive";
    const TOPIC: &'static str = "requests";

    type App = App;
    type Id = RequestId;
    type State = RequestState;
    type Stance = Standing;
    type View = RequestView;

    fn id(&self) -> RequestId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &RequestState {
        &self.state
    }

    /// A clock that stands still can go on, and no other can.
    fn legal(&self) -> Vec<RequestStepName> {
        let mut legal = self.state.legal();
        legal.retain(|step| *step != RequestStepName::Resume || self.pause.from.is_some());
        legal
    }

    fn advanced(mut self, state: RequestState, step: &RequestStep, at: DateTime<Utc>) -> Self {
        match step {
            RequestStep::Triage { category, urgency, .. } => {
                self.details.category = category.unwrap_or(self.details.category);
                self.details.urgency = urgency.unwrap_or(self.details.urgency);
                self.triaged = true;
            }
            RequestStep::Comment(_) => return Self { version: self.version + 1, ..self },
            RequestStep::Assign { to, .. } => {
                return Self { assignee: to.clone(), version: self.version + 1, ..self };
            }
            RequestStep::Pause { until, .. } => {
                return Self { pause: self.pause.begun(at, *until), version: self.version + 1, ..self };
            }
            RequestStep::Resume(_) => {
                return Self { pause: self.pause.ended(at), version: self.version + 1, ..self };
            }
            RequestStep::Edit { details, .. } => {
                return Self { details: details.as_ref().clone(), version: self.version + 1, ..self };
            }
            RequestStep::FollowUp { satisfaction, .. } => self.satisfaction = *satisfaction,
            RequestStep::Reopen(_) => self.satisfaction = None,
            RequestStep::Update { details, .. } => {
                let decided = (self.details.category, self.details.urgency);
                self.details = details.as_ref().clone();
                if self.triaged {
                    (self.details.category, self.details.urgency) = decided;
                }
                self.version += 1;
                return self;
            }
            RequestStep::Append { urgency, .. } => {
                self.details.urgency = self.details.urgency.min(*urgency);
                self.version += 1;
                return self;
            }
            RequestStep::Dispatch { .. }
            | RequestStep::Separate { .. }
            | RequestStep::Accept { .. }
            | RequestStep::Reject(_)
            | RequestStep::Resolve(_)
            | RequestStep::Cancel(_)
            | RequestStep::Escalate(_)
            | RequestStep::Merge { .. }
            | RequestStep::Close(_)
            | RequestStep::VisitScheduled(_)
            | RequestStep::VisitStarted(_)
            | RequestStep::VisitCompleted(_)
            | RequestStep::VisitCancelled(_)
            | RequestStep::VisitNoShow(_)
            | RequestStep::OrderCancelled(_) => {}
        }
        let name = state.name();
        // What is done, and what is done again, has a clock that starts anew; a step that leads on ends the waiting.
        let anew = matches!(name, RequestStateName::Done | RequestStateName::Reopened);
        let pause = if anew { Pause::default() } else { self.pause.ended(at) };
        let assignee = self.assignee.filter(|_| name.is_open());
        Self { state, state_since: at, pause, assignee, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: RequestId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::write(tx, before, after).await,
            None => Ok(store::write_new(tx, &[after]).await?.contains(&after.id)),
        }
    }

    async fn write_new(tx: &mut Tx, new: &[&Self]) -> Result<Vec<bool>, DbError> {
        let written = store::write_new(tx, new).await?;
        Ok(new.iter().map(|request| written.contains(&request.id)).collect())
    }

    async fn follow_up(tx: &mut Tx, _: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        let counts: Vec<CountChange> = changes.iter().flat_map(counts).collect();
        rollup::apply_all(tx, &counts).await
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        events::of(change, by.at())
    }

    /// The street's lists stand under the areas that they show.
    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        let states = [change.before.as_ref(), Some(&change.after)];
        let states = states.into_iter().flatten();
        let keys: BTreeSet<Uuid> = states
            .flat_map(|request| {
                let agency = request.agency().map(Uuid::from);
                [request.details.area_code.live_key()].into_iter().chain(agency)
            })
            .collect();
        keys.into_iter().collect()
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<Standing, Problem> {
        let in_scope = area::scope(conn, &ctx.actor, &self.details.area_code, local_day(ctx.now())).await?;
        Ok(Standing { in_scope, assigned: self.agency() == Some(ctx.actor.organisation) })
    }

    fn sees(ctx: &Ctx, standing: &Standing) -> Decision {
        standing.allows(ctx, Action::RequestRead)
    }

    fn allows(ctx: &Ctx, standing: &Standing, step: RequestStepName) -> Decision {
        standing.allows_step(ctx, step)
    }

    async fn view(app: &App, conn: &mut Conn, ctx: &Ctx, id: RequestId) -> Result<RequestView, Problem> {
        let listed = store::one(conn, id).await?.ok_or_else(Problem::not_found)?;
        let standing = listed.request.stance(app, conn, ctx).await?;
        Ok(view::view(listed, ctx, standing, &app.deps.fields))
    }
}

/// The counts that a change moves: nothing, a step, or a going and a coming.
pub(super) fn counts(change: &Change<Request>) -> Vec<CountChange> {
    let (before, after) = (change.before.as_ref().map(counted), counted(&change.after));
    match before {
        Some(before) if before == after => Vec::new(),
        Some(before) if (CountChange { to: after.to, ..before.clone() }) == after => {
            vec![CountChange { from: before.to, ..after }]
        }
        Some(before) => vec![CountChange { from: before.to, to: None, ..before }, after],
        None => vec![after],
    }
}

/// A request as it is counted.
fn counted(request: &Request) -> CountChange {
    CountChange {
        area_code: request.details.area_code.clone(),
        category: request.details.category,
        day: request.details.received_on(),
        from: None,
        to: Some(request.state_name()),
    }
}

/// The fields that a step may carry; each route says which of them it needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "已电话确认"}))]
pub struct StepBody {
    /// Why: needed to give back, cancel, escalate and reopen.
    pub reason: Option<String>,
    /// A remark to remember.
    pub note: Option<String>,
    /// To dispatch: the agency.
    pub agency_id: Option<OrganisationId>,
    /// To triage: the right category, if it was another.
    pub category: Option<Category>,
    /// To triage: the right urgency, if it was another.
    pub urgency: Option<Urgency>,
    /// To merge: the request it goes on in.
    pub into: Option<RequestId>,
    /// To assign: the account of somebody of the caller's office; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Uuid>,
    /// To pause: when the clock goes on by itself; RFC 3339, or a local time such as `2026-11-30 09:00`. Within 14 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// To follow up: whether the elder was content (满意); of no, `reason` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<Satisfaction>,
}

impl StepBody {
    /// The same with its words cleaned, if it says what the step needs.
    fn checked(&self, step: RequestStepName) -> Result<Self, Problem> {
        let mut errors = Vec::new();
        let reason = words("reason", self.reason.as_ref(), &mut errors);
        let note = words("note", self.note.as_ref(), &mut errors);
        let mut need = |missing: bool, field: &str| {
            if missing && errors.is_empty() {
                errors.push(FieldError::new(field.to_owned(), "必填", "This field is required"));
            }
        };
        need(step.needs_reason() && reason.is_none(), "/reason");
        need(step == RequestStepName::Dispatch && self.agency_id.is_none(), "/agency_id");
        need(step == RequestStepName::Merge && self.into.is_none(), "/into");
        need(step == RequestStepName::Pause && self.until.is_none(), "/until");
        need(step == RequestStepName::Comment && note.is_none(), "/note");
        need(
            step == RequestStepName::FollowUp
                && self.satisfaction == Some(Satisfaction::Unsatisfied)
                && reason.is_none(),
            "/reason",
        );
        if errors.is_empty() { Ok(Self { reason, note, ..self.clone() }) } else { Err(Problem::invalid(errors)) }
    }
}

fn words(field: &str, text: Option<&String>, errors: &mut Vec<FieldError>) -> Option<String> {
    let text = without_invisible(text?);
    let text = Some(text.trim()).filter(|t| !t.is_empty())?;
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > NOTE_CHARS_MAX || text.contains(odd) {
        errors.push(FieldError::new(
            format!("/{field}"),
            "内容太长或含有控制字符",
            "Too long, or with control characters",
        ));
        return None;
    }
    Some(text.to_owned())
}

/// A step that a person orders; the body says with what.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct RequestOrder {
    #[serde(skip)]
    pub step: RequestStepName,
    pub body: StepBody,
}

impl Order<Request> for RequestOrder {
    fn step(&self) -> RequestStepName {
        self.step
    }

    async fn prepare(&self, call: Call<'_, Request>, tx: &mut Tx, request: &Request) -> Result<RequestStep, Problem> {
        let body = self.body.checked(self.step)?;
        let said = Said { reason: body.reason, note: body.note };
        queue::people::see(tx, &call.ctx.actor, local_day(call.ctx.now())).await?;
        Ok(match self.step {
            RequestStepName::Triage => RequestStep::Triage { category: body.category, urgency: body.urgency, said },
            RequestStepName::Dispatch => {
                let agency = body.agency_id.ok_or_else(no_agency)?;
                if !directory::takes_requests(tx, agency).await? {
                    return Err(no_agency());
                }
                RequestStep::Dispatch { agency, said }
            }
            RequestStepName::Accept => RequestStep::Accept { at: call.ctx.now(), said },
            RequestStepName::Reject => RequestStep::Reject(said),
            RequestStepName::Resolve => RequestStep::Resolve(said),
            RequestStepName::Cancel => RequestStep::Cancel(said),
            RequestStepName::Escalate => RequestStep::Escalate(said),
            RequestStepName::Merge => {
                let into = merged::target(call, tx, body.into, Some(request.id), "/into").await?;
                RequestStep::Merge { into: into.id, said }
            }
            RequestStepName::Separate => {
                RequestStep::Separate { back: merged::back(tx, request, call.ctx.now()).await?, said }
            }
            RequestStepName::FollowUp => RequestStep::FollowUp { satisfaction: body.satisfaction, said },
            RequestStepName::Close => RequestStep::Close(said),
            RequestStepName::Reopen => {
                handling::reopened_in_time(request, call.ctx.now())?;
                RequestStep::Reopen(said)
            }
            RequestStepName::Comment => RequestStep::Comment(said),
            RequestStepName::Assign => {
                RequestStep::Assign { to: handling::assignee(tx, call.ctx, body.assignee).await?, said }
            }
            RequestStepName::Pause => RequestStep::Pause {
                until: handling::pause_until(request, body.until.as_deref(), call.ctx.now())?,
                said,
            },
            RequestStepName::Resume => {
                handling::require_pause(request, call.ctx.now())?;
                RequestStep::Resume(said)
            }
            RequestStepName::Append
            | RequestStepName::Edit
            | RequestStepName::Update
            | RequestStepName::VisitScheduled
            | RequestStepName::VisitStarted
            | RequestStepName::VisitCompleted
            | RequestStepName::VisitCancelled
            | RequestStepName::VisitNoShow
            | RequestStepName::OrderCancelled => return Err(Problem::not_found()),
        })
    }
}

fn no_agency() -> Problem {
    Problem::field("/agency_id", "没有这个机构", "There is no such agency")
}
