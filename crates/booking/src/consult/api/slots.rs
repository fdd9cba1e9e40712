//! The times at which a consult can be held.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, Json, Path, Query};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::doctors::range;
use crate::App;
use crate::account::person::join::resources_of;
use crate::account::{AccountId, LocationId};
use crate::consult::booking;
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::policy::ConsultAction;
use crate::consult::practitioner::{AvailabilitySearch, FreeSlot, search, store as doctors};
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
    /// The doctor; absent: any of the wanted specialty in the invited hospital.
    pub doctor_id: Option<AccountId>,
}

/// The times at which this consult can be held: a doctor who fits, the resident, and the room, where
/// given, are free (everybody who may schedule it).
#[utoipa::path(get, path = "/v1/consults/{id}/slots", tag = "consults", params(("id" = ConsultId, Path), SlotQuery),
    responses((status = 200, body = Vec<FreeSlot>), (status = 404), (status = 422)))]
pub async fn slots(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<Vec<FreeSlot>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::Schedule).await?;
    range(*query.from, *query.to)?;
    if let Some(room) = query.room_id {
        booking::own_room(&mut conn, &consult, room, "?room_id").await?;
    }
    Ok(Json(slots_for(&mut conn, ctx.now(), &consult, &query).await?))
}

/// The free slots of a consult.
pub(in crate::consult) async fn slots_for(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    query: &SlotQuery,
) -> Result<Vec<FreeSlot>, Problem> {
    let mut fitting = doctors::search(conn, Some(&consult.wanted_specialty), None, Some(consult.invited.id)).await?;
    if let Some(doctor) = query.doctor_id {
        fitting.retain(|d| d.account_id == doctor);
    }
    let mut others = resources_of(conn, now, consult.resident_id).await?;
    others.extend(query.room_id.map(|room| room.0));
    let search = AvailabilitySearch { doctors: &fitting, others: &others, from: *query.from, to: *query.to };
    let mut slots = search::free(conn, now, search).await?;
    slots.truncate(search::SLOTS_MAX);
    Ok(slots)
}
