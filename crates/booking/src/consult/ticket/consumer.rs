//! Tickets go with the log-in that they were given to, and with the rights of their account.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::auth::ended::{KINDS, RightsLost, SESSION_ENDED, SessionEnded};
use sanbao_platform::bus::{ConsumeError, Consumer, Event};
use sanbao_platform::db::Tx;

use super::issued;
use crate::App;

/// Follows this service's own log, because accounts know nothing of consults.
pub fn consumer(app: &App) -> Consumer {
    let clock = app.deps.clock.clone();
    Consumer {
        name: "booking-tickets",
        publisher: crate::NAME,
        kinds: KINDS,
        db: app.deps.db.clone(),
        clock: clock.clone(),
        handler: Arc::new(move |tx, event| take(tx, event, clock.now()).boxed()),
    }
}

async fn take(tx: &mut Tx, event: &Event, now: DateTime<Utc>) -> Result<(), ConsumeError> {
    if event.kind == SESSION_ENDED.name {
        let SessionEnded { session_id, .. } = event.read()?;
        issued::revoke_of_session(tx, session_id, now).await?;
    } else {
        let RightsLost { account_id, .. } = event.read()?;
        issued::revoke_of_account(tx, account_id.0, event.occurred_at, now).await?;
    }
    Ok(())
}
