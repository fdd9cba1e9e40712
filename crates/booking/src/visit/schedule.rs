//! The dispatcher's steps: a caregiver and a time, or others, or none.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, Idempotency, IfMatch, Json, Path};
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agency::Agency;
use super::alternatives;
use super::change::{self, HOLDER, Loaded, Step, TOPIC};
use super::config::VisitConfig;
use super::policy::Action;
use super::problems::OUTSIDE_WINDOW;
use super::state::{Closing, Slot};
use super::store::{self, Visit, VisitId};
use super::view::VisitView;
use crate::App;
use crate::account::AccountId;
use crate::calendar::{self, Booking, Interval, InvalidInterval, ReserveError};

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Who is to come when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitScheduleBody, example = json!({"caregiver": "01890a5d-ac96-774b-bcce-b302099a8057", "starts_at": "2026-11-24T09:00:00+08:00", "ends_at": "2026-11-24T10:00:00+08:00"}))]
pub struct ScheduleBody {
    /// The caregiver's account.
    pub caregiver: AccountId,
    /// From when.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
}

/// Why it does not take place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitReasonBody, example = json!({"reason": "老人住院"}))]
pub struct ReasonBody {
    /// In people's words, up to 500 characters.
    pub reason: String,
}

impl ReasonBody {
    fn closing(&self, now: DateTime<Utc>) -> Result<Closing, Problem> {
        let reason = self.reason.trim();
        match reason.chars().count() {
            1..=REASON_CHARS_MAX => Ok(Closing { at: now, reason: reason.to_owned() }),
            0 => Err(Problem::field("/reason", "请写明原因", "Please say why")),
            _ => Err(Problem::field("/reason", "最多 500 字", "At most 500 characters")),
        }
    }
}

impl ScheduleBody {
    /// The interval, within its bounds.
    fn interval(&self, now: DateTime<Utc>, limits: &VisitConfig) -> Result<Interval, Problem> {
        let (shortest, longest) = (limits.visit_minutes_min, limits.visit_minutes_max);
        let length = || {
            Problem::field(
                "/ends_at",
                format!("一次上门 {shortest} 分钟到 {} 小时", longest / 60),
                format!("A visit lasts {shortest} minutes to {} hours", longest / 60),
            )
        };
        let interval = Interval::new(self.starts_at, self.ends_at).map_err(|error| match error {
            InvalidInterval::Empty => {
                Problem::field("/ends_at", "结束时间要在开始之后", "The end is not after the start")
            }
            InvalidInterval::TooLong => length(),
        })?;
        if !(shortest..=longest).contains(&(interval.ends_at() - interval.starts_at()).num_minutes()) {
            return Err(length());
        }
        if interval.starts_at() < now - Duration::minutes(limits.schedule_back_minutes_max) {
            return Err(Problem::field("/starts_at", "这个时间已经过去", "This time is past"));
        }
        if interval.starts_at() > now + Duration::days(limits.schedule_days_max) {
            let days = limits.schedule_days_max;
            return Err(Problem::field(
                "/starts_at",
                format!("最多提前 {days} 天"),
                format!("At most {days} days ahead"),
            ));
        }
        Ok(interval)
    }

    async fn slot(&self, conn: &mut Conn, app: &App, ctx: &Ctx, agency: &Agency) -> Result<Slot, Problem> {
        let interval = self.interval(ctx.now(), &app.config.visit)?;
        let Some(caregiver) = agency.caregiver(conn, self.caregiver).await? else {
            return Err(Problem::field("/caregiver", "请选择本机构的照护员", "Choose a caregiver of this agency"));
        };
        Ok(Slot { caregiver: caregiver.id, interval })
    }
}

/// Gives an order its caregiver and time. 409 `slot-taken` comes with `alternatives`.
#[utoipa::path(post, path = "/v1/visits/{id}/schedule", tag = "visits", request_body = ScheduleBody,
    responses((status = 200, body = VisitView), (status = 409, description = "slot-taken with alternatives, or invalid-transition")))]
pub async fn schedule(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ScheduleBody>,
) -> Result<Response, Problem> {
    plan(&app, &ctx, id, if_match, &key, &body, Action::Schedule).await
}

/// Gives a scheduled visit another caregiver, another time, or both. When that is taken, the old stays.
#[utoipa::path(post, path = "/v1/visits/{id}/reschedule", tag = "visits", request_body = ScheduleBody,
    responses((status = 200, body = VisitView), (status = 409, description = "slot-taken with alternatives, or invalid-transition")))]
pub async fn reschedule(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ScheduleBody>,
) -> Result<Response, Problem> {
    plan(&app, &ctx, id, if_match, &key, &body, Action::Reschedule).await
}

