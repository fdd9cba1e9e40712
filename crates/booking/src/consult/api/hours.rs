//! A doctor's weekly hours and exceptions: edited by the doctor or the hospital's administrator.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Days, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path, Query};
use sanbao_platform::moment::Day;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::affected::{self, ExceptionAdded, HoursChanged};
use crate::App;
use crate::account::policy::AccountAction;
use crate::account::{AccountId, organisation};
use crate::calendar::week::{self, HOURS_LINES_MAX, WeekStretch, WeeklyHours, clock};
use crate::consult::id::ExceptionId;
use crate::consult::practitioner::affected::{Scope, outside};
use crate::consult::practitioner::offer::{self, Exception};
use crate::consult::practitioner::store::{self, EXCEPTIONS_DAYS, Practitioner};
use crate::consult::practitioner::workday::{self, WorkdayRule};
use crate::role::{self, DOCTOR};

/// One stretch of one weekday, in the hospital's zone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursLine {
    /// ISO 8601: Monday is 1, Sunday 7.
    pub weekday: i32,
    /// Local time, `HH:MM`.
    pub start: String,
    /// Local time, `HH:MM`; `24:00` is midnight.
    pub end: String,
    /// The length of one slot, 5 to 240 minutes.
    pub slot_minutes: i32,
    /// The first day it holds.
    #[schema(value_type = NaiveDate)]
    pub valid_from: Day,
    /// Last day, itself included.
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    pub valid_to: Option<Day>,
}

/// A closed day, or hours beside the weekly ones.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExceptionLine {
    /// No weekly hours on that day.
    Closed {
        /// The day, in the hospital's zone.
        #[schema(value_type = NaiveDate)]
        date: Day,
    },
    /// Extra hours.
    Extra {
        /// The day, in the hospital's zone.
        #[schema(value_type = NaiveDate)]
        date: Day,
        /// Local time, `HH:MM`.
        start: String,
        /// Local time, `HH:MM`.
        end: String,
        /// The length of one slot, 5 to 240 minutes.
        slot_minutes: i32,
    },
}

/// An exception with its id.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExceptionView {
    pub id: ExceptionId,
    /// The hours that hold on the day.
    #[serde(flatten)]
    pub line: ExceptionLine,
}

/// A doctor's hours.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoursView {
    /// The hospital's IANA zone, which all local times are in.
    pub time_zone: String,
    pub weekly: Vec<HoursLine>,
    /// The exceptions of about a year around today.
    pub exceptions: Vec<ExceptionView>,
    /// Consults ahead that are booked where these hours and exceptions have no time. They stay booked.
    pub outside: Vec<BookedOutside>,
}

/// The time of a consult that is booked outside the hours.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct BookedOutside {
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
}

/// New weekly hours in the place of the old ones.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeeklyPlan {
    /// All lines, at most 50.
    pub weekly: Vec<HoursLine>,
}

/// A week as somebody paints it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaintedWeek {
    /// The first day it holds.
    #[schema(value_type = NaiveDate)]
    pub valid_from: Day,
    /// Last day, itself included.
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    pub valid_to: Option<Day>,
    /// The length of one slot, 5 to 240 minutes.
    pub slot_minutes: i32,
    /// Its stretches; none where the doctor has no hours in these days.
    pub week: Vec<WeekStretch>,
}

impl PaintedWeek {
    fn checked(&self) -> Result<Vec<WeeklyHours>, Problem> {
        let mut errors = Vec::new();
        if !(5..=240).contains(&self.slot_minutes) {
            errors.push(FieldError::new("/slot_minutes", "每次 5 到 240 分钟", "5 to 240 minutes"));
        }
        let days = (*self.valid_from, self.valid_to.map(|day| *day));
        let hours = week::painted(&self.week, days, self.slot_minutes, &mut errors);
        if errors.is_empty() { Ok(hours) } else { Err(Problem::invalid(errors)) }
    }
}

