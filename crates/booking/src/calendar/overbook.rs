//! One more in the time of a resource than it has places for, on purpose (加号); the word for it is the caller's to ask for.
//!
//! The places beyond the capacity are lanes like the others, so the database keeps them from being taken twice too. **Invariant.**
//! A booker without a word has no place beside somebody who has one beyond the capacity, though a place below it may be free
//! again: the time is taken, until that one leaves.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::on;
use serde::Deserialize;
use uuid::Uuid;

use super::take::all;
use super::{
    Booking, INTERVAL_HOURS_MAX, Interval, ReserveError, Terms, held, in_order, one_mover_at_a_time, release_one,
    take_one,
};

/// How many there are beside those for whom a resource has places, at any moment.
pub const BESIDE_MAX: i32 = 1;

const OWN_LANE: &str = "select lane from occupancy where resource_id = $1 and starts_at = $2 and ends_at = $3
    and holder_kind = $4 and (holder_id = $5 or holder_id = $6) and (expires_at is null or expires_at > $7)
    order by lane limit 1";
const IS_BEYOND: &str = "select count(*) from occupancy
    where resource_id = $1 and lane >= $2 and starts_at >= $3 and starts_at < $5 and ends_at > $4";
const HELD_OF: &str = "select holder_id as holder, lane, starts_at, ends_at from occupancy
    where resource_id = $1 and starts_at >= $2 and starts_at < $4 and ends_at > $3 and (expires_at is null or expires_at > $5)
    order by starts_at, lane";

/// How many a doctor has places for at one time: the first lane that is beyond. Only rooms and devices have more.
pub fn capacity(_doctor: Uuid) -> i32 {
    1
}

/// A time that somebody has of a resource, and the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, sqlx_macros::FromRow)]
pub struct HeldPlace {
    pub holder: Uuid,
    pub lane: i32,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
}

impl HeldPlace {
    /// Whether it shares a moment with a time.
    pub fn overlaps(&self, time: Interval) -> bool {
        self.starts_at < time.ends_at() && time.starts_at() < self.ends_at
    }

    /// Whether it is just this time.
    pub fn is(&self, time: Interval) -> bool {
        (self.starts_at, self.ends_at) == (time.starts_at(), time.ends_at())
    }
}

/// The resource of a booking that may have more than it has places for, and the lanes that it may take.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    pub resource: Uuid,
    first: i32,
    last: i32,
}

impl Beside {
    /// Any place, those beyond the capacity last.
    pub fn others(resource: Uuid) -> Self {
        Self { resource, first: 0, last: capacity(resource) + BESIDE_MAX - 1 }
    }

    /// The place that its holder has there already.
    pub fn kept(resource: Uuid, lane: i32) -> Self {
        Self { resource, first: lane, last: lane }
    }
}

/// Takes all that a booking needs, one resource of it in a lane that is free. What the givers have, holders of the same kind, is given
/// up. On an error part of it is done, so the caller drops the transaction.
pub async fn take(
    tx: &mut Tx,
    now: DateTime<Utc>,
    (booking, terms): (&Booking<'_>, Terms),
    beside: Beside,
    givers: &[Uuid],
) -> Result<(), ReserveError> {
    let of = |giver: &Uuid| Booking { holder_id: *giver, ..*booking };
    let mut touched = booking.resources.to_vec();
    for giver in givers {
        touched.extend(held(tx, &of(giver)).await?);
    }
    for resource in in_order(touched.into_iter()) {
        one_mover_at_a_time(tx, resource).await?;
        for giver in givers {
            release_one(tx, &of(giver), resource).await?;
        }
        if !booking.resources.contains(&resource) {
            continue;
        }
        if resource == beside.resource {
            take_lane(tx, now, (booking, terms), beside).await?;
        } else {
            all(tx, now, &Booking { resources: &[resource], ..*booking }, terms, &[]).await?;
        }
    }
    Ok(())
}

/// The lowest lane that is free.
async fn take_lane(
    tx: &mut Tx,
    now: DateTime<Utc>,
    wish: (&Booking<'_>, Terms),
    beside: Beside,
) -> Result<(), ReserveError> {
    for lane in beside.first..=beside.last {
        if take_one(tx, now, wish, beside.resource, lane).await? {
            return Ok(());
        }
    }
    Err(ReserveError::Full)
}

/// Whether anybody has a place of a resource beyond its capacity at a time.
pub async fn is_beyond(conn: &mut Conn, resource: Uuid, time: Interval) -> Result<bool, DbError> {
    let (from, to) = (time.starts_at(), time.ends_at());
    let count: i64 = on!(conn, |c| {
        let query = sqlx::query_scalar(IS_BEYOND).bind(resource).bind(capacity(resource));
        query.bind(from - Duration::hours(INTERVAL_HOURS_MAX)).bind(from).bind(to).fetch_one(c).await
    })?;
    Ok(count > 0)
}

/// The places of a resource that are taken between two moments, in order.
pub async fn held_of(
    conn: &mut Conn,
    now: DateTime<Utc>,
    resource: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<HeldPlace>, DbError> {
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    Ok(on!(conn, |c| {
        sqlx::query_as(HELD_OF).bind(resource).bind(earliest).bind(from).bind(to).bind(now).fetch_all(c).await
    })?)
}

/// A time of a resource that a holder, or a hold that goes over into it, wants without a word for more.
#[derive(Clone, Copy, Debug)]
pub struct OrdinaryTime {
    pub resource: Uuid,
    pub interval: Interval,
    /// The holder's kind.
    pub kind: &'static str,
    pub holder: Uuid,
    pub former: Option<Uuid>,
}

/// Refuses a time at which others have places beyond the capacity. One that the holder has already is kept, since the others came beside
/// it: then that place is given.
pub async fn require_alone(
    tx: &mut Tx,
    now: DateTime<Utc>,
    beyond: &[HeldPlace],
    wish: OrdinaryTime,
) -> Result<Option<Beside>, ReserveError> {
    let former = wish.former.unwrap_or(wish.holder);
    let own = |place: &HeldPlace| place.holder == wish.holder || place.holder == former;
    if !beyond.iter().any(|place| place.overlaps(wish.interval) && !own(place)) {
        return Ok(None);
    }
    let (from, to) = (wish.interval.starts_at(), wish.interval.ends_at());
    let lane: Option<i32> = on!(tx, |c| {
        let query = sqlx::query_scalar(OWN_LANE).bind(wish.resource).bind(from).bind(to).bind(wish.kind);
        query.bind(wish.holder).bind(former).bind(now).fetch_optional(c).await
    })
    .map_err(DbError::from)?;
    lane.map(|lane| Some(Beside::kept(wish.resource, lane))).ok_or(ReserveError::Taken)
}