async fn plan(
    app: &App,
    ctx: &Ctx,
    id: VisitId,
    if_match: IfMatch,
    key: &Idempotency,
    body: &ScheduleBody,
    action: Action,
) -> Result<Response, Problem> {
    let (now, first) = (ctx.now(), action == Action::Schedule);
    let (name, event) = if first { ("visit.schedule", "scheduled") } else { ("visit.reschedule", "rescheduled") };
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, ctx, name, &(id, body)).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, ctx, id, action, if_match).await?;
    let slot = body.slot(&mut tx, app, ctx, &agency).await?;
    let state = if first { visit.state.clone().schedule(slot)? } else { visit.state.clone().reschedule(slot)? };
    let mut tx = match take(tx, now, &visit, slot).await {
        Ok(tx) => tx,
        Err(ReserveError::Taken) => return Err(alternatives::problem(app, &agency, &visit, slot).await),
        Err(ReserveError::Db(error)) => return Err(error.into()),
    };
    let visit = change::save(&mut tx, ctx, name, visit, Step { state, event, at: now }).await?;
    change::answer(app, ctx, &agency, tx, key, visit).await
}

/// The caregiver's and the elder's time, in place of what the visit had. When it is taken, the
/// transaction is gone and nothing has changed.
async fn take(tx: Tx, now: DateTime<Utc>, visit: &Visit, slot: Slot) -> Result<Tx, ReserveError> {
    let resources = [slot.caregiver.0, visit.person.0];
    let booking =
        Booking { holder_kind: HOLDER, holder_id: visit.id.0, resources: &resources, interval: slot.interval };
    if visit.state.slot().is_some() {
        return calendar::relocate(tx, now, &booking).await;
    }
    let mut tx = tx;
    calendar::reserve(&mut tx, now, &booking).await?;
    Ok(tx)
}

/// Calls a visit off before it begins.
#[utoipa::path(post, path = "/v1/visits/{id}/cancel", tag = "visits", request_body = ReasonBody,
    responses((status = 200, body = VisitView), (status = 409, description = "invalid-transition")))]
pub async fn cancel(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ReasonBody>,
) -> Result<Response, Problem> {
    let now = ctx.now();
    let closing = body.closing(now)?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "visit.cancel", &(id, &body)).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, &ctx, id, Action::Cancel, if_match).await?;
    let state = visit.state.clone().cancel(closing)?;
    calendar::release(&mut tx, HOLDER, id.0).await?;
    let step = Step { state, event: "cancelled", at: now };
    let visit = change::save(&mut tx, &ctx, "visit.cancel", visit, step).await?;
    change::answer(&app, &ctx, &agency, tx, &key, visit).await
}

/// Says that the time came and nobody was met (未遇); not before the planned start.
#[utoipa::path(post, path = "/v1/visits/{id}/no-show", tag = "visits", request_body = ReasonBody,
    responses((status = 200, body = VisitView), (status = 409, description = "outside-window, or invalid-transition")))]
pub async fn no_show(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ReasonBody>,
) -> Result<Response, Problem> {
    let now = ctx.now();
    let closing = body.closing(now)?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "visit.no_show", &(id, &body)).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, &ctx, id, Action::NoShow, if_match).await?;
    let state = visit.state.clone().no_show(closing)?;
    if let Some(slot) = state.slot().filter(|slot| slot.interval.starts_at() > now) {
        return Err(Problem::new(&OUTSIDE_WINDOW)
            .detail("还没到约定的时间", "The planned time has not come yet")
            .with("from", slot.interval.starts_at()));
    }
    calendar::release(&mut tx, HOLDER, id.0).await?;
    let visit = change::save(&mut tx, &ctx, "visit.no_show", visit, Step { state, event: "no_show", at: now }).await?;
    change::answer(&app, &ctx, &agency, tx, &key, visit).await
}

/// Orders a visit again that was called off or met nobody; the answer is the new order.
#[utoipa::path(post, path = "/v1/visits/{id}/repeat", tag = "visits",
    responses((status = 201, body = VisitView), (status = 409, description = "invalid-transition, or conflict where another order lives")))]
pub async fn repeat(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<VisitId>,
    key: Idempotency,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "visit.repeat", &id).await? {
        return Ok(replay);
    }
    let Loaded { visit, agency } = change::load(&mut tx, &ctx, id, Action::Repeat, IfMatch(None)).await?;
    visit.state.repeat()?;
    if visit.request_withdrawn {
        return Err(Problem::invalid_transition(visit.state.name(), "repeat", &[])
            .detail("这个需求已取消", "The request was cancelled"));
    }
    let again = visit.again(ctx.now());
    if !store::insert(&mut tx, &again).await? {
        return Err(Problem::new(&CONFLICT).detail("这个需求已有新的上门单", "The request already has a new order"));
    }
    tx.touch(TOPIC, again.agency);
    audit::record(&mut tx, &ctx, "visit.repeat", "visit", again.id).await?;
    let view = change::view(&ctx, &agency, again, &app.config.visit);
    let response = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(response)
}
