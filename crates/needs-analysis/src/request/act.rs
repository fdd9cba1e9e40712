//! The steps of a work order, by HTTP: one route a step, one way through them all.

use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, FieldError, Problem};
use sanbao_platform::{audit, bus, on};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::border::NOTE_CHARS_MAX;
use super::category::{Category, Urgency};
use super::intake::standing;
use super::query;
use super::state::{State, Step};
use super::store::{self, History, Request, RequestId};
use super::view::{self, RequestView, action_of};
use crate::App;
use crate::policy::Action;

/// What a step may say; each route says which of it is needed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "已电话确认"}))]
pub struct StepBody {
    /// Why: needed to give back, cancel, escalate and reopen.
    pub reason: Option<String>,
    /// What else is to be remembered.
    pub note: Option<String>,
    /// To dispatch: the agency.
    pub agency_id: Option<OrganisationId>,
    /// To triage: the right category, if it was another.
    pub category: Option<Category>,
    /// To triage: the right urgency, if it was another.
    pub urgency: Option<Urgency>,
    /// To merge: the request it goes on in.
    pub into: Option<RequestId>,
}

/// What an agency must know of an accepted request.
#[derive(Debug, Serialize)]
struct AcceptedEvent<'a> {
    request_id: RequestId,
    agency_id: OrganisationId,
    person_id: Option<Uuid>,
    name: &'a str,
    /// Empty where nobody gave one.
    phone: &'a str,
    /// Empty where nobody gave one.
    address: &'a str,
    area_code: &'a str,
    national_id_index: Option<&'a str>,
    category: Category,
    note: Option<&'a str>,
    wanted_from: Option<DateTime<Utc>>,
    wanted_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct CancelledEvent {
    request_id: RequestId,
}

const AGENCY: &str = "select count(*) from agency where organisation_id = $1";

macro_rules! steps {
    ($($name:ident $step:ident $path:literal $doc:literal;)+) => {
        $(
            #[doc = $doc]
            #[utoipa::path(post, path = $path, tag = "requests", params(("id" = Uuid, Path)),
                request_body = StepBody, responses((status = 200, body = RequestView), (status = 401), (status = 403),
                (status = 404), (status = 409), (status = 412), (status = 422)))]
            async fn $name(
                Shared(app): Shared<App>,
                ctx: Ctx,
                Path(id): Path<RequestId>,
                version: IfMatch,
                Json(body): Json<StepBody>,
            ) -> Result<Response, Problem> {
                take(&app, &ctx, id, Step::$step, version, body).await
            }
        )+

        /// The routes of this part.
        pub fn routes() -> OpenApiRouter<App> {
            OpenApiRouter::new()$(.routes(routes!($name)))+
        }
    };
}

steps! {
    triage Triage "/v1/requests/{id}/triage" "Confirms category and urgency (分类).";
    dispatch Dispatch "/v1/requests/{id}/dispatch" "Sends it to an agency (派单); `agency_id` is needed.";
    accept Accept "/v1/requests/{id}/accept" "Takes it, as the agency (接单).";
    reject Reject "/v1/requests/{id}/reject" "Gives it back, as the agency (退单); `reason` is needed.";
    resolve Resolve "/v1/requests/{id}/resolve" "Settled on the telephone (当场答复).";
    cancel Cancel "/v1/requests/{id}/cancel" "Not wanted any more (取消); `reason` is needed.";
    escalate Escalate "/v1/requests/{id}/escalate" "Pushes it (督办); `reason` is needed.";
    merge Merge "/v1/requests/{id}/merge" "Goes on in another request (并单); `into` is needed.";
    follow_up FollowUp "/v1/requests/{id}/follow-up" "The elder was asked (回访).";
    close Close "/v1/requests/{id}/close" "Closes the file (办结).";
    reopen Reopen "/v1/requests/{id}/reopen" "The elder was not content (重办); `reason` is needed.";
}

