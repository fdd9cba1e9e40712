//! Rounds: making one, adding doors, and how far it has come.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Path};
use sanbao_platform::lifecycle::{By, Change, Lifecycle as _, save};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::area::{self, AreaCode};
use crate::door::id::RoundId;
use crate::door::input::{NewDoor, NewRound};
use crate::door::model::{Door, Round};
use crate::door::store::{self, DOORS_MAX, DoorNumbers};
use crate::door::view::{self, DoorView, RoundDetail, RoundView};
use crate::policy::{self, Action, relation};
use crate::request::store as requests;
use crate::{App, local_day};

/// The latest rounds that have to do with the caller's areas, at most 50, the one that ends last first.
#[utoipa::path(get, path = "/v1/door-rounds", tag = "doors", operation_id = "list_rounds",
    description = "Permission: stair and grid leaders, dispatchers, analysts and administrators of a street or a community. The numbers are those of the caller's areas.",
    responses((status = 200, body = Vec<RoundView>), (status = 401), (status = 404)))]
pub async fn list(AppState(app): AppState<App>, ctx: Ctx) -> Result<Json<Vec<RoundView>>, Problem> {
    Ok(Json(overview(&app, &ctx).await?))
}

/// The rounds of the caller; also what the HTML page shows.
pub async fn overview(app: &App, ctx: &Ctx) -> Result<Vec<RoundView>, Problem> {
    policy::allows(&ctx.actor, Action::RoundRead, relation(!ctx.actor.areas.is_empty())).require()?;
    let today = local_day(ctx.now());
    let mut conn = app.deps.db.read().await?;
    let tops = store::tops(&mut conn, &ctx.actor, today).await?;
    Ok(store::rounds(&mut conn, &tops, today).await?.into_iter().map(RoundView::from).collect())
}

/// A round with how far it has come in each area directly below the caller's own.
#[utoipa::path(get, path = "/v1/door-rounds/{id}", tag = "doors", operation_id = "show_round", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RoundDetail), (status = 401), (status = 404)))]
pub async fn show(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<RoundId>,
) -> Result<Json<RoundDetail>, Problem> {
    Ok(Json(detail(&app, &ctx, id).await?))
}