/// Start and end in minutes, and the length of a slot, or what is wrong with them.
fn stretch(place: &str, start: &str, end: &str, slot_minutes: i32, errors: &mut Vec<FieldError>) -> (i32, i32) {
    let ends = week::stretch(place, start, end, errors);
    if !(5..=240).contains(&slot_minutes) {
        errors.push(FieldError::new(format!("{place}/slot_minutes"), "每次 5 到 240 分钟", "5 to 240 minutes"));
    }
    ends
}

impl WeeklyPlan {
    fn checked(&self) -> Result<Vec<WeeklyHours>, Problem> {
        let mut errors = Vec::new();
        if self.weekly.len() > HOURS_LINES_MAX {
            errors.push(FieldError::new("/weekly", "最多 50 行", "At most 50 lines"));
        }
        let mut hours = Vec::new();
        for (n, line) in self.weekly.iter().take(HOURS_LINES_MAX).enumerate() {
            let place = format!("/weekly/{n}");
            let (start_minute, end_minute) = stretch(&place, &line.start, &line.end, line.slot_minutes, &mut errors);
            if !(1..=7).contains(&line.weekday) {
                errors.push(FieldError::new(format!("{place}/weekday"), "星期为 1 到 7", "Weekdays are 1 to 7"));
            }
            if line.valid_to.is_some_and(|last| last < line.valid_from) {
                errors.push(FieldError::new(format!("{place}/valid_to"), "早于开始日期", "Before the first day"));
            }
            hours.push(WeeklyHours {
                weekday: line.weekday,
                start_minute,
                end_minute,
                slot_minutes: line.slot_minutes,
                valid_from: *line.valid_from,
                valid_to: line.valid_to.map(|day| *day),
            });
        }
        if errors.is_empty() { Ok(hours) } else { Err(Problem::invalid(errors)) }
    }
}

impl ExceptionLine {
    fn checked(&self, now: DateTime<Utc>) -> Result<Exception, Problem> {
        let (Self::Closed { date } | Self::Extra { date, .. }) = self;
        let mut errors = Vec::new();
        let today = now.date_naive();
        let (first, last) = (today - Days::new(EXCEPTIONS_DAYS), today + Days::new(EXCEPTIONS_DAYS));
        if !(first..=last).contains(&**date) {
            errors.push(FieldError::new("/date", "日期离今天太远", "Too far from today"));
        }
        let exception = match self {
            Self::Closed { date } => Exception::Closed(**date),
            Self::Extra { date, start, end, slot_minutes } => {
                let (start_minute, end_minute) = stretch("", start, end, *slot_minutes, &mut errors);
                Exception::Extra { on: **date, start_minute, end_minute, slot_minutes: *slot_minutes }
            }
        };
        if errors.is_empty() { Ok(exception) } else { Err(Problem::invalid(errors)) }
    }

    /// A doctor's own; `None` of the institution's word.
    fn of(exception: Exception) -> Option<Self> {
        match exception {
            Exception::Closed(date) => Some(Self::Closed { date: Day::known(date) }),
            Exception::Extra { on, start_minute, end_minute, slot_minutes } => {
                let (date, start, end) = (Day::known(on), clock(start_minute), clock(end_minute));
                Some(Self::Extra { date, start, end, slot_minutes })
            }
            Exception::House { .. } => None,
        }
    }
}

/// The doctor, if the actor may edit the hours: the doctor, the hospital's administrator, or that of the office that
/// governs it. The hospital's other doctors see that they may not; everybody else sees nothing. Of a doctor of several
/// hospitals it is the one in the actor's own, or in the first whose accounts the actor runs.
pub(in crate::consult) async fn own(conn: &mut Conn, ctx: &Ctx, id: AccountId) -> Result<Practitioner, Problem> {
    let mut posts = store::posts(conn, id).await?;
    posts.sort_by_key(|post| post.organisation_id != ctx.actor.organisation);
    let own = role::holds(&ctx.actor, DOCTOR) && AccountId::from(ctx.actor.subject) == id;
    let mut refused = Problem::not_found();
    for doctor in posts {
        if own && doctor.organisation_id == ctx.actor.organisation {
            return Ok(doctor);
        }
        match organisation::load(conn, ctx, doctor.organisation_id, AccountAction::AccountUpdate).await {
            Ok(_) => return Ok(doctor),
            // That one may not, in the own hospital, counts more than that others are not known.
            Err(problem) if refused.status() == 404 => refused = problem,
            Err(_) => {}
        }
    }
    Err(refused)
}

