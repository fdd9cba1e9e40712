//! Doctor, resident and room at one time: booking, moving, running late, calling off.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, Db, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Path, Query};
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::Reason;
use super::doctors::range;
use super::{answered, load, seen, view::ConsultView};
use crate::App;
use crate::account::{AccountId, LocationId};
use crate::calendar::{self, Booking, Interval, ReserveError, SLOT_TAKEN};
use crate::consult::guest;
use crate::consult::hours::{FreeSlot, Practitioner, Search, search, store as doctors};
use crate::consult::id::ConsultId;
use crate::consult::journal::{self, By};
use crate::consult::model::Consult;
use crate::consult::policy::Action;
use crate::consult::state::{Appointment, Step};

/// The longest delay that can be announced, in minutes.
pub const DELAY_MINUTES_MAX: i32 = 240;
/// What the calendar calls this part.
pub const HOLDER: &str = "consult";

const ROOM_OF: &str = "select count(*) from location where id = $1 and organisation_id = $2";

/// The wanted time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The doctor; absent: the one who took it on.
    #[serde(default)]
    pub doctor_id: Option<AccountId>,
    /// A room of the inviting side.
    pub room_id: LocationId,
    /// The beginning of a slot that the doctor offers.
    pub starts_at: DateTime<Utc>,
}

/// A time that fits everybody's rules; whether it is free, the calendar says.
struct Plan {
    consult: Consult,
    doctor: Practitioner,
    resources: [Uuid; 3],
    appointment: Appointment,
}

async fn plan(conn: &mut Conn, now: DateTime<Utc>, consult: Consult, wanted: &Wanted) -> Result<Plan, Problem> {
    let doctor_id = wanted.doctor_id.or(consult.state.doctor());
    let doctor = match doctor_id {
        Some(id) => doctors::find(conn, id).await?,
        None => None,
    };
    let fits = |d: &Practitioner| d.organisation_id == consult.invited.id && d.specialty == consult.wanted_specialty;
    let Some(doctor) = doctor.filter(fits) else {
        return Err(Problem::field(
            "/doctor_id",
            "请选择受邀医院该科室的医生",
            "Choose a doctor of the invited hospital and specialty",
        ));
    };
    let rooms: i64 =
        on!(conn, |c| sqlx::query_scalar(ROOM_OF).bind(wanted.room_id).bind(consult.inviting.id).fetch_one(c).await)?;
    if rooms == 0 {
        return Err(Problem::field("/room_id", "请选择邀请方的房间", "Choose a room of the inviting side"));
    }
    let interval = offered_at(conn, now, &doctor, wanted.starts_at).await?;
    let resources = [doctor.account_id.0, consult.resident_id.0, wanted.room_id.0];
    let appointment = Appointment { doctor: doctor.account_id, room: wanted.room_id, interval, delay_minutes: 0 };
    Ok(Plan { consult, doctor, resources, appointment })
}

/// The slot that the doctor offers at `starts_at`, if it is not over.
async fn offered_at(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctor: &Practitioner,
    starts_at: DateTime<Utc>,
) -> Result<Interval, Problem> {
    let slots = if starts_at < now - Duration::days(1) || starts_at > now + Duration::days(400) {
        Vec::new()
    } else {
        search::offered_by(conn, doctor, starts_at, starts_at + Duration::microseconds(1)).await?
    };
    let slot = slots.first().filter(|slot| slot.ends_at() > now);
    slot.copied().ok_or_else(|| {
        Problem::field(
            "/starts_at",
            "医生这个时间不出诊,请从可选时间中选择",
            "The doctor does not offer this time; choose one that is offered",
        )
    })
}

/// The problem of a taken time, with the nearest free ones. The transaction is over by then.
async fn taken(db: &Db, now: DateTime<Utc>, plan: &Plan) -> Result<Problem, Problem> {
    let mut conn = db.read().await?;
    let others = &plan.resources[1..];
    let doctors = std::slice::from_ref(&plan.doctor);
    let wanted = plan.appointment.interval.starts_at();
    let alternatives = search::alternatives(&mut conn, now, doctors, others, wanted).await?;
    Ok(Problem::new(&SLOT_TAKEN).with("alternatives", alternatives))
}

/// Books doctor, resident and room together (care staff; the doctor; the hospital's administrator).
/// A taken time is 409 `slot-taken` with the nearest free `alternatives`.
#[utoipa::path(post, path = "/v1/consults/{id}/schedule", tag = "consults", params(("id" = ConsultId, Path)), request_body = Wanted,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn schedule(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
    Json(body): Json<Wanted>,
) -> Result<Response, Problem> {
    book(&app.deps.db, &ctx, id, &key, &body, Step::Schedule).await
}

/// Moves it to another time, room or doctor; when that is taken, the old one is kept (care staff; the
/// doctor; the hospital's administrator).
#[utoipa::path(post, path = "/v1/consults/{id}/reschedule", tag = "consults", params(("id" = ConsultId, Path)), request_body = Wanted,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn reschedule(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
    Json(body): Json<Wanted>,
) -> Result<Response, Problem> {
    book(&app.deps.db, &ctx, id, &key, &body, Step::Reschedule).await
}