/// One round for everybody who has to do with it, on the HTML page too.
pub async fn detail(app: &App, ctx: &Ctx, id: RoundId) -> Result<RoundDetail, Problem> {
    policy::allows(&ctx.actor, Action::RoundRead, relation(!ctx.actor.areas.is_empty())).require()?;
    let today = local_day(ctx.now());
    let mut conn = app.deps.db.read().await?;
    let round = store::round(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let tops = store::tops(&mut conn, &ctx.actor, today).await?;
    let areas = store::progress(&mut conn, &tops, today, id).await?;
    if areas.is_empty() && !area::scope(&mut conn, &ctx.actor, &round.area_code, today).await? {
        return Err(Problem::not_found());
    }
    let counts: DoorNumbers = areas.iter().map(|area| area.counts).sum();
    Ok(RoundDetail { round: view::round(&round, counts), areas: areas.into_iter().map(Into::into).collect() })
}

/// Makes a round, empty or with the doors of an earlier one.
#[utoipa::path(post, path = "/v1/door-rounds", tag = "doors", operation_id = "create_round", request_body = NewRound,
    description = "Permission: dispatchers and administrators of a street or a community, within their areas.",
    responses((status = 201, body = RoundView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewRound>,
) -> Result<Response, Problem> {
    policy::allows(&ctx.actor, Action::RoundMake, relation(!ctx.actor.areas.is_empty())).require()?;
    let draft = body.checked(local_day(ctx.now()))?;
    let mut tx = app.deps.db.begin().await?;
    require_area(&mut tx, &ctx, &draft.area_code).await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, "door_round.create", &body).await? {
        return Ok(answer);
    }
    let round = Round {
        id: RoundId::new(ctx.now()),
        organisation: ctx.actor.organisation,
        title: draft.title,
        reason: draft.reason,
        area_code: draft.area_code,
        starts_on: draft.starts_on,
        ends_on: draft.ends_on,
        created_at: ctx.now(),
    };
    store::add_round(&mut tx, &round).await?;
    audit::record(&mut tx, &ctx, "door_round.create", "door_round", round.id).await?;
    if let Some(from) = draft.copy_of {
        Box::pin(take_over(&mut tx, &ctx, from, &round)).await?;
    }
    tx.touch(Door::TOPIC, round.area_code.live_key());
    let counts = DoorNumbers { doors: store::count(&mut tx, round.id).await?, ..DoorNumbers::default() };
    let view = view::round(&round, DoorNumbers { open: counts.doors, ..counts });
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Adds a door to a round.
#[utoipa::path(post, path = "/v1/door-rounds/{id}/doors", tag = "doors", operation_id = "add_door", params(("id" = uuid::Uuid, Path)), request_body = NewDoor,
    description = "Permission: dispatchers and administrators of a street or a community who reach the round's area.",
    responses((status = 201, body = DoorView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn add(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<RoundId>,
    key: Idempotency,
    Json(body): Json<NewDoor>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let round = makeable(&mut tx, &ctx, id).await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, &format!("door.create {id}"), &body).await? {
        return Ok(answer);
    }
    let (area_code, elder) = body.checked(app.deps.dialling_code.as_ref())?;
    require_within(&mut tx, &ctx, &round, &area_code).await?;
    if store::count(&mut tx, id).await? >= DOORS_MAX {
        return Err(full());
    }
    let mut door = Door::new(&round, area_code, elder, ctx.now(), 0);
    door.person_id = known(&mut tx, &ctx, &body).await?;
    let made = door.id;
    save(&mut tx, &By::Person(&ctx), vec![Change::created(door)]).await?;
    let view = Door::view(&app, &mut tx, &ctx, made).await?;
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The round, if the caller may add doors to it.
pub async fn makeable(conn: &mut Conn, ctx: &Ctx, id: RoundId) -> Result<Round, Problem> {
    let today = local_day(ctx.now());
    let round = store::round(conn, id).await?.ok_or_else(Problem::not_found)?;
    let inside = area::scope(conn, &ctx.actor, &round.area_code, today).await?;
    if policy::allows(&ctx.actor, Action::RoundRead, relation(inside)) != Decision::Allow {
        return Err(Problem::not_found());
    }
    policy::allows(&ctx.actor, Action::RoundMake, relation(inside)).require()?;
    Ok(round)
}

/// The refusal of one door more.
pub fn full() -> Problem {
    let zh = format!("一次行动最多 {DOORS_MAX} 户，请另建一次");
    Problem::field("/round", zh, format!("A round has {DOORS_MAX} doors at most: make another"))
}

/// The elder whose record the caller has named: of the caller's own area, as for requests.
async fn known(conn: &mut Conn, ctx: &Ctx, body: &NewDoor) -> Result<Option<uuid::Uuid>, Problem> {
    let Some(record) = body.person_id else { return Ok(None) };
    let Some(elder) = requests::elder_at_home(conn, record).await? else { return Ok(None) };
    let Some(code) = elder.area_code else { return Ok(None) };
    if !area::scope(conn, &ctx.actor, &code, local_day(ctx.now())).await? {
        let (zh, en) = ("这位老人不在您负责的区域内", "This elder is not within your area");
        return Err(Problem::field("/person_id", zh, en));
    }
    Ok(Some(elder.person_id))
}

async fn require_area(conn: &mut Conn, ctx: &Ctx, code: &AreaCode) -> Result<(), Problem> {
    if area::find(conn, code).await?.is_none() {
        return Err(Problem::field("/area_code", "没有这个区域", "There is no such area"));
    }
    if !area::scope(conn, &ctx.actor, code, local_day(ctx.now())).await? {
        return Err(Problem::field("/area_code", "不在您负责的区域内", "Not within your area"));
    }
    Ok(())
}

async fn require_within(conn: &mut Conn, ctx: &Ctx, round: &Round, code: &AreaCode) -> Result<(), Problem> {
    require_area(conn, ctx, code).await?;
    let above = area::ancestors(conn, code, local_day(ctx.now())).await?;
    if code != &round.area_code && !above.iter().any(|area| area.code == round.area_code) {
        return Err(Problem::field("/area_code", "不在这次行动的区域内", "Not within the round's area"));
    }
    Ok(())
}

/// Takes over the doors of an earlier round, as far as they lie in the new one's area: nobody has been to them. Those of people who
/// were erased meanwhile lead nowhere, and stay behind.
async fn take_over(tx: &mut Tx, ctx: &Ctx, from: RoundId, round: &Round) -> Result<(), Problem> {
    let unknown = || Problem::field("/copy_of", "没有这次行动", "There is no such round");
    let today = local_day(ctx.now());
    let earlier = store::round(tx, from).await?.ok_or_else(unknown)?;
    if !area::scope(tx, &ctx.actor, &earlier.area_code, today).await? {
        return Err(unknown());
    }
    let within = area::descendants(tx, &round.area_code, today).await?;
    let doors = store::of_round(tx, from).await?;
    let doors = doors.into_iter().filter(|door| within.contains(&door.area_code) && door.elder.unseen().is_told());
    let again = doors.enumerate().map(|(nth, door)| {
        let person_id = door.person_id;
        let next = Door::new(round, door.area_code, door.elder.into_unseen(), ctx.now(), nth);
        Change::created(Door { person_id, ..next })
    });
    save(tx, &By::Person(ctx), again.collect()).await?;
    Ok(())
}