pub(in crate::consult) async fn view(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctor: &Practitioner,
) -> Result<HoursView, Problem> {
    let zone = doctor.zone()?;
    let today = now.with_timezone(&zone).date_naive();
    let (first, last) = (today - Days::new(30), today + Days::new(EXCEPTIONS_DAYS));
    let weekly = store::weekly(conn, doctor.post()).await?;
    let exceptions = store::exceptions(conn, doctor.post(), first, last).await?;
    let mut days: Vec<_> = exceptions.iter().map(|(_, exception)| *exception).collect();
    let house = workday::of_one(conn, doctor.organisation_id, first, last).await?;
    days.extend(house.iter().map(WorkdayRule::exception));
    let mut booked = store::booked(conn, doctor.post(), now).await?;
    booked.retain(|time| !offer::holds(&weekly, &days, zone, *time));
    let own_line = |(id, e)| ExceptionLine::of(e).map(|line| ExceptionView { id, line });
    let line = |h: WeeklyHours| HoursLine {
        weekday: h.weekday,
        start: clock(h.start_minute),
        end: clock(h.end_minute),
        slot_minutes: h.slot_minutes,
        valid_from: Day::known(h.valid_from),
        valid_to: h.valid_to.map(Day::known),
    };
    Ok(HoursView {
        time_zone: zone.name().to_owned(),
        weekly: weekly.into_iter().map(line).collect(),
        exceptions: exceptions.into_iter().filter_map(own_line).collect(),
        outside: booked.iter().map(|b| BookedOutside { starts_at: b.starts_at(), ends_at: b.ends_at() }).collect(),
    })
}

/// Weekly hours and exceptions (the doctor; the hospital's administrator; that of the office that governs it).
#[utoipa::path(get, path = "/v1/practitioners/{id}/hours", tag = "consults", params(("id" = AccountId, Path)),
    responses((status = 200, body = HoursView), (status = 403), (status = 404)))]
pub async fn read(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<HoursView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let doctor = own(&mut conn, &ctx, id).await?;
    let version = week::version(&store::weekly(&mut conn, doctor.post()).await?);
    Ok((ETag(version), Json(view(&mut conn, ctx.now(), &doctor).await?)))
}

/// Puts new weekly hours in the place of the old ones; what is booked stays booked, and `affected` names that for which this
/// leaves no time (the doctor; the hospital's administrator). Takes If-Match.
#[utoipa::path(put, path = "/v1/practitioners/{id}/hours", tag = "consults", params(("id" = AccountId, Path)), request_body = WeeklyPlan,
    responses((status = 200, body = HoursChanged), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn replace(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    if_match: IfMatch,
    Json(body): Json<WeeklyPlan>,
) -> Result<(ETag, Json<HoursChanged>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let doctor = own(&mut tx, &ctx, id).await?;
    let before = store::weekly_held(&mut tx, doctor.post()).await?;
    if_match.check(week::version(&before))?;
    let hours = body.checked()?;
    let scope = Scope { before: Some(&before), ..Scope::default() };
    let view = rewritten(&mut tx, &ctx, &doctor, &hours, scope).await?;
    audit::record(&mut tx, &ctx, "practitioner.hours", "practitioner", id).await?;
    let version = week::version(&store::weekly(&mut tx, doctor.post()).await?);
    tx.commit().await?;
    Ok((ETag(version), Json(view)))
}

/// Writes the weekly hours: how they are then, and whom that leaves without a time.
async fn rewritten(
    tx: &mut Tx,
    ctx: &Ctx,
    doctor: &Practitioner,
    hours: &[WeeklyHours],
    scope: Scope<'_>,
) -> Result<HoursChanged, Problem> {
    store::replace_weekly(tx, doctor.post(), hours, ctx.now()).await?;
    let left_out = outside(tx, ctx.now(), doctor, scope).await?;
    let affected = affected::seen(tx, ctx, &left_out.consults).await?;
    Ok(HoursChanged { hours: view(tx, ctx.now(), doctor).await?, affected, more: left_out.more })
}

/// Whether only to try.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PaintQuery {
    /// Do all but write; `outside` and `affected` of the answer say what would lie outside.
    #[serde(default)]
    dry_run: bool,
}

