//! Free times: what a doctor offers, without what is taken.

use chrono::{DateTime, Days, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::offer::offered;
use super::store::{self, Practitioner};
use crate::account::AccountId;
use crate::calendar::{self, Interval};
use crate::consult::input::Title;

/// The longest range of a search, in days.
pub const RANGE_DAYS_MAX: i64 = 31;
/// Slots of an answer at most.
pub const SLOTS_MAX: usize = 500;
/// How many alternatives are named when a time is taken.
pub const ALTERNATIVES_MAX: usize = 5;
/// How far around the wanted time alternatives are looked for, in days.
const ALTERNATIVES_DAYS: i64 = 7;

/// A time at which a doctor is free, and the resident and the room where they were asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FreeSlot {
    pub doctor_id: AccountId,
    pub doctor_name: String,
    /// The hospital at which it is, of those that the doctor works for.
    #[schema(value_type = Uuid)]
    pub hospital_id: OrganisationId,
    /// The specialty's code.
    pub specialty: String,
    /// The rank (职称).
    pub title: Title,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
}

/// The bounds of the search.
#[derive(Clone, Copy, Debug)]
pub struct AvailabilitySearch<'a> {
    /// The doctors to search.
    pub doctors: &'a [Practitioner],
    /// And these must be free too: a resident, a room.
    pub others: &'a [Uuid],
    /// The time that those others have now, and give up for the new one.
    pub gives_up: Option<Interval>,
    /// Slots that begin not before.
    pub from: DateTime<Utc>,
    /// The first moment that is left out.
    pub to: DateTime<Utc>,
}

/// The free slots, by time, then by doctor; none in the past.
pub async fn free(
    conn: &mut Conn,
    now: DateTime<Utc>,
    search: AvailabilitySearch<'_>,
) -> Result<Vec<FreeSlot>, DbError> {
    let from = search.from.max(now);
    let mut taken_by_others = taken(conn, now, search.others.iter().copied(), from, search.to).await?;
    taken_by_others.retain(|time| Some(*time) != search.gives_up);
    let mut slots = Vec::new();
    for doctor in search.doctors {
        let taken = taken(conn, now, std::iter::once(doctor.account_id.0), from, search.to).await?;
        let is_free = |slot: &Interval| !taken.iter().chain(&taken_by_others).any(|t| t.overlaps(slot));
        let offered = offered_by(conn, doctor, from, search.to).await?;
        slots.extend(offered.into_iter().filter(is_free).map(|slot| FreeSlot {
            doctor_id: doctor.account_id,
            doctor_name: doctor.name.clone(),
            hospital_id: doctor.organisation_id,
            specialty: doctor.specialty.clone(),
            title: doctor.title,
            starts_at: slot.starts_at(),
            ends_at: slot.ends_at(),
        }));
    }
    slots.sort_by_key(|s| (s.starts_at, s.doctor_id));
    Ok(slots)
}

async fn taken(
    conn: &mut Conn,
    now: DateTime<Utc>,
    resources: impl Iterator<Item = Uuid>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Interval>, DbError> {
    let mut taken = Vec::new();
    for resource in resources {
        // A slot that begins before `to` may end after it.
        let end = to + Duration::hours(calendar::INTERVAL_HOURS_MAX);
        taken.extend(calendar::busy_between(conn, now, resource, from, end).await?);
    }
    Ok(taken)
}

/// The times that a doctor offers, taken or not.
pub async fn offered_by(
    conn: &mut Conn,
    doctor: &Practitioner,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Interval>, DbError> {
    let zone = doctor.zone()?;
    let hours = store::weekly(conn, doctor.post()).await?;
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let first = day(from).checked_sub_days(Days::new(1)).unwrap_or(day(from));
    let exceptions = store::exceptions(conn, doctor.post(), first, day(to)).await?;
    let exceptions: Vec<_> = exceptions.into_iter().map(|(_, e)| e).collect();
    Ok(offered(&hours, &exceptions, zone, from, to))
}

/// The free slots nearest to `wanted`, for when that is taken.
pub async fn alternatives(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctors: &[Practitioner],
    others: &[Uuid],
    wanted: DateTime<Utc>,
) -> Result<Vec<FreeSlot>, DbError> {
    let around = Duration::days(ALTERNATIVES_DAYS);
    let search = AvailabilitySearch { doctors, others, gives_up: None, from: wanted - around, to: wanted + around };
    let mut slots = free(conn, now, search).await?;
    slots.sort_by_key(|s| ((s.starts_at - wanted).abs(), s.starts_at, s.doctor_id));
    slots.truncate(ALTERNATIVES_MAX);
    Ok(slots)
}
