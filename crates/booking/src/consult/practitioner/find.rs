//! The earliest free times of all doctors who fit, out of the [index](super::index).

use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::id::OrganisationId;
use uuid::Uuid;

use super::index::{KnownOpenings, Opening, SlotIndex};
use super::rank::Rank;
use super::search::{AvailabilitySearch, FEW, FreeSlot, Others, RoomFound, free};
use super::store::{self, Practitioner};
use crate::account::AccountId;
use crate::account::affiliation::Affiliated;
use crate::calendar::{self, INTERVAL_HOURS_MAX, Interval, TakenLanes};
use crate::consult::input::Title;

/// And so many while all are being read.
const FEW_AT_START: usize = 200;

/// Which doctors are searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct DoctorWish<'a> {
    pub specialty: Option<&'a str>,
    /// Exactly this rank.
    pub title: Option<Title>,
    /// This rank or a higher one.
    pub title_min: Option<Title>,
    pub hospital: Option<OrganisationId>,
    pub doctor: Option<AccountId>,
    /// Only times at which one of these agreements counts.
    pub affiliated: Option<&'a [Affiliated]>,
}

impl DoctorWish<'_> {
    /// Whether an agreement with the hospital counts at a moment, where one is asked for.
    fn covers(&self, hospital: OrganisationId, zone: Tz, at: DateTime<Utc>) -> bool {
        self.affiliated.is_none_or(|all| all.iter().any(|one| one.covers(hospital, zone, at)))
    }

    fn takes(&self, doctor: &Practitioner) -> bool {
        self.doctor.is_none_or(|one| doctor.account_id == one)
            && self.hospital.is_none_or(|one| doctor.organisation_id == one)
            && self.affiliated.is_none_or(|all| all.iter().any(|one| one.hospital == doctor.organisation_id))
            && self.title.is_none_or(|one| doctor.title == one)
            && self.title_min.is_none_or(|least| doctor.title >= least)
            && self.specialty.is_none_or(|one| doctor.specialty == one)
    }

    /// Of each post, whether it is one of these.
    fn posts(&self, known: &KnownOpenings) -> Vec<bool> {
        known.posts().map(|post| post.is_some_and(|post| self.takes(&post.doctor))).collect()
    }

    /// These, from the database.
    async fn read(&self, db: &Db) -> Result<Vec<Practitioner>, DbError> {
        let all = store::search(&mut db.read().await?, self.specialty, Rank::Any, self.hospital).await?;
        Ok(all.into_iter().filter(|doctor| self.takes(doctor)).collect())
    }

    fn doctors(&self, known: &KnownOpenings) -> Vec<Practitioner> {
        let all = known.posts().flatten().map(|post| &post.doctor);
        all.filter(|doctor| self.takes(doctor)).cloned().collect()
    }
}

/// When the resident and the rooms of a search are taken, read for some days at a time.
struct OthersRead {
    all: Vec<Uuid>,
    taken: HashMap<Uuid, TakenLanes>,
    /// Read up to here.
    until: DateTime<Utc>,
    /// So many days are read next.
    days: i64,
}

impl OthersRead {
    fn of(search: &AvailabilitySearch<'_>) -> Self {
        let rooms = search.rooms.unwrap_or_default().iter().map(|room| room.0);
        let all = search.others.iter().copied().chain(rooms).collect();
        Self { all, taken: HashMap::new(), until: DateTime::<Utc>::MIN_UTC, days: 1 }
    }

    /// Reads a day, and those after it, unless it is known.
    async fn read(&mut self, db: &Db, day: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), DbError> {
        if self.all.is_empty() || day < self.until {
            return Ok(());
        }
        self.until = to.min(day + Duration::days(self.days)).max(day + Duration::days(1));
        // A search that goes on for days goes on for more of them.
        self.days *= 2;
        let end = self.until + Duration::hours(INTERVAL_HOURS_MAX);
        self.taken = calendar::busy_of(&mut db.read().await?, self.all.iter().copied(), day, end).await?;
        Ok(())
    }
}

