//! Raising a matter.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json};
use sanbao_platform::lifecycle::{By, Lifecycle as _, create as save_new};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use crate::area::{self, AreaCode};
use crate::door::DoorId;
use crate::door::model::Door;
use crate::matter::input::NewMatter;
use crate::matter::model::{Matter, MatterLinks, MatterRaiser, NewMatterFacts};
use crate::matter::view::MatterView;
use crate::matter::way::{self, Way};
use crate::policy::{self, Action, relation};
use crate::request::model::Request;
use crate::request::{RequestId, store as requests};
use crate::{App, local_day};

/// Raises a matter (提出事项): it lies with the smallest of the caller's own areas that covers its place.
#[utoipa::path(post, path = "/v1/matters", tag = "matters", request_body = NewMatter,
    description = "Permission: stair and grid leaders and dispatchers of a street or a community, within their areas.",
    responses((status = 201, body = MatterView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewMatter>,
) -> Result<Response, Problem> {
    raisable(&ctx)?;
    let draft = body.checked()?;
    let today = local_day(ctx.now());
    let mut tx = app.deps.db.begin().await?;
    let (links, place) = Box::pin(subject(&app, &mut tx, &ctx, &body)).await?;
    let unknown = || Problem::field("/area_code", "没有这个区域", "There is no such area");
    let area_code = draft.area_code.or(place).ok_or_else(unknown)?;
    if area::find(&mut tx, &area_code).await?.is_none() {
        return Err(unknown());
    }
    let way = Way::of(&mut tx, &area_code, today).await?;
    let Some(own) = way.own(&ctx.actor) else {
        return Err(Problem::field("/area_code", "不在您负责的区域内", "Not within your area"));
    };
    if let Some(answer) = key.begin(&mut tx, &ctx, "matter.create", &body).await? {
        return Ok(answer);
    }
    way::see(&mut tx, &own.code, today).await?;
    let raiser = MatterRaiser { account: Some(ctx.actor.subject.into()), name: Some(ctx.actor.name.clone()) };
    let facts = NewMatterFacts {
        organisation: ctx.actor.organisation,
        area_code,
        kind: draft.kind,
        title: draft.title,
        links,
        raiser,
        level: own.level,
    };
    let matter = Matter::raised(facts, ctx.now());
    let id = matter.id;
    save_new(&mut tx, &By::Person(&ctx), matter).await?;
    let view = Matter::view(&app, &mut tx, &ctx, id).await?;
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Whether the caller may raise matters at all.
pub fn raisable(ctx: &Ctx) -> Result<(), Problem> {
    policy::allows(&ctx.actor, Action::MatterRaise, relation(!ctx.actor.areas.is_empty())).require()
}

/// The thing that a matter is to be about, if the caller may see it, and where that is.
pub async fn subject(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    body: &NewMatter,
) -> Result<(MatterLinks, Option<AreaCode>), Problem> {
    let none = MatterLinks::default();
    if let Some(id) = body.door_id {
        let unknown = || Problem::field("/door_id", "没有这一户", "There is no such door");
        let door = Door::find(conn, DoorId(id)).await?.ok_or_else(unknown)?;
        let standing = door.stance(app, conn, ctx).await?;
        if Door::sees(ctx, &standing) != Decision::Allow {
            return Err(unknown());
        }
        let links = MatterLinks { door: Some(door.id), person: door.person_id, ..none };
        return Ok((links, Some(door.area_code)));
    }
    if let Some(id) = body.request_id {
        let unknown = || Problem::field("/request_id", "没有这张工单", "There is no such request");
        let request = Request::find(conn, RequestId(id)).await?.ok_or_else(unknown)?;
        let standing = request.stance(app, conn, ctx).await?;
        if Request::sees(ctx, &standing) != Decision::Allow {
            return Err(unknown());
        }
        let links = MatterLinks { request: Some(request.id), person: request.details.person_id, ..none };
        return Ok((links, Some(request.details.area_code)));
    }
    let person = match body.person_id {
        Some(record) => Some(elder(conn, ctx, record).await?),
        None => None,
    };
    Ok((MatterLinks { person, ..none }, None))
}

/// The elder whose record the caller has named: of the caller's own area.
async fn elder(conn: &mut Conn, ctx: &Ctx, record: Uuid) -> Result<Uuid, Problem> {
    let unknown = || Problem::field("/person_id", "这位老人不在您负责的区域内", "This elder is not within your area");
    let elder = requests::elder_at_home(conn, record).await?.ok_or_else(unknown)?;
    let code = elder.area_code.ok_or_else(unknown)?;
    if !area::scope(conn, &ctx.actor, &code, local_day(ctx.now())).await? {
        return Err(unknown());
    }
    Ok(elder.person_id)
}
