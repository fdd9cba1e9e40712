//! Taking away what is kept no longer, bounded in each step.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{self, Claim, Outcome, Run};
use super::{Period, Periods, RetentionClass};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, Tx};
use crate::on;
use crate::service::Task;

/// Things that are looked for at a time.
const BATCH_MAX: i64 = 100;
/// Things that one run takes away at most; the next one goes on.
const REMOVED_MAX: u64 = 50_000;
/// Things that could not be taken away before a run gives up.
const FAILED_MAX: u64 = 20;
/// How long others may write between two batches.
const BATCH_PAUSE_MS: u64 = 50;
/// How often is looked whether a day has passed since the last run.
const INTERVAL_SECONDS: u64 = 3_600;
/// A run that is younger is of today.
const DAY: TimeDelta = TimeDelta::hours(23);
/// Things that should have gone before so many days are overdue.
const OVERDUE_DAYS: i64 = 2;

/// Why a process that began with a clock that is not believed takes nothing away.
const DOUBTED: &str = "at the start the clock was more than 7 days ahead of everything that was written";

const AUDIT_OLDEST: &str = "select occurred_at from audit where position is not null order by position limit 1";
const AUDIT_PRUNED: &str = "select pruned_at from audit_pruning where id = 1";

/// The moments of a run.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub now: DateTime<Utc>,
    /// Things whose clock began at or before it go.
    pub before: DateTime<Utc>,
}

/// Takes one thing out, whole, if its time is over still; `false` when it is not, or when it is gone.
pub type Take = Arc<dyn for<'a> Fn(&'a mut Tx, Uuid, Bound) -> BoxFuture<'a, Result<bool, DbError>> + Send + Sync>;

/// One kind of thing that goes when its time is over.
#[derive(Clone)]
pub struct Disposal {
    pub class: RetentionClass,
    /// Selects the ids and clocks of those whose time is over, that are not open, and that nobody holds, by clock and id: at or
    /// before `$1`, behind the clock `$2` and the id `$3`, `$4` at most.
    pub due: &'static str,
    /// Selects the clock of the oldest that is kept.
    pub oldest: &'static str,
    pub take: Take,
}

impl fmt::Debug for Disposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disposal({})", self.class.as_str())
    }
}

/// Takes things away from one service's database.
#[derive(Clone, Debug)]
pub struct Disposer {
    pub service: &'static str,
    pub db: Db,
    pub clock: Clock,
    pub periods: Periods,
    pub disposals: Vec<Disposal>,
    /// Counts what was told since `$1` of all legal holds, where another service keeps them: without it nothing goes.
    pub told: Option<&'static str>,
    /// Whether somebody vouches for the clock, however far ahead of everything it is.
    pub clock_is_right: bool,
}

/// How a class stands in a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub class: RetentionClass,
    pub period: Period,
    /// The clock of the oldest thing that is kept.
    pub oldest: Option<DateTime<Utc>>,
    /// Whether something is there that should have gone days ago.
    pub is_overdue: bool,
    /// The last run.
    pub last: Option<Run>,
    /// When the last run began that has taken everything.
    pub last_done: Option<DateTime<Utc>>,
}

/// How many things of a class a run would take away, by the year in which their clocks began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub class: RetentionClass,
    pub period: Period,
    pub years: BTreeMap<i32, u64>,
}

/// Why a batch is the last one of a run.
enum End {
    Done,
    Stopped,
}

impl Disposal {
    async fn due(
        &self,
        conn: &mut Conn,
        before: DateTime<Utc>,
        after: (DateTime<Utc>, Uuid),
        max: i64,
    ) -> Result<Vec<(Uuid, DateTime<Utc>)>, DbError> {
        Ok(on!(conn, |c| {
            let due = sqlx::query_as(self.due).bind(before).bind(after.0).bind(after.1).bind(max);
            due.fetch_all(c).await
        })?)
    }
}

