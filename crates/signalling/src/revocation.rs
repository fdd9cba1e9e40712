//! Tickets that their issuer takes back: kept as soon as the event is here, and told to the room.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

use crate::id::{ConsultId, PersonId};
use crate::room::Revocation;

const REMEMBER: &str = "insert into ticket_revocation (event_id, consult, ticket, person, revoked_at)
    values ($1, $2, $3, $4, $5) on conflict do nothing";
const OF_CONSULT: &str = "select ticket, person, revoked_at from ticket_revocation where consult = $1
    order by revoked_at limit $2";

/// How many revocations of one consult are read.
const REVOCATIONS_MAX: i64 = 1_024;
/// Touched by every revocation, with its consult.
pub(crate) const TOPIC: &str = "ticket_revocations";
/// The publisher's name for it.
const TICKET_REVOKED: &str = "booking.consult.ticket_revoked";

described! {
    /// The event, as far as the relay reads it.
    #[derive(Deserialize)]
    struct TicketRevoked {
        consult_id: ConsultId,
        /// One ticket, by its `jti`.
        #[serde(default)]
        ticket: Option<Uuid>,
        /// Every ticket of a person.
        #[serde(default)]
        person: Option<PersonId>,
    }
}

#[derive(sqlx_macros::FromRow)]
struct RevocationRow {
    ticket: Option<Uuid>,
    person: Option<PersonId>,
    revoked_at: DateTime<Utc>,
}

/// The events that are read from the booking side's log.
const KINDS: &[Reads] = &[reads::<TicketRevoked>(TICKET_REVOKED)];

/// Follows the booking side's log.
pub(crate) fn consumer(db: Db, clock: Clock) -> Consumer {
    Consumer {
        name: "signalling.revocations",
        publisher: "booking",
        kinds: KINDS,
        db,
        clock,
        handler: Arc::new(|tx, event| take(tx, event).boxed()),
    }
}

async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let TicketRevoked { consult_id, ticket, person } = event.read()?;
    if ticket.is_none() && person.is_none() {
        return Err(ConsumeError::Reject("neither a ticket nor a person is revoked".to_owned()));
    }
    on!(tx, |c| {
        let row = sqlx::query(REMEMBER).bind(event.event_id).bind(consult_id).bind(ticket).bind(person);
        row.bind(event.occurred_at).execute(c).await.map(drop)
    })?;
    tx.touch(TOPIC, consult_id);
    Ok(())
}

/// The revocations of a consult's tickets.
pub(crate) async fn of_consult(conn: &mut Conn, consult: ConsultId) -> Result<Vec<Revocation>, DbError> {
    let rows: Vec<RevocationRow> =
        on!(conn, |c| sqlx::query_as(OF_CONSULT).bind(consult).bind(REVOCATIONS_MAX).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|r| Revocation { ticket: r.ticket, person: r.person, at: r.revoked_at }).collect())
}
