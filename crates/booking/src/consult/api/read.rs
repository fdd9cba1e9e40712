//! Reading consults.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use sanbao_platform::auth::Actor;
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::account::{AccountId, PersonId};
use crate::consult::id::ConsultId;
use crate::consult::policy::ConsultAction;
use crate::consult::records::{self, RecordSearch};
use crate::consult::state::ConsultStateName;
use crate::consult::store::{self, ConsultFilter, Side};
use crate::consult::view::{ConsultLine, ConsultView, seen};
use crate::role::{self, ADMINISTRATOR, CARE_STAFF, DOCTOR};

text_enum! {
    /// The order of a list.
    #[derive(Default)]
    pub enum ListOrder {
        /// By time.
        #[default]
        Oldest = "oldest",
        /// By time, the newest first.
        Newest = "newest",
    }
}

/// The bounds of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConsultQuery {
    /// Only this state.
    pub state: Option<ConsultStateName>,
    /// Only those that this doctor took on.
    pub doctor_id: Option<AccountId>,
    /// Only those that are about this person.
    pub resident_id: Option<PersonId>,
    /// `oldest`, when absent, or `newest`; a `next` is of one order.
    #[param(inline)]
    pub order: Option<ListOrder>,
    /// Those that are, or are wanted, not before.
    #[param(value_type = Option<DateTime<Utc>>)]
    pub from: Option<Moment>,
    /// The first moment that is left out.
    #[param(value_type = Option<DateTime<Utc>>)]
    pub to: Option<Moment>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// Whose list the actor sees; nobody else has one.
pub(in crate::consult) fn side(actor: &Actor) -> Result<Side, Problem> {
    let has = |role: &str| role::holds(actor, role);
    match () {
        () if has(CARE_STAFF) => Ok(Side::Inviting),
        () if has(DOCTOR) && has(ADMINISTRATOR) => Ok(Side::Hospital),
        () if has(DOCTOR) => Ok(Side::Doctor),
        () if has(ADMINISTRATOR) => Ok(Side::Hospital),
        () => Err(Problem::forbidden()),
    }
}

/// The consults of one's own side, by time (care staff; doctor: his own and those to answer; a hospital's administrator).
#[utoipa::path(get, path = "/v1/consults", tag = "consults", params(ConsultQuery),
    responses((status = 200, body = Page<ConsultLine>), (status = 403), (status = 422)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<ConsultQuery>,
) -> Result<Json<Page<ConsultLine>>, Problem> {
    let side = side(&ctx.actor)?;
    let paging = Paging { after: query.after, limit: query.limit };
    let limit = paging.limit()?;
    let (from, to) = (query.from.map_or(DateTime::UNIX_EPOCH, |at| *at), query.to.map(|at| *at));
    let (to, after) = (to.unwrap_or_else(|| ctx.now() + chrono::Duration::days(3660)), paging.after()?);
    let mut conn = app.deps.db.read().await?;
    let page = match query.order.unwrap_or_default() {
        ListOrder::Oldest => {
            let (state, doctor, resident) = (query.state, query.doctor_id, query.resident_id);
            let filter = ConsultFilter { state, doctor, resident, from, to, after, limit: limit + 1 };
            let consults = store::list(&mut conn, &ctx.actor, side, &filter).await?;
            Page::of(consults, limit, |c| (store::list_time(c), c.id))
        }
        ListOrder::Newest => {
            let (persons, doctors) = (query.resident_id.map(|id| vec![id]), query.doctor_id.map(|id| vec![id]));
            let wanted = RecordSearch { persons, doctors, state: query.state, from, until: to, after, limit };
            records::search(&mut conn, &ctx.actor, side, &wanted).await?
        }
    };
    let specialty = store::specialty_of(&mut conn, &ctx.actor).await?;
    Ok(Json(page.map(|c| ConsultLine::of(&c, &ctx, specialty.as_deref()))))
}

/// One consult (the inviting care staff, the doctor concerned, the hospital's administrator); each read is audited.
#[utoipa::path(get, path = "/v1/consults/{id}", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 404)))]
pub async fn detail(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut conn = app.deps.db.read().await?;
    store::load(&mut conn, &ctx, id, ConsultAction::Read).await?;
    let view = seen(&mut conn, &ctx, id).await?;
    Ok((StatusCode::OK, ETag(view.version), Json(view)).into_response())
}