impl Disposer {
    /// Takes away everything whose time is over, or until `stop`; the runs that were made. A class that another process is at is
    /// left to it, and one that fails keeps none of the others. Nothing goes while there is a refusal.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Vec<Run>, DbError> {
        if self.is_refused().await? {
            return Ok(Vec::new());
        }
        let (mut runs, mut fault) = (Vec::new(), None);
        for disposal in &self.disposals {
            match self.dispose(disposal, stop).await {
                Ok(run) => runs.extend(run),
                Err(error) => {
                    fault.get_or_insert(error);
                }
            }
        }
        fault.map_or(Ok(runs), Err)
    }

    async fn is_refused(&self) -> Result<bool, DbError> {
        let refusal = self.refusal().await?;
        if let Some(refusal) = refusal {
            tracing::warn!(service = self.service, %refusal, "nothing is taken away");
        }
        Ok(refusal.is_some())
    }

    /// The same without an end before the end.
    pub async fn run_now(&self) -> Result<Vec<Run>, DbError> {
        self.run(&CancellationToken::new()).await
    }

    /// The same for the classes that were not looked through in the last day.
    async fn run_daily(&self, stop: &CancellationToken) -> Result<(), DbError> {
        if self.is_refused().await? {
            return Ok(());
        }
        let mut fault = None;
        for disposal in &self.disposals {
            if let Err(error) = self.dispose_daily(disposal, stop).await {
                fault.get_or_insert(error);
            }
        }
        fault.map_or(Ok(()), Err)
    }

    async fn dispose_daily(&self, disposal: &Disposal, stop: &CancellationToken) -> Result<(), DbError> {
        let now = self.clock.now();
        let last = store::last_done(&mut self.db.read().await?, disposal.class, now).await?;
        let is_done = last.is_some_and(|last| now - last < DAY);
        if !is_done && !stop.is_cancelled() {
            self.dispose(disposal, stop).await?;
        }
        Ok(())
    }

    async fn dispose(&self, disposal: &Disposal, stop: &CancellationToken) -> Result<Option<Run>, DbError> {
        let (class, period, now) = (disposal.class, self.periods.of(disposal.class), self.clock.now());
        let (Period::Years(years) | Period::Days(years)) = period;
        let claim = store::claim_of(class, years, period.since(now), now);
        let mut tx = self.db.begin().await?;
        if !store::claim(&mut tx, &claim).await? {
            return Ok(None);
        }
        tx.commit().await?;
        let ended = self.all_batches(disposal, &claim, stop).await;
        let outcome = match &ended {
            Ok(End::Done) => Outcome::Done,
            Ok(End::Stopped) => Outcome::Stopped,
            Err(_) => Outcome::Failed,
        };
        let mut tx = self.db.begin().await?;
        store::finish(&mut tx, &claim, outcome, self.clock.now()).await?;
        let run = store::of(&mut tx, &claim).await?;
        tx.commit().await?;
        let removed = run.as_ref().map_or(0, |run| run.removed);
        tracing::info!(
            service = self.service,
            class = class.as_str(),
            removed,
            outcome = outcome.as_str(),
            "looked for what is kept no longer"
        );
        ended.map(|_| run)
    }

    async fn all_batches(&self, disposal: &Disposal, claim: &Claim, stop: &CancellationToken) -> Result<End, DbError> {
        let (mut after, mut removed, mut failed) = ((DateTime::UNIX_EPOCH, Uuid::nil()), 0, 0);
        let mut fault = None;
        loop {
            let mut conn = self.db.read().await?;
            let batch = disposal.due(&mut conn, claim.before, after, BATCH_MAX).await?;
            drop(conn);
            let Some((last, at)) = batch.last().copied() else { break };
            after = (at, last);
            for (id, at) in batch {
                if stop.is_cancelled() || removed >= REMOVED_MAX {
                    return Ok(End::Stopped);
                }
                match self.one(disposal, claim, (id, at), removed == 0).await {
                    Ok(Some(one)) => removed += u64::from(one),
                    Ok(None) => return Ok(End::Stopped),
                    Err(error) => {
                        failed += 1;
                        tracing::error!(service = self.service, class = claim.class.as_str(), %id, %error, "it stays, although its time is over");
                        fault = Some(error);
                        if failed >= FAILED_MAX {
                            break;
                        }
                    }
                }
            }
            if failed >= FAILED_MAX || !self.beat(claim).await? {
                break;
            }
            tokio::time::sleep(Duration::from_millis(BATCH_PAUSE_MS)).await;
        }
        fault.map_or(Ok(End::Done), Err)
    }

    /// Takes one thing away with its line in the proof; `None` when the run is another process's.
    async fn one(
        &self,
        disposal: &Disposal,
        claim: &Claim,
        (id, at): (Uuid, DateTime<Utc>),
        is_first: bool,
    ) -> Result<Option<bool>, DbError> {
        // A clock that was put back meanwhile would let it go before its run.
        let now = self.clock.now().max(claim.at);
        let mut tx = self.db.begin().await?;
        if !(disposal.take)(&mut tx, id, Bound { now, before: claim.before }).await? {
            return Ok(Some(false));
        }
        if !store::note(&mut tx, claim, is_first, at, now).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(true))
    }

    async fn beat(&self, claim: &Claim) -> Result<bool, DbError> {
        let mut tx = self.db.begin().await?;
        let is_own = store::beat(&mut tx, claim, self.clock.now()).await?;
        tx.commit().await?;
        Ok(is_own)
    }

    /// How many things a run would take away. Nothing is written.
    pub async fn planned(&self) -> Result<Vec<Planned>, DbError> {
        let mut all = Vec::new();
        for disposal in &self.disposals {
            let period = self.periods.of(disposal.class);
            let (before, mut after) = (period.since(self.clock.now()), (DateTime::UNIX_EPOCH, Uuid::nil()));
            let mut years = BTreeMap::new();
            let mut conn = self.db.read().await?;
            loop {
                let batch = disposal.due(&mut conn, before, after, BATCH_MAX).await?;
                let Some((last, at)) = batch.last().copied() else { break };
                after = (at, last);
                for (_, at) in batch {
                    *years.entry(at.year()).or_default() += 1;
                }
            }
            all.push(Planned { class: disposal.class, period, years });
        }
        Ok(all)
    }

    /// How the audit log stands, which a task of its own keeps short.
    pub async fn audit_kept(&self) -> Result<Kept, DbError> {
        let class = RetentionClass::Audit;
        let mut conn = self.db.read().await?;
        let oldest: Option<DateTime<Utc>> =
            on!(conn, |c| sqlx::query_scalar(AUDIT_OLDEST).fetch_optional(c).await).map_err(DbError::from)?;
        let last_done: Option<DateTime<Utc>> =
            on!(conn, |c| sqlx::query_scalar(AUDIT_PRUNED).fetch_optional(c).await).map_err(DbError::from)?;
        Ok(Kept { class, period: self.periods.of(class), oldest, is_overdue: false, last: None, last_done })
    }

    /// How each class stands.
    pub async fn kept(&self) -> Result<Vec<Kept>, DbError> {
        let mut all = Vec::new();
        let mut conn = self.db.read().await?;
        let now = self.clock.now();
        for disposal in &self.disposals {
            let (class, period) = (disposal.class, self.periods.of(disposal.class));
            let overdue = period.since(now) - TimeDelta::days(OVERDUE_DAYS);
            let first = (DateTime::UNIX_EPOCH, Uuid::nil());
            let oldest: Option<DateTime<Utc>> =
                on!(conn, |c| sqlx::query_scalar(disposal.oldest).fetch_one(c).await).map_err(DbError::from)?;
            all.push(Kept {
                class,
                period,
                oldest,
                is_overdue: !disposal.due(&mut conn, overdue, first, 1).await?.is_empty(),
                last: store::last(&mut conn, class, now).await?,
                last_done: store::last_done(&mut conn, class, now).await?,
            });
        }
        Ok(all)
    }
}

