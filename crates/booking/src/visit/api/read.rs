//! Reading visits: the agency's list, one's own day, one visit with its proof, live changes.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Days, NaiveDate, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::history;
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query, live};
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::moment::Day;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::account::AccountId;
use crate::visit::agency::Agency;
use crate::visit::id::VisitId;
use crate::visit::model::Visit;
use crate::visit::policy::{self, VisitAction, VisitRelation, VisitStance};
use crate::visit::proof;
use crate::visit::state::VisitStateName;
use crate::visit::steps::TOPIC;
use crate::visit::store::{self, VisitFilter};
use crate::visit::view::{VisitDetail, VisitHistoryLine, VisitView};

/// Which visits are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VisitQuery {
    /// Only in this state.
    pub state: Option<VisitStateName>,
    /// Only what begins, or is wanted, on this day of the agency's zone.
    #[param(value_type = Option<NaiveDate>)]
    pub day: Option<Day>,
    /// Only this caregiver's.
    pub caregiver: Option<AccountId>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// A caregiver's day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VisitsToday {
    /// The day, in the agency's zone.
    pub day: NaiveDate,
    /// That zone's IANA name.
    pub time_zone: String,
    /// The visits in their order, and whichever is still going on.
    pub items: Vec<VisitView>,
}

/// Whose list the caller may read: everybody's, or only their own.
fn whose(ctx: &Ctx) -> Result<Option<AccountId>, Problem> {
    if policy::allows(&ctx.actor, VisitAction::List, VisitRelation::Agency).require().is_ok() {
        return Ok(None);
    }
    policy::allows(&ctx.actor, VisitAction::ListOwn, VisitRelation::Agency).require()?;
    Ok(Some(ctx.actor.subject.into()))
}

/// The earliest and the latest moment that both engines store alike.
fn all_time() -> (DateTime<Utc>, DateTime<Utc>) {
    let year = |y| NaiveDate::from_ymd_opt(y, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN).and_utc();
    (year(2000), year(9000))
}

impl VisitQuery {
    fn filter(&self, ctx: &Ctx, agency: &Agency) -> Result<VisitFilter, Problem> {
        let own = whose(ctx)?;
        let (from, until) = self.day.map_or_else(all_time, |day| agency.days(*day, 1));
        let paging = Paging { after: self.after.clone(), limit: self.limit };
        Ok(VisitFilter {
            agency: agency.id,
            state: self.state,
            caregiver: own.or(self.caregiver),
            from,
            until,
            after: paging.after()?.unwrap_or((all_time().0, VisitId(Uuid::nil()))),
            limit: paging.limit()? + 1,
        })
    }

    fn check(&self, agency: &Agency, now: DateTime<Utc>) -> Result<(), Problem> {
        let today = agency.today(now);
        let near = |day: NaiveDate| {
            let (first, last) = (today.checked_sub_days(Days::new(3660)), today.checked_add_days(Days::new(3660)));
            first.is_some_and(|f| f <= day) && last.is_some_and(|l| day <= l)
        };
        match self.day {
            Some(day) if !near(*day) => {
                Err(Problem::field("?day", "日期超出范围（前后十年）", "The day is out of range (ten years)"))
            }
            _ => Ok(()),
        }
    }
}

/// The agency's visits by time; a caregiver's own ones.
#[utoipa::path(get, path = "/v1/visits", tag = "visits", params(VisitQuery), responses((status = 200, body = Page<VisitView>)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<VisitQuery>,
) -> Result<Json<Page<VisitView>>, Problem> {
    whose(&ctx)?;
    let mut conn = app.deps.db.read().await?;
    let agency = Agency::of_caller(&mut conn, &ctx).await?;
    query.check(&agency, ctx.now())?;
    let filter = query.filter(&ctx, &agency)?;
    let rows = store::list(&mut conn, &filter).await?;
    let page = Page::of(rows, filter.limit - 1, Visit::sort_key);
    Ok(Json(page.map(|visit| VisitView::of(&ctx, &agency, visit, &app.config.visit))))
}

/// The caregiver's visits of today in the agency's zone, and whichever is still going on.
#[utoipa::path(get, path = "/v1/visits/today", tag = "visits", responses((status = 200, body = VisitsToday)))]
pub async fn today(AppState(app): AppState<App>, ctx: Ctx) -> Result<Json<VisitsToday>, Problem> {
    let (agency, visits) = own_day(&mut app.deps.db.read().await?, &ctx).await?;
    let day = agency.today(ctx.now());
    let items = visits.into_iter().map(|visit| VisitView::of(&ctx, &agency, visit, &app.config.visit)).collect();
    Ok(Json(VisitsToday { day, time_zone: agency.zone.name().to_owned(), items }))
}

/// The caller's visits of today.
pub(in crate::visit) async fn own_day(conn: &mut Conn, ctx: &Ctx) -> Result<(Agency, Vec<Visit>), Problem> {
    policy::allows(&ctx.actor, VisitAction::ListOwn, VisitRelation::Agency).require()?;
    let agency = Agency::of_caller(conn, ctx).await?;
    let (from, until) = agency.days(agency.today(ctx.now()), 1);
    let visits = store::of_caregiver(conn, agency.id, ctx.actor.subject.into(), from, until).await?;
    Ok((agency, visits))
}

/// One visit. Its proof is there for those who may see its people.
#[utoipa::path(get, path = "/v1/visits/{id}", tag = "visits", params(("id" = VisitId, Path)),
    responses((status = 200, body = VisitDetail)))]
pub async fn one(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<VisitId>) -> Result<Response, Problem> {
    let mut conn = app.deps.db.read().await?;
    let visit = store::find(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let agency = Agency::find(&mut conn, visit.agency).await?.ok_or_else(Problem::not_found)?;
    let stance = VisitStance::of(&ctx, &agency, &visit, &app.config.visit);
    stance.decide(&ctx, VisitAction::View).require()?;
    let (mut proofs, mut lines) = (Vec::new(), Vec::new());
    if stance.decide(&ctx, VisitAction::ViewContact) == Decision::Allow {
        proofs = proof::of_visit(&mut conn, id).await?.shown(&ctx.shows, &visit);
        lines = history::of(&mut conn, Visit::NAME, id).await?.shown(&ctx.shows, &visit);
    }
    let tag = ETag(visit.version);
    let visit = VisitView::of(&ctx, &agency, visit, &app.config.visit);
    let history = lines.into_iter().map(VisitHistoryLine::from).collect();
    Ok((tag, Json(VisitDetail { visit, proofs, history })).into_response())
}

/// Tells that the lists the caller may read have changed (server-sent events).
#[utoipa::path(get, path = "/v1/visits/events", tag = "visits",
    responses((status = 200, description = "server-sent events", content_type = "text/event-stream"),
        (status = 429, description = "Too many streams of this account")))]
pub async fn events(AppState(app): AppState<App>, ctx: Ctx) -> Result<Response, Problem> {
    let key: Uuid = match whose(&ctx)? {
        None => ctx.actor.organisation.0,
        Some(account) => account.0,
    };
    Ok(live(&app.deps.db, TOPIC, key, &ctx)?.into_response())
}
