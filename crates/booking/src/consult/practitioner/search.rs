//! Free times: what a doctor offers, without what is taken.

use std::collections::HashMap;

use chrono::{DateTime, Days, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::criteria::SlotCriteria;
use super::offer::{Exception, session_of};
use super::rules::AROUND;
use super::sets::KeptHours;
use super::store::{self, Practitioner};
use super::workday::{self, WorkdayRule};
use crate::account::{AccountId, LocationId};
use crate::calendar::week::WeeklyHours;
use crate::calendar::{self, Interval, TakenLanes};
use crate::consult::input::Title;

/// The longest range of a search, in days.
pub const RANGE_DAYS_MAX: i64 = 31;
/// How many alternatives are named when a time is taken.
pub const ALTERNATIVES_MAX: usize = 5;
/// So few doctors are read by themselves, where all are not known.
pub(super) const FEW: usize = 50;
/// How far around the wanted time alternatives are looked for, in days: farther only where there are too few near it.
pub(in crate::consult) const ALTERNATIVES_DAYS: [i64; 2] = [1, 7];

/// A time at which a doctor is free, and the resident and the room where they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
    /// A room that is free then, where any of several was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<LocationId>,
}

/// Where a slot stands in an answer: by time, then by doctor, then by hospital.
pub type SlotPlace = (DateTime<Utc>, AccountId, OrganisationId);

impl FreeSlot {
    /// The free time of a doctor.
    pub fn new(doctor: &Practitioner, at: Interval, room_id: Option<LocationId>) -> Self {
        Self {
            doctor_id: doctor.account_id,
            doctor_name: doctor.name.clone(),
            hospital_id: doctor.organisation_id,
            specialty: doctor.specialty.clone(),
            title: doctor.title,
            starts_at: at.starts_at(),
            ends_at: at.ends_at(),
            room_id,
        }
    }

    /// Its place in an answer.
    pub fn place(&self) -> SlotPlace {
        (self.starts_at, self.doctor_id, self.hospital_id)
    }
}

/// The bounds of the search.
#[derive(Clone, Copy, Debug)]
pub struct AvailabilitySearch<'a> {
    /// The doctors to search.
    pub doctors: &'a [Practitioner],
    /// And these must be free too: a resident, a room.
    pub others: &'a [Uuid],
    /// And one of these rooms, where there is any.
    pub rooms: Option<&'a [LocationId]>,
    /// The holder whose time is given up for the new one.
    pub gives_up: Option<Uuid>,
    /// Whether it is for a consult that cannot wait (特急): a doctor's notice does not count for it.
    pub is_stat: bool,
    /// Slots that begin not before.
    pub from: DateTime<Utc>,
    /// The first moment that is left out.
    pub to: DateTime<Utc>,
    pub criteria: SlotCriteria,
    /// Only what stands behind this one.
    pub after: Option<SlotPlace>,
    /// The search ends when so many are found; `None` finds all.
    pub enough: Option<usize>,
}

impl<'a> AvailabilitySearch<'a> {
    /// All free times of these doctors in a range.
    pub fn of(doctors: &'a [Practitioner], from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let (gives_up, is_stat, criteria) = (None, false, SlotCriteria::default());
        Self { doctors, others: &[], rooms: None, gives_up, is_stat, from, to, criteria, after: None, enough: None }
    }

    /// The first moment at which a slot may begin.
    pub(super) fn begins(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.from.max(now).max(self.after.map_or(self.from, |(at, ..)| at))
    }

    /// The stretches of the range that are read one after the other, from its beginning or from now. Of a few doctors all is read at
    /// once, or ever longer stretches where the search may end early; of many a day.
    fn stretches(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let (to, few) = (self.to, self.doctors.len() <= FEW);
        let first = if few && self.enough.is_none() { RANGE_DAYS_MAX } else { 1 };
        let begin = self.begins(now);
        let ends = move |at: DateTime<Utc>, days: i64| {
            at.checked_add_signed(Duration::days(days)).map_or(to, |end| end.min(to))
        };
        let all = std::iter::successors(Some((begin, ends(begin, first), first)), move |(_, end, days)| {
            let days = if few { days * 2 } else { *days };
            Some((*end, ends(*end, days), days))
        });
        all.take_while(move |(at, ..)| *at < to).map(|(at, end, _)| (at, end))
    }
}

/// The free slots, by time, then by doctor; none in the past.
pub async fn free(
    conn: &mut Conn,
    now: DateTime<Utc>,
    search: AvailabilitySearch<'_>,
) -> Result<Vec<FreeSlot>, DbError> {
    let kept = KeptHours::read(conn, search.doctors, search.from.max(now), search.to).await?;
    let rules = kept.rules();
    let mut found = Vec::new();
    for (from, to) in search.stretches(now) {
        let offers = offers(&search, &kept, (from, to))?;
        if offers.is_empty() {
            continue;
        }
        let people = offers.iter().map(|(doctor, _)| doctor.account_id.0);
        let rooms = search.rooms.unwrap_or_default().iter().map(|room| room.0);
        let resources = people.chain(search.others.iter().copied()).chain(rooms);
        // A slot that begins before the end may end after it, and a rule counts those of the whole day.
        let around = if rules.is_empty() { Duration::zero() } else { AROUND };
        let end = to + Duration::hours(calendar::INTERVAL_HOURS_MAX).max(around);
        let taken = calendar::busy_of(conn, resources, from - around, end).await?;
        let offers = rules.keep((now, search.gives_up, search.is_stat), &kept, offers, &taken)?;
        let others = Others::of(&search, now, &taken);
        let free = |(doctor, slot): (&Practitioner, Interval)| {
            let own = taken.get(&doctor.account_id.0);
            let place = others.allow(slot).filter(|_| is_free(own, slot, now, None))?;
            Some(FreeSlot::new(doctor, slot, place.0))
        };
        found.extend(offers.into_iter().filter_map(free));
        if search.enough.is_some_and(|enough| found.len() >= enough) {
            break;
        }
    }
    found.sort_by_key(FreeSlot::place);
    Ok(found)
}