async fn book(
    db: &Db,
    ctx: &Ctx,
    id: ConsultId,
    key: &Idempotency,
    wanted: &Wanted,
    step: fn(Appointment) -> Step,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, ctx, &format!("book {id}"), wanted).await? {
        return Ok(replay);
    }
    let consult = load(&mut tx, ctx, id, Action::Schedule).await?;
    // The state first: a question about rooms makes no sense for a consult that is over.
    if let Some(appointment) = consult.state.appointment() {
        consult.state.clone().apply(step(*appointment))?;
    } else if consult.state.doctor().is_none() {
        return Err(super::refused(&consult, "schedule"));
    }
    let plan = plan(&mut tx, ctx.now(), consult, wanted).await?;
    journal::take(&mut tx, By::Person(ctx), plan.consult.clone(), step(plan.appointment)).await?;
    let mut tx = match put(tx, ctx.now(), &plan).await {
        Ok(tx) => tx,
        Err(ReserveError::Taken) => return Err(taken(db, ctx.now(), &plan).await?),
        Err(ReserveError::Db(error)) => return Err(error.into()),
    };
    guest::follow(&mut tx, id, plan.appointment.interval.ends_at(), ctx.now()).await?;
    let view = seen(&mut tx, ctx, id).await?;
    let response = key.finish(&mut tx, ctx, StatusCode::OK, &view).await?;
    tx.commit().await?;
    Ok((ETag(view.version), response).into_response())
}

/// Into the calendar. A time that was booked before is given up for the new one; when that is taken,
/// the whole transaction is undone and the old time is kept.
async fn put(mut tx: Tx, now: DateTime<Utc>, plan: &Plan) -> Result<Tx, ReserveError> {
    let (holder_id, interval) = (plan.consult.id.0, plan.appointment.interval);
    let booking = Booking { holder_kind: HOLDER, holder_id, resources: &plan.resources, interval };
    if plan.consult.state.appointment().is_some() {
        return calendar::relocate(tx, now, &booking).await;
    }
    calendar::reserve(&mut tx, now, &booking).await?;
    Ok(tx)
}

/// Where a slot is looked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// Slots that begin not before.
    pub from: DateTime<Utc>,
    /// And before; at most 31 days later.
    pub to: DateTime<Utc>,
    /// The room; absent: any.
    pub room_id: Option<LocationId>,
    /// The doctor; absent: any of the wanted specialty in the invited hospital.
    pub doctor_id: Option<AccountId>,
}

/// The times at which this consult can be held: a doctor who fits, the resident, and the room, where
/// given, are free (whoever may schedule it).
#[utoipa::path(get, path = "/v1/consults/{id}/slots", tag = "consults", params(("id" = ConsultId, Path), SlotQuery),
    responses((status = 200, body = Vec<FreeSlot>), (status = 404), (status = 422)))]
pub async fn slots(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<Vec<FreeSlot>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = load(&mut conn, &ctx, id, Action::Schedule).await?;
    range(query.from, query.to)?;
    Ok(Json(slots_for(&mut conn, ctx.now(), &consult, &query).await?))
}

/// The free slots of a consult.
pub(crate) async fn slots_for(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    query: &SlotQuery,
) -> Result<Vec<FreeSlot>, Problem> {
    let mut fitting = doctors::search(conn, Some(&consult.wanted_specialty), None, Some(consult.invited.id)).await?;
    if let Some(doctor) = query.doctor_id {
        fitting.retain(|d| d.account_id == doctor);
    }
    let others: Vec<Uuid> = std::iter::once(consult.resident_id.0).chain(query.room_id.map(|r| r.0)).collect();
    let search = Search { doctors: &fitting, others: &others, from: query.from, to: query.to };
    let mut slots = search::free(conn, now, search).await?;
    slots.truncate(search::SLOTS_MAX);
    Ok(slots)
}

/// How late it will be.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Minutes after the booked start, 0 to 240; 0 takes it back.
    pub minutes: i32,
}

/// Says that it will be late; both sides see it (care staff; the doctor; the hospital's administrator).
#[utoipa::path(post, path = "/v1/consults/{id}/delay", tag = "consults", params(("id" = ConsultId, Path)), request_body = Delay,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn delay(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Delay>,
) -> Result<Response, Problem> {
    if !(0..=DELAY_MINUTES_MAX).contains(&body.minutes) {
        return Err(Problem::field("/minutes", "请填写 0 到 240 分钟", "0 to 240 minutes"));
    }
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Delay).await?;
    let note = Some(format!("+{} min", body.minutes));
    journal::take_noted(&mut tx, By::Person(&ctx), consult, Step::Delay(body.minutes), note).await?;
    answered(tx, &ctx, id).await
}

/// Calls it off and frees everybody's time (care staff; the doctor; the hospital's administrator).
#[utoipa::path(post, path = "/v1/consults/{id}/cancel", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn cancel(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Cancel).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Cancel(reason)).await?;
    calendar::release(&mut tx, HOLDER, id.0).await?;
    answered(tx, &ctx, id).await
}

/// Says that somebody did not come; not before the booked start (care staff; the doctor). What is left of
/// the time is free again.
#[utoipa::path(post, path = "/v1/consults/{id}/no-show", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 422)))]
pub async fn no_show(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::NoShow).await?;
    let early = consult.state.appointment().is_some_and(|a| ctx.now() < a.interval.starts_at());
    if early && consult.state.name().legal().contains(&"no_show") {
        return Err(Problem::new(&CONFLICT).detail("还没有到约定的时间", "The booked time has not come yet"));
    }
    journal::take(&mut tx, By::Person(&ctx), consult, Step::NoShow(reason)).await?;
    calendar::release(&mut tx, HOLDER, id.0).await?;
    answered(tx, &ctx, id).await
}
