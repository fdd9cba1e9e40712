//! The one calendar: the times at which doctors, residents, rooms and caregivers are taken.
//!
//! A resource is a plain id, taken for half-open intervals. It has one place, or as many [lanes](capacity) as it was given: each
//! booking is in the lowest lane that is free all the while. A resource is free where fewer lanes than it has
//! are taken, whichever they are. That no lane is taken twice is the database's promise (an exclusion constraint; on `SQLite` a
//! trigger), not this code's. A row that would overlap is passed over, and the code that inserts counts the rows. **Invariant.**
//! Resources are touched in the order of their ids, so that two bookers never wait for each other.

mod busy;
pub mod capacity;
pub mod changes;
mod interval;
mod later;
pub mod overbook;
mod take;
pub mod week;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::problem_kinds;
use uuid::Uuid;

pub use busy::{TakenLanes, TakenTime, busy, busy_of, ids};
pub use interval::{INTERVAL_HOURS_MAX, Interval, InvalidInterval};
pub use later::{Later, clashes, later};

problem_kinds! {
    SLOT_TAKEN = 409 "slot-taken" "这个时间已被占用，请另选时间" "This time is taken; choose another";
    CAPACITY_IN_USE = 409 "capacity-in-use" "已经约好的超过了这个数量，没有改动" "More is booked than that; nothing was changed";
    OVERBOOK_FULL = 409 "overbook-full" "这个时间已经加过号，不能再加，请另选时间" "One more was booked beside this time already; choose another";
}

/// A wish to take some resources for one interval.
#[derive(Clone, Copy, Debug)]
pub struct Booking<'a> {
    /// The kind of thing that holds them: `consult` or `visit`.
    pub holder_kind: &'static str,
    /// The holder's id, such as a consult's.
    pub holder_id: Uuid,
    /// All that must be free.
    pub resources: &'a [Uuid],
    /// The half-open time, in UTC.
    pub interval: Interval,
}

/// How a booking stands, beside what and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// A hold ends by itself then; `None` stays.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why nothing was booked.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// At least one resource is taken for part of the interval.
    #[error("taken")]
    Taken,
    /// As many as may be are booked beside those for whom there are places.
    #[error("overbooked already")]
    Full,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ReserveError> for Problem {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Taken => Self::new(&SLOT_TAKEN),
            ReserveError::Full => Self::new(&OVERBOOK_FULL),
            ReserveError::Db(error) => error.into(),
        }
    }
}

const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727003, hashtext($1))";
const FORGET_EXPIRED: &str = "delete from occupancy where resource_id = $1 and expires_at <= $2";
const FORGET_ALL_SQLITE: &str = "delete from occupancy where id in (select id from occupancy
    where expires_at is not null and expires_at <= $1 limit $2)";
// A row that a booker is at is left to the booker: neither waits for the other.
const FORGET_ALL_POSTGRES: &str = "delete from occupancy where id in (select id from occupancy
    where expires_at is not null and expires_at <= $1 limit $2 for update skip locked)";
const TAKE: &str =
    "insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
const RELEASE: &str = "delete from occupancy where holder_kind = $1 and holder_id = $2";
const RELEASE_ONE: &str = "delete from occupancy where holder_kind = $1 and holder_id = $2 and resource_id = $3";
const HELD: &str = "select distinct resource_id from occupancy where holder_kind = $1 and holder_id = $2";
/// Takes all resources of `booking`, or none of them.
pub async fn reserve(tx: &mut Tx, now: DateTime<Utc>, booking: &Booking<'_>) -> Result<(), ReserveError> {
    reserve_with(tx, now, booking, Terms::default()).await
}

/// As [`reserve`], or as a hold that ends by itself.
pub async fn reserve_with(
    tx: &mut Tx,
    now: DateTime<Utc>,
    booking: &Booking<'_>,
    terms: Terms,
) -> Result<(), ReserveError> {
    take::all(tx, now, booking, terms, &[]).await
}

/// Moves all that a holder has to `booking`. On [`ReserveError::Taken`] part of the old time is given up already, so
/// the caller drops the transaction: then the old time is kept.
pub async fn relocate(tx: &mut Tx, now: DateTime<Utc>, booking: &Booking<'_>) -> Result<(), ReserveError> {
    relocate_with(tx, now, booking, Terms::default(), None).await
}

