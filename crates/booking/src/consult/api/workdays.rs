//! The days of a hospital: public holidays, the days on which people work for their sake, and its own word about any day.

use axum::extract::State as AppState;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use sanbao_platform::workdays::{self, DayKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::affected::{self, AffectedConsult};
use crate::App;
use crate::account::organisation::{self, Organisation, OrganisationKind};
use crate::account::policy::AccountAction;
use crate::consult::practitioner::affected::outside_on;
use crate::consult::practitioner::store::EXCEPTIONS_DAYS;
use crate::consult::practitioner::workday::{self, WorkdayRule, WorksAs};

text_enum! {
    /// The kind of a day that is not as its weekday.
    pub enum SpecialDay {
        /// 放假
        Holiday = "holiday",
        /// 调休上班
        MakeUp = "make_up",
    }
}

/// A notice by which the holidays of a year are known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkdayNotice {
    pub year: i32,
    /// 国办发明电〔2025〕7号
    pub number: &'static str,
    pub issued_on: NaiveDate,
}

/// A day that is not as its weekday, or about which the hospital has said something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkdayView {
    pub date: NaiveDate,
    /// Absent where the day is as always.
    pub kind: Option<SpecialDay>,
    /// The holiday, in Chinese.
    pub holiday: Option<&'static str>,
    /// The hospital's word: `closed`, or the weekday whose hours its doctors keep. Without one nobody has hours on a holiday, and a
    /// day that is worked for a holiday's sake has those of its own weekday.
    pub works_as: Option<WorksAs>,
    /// The version of that word; the `ETag`.
    pub version: i64,
}

/// The days of a hospital that are ahead, of about a year.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkdaysView {
    /// The hospital's IANA zone. The holidays are those of the mainland of China, and of its zones.
    pub time_zone: String,
    pub notices: Vec<WorkdayNotice>,
    /// Years that are ahead and whose holidays are not known: in these each day is its weekday.
    pub unknown_years: Vec<i32>,
    pub days: Vec<WorkdayView>,
}

/// The word about a day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"date": "2026-12-24", "works_as": "closed"}))]
pub struct WorkdayWord {
    /// In the hospital's zone, from today on, at most 400 days ahead.
    #[schema(value_type = NaiveDate)]
    pub date: Day,
    /// `closed`, or the weekday whose hours its doctors keep; absent: as the holidays say.
    #[serde(default)]
    pub works_as: Option<WorksAs>,
}

/// A day as it is after the hospital's word about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkdayChanged {
    #[serde(flatten)]
    pub day: WorkdayView,
    /// The booked consults of the day for which there is no time. They stay booked.
    pub affected: Vec<AffectedConsult>,
    /// Whether there are more of them than are named.
    pub more: bool,
}

/// The version of a day of which the institution says nothing.
pub(in crate::consult) const UNSAID: i64 = 1;

fn version(works_as: Option<WorksAs>) -> i64 {
    let place = |word| WorksAs::ALL.iter().zip(2_i64..).find(|(one, _)| **one == word).map(|(_, n)| n);
    works_as.and_then(place).unwrap_or(UNSAID)
}

impl WorkdayView {
    fn of(date: NaiveDate, follows: bool, works_as: Option<WorksAs>) -> Self {
        let (kind, holiday) = match workdays::kind_of(date).filter(|_| follows) {
            Some(DayKind::Holiday(name)) => (Some(SpecialDay::Holiday), Some(name)),
            Some(DayKind::MakeUp(name)) => (Some(SpecialDay::MakeUp), Some(name)),
            _ => (None, None),
        };
        Self { date, kind, holiday, works_as, version: version(works_as) }
    }
}

