//! The effect of a person's record leading on to another, because the two were of one person or because somebody was handed
//! over: requests of the one are the other's. A join can be undone, a move cannot.

use sanbao_platform::bus::{ConsumeError, Event, Reads, reads};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

/// Two records were made one.
pub(super) const JOINED: &str = "booking.person.joined";
/// They were made two again.
pub(super) const SEPARATED: &str = "booking.person.separated";

/// Somebody was handed over: the record of those who had the person leads on to that of those who have.
pub(super) const MOVED: &str = "booking.person.moved";

/// The events that are read of it.
pub(super) const KINDS: [Reads; 3] =
    [reads::<PersonsJoined>(JOINED), reads::<PersonsJoined>(SEPARATED), reads::<PersonsJoined>(MOVED)];

const NOTE: &str = "insert into request_moved (request_id, from_person, to_person)
    select id, $1, $2 from request where person_id = $1 on conflict do nothing";
// The version grows: a step that was read before may not write the old person over this.
const MOVE: &str = "update request set person_id = $2, version = version + 1 where person_id = $1";
const LEAD_ON: &str = "update elder set merged_into = $2 where person_id = $1";
const BACK: &str = "update request set person_id = $1, version = version + 1 where person_id = $2
    and id in (select request_id from request_moved where from_person = $1 and to_person = $2)";
const FORGET: &str = "delete from request_moved where from_person = $1 and to_person = $2";
const LEAD_NO_MORE: &str = "update elder set merged_into = null where person_id = $1 and merged_into = $2";

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct PersonsJoined {
        /// The record that survives, or that of those who have the person now.
        person_id: Uuid,
        other_id: Uuid,
    }
}

/// Moves the requests of the one to the other, or back. Told twice, it changes nothing.
pub(super) async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let PersonsJoined { person_id, other_id } = event.read()?;
    let statements = if event.kind == SEPARATED { [BACK, FORGET, LEAD_NO_MORE] } else { [NOTE, MOVE, LEAD_ON] };
    for statement in statements {
        on!(tx, |c| sqlx::query(statement).bind(other_id).bind(person_id).execute(c).await.map(drop))
            .map_err(DbError::from)?;
    }
    Ok(())
}
