//! The times at which a consult can be held.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, Json, Page, Paging, Path, Query};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::free::range;
use crate::App;
use crate::account::person::join::resources_of;
use crate::account::{AccountId, LocationId};
use crate::consult::booking;
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::policy::ConsultAction;
use crate::consult::practitioner::search::SlotPlace;
use crate::consult::practitioner::{AvailabilitySearch, FreeSlot, Rank, search, store as doctors};
use crate::consult::store;

/// Where a slot is looked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// Slots that begin not before.
    #[param(value_type = DateTime<Utc>)]
    pub from: Moment,
    /// And before; at most 31 days later.
    #[param(value_type = DateTime<Utc>)]
    pub to: Moment,
    /// The room of the inviting side; absent: any.
    pub room_id: Option<LocationId>,
    /// The doctor; absent: any of the wanted specialty and at least the wanted rank in the invited hospital.
    pub doctor_id: Option<AccountId>,
    /// Doctors below the wanted rank too, for the inviting side, which alone may take one.
    #[serde(default)]
    pub below_rank: bool,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// The times at which this consult can be held: a doctor who fits, the resident, the devices that it needs, and the room, where
/// given, are free, by time (everybody who may schedule it).
#[utoipa::path(get, path = "/v1/consults/{id}/slots", tag = "consults", params(("id" = ConsultId, Path), SlotQuery),
    responses((status = 200, body = Page<FreeSlot>), (status = 404), (status = 422)))]
pub async fn slots(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<Page<FreeSlot>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::Schedule).await?;
    range(*query.from, *query.to)?;
    let paging = Paging { after: query.after.clone(), limit: query.limit };
    let (limit, after) = (paging.limit()?, paging.after::<SlotPlace>()?);
    if let Some(room) = query.room_id {
        booking::own_room(&mut conn, &consult, room, "?room_id").await?;
    }
    let below = query.below_rank && consult.invited_by(&ctx.actor);
    let rank = if below { Rank::Any } else { wanted(&consult, query.doctor_id) };
    let mut slots = slots_for(&mut conn, ctx.now(), &consult, &query, (rank, None)).await?;
    slots.retain(|slot| after.is_none_or(|after| slot.place() > after));
    Ok(Json(Page::of(slots, limit, FreeSlot::place)))
}

/// The ranks that a consult takes. A doctor who is booked already stays one who can be.
pub(in crate::consult) fn wanted(consult: &Consult, doctor: Option<AccountId>) -> Rank {
    let booked = consult.state.appointment().map(|a| a.doctor);
    if doctor.is_some() && doctor == booked { Rank::Any } else { Rank::wanted(consult.wanted_title) }
}

/// The free slots of a consult, with doctors of these ranks, all but one of them.
pub(in crate::consult) async fn slots_for(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    query: &SlotQuery,
    (rank, but): (Rank, Option<AccountId>),
) -> Result<Vec<FreeSlot>, Problem> {
    let mut fitting = doctors::search(conn, Some(&consult.wanted_specialty), rank, Some(consult.invited.id)).await?;
    if let Some(doctor) = query.doctor_id {
        fitting.retain(|d| d.account_id == doctor);
    }
    fitting.retain(|d| Some(d.account_id) != but);
    let mut others = resources_of(conn, now, consult.resident_id).await?;
    others.extend(query.room_id.map(|room| room.0).into_iter().chain(consult.device_resources()));
    let gives_up = consult.state.appointment().map(|_| consult.id.0);
    let all = AvailabilitySearch::of(&fitting, *query.from, *query.to);
    let search = AvailabilitySearch { others: &others, gives_up, is_stat: consult.is_stat(), ..all };
    Ok(search::free(conn, now, search).await?)
}