/// The hospital, if the caller runs its accounts.
pub(in crate::consult) async fn own(conn: &mut Conn, ctx: &Ctx, id: OrganisationId) -> Result<Organisation, Problem> {
    let own = organisation::load(conn, ctx, id, AccountAction::AccountUpdate).await?;
    if matches!(own.kind, OrganisationKind::Hospital | OrganisationKind::HealthCentre) {
        Ok(own)
    } else {
        Err(Problem::lacking())
    }
}

pub(in crate::consult) async fn view(
    conn: &mut Conn,
    now: DateTime<Utc>,
    own: &Organisation,
) -> Result<WorkdaysView, Problem> {
    let (today, zone) = (own.day(now), own.zone());
    let last = today + Days::new(EXCEPTIONS_DAYS);
    let said = workday::of_one(conn, own.id, today, last).await?;
    let said_of = |day: NaiveDate| said.iter().find(|rule| rule.on_date == day).map(|rule| rule.works_as);
    let follows = workdays::is_of(zone);
    let days = today.iter_days().take_while(|day| *day <= last).map(|day| WorkdayView::of(day, follows, said_of(day)));
    let years = (today.year()..=last.year()).filter(|_| follows);
    let notice =
        |year| workdays::notice(year).map(|n| WorkdayNotice { year, number: n.number, issued_on: n.issued_on });
    Ok(WorkdaysView {
        time_zone: zone.name().to_owned(),
        notices: years.clone().filter_map(notice).collect(),
        unknown_years: years.filter(|year| workdays::notice(*year).is_none()).collect(),
        days: days.filter(|day| day.kind.is_some() || day.works_as.is_some()).collect(),
    })
}

/// The days of a hospital that are ahead: public holidays, days that are worked for their sake, and its own word about either.
#[utoipa::path(get, path = "/v1/organisations/{id}/workdays", tag = "consults", params(("id" = OrganisationId, Path)),
    description = "Permission: the hospital's administrator; that of the office that governs it.",
    responses((status = 200, body = WorkdaysView), (status = 403), (status = 404)))]
pub async fn read(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<OrganisationId>,
) -> Result<Json<WorkdaysView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = own(&mut conn, &ctx, id).await?;
    Ok(Json(view(&mut conn, ctx.now(), &own).await?))
}

/// Says of a day how the hospital works, or takes that back. What is booked stays booked: `affected` names the consults of the day for
/// which there is no time.
#[utoipa::path(put, path = "/v1/organisations/{id}/workdays", tag = "consults", params(("id" = OrganisationId, Path)),
    request_body = WorkdayWord,
    description = "Permission: as for reading. Takes If-Match with the version of the day. Audited.",
    responses((status = 200, body = WorkdayChanged), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn set(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<OrganisationId>,
    if_match: IfMatch,
    Json(body): Json<WorkdayWord>,
) -> Result<(ETag, Json<WorkdayChanged>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let own = own(&mut tx, &ctx, id).await?;
    let (now, day, today, zone) = (ctx.now(), *body.date, own.day(ctx.now()), own.zone());
    if day < today || day > today + Days::new(EXCEPTIONS_DAYS) {
        return Err(Problem::field("/date", "请选择今天起 400 天以内的日期", "From today on, at most 400 days ahead"));
    }
    workday::hold(&mut tx, id).await?;
    let before = workday::of_one(&mut tx, id, day, day).await?.first().map(|rule: &WorkdayRule| rule.works_as);
    if_match.check(version(before))?;
    if before != body.works_as {
        workday::set(&mut tx, id, day, body.works_as, (ctx.actor.subject.into(), now)).await?;
        audit::record(&mut tx, &ctx, "organisation.workday", "organisation", id).await?;
    }
    let of_day = outside_on(&mut tx, now, id, day, zone).await?;
    let affected = affected::seen(&mut tx, &ctx, &of_day.consults).await?;
    tx.commit().await?;
    let view = WorkdayView::of(day, workdays::is_of(zone), body.works_as);
    Ok((ETag(view.version), Json(WorkdayChanged { day: view, affected, more: of_day.more })))
}