/// The free slots of all doctors who fit, by time, then by doctor; none in the past. The doctors of `search` are not asked.
pub async fn find(
    db: &Db,
    now: DateTime<Utc>,
    index: &SlotIndex,
    wish: DoctorWish<'_>,
    search: AvailabilitySearch<'_>,
) -> Result<Vec<FreeSlot>, DbError> {
    let mut known = match index.at_hand(db, now).await? {
        Some(known) => known,
        None => {
            let doctors = wish.read(db).await?;
            if doctors.len() <= FEW_AT_START {
                return of_few(db, now, (wish, &doctors), search).await;
            }
            index.now(db, now).await?
        }
    };
    let mut wanted = wish.posts(&known);
    let from = search.begins(now);
    let (mut others, mut found) = (OthersRead::of(&search), Vec::new());
    for day in from.date_naive().iter_days() {
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        let many = wanted.iter().filter(|wanted| **wanted).count();
        if midnight >= search.to || many == 0 {
            break;
        }
        if !known.has(day) && many <= FEW {
            let enough = search.enough.map(|enough| enough.saturating_sub(found.len()));
            let rest = AvailabilitySearch { from: search.from.max(midnight), enough, ..search };
            found.extend(of_few(db, now, (wish, &wish.doctors(&known)), rest).await?);
            break;
        }
        if !known.has(day) {
            known = index.with(db, now, day).await?;
            wanted = wish.posts(&known);
        }
        others.read(db, midnight, search.to).await?;
        let allowed = Others::of(&search, now, &others.taken);
        if of_day(&known, day, &search, (wish, from.max(now), &wanted, &allowed), &mut found) {
            break;
        }
    }
    Ok(found)
}

/// The free slots of a few doctors, from the database.
async fn of_few(
    db: &Db,
    now: DateTime<Utc>,
    (wish, doctors): (DoctorWish<'_>, &[Practitioner]),
    search: AvailabilitySearch<'_>,
) -> Result<Vec<FreeSlot>, DbError> {
    let mut conn = db.read().await?;
    if wish.affiliated.is_none() {
        return free(&mut conn, now, AvailabilitySearch { doctors, ..search }).await;
    }
    // On which of them an agreement counts is seen only of those that are found.
    let mut found = free(&mut conn, now, AvailabilitySearch { doctors, enough: None, ..search }).await?;
    let mut zones = HashMap::new();
    for doctor in doctors {
        zones.insert(doctor.organisation_id, doctor.zone()?);
    }
    let zone = |hospital: OrganisationId| zones.get(&hospital).copied().unwrap_or(Tz::UTC);
    found.retain(|slot| wish.covers(slot.hospital_id, zone(slot.hospital_id), slot.starts_at));
    found.truncate(search.enough.unwrap_or(usize::MAX));
    Ok(found)
}

/// Adds the free slots of a day; whether there are enough.
fn of_day(
    known: &KnownOpenings,
    day: NaiveDate,
    search: &AvailabilitySearch<'_>,
    (wish, from, wanted, others): (DoctorWish<'_>, DateTime<Utc>, &[bool], &Others<'_>),
    found: &mut Vec<FreeSlot>,
) -> bool {
    let mut rest = known.openings(day);
    while let Some(begin) = rest.first().map(|opening| opening.at.starts_at()) {
        // Many doctors begin at one time: where the others are taken then, none of these is looked at.
        let (these, later) = rest.split_at(rest.partition_point(|opening| opening.at.starts_at() <= begin));
        rest = later;
        let is_within = begin >= from && begin < search.to;
        if is_within && others.may_begin(begin) && of_begin(known, these, search, (wish, wanted, others), found) {
            return true;
        }
    }
    false
}

/// Adds the free slots that begin at one time; whether there are enough.
fn of_begin(
    known: &KnownOpenings,
    openings: &[Opening],
    search: &AvailabilitySearch<'_>,
    (wish, wanted, others): (DoctorWish<'_>, &[bool], &Others<'_>),
    found: &mut Vec<FreeSlot>,
) -> bool {
    let fits = |opening: &&Opening| {
        wanted.get(opening.post).is_some_and(|wanted| *wanted)
            && opening.free_from <= others.now
            && search.criteria.fits(opening.at, opening.local)
    };
    // Most of them last equally long: whether the others are free for so long is found once.
    let mut asked: Vec<(Interval, Option<RoomFound>)> = Vec::new();
    for opening in openings.iter().filter(fits) {
        let place = match asked.iter().find(|(at, _)| *at == opening.at) {
            Some((_, place)) => *place,
            None => {
                let place = others.allow(opening.at);
                asked.push((opening.at, place));
                place
            }
        };
        let (Some(place), Some(post)) = (place, known.post(opening.post)) else { continue };
        let begins = opening.at.starts_at();
        let keeps_notice = search.is_stat || begins >= others.now + post.notice;
        if !keeps_notice || !wish.covers(post.doctor.organisation_id, post.zone, begins) {
            continue;
        }
        let slot = FreeSlot::new(&post.doctor, opening.at, place.0);
        if search.after.is_none_or(|after| slot.place() > after) {
            found.push(slot);
        }
        if search.enough.is_some_and(|enough| found.len() >= enough) {
            return true;
        }
    }
    false
}
