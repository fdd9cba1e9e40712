//! The rooms of the inviting side: any that is free, and the times at which one is.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::booking::HOLDER;
use super::practitioner::search::{self, ALTERNATIVES_DAYS, ALTERNATIVES_MAX};
use super::practitioner::{AvailabilitySearch, FreeSlot, Practitioner};
use super::problems::NO_ROOM_FREE;
use crate::account::LocationId;
use crate::calendar::overbook::{self, Beside};
use crate::calendar::{self, Booking, INTERVAL_HOURS_MAX, Interval, ReserveError, TakenLanes, Terms};

/// How often another room is looked for when somebody takes the one that was free by its name at the same moment.
const TRIES_MAX: usize = 4;

/// Of those who take any room of one house, and of those who count its holds, one goes on at a time.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727014, hashtext($1))";
const BEFORE_POSTGRES: &str = "savepoint a_room";
const UNDO_POSTGRES: &str = "rollback to savepoint a_room";
// A room that the holder has already comes first, then they come by their names.
const FREE: &str = "select l.id from location l where l.organisation_id = $1 and l.state = 'open'
      and (select count(distinct o.lane) from occupancy o where o.resource_id = l.id
        and o.starts_at >= $2 and o.starts_at < $4 and o.ends_at > $3 and (o.expires_at is null or o.expires_at > $5)
        and not (o.holder_kind = $6 and (o.holder_id = $7 or o.holder_id = $8)))
        < coalesce((select c.capacity from resource_capacity c where c.resource_id = l.id), 1)
    order by case when exists (select 1 from occupancy h where h.resource_id = l.id and h.holder_kind = $6
        and (h.holder_id = $7 or h.holder_id = $8)) then 0 else 1 end, l.name, l.id limit 1";
const OPEN: &str = "select id from location where organisation_id = $1 and state = 'open' order by id";

/// Everything that is to be taken at one time.
pub(super) struct Party<'a> {
    /// The id that holds it: a consult's, or a hold's.
    pub(super) holder: Uuid,
    /// The hold that goes over into this.
    pub(super) former: Option<Uuid>,
    /// Whether the holder may have something already, which is given up.
    pub(super) moves: bool,
    /// The doctor, the ids of the resident, and the devices that are to be brought.
    pub(super) people: &'a [Uuid],
    /// The room; none where any of the house will do.
    pub(super) room: Option<LocationId>,
    pub(super) house: OrganisationId,
    pub(super) interval: Interval,
    /// When it is given up by itself.
    pub(super) until: Option<DateTime<Utc>>,
    /// The doctor, who may be taken beyond the places that there are.
    pub(super) beside: Option<Beside>,
}

/// Lets one taker of any room of a house, or counter of its holds, go on at a time.
pub(super) async fn lock(tx: &mut Tx, house: OrganisationId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(house.to_string()).execute(c).await?;
    }
    Ok(())
}

async fn free(tx: &mut Tx, now: DateTime<Utc>, party: &Party<'_>) -> Result<Option<LocationId>, DbError> {
    let (from, to) = (party.interval.starts_at(), party.interval.ends_at());
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    Ok(on!(tx, |c| {
        let query = sqlx::query_scalar(FREE).bind(party.house).bind(earliest).bind(from).bind(to).bind(now);
        query.bind(HOLDER).bind(party.holder).bind(party.former.unwrap_or(party.holder)).fetch_optional(c).await
    })?)
}

async fn take(tx: &mut Tx, now: DateTime<Utc>, party: &Party<'_>, room: LocationId) -> Result<(), ReserveError> {
    let mut resources = party.people.to_vec();
    resources.push(room.0);
    let (holder_id, interval) = (party.holder, party.interval);
    let booking = Booking { holder_kind: HOLDER, holder_id, resources: &resources, interval };
    let terms = Terms { expires_at: party.until };
    if let Some(beside) = party.beside {
        let givers: Vec<Uuid> = std::iter::once(party.holder).chain(party.former).collect();
        return overbook::take(tx, now, (&booking, terms), beside, &givers).await;
    }
    if party.moves || party.former.is_some() {
        calendar::relocate_with(tx, now, &booking, terms, party.former).await
    } else {
        calendar::reserve_with(tx, now, &booking, terms).await
    }
}

