//! The people on whose records a legal hold stands: nothing of them is taken away. Booking keeps the holds and tells of them.

use sanbao_platform::bus::{ConsumeError, Event, Reads, reads};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

/// A hold stands on somebody's record.
pub(super) const HELD: &str = "booking.person.held";
/// None stands any more.
pub(super) const RELEASED: &str = "booking.person.released";

/// The events that are read of it.
pub(super) const KINDS: [Reads; 2] = [reads::<PersonHeld>(HELD), reads::<PersonHeld>(RELEASED)];

const HOLD: &str = "insert into held_subject (person_id, subject) values ($1, $2) on conflict do nothing";
const RELEASE: &str = "delete from held_subject where person_id = $1";

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct PersonHeld {
        person_id: Uuid,
        /// The requests of visits to the person, which may not name the person here.
        requests: Vec<Uuid>,
    }
}

/// Remembers a hold, or that none stands. Told twice, it changes nothing.
pub(super) async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
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
