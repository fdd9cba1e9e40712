//! The later bookings that a delayed consult runs into.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::booking::HOLDER;
use super::id::ConsultId;
use super::model::Consult;
use super::policy::ConsultAction;
use super::state::Appointment;
use super::store;
use super::view::ConsultView;
use crate::calendar::{self, Later};

text_enum! {
    /// The thing that two bookings want at one time.
    #[schema(as = SharedResource)]
    pub enum Shared {
        Doctor = "doctor",
        Resident = "resident",
        Room = "room",
        /// A device that both share.
        Device = "device",
    }
}

/// A later booking that cannot begin on time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DelayConflict)]
pub struct Conflict {
    /// The consult; absent for a visit, and for a consult that the caller may not read.
    pub consult_id: Option<ConsultId>,
    /// When it is booked, or expected since it is delayed itself.
    pub starts_at: DateTime<Utc>,
    /// The things that both want then.
    pub shared: Vec<Shared>,
}

/// A consult with what its delay runs into.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DelayView {
    #[serde(flatten)]
    pub consult: ConsultView,
    /// The later bookings of the same doctor, room, device or resident that it runs into.
    pub conflicts_with: Vec<Conflict>,
}

fn shared(appointment: &Appointment, devices: &[Uuid], resource: Uuid) -> Shared {
    if resource == appointment.doctor.0 {
        Shared::Doctor
    } else if resource == appointment.room.0 {
        Shared::Room
    } else if devices.contains(&resource) {
        Shared::Device
    } else {
        // A resident who was joined may be held under a former id.
        Shared::Resident
    }
}

/// The things that each other booking shares with this appointment, in order; whether the other one is a consult is said too.
fn grouped(
    appointment: &Appointment,
    devices: &[Uuid],
    found: Vec<Later>,
) -> BTreeMap<(DateTime<Utc>, Uuid), (bool, Vec<Shared>)> {
    let mut groups: BTreeMap<_, (bool, Vec<Shared>)> = BTreeMap::new();
    for Later { resource, holder_kind, holder, starts_at } in found {
        let (_, things) = groups.entry((starts_at, holder)).or_insert((holder_kind == HOLDER, Vec::new()));
        things.push(shared(appointment, devices, resource));
    }
    for (_, things) in groups.values_mut() {
        things.sort_unstable();
        things.dedup();
    }
    groups
}

/// The id of a consult, if it is one that the caller may read.
fn readable(ctx: &Ctx, specialty: Option<&str>, consult: Option<&Consult>) -> Option<ConsultId> {
    let may_read = |o: &&Consult| o.decide(&ctx.actor, specialty, ConsultAction::Read) == Decision::Allow;
    consult.filter(may_read).map(|o| o.id)
}

/// The bookings of others that are in the way of an appointment, in order.
pub async fn in_the_way(
    conn: &mut Conn,
    ctx: &Ctx,
    (appointment, devices): (&Appointment, &[Uuid]),
    found: Vec<Later>,
) -> Result<Vec<Conflict>, DbError> {
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let mut conflicts = Vec::new();
    for ((starts_at, holder), (is_consult, shared)) in grouped(appointment, devices, found) {
        let other = if is_consult { store::find(conn, ConsultId(holder)).await? } else { None };
        let consult_id = readable(ctx, specialty.as_deref(), other.as_ref());
        conflicts.push(Conflict { consult_id, starts_at, shared });
    }
    Ok(conflicts)
}

/// The later bookings that the consult runs into as it is delayed now, in order.
pub async fn of(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<Vec<Conflict>, Problem> {
    let Some(appointment) = consult.state.appointment().filter(|a| a.delay_minutes > 0) else { return Ok(Vec::new()) };
    let (from, to) = (appointment.interval.ends_at(), appointment.expected_end());
    if to <= ctx.now() {
        return Ok(Vec::new());
    }
    let found = calendar::later(conn, ctx.now(), (HOLDER, consult.id.0), (from, to)).await?;
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let (mut conflicts, devices) = (Vec::new(), consult.device_resources().collect::<Vec<_>>());
    for ((starts_at, holder), (is_consult, shared)) in grouped(appointment, &devices, found) {
        let other = if is_consult { store::find(conn, ConsultId(holder)).await? } else { None };
        let expected = other.as_ref().and_then(|o| o.state.appointment()).map_or(starts_at, Appointment::expected_at);
        if expected >= to {
            continue;
        }
        let consult_id = readable(ctx, specialty.as_deref(), other.as_ref());
        conflicts.push(Conflict { consult_id, starts_at: expected, shared });
    }
    Ok(conflicts)
}
