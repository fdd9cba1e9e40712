//! What happens to consults without anybody at a page: the relay's events, and time that passes.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Task;
use sanbao_platform::{described, on};
use serde::Deserialize;

use super::id::ConsultId;
use super::journal::{self, By};
use super::meeting;
use super::state::{StateName, Step};
use super::store;
use crate::App;

/// The relay saw both sides in the room.
const STARTED: &str = "signalling.consult.started";
/// Somebody ended the visit in the room.
pub(super) const FINISHED: &str = "signalling.consult.finished";
/// How often consults that nobody answered in time are looked for.
const EXPIRY_SECONDS: u64 = 60;

const OVERDUE: &str =
    "select id from consult where state in ('submitted', 'returned', 'accepted') and wanted_until <= $1
    order by wanted_until limit 100";

described! {
    /// What this part reads of the relay's events.
    #[derive(Debug, Deserialize)]
    struct Meeting {
        consult_id: ConsultId,
        at: DateTime<Utc>,
        /// How long both sides were there together.
        #[serde(default)]
        together_seconds: i64,
    }
}

/// What is read of the relay's log.
const KINDS: &[Reads] = &[
    reads::<Meeting>(STARTED),
    reads::<Meeting>(FINISHED),
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

/// What is told of the meeting is kept. A consult that is already further on stays where it is, so a late or
/// repeated event moves nothing.
async fn take(tx: &mut Tx, event: &Event, now: DateTime<Utc>) -> Result<(), ConsumeError> {
    let meeting: Meeting = event.read()?;
    let found = store::find(tx, meeting.consult_id).await?;
    let consult = found.ok_or_else(|| ConsumeError::Reject(format!("no consult {}", meeting.consult_id)))?;
    meeting::take(tx, event, &consult).await?;
    let step = match (event.kind.as_str(), consult.state.name()) {
        (STARTED, StateName::Scheduled) => Step::Start(meeting.at),
        (FINISHED, StateName::InSession) => Step::Finish(meeting.at),
        // Ended before both sides met, nothing was held: that can still come, or be recorded as a no-show.
        (FINISHED, StateName::Scheduled) if meeting.together_seconds > 0 => Step::Finish(meeting.at),
        _ => return Ok(()),
    };
    let event_id = event.event_id.to_string();
    let taken = journal::take(tx, By::House(&event_id, now), consult, step).await;
    taken.map(drop).map_err(|problem| ConsumeError::Retry(told(&problem)))
}

fn told(problem: &Problem) -> String {
    format!("{} {}", problem.kind().slug, problem.cause().unwrap_or_default())
}

/// Ends what nobody answered or booked within the wanted time.
pub(super) fn expiry(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    Box::new(move |stop| {
        async move {
            while !stop.is_cancelled() {
                if let Err(problem) = expire(&db, &clock).await {
                    tracing::error!(cause = told(&problem), "overdue consults were not ended; it is tried again");
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(EXPIRY_SECONDS)) => {}
                }
            }
        }
        .boxed()
    })
}

/// One round; the number of consults that ended.
pub async fn expire(db: &Db, clock: &Clock) -> Result<usize, Problem> {
    let now = clock.now();
    let mut conn = db.read().await?;
    let overdue: Vec<ConsultId> = on!(conn, |c| sqlx::query_scalar(OVERDUE).bind(now).fetch_all(c).await)?;
    drop(conn);
    let mut ended = 0;
    for id in overdue {
        let mut tx = db.begin().await?;
        let Some(consult) = store::find(&mut tx, id).await? else { continue };
        // Somebody may have acted since the list was read.
        let still = consult.wanted.1 <= now && consult.state.name().legal().contains(&"expire");
        if still && journal::take(&mut tx, By::House("expiry", now), consult, Step::Expire).await.is_ok() {
            tx.commit().await?;
            ended += 1;
        }
    }
    Ok(ended)
}
