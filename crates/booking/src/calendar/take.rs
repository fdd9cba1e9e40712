//! Taking all resources of a booking, or none, in as few ways to the database as there can be.
//!
//! `PostgreSQL` goes from resource to resource by itself, in a function of the schema: each is locked, given up, cleared of what has
//! expired and taken before the next one is touched, so that nobody waits for somebody who waits for them. On `SQLite` there is
//! one writer, who takes all by one statement.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::id::uuid_v7;
use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Booking, RELEASE, ReserveError, Terms, in_order};

const TAKE_POSTGRES: &str = "select occupancy_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const TAKE_SQLITE: &str = "insert into occupancy
    (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
    select unhex(e.value ->> 'id'), unhex(e.value ->> 'resource'), $2, $3, $4, $5, $6, $7 from json_each($1) e where true
    on conflict do nothing returning resource_id";
const FORGET_SQLITE: &str = "delete from occupancy where expires_at <= $2
    and resource_id in (select unhex(e.value ->> 'resource') from json_each($1) e)";
const GIVE_BACK_SQLITE: &str =
    "delete from occupancy where id in (select unhex(e.value ->> 'id') from json_each($1) e)";

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
            let query = sqlx::query_scalar(TAKE_POSTGRES).bind(&resources).bind(ids).bind(terms.lane);
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
    let mut taken = insert(c, &all, booking, terms).await?;
    if taken.len() < resources.len() {
        // A hold that is over may be all that was in the way.
        let forgotten = sqlx::query(FORGET_SQLITE).bind(&all).bind(now).execute(&mut *c).await?.rows_affected();
        if forgotten > 0 {
            let missing = resources.iter().filter(|resource| !taken.contains(resource)).map(wish);
            let missing = Json(missing.collect::<Vec<_>>());
            taken.extend(insert(c, &missing, booking, terms).await?);
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
    wishes: &Json<Vec<Wish>>,
    booking: &Booking<'_>,
    terms: Terms,
) -> Result<Vec<Uuid>, DbError> {
    let query = sqlx::query_scalar(TAKE_SQLITE).bind(wishes).bind(terms.lane);
    let query = query.bind(booking.interval.starts_at()).bind(booking.interval.ends_at());
    let query = query.bind(booking.holder_kind).bind(booking.holder_id).bind(terms.expires_at);
    Ok(query.fetch_all(c).await?)
}