fn text(field: &str, text: Option<&String>, errors: &mut Vec<FieldError>) -> Option<String> {
    let text = text.map(|t| t.trim()).filter(|t| !t.is_empty())?;
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

/// What the body must say for its step; the reason and the note are cleaned.
fn check(step: Step, mut body: StepBody) -> Result<StepBody, Problem> {
    let mut errors = Vec::new();
    body.reason = text("reason", body.reason.as_ref(), &mut errors);
    body.note = text("note", body.note.as_ref(), &mut errors);
    let mut need = |missing: bool, field: &str| {
        if missing && errors.is_empty() {
            errors.push(FieldError::new(field.to_owned(), "必填", "This field is required"));
        }
    };
    need(step.needs_reason() && body.reason.is_none(), "/reason");
    need(step == Step::Dispatch && body.agency_id.is_none(), "/agency_id");
    need(step == Step::Merge && body.into.is_none(), "/into");
    if errors.is_empty() { Ok(body) } else { Err(Problem::invalid(errors)) }
}

async fn take(
    app: &App,
    ctx: &Ctx,
    id: RequestId,
    step: Step,
    version: IfMatch,
    body: StepBody,
) -> Result<Response, Problem> {
    let body = check(step, body);
    let mut tx = app.deps.db.begin().await?;
    let before = store::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    let stands = standing(&mut tx, ctx, &before).await?;
    stands.allows(ctx, Action::RequestRead).require()?;
    stands.allows(ctx, action_of(step)).require()?;
    version.check(before.version)?;
    let body = body?;
    let state = before.state.step(step).map_err(|e| {
        let legal: Vec<&str> = stands.legal(ctx, e.state).into_iter().map(Step::path).collect();
        Problem::invalid_transition(e.state, step.path(), &legal)
    })?;
    let mut after = Request { state, state_since: ctx.now(), ..before.clone() };
    apply(&mut tx, ctx, step, &body, &mut after).await?;
    if !store::update(&mut tx, &after).await? {
        return Err(
            Problem::new(&CONFLICT).detail("别人刚刚处理了这条工单,请刷新", "Somebody else has just handled this")
        );
    }
    let row = History { reason: body.reason, note: body.note, ..History::of(ctx.now(), step, &before, state) };
    store::add_history(&mut tx, id, &row.by(&ctx.actor)).await?;
    store::count(&mut tx, &store::changes(Some(&before), &after)).await?;
    publish(&mut tx, ctx.now(), step, &before, &after).await?;
    audit::record(&mut tx, ctx, &format!("request.{}", step.path()), "request", id).await?;
    store::touch(&mut tx, [before.agency_id, after.agency_id]);
    let listed = query::one(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    let stands = view::Standing { assigned: after.agency_id == Some(ctx.actor.organisation), ..stands };
    let view: RequestView = view::view(listed, ctx, stands, &app.deps.fields, &app.config.sla);
    Ok((ETag(view.version), Json(view)).into_response())
}

/// Whether the agency's order ends when the request comes into this state by this step.
fn withdraws(step: Step, to: State) -> bool {
    step == Step::Resolve
        || matches!(to, State::Triaged | State::Dispatched | State::Rejected | State::Cancelled | State::Merged)
}

/// What a step changes beside the state.
async fn apply(tx: &mut Tx, ctx: &Ctx, step: Step, body: &StepBody, r: &mut Request) -> Result<(), Problem> {
    match step {
        Step::Triage => {
            r.category = body.category.unwrap_or(r.category);
            r.urgency = body.urgency.unwrap_or(r.urgency);
            r.agency_id = None;
        }
        Step::Dispatch => {
            let agency = body.agency_id.ok_or_else(Problem::not_found)?;
            let known: i64 = on!(tx, |c| sqlx::query_scalar(AGENCY).bind(agency).fetch_one(c).await)?;
            if known == 0 {
                return Err(Problem::field("/agency_id", "没有这个机构", "There is no such agency"));
            }
            r.agency_id = Some(agency);
        }
        Step::Accept => r.accepted_at = Some(ctx.now()),
        Step::Merge => r.merged_into = Some(target(tx, ctx, body, r.id).await?),
        _ => {}
    }
    if step != Step::Accept && (withdraws(step, r.state) || step == Step::Reopen) {
        (r.accepted_at, r.visit_id) = (None, None);
    }
    Ok(())
}

/// The request another goes on in: one that the actor sees too and that is still open.
async fn target(conn: &mut Conn, ctx: &Ctx, body: &StepBody, own: RequestId) -> Result<RequestId, Problem> {
    let unknown = || Problem::field("/into", "没有这条工单,或它已结束", "There is no such request, or it has ended");
    let id = body.into.filter(|id| *id != own).ok_or_else(unknown)?;
    let other = store::find(conn, id).await?.filter(|r| !r.state.is_terminal()).ok_or_else(unknown)?;
    standing(conn, ctx, &other).await?.allows(ctx, Action::RequestHandle).require().map_err(|_| unknown())?;
    Ok(id)
}

/// What agencies' scheduling must learn.
async fn publish(
    tx: &mut Tx,
    now: DateTime<Utc>,
    step: Step,
    before: &Request,
    after: &Request,
) -> Result<(), Problem> {
    if before.accepted_at.is_some() && withdraws(step, after.state) {
        let data = CancelledEvent { request_id: before.id };
        bus::publish(tx, now, "needs.request.cancelled", before.id, &data).await?;
    }
    if step == Step::Accept { publish_accepted(tx, now, after).await.map_err(Problem::from) } else { Ok(()) }
}

/// Tells the agency's scheduling that it has an order now.
pub async fn publish_accepted(tx: &mut Tx, now: DateTime<Utc>, r: &Request) -> Result<(), DbError> {
    let Some(agency_id) = r.agency_id else { return Ok(()) };
    let data = AcceptedEvent {
        request_id: r.id,
        agency_id,
        person_id: r.person_id,
        name: &r.elder_name,
        phone: r.phone.as_deref().unwrap_or_default(),
        address: r.address.as_deref().unwrap_or_default(),
        area_code: r.area_code.as_str(),
        national_id_index: r.national_id_index.as_deref(),
        category: r.category,
        note: r.note.as_deref(),
        wanted_from: r.wanted_from,
        wanted_until: r.wanted_until,
    };
    bus::publish(tx, now, "needs.request.accepted", r.id, &data).await.map(drop)
}