/// The times that the doctors offer on a day, by the criteria of the search, taken or not.
fn offers<'a>(
    search: &AvailabilitySearch<'a>,
    kept: &KeptHours,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(&'a Practitioner, Interval)>, DbError> {
    let mut all = Vec::new();
    for doctor in search.doctors {
        let zone = doctor.zone()?;
        let place = |slot: &Interval| (slot.starts_at(), doctor.account_id, doctor.organisation_id);
        let fits = |slot: &Interval| {
            search.criteria.takes(*slot, zone) && search.after.is_none_or(|after| place(slot) > after)
        };
        let slots = kept.offered(doctor, from, to)?.into_iter().filter(fits);
        all.extend(slots.map(|slot| (doctor, slot)));
    }
    Ok(all)
}

/// Where a consult can be: in this room, or wherever it is where no room was asked for.
#[derive(Clone, Copy)]
pub(super) struct RoomFound(pub(super) Option<LocationId>);

/// When those who must be free beside the doctor are taken.
pub(super) struct Others<'a> {
    pub(super) now: DateTime<Utc>,
    gives_up: Option<Uuid>,
    all: Vec<Option<&'a TakenLanes>>,
    /// The rooms of which one must be free.
    rooms: Option<Vec<(LocationId, Option<&'a TakenLanes>)>>,
}

impl<'a> Others<'a> {
    pub(super) fn of(
        search: &AvailabilitySearch<'_>,
        now: DateTime<Utc>,
        taken: &'a HashMap<Uuid, TakenLanes>,
    ) -> Self {
        let of = |resource: Uuid| taken.get(&resource);
        let rooms = search.rooms.map(|rooms| rooms.iter().map(|room| (*room, of(room.0))).collect());
        Self { now, gives_up: search.gives_up, all: search.others.iter().map(|other| of(*other)).collect(), rooms }
    }

    /// Whether a slot may begin then: the shortest there is.
    pub(super) fn may_begin(&self, at: DateTime<Utc>) -> bool {
        Interval::new(at, at + Duration::minutes(1)).is_ok_and(|shortest| self.allow(shortest).is_some())
    }

    /// The room, where one of several is asked for, if all that the search asks for are free.
    pub(super) fn allow(&self, slot: Interval) -> Option<RoomFound> {
        let is_free = |taken: Option<&TakenLanes>| is_free(taken, slot, self.now, self.gives_up);
        if !self.all.iter().all(|taken| is_free(*taken)) {
            return None;
        }
        let Some(rooms) = &self.rooms else { return Some(RoomFound(None)) };
        rooms.iter().find(|(_, taken)| is_free(*taken)).map(|(room, _)| RoomFound(Some(*room)))
    }
}

/// Whether what is taken of a resource leaves a lane for a slot.
fn is_free(taken: Option<&TakenLanes>, slot: Interval, now: DateTime<Utc>, gives_up: Option<Uuid>) -> bool {
    taken.is_none_or(|taken| taken.has_lane(slot, now, gives_up))
}

/// The hours and the exceptions of a doctor that count between two moments.
async fn kept_by(
    conn: &mut Conn,
    doctor: &Practitioner,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(Vec<WeeklyHours>, Vec<Exception>), DbError> {
    let zone = doctor.zone()?;
    let hours = store::weekly(conn, doctor.post()).await?;
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let first = day(from).checked_sub_days(Days::new(1)).unwrap_or(day(from));
    let exceptions = store::exceptions(conn, doctor.post(), first, day(to)).await?;
    let mut exceptions: Vec<_> = exceptions.into_iter().map(|(_, e)| e).collect();
    let house = workday::of_one(conn, doctor.organisation_id, first, day(to)).await?;
    exceptions.extend(house.iter().map(WorkdayRule::exception));
    Ok((hours, exceptions))
}

/// The stretch of a doctor's hours that a time is of.
pub async fn session_at(
    conn: &mut Conn,
    doctor: &Practitioner,
    time: Interval,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, DbError> {
    let (hours, exceptions) = kept_by(conn, doctor, (time.starts_at(), time.ends_at())).await?;
    Ok(session_of(&hours, &exceptions, doctor.zone()?, time))
}

/// The free slots nearest to `wanted`, for when that is taken.
pub async fn alternatives(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctors: &[Practitioner],
    (others, is_stat): (&[Uuid], bool),
    wanted: DateTime<Utc>,
) -> Result<Vec<FreeSlot>, DbError> {
    let mut found = Vec::new();
    for around in ALTERNATIVES_DAYS.map(Duration::days) {
        let all = AvailabilitySearch::of(doctors, wanted - around, wanted + around);
        let search = AvailabilitySearch { others, is_stat, ..all };
        found = free(conn, now, search).await?;
        if found.len() >= ALTERNATIVES_MAX {
            break;
        }
    }
    Ok(nearest(found, wanted))
}

/// As many of these as are named, the nearest to `wanted` first.
pub(in crate::consult) fn nearest(mut slots: Vec<FreeSlot>, wanted: DateTime<Utc>) -> Vec<FreeSlot> {
    slots.sort_by_key(|slot| ((slot.starts_at - wanted).abs(), slot.starts_at, slot.doctor_id));
    slots.truncate(ALTERNATIVES_MAX);
    slots
}