impl Kept {
    /// Whether its runs leave proofs; the audit log has a pruning point instead.
    pub fn has_runs(&self) -> bool {
        self.class != RetentionClass::Audit
    }
}

/// Whether the clock was far ahead of everything when the process began.
async fn doubted_at_start(disposer: &Disposer) -> bool {
    match disposer.clock_ahead().await {
        Ok(ahead) => ahead.is_some(),
        Err(error) => {
            tracing::error!(service = disposer.service, %error, "the clock is not compared with what was written before");
            false
        }
    }
}

/// Looks every hour whether a day has passed, and takes away what is kept no longer.
pub fn task(disposer: Disposer) -> Task {
    Box::new(move |stop| {
        Box::pin(async move {
            let doubted = doubted_at_start(&disposer).await;
            loop {
                // A clock that is years ahead at the start has time to be put right before anything is removed by it.
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS)) => {}
                }
                let ran = async {
                    // What was written since by that clock proves nothing: a run that somebody vouches for does, or another start.
                    if doubted && !disposer.has_run_lately().await? {
                        tracing::warn!(service = disposer.service, "nothing is taken away: {DOUBTED}");
                        return Ok(());
                    }
                    disposer.run_daily(&stop).await
                };
                if let Err(error) = ran.await {
                    tracing::error!(service = disposer.service, %error, "what is kept no longer stays until the next try");
                }
            }
        })
    })
}