/// As [`relocate`], or as a hold that ends by itself; what `former` has, a holder of the same kind, goes over to the new one or
/// is given up.
pub async fn relocate_with(
    tx: &mut Tx,
    now: DateTime<Utc>,
    booking: &Booking<'_>,
    terms: Terms,
    former: Option<Uuid>,
) -> Result<(), ReserveError> {
    let givers: Vec<Uuid> = std::iter::once(booking.holder_id).chain(former).collect();
    take::all(tx, now, booking, terms, &givers).await
}

/// Gives both holders what their bookings say, in the place of all that they have. On [`ReserveError::Taken`] part of it
/// is given up already, so the caller drops the transaction: then both keep what they had.
pub async fn exchange(tx: &mut Tx, now: DateTime<Utc>, pair: [&Booking<'_>; 2]) -> Result<(), ReserveError> {
    let mut all: Vec<Uuid> = pair.iter().flat_map(|booking| booking.resources).copied().collect();
    for booking in pair {
        all.extend(held(tx, booking).await?);
    }
    let all = in_order(all.into_iter());
    for resource in &all {
        one_mover_at_a_time(tx, *resource).await?;
    }
    for resource in all {
        for booking in pair {
            release_one(tx, booking, resource).await?;
        }
        for booking in pair.into_iter().filter(|booking| booking.resources.contains(&resource)) {
            take::all(tx, now, &Booking { resources: &[resource], ..*booking }, Terms::default(), &[]).await?;
        }
    }
    Ok(())
}

async fn held(tx: &mut Tx, booking: &Booking<'_>) -> Result<Vec<Uuid>, DbError> {
    let (kind, holder) = (booking.holder_kind, booking.holder_id);
    Ok(on!(tx, |c| sqlx::query_scalar(HELD).bind(kind).bind(holder).fetch_all(c).await)?)
}

async fn release_one(tx: &mut Tx, booking: &Booking<'_>, resource: Uuid) -> Result<(), DbError> {
    let (kind, holder) = (booking.holder_kind, booking.holder_id);
    Ok(on!(tx, |c| sqlx::query(RELEASE_ONE).bind(kind).bind(holder).bind(resource).execute(c).await.map(drop))?)
}

/// Two movers who want each other's time on one resource would wait for each other; on `SQLite`
/// there is one writer anyway.
async fn one_mover_at_a_time(tx: &mut Tx, resource: Uuid) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(resource.to_string()).execute(c).await?;
    }
    Ok(())
}

fn in_order(resources: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ordered: Vec<Uuid> = resources.collect();
    ordered.sort_unstable();
    ordered.dedup();
    ordered
}

/// Takes one lane of a resource; `false` when it is taken.
async fn take_one(
    tx: &mut Tx,
    now: DateTime<Utc>,
    (booking, terms): (&Booking<'_>, Terms),
    resource: Uuid,
    lane: i32,
) -> Result<bool, DbError> {
    forget_expired(tx, now, resource).await?;
    let rows = on!(tx, |c| {
        let row = sqlx::query(TAKE).bind(uuid_v7(now)).bind(resource).bind(lane);
        let row = row.bind(booking.interval.starts_at()).bind(booking.interval.ends_at());
        let row = row.bind(booking.holder_kind).bind(booking.holder_id).bind(terms.expires_at);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives up all that a holder has taken; the number of rows that were its.
pub async fn release(tx: &mut Tx, holder_kind: &'static str, holder_id: Uuid) -> Result<u64, DbError> {
    Ok(on!(tx, |c| sqlx::query(RELEASE).bind(holder_kind).bind(holder_id).execute(c).await.map(|r| r.rows_affected()))?)
}

/// Takes what has ended by itself out of a resource's way.
pub async fn forget_expired(tx: &mut Tx, now: DateTime<Utc>, resource: Uuid) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(FORGET_EXPIRED).bind(resource).bind(now).execute(c).await.map(drop))?)
}

/// Takes out what has ended by itself, of all resources; the number of rows, at most `limit`.
pub async fn forget_all_expired(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let statement = match tx.engine() {
        Engine::Sqlite(_) => FORGET_ALL_SQLITE,
        Engine::Postgres(_) => FORGET_ALL_POSTGRES,
    };
    Ok(on!(tx, |c| sqlx::query(statement).bind(now).bind(limit).execute(c).await.map(|r| r.rows_affected()))?)
}

fn stored(resource: Uuid, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Result<Interval, DbError> {
    Interval::new(starts_at, ends_at).map_err(|cause| DbError::BadRow {
        table: "occupancy",
        column: "ends_at",
        row: resource.to_string(),
        cause: cause.to_string(),
    })
}
