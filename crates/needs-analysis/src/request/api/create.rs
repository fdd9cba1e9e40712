//! Taking a request down.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json};
use sanbao_platform::lifecycle::{By, Call, Lifecycle as _, StepError, create as write};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use crate::area;
use crate::policy::{self, Action, relation};
use crate::request::input::{self, Channel, NewRequest};
use crate::request::model::Request;
use crate::request::view::RequestView;
use crate::request::{onward, store};
use crate::{App, local_day};

/// Takes a request down; with `dispatch` or `merge` it goes on at once, or nothing is taken down.
#[utoipa::path(post, path = "/v1/requests", tag = "requests", request_body = NewRequest, responses(
    (status = 201, body = RequestView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewRequest>,
) -> Result<Response, Problem> {
    let anywhere = relation(!ctx.actor.areas.is_empty());
    policy::allows(&ctx.actor, Action::RequestCreate, anywhere).require()?;
    if body.dispatch.is_some() || body.merge.is_some() {
        policy::allows(&ctx.actor, Action::RequestHandle, anywhere).require()?;
    }
    let rules = input::Rules { now: ctx.now(), own: app.deps.dialling_code.as_ref(), file: false };
    let draft = input::parse(&body, rules).map_err(|faults| input::invalid(&faults))?;
    let source = body.channel.unwrap_or(Channel::Hotline).as_str();
    let mut request = Request::from_draft(draft, ctx.actor.organisation, source, &app.deps.fields, ctx.now());
    let mut tx = app.deps.db.begin().await?;
    require_area(&mut tx, &ctx, &request).await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, "request.create", &body).await? {
        return Ok(answer);
    }
    let elders = store::elders_of(&mut tx, request.details.national_id_index.as_deref()).await?;
    let told = told_person(&mut tx, &ctx, body.person_id, request.details.national_id_index.as_deref()).await?;
    // A resident id says who it is, more surely than a record that was open when somebody called.
    request.details.person_id = elders.into_values().next().or(told);
    let id = request.id;
    write(&mut tx, &By::Person(&ctx), request.clone()).await.map_err(problem)?;
    onward::go(Call { app: &app, ctx: &ctx }, &mut tx, request, &body).await?;
    let view = Request::view(&app, &mut tx, &ctx, id).await?;
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}

fn problem(error: StepError) -> Problem {
    match error {
        StepError::Overtaken => {
            Problem::new(&CONFLICT).detail("这个来源编号已经登记过了", "This external id was taken down before")
        }
        other => other.into(),
    }
}

/// The elder whose record the caller has named: of the caller's own area, so that nobody is sent to a stranger by an id. None where this
/// service knows no place of theirs yet, and where the resident id that was given, by its index, is of somebody else.
async fn told_person(
    conn: &mut Conn,
    ctx: &Ctx,
    record: Option<Uuid>,
    index: Option<&str>,
) -> Result<Option<Uuid>, Problem> {
    let Some(record) = record else { return Ok(None) };
    let Some(elder) = store::elder_at_home(conn, record).await? else { return Ok(None) };
    let Some(code) = elder.area_code else { return Ok(None) };
    if !area::scope(conn, &ctx.actor, &code, local_day(ctx.now())).await? {
        let (zh, en) = ("这位老人不在您负责的区域内", "This elder is not within your area");
        return Err(Problem::field("/person_id", zh, en));
    }
    let other = index.zip(elder.national_id_index.as_deref()).is_some_and(|(given, known)| given != known);
    Ok(Some(elder.person_id).filter(|_| !other))
}

/// There must be the request's area, and the actor must be one to take requests down for it.
async fn require_area(conn: &mut Conn, ctx: &Ctx, request: &Request) -> Result<(), Problem> {
    let (code, today) = (&request.details.area_code, local_day(ctx.now()));
    if area::find(conn, code).await?.is_none() {
        return Err(Problem::field("/area_code", "没有这个区域", "There is no such area"));
    }
    let inside = area::scope(conn, &ctx.actor, code, today).await?;
    match policy::allows(&ctx.actor, Action::RequestCreate, relation(inside)) {
        Decision::Allow => Ok(()),
        _ => Err(Problem::field("/area_code", "不在您负责的区域内", "Not within your area")),
    }
}
