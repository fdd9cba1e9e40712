//! The events by which the issuer of tokens tells of ends, and how every other service takes them.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Ending, record};
use crate::bus::{ConsumeError, Consumer, Event, EventKind, Reads, reads};
use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::described;
use crate::id::SubjectId;

/// The service that issues tokens.
const ISSUER: &str = "booking";

described! {
    /// The data of `booking.session.ended`.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct SessionEnded {
        /// The log-in (`sid` of its tokens).
        pub session_id: Uuid,
        pub account_id: SubjectId,
    }
}

described! {
    /// The data of `booking.account.rights_lost`.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct RightsLost {
        pub account_id: SubjectId,
        /// Tokens of an earlier version of the account count no more.
        pub version: i64,
    }
}

/// A log-in has ended.
pub const SESSION_ENDED: EventKind<SessionEnded> = EventKind::new(
    "booking.session.ended",
    1,
    "A log-in has ended: its tokens, streams and room tickets are good no more.",
);
/// An account has fewer rights than before.
pub const RIGHTS_LOST: EventKind<RightsLost> =
    EventKind::new("booking.account.rights_lost", 1, "A role or an area was taken from an account.");

/// The events that are read from the issuer's log.
pub const KINDS: &[Reads] = &[reads::<SessionEnded>(SESSION_ENDED.name), reads::<RightsLost>(RIGHTS_LOST.name)];

/// Follows the issuer's log into the database of another service.
pub fn consumer(name: &'static str, db: Db, clock: Clock) -> Consumer {
    let now = clock.clone();
    let handler: crate::bus::Handler = Arc::new(move |tx, event| take(tx, event, now.clone()).boxed());
    Consumer { name, publisher: ISSUER, kinds: KINDS, db, clock, handler }
}

async fn take(tx: &mut Tx, event: &Event, clock: Clock) -> Result<(), ConsumeError> {
    let ending = if event.kind == SESSION_ENDED.name {
        Ending::Session(event.read::<SessionEnded>()?.session_id)
    } else {
        let RightsLost { account_id, version } = event.read()?;
        Ending::Rights { account: account_id, version }
    };
    Ok(record(tx, ending, clock.now()).await?)
}
