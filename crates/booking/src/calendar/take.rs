//! Taking all resources of a booking, or none, in as few ways to the database as there can be: of each its lowest free lane.
//!
//! `PostgreSQL` goes from resource to resource by itself, in a function of the schema: each is locked, given up, cleared of what has
//! expired and taken before the next one is touched, so that nobody waits for somebody who waits for them. Who finds that a lane was
//! taken at the same moment tries the next one. On `SQLite` there is one writer, who takes all by one statement.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::id::uuid_v7;
use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Booking, INTERVAL_HOURS_MAX, RELEASE, ReserveError, Terms, in_order};

const TAKE_POSTGRES: &str = "select occupancy_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
// The lowest lane that is free; where all are taken one of these, and the row is passed over. What has expired is not counted: it
// is taken away before the second try.
const TAKE_SQLITE: &str = "insert into occupancy
    (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
    select w.id, w.resource, (select case when count(*) = 0 then 0
            when count(distinct o.lane) >= coalesce((select c.capacity from resource_capacity c where c.resource_id = w.resource), 1)
                then min(o.lane)
            else (select min(f.lane) from (select 0 as lane union all select p.lane + 1 from occupancy p
                    where p.resource_id = w.resource and p.starts_at >= $7 and p.starts_at < $3 and p.ends_at > $2
                        and (p.expires_at is null or p.expires_at > $8)) f
                where f.lane not in (select q.lane from occupancy q
                    where q.resource_id = w.resource and q.starts_at >= $7 and q.starts_at < $3 and q.ends_at > $2
                        and (q.expires_at is null or q.expires_at > $8))) end
            from occupancy o where o.resource_id = w.resource and o.starts_at >= $7 and o.starts_at < $3 and o.ends_at > $2
                and (o.expires_at is null or o.expires_at > $8)), $2, $3, $4, $5, $6
    from (select unhex(e.value ->> 'id') as id, unhex(e.value ->> 'resource') as resource from json_each($1) e) w where true
    on conflict do nothing returning resource_id";
const FORGET_SQLITE: &str = "delete from occupancy where expires_at <= $2
    and resource_id in (select unhex(e.value ->> 'resource') from json_each($1) e)";
const GIVE_BACK_SQLITE: &str =
    "delete from occupancy where id in (select unhex(e.value ->> 'id') from json_each($1) e)";

/// The lowest that is free.
const ANY_LANE: Option<i32> = None;

/// A resource, and the id of the row by which it is taken, as SQLite reads it out of a JSON array.
#[derive(Serialize)]
struct Wish {
    id: String,
    resource: String,
}

/// Takes all resources; what `givers` have, holders of the same kind, is given up before. When one is taken, nothing of this is
/// left, but for what was given up.
pub(super) async fn all(
    tx: &mut Tx,
    now: DateTime<Utc>,
    booking: &Booking<'_>,
    terms: Terms,
    givers: &[Uuid],
) -> Result<(), ReserveError> {
    let resources = in_order(booking.resources.iter().copied());
    let took = match tx.engine() {
        Engine::Postgres(c) => {
            let ids: Vec<Uuid> = resources.iter().map(|_| uuid_v7(now)).collect();
            let query = sqlx::query_scalar(TAKE_POSTGRES).bind(&resources).bind(ids).bind(ANY_LANE);
            let query = query.bind(booking.interval.starts_at()).bind(booking.interval.ends_at());
            let query = query.bind(booking.holder_kind).bind(booking.holder_id).bind(terms.expires_at);
            query.bind(now).bind(givers).fetch_one(c).await.map_err(DbError::from)?
        }
        Engine::Sqlite(c) => embedded(c, now, &resources, (booking, terms), givers).await?,
    };
    if took { Ok(()) } else { Err(ReserveError::Taken) }
}

async fn embedded(
    c: &mut SqliteConnection,
    now: DateTime<Utc>,
    resources: &[Uuid],
    (booking, terms): (&Booking<'_>, Terms),
    givers: &[Uuid],
) -> Result<bool, DbError> {
    for giver in givers {
        sqlx::query(RELEASE).bind(booking.holder_kind).bind(giver).execute(&mut *c).await?;
    }
    let hex = |id: Uuid| id.simple().to_string();
    let wish = |of: &Uuid| Wish { id: hex(uuid_v7(now)), resource: hex(*of) };
    let all = Json(resources.iter().map(wish).collect::<Vec<_>>());
    let mut taken = insert(c, now, &all, (booking, terms)).await?;
    if taken.len() < resources.len() {
        // A hold that is over may be all that was in the way.
        let forgotten = sqlx::query(FORGET_SQLITE).bind(&all).bind(now).execute(&mut *c).await?.rows_affected();
        if forgotten > 0 {
            let missing = resources.iter().filter(|resource| !taken.contains(resource)).map(wish);
            let missing = Json(missing.collect::<Vec<_>>());
            taken.extend(insert(c, now, &missing, (booking, terms)).await?);
            if taken.len() < resources.len() {
                sqlx::query(GIVE_BACK_SQLITE).bind(&missing).execute(&mut *c).await?;
            }
        }
    }
    if taken.len() < resources.len() {
        sqlx::query(GIVE_BACK_SQLITE).bind(&all).execute(c).await?;
        return Ok(false);
    }
    Ok(true)
}

/// Takes what is free of these, and gives it.
async fn insert(
    c: &mut SqliteConnection,
    now: DateTime<Utc>,
    wishes: &Json<Vec<Wish>>,
    (booking, terms): (&Booking<'_>, Terms),
) -> Result<Vec<Uuid>, DbError> {
    let (from, to) = (booking.interval.starts_at(), booking.interval.ends_at());
    // No row is longer than the longest interval, so the index need not be read from its beginning.
    let earliest = from - Duration::hours(INTERVAL_HOURS_MAX);
    let query = sqlx::query_scalar(TAKE_SQLITE).bind(wishes).bind(from).bind(to);
    let query = query.bind(booking.holder_kind).bind(booking.holder_id).bind(terms.expires_at);
    Ok(query.bind(earliest).bind(now).fetch_all(c).await?)
}
