//! The relay's events about a meeting: it began, it ended, and what it was like.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::described;
use sanbao_platform::lifecycle::{By, advance};
use serde::Deserialize;

use super::id::ConsultId;
use super::meeting::{self, FINISHED};
use super::model::Consult;
use super::state::{ConsultStateName, ConsultStep};
use super::store;
use super::ticket::window;
use crate::App;

/// The relay saw both sides in the room.
const STARTED: &str = "signalling.consult.started";
described! {
    /// The fields of the relay's events that this part reads.
    #[derive(Debug, Deserialize)]
    struct Meeting {
        consult_id: ConsultId,
        at: DateTime<Utc>,
        /// How long both sides were there together.
        #[serde(default)]
        together_seconds: i64,
    }
}

/// The events that are read from the relay's log.
const KINDS: &[Reads] = &[
    reads::<Meeting>(STARTED),
    reads::<Meeting>(FINISHED),
    reads::<Meeting>(meeting::ATTENDANCE),
    reads::<meeting::Finished>(FINISHED),
    reads::<meeting::Attended>(meeting::ATTENDANCE),
    reads::<meeting::Call>(meeting::ESCALATED),
    reads::<meeting::WaitOver>(meeting::WAIT_OVER),
    reads::<meeting::Quality>(meeting::QUALITY),
    reads::<meeting::Checked>(meeting::PRECHECK),
];

/// Follows the relay.
pub(super) fn consumer(app: &App) -> Consumer {
    let clock = app.deps.clock.clone();
    Consumer {
        name: "booking-consults",
        publisher: "signalling",
        kinds: KINDS,
        db: app.deps.db.clone(),
        clock: clock.clone(),
        handler: Arc::new(move |tx, event| take(tx, event, clock.now()).boxed()),
    }
}

/// Whether a booked meeting is said to have begun or ended before its room opens: people who met by tickets of another
/// time do not begin it.
fn early(event: &Event, consult: &Consult, at: DateTime<Utc>) -> bool {
    let moves = matches!(event.kind.as_str(), STARTED | FINISHED | meeting::ATTENDANCE);
    let opens = consult.state.appointment().map(|booked| window(booked).0);
    moves && consult.state.name() == ConsultStateName::Scheduled && opens.is_some_and(|opens| at < opens)
}

/// The relay's account of the meeting is kept. A consult that is already further on stays where it is, so a late or
/// repeated event moves nothing.
async fn take(tx: &mut Tx, event: &Event, now: DateTime<Utc>) -> Result<(), ConsumeError> {
    let meeting: Meeting = event.read()?;
    let found = store::find(tx, meeting.consult_id).await?;
    let consult = found.ok_or_else(|| ConsumeError::Reject(format!("no consult {}", meeting.consult_id)))?;
    meeting::take(tx, event, &consult).await?;
    if early(event, &consult, meeting.at) {
        if event.kind != meeting::ATTENDANCE {
            tracing::warn!(consult = %consult.id, kind = %event.kind, "a meeting outside its room's hours was passed over");
        }
        return Ok(());
    }
    let step = match (event.kind.as_str(), consult.state.name()) {
        // The relay says once that both sides met. Where that was for another time, this one begins when both are there again.
        (meeting::ATTENDANCE, ConsultStateName::Scheduled) if meeting::is_met(tx, &consult).await? => {
            ConsultStep::Start(meeting.at)
        }
        (STARTED, ConsultStateName::Scheduled) => ConsultStep::Start(meeting.at),
        (FINISHED, ConsultStateName::InSession) => ConsultStep::Finish(meeting.at),
        // Ended before both sides met, nothing was held: that can still come, or be recorded as a no-show.
        (FINISHED, ConsultStateName::Scheduled) if meeting.together_seconds > 0 => ConsultStep::Finish(meeting.at),
        _ => return Ok(()),
    };
    let cause = event.event_id.to_string();
    let by = By::Automatic { cause: &cause, at: now, actor: None };
    advance(tx, &by, consult, step).await?;
    Ok(())
}