/// Paints the week for the days from one to another: on these its hours hold and no others, on all other days what held
/// before. What is booked stays booked; the answer says what lies outside, and in `affected` what did not before (the
/// doctor; the hospital's administrator; that of the office that governs it).
#[utoipa::path(put, path = "/v1/practitioners/{id}/week", tag = "consults", params(("id" = AccountId, Path), PaintQuery),
    request_body = PaintedWeek,
    responses((status = 200, body = HoursChanged), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn paint(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Query(query): Query<PaintQuery>,
    if_match: IfMatch,
    Json(body): Json<PaintedWeek>,
) -> Result<(ETag, Json<HoursChanged>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let doctor = own(&mut tx, &ctx, id).await?;
    let before = store::weekly_held(&mut tx, doctor.post()).await?;
    if_match.check(week::version(&before))?;
    let painted = body.checked()?;
    let today = ctx.now().with_timezone(&doctor.zone()?).date_naive();
    let days = (*body.valid_from, body.valid_to.map(|day| *day));
    let after = week::repaint(&before, &painted, days, today);
    if after.len() > HOURS_LINES_MAX {
        return Err(Problem::field("/week", "时段太多，最多 50 段", "Too many stretches: at most 50"));
    }
    let scope = Scope { from: Some(days.0), to: days.1, before: Some(&before) };
    let view = rewritten(&mut tx, &ctx, &doctor, &after, scope).await?;
    if !query.dry_run {
        audit::record(&mut tx, &ctx, "practitioner.hours", "practitioner", id).await?;
        tx.commit().await?;
    }
    Ok((ETag(week::version(&after)), Json(view)))
}

/// Adds a closed day or extra hours (the doctor; the hospital's administrator). What is booked stays booked: `affected` names
/// the consults of the day for which there is no time, and what the caller may do with each. The same once more is 200 with
/// the one that is there.
#[utoipa::path(post, path = "/v1/practitioners/{id}/exceptions", tag = "consults", params(("id" = AccountId, Path)), request_body = ExceptionLine,
    responses((status = 200, body = ExceptionAdded), (status = 201, body = ExceptionAdded), (status = 403), (status = 404), (status = 422)))]
pub async fn add_exception(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Json(line): Json<ExceptionLine>,
) -> Result<Response, Problem> {
    let exception = line.checked(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    let doctor = own(&mut tx, &ctx, id).await?;
    let (exception_id, is_new) = store::add_exception(&mut tx, doctor.post(), exception, ctx.now()).await?;
    if is_new {
        audit::record(&mut tx, &ctx, "practitioner.exception", "practitioner", id).await?;
    }
    let (ExceptionLine::Closed { date } | ExceptionLine::Extra { date, .. }) = &line;
    let scope = Scope { from: Some(**date), to: Some(**date), before: None };
    let of_day = outside(&mut tx, ctx.now(), &doctor, scope).await?;
    let affected = affected::seen(&mut tx, &ctx, &of_day.consults).await?;
    tx.commit().await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let exception = ExceptionView { id: exception_id, line };
    Ok((status, Json(ExceptionAdded { exception, affected, more: of_day.more })).into_response())
}

/// Removes an exception (the doctor; the hospital's administrator).
#[utoipa::path(delete, path = "/v1/practitioners/{id}/exceptions/{exception}", tag = "consults",
    params(("id" = AccountId, Path), ("exception" = ExceptionId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
pub async fn remove_exception(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path((id, exception)): Path<(AccountId, ExceptionId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let doctor = own(&mut tx, &ctx, id).await?;
    if !store::remove_exception(&mut tx, doctor.post(), exception).await? {
        return Err(Problem::not_found());
    }
    audit::record(&mut tx, &ctx, "practitioner.exception.remove", "practitioner", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
