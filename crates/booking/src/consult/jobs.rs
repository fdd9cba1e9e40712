//! The changes that time alone makes to consults: what nobody answers in the wanted time ends.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::lifecycle::{By, Lifecycle as _, advance};
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Task;

use super::booking::HOLDER;
pub use super::draft::jobs::forget as forget_drafts;
pub use super::hold::jobs::forget as forget_holds;
use super::id::ConsultId;
use super::model::Consult;
use super::state::{ConsultStateName, ConsultStep, ConsultStepName};
use super::store;
use crate::App;

/// How often consults that nobody answered in time are looked for.
const EXPIRY_SECONDS: u64 = 60;

/// How often the free times in memory are brought up to date when nobody searches: a search after a longer pause would read all.
const FREE_TIMES_SECONDS: u64 = 60;

// A program of before holds, which is stopped while this one goes on, answers an invitation and leaves its time held.
const ABANDONED: &str = "delete from occupancy where expires_at is not null and holder_kind = $1
    and holder_id in (select id from consult where state <> 'submitted')";

/// Days for which a returned consult waits for what is missing, even when the wanted time is over: what is booked at once may be returned
/// a minute before it begins, and nobody finds papers in that time; a weekend may lie between.
const RETURNED_DAYS: i64 = 3;

const OVERDUE: &str = "select id from consult where state in ('submitted', 'returned', 'accepted')
    and wanted_until <= $1 and (state <> 'returned' or state_since <= $2) order by wanted_until limit 100";

/// Ends what nobody answered or booked within the wanted time, and takes out the times that are held no more.
pub(super) fn expiry(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    Box::new(move |stop| {
        async move {
            while !stop.is_cancelled() {
                let forgotten = forget_holds(&db, &clock).await.map(drop).and(release_abandoned(&db).await);
                if let Err(error) = forgotten {
                    tracing::error!(%error, "times held no more were not taken out; it is tried again");
                }
                if let Err(error) = forget_drafts(&db, &clock).await {
                    tracing::error!(%error, "drafts that nobody goes on with were not discarded; it is tried again");
                }
                if let Err(problem) = expire(&db, &clock).await {
                    tracing::error!(
                        cause = format!("{} {}", problem.kind().slug, problem.cause().unwrap_or_default()),
                        "overdue consults were not ended; it is tried again"
                    );
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

/// Keeps the free times of all doctors in memory, from the start on.
pub(super) fn free_times(app: &App) -> Task {
    let (db, clock, index) = (app.deps.db.clone(), app.deps.clock.clone(), Arc::clone(&app.free_times));
    Box::new(move |stop| {
        async move {
            while !stop.is_cancelled() {
                if let Err(error) = index.keep(&db, clock.now()).await {
                    tracing::error!(%error, "free times were not read; a search reads them by itself");
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(FREE_TIMES_SECONDS)) => {}
                }
            }
        }
        .boxed()
    })
}

/// Gives up the times of invitations that wait for no answer.
async fn release_abandoned(db: &Db) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on!(tx, |c| sqlx::query(ABANDONED).bind(HOLDER).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Whether the wanted time is over, and that for which a returned one waits in any case.
fn is_overdue(consult: &Consult, now: DateTime<Utc>) -> bool {
    let is_returned = consult.state.name() == ConsultStateName::Returned;
    let waits = is_returned && consult.state_since > now - TimeDelta::days(RETURNED_DAYS);
    consult.wanted.1 <= now && !waits
}

/// One round; the number of consults that ended.
pub async fn expire(db: &Db, clock: &Clock) -> Result<usize, Problem> {
    let now = clock.now();
    let mut conn = db.read().await?;
    let returned_by = now - TimeDelta::days(RETURNED_DAYS);
    let overdue: Vec<ConsultId> =
        on!(conn, |c| sqlx::query_scalar(OVERDUE).bind(now).bind(returned_by).fetch_all(c).await)?;
    drop(conn);
    let mut ended = 0;
    for id in overdue {
        let mut tx = db.begin().await?;
        let Some(consult) = store::find(&mut tx, id).await? else { continue };
        // Somebody may have acted since the list was read.
        let still = is_overdue(&consult, now) && consult.legal().contains(&ConsultStepName::Expire);
        let by = By::Automatic { cause: "expiry", at: now, actor: None };
        if still && advance(&mut tx, &by, consult, ConsultStep::Expire).await.is_ok() {
            tx.commit().await?;
            ended += 1;
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consult::state::tests::state;

    #[test]
    fn the_statement_looks_for_those_states_that_expire() {
        let expires = |name: &&ConsultStateName| {
            sanbao_platform::lifecycle::State::legal(&state(**name)).contains(&ConsultStepName::Expire)
        };
        let names: Vec<String> = ConsultStateName::ALL.iter().filter(expires).map(|n| format!("'{n}'")).collect();
        assert!(OVERDUE.contains(&format!(" state in ({})", names.join(", "))), "{names:?}");
    }
}
