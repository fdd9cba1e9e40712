//! The people on whose records a legal hold stands: nothing of them is taken away. Booking keeps the holds and tells of them.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{ConsumeError, Event, Reads, reads};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

/// A hold stands on somebody's record.
const HELD: &str = "booking.person.held";
/// None stands any more.
const RELEASED: &str = "booking.person.released";
/// Every hold was told.
const ALL_TOLD: &str = "booking.person.holds_told";

/// The events that are read of it.
pub(super) const KINDS: &[Reads] =
    &[reads::<PersonHeld>(HELD), reads::<PersonHeld>(RELEASED), reads::<HoldsTold>(ALL_TOLD)];

const HOLD: &str = "insert into held_subject (person_id, subject) values ($1, $2) on conflict do nothing";
const RELEASE: &str = "delete from held_subject where person_id = $1";
const HELD_HERE: &str = "select count(*) from held_subject where subject = person_id";
const HEAR: &str = "insert into holds_heard (id, at) values (1, $1) on conflict (id) do update set at = excluded.at";
const UNHEAR: &str = "delete from holds_heard";

/// Counts what was heard since `$1` of all holds.
pub(super) const HEARD: &str = "select count(*) from holds_heard where at > $1";

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct PersonHeld {
        person_id: Uuid,
        /// The requests of visits to the person, which may not name the person here.
        requests: Vec<Uuid>,
    }
}

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct HoldsTold {
        /// How many records are held.
        standing: i64,
        at: DateTime<Utc>,
    }
}

/// Remembers whether as many are held here as booking knows: one of whom nothing was heard would be taken away.
async fn compare(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let HoldsTold { standing, at } = event.read()?;
    let here: i64 = on!(tx, |c| sqlx::query_scalar(HELD_HERE).fetch_one(c).await).map_err(DbError::from)?;
    if here == standing {
        on!(tx, |c| sqlx::query(HEAR).bind(at).execute(c).await.map(drop)).map_err(DbError::from)?;
    } else {
        tracing::warn!(here, standing, "not every hold is known here: nothing is taken away until it is");
        on!(tx, |c| sqlx::query(UNHEAR).execute(c).await.map(drop)).map_err(DbError::from)?;
    }
    Ok(())
}

/// Remembers a hold, or that none stands. Told twice, it changes nothing.
pub(super) async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    if event.kind == ALL_TOLD {
        return compare(tx, event).await;
    }
    let PersonHeld { person_id: person, requests } = event.read()?;
    if event.kind == RELEASED {
        on!(tx, |c| sqlx::query(RELEASE).bind(person).execute(c).await.map(drop)).map_err(DbError::from)?;
        return Ok(());
    }
    for subject in [person].into_iter().chain(requests) {
        on!(tx, |c| sqlx::query(HOLD).bind(person).bind(subject).execute(c).await.map(drop)).map_err(DbError::from)?;
    }
    Ok(())
}