/// Marks where a try begins, or undoes it. Who kept the people of one try while waiting for the room of the next would take out of
/// the order of ids, and might be waited for by the room's taker. On `SQLite` nobody takes a room meanwhile.
async fn mark(tx: &mut Tx, statement: &'static str) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(statement).execute(c).await?;
    }
    Ok(())
}

/// Takes the time for everybody, and gives the room. When it is taken, or no room is free, the caller drops the transaction.
pub(super) async fn seat(tx: &mut Tx, now: DateTime<Utc>, party: &Party<'_>) -> Result<LocationId, Problem> {
    if let Some(room) = party.room {
        take(tx, now, party, room).await?;
        return Ok(room);
    }
    lock(tx, party.house).await?;
    let mut tried = None;
    for _ in 0..TRIES_MAX {
        let room = free(tx, now, party).await?.ok_or_else(|| Problem::new(&NO_ROOM_FREE))?;
        // The same one again: it is not the room that is taken.
        if tried == Some(room) {
            break;
        }
        mark(tx, BEFORE_POSTGRES).await?;
        match take(tx, now, party, room).await {
            Err(ReserveError::Taken) => {
                mark(tx, UNDO_POSTGRES).await?;
                tried = Some(room);
            }
            taken => return Ok(taken.map(|()| room)?),
        }
    }
    Err(ReserveError::Taken.into())
}

/// The rooms of a house, and when each is taken.
pub(super) struct Rooms {
    open: Vec<LocationId>,
    taken: HashMap<Uuid, TakenLanes>,
    now: DateTime<Utc>,
    /// Whose own time is not counted.
    holder: Uuid,
}

impl Rooms {
    /// Those of a house over a range; what `holder` has is left out.
    pub(super) async fn of(
        conn: &mut Conn,
        now: DateTime<Utc>,
        (house, holder): (OrganisationId, Uuid),
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Self, DbError> {
        let open: Vec<LocationId> = on!(conn, |c| sqlx::query_scalar(OPEN).bind(house).fetch_all(c).await)?;
        let end = to + Duration::hours(INTERVAL_HOURS_MAX);
        let taken = calendar::busy_of(conn, open.iter().map(|room| room.0), from, end).await?;
        Ok(Self { open, taken, now, holder })
    }

    /// Whether the house has none that is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether one of them is free.
    pub(super) fn any_is_free(&self, time: Interval) -> bool {
        let has_lane = |taken: &TakenLanes| taken.has_lane(time, self.now, Some(self.holder));
        self.open.iter().any(|room| self.taken.get(&room.0).is_none_or(has_lane))
    }

    /// The slots at which one of them is free.
    pub(super) fn keep_free(&self, slots: &mut Vec<FreeSlot>) {
        slots.retain(|slot| Interval::new(slot.starts_at, slot.ends_at).is_ok_and(|time| self.any_is_free(time)));
    }
}

/// The doctor, the ids of the resident and of what is brought, and the house of a time that was not to be had.
pub(super) struct Around<'a> {
    pub(super) doctor: &'a Practitioner,
    pub(super) resident: &'a [Uuid],
    pub(super) house: OrganisationId,
    /// The holder whose own rooms count as free.
    pub(super) holder: Uuid,
    /// Whether it is for a consult that cannot wait.
    pub(super) is_stat: bool,
    pub(super) starts_at: DateTime<Utc>,
}

/// The nearest times at which doctor, resident and any room are free.
pub(super) async fn nearest(
    conn: &mut Conn,
    now: DateTime<Utc>,
    around: &Around<'_>,
) -> Result<Vec<FreeSlot>, DbError> {
    let wanted = around.starts_at;
    let (doctors, others) = (std::slice::from_ref(around.doctor), around.resident);
    let mut slots = Vec::new();
    for days in ALTERNATIVES_DAYS.map(Duration::days) {
        let (from, to) = (wanted - days, wanted + days);
        let is_stat = around.is_stat;
        let search = AvailabilitySearch { others, is_stat, ..AvailabilitySearch::of(doctors, from, to) };
        slots = search::free(conn, now, search).await?;
        Rooms::of(conn, now, (around.house, around.holder), (from, to)).await?.keep_free(&mut slots);
        if slots.len() >= ALTERNATIVES_MAX {
            break;
        }
    }
    Ok(search::nearest(slots, wanted))
}
